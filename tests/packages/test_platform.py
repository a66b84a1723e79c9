"""A platform that knows nothing but the package: stages in, runs, stages out by the catalogue of the result."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pystac
import pystac.layout
import pytest
import yaml
from bundle import STAGED, Package, bundle, write
from package_metadata import Facts

ROOT = Path(__file__).parents[2]
USERS_VALUES = {
    **{"season": 2021, "start": "2021-06-01", "end": "2022-08-15", "method": "threshold"},
    **{"crop_before": "crop_before", "crop_after": "crop_after"},
}


def stage_in(items: list[pystac.Item], folder: Path) -> Path:
    """Copy items with their assets below a new catalogue, an item a folder, as platforms do."""
    catalog = pystac.Catalog("staged-in", "Items that a user chose")
    for item in items:
        own = item.full_copy()
        own.make_asset_hrefs_absolute()
        own.clear_links()
        room = folder / own.id
        room.mkdir(parents=True)
        for asset in own.assets.values():
            name = Path(asset.href).name
            shutil.copyfile(asset.href, room / name)
            asset.href = str(room / name)
        catalog.add_item(own)
    catalog.normalize_hrefs(str(folder))
    catalog.make_all_asset_hrefs_relative()
    catalog.save(pystac.CatalogType.SELF_CONTAINED)
    return folder


def job_of(workflow: Mapping[str, Any], staged: Path, files: Mapping[str, Path]) -> dict[str, Any]:
    """Job of a package by its own inputs: folders are staged, files uploaded, the rest filled in by the user."""
    job: dict[str, Any] = {}
    for name, entry in workflow["inputs"].items():
        optional = str(entry["type"]).endswith("?") or "default" in entry
        if entry["type"] == "Directory":
            job[name] = {"class": "Directory", "location": staged.as_uri()}
        elif str(entry["type"]).startswith("File") and name in files:
            job[name] = {"class": "File", "location": files[name].as_uri()}
        elif name in USERS_VALUES:
            job[name] = USERS_VALUES[name]
        else:
            assert optional, f"the package needs {name}, and a user cannot know it"
    return job


def stage_out(catalog_file: Path, bucket: Path) -> list[pystac.Item]:
    """Publish what a result's catalogue names, and nothing else; the items as they are published."""
    catalog = pystac.Catalog.from_file(str(catalog_file))
    items = list(catalog.get_items(recursive=True))
    for item in items:
        item.make_asset_hrefs_absolute()
        room = bucket / item.id
        room.mkdir(parents=True)
        for asset in item.assets.values():
            assert catalog_file.parent in Path(asset.href).parents, f"{asset.href} is outside the result"
            published = room / Path(asset.href).name
            assert not published.exists(), f"two assets are called {published.name}"
            shutil.copyfile(asset.href, published)
            asset.href = str(published)
    catalog.normalize_hrefs(str(bucket))
    catalog.make_all_asset_hrefs_relative()
    catalog.save(pystac.CatalogType.SELF_CONTAINED)
    return list(pystac.Catalog.from_file(str(bucket / "catalog.json")).get_items(recursive=True))


def valid(thing: pystac.STACObject) -> None:
    """Validate by pystac; extensions by no schema, for theirs are on the network."""
    core = thing.clone()
    core.stac_extensions = []
    core.validate()


@pytest.fixture(scope="module")
def staged(season: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    items = list(pystac.Catalog.from_file(str(season / "catalog.json")).get_items(recursive=True))
    return stage_in(items, tmp_path_factory.mktemp("node") / "staged")


def run_as_platform(
    package: Package, staged: Path, season: Path, room: Path, environment: dict[str, str], how: list[str]
) -> Path:
    """Deploy, execute, and give the folder of the one output."""
    room.mkdir(parents=True, exist_ok=True)
    file = write(package, room)
    deployed = yaml.safe_load(file.read_text())
    workflow = deployed["$graph"][0]
    job = room / "job.yml"
    uploads = {"parcels": season / "parcels.gpkg", "crops": season / "crops.csv"}
    job.write_text(yaml.safe_dump(job_of(workflow, staged, uploads)))
    command = ["cwltool", *how, "--tmpdir-prefix", f"{room}/tmp/", "--outdir", str(room / "out")]
    done = subprocess.run(
        [*command, f"{file}#{workflow['id']}", str(job)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    (output,) = yaml.safe_load(done.stdout).values()
    assert output["class"] == "Directory"
    return Path(output["path"])


def assert_published(result: Path, bucket: Path) -> None:
    assert (result / "catalog.json").is_file()
    valid(pystac.Catalog.from_file(str(result / "catalog.json")))
    (item,) = stage_out(result / "catalog.json", bucket)
    valid(item)
    names = {Path(asset.href).name for asset in item.assets.values()}
    assert {"wcc.csv", "wcc.gpkg", "season.csv", "intercrop.csv", "index.html"} <= names
    assert names == {path.name for path in (bucket / item.id).iterdir()} - {f"{item.id}.json"}
    assert all(
        "data" in (a.roles or []) for a in item.assets.values() if a.href.endswith(".csv") and "account" not in a.href
    )
    assert item.properties["processing:software"]
    assert item.bbox is not None


def test_wcc_staged_in_run_and_staged_out(
    about: Facts, staged: Path, season: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """The document of the package, but that its images stay hints: so it runs where there is no container engine."""
    package = bundle(ROOT / "workflows" / "wcc.cwl", STAGED, about=about, digests={}, containers="hints")
    result = run_as_platform(package, staged, season, tmp_path, environment, ["--no-container"])
    assert_published(result, tmp_path / "bucket")


@pytest.mark.slow
def test_wcc_staged_in_its_images(
    packages: dict[str, Package], staged: Path, season: Path, with_images: dict[str, str], tmp_path: Path
) -> None:
    result = run_as_platform(packages["wcc-staged"], staged, season, tmp_path, with_images, ["--disable-pull"])
    assert_published(result, tmp_path / "bucket")


def test_a_package_refuses_a_run_without_its_images(
    packages: dict[str, Package], staged: Path, season: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    file = write(packages["wcc-staged"], tmp_path)
    job = tmp_path / "job.yml"
    job.write_text(
        yaml.safe_dump(job_of(packages["wcc-staged"].workflow, staged, {"parcels": season / "parcels.gpkg"}))
    )
    command = ["cwltool", "--no-container", "--outdir", str(tmp_path / "out"), f"{file}#wcc-staged", str(job)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "DockerRequirement" in done.stderr
