"""Harvest weeks in every form that agencies have them in."""

from __future__ import annotations

import datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from sen4cap.errors import BadInput
from sen4cap.harvests import read_harvests

HEADER = (
    "FIELD_ID;ORIG_ID;COUNTRY;YEAR;MAIN_CROP;VEG_START;H_START;H_END;PRACTICE;P_TYPE;P_START;P_END;L_WEEK;M1;M2;M3;M4;"
    "M5;H_WEEK;H_W_START;H_W_END;H_W_S1;M6;M7;M8;M9;M10;C_INDEX;S1PIX;S1GAPS;H_S1GAPS;P_S1GAPS;H_W_S1GAPS;H_QUALITY;"
    "C_QUALITY"
)
WEEKS = {7: "2021-07-26", 8: "NO-HARVEST", 9: "NA", 12: "NA1", 3: "2021-10-04", 5: ""}


def l4c(weeks: dict[int, str], *, end: str = "") -> str:
    names = HEADER.split(";")
    rows = []
    for parcel, week in weeks.items():
        cells = dict.fromkeys(names, "NA") | {"FIELD_ID": str(parcel), "ORIG_ID": f"BE;{parcel}", "H_W_START": week}
        rows.append(";".join(f'"{c}"' if ";" in c else c for c in cells.values()))
    return "\r\n".join([HEADER + end, *(row + (";NA;NA;NA" if end else "") for row in rows)]) + "\r\n"


def check(path: Path) -> None:
    found = read_harvests(path)
    start, reason = found.of(np.array([12, 7, 8, 99, 3, 9, 5], np.int32))
    known = [None if np.isnat(day) else day.item() for day in start]
    assert known == [None, datetime.date(2021, 7, 26), None, None, datetime.date(2021, 10, 4), None, None]
    assert [bool(text) for text in reason] == [day is None for day in known]
    assert "NA1" in reason[0]
    assert "NO-HARVEST" in reason[2]
    assert "not in the harvest file" in reason[3]


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["", ";TL_WEEK;TL_W_START;TL_W_END"])
def test_l4c_product_as_it_is(tmp_path: Path, bom: str, end: str, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "Sen4CAP_L4C_CatchCrop_BE_2021_CSV.csv"
    path.write_text(bom + l4c(WEEKS, end=end), encoding="utf-8")
    check(path)
    said = capsys.readouterr().err
    assert "1 parcels without a harvest week, harvest file says NO-HARVEST: 8" in said
    assert "harvest file says NA1: 12" in said
    assert "1 parcels have no row: 99" in said


def test_l4c_latin_1_in_other_columns(tmp_path: Path) -> None:
    path = tmp_path / "l4c.csv"
    path.write_bytes(l4c(WEEKS).replace("BE;7", "Wörgl;7").encode("latin-1"))
    check(path)


def test_l4c_in_comma_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "l4c.csv"
    path.write_text(l4c({7: "2021-07-26"}).replace(";", ","))
    with pytest.raises(BadInput, match=r"l4c\.csv: is an L4C table in comma form"):
        read_harvests(path)


def test_practices_input_is_no_l4c_product(tmp_path: Path) -> None:
    path = tmp_path / "practice.csv"
    path.write_text("FIELD_ID;MAIN_CROP;VEG_START\n7;401;2021-03-01\n")
    with pytest.raises(BadInput, match="has no column H_W_START"):
        read_harvests(path)


@pytest.mark.parametrize("kind", [int, str])
def test_l4c_geopackage(tmp_path: Path, kind: type) -> None:
    path = tmp_path / "Sen4CAP_L4C_BE_2021.gpkg"
    shapes = [shapely.box(i, 0, i + 1, 1) for i in range(len(WEEKS))]
    gpd.GeoDataFrame({"other": [1]}, geometry=[shapely.Point(0, 0)], crs=3035).to_file(path, layer="notes")
    rows = {"NewID": [kind(i) for i in WEEKS], "H_W_START": [w or None for w in WEEKS.values()], "S1PIX_": "12"}
    gpd.GeoDataFrame(rows, geometry=shapes, crs=3035).to_file(path, layer="l4c")
    check(path)


def test_geopackage_without_weeks(tmp_path: Path) -> None:
    path = tmp_path / "parcels.gpkg"
    gpd.GeoDataFrame({"NewID": [1]}, geometry=[shapely.Point(0, 0)], crs=3035).to_file(path)
    with pytest.raises(BadInput, match="has no layer with NewID and H_W_START"):
        read_harvests(path)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_own_table(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "harvest.csv"
    rows = [("NewID", "harvest_start"), *((str(i), week) for i, week in WEEKS.items())]
    path.write_text("\ufeff" + "\n".join(separator.join(row) for row in rows) + "\n", encoding="utf-8")
    check(path)


def test_week_is_named_by_its_monday_and_the_first_row_counts(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "harvest.csv"
    path.write_text("NewID,harvest_start\n1,2021-08-01\n2,2021-08-02\n1,2021-09-06\n3,2021-08-08\n")
    found = read_harvests(path)
    assert found.ids.tolist() == [1, 2, 3]
    assert found.start.astype(str).tolist() == ["2021-07-26", "2021-08-02", "2021-08-02"]
    said = capsys.readouterr().err
    assert "2 harvest weeks do not start on a Monday" in said
    assert "1 rows repeat a parcel" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("NewID,harvest_start\n1,26.07.2021\n", r"harvest\.csv, NewID 1: harvest week '26.07.2021' is neither"),
        ("NewID,harvest_start\nx,2021-07-26\n", r"harvest\.csv, line 2: NewID 'x' is no whole number"),
        ("NewID,harvest_start\n1,2021-07-26\n,2021-07-26\n", r"harvest\.csv, line 3: NewID '' is no whole number"),
        ("NewID,harvest_start\n1\n", r"harvest\.csv, line 2: has 1 cells where the header has 2"),
        ("NewID,week\n1,2021-07-26\n", r"harvest\.csv: has no column harvest_start, only NewID, week"),
        ("", r"harvest\.csv: is empty"),
    ],
)
def test_faults_name_file_and_record(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "harvest.csv"
    path.write_text(text)
    with pytest.raises(BadInput, match=message):
        read_harvests(path)


def test_no_row_at_all(tmp_path: Path) -> None:
    path = tmp_path / "harvest.csv"
    path.write_text("NewID,harvest_start\n")
    start, reason = read_harvests(path).of(np.array([4], np.int32))
    assert np.isnat(start).all()
    assert reason.tolist() == ["not in the harvest file"]
