"""Input as it comes, through the tools one after the other: nothing is fatal that need not be, nothing is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely

from sen4cap.marker_names import Marker

pytestmark = pytest.mark.slow
SPAN = ["--start", "2021-06-01", "--end", "2022-08-15"]
Command = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def sen4cap(tmp_path: Path, environment: dict[str, str]) -> Command:
    """Run a tool in an own folder; the exit code must be the one expected."""

    def run(*words: object, code: int = 0) -> subprocess.CompletedProcess:
        done = subprocess.run(
            ["sen4cap", *map(str, words)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


def analyse(sen4cap: Command, markers: Path, parcels: Path) -> None:
    """From a marker table to the intercropping period, by thresholds."""
    sen4cap("smooth", "--markers", markers, *SPAN, "--season", 2021)
    sen4cap("classify", "--series", "series.arrow", "--parcels", parcels, "--method", "threshold")
    sen4cap("season", "--series", "series.arrow", "--markers", markers, "--classes", "wcc/wcc.csv")
    sen4cap("soil", "--markers", markers, *SPAN)
    sen4cap("harvest", "--series", "series.arrow")
    files = ["--season", "season.csv", "--harvest", "harvest.csv", "--soil", "soil.csv", "--classes", "wcc/wcc.csv"]
    sen4cap("intercrop", *files)


def thinned(markers: Path, target: Path, days: list[str]) -> None:
    """Keep the columns of some days."""
    table = pa.ipc.open_file(str(markers)).read_all()
    kept = table.select([name for name in table.column_names if name == "NewID" or name[:8] in days])
    with pa.ipc.new_file(str(target), kept.schema) as sink:
        sink.write_table(kept)


def clear_days(markers: Path, first: str, last: str) -> list[str]:
    """Days of a span on which most parcels were seen."""
    table = pa.ipc.open_file(str(markers)).read_all()
    means = [name for name in table.column_names if (m := Marker.parse(name)) and (m.stat, m.type) == ("mean", "LAI")]
    return [n[:8] for n in means if first <= n[:8] <= last and table[n].null_count < 0.2 * len(table)]


def test_awkward_parcels_are_counted_and_listed(
    season_run: Path, season: Path, sen4cap: Command, tmp_path: Path
) -> None:
    frame = gpd.read_file(season / "parcels.gpkg").to_crs("EPSG:3857")
    place = frame.geometry.iloc[0].centroid
    bow = shapely.Polygon([(0, 0), (200, 200), (200, 0), (0, 200)])
    extra = frame.iloc[[0, 1, 2, 3]].copy()
    extra["NewID"] = [90001, 90002, int(frame["NewID"].iloc[5]), 90004]
    extra.geometry = [
        shapely.Polygon(),
        shapely.transform(bow, lambda xy: np.add(xy, (place.x, place.y))),
        frame.geometry.iloc[7],
        shapely.transform(bow.convex_hull, lambda xy: np.add(xy, (place.x + 500_000, place.y))),
    ]
    pd.concat([frame, extra]).to_file(tmp_path / "parcels.gpkg")
    done = sen4cap("markers", "--items", season, "--parcels", "parcels.gpkg", *SPAN)
    for word in ("empty", "repaired", "duplicate", "outside"):
        assert word in done.stderr, done.stderr
    analyse(sen4cap, tmp_path / "markers.ipc", tmp_path / "parcels.gpkg")
    account = pd.read_parquet(tmp_path / "wcc" / "wcc_details.parquet")
    assert len(account) == len(frame) + 4
    last = account.sort_values("record").tail(4)
    assert last["status"].tolist() == ["not classified", "classified", "not classified", "not classified"]
    assert (last.loc[last["status"] != "classified", "reason"] != "").all()


def test_two_clear_looks_give_empty_dates_with_their_reason(
    season_run: Path, season: Path, sen4cap: Command, tmp_path: Path
) -> None:
    days = clear_days(season_run / "markers.ipc", "20210901", "20220430")
    thinned(season_run / "markers.ipc", tmp_path / "two.ipc", [days[0], days[-1]])
    sen4cap("smooth", "--markers", "two.ipc", *SPAN, "--season", 2021)
    sen4cap("season", "--series", "series.arrow", "--markers", "two.ipc")
    rows = pd.read_csv(tmp_path / "season.csv")
    assert len(rows) == len(gpd.read_file(season / "parcels.gpkg"))
    assert rows[["Em_d", "Ter_d"]].isna().all().all()
    details = pd.read_parquet(tmp_path / "season_details.parquet")
    assert (details["em_reason"] != "").all()
    assert (details["ter_reason"] != "").all()
    analyse(sen4cap, tmp_path / "two.ipc", season / "parcels.gpkg")
    account = pd.read_parquet(tmp_path / "wcc" / "wcc_details.parquet")
    assert len(account) == len(rows)
    assert (account.loc[account["status"] == "not classified", "reason"] != "").all()


def test_a_table_without_lai_is_refused(season_run: Path, sen4cap: Command, tmp_path: Path) -> None:
    table = pa.ipc.open_file(str(season_run / "markers.ipc")).read_all()
    ndvi = table.select([name for name in table.column_names if name == "NewID" or name.endswith("NDVI")])
    with pa.ipc.new_file(str(tmp_path / "ndvi.ipc"), ndvi.schema) as sink:
        sink.write_table(ndvi)
    done = sen4cap("smooth", "--markers", "ndvi.ipc", *SPAN, code=3)
    assert done.stderr == "sen4cap smooth: ndvi.ipc: has no mean of LAI, only NDVI\n"


@pytest.mark.parametrize("tool", ["markers", "smooth", "season", "soil", "classify", "report"])
def test_a_full_disk_is_one_line_and_nothing_is_left(
    tool: str, season_run: Path, season: Path, on_small_disk: Callable, environment: dict[str, str]
) -> None:
    markers, series = season_run / "markers.ipc", season_run / "series.arrow"
    words = {
        "markers": ["--items", season, "--parcels", season / "parcels.gpkg"],
        "smooth": ["--markers", markers, *SPAN],
        "season": ["--series", series, "--markers", markers],
        "soil": ["--markers", markers, *SPAN],
        "classify": ["--series", series, "--parcels", season / "parcels.gpkg", "--method", "threshold"],
        "report": [
            *("--parcels", season / "parcels.gpkg", "--series", series, "--classes", season_run),
            *("--season", season_run / "season.csv", "--intercrop", season_run / "intercrop.csv"),
        ],
    }[tool]
    # What is left afterwards is listed behind the tool's own last line.
    script = 'export PATH="$0"; sen4cap "$@"; code=$?; ls -A >&2; exit $code'
    command = ["sh", "-c", script, environment["PATH"], tool, *map(str, words), "--output", "out"]
    done = on_small_disk(*command, kib=4)
    assert done.returncode == 3, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"sen4cap {tool}: "), done.stderr
    assert "the disk is full" in last


def test_identifiers_are_the_same_throughout(season_run: Path, season: Path) -> None:
    ids = set(gpd.read_file(season / "parcels.gpkg")["NewID"])
    for name in ("wcc.csv", "season.csv", "intercrop.csv"):
        found = pd.read_csv(season_run / name)["NewID"]
        assert found.is_unique
        assert set(found) <= ids
        assert np.array_equal(found, pd.read_csv(season_run / name)["NewID"].astype(int))
