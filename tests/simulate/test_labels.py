"""Labels beside the images decode to the truth, in the formats that agencies know."""

from __future__ import annotations

import csv
import datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio

from sen4cap.seasons import Season
from sen4cap.simulate import Landscape
from sen4cap.simulate.labels import hrl_codes, write_insitu, yydoy

HEADER = (
    "FIELD_ID;ORIG_ID;COUNTRY;YEAR;MAIN_CROP;VEG_START;H_START;H_END;PRACTICE;P_TYPE;P_START;P_END;L_WEEK;M1;M2;M3;M4;M5;"
    "H_WEEK;H_W_START;H_W_END;H_W_S1;M6;M7;M8;M9;M10;C_INDEX;S1PIX;S1GAPS;H_S1GAPS;P_S1GAPS;H_W_S1GAPS;H_QUALITY;C_QUALITY"
)


def decode(code: int) -> datetime.date:
    return datetime.date(2000 + code // 1000, 1, 1) + datetime.timedelta(days=code % 1000 - 1)


@pytest.fixture(scope="module")
def truth(season_folder: Path) -> pd.DataFrame:
    return pd.read_csv(season_folder / "truth.csv").set_index("NewID")


def test_yydoy() -> None:
    assert yydoy(np.array(["2021-09-24", "2022-01-01"], "datetime64[D]")).tolist() == [21267, 22001]


@pytest.mark.parametrize(("name", "column"), [("sce.tif", "emergence"), ("cpmch.tif", "harvest")])
def test_hrl_layers_decode_to_the_truth(season_folder: Path, truth: pd.DataFrame, name: str, column: str) -> None:
    parcels = gpd.read_file(season_folder / "parcels.gpkg").to_crs("EPSG:3035")
    with rasterio.open(season_folder / name) as raster:
        assert raster.crs.to_epsg() == 3035
        assert raster.dtypes == ("uint16",)
        assert raster.res == (10, 10)
        assert raster.transform.c % 10 == 0
        points = parcels.geometry.representative_point()
        codes = [int(value[0]) for value in raster.sample(zip(points.x, points.y, strict=True))]
    seen = 0
    for number, code in zip(parcels["NewID"], codes, strict=True):
        row = truth.loc[number]
        if pd.isna(row["harvest"]):
            assert code == 0
        elif pd.isna(row[column]):
            assert code == 65530
        elif code < 60000:
            assert decode(code).isoformat() == row[column]
            seen += 1
    assert seen >= 2


def test_hrl_noise_swaps_some_classes(landscape: Landscape) -> None:
    truth = landscape.truth
    codes, _ = hrl_codes(truth, season=Season(2021), noise=0.1, random=np.random.default_rng(0))
    arable = truth["harvest"].notna().to_numpy()
    said, true = (codes < 60000)[arable], truth["emergence"].notna().to_numpy()[arable]
    assert 0.06 < (said != true).mean() < 0.15
    exact, _ = hrl_codes(truth, season=Season(2021), noise=0.0, random=np.random.default_rng(0))
    assert ((exact < 60000)[arable] == true).all()


def test_harvest_weeks_have_the_true_header_and_are_mondays(season_folder: Path, truth: pd.DataFrame) -> None:
    with (season_folder / "l4c.csv").open() as lines:
        rows = list(csv.reader(lines, delimiter=";"))
    assert ";".join(rows[0]) == HEADER
    assert {len(row) for row in rows} == {35}
    table = pd.DataFrame(rows[1:], columns=rows[0]).set_index("FIELD_ID")
    parcels = gpd.read_file(season_folder / "parcels.gpkg").set_index("NewID")
    assert table.index.astype(int).tolist() == truth.index.tolist()
    late = 0
    for number, row in table.iterrows():
        record = truth.loc[int(number)]
        assert row["ORIG_ID"] == parcels.loc[int(number), "ori_id"]
        if row["H_W_START"] in ("NO-HARVEST", "NA", "NA1"):
            continue
        monday = datetime.date.fromisoformat(row["H_W_START"])
        assert monday.weekday() == 0
        apart = (monday - datetime.date.fromisoformat(record["harvest_week"])).days
        assert apart in (0, 7)
        late += apart > 0
        assert int(row["H_WEEK"]) == monday.isocalendar().week
    assert late < len(table) / 2


def test_insitu_is_a_true_sample_of_the_candidates(tmp_path: Path, landscape: Landscape) -> None:
    write_insitu(tmp_path / "insitu.csv", landscape.truth, share=0.6, seed=3)
    found = pd.read_csv(tmp_path / "insitu.csv").merge(landscape.truth, on="NewID", suffixes=("", "_true"))
    candidates = int((landscape.truth["candidate"] == 1).sum())
    assert (found["candidate"] == 1).all()
    assert (found["class"] == found["class_true"]).all()
    assert 0.5 * candidates < len(found) < 0.7 * candidates


def test_crop_table_gives_every_crop_a_role(season_folder: Path, truth: pd.DataFrame) -> None:
    crops = pd.read_csv(season_folder / "crops.csv").set_index("crop_code")
    assert set(crops["role"]) <= {"winter", "spring", "grass", "permanent", "other"}
    roles = crops["role"]
    candidate = (
        (roles[truth["crop_after"]].to_numpy() != "winter")
        & ~roles[truth["crop_before"]].isin(["grass", "permanent"]).to_numpy()
        & ~roles[truth["crop_after"]].isin(["grass", "permanent"]).to_numpy()
    )
    assert (candidate == (truth["candidate"] == 1)).all()
