"""The release check passes on this checkout and finds every disagreement."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from bundle import Package, write
from package_metadata import Facts
from records import record_of
from release_check import check_addresses, check_changelog, check_citation, check_images, check_packages, check_version

DIGEST = "sha256:" + "0123456789abcdef" * 4


def wrong(findings: object) -> list[str]:
    return [f"{finding.what}: {finding.wrong}" for finding in findings if finding.wrong]  # type: ignore[attr-defined]


@pytest.fixture
def dist(packages: dict[str, Package], about: Facts, tmp_path: Path) -> Path:
    """What `make packages` leaves."""
    for package in packages.values():
        file = write(package, tmp_path)
        record = record_of(package.document, package.file_name, about)
        file.with_name(file.name.removesuffix(".cwl") + ".record.json").write_text(json.dumps(record))
    return tmp_path


def test_this_checkout_agrees(about: Facts, packages: dict[str, Package], dist: Path) -> None:
    made = list(packages.values())
    assert wrong(check_version(about, None)) == []
    assert wrong(check_citation(about)) == []
    assert wrong(check_images(about, None, dist, made)) == []
    assert wrong(check_packages(about, dist, made)) == []


def test_another_version_disagrees_with_everything(about: Facts, packages: dict[str, Package], dist: Path) -> None:
    later = replace(about, version="9.9.9")
    assert wrong(check_version(later, "v0.1.0")) == ["tag v0.1.0: the version is 9.9.9"]
    assert wrong(check_citation(later)) == [f"CITATION.cff, version: says {about.version}, not 9.9.9"]
    assert any("cwl/*.cwl" in text for text in wrong(check_images(later, None, dist, [])))
    assert any("record.json" in text for text in wrong(check_packages(later, dist, list(packages.values()))))
    assert wrong(check_version(replace(about, version="1.0"), None)) == ["version 1.0: is no semantic version"]


def test_packages_that_are_missing_old_or_changed_are_named(
    about: Facts, packages: dict[str, Package], dist: Path
) -> None:
    made = list(packages.values())
    (dist / packages["wcc"].file_name).unlink()
    lai = dist / packages["lai"].file_name
    lai.write_text(lai.read_text().replace("Fetch the images", "Fetch some images"))
    (dist / "wcc.0.0.1.cwl").write_text("")
    (dist / packages["intercrop"].file_name.replace(".cwl", ".record.json")).unlink()
    assert sorted(wrong(check_packages(about, dist, made))) == [
        f"{dist / packages['intercrop'].file_name.replace('.cwl', '.record.json')}: is missing; run `make packages`",
        f"{lai}: is not what workflows/ and cwl/ make; run `make packages`",
        f"{dist / 'wcc.0.0.1.cwl'}: belongs to no workflow of this version",
        f"{dist / packages['wcc'].file_name}: is missing; run `make packages`",
    ]


def test_a_release_needs_digests_and_real_addresses(about: Facts, packages: dict[str, Package], dist: Path) -> None:
    made = list(packages.values())
    found = wrong(check_images(about, f"v{about.version}", dist, made))
    assert [text for text in found if text.startswith("dist/images.json: has no digest")]
    assert [text for text in found if text.startswith("packages: name ")]
    (dist / "images.json").write_text(json.dumps({"ghcr.io/sen4cap/other:1.0.0": DIGEST}))
    assert any("which no descriptor names" in text for text in wrong(check_images(about, None, dist, made)))
    assert wrong(check_addresses(about, None)) == []
    invented = replace(about, metadata={"publisher": {"email": "a@users.noreply.github.com"}})
    assert wrong(check_addresses(invented, "v1")) == ["packages/metadata.yaml: publisher.email is an invented address"]


@pytest.mark.parametrize(
    ("text", "tag", "said"),
    [
        ("## [Unreleased]\n", None, []),
        ("## [Unreleased]\n", "v0.1.0", ["has no section"]),
        ("## [Unreleased]\n\n## [0.1.0] - 2020-01-01\n", None, ["says 2020-01-01"]),
        ("", None, ["has no section"]),
    ],
)
def test_the_changelog_has_the_version(text: str, tag: str | None, said: list[str], about: Facts) -> None:
    found = wrong(check_changelog(replace(about, version="0.1.0"), tag, text))
    assert len(found) == len(said)
    assert all(part in line for part, line in zip(said, found, strict=True))
