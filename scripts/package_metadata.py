"""What packages, records and releases say about the suite, from the places where it stands once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
PLACEHOLDERS = ("@users.noreply.github.com", "example.org")
"""What an address holds that nobody has filled in yet."""


@dataclass(frozen=True)
class Facts:
    """Version (tools/sen4cap/__init__.py), CITATION.cff and packages/metadata.yaml."""

    version: str
    citation: dict[str, Any]
    metadata: dict[str, Any]

    @property
    def repository(self) -> str:
        """Address of the repository."""
        return str(self.metadata["repository"])

    def page(self, path: str) -> str:
        """Address of a file of this version."""
        return f"{self.repository}/blob/v{self.version}/{path}"

    def release(self, name: str) -> str:
        """Address of a file of this version's release."""
        return f"{self.repository}/releases/download/v{self.version}/{name}"


def version(root: Path = ROOT) -> str:
    """The version, where it stands once."""
    text = (root / "tools" / "sen4cap" / "__init__.py").read_text()
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if found is None:
        raise ValueError(f'{root}/tools/sen4cap/__init__.py: has no line __version__ = "..."')
    return found.group(1)


def facts(root: Path = ROOT) -> Facts:
    """Read all three places."""
    return Facts(
        version(root),
        yaml.safe_load((root / "CITATION.cff").read_text()),
        yaml.safe_load((root / "packages" / "metadata.yaml").read_text()),
    )


def schema_org(about: Facts, *, page: str, title: str, description: str) -> dict[str, Any]:
    """Metadata of a package in schema.org's terms, as OGC 20-089r1 and its validators ask for them."""
    publisher = _organisation(about.metadata["publisher"])
    given = about.metadata["author"]
    person = {
        "class": "s:Person",
        **{f"s:{key}": given[key] for key in ("givenName", "familyName", "email")},
        "s:affiliation": publisher,
    }
    return {
        "s:name": title,
        "s:description": description,
        "s:softwareVersion": about.version,
        "s:dateCreated": str(about.citation["date-released"]),
        "s:license": f"https://spdx.org/licenses/{about.citation['license']}",
        "s:codeRepository": about.repository,
        "s:citation": about.page("CITATION.cff"),
        "s:releaseNotes": about.page("CHANGELOG.md"),
        "s:keywords": list(about.metadata["keywords"]),
        "s:softwareHelp": {
            "class": "s:CreativeWork",
            "s:name": "User guide",
            "s:url": about.page(f"docs/workflows/{page}.md"),
        },
        "s:publisher": publisher,
        "s:author": [person],
        "s:contributor": [person],
    }


def placeholders(metadata: Any, path: str = "") -> list[str]:
    """Places of packages/metadata.yaml that still hold an invented address."""
    if isinstance(metadata, dict):
        return [found for key, value in metadata.items() for found in placeholders(value, f"{path}.{key}".lstrip("."))]
    if isinstance(metadata, list):
        return [found for place, value in enumerate(metadata) for found in placeholders(value, f"{path}[{place}]")]
    return [path] if isinstance(metadata, str) and any(mark in metadata for mark in PLACEHOLDERS) else []


def _organisation(entry: dict[str, str]) -> dict[str, str]:
    return {"class": "s:Organization", **{f"s:{key}": entry[key] for key in ("name", "email", "identifier")}}
