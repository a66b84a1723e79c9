"""Every workflow on a small simulated season: it runs, and what comes out obeys the formats."""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyogrio
import pystac
import pytest

pytestmark = pytest.mark.slow
CSV_COLUMNS = {
    "wcc.csv": "NewID,Pred_class,Conf_pred1,Conf_pred2",
    "season.csv": "NewID,Em_d,Ter_d,S_length,Uncert_em,Uncert_ter,M_gro_d,M_gro_val,M_gro_t,M_cov_d,M_co_val,M_co_t",
    "intercrop.csv": "NewID,Inter_d,BS_d,NBS_d,BS_b,BS_a,BS_per,NBS_per,BS_b_per,BS_a_per",
}
KEPT_ON_REQUEST = {"markers.ipc", "series.arrow"}


def test_result_files_have_the_fixed_columns(season_run: Path) -> None:
    for name, header in CSV_COLUMNS.items():
        assert (season_run / name).read_text().split("\n", 1)[0] == header


def test_every_parcel_is_accounted_for(season_run: Path, season: Path) -> None:
    records = len(pyogrio.read_dataframe(season / "parcels.gpkg", read_geometry=False))
    account = pd.read_parquet(season_run / "wcc_details.parquet")
    assert len(account) == records
    assert set(account["status"]) <= {"classified", "not a candidate", "not classified"}
    assert (account.loc[account["status"] != "classified", "reason"] != "").all()
    classified = account.loc[account["status"] == "classified", "NewID"]
    assert sorted(pd.read_csv(season_run / "wcc.csv")["NewID"]) == sorted(classified)
    assert len(pyogrio.read_dataframe(season_run / "wcc.gpkg")) == records


def test_classes_agree_with_the_truth(season_run: Path, season: Path) -> None:
    found = pd.read_csv(season_run / "wcc.csv").merge(pd.read_csv(season / "truth.csv"), on="NewID")
    assert np.allclose(found["Conf_pred1"] + found["Conf_pred2"], 1, atol=1e-6)
    right = found["Pred_class"] == found["class"]
    assert min(right[found["class"] == c].mean() for c in (1, 2)) >= 0.7


def test_dates_agree_with_the_truth(season_run: Path, season: Path) -> None:
    dates = ["emergence", "termination"]
    truth = pd.read_csv(season / "truth.csv", parse_dates=dates)
    found = pd.read_csv(season_run / "season.csv", parse_dates=["Em_d", "Ter_d"]).merge(
        truth[truth["class"] == 1], on="NewID"
    )
    for ours, true in (("Em_d", "emergence"), ("Ter_d", "termination")):
        both = found.dropna(subset=[ours, true])
        assert len(both) >= 0.7 * found[true].notna().sum()
        assert (both[ours] - both[true]).dt.days.abs().median() <= 10


def test_intercropping_identities(season_run: Path) -> None:
    rows = pd.read_csv(season_run / "intercrop.csv").dropna(subset=["Inter_d"])
    assert len(rows) > 0
    assert (rows["BS_d"] + rows["NBS_d"] == rows["Inter_d"]).all()
    assert (rows["BS_b"].fillna(0) + rows["BS_a"].fillna(0) <= rows["BS_d"]).all()
    some = rows[rows["Inter_d"] > 0]
    for days, share in (("BS_d", "BS_per"), ("NBS_d", "NBS_per"), ("BS_b", "BS_b_per"), ("BS_a", "BS_a_per")):
        known = some.dropna(subset=[days])
        assert (known[share] - 100 * known[days] / known["Inter_d"]).abs().max() <= 0.0501


def test_the_result_folder_is_a_stac_catalogue(season_run: Path) -> None:
    catalog = pystac.Catalog.from_file(str(season_run / "catalog.json"))
    (item,) = catalog.get_items()
    item.make_asset_hrefs_absolute()
    listed = {Path(asset.href).name for asset in item.assets.values()}
    assert {"wcc.csv", "wcc.gpkg", "season.csv", "intercrop.csv", "index.html"} <= listed
    assert all(Path(asset.href).exists() for asset in item.assets.values())
    assert item.get_links("derived_from")


def test_from_markers_gives_the_same(
    season_run: Path, season_job: dict[str, Any], run_workflow: Any, tmp_path: Path
) -> None:
    job = {key: value for key, value in season_job.items() if key not in ("catalog", "keep_markers")}
    job["markers"] = [{"class": "File", "location": (season_run / "markers.ipc").as_uri()}]
    again = run_workflow("wcc-from-markers", job, tmp_path) / "report"
    same, different, errors = filecmp.cmpfiles(season_run, again, list(CSV_COLUMNS), shallow=False)
    assert (sorted(same), different, errors) == (sorted(CSV_COLUMNS), [], [])


def test_intercropping_alone_gives_the_same(
    season_run: Path, season_job: dict[str, Any], run_workflow: Any, tmp_path: Path
) -> None:
    wanted = ("practices", "weather", "start", "end", "parcels", "crop_before", "crop_after")
    job = {key: season_job[key] for key in wanted}
    job["series"] = {"class": "File", "location": (season_run / "series.arrow").as_uri()}
    job["markers"] = [{"class": "File", "location": (season_run / "markers.ipc").as_uri()}]
    earlier = shutil.copytree(season_run, tmp_path / "earlier")
    (earlier / "curve_0.png").write_bytes(b"of an earlier report")
    job["classes"] = {"class": "Directory", "location": earlier.as_uri()}
    again = run_workflow("intercrop", job, tmp_path) / "report"
    same, different, errors = filecmp.cmpfiles(season_run, again, list(CSV_COLUMNS), shallow=False)
    assert (sorted(same), different, errors) == (sorted(CSV_COLUMNS), [], [])
    assert {path.name for path in again.iterdir()} == {path.name for path in season_run.iterdir()} - KEPT_ON_REQUEST


def test_lai_product(season: Path, season_job: dict[str, Any], run_workflow: Any, tmp_path: Path) -> None:
    job = {key: season_job[key] for key in ("catalog", "parcels")} | {"start": "2021-09-01", "end": "2021-09-12"}
    out = run_workflow("lai", job, tmp_path)
    items = list(pystac.Catalog.from_file(str(out / "l3b" / "catalog.json")).get_items(recursive=True))
    assert items
    assert all({"SLAIMONO", "SFCOVERMONO", "MMONODFLG"} <= set(item.assets) for item in items)
