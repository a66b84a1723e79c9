"""From rasters and parcels to the in-situ CSV: what it holds, what is refused, what is accounted for."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine
from click.testing import CliRunner, Result

from sen4cap.cli import main

WEST, NORTH = 3_900_000, 3_100_000
SIZE = 60


def write_raster(path: Path, values: np.ndarray, *, east: int = 0, crs: str | None = "EPSG:3035") -> Path:
    transform = Affine(10, 0, WEST + east, 0, -10, NORTH)
    rows, columns = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=rows, width=columns, count=1, dtype=values.dtype, crs=crs, transform=transform
    ) as raster:
        raster.write(values, 1)
    return path


def square(column: int, row: int, size: int = 100) -> shapely.Polygon:
    return shapely.box(WEST + column, NORTH - row - size, WEST + column + size, NORTH - row)


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    """Six squares of 100 m: cover crop, none, mixed, not observed, tiny, outside; then an empty and a double one."""
    values = np.full((SIZE, SIZE), 65535, np.uint16)
    values[0:10, 0:10] = 21267
    values[0:10, 20:30] = 65530
    values[0:10, 40:45], values[0:10, 45:50] = 21267, 65530
    values[20:30, 0:10] = 65531
    write_raster(tmp_path / "sce.tif", values)
    harvest = np.full((SIZE, SIZE), 21200, np.uint16)
    harvest[0:10, 0:10] = 21280
    write_raster(tmp_path / "cpmch.tif", harvest)
    shapes = [
        square(0, 0),
        square(200, 0),
        square(400, 0),
        square(0, 200),
        square(400, 400, size=15),
        square(5000, 0),
        shapely.Polygon(),
        square(0, 0),
    ]
    frame = gpd.GeoDataFrame({"NewID": [1, 2, 3, 4, 5, 6, 7, 1]}, geometry=shapes, crs=3035)
    frame.to_crs(31370).to_file(tmp_path / "parcels.gpkg")
    return tmp_path


def run(folder: Path, *more: str, sce: tuple[str, ...] = ("sce.tif",)) -> Result:
    rasters = [text for name in sce for text in ("--sce", str(folder / name))]
    options = ["--parcels", str(folder / "parcels.gpkg"), "--season", "2021", "--output", str(folder / "insitu.csv")]
    return CliRunner().invoke(main, ["insitu", *rasters, *options, *more])


def rows_of(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "insitu.csv").open() as handle:
        return {row["NewID"]: row for row in csv.DictReader(handle)}


def test_labels_and_accounting(layer: Path) -> None:
    done = run(layer)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    rows = rows_of(layer)
    assert set(rows) == {"1", "2"}
    assert rows["1"] == {"NewID": "1", "class": "1", "pixels": "64", "purity": "1", "emergence": "2021-09-24"}
    assert (rows["2"]["class"], rows["2"]["emergence"]) == ("2", "")
    details = pd.read_parquet(layer / "insitu_details.parquet")
    assert details["record"].tolist() == list(range(1, 9))
    reasons = details["reason"].tolist()
    assert reasons[0] == reasons[1] == ""
    assert "mixed" in reasons[2]
    assert "too few observations" in reasons[3]
    assert "buffer" in reasons[4]
    assert "outside the raster" in reasons[5]
    assert reasons[6] == "empty geometry"
    assert reasons[7] == "duplicate identifier"
    assert details["label"].isna().tolist() == [False, False] + [True] * 6
    for reason in reasons[2:6]:
        assert reason in done.stderr


def test_emergence_before_the_main_harvest_is_no_label(layer: Path) -> None:
    done = run(layer, "--main-harvest", str(layer / "cpmch.tif"))
    assert done.exit_code == 0, done.stderr
    assert set(rows_of(layer)) == {"2"}
    assert "emergence outside the season" in done.stderr


def test_tiles_are_added_up(layer: Path) -> None:
    with rasterio.open(layer / "sce.tif") as raster:
        values = raster.read(1)
    run(layer)
    whole = (layer / "insitu.csv").read_bytes()
    write_raster(layer / "west.tif", values[:, :5])
    write_raster(layer / "east.tif", values[:, 5:], east=50)
    assert run(layer, sce=("west.tif", "east.tif")).exit_code == 0
    assert (layer / "insitu.csv").read_bytes() == whole


def test_threads_do_not_matter(layer: Path) -> None:
    run(layer, "--threads", "1")
    one = (layer / "insitu.csv").read_bytes()
    run(layer, "--threads", "3")
    assert (layer / "insitu.csv").read_bytes() == one


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("no crs", "no coordinate reference system"),
        ("dtype", "holds int16"),
        ("year", "is a product of 2018, not of season 2021"),
        ("nothing", "holds no label of season 2021"),
        ("elsewhere", "covers none of the parcels"),
        ("damaged", "damaged"),
        ("no raster", "cannot be read as a raster"),
        ("other grid", "no --main-harvest on its grid"),
    ],
)
def test_faults_are_one_line(layer: Path, fault: str, words: str) -> None:
    path, more = layer / "sce.tif", []
    with rasterio.open(path) as raster:
        values = raster.read(1)
    if fault == "no crs":
        write_raster(path, values, crs=None)
    elif fault == "dtype":
        write_raster(path, values.astype(np.int16))
    elif fault == "year":
        write_raster(path, np.where(values == 21267, 18267, values).astype(np.uint16))
    elif fault == "nothing":
        write_raster(path, np.full_like(values, 65532))
    elif fault == "elsewhere":
        write_raster(path, values, east=500_000)
    elif fault == "damaged":
        path.write_bytes(path.read_bytes()[:-4000])
    elif fault == "no raster":
        path.write_text("21267")
    else:
        more = ["--main-harvest", str(write_raster(layer / "other.tif", values, east=10))]
    done = run(layer, *more)
    assert done.exit_code == 3, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert words in last
    assert "sce.tif" in last
    assert not (layer / "insitu.csv").exists()


def test_killed_run_leaves_nothing_half(layer: Path) -> None:
    run(layer)
    expected = (layer / "insitu.csv").read_bytes()
    (layer / "insitu.csv").unlink()
    command = [sys.executable, "-m", "sen4cap", "insitu", "--sce", str(layer / "sce.tif")]
    command += ["--parcels", str(layer / "parcels.gpkg"), "--season", "2021", "--output", str(layer / "insitu.csv")]
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    time.sleep(0.7)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert not (layer / "insitu.csv").exists() or (layer / "insitu.csv").read_bytes() == expected
    assert subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0
    assert (layer / "insitu.csv").read_bytes() == expected
