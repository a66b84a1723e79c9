"""The command: usage, exit codes, one line a fault."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from sen4cap.cli import main

SPAN = ["--collection", "sentinel-2-l2a", "--start", "2021-08-01", "--end", "2022-05-31"]
BBOX = ["--bbox", "3.02,51.42,3.03,51.43"]


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *options: CliRunner().invoke(main, ["fetch", *map(str, options)])


def test_defaults(run, archive, tmp_path):
    done = run("--catalog", archive, *SPAN, *BBOX, "--assets", "B04,SCL")
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    assert "3 items from 2021-09-01 to 2021-09-21" in done.stderr
    assert (tmp_path / "l2a" / "catalog.json").is_file()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([*SPAN[:2], "--start", "2022-06-01", "--end", "2022-05-31", *BBOX], "--start 2022-06-01 is after --end"),
        (SPAN, "by --parcels or by --bbox"),
        ([*SPAN, *BBOX, "--parcels", __file__], "by --parcels or by --bbox"),
        ([*SPAN, "--bbox", "5,50,4,51"], "no box in degrees"),
        ([*SPAN, "--bbox", "5,50,4"], "no box"),
        ([*SPAN, *BBOX, "--assets", "B99"], "B99 is not among B01"),
        ([*SPAN, *BBOX, "--max-cloud", "101"], "--max-cloud"),
        ([*SPAN, *BBOX, "--tile", "31AAA"], "'31AAA' is no Sentinel-2 tile"),
        (BBOX, "Missing option '--collection'"),
    ],
)
def test_wrong_usage(run, archive, options, says):
    done = run("--catalog", archive, *options)
    assert done.exit_code == 2
    assert says in done.stderr


def test_bad_input_is_one_line(run, archive, tmp_path):
    done = run("--catalog", archive, "--collection", "sentinel-2", *SPAN[2:], *BBOX)
    assert done.exit_code == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"sen4cap fetch: {archive}")
    assert "has no collection sentinel-2, only" in line
    done = run("--catalog", tmp_path / "nowhere", *SPAN, *BBOX)
    assert done.exit_code == 3


def test_remote_failure_is_one_line(run):
    done = run("--catalog", "http://127.0.0.1:9/", *SPAN, *BBOX, "--retries", "0")
    assert done.exit_code == 4
    (line,) = done.stderr.splitlines()
    assert "127.0.0.1:9" in line


def test_parcels_are_accounted_for(run, archive, parcels, tmp_path):
    import geopandas as gpd
    import pandas as pd
    import shapely

    frame = gpd.read_file(parcels)
    odd = gpd.GeoDataFrame({"NewID": [1, 9]}, geometry=[frame.geometry[0], shapely.Polygon()], crs=frame.crs)
    gpd.GeoDataFrame(pd.concat([frame, odd]), crs=frame.crs).to_file(tmp_path / "odd.gpkg")
    done = run("--catalog", archive, *SPAN, "--parcels", "odd.gpkg", "--assets", "SCL")
    assert done.exit_code == 0, done.output
    assert "1 duplicate identifier: 1" in done.stderr
    assert "1 empty geometry: 9" in done.stderr
    done = run("--catalog", archive, *SPAN, "--parcels", "odd.gpkg", "--id-field", "FID")
    assert done.exit_code == 3
    assert "has no field FID" in done.stderr
