"""The comparison with the reference finds what is off, by value, and nothing else."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from reference import REFERENCE, _apart, differences, main, update

TOLERANCES = yaml.safe_load((REFERENCE / "tolerances.yaml").read_text())


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Copy of the reference, to be spoilt."""
    return Path(shutil.copytree(REFERENCE, tmp_path / "report"))


def spoil(results: Path, name: str, column: str, row: int, value: str) -> str:
    """Set one cell; returns the record."""
    table = pd.read_csv(results / name, dtype=str, keep_default_na=False)
    table.loc[row, column] = value
    table.to_csv(results / name, index=False)
    return str(table.loc[row, "NewID"])


def test_the_reference_equals_itself(results: Path) -> None:
    assert list(differences(results)) == []
    assert main(["compare", str(results)]) == 0


def test_the_reference_is_a_season_worth_comparing() -> None:
    tables = {name: pd.read_csv(REFERENCE / name) for name in TOLERANCES}
    assert {name: list(columns) for name, columns in TOLERANCES.items()} == {
        name: list(table) for name, table in tables.items()
    }
    assert set(tables["wcc.csv"]["Pred_class"]) == {1, 2}
    assert tables["season.csv"]["Em_d"].notna().sum() >= 10
    assert tables["intercrop.csv"]["BS_d"].notna().sum() >= 10


@pytest.mark.parametrize(
    ("name", "column", "shift", "said"),
    [
        ("wcc.csv", "Conf_pred1", 0.2, "apart (allowed 0.05)"),
        ("season.csv", "M_gro_val", 0.5, "0.5 apart (allowed 0.05)"),
        ("intercrop.csv", "BS_d", 9, "9 apart (allowed 3)"),
    ],
)
def test_a_number_that_is_off_is_named(results: Path, name: str, column: str, shift: float, said: str) -> None:
    known = pd.read_csv(REFERENCE / name)[column]
    row = int(known.notna().idxmax())
    new_id = spoil(results, name, column, row, str(round(known[row] + shift, 3)))
    (line,) = differences(results)
    assert line.startswith(f"{name}, NewID {new_id}, {column}: ")
    assert said in line


def test_a_date_that_is_off_is_named_in_days(results: Path) -> None:
    dates = pd.read_csv(REFERENCE / "season.csv", parse_dates=["Em_d"])["Em_d"]
    row = int(dates.notna().idxmax())
    near, far = (dates[row] + pd.Timedelta(days=days) for days in (2, 5))
    spoil(results, "season.csv", "Em_d", row, f"{near:%Y-%m-%d}")
    assert list(differences(results)) == []
    spoil(results, "season.csv", "Em_d", row, f"{far:%Y-%m-%d}")
    (line,) = differences(results)
    assert "5 days apart (allowed 2)" in line


def test_other_classes_empty_cells_and_words_are_named(results: Path) -> None:
    given_class = pd.read_csv(REFERENCE / "wcc.csv", dtype=str)["Pred_class"][0]
    spoil(results, "wcc.csv", "Pred_class", 0, "2" if given_class == "1" else "1")
    spoil(results, "season.csv", "M_gro_val", 0, "")
    spoil(results, "intercrop.csv", "Inter_d", 0, "many")
    lines = list(differences(results))
    assert [line.split(",")[0] for line in lines] == ["wcc.csv", "season.csv", "intercrop.csv"]
    assert "must be equal" in lines[0]
    assert "M_gro_val: empty, reference" in lines[1]
    assert "is no number" in lines[2]


def test_parcels_that_are_missing_unknown_or_doubled_are_named(results: Path) -> None:
    table = pd.read_csv(results / "wcc.csv", dtype=str)
    first, second = table["NewID"][0], table["NewID"][1]
    table = pd.concat([table.iloc[1:], table.iloc[1:2], table.iloc[1:2].assign(NewID="999999")])
    table.to_csv(results / "wcc.csv", index=False)
    assert list(differences(results)) == [
        f"wcc.csv, NewID {second}: stands twice",
        f"wcc.csv, NewID {first}: is missing in the result",
        "wcc.csv, NewID 999999: is not in the reference",
    ]


def test_missing_files_and_other_columns_are_named(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (results / "wcc.csv").unlink()
    pd.read_csv(results / "season.csv").drop(columns="Em_d").to_csv(results / "season.csv", index=False)
    assert main(["compare", str(results)]) == 3
    said = capsys.readouterr().err
    assert f"wcc.csv: is missing in {results}" in said
    assert "season.csv: has the columns NewID,Ter_d" in said


def test_an_update_makes_results_the_reference(results: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(REFERENCE, tmp_path / "own"))
    spoil(results, "season.csv", "M_gro_val", 0, "7.77")
    assert list(differences(results, own))
    update(results, own)
    assert list(differences(results, own)) == []


@given(
    expected=st.decimals(-1000, 1000, places=2),
    off=st.decimals(-10, 10, places=2),
    allowed=st.decimals(0, 10, places=2),
)
def test_numbers_are_compared_by_value(expected: float, off: float, allowed: float) -> None:
    assert bool(_apart(f"{expected + off}", f"{expected}", float(allowed))) == (abs(off) > allowed)


@given(
    day=st.dates(datetime.date(2000, 1, 1), datetime.date(2090, 1, 1)),
    off=st.integers(-9, 9),
    allowed=st.integers(0, 9),
)
def test_dates_are_compared_in_days(day: datetime.date, off: int, allowed: int) -> None:
    assert bool(_apart(str(day + datetime.timedelta(off)), str(day), allowed)) == (abs(off) > allowed)
