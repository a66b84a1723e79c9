"""The command: wrong usage, bad input, resumption after kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from markers.catalogues import ANGLES, NORTH, WEST, Archive, scene

S2 = {"grid:code": "MGRS-31UDS", "platform": "sentinel-2a", **ANGLES}


@pytest.fixture
def l2a(archive: Callable[[str], Archive]) -> Path:
    made = archive("l2a")
    random = np.random.default_rng(6)
    made.add("S2A_31UDS_20210901", "2021-09-01", scene(random), properties=S2)
    made.add("S2A_31UDS_20211006", "2021-10-06", scene(random), properties=S2)
    return made.close()


def refused(sen4cap: Callable, *words: object, code: int = 3) -> str:
    """One line on standard error, nothing on standard output, no output file."""
    result = sen4cap("markers", *words, code=code)
    assert result.stdout == ""
    if code == 3:
        told = [line for line in result.stderr.splitlines() if line.startswith("sen4cap markers: ")]
        assert len(told) == 1
        assert "Traceback" not in result.stderr
        return told[0]
    return result.stderr


def test_start_after_end(l2a: Path, fields_file: Path, sen4cap: Callable) -> None:
    words = ("--items", l2a, "--parcels", fields_file, "--start", "2021-10-01", "--end", "2021-09-01")
    assert "is after" in refused(sen4cap, *words, code=2)


def test_unknown_variable(l2a: Path, fields_file: Path, sen4cap: Callable) -> None:
    words = ("--items", l2a, "--parcels", fields_file, "--variables", "LAI,EVI")
    assert "EVI is not among" in refused(sen4cap, *words, code=2)


def test_no_item_in_the_span(l2a: Path, fields_file: Path, sen4cap: Callable) -> None:
    words = ("--items", l2a, "--parcels", fields_file, "--start", "2022-10-01")
    assert "holds no item between 2022-10-01" in refused(sen4cap, *words)


def test_a_variable_that_no_item_gives(l2a: Path, fields_file: Path, tmp_path: Path, sen4cap: Callable) -> None:
    words = ("--items", l2a, "--parcels", fields_file, "--variables", "NDVI,AMP")
    assert "no item that gives AMP" in refused(sen4cap, *words)
    sen4cap("lai", "--items", l2a, "--output", tmp_path / "l3b")
    told = refused(sen4cap, "--items", tmp_path / "l3b", "--parcels", fields_file)
    assert "no item that gives NDVI,NBR2" in told
    assert "L3B" in told


def test_a_missing_band(archive: Callable[[str], Archive], fields_file: Path, sen4cap: Callable) -> None:
    made = archive("l2a")
    bands = scene(np.random.default_rng(1))
    bands.pop("B05")
    made.add("S2A_31UDS_20210901", "2021-09-01", bands, properties=S2)
    folder = made.close()
    told = refused(sen4cap, "--items", folder, "--parcels", fields_file, "--variables", "LAI")
    assert "S2A_31UDS_20210901 has no asset for B05" in told.replace(":", "")
    sen4cap("markers", "--items", folder, "--parcels", fields_file, "--variables", "NDVI", "--output", folder / "m.ipc")


def test_an_item_without_angles(archive: Callable[[str], Archive], fields_file: Path, sen4cap: Callable) -> None:
    made = archive("l2a")
    properties = {"grid:code": "MGRS-31UDS"}
    made.add("S2A_31UDS_20210901", "2021-09-01", scene(np.random.default_rng(1)), properties=properties)
    folder = made.close()
    assert "angle" in refused(sen4cap, "--items", folder, "--parcels", fields_file, "--variables", "LAI")
    sen4cap("markers", "--items", folder, "--parcels", fields_file, "--variables", "NBR2", "--output", folder / "m.ipc")


@pytest.mark.parametrize("keep", [100, 3000])
def test_a_truncated_raster(l2a: Path, fields_file: Path, tmp_path: Path, sen4cap: Callable, keep: int) -> None:
    path = l2a / "S2A_31UDS_20211006" / "B11.tif"
    path.write_bytes(path.read_bytes()[:keep])
    output = tmp_path / "markers.ipc"
    told = refused(sen4cap, "--items", l2a, "--parcels", fields_file, "--output", output)
    assert str(path) in told
    assert not output.exists()


def test_a_missing_raster(l2a: Path, fields_file: Path, sen4cap: Callable) -> None:
    (l2a / "S2A_31UDS_20211006" / "SCL.tif").unlink()
    told = refused(sen4cap, "--items", l2a, "--parcels", fields_file)
    assert "SCL.tif" in told


def test_no_parcel_on_any_image(l2a: Path, tmp_path: Path, sen4cap: Callable) -> None:
    field = shapely.box(10.0, 45.0, 10.01, 45.01)
    gpd.GeoDataFrame({"NewID": [1]}, geometry=[field], crs=4326).to_file(tmp_path / "far.gpkg")
    told = refused(sen4cap, "--items", l2a, "--parcels", tmp_path / "far.gpkg")
    assert "far.gpkg: none of its 1 parcels lies on any of the 2 images" in told
    sliver = shapely.box(WEST + 100, NORTH - 200, WEST + 104, NORTH - 100)
    gpd.GeoDataFrame({"NewID": [1]}, geometry=[sliver], crs=32631).to_file(tmp_path / "thin.gpkg")
    assert "the buffer leaves nothing" in refused(sen4cap, "--items", l2a, "--parcels", tmp_path / "thin.gpkg")


def test_no_usable_parcel(l2a: Path, tmp_path: Path, sen4cap: Callable) -> None:
    frame = gpd.GeoDataFrame({"NewID": [1, 2]}, geometry=[shapely.Polygon(), None], crs=4326)
    frame.to_parquet(tmp_path / "empty.parquet")
    assert "no usable parcel among 2 records" in refused(
        sen4cap, "--items", l2a, "--parcels", tmp_path / "empty.parquet"
    )


def test_no_identifier_field(l2a: Path, fields_file: Path, sen4cap: Callable) -> None:
    told = refused(sen4cap, "--items", l2a, "--parcels", fields_file, "--id-field", "FIELD_ID")
    assert "has no field FIELD_ID, only NewID" in told


def test_a_catalogue_of_something_else(archive: Callable[[str], Archive], fields_file: Path, sen4cap: Callable) -> None:
    made = archive("dem")
    made.add("dem", "2021-09-01", {}, properties={})
    assert "no Sentinel-2 L2A, L3B or Sentinel-1 item" in refused(
        sen4cap, "--items", made.close(), "--parcels", fields_file
    )


def test_rasters_of_one_pass_that_do_not_fit(
    archive: Callable[[str], Archive], fields_file: Path, sen4cap: Callable
) -> None:
    made = archive("s1")
    folder = made.add("a", "2021-11-02", {"VV": np.ones((30, 40), np.float32)}, properties={}, size=20)
    other = archive("other").add("b", "2021-11-02", {"VH": np.ones((30, 39), np.float32)}, properties={}, size=20)
    (other / "VH.tif").rename(folder / "VH.tif")
    item = made.items[0]
    item.add_asset("vh", item.assets["vv"].clone())
    item.assets["vh"].href = "./VH.tif"
    told = refused(sen4cap, "--items", made.close(), "--parcels", fields_file, "--variables", "RATIO")
    assert "has other pixels than" in told


def test_numbers_that_are_no_decibel_are_told(
    archive: Callable[[str], Archive], fields_file: Path, tmp_path: Path, sen4cap: Callable
) -> None:
    power = {"VV": np.full((30, 40), 0.1, np.float32), "VH": np.full((30, 40), 0.02, np.float32)}
    for unit in ({}, {"unit": "1"}):
        made = archive(f"s1{len(unit)}")
        made.add("a", "2021-11-02", power, properties={}, size=20, fields=unit)
        output = tmp_path / "m.ipc"
        words = ("--parcels", fields_file, "--variables", "RATIO", "--output", output)
        result = sen4cap("markers", "--items", made.close(), *words)
        assert ("no unit is declared" in result.stderr) == (not unit)


def test_a_full_disk(l2a: Path, fields_file: Path, on_small_disk: Callable[..., Any]) -> None:
    words = ("--items", l2a, "--parcels", fields_file, "--variables", "NDVI", "--output", "m.ipc")
    command = [sys.executable, "-m", "sen4cap", "markers", *map(str, words)]
    for kib in (1, 8):
        result = on_small_disk(*command, kib=kib)
        assert result.returncode == 3, result.stderr
        assert "the disk is full" in result.stderr
        assert "Traceback" not in result.stderr
    assert on_small_disk(*command, kib=2000).returncode == 0


@pytest.mark.slow
def test_kill_and_rerun(
    archive: Callable[[str], Archive], fields_file: Path, tmp_path: Path, sen4cap: Callable
) -> None:
    made = archive("l2a")
    random = np.random.default_rng(9)
    for day in range(1, 29):
        made.add(f"S2A_31UDS_202109{day:02d}", f"2021-09-{day:02d}", scene(random), properties=S2)
    folder = made.close()
    words = [
        "markers",
        "--items",
        folder,
        "--parcels",
        fields_file,
        "--variables",
        "LAI,NDVI",
        "--threads",
        1,
        "--output",
    ]
    output = tmp_path / "markers.ipc"
    command = [sys.executable, "-m", "sen4cap", *map(str, words), str(output)]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    room = tmp_path / ".markers.looks"
    for _ in range(1200):
        if len(list(room.glob("[!.]*.npy"))) >= 3 or process.poll() is not None:
            break
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    kept = {path.name: path.stat().st_mtime_ns for path in room.glob("[!.]*.npy")}
    assert kept
    assert not output.exists()
    sen4cap(*words, output)
    assert not room.exists()
    sen4cap(*words, tmp_path / "again.ipc")
    assert output.read_bytes() == (tmp_path / "again.ipc").read_bytes()
    leftovers = [path.name for path in tmp_path.glob(".*") if "lock" not in path.name]
    assert leftovers == []


def test_what_was_finished_is_not_measured_again(
    l2a: Path, fields_file: Path, tmp_path: Path, sen4cap: Callable
) -> None:
    """After a fault in the last image the first is not read a second time, and a changed image is."""
    words = ("markers", "--items", l2a, "--parcels", fields_file, "--variables", "NDVI", "--threads", 1, "--output")
    sen4cap(*words, tmp_path / "whole.ipc")
    red = l2a / "S2A_31UDS_20211006" / "B04.tif"
    good = red.read_bytes()
    red.write_bytes(good[:3000])
    sen4cap(*words, tmp_path / "markers.ipc", code=3)
    (kept,) = (tmp_path / ".markers.looks").glob("*.npy")
    np.save(kept, np.load(kept) * np.float32(1.5))
    red.write_bytes(good)
    sen4cap(*words, tmp_path / "markers.ipc")
    import pyarrow as pa

    one, other = (pa.ipc.open_file(tmp_path / name).read_all().to_pandas() for name in ("whole.ipc", "markers.ipc"))
    np.testing.assert_allclose(other["20210901_mean_NDVI"], one["20210901_mean_NDVI"] * 1.5)
    np.testing.assert_array_equal(other["20211006_mean_NDVI"], one["20211006_mean_NDVI"])
