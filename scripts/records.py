"""List packages: an OGC API Records document for each, and a benchmark scenario for each that has one.

    python scripts/records.py dist/*.cwl [--service https://HOST/ogc-api/processes/{id}]

Written beside each package: NAME.VERSION.record.json, a record as the APEx algorithm catalogue wants it, and
NAME.VERSION.benchmark.json for every package of packages/benchmarks.yaml. What a record says comes from the package
itself and from packages/metadata.yaml.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import yaml
from package_metadata import ROOT, Facts, facts

CORE = "http://www.opengis.net/spec/ogcapi-records-1/1.0/req/record-core"
PROCESSES = "https://apex.esa.int/core/ogc-api-processes"
PLATFORMS = "https://raw.githubusercontent.com/ESA-APEx/apex_algorithms/refs/heads/main/platform_catalog"
ENGLISH = {"code": "en", "name": "English"}
FORMATS = ("CSV", "GeoPackage", "GeoParquet", "PNG", "STAC")
RASTER_FORMATS = ("Cloud-optimised GeoTIFF", "STAC")


def record_of(document: dict[str, Any], file_name: str, about: Facts, service: str | None = None) -> dict[str, Any]:
    """Record of one package.

    Parameters
    ----------
    document
        The package.
    file_name
        Its file, as the release publishes it.
    about
        Facts of the suite.
    service
        Where the process runs, with ``{id}`` for the package's workflow; otherwise what packages/metadata.yaml says.
    """
    listing = about.metadata["listing"]
    publisher = about.metadata["publisher"]
    workflow = document["$graph"][0]
    day = f"{document['s:dateCreated']}T00:00:00Z"
    return {
        "id": workflow["id"],
        "type": "Feature",
        "conformsTo": [CORE, PROCESSES],
        "geometry": None,
        "properties": {
            "created": day,
            "updated": day,
            "type": "service",
            "title": document["s:name"],
            "description": document["s:description"],
            "version": about.version,
            "cost_estimate": listing["cost_estimate"],
            "cost_unit": listing["cost_unit"],
            "keywords": listing["keywords"],
            "language": ENGLISH,
            "languages": [ENGLISH],
            "contacts": [
                {
                    "name": publisher["name"],
                    "organization": publisher["name"],
                    "emails": [{"value": publisher["email"]}],
                    "links": [_link("about", "text/html", publisher["name"], publisher["identifier"])],
                    "roles": ["publisher", "support"],
                }
            ],
            "themes": [
                {
                    "scheme": listing["themes"]["scheme"],
                    "concepts": [{"id": name} for name in listing["themes"]["concepts"]],
                }
            ],
            "formats": [{"name": name} for name in _formats(document)],
            "license": about.citation["license"],
        },
        "linkTemplates": [],
        "links": _links(document, file_name, about, service or listing["service"]),
    }


def benchmark_of(scenario: dict[str, Any], document: dict[str, Any], about: Facts, service: str | None) -> list[Any]:
    """Scenario of one package for the APEx benchmarks: inputs, reference results, tolerances, all by address."""
    entry = document["$graph"][0]["id"]
    address = (service or about.metadata["listing"]["service"]).replace("{id}", entry)
    endpoint = address.partition("/processes/")[0]
    files = {name: _href(value, about) for name, value in scenario["inputs"].items()}
    folder = f"{about.repository}/raw/v{about.version}/packages/reference"
    tolerances = yaml.safe_load((ROOT / "packages" / "reference" / "tolerances.yaml").read_text())
    return [
        {
            "id": f"{entry.replace('-', '_')}_simulated_season",
            "type": "ogc_api_process",
            "description": scenario["description"],
            "endpoint": endpoint,
            "application": entry,
            "auth": about.metadata["listing"]["auth"],
            "parameters": files,
            "reference_data": {name: f"{folder}/{name}" for name in tolerances},
            "reference_options": {"tolerances": tolerances},
        }
    ]


def _link(rel: str, kind: str, title: str, href: str) -> dict[str, str]:
    return {"rel": rel, "type": kind, "title": title, "href": href}


def _links(document: dict[str, Any], file_name: str, about: Facts, service: str) -> list[dict[str, str]]:
    platform = about.metadata["listing"]["platform"]
    entry = document["$graph"][0]["id"]
    images = f"{about.repository}/raw/v{about.version}/docs/images"
    return [
        _link("service", "application/json", "Process description", service.replace("{id}", entry)),
        _link("application", "application/cwl+yaml", "OGC application package", about.release(file_name)),
        _link("platform", "application/json", platform["title"], f"{PLATFORMS}/{platform['name']}.json"),
        _link("code", "text/html", "Source code", about.repository),
        _link("about", "text/html", "User guide", document["s:softwareHelp"]["s:url"]),
        _link("about", "text/html", "Method, limits and accuracy", about.page("docs/science.md")),
        _link("license", "text/html", about.citation["license"], document["s:license"]),
        _link("cite-as", "text/html", "How to cite", document["s:citation"]),
        _link("preview", "image/png", "LAI and FCOVER of a parcel, with the dates found", f"{images}/curve.png"),
        _link("thumbnail", "image/png", "LAI and FCOVER of a parcel", f"{images}/curve.png"),
    ]


def _formats(document: dict[str, Any]) -> tuple[str, ...]:
    """Formats of the results: tables and layers where the package ends with a report, else rasters."""
    return FORMATS if any(process["id"] == "report" for process in document["$graph"]) else RASTER_FORMATS


def _href(value: Any, about: Facts) -> Any:
    """Replace a file by its address in the release."""
    if isinstance(value, dict) and "file" in value:
        return {"class": "File", "href": about.release(f"benchmark-{Path(value['file']).name}")}
    return [_href(each, about) for each in value] if isinstance(value, list) else value


def main(words: list[str] | None = None) -> int:
    """Write the records and scenarios of the packages named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("packages", type=Path, nargs="+")
    parser.add_argument("--service", help="where the processes run, with {id} for the package")
    asked = parser.parse_args(words)
    if asked.service and "{id}" not in asked.service:
        parser.error(f"--service {asked.service} holds no {{id}}")
    about = facts()
    benchmarks = yaml.safe_load((ROOT / "packages" / "benchmarks.yaml").read_text())
    for path in asked.packages:
        document = yaml.safe_load(path.read_text())
        made: dict[str, Any] = {"record": record_of(document, path.name, about, asked.service)}
        name = path.name.removesuffix(f".{about.version}.cwl")
        if name in benchmarks:
            made["benchmark"] = benchmark_of(benchmarks[name], document, about, asked.service)
        for kind, content in made.items():
            target = path.with_name(f"{path.name.removesuffix('.cwl')}.{kind}.json")
            target.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
            print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
