"""Prove that everything of a release is of one version.

    python scripts/release_check.py [--dist dist] [--tag v0.1.0]

The version stands in tools/sen4cap/__init__.py. With --tag, as the release does it, the changelog must have a dated
section, every image a digest, and no address may be an invented one; without it those are notes. A line for each thing
that is held against the version; exit code 3 where something disagrees.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from bundle import Package, Unbundled, bundles, images_of, read_digests
from package_metadata import ROOT, Facts, facts, placeholders

SEMANTIC = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?")
SECTION = re.compile(r"^## \[([^\]]+)\](?: - (\S+))?$", re.MULTILINE)


@dataclass(frozen=True)
class Finding:
    """Something that was held against the version."""

    what: str
    wrong: str = ""
    note: str = ""


def check_version(about: Facts, tag: str | None) -> Iterator[Finding]:
    """The version itself, and the tag of the release."""
    what = f"version {about.version}"
    yield Finding(what, "" if SEMANTIC.fullmatch(about.version) else "is no semantic version")
    if tag is not None:
        yield Finding(f"tag {tag}", "" if tag == f"v{about.version}" else f"the version is {about.version}")
    text = (ROOT / "pyproject.toml").read_text()
    own = re.search(r'^version\s*=\s*"', text.partition("[tool.")[0], re.MULTILINE)
    yield Finding("pyproject.toml", "names a version of its own" if own else "")


def check_citation(about: Facts) -> Iterator[Finding]:
    """CITATION.cff: version, date, author as the packages say them."""
    said = about.citation
    yield Finding("CITATION.cff, version", _same(said["version"], about.version))
    try:
        datetime.date.fromisoformat(str(said["date-released"]))
        wrong = ""
    except ValueError:
        wrong = f"{said['date-released']} is no date"
    yield Finding("CITATION.cff, date-released", wrong)
    author = about.metadata["author"]
    name = f"{author['givenName']} {author['familyName']}"
    yield Finding("CITATION.cff, authors", _same(said["authors"][0].get("name"), name))


def check_changelog(about: Facts, tag: str | None, text: str) -> Iterator[Finding]:
    """CHANGELOG.md: a dated section of the version, or the unreleased changes that will be it."""
    dates = dict(SECTION.findall(text))
    if about.version in dates:
        yield Finding("CHANGELOG.md", _same(dates[about.version], str(about.citation["date-released"])))
    elif tag is None and "Unreleased" in dates:
        yield Finding("CHANGELOG.md", note=f"the changes of {about.version} stand under [Unreleased]")
    else:
        yield Finding("CHANGELOG.md", f"has no section ## [{about.version}] - {about.citation['date-released']}")


def check_images(about: Facts, tag: str | None, dist: Path, made: list[Package]) -> Iterator[Finding]:
    """Images: named with the version, described in images/, built with its label, published with a digest."""
    digests = read_digests(dist / "images.json")
    named = {image for file in sorted((ROOT / "cwl").glob("*.cwl")) for image in _images_in(file)}
    for image in sorted(named):
        path, _, version = image.rpartition(":")
        registry, _, name = path.rpartition("/")
        yield Finding(f"cwl/*.cwl, {image}", _same(version, about.version) or _same(registry, _registry(about)))
        recipe = ROOT / "images" / name / "Containerfile"
        yield Finding(f"images/{name}/Containerfile", "" if recipe.is_file() else "is missing")
        built = _label(image)
        yield (
            Finding(f"image {image}", note="is not built here")
            if built is None
            else Finding(f"image {image}, label", _same(built, about.version))
        )
        if image not in digests:
            text = f"has no digest of {image}"
            yield Finding("dist/images.json", text if tag else "", "" if tag else text)
    for image in sorted(set(digests) - named):
        yield Finding("dist/images.json", f"has a digest of {image}, which no descriptor names")
    loose = sorted({image for package in made for image in images_of(package.document) if "@" not in image})
    if tag and loose:
        yield Finding("packages", f"name {', '.join(loose)} by tag")


def check_packages(about: Facts, dist: Path, made: list[Package]) -> Iterator[Finding]:
    """Packages in dist: what the workflows make now, each with its record, and no other."""
    for package in made:
        file = dist / package.file_name
        if not file.is_file():
            yield Finding(str(file), "is missing; run `make packages`")
            continue
        fresh = yaml.safe_load(file.read_text()) == package.document
        yield Finding(str(file), "" if fresh else "is not what workflows/ and cwl/ make; run `make packages`")
        record = file.with_name(file.name.removesuffix(".cwl") + ".record.json")
        if not record.is_file():
            yield Finding(str(record), "is missing; run `make packages`")
            continue
        hrefs = {link["rel"]: link["href"] for link in json.loads(record.read_text())["links"]}
        yield Finding(str(record), _same(hrefs["application"], about.release(package.file_name)))
    for file in sorted(set(dist.glob("*.cwl")) - {dist / package.file_name for package in made}):
        yield Finding(str(file), "belongs to no workflow of this version")


def check_addresses(about: Facts, tag: str | None) -> Iterator[Finding]:
    """Addresses that nobody has filled in."""
    for place in placeholders(about.metadata):
        text = f"{place} is an invented address"
        yield Finding("packages/metadata.yaml", text if tag else "", "" if tag else text)


def findings(dist: Path, tag: str | None = None) -> Iterator[Finding]:
    """Everything, in order."""
    about = facts()
    made = list(bundles(about, read_digests(dist / "images.json")))
    yield from check_version(about, tag)
    yield from check_citation(about)
    yield from check_changelog(about, tag, (ROOT / "CHANGELOG.md").read_text())
    yield from check_images(about, tag, dist, made)
    yield from check_packages(about, dist, made)
    yield from check_addresses(about, tag)


def _same(said: object, expected: str) -> str:
    return "" if said == expected else f"says {said}, not {expected}"


def _registry(about: Facts) -> str:
    return str(about.metadata["registry"])


def _images_in(file: Path) -> list[str]:
    return images_of(yaml.safe_load(file.read_text()))


def _label(image: str) -> str | None:
    """Version that an image's label says; None where the image or an engine is not here."""
    for engine in ("podman", "docker"):
        if shutil.which(engine):
            template = '{{index .Config.Labels "org.opencontainers.image.version"}}'
            command = [engine, "image", "inspect", "--format", template, image]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return done.stdout.strip()
    return None


def main(words: list[str] | None = None) -> int:
    """Check, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--dist", type=Path, default=Path("dist"))
    parser.add_argument("--tag", help="tag of the release, such as v0.1.0")
    asked = parser.parse_args(words)
    try:
        found = list(findings(asked.dist, asked.tag))
    except Unbundled as error:
        print(f"release-check: {error}", file=sys.stderr)
        return 3
    for finding in found:
        mark, text = (
            ("WRONG", finding.wrong) if finding.wrong else ("note", finding.note) if finding.note else ("ok", "")
        )
        print(f"{mark:6}{finding.what}{': ' + text if text else ''}")
    wrong = sum(bool(finding.wrong) for finding in found)
    print(f"{len(found)} checked, {wrong} wrong" + ("; correct them and run again" if wrong else ""))
    return 3 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
