"""L3B products of whole catalogues: files, names, codes, faults, interruptions."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pystac
import pytest
import rasterio
from click.testing import CliRunner, Result
from rasterio.features import rasterize

from made_scenes import Catalogue
from sen4cap import l3b
from sen4cap.cli import main
from sen4cap.lai.networks import load
from sen4cap.stac import open_items

SCENE = "S2AGRI_L3B_A20210901T105328_T31UDS"


def sen4cap_lai(folder: Path, output: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["lai", "--items", str(folder), "--output", str(output), *more])


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as raster:
        return raster.read(1)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_files_of_a_product(catalogue: Catalogue, tmp_path: Path) -> None:
    scl = np.full((20, 24), 4, np.uint8)
    scl[0, :7] = [0, 1, 2, 3, 6, 9, 11]
    red = np.full((40, 48), 400, np.uint16)
    red[10, 10] = 0
    written = catalogue.add(numbers={"SCL": scl, "B04": red}, properties={"sat:relative_orbit": 8})
    result = sen4cap_lai(catalogue.folder, tmp_path / "l3b", "--variables", "LAI,FAPAR,FCOVER,NDVI")
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    place = tmp_path / "l3b" / SCENE
    keys = [
        "SLAIMONO",
        "SFAPARMONO",
        "SFCOVERMONO",
        "SNDVI",
        "MLAIDOMFLG",
        "MFAPARDOMFLG",
        "MFCOVERDOMFLG",
        "MMONODFLG",
    ]
    names = {key: f"S2AGRI_L3B_{key}_A20210901T105328_T31UDS.TIF" for key in keys}
    assert sorted(path.name for path in place.iterdir()) == sorted([*names.values(), f"{SCENE}.json"])
    status = read(place / names["MMONODFLG"])
    assert status[0, :14:2].tolist() == [255, 5, 4, 4, 1, 4, 3]
    assert status[10, 10] == 255
    assert status[10, 11] == 0
    lai = read(place / names["SLAIMONO"])
    assert lai.dtype == np.int16
    without = np.isin(status, [3, 4, 255])
    assert (lai[without] == -10000).all()
    assert (lai[~without] >= -200).all()
    assert (read(place / names["MLAIDOMFLG"])[without] == 255).all()
    # Water and saturated pixels keep their values.
    assert lai[0, 2] != -10000
    assert lai[0, 8] != -10000
    network = load("sen4cap-allbands")
    for variable in ("LAI", "FAPAR", "FCOVER"):
        cosines = np.cos(np.radians([6.0, 60.0, 60.0]))
        bands = [
            written[name] if len(written[name]) == 40 else written[name].repeat(2, 0).repeat(2, 1)
            for name in network.bands
        ]
        inputs = np.stack([*(band * 1e-4 for band in bands), *np.broadcast_to(cosines[:, None, None], (3, 40, 48))], -1)
        part = network.variables[variable]
        expected = part.bounded(part.raw(inputs)) * 1000
        got = read(place / names[l3b.VALUE_KEYS[variable]])
        assert np.abs(got - np.trunc(expected))[~without].max() <= 1
        codes = read(place / names[l3b.DOMAIN_KEYS[variable]])
        raw = part.raw(inputs)
        low, high = raw < part.low - part.tolerance, raw > part.high + part.tolerance
        np.testing.assert_array_equal(codes[~without], np.where(low, 2, np.where(high, 3, 0))[~without])
    ndvi = (written["B08"] - 400.0) / (written["B08"] + 400.0) * 1000
    assert np.abs(read(place / names["SNDVI"]) - np.trunc(ndvi))[~without].max() <= 1


def test_the_catalogue_says_what_it_holds(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.add(properties={"sat:relative_orbit": 8, "eo:cloud_cover": 12.5})
    assert sen4cap_lai(catalogue.folder, tmp_path / "l3b", "--clear-classes", "2,4,5,7").exit_code == 0
    catalog = pystac.Catalog.from_file(str(tmp_path / "l3b" / "catalog.json"))
    (item,) = open_items(tmp_path / "l3b")
    assert catalog.id == "l3b"
    assert item.id == SCENE
    said = item.properties
    assert (said["platform"], said["grid:code"], said["sat:relative_orbit"]) == ("sentinel-2a", "MGRS-31UDS", 8)
    assert said["sen4cap:network"] == "sen4cap-allbands"
    assert said["sen4cap:clear_classes"] == [2, 4, 5, 7]
    assert said["proj:code"] == "EPSG:32631"
    assert "sen4cap" in said["processing:software"]
    assert [link.target for link in item.get_links("derived_from")] == ["S2A_31UDS_20210901_0_L2A"]
    assert set(item.assets) == {"SLAIMONO", "SFCOVERMONO", "MLAIDOMFLG", "MFCOVERDOMFLG", "MMONODFLG"}
    for key, asset in item.assets.items():
        path = Path(asset.href)
        assert asset.extra_fields["file:size"] == path.stat().st_size
        (band,) = asset.extra_fields["raster:bands"]
        if key.startswith("S"):
            assert (band["scale"], band["nodata"], band["data_type"]) == (0.001, -10000, "int16")
        else:
            assert "scale" not in band
            assert asset.extra_fields["classification:classes"]
        with rasterio.open(path) as raster:
            assert raster.nodata == band["nodata"]
            assert raster.scales == (band.get("scale", 1.0),)
            assert list(raster.transform)[:6] == asset.extra_fields["proj:transform"]
            assert list(raster.shape) == asset.extra_fields["proj:shape"]


def test_snap_networks_reject_and_flag_inputs(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.add(seed=3)
    result = sen4cap_lai(catalogue.folder, tmp_path / "l3b", "--network", "snap-3.0-20m")
    assert result.exit_code == 0, result.output
    (item,) = open_items(tmp_path / "l3b")
    assert item.properties["sen4cap:network"] == "snap-3.0-s2a-20m"
    codes, values = read(Path(item.assets["MLAIDOMFLG"].href)), read(Path(item.assets["SLAIMONO"].href))
    assert set(np.unique(codes)) >= {1, 2}
    assert (values[codes > 1] == -10000).all()
    assert ((values[codes <= 1] >= 0) & (values[codes <= 1] <= 8000)).all()


def test_ndvi_alone_needs_neither_angles_nor_other_bands(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.add(without=("B05", "B11"), properties={"view:azimuth": None})
    assert sen4cap_lai(catalogue.folder, tmp_path / "l3b", "--variables", "NDVI").exit_code == 0
    (item,) = open_items(tmp_path / "l3b")
    assert set(item.assets) == {"SNDVI", "MMONODFLG"}


@pytest.mark.parametrize("shape", [(40, 48), (1300, 1100)])
def test_threads_change_nothing(catalogue: Catalogue, tmp_path: Path, shape: tuple[int, int]) -> None:
    for day in range(1, 4 if shape[0] < 100 else 2):
        catalogue.add(f"S2A_31UDS_2021090{day}_0_L2A", moment=f"2021-09-0{day}T10:53:28Z", shape=shape, seed=day)
    for threads in ("1", "3"):
        assert sen4cap_lai(catalogue.folder, tmp_path / threads, "--threads", threads).exit_code == 0
    assert contents(tmp_path / "1") == contents(tmp_path / "3")


def test_two_scenes_of_one_second_both_stay(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.add("S2A_31UDS_20210901_0_L2A", seed=1)
    catalogue.add("S2A_31UDS_20210901_1_L2A", seed=2)
    assert sen4cap_lai(catalogue.folder, tmp_path / "l3b").exit_code == 0
    items = open_items(tmp_path / "l3b")
    assert [item.id for item in items] == [SCENE, f"{SCENE}_2"]
    first, second = (read(Path(item.assets["SLAIMONO"].href)) for item in items)
    assert (first != second).any()


def test_sentinel_1_in_the_catalogue_is_left_out(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.add()
    catalogue.add("S1_20210902", without=tuple(b for b in ("B02", "B03", "B04", "B08", "B05", "B06", "B07", "B8A")))
    record = catalogue.folder / "S1_20210902" / "S1_20210902.json"
    said = json.loads(record.read_text())
    said["assets"] = {"vv": said["assets"]["swir16"]}
    record.write_text(json.dumps(said))
    result = sen4cap_lai(catalogue.folder, tmp_path / "l3b")
    assert result.exit_code == 0
    assert "1 items without reflectance bands are left out" in result.stderr
    assert len(open_items(tmp_path / "l3b")) == 1
    said["assets"] = {}
    (catalogue.folder / "S2A_31UDS_20210901_0_L2A" / "S2A_31UDS_20210901_0_L2A.json").write_text(json.dumps(said))
    result = sen4cap_lai(catalogue.folder, tmp_path / "none")
    assert result.exit_code == 3
    assert "holds no Sentinel-2 scene" in result.stderr


def one_line(result: Result) -> str:
    lines = [line for line in result.stderr.splitlines() if line.startswith("sen4cap lai: ")]
    assert len(lines) == 1, result.stderr
    return lines[0]


@pytest.mark.parametrize(
    ("settings", "more", "said"),
    [
        ({"without": ("B8A",)}, (), "has no asset for B8A"),
        ({"properties": {"view:sun_elevation": None}}, (), "has no angles: its properties lack view:sun_elevation"),
        ({"properties": {"platform": "sentinel-2c"}}, ("--network", "snap-3.0-20m"), "is of platform 'sentinel-2c'"),
        ({"id": "x", "properties": {"grid:code": None}}, (), "tells no MGRS tile"),
    ],
)
def test_items_without_what_is_needed(
    catalogue: Catalogue, tmp_path: Path, settings: dict, more: tuple[str, ...], said: str
) -> None:
    catalogue.add(**settings)
    result = sen4cap_lai(catalogue.folder, tmp_path / "l3b", *more)
    assert result.exit_code == 3
    assert said in one_line(result)
    assert not (tmp_path / "l3b").exists()


def test_a_truncated_cog_is_named(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.add(shape=(600, 600))
    path = catalogue.folder / "S2A_31UDS_20210901_0_L2A" / "B07.tif"
    path.write_bytes(path.read_bytes()[:-1000])
    result = sen4cap_lai(catalogue.folder, tmp_path / "l3b")
    assert result.exit_code == 3
    assert f"{path}: is missing, truncated or no raster" in one_line(result)
    assert not (tmp_path / "l3b").exists()


def test_a_remote_file_that_cannot_be_reached(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.add()
    record = catalogue.folder / "S2A_31UDS_20210901_0_L2A" / "S2A_31UDS_20210901_0_L2A.json"
    said = json.loads(record.read_text())
    said["assets"]["nir"]["href"] = "http://127.0.0.1:9/B08.tif"
    record.write_text(json.dumps(said))
    result = sen4cap_lai(catalogue.folder, tmp_path / "l3b")
    assert result.exit_code == 4
    assert "http://127.0.0.1:9/B08.tif: cannot be read" in one_line(result)


def test_no_catalogue_and_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "l2a").mkdir()
    result = sen4cap_lai(tmp_path / "l2a", tmp_path / "l3b")
    assert result.exit_code == 3
    assert "holds no catalog.json" in one_line(result)
    catalog = {"type": "Catalog", "stac_version": "1.0.0", "id": "a", "description": "a", "links": []}
    (tmp_path / "l2a" / "catalog.json").write_text(json.dumps(catalog))
    result = sen4cap_lai(tmp_path / "l2a", tmp_path / "l3b")
    assert result.exit_code == 3
    assert "holds no item" in one_line(result)


@pytest.mark.parametrize(
    "wrong",
    [
        ("--network", "snap"),
        ("--variables", "LAI,NBR2"),
        ("--clear-classes", "0,4"),
        ("--clear-classes", "4,12"),
        ("--clear-classes", "clear"),
        ("--threads", "-1"),
    ],
)
def test_wrong_usage(catalogue: Catalogue, tmp_path: Path, wrong: tuple[str, str]) -> None:
    catalogue.add()
    assert sen4cap_lai(catalogue.folder, tmp_path / "l3b", *wrong).exit_code == 2


def test_a_full_disk(
    catalogue: Catalogue, tmp_path: Path, on_small_disk: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    for day in range(1, 9):
        catalogue.add(f"S2A_31UDS_2021090{day}_0_L2A", moment=f"2021-09-0{day}T10:53:28Z", shape=(200, 200), seed=day)
    command = [sys.executable, "-m", "sen4cap", "lai", "--items", str(catalogue.folder), "--output", "l3b"]
    result = on_small_disk(*command, kib=400)
    assert result.returncode == 3
    said = [line for line in result.stderr.splitlines() if line.startswith("sen4cap lai: ")]
    assert len(said) == 1
    assert "the disk is full" in said[0]
    assert "Traceback" not in result.stderr
    assert on_small_disk(*command, kib=20000).returncode == 0


def test_killed_and_run_again(catalogue: Catalogue, tmp_path: Path) -> None:
    for day in range(1, 8):
        catalogue.add(f"S2A_31UDS_2021090{day}_0_L2A", moment=f"2021-09-0{day}T10:53:28Z", shape=(700, 700), seed=day)
    whole = tmp_path / "whole"
    assert sen4cap_lai(catalogue.folder, whole).exit_code == 0
    output, partial = tmp_path / "l3b", tmp_path / ".l3b.partial"
    command = [sys.executable, "-m", "sen4cap", "lai", "--items", str(catalogue.folder), "--output", str(output)]
    process = subprocess.Popen([*command, "--threads", "1"], stderr=subprocess.DEVNULL)
    give_up = time.monotonic() + 60
    while not list(partial.glob("*/*.json")) and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = {path: path.stat().st_mtime_ns for path in partial.glob("*/*.TIF") if _has_record(path.parent)}
    assert finished, "killed too late or too early"
    assert not output.exists()
    (partial / "stranger").mkdir()
    # One finished product is damaged, and must be made again.
    damaged = next(iter(finished)).parent
    victim = next(damaged.glob("*SLAIMONO*"))
    victim.write_bytes(victim.read_bytes()[:100])
    kept = {path.relative_to(partial): when for path, when in finished.items() if path.parent != damaged}
    assert subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0
    assert contents(output) == contents(whole)
    assert {path: (output / path).stat().st_mtime_ns for path in kept} == kept
    assert not partial.exists()


def _has_record(place: Path) -> bool:
    return bool(list(place.glob("*.json")))


def test_what_another_run_left_is_not_taken_over(catalogue: Catalogue, tmp_path: Path) -> None:
    """Products of other settings, or of a scene that changed since, are made again."""
    catalogue.add()
    fresh, output = tmp_path / "fresh", tmp_path / "l3b"
    assert sen4cap_lai(catalogue.folder, fresh, "--network", "sen4cap-rededge").exit_code == 0
    assert sen4cap_lai(catalogue.folder, tmp_path / "old").exit_code == 0
    shutil.copytree(tmp_path / "old", tmp_path / ".l3b.partial")
    assert sen4cap_lai(catalogue.folder, output, "--network", "sen4cap-rededge").exit_code == 0
    assert contents(output) == contents(fresh)
    # The same settings, but a band is newer than the product.
    band = catalogue.folder / "S2A_31UDS_20210901_0_L2A" / "B04.tif"
    with rasterio.open(band, "r+") as raster:
        raster.write(np.full((40, 48), 900, np.uint16), 1)
    later = time.time() + 10
    os.utime(band, (later, later))
    shutil.copytree(fresh, tmp_path / ".l3b.partial")
    assert sen4cap_lai(catalogue.folder, output, "--network", "sen4cap-rededge").exit_code == 0
    assert contents(output) != contents(fresh)


@pytest.mark.slow
def test_a_real_season(shared: Path, tmp_path: Path) -> None:
    """Unit 2 of the Flemish season: maize, then a cover crop that is cleared in the first days of May 2018."""
    folder = shared / "data/flanders"
    result = sen4cap_lai(folder / "sentinel-2-l2a", tmp_path / "l3b")
    assert result.exit_code == 0, result.output
    products = open_items(tmp_path / "l3b")
    assert len(products) == 118
    with rasterio.open(products[0].assets["SLAIMONO"].href) as raster:
        units = gpd.read_file(folder / "parcels.gpkg").set_index("NewID").to_crs(raster.crs.to_string())
        unit = rasterize([units.geometry[2].buffer(-10)], out_shape=raster.shape, transform=raster.transform) == 1
    means = {}
    for item in products:
        lai, status = (read(Path(item.assets[key].href)) for key in ("SLAIMONO", "MMONODFLG"))
        clear = unit & (status == l3b.LAND) & (lai != l3b.NODATA)
        if clear.sum() > 0.7 * unit.sum():
            means[f"{item.datetime:%Y-%m-%d}"] = lai[clear].mean() / 1000
    assert len(means) > 40
    assert all(value > 1 for day, value in means.items() if "2017-11-01" < day < "2018-04-30")
    assert max(value for day, value in means.items() if "2018-01-01" < day < "2018-01-31") > 2
    assert all(value < 0.6 for day, value in means.items() if "2018-05-06" <= day <= "2018-05-31")
