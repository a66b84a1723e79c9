"""Records hold what the APEx catalogue asks for, and say what the packages say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from bundle import Package, bundles, write
from package_metadata import Facts, facts, placeholders
from records import benchmark_of, main, record_of

ROOT = Path(__file__).parents[2]
NAMES = [package.name for package in bundles(facts(), {})]
KEYWORDS = {
    "Agriculture",
    "Land Use/Land Cover Classification",
    "Vegetation",
    "Normalized Difference Vegetation Index (NDVI)",
    "Leaf Area Index (LAI)",
    "Fraction of Absorbed Photosynthetic Active Radiation (fAPAR)",
    "Fraction of Vegetation Coverage (fCOVER)",
    "Sentinel-1",
    "Sentinel-2",
}
"""Words of the catalogue's list that can fit a package of this suite."""
RELATIONS = {
    *("platform", "application", "service", "example-output", "example-input", "preview", "order", "license"),
    *("about", "webapp", "code", "thumbnail", "cite-as"),
}
TEXT = {"type": "string", "minLength": 1}
DAY = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
WANTED: dict[str, Any] = {
    "type": "object",
    "required": ["id", "type", "conformsTo", "geometry", "properties", "links"],
    "properties": {
        "id": {"type": "string", "pattern": "^[a-z0-9-]+$"},
        "type": {"const": "Feature"},
        "conformsTo": {
            "allOf": [
                {"contains": {"const": "http://www.opengis.net/spec/ogcapi-records-1/1.0/req/record-core"}},
                {"contains": {"const": "https://apex.esa.int/core/ogc-api-processes"}},
            ]
        },
        "geometry": {"type": "null"},
        "properties": {
            "type": "object",
            "required": ["created", "updated", "type", "title", "description", "contacts", "themes", "formats"],
            "properties": {
                **{"created": DAY, "updated": DAY, "type": {"const": "service"}, "title": TEXT, "description": TEXT},
                **{"cost_estimate": {"type": "number"}, "cost_unit": TEXT},
                "keywords": {"type": "array", "items": {"enum": sorted(KEYWORDS)}, "minItems": 1, "uniqueItems": True},
                "contacts": {"minItems": 1, "items": {"required": ["name", "roles"], "properties": {"name": TEXT}}},
                "themes": {"minItems": 1, "items": {"required": ["concepts", "scheme"]}},
                "formats": {"minItems": 1, "items": {"required": ["name"]}},
            },
        },
        "links": {
            "items": {
                "required": ["rel", "type", "title", "href"],
                "properties": {
                    **{"rel": {"enum": sorted(RELATIONS)}, "type": TEXT, "title": TEXT},
                    "href": {"type": "string", "pattern": r"^https://[^\s]+$"},
                },
            },
            "allOf": [
                {"contains": {"properties": {"rel": {"const": rel}}}} for rel in ("service", "application", "platform")
            ],
        },
    },
}
"""What the catalogue's own schema requires of a record, of a service of OGC API - Processes."""


@pytest.mark.parametrize("name", NAMES)
def test_the_catalogue_takes_the_record(name: str, packages: dict[str, Package], about: Facts) -> None:
    package = packages[name]
    record = record_of(package.document, package.file_name, about)
    jsonschema.validate(record, WANTED)
    links = {link["rel"]: link for link in record["links"]}
    assert links["application"]["type"] == "application/cwl+yaml"
    assert links["application"]["href"].endswith(f"/v{about.version}/{package.file_name}")
    assert links["service"]["href"].endswith(f"/{package.entry}")
    platform = "https://raw.githubusercontent.com/ESA-APEx/apex_algorithms/refs/heads/main/platform_catalog/"
    assert links["platform"]["href"].startswith(platform)
    assert record["properties"]["title"] == package.document["s:name"]


def test_pages_and_pictures_that_records_name_are_there(packages: dict[str, Package], about: Facts) -> None:
    for package in packages.values():
        for link in record_of(package.document, package.file_name, about)["links"]:
            for part in (f"/blob/v{about.version}/", f"/raw/v{about.version}/"):
                if part in link["href"]:
                    assert (ROOT / link["href"].partition(part)[2]).is_file(), link["href"]


def test_the_service_is_the_one_given(packages: dict[str, Package], tmp_path: Path) -> None:
    file = write(packages["wcc-from-markers"], tmp_path)
    service = "https://processing.example.com/ogc-api/processes/{id}"
    assert main([str(file), "--service", service]) == 0
    record = json.loads((tmp_path / file.name.replace(".cwl", ".record.json")).read_text())
    assert "https://processing.example.com/ogc-api/processes/wcc-from-markers" in [
        link["href"] for link in record["links"]
    ]
    (scenario,) = json.loads((tmp_path / file.name.replace(".cwl", ".benchmark.json")).read_text())
    assert scenario["endpoint"] == "https://processing.example.com/ogc-api"


def test_a_service_for_all_packages_is_refused(
    packages: dict[str, Package], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([str(write(packages["lai"], tmp_path)), "--service", "https://processing.example.com"])
    assert stopped.value.code == 2
    assert "holds no {id}" in capsys.readouterr().err


def test_benchmarks_hand_over_what_their_packages_take(packages: dict[str, Package], about: Facts) -> None:
    benchmarks = yaml.safe_load((ROOT / "packages" / "benchmarks.yaml").read_text())
    assert benchmarks
    for name, scenario in benchmarks.items():
        (made,) = benchmark_of(scenario, packages[name].document, about, None)
        inputs = packages[name].workflow["inputs"]
        assert set(made["parameters"]) <= set(inputs)
        needed = {
            key for key, entry in inputs.items() if "default" not in entry and not str(entry["type"]).endswith("?")
        }
        assert needed <= set(made["parameters"])
        for file, href in made["reference_data"].items():
            assert (ROOT / "packages" / "reference" / file).is_file()
            assert href.endswith(f"/v{about.version}/packages/reference/{file}")


def test_places_to_fill_in_are_found() -> None:
    metadata = {"a": {"email": "x@users.noreply.github.com"}, "b": ["https://esa.int", "https://x.example.org"]}
    assert placeholders(metadata) == ["a.email", "b[1]"]
