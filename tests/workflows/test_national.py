"""A landscape on two tiles of two UTM zones gives the results of the same landscape on one tile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyogrio
import pytest

from sen4cap.marker_table import MarkerTable

MAX_CLOUD = 60


def job_of(folder: Path) -> dict[str, Any]:
    """Job of either workflow on a simulated season, images of few clouds only: it is about tiles."""
    files = {"insitu": "insitu.csv", "crops": "crops.csv", "practices": "l4c.csv", "weather": "weather.csv"}
    return {
        "catalog": {"class": "Directory", "location": folder.as_uri()},
        "parcels": {"class": "File", "location": (folder / "parcels.gpkg").as_uri()},
        **{key: {"class": "File", "location": (folder / name).as_uri()} for key, name in files.items()},
        **{"crop_before": "crop_before", "crop_after": "crop_after", "keep_markers": True, "max_cloud": MAX_CLOUD},
        **{"season": 2021, "start": "2021-06-01", "end": "2022-08-15"},
    }


@pytest.fixture(scope="module")
def national(border_season: Path, run_workflow: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_workflow("wcc-national", job_of(border_season), tmp_path_factory.mktemp("national"))


@pytest.fixture(scope="module")
def single(whole_season: Path, run_workflow: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_workflow("wcc", job_of(whole_season), tmp_path_factory.mktemp("single")) / "report"


@pytest.fixture(scope="module")
def tables(national: Path) -> tuple[MarkerTable, MarkerTable, MarkerTable]:
    """Marker tables of the western tile, the eastern one, and of both as one."""
    west, east = (national / "report" / f"{tile}.ipc" for tile in ("31UGS", "32ULB"))
    return MarkerTable([west]), MarkerTable([east]), MarkerTable([west, east])


def by_parcel(table: MarkerTable, variable: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Means and pixels: a row a parcel, a column a day."""
    looks = table.looks(variable)
    return (pd.DataFrame(each, table.ids, looks.days).sort_index() for each in (looks.mean, looks.pixels))


@pytest.mark.slow
def test_every_parcel_is_there_once(national: Path, border_season: Path) -> None:
    records = pyogrio.read_dataframe(border_season / "parcels.gpkg", read_geometry=False)
    report = national / "report"
    assert sorted(pyogrio.read_dataframe(report / "wcc.gpkg", layer="wcc")["NewID"]) == sorted(records["NewID"])
    account = pd.read_parquet(report / "wcc_details.parquet")
    assert sorted(account["NewID"]) == sorted(records["NewID"])
    classified = account.loc[account["status"] == "classified", "NewID"]
    for name in ("wcc.csv", "season.csv", "intercrop.csv"):
        ids = pd.read_csv(report / name)["NewID"]
        assert ids.is_unique, name
        assert set(ids) <= set(classified), name
    assert set(pd.read_csv(report / "wcc.csv")["NewID"]) == set(classified)


@pytest.mark.slow
def test_tiles_tell_who_lies_where(national: Path, tables: tuple[MarkerTable, ...]) -> None:
    details = pd.read_parquet(national / "tiles" / "tiles_details.parquet").set_index("NewID")["tiles"].str.split()
    west, east, both = tables
    for tile, table in (("31UGS", west), ("32ULB", east)):
        assert sorted(table.ids) == sorted(details.index[details.map(lambda tiles, t=tile: t in tiles)])
    shared = set(west.ids) & set(east.ids)
    assert len(shared) >= 10
    assert len(both.ids) - len(shared) >= 5
    assert len(both.ids) == len(details)


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["LAI", "FCOVER", "NDVI"])
def test_shared_parcels_have_the_looks_of_both(tables: tuple[MarkerTable, ...], single: Path, variable: str) -> None:
    (west, west_pixels), (east, east_pixels), (both, pixels) = (by_parcel(table, variable) for table in tables)
    shared = both.index.intersection(west.index).intersection(east.index)
    west, east, west_pixels, east_pixels = (
        frame.reindex(index=shared, columns=both.columns) for frame in (west, east, west_pixels, east_pixels)
    )
    seen = both.loc[shared].notna()
    assert (seen == (west.notna() | east.notna())).all(axis=None)
    assert ((west.notna() & east.notna()).sum(axis=1) > 10).sum() >= 10
    assert (seen.sum(axis=1) > west.notna().sum(axis=1)).any()
    most = np.fmax(west_pixels.fillna(0), east_pixels.fillna(0))
    np.testing.assert_allclose(pixels.loc[shared], most)
    # As one tile shows the whole landscape, where enough of the parcel is seen: the grids differ by their turn alone.
    whole, whole_pixels = by_parcel(MarkerTable([single / "markers.ipc"]), variable)
    alike = (whole_pixels > 50) & (pixels.reindex_like(whole) > 0.8 * whole_pixels)
    difference = (both.reindex_like(whole) - whole).where(alike).abs().to_numpy()
    assert np.isfinite(difference).sum() > 1000
    assert np.nanquantile(difference, 0.95) < {"LAI": 0.1, "FCOVER": 0.02, "NDVI": 0.02}[variable]


@pytest.mark.slow
def test_results_are_those_of_one_tile(national: Path, single: Path) -> None:
    ours, theirs = (pd.read_csv(folder / "wcc.csv").set_index("NewID") for folder in (national / "report", single))
    assert sorted(ours.index) == sorted(theirs.index)
    assert (ours["Pred_class"] == theirs["Pred_class"].reindex(ours.index)).mean() >= 0.95
    dates = ["Em_d", "Ter_d"]
    ours, theirs = (
        pd.read_csv(folder / "season.csv", parse_dates=dates).set_index("NewID")[dates]
        for folder in (national / "report", single)
    )
    common = ours.index.intersection(theirs.index)
    assert len(common) >= 15
    days = (ours.loc[common] - theirs.loc[common]).apply(lambda column: column.dt.days.abs())
    assert (ours.loc[common].notna() == theirs.loc[common].notna()).mean(axis=None) >= 0.95
    assert days["Em_d"].median() <= 1
    assert days["Ter_d"].median() <= 1
    assert np.nanmean(np.where(days.isna(), np.nan, days <= 5)) >= 0.9
