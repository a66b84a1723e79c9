"""A real season, Flanders 2017/18, through the whole chain with both runners."""

from __future__ import annotations

import filecmp
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

CROPS = "crop_code,role\n1200,spring\n2130,spring\n5100,spring\n7900,spring\n9120,grass\n"
GREEN_ALL_WINTER = [1, 2, 3, 4, 6]
PASTURE = [8, 9, 10, 11, 12, 13, 14]
CSVS = ["wcc.csv", "season.csv", "intercrop.csv", "soil.csv", "harvest.csv"]


@pytest.fixture(scope="module")
def job(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    data = shared / "data" / "flanders"
    crops = tmp_path_factory.mktemp("crops") / "crops.csv"
    crops.write_text(CROPS)
    return {
        "catalog": {"class": "Directory", "location": data.as_uri()},
        "parcels": {"class": "File", "location": (data / "parcels.gpkg").as_uri()},
        "weather": {"class": "File", "location": (data / "weather.csv").as_uri()},
        "crops": {"class": "File", "location": crops.as_uri()},
        "crop_after": "ori_crop",
        "method": "threshold",
        "season": 2017,
        "start": "2017-08-01",
        "end": "2018-11-27",
        "max_cloud": 100.0,
    }


@pytest.fixture(scope="module")
def results(job: dict[str, Any], run_workflow: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_workflow("wcc", job, tmp_path_factory.mktemp("flanders")) / "report"


def test_fields_green_all_winter_are_cover_crops(results: Path) -> None:
    classes = pd.read_csv(results / "wcc.csv").set_index("NewID")["Pred_class"]
    assert (classes.reindex(GREEN_ALL_WINTER) == 1).all()


def test_pasture_is_no_candidate(results: Path) -> None:
    account = pd.read_parquet(results / "wcc_details.parquet").set_index("NewID")
    assert (account.loc[PASTURE, "status"] == "not a candidate").all()
    assert len(account) == 14
    assert not set(PASTURE) & set(pd.read_csv(results / "wcc.csv")["NewID"])


def test_they_are_terminated_in_spring(results: Path) -> None:
    ends = pd.read_csv(results / "season.csv", parse_dates=["Ter_d"]).set_index("NewID")["Ter_d"]
    assert ends.reindex(GREEN_ALL_WINTER).between("2018-04-20", "2018-05-26").all(), ends


def test_they_emerge_in_autumn_with_an_uncertainty_that_admits_the_gaps(results: Path) -> None:
    rows = pd.read_csv(results / "season.csv", parse_dates=["Em_d"]).set_index("NewID").reindex(GREEN_ALL_WINTER)
    assert rows["Em_d"].between("2017-08-15", "2017-11-15").all(), rows["Em_d"]
    details = pd.read_parquet(results / "season_details.parquet").set_index("NewID").reindex(GREEN_ALL_WINTER)
    gap = (pd.to_datetime(details["em_look_after"]) - pd.to_datetime(details["em_look_before"])).dt.days
    assert (rows["Uncert_em"] >= gap / 10).all(), (rows["Uncert_em"], gap)


def test_intercropping_identities(results: Path) -> None:
    rows = pd.read_csv(results / "intercrop.csv")
    reasons = pd.read_parquet(results / "intercrop_details.parquet").set_index("NewID")["reason"]
    empty = rows["Inter_d"].isna()
    assert (reasons.reindex(rows.loc[empty, "NewID"]) != "").all()
    rows = rows[~empty]
    assert len(rows) > 0
    assert (rows["BS_d"] + rows["NBS_d"] == rows["Inter_d"]).all()
    assert (rows["BS_b"].fillna(0) + rows["BS_a"].fillna(0) <= rows["BS_d"]).all()


@pytest.mark.slow
def test_toil_gives_the_same_tables(results: Path, job: dict[str, Any], run_workflow: Any, tmp_path: Path) -> None:
    other = run_workflow("wcc", job, tmp_path, runner="toil") / "report"
    same, different, errors = filecmp.cmpfiles(results, other, CSVS, shallow=False)
    assert (sorted(same), different, errors) == (sorted(CSVS), [], [])
