"""The command on whole files: the two scenarios, their identities, and what is wrong with files."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sen4cap.cli import main
from sen4cap.tables import read_details, write_csv, write_details

COLUMNS = ["NewID", "Inter_d", "BS_d", "NBS_d", "BS_b", "BS_a", "BS_per", "NBS_per", "BS_b_per", "BS_a_per"]


def arguments(files: dict[str, Path], output: Path, *more: str, classes: bool = True) -> list[str]:
    names = [name for name in files if name != "classes" or classes]
    return [
        "intercrop",
        *(part for name in names for part in (f"--{name}", str(files[name]))),
        *more,
        "--output",
        str(output),
    ]


def call(files: dict[str, Path], output: Path, *more: str, classes: bool = True) -> Result:
    return CliRunner().invoke(main, arguments(files, output, *more, classes=classes))


def check_identities(table: pd.DataFrame) -> None:
    assert list(table.columns) == COLUMNS
    told = table["Inter_d"].notna()
    assert (table["BS_d"] + table["NBS_d"])[told].equals(table["Inter_d"][told])
    assert table.loc[~told, COLUMNS[1:]].isna().all(axis=None)
    split = table["BS_b"].notna()
    assert (table["BS_a"].notna() == split).all()
    assert (table["BS_b"] + table["BS_a"] <= table["BS_d"])[split].all()
    for name in ("BS", "NBS", "BS_b", "BS_a"):
        days = table[f"{name}_d" if name in ("BS", "NBS") else name]
        share = table[f"{name}_per"]
        assert (share.notna() == days.notna()).all()
        assert (np.abs(share - 100 * days / table["Inter_d"]).dropna() <= 0.05 + 1e-9).all()


def test_two_scenarios(season_files, tmp_path: Path, between) -> None:
    output = tmp_path / "out" / "intercrop.csv"
    result = call(season_files, output)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    table = pd.read_csv(output).set_index("NewID", drop=False)
    check_identities(table)
    assert output.read_text().splitlines()[0] == ",".join(COLUMNS)
    # 1: emergence, termination and next emergence are known.
    one = table.loc[1]
    assert one["Inter_d"] == between("2021-08-02", "2022-05-01")
    assert one["BS_b"] == between("2021-08-02", "2021-09-10")
    assert one["BS_a"] == between("2022-03-11", "2022-05-01")
    assert one["BS_d"] == between("2021-08-02", "2021-09-20") + one["BS_a"]
    assert one["BS_per"] == round(100 * one["BS_d"] / one["Inter_d"], 1)
    # 2: no termination, no next emergence: the season end, and no days before and after.
    assert table.loc[2, "Inter_d"] == between("2021-08-02", "2022-05-31")
    assert table.loc[2, ["BS_b", "BS_a", "BS_b_per", "BS_a_per"]].isna().all()
    # 3: the next emergence is seen after the season end.
    assert table.loc[3, "Inter_d"] == between("2021-08-02", "2022-06-10")
    # 4: no cover crop.
    assert table.loc[4, "BS_d"] == one["BS_d"]
    assert table.loc[4, ["BS_b", "BS_a", "BS_b_per", "BS_a_per"]].isna().all()
    # 5: no harvest week; 6: nothing is known of its soil.
    assert table.loc[[5, 6], COLUMNS[1:]].isna().all(axis=None)
    details = read_details(tmp_path / "out" / "intercrop_details.parquet").set_index("NewID")
    assert details["reason"].tolist() == [
        "",
        "no termination date",
        "no emergence and termination dates",
        "",
        "no harvest week given",
        "no bare-soil interval of the parcel",
    ]
    assert details.loc[[1, 3, 4], "end_kind"].eq("next emergence").all()
    assert details.loc[[2, 6], "end_kind"].eq("season end").all()
    assert pd.isna(details.loc[5, "end_kind"])
    assert details["days_far"].isna().all()
    assert "1 parcels with empty cells, no termination date: 2" in result.stderr


def test_numbers_are_written_as_the_format_says(season_files, tmp_path: Path) -> None:
    output = tmp_path / "intercrop.csv"
    call(season_files, output)
    assert output.read_text().splitlines()[1:6] == [
        "1,272,100,172,39,51,36.8,63.2,14.3,18.8",
        "2,302,130,172,,,43.0,57.0,,",
        "3,312,140,172,,,44.9,55.1,,",
        "4,272,100,172,,,36.8,63.2,,",
        "5,,,,,,,,,",
    ]


def test_without_classes_every_parcel_of_the_season_has_a_row(season_files, tmp_path: Path) -> None:
    output = tmp_path / "intercrop.csv"
    assert call(season_files, output, classes=False).exit_code == 0
    table = pd.read_csv(output).set_index("NewID", drop=False)
    check_identities(table)
    assert table["NewID"].tolist() == [1, 2, 3, 4, 5, 6]
    assert table["BS_b"].notna().tolist() == [True, False, False, False, False, False]


def test_season_end_is_an_option(season_files, tmp_path: Path, between) -> None:
    output = tmp_path / "intercrop.csv"
    assert call(season_files, output, "--season-end", "06-30").exit_code == 0
    assert pd.read_csv(output)["Inter_d"][1] == between("2021-08-02", "2022-06-30")
    assert call(season_files, output, "--season-end", "06-31").exit_code == 2


def test_days_outside_the_soil_span_take_the_nearest_state(season_files, tmp_path: Path, between) -> None:
    season_files["soil"].write_text("NewID,start,end,state\n1,2021-08-12,2021-09-01,BS\n1,2021-09-01,2022-04-21,NBS\n")
    output = tmp_path / "intercrop.csv"
    assert call(season_files, output).exit_code == 0
    details = read_details(tmp_path / "intercrop_details.parquet").set_index("NewID")
    assert details.loc[1, "days_extended"] == 20
    assert pd.read_csv(output)["BS_d"][0] == between("2021-08-02", "2021-09-01")


def test_days_far_from_any_look_come_from_the_soil_details(season_files, tmp_path: Path, days_of) -> None:
    write_details(
        season_files["soil"],
        {
            "NewID": np.array([9, 1, 2], np.int32),
            "far_start": [[], days_of("2021-07-20", "2021-12-01").tolist(), []],
            "far_end": [[], days_of("2021-08-12", "2021-12-11").tolist(), []],
        },
    )
    output = tmp_path / "intercrop.csv"
    assert call(season_files, output).exit_code == 0
    details = read_details(tmp_path / "intercrop_details.parquet").set_index("NewID")
    assert details["days_far"].iloc[:4].tolist() == [20, 0, 0, 0]


def test_harvest_of_another_year_is_no_harvest_of_the_season(season_files, tmp_path: Path) -> None:
    season_files["harvest"].write_text("NewID,harvest_start\n1,2019-08-05\n2,2022-07-04\n4,2021-08-02\n")
    output = tmp_path / "intercrop.csv"
    result = call(season_files, output)
    assert pd.read_csv(output)["Inter_d"].notna().tolist() == [False, False, False, True, False, False]
    details = read_details(tmp_path / "intercrop_details.parquet")
    assert details["reason"][0] == "harvest week 2019-08-05 is not of season 2021"
    assert "2 parcels with empty cells, harvest week is not of season 2021: 1, 2" in result.stderr


def test_l4c_in_comma_form_is_refused_in_one_line(season_files, tmp_path: Path) -> None:
    season_files["harvest"].write_text("FIELD_ID,ORIG_ID,H_W_START\n1,x,2021-08-02\n")
    output = tmp_path / "intercrop.csv"
    result = call(season_files, output)
    assert result.exit_code == 3
    assert result.stderr.startswith(f"sen4cap intercrop: {season_files['harvest']}: is an L4C table in comma form")
    assert len(result.stderr.splitlines()) == 1
    assert not output.exists()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("soil", "NewID,start,end,state\n1,2021-08-01,2021-08-20,bare\n", "state 'bare' is neither BS nor NBS"),
        ("soil", "NewID,start,end,state\n1,2021-08-20,2021-08-20,BS\n", "ends on 2021-08-20, not after it starts"),
        ("soil", "NewID,start,end,state\n1,2021-08-20,,BS\n", "end '' is no date (YYYY-MM-DD)"),
        ("soil", "NewID,start,end\n1,2021-08-20,2021-08-21\n", "has no column state, only NewID, start, end"),
        (
            "soil",
            "NewID,start,end,state\n1,2021-08-01,2021-09-01,BS\n1,2021-08-20,2021-10-01,NBS\n",
            "NewID 1 from 2021-08-20: overlaps or precedes an earlier interval of the parcel",
        ),
        ("classes", "NewID,Pred_class\n1,3\n", "NewID 1: Pred_class 3 is neither 1 (WCC) nor 2 (NWCC)"),
        ("classes", "NewID,Pred_class\n1,1\n1,2\n", "NewID 1: stands twice"),
        ("season", "NewID,Em_d\n1,2021-09-10\n", "has no column Ter_d"),
    ],
)
def test_faults(season_files, tmp_path: Path, name: str, text: str, message: str) -> None:
    season_files[name].write_text(text)
    result = call(season_files, tmp_path / "intercrop.csv")
    assert result.exit_code == 3, result.output
    assert str(season_files[name]) in result.stderr
    assert message in result.stderr
    assert not (tmp_path / "intercrop.csv").exists()


def test_details_that_are_missing(season_files, tmp_path: Path) -> None:
    (tmp_path / "season_details.parquet").unlink()
    result = call(season_files, tmp_path / "intercrop.csv")
    assert result.exit_code == 3
    assert "season_details.parquet: is missing; keep the details file beside its table" in result.stderr


DAYS = st.one_of(st.none(), st.integers(-60, 420))


@given(st.lists(st.tuples(DAYS, DAYS, DAYS, DAYS, st.sets(st.integers(0, 400), max_size=6), st.sampled_from([1, 2]))))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_identities_hold_for_anything(tmp_path: Path, field: list[tuple]) -> None:
    first = np.datetime64("2021-07-01")
    ids = np.arange(1, len(field) + 1, dtype=np.int32)

    def dates(k: int) -> np.ndarray:
        return np.array(["NaT" if row[k] is None else first + row[k] for row in field], "datetime64[D]")

    files = {name: tmp_path / f"{name}.csv" for name in ("season", "harvest", "soil", "classes")}
    write_csv(files["season"], {"NewID": ids, "Em_d": dates(0), "Ter_d": dates(1)})
    write_details(files["season"], {"NewID": ids, "next_emergence": dates(2)}, metadata={"season_start": "2021-08-01"})
    write_csv(files["harvest"], {"NewID": ids, "harvest_start": dates(3)})
    write_csv(files["classes"], {"NewID": ids, "Pred_class": np.array([row[5] for row in field], np.int32)})
    lines = ["NewID,start,end,state"]
    for parcel, row in zip(ids, field, strict=True):
        edges = sorted(row[4])
        pieces = itertools.pairwise(edges)
        lines += [f"{parcel},{first + a},{first + b},{'BS' if a % 2 else 'NBS'}" for a, b in pieces]
    files["soil"].write_text("\n".join(lines) + "\n")
    output = tmp_path / "intercrop.csv"
    result = call(files, output)
    assert result.exit_code == 0, result.output
    table = pd.read_csv(output)
    assert table["NewID"].tolist() == ids.tolist()
    check_identities(table)
    reasons = read_details(tmp_path / "intercrop_details.parquet")["reason"]
    empty = table[COLUMNS[1:4]].isna().any(axis=1) | ((np.array([r[5] for r in field]) == 1) & table["BS_b"].isna())
    assert ((reasons != "") == empty).all()


def test_killed_and_run_again(season_files, tmp_path: Path) -> None:
    want = tmp_path / "want" / "intercrop.csv"
    assert call(season_files, want).exit_code == 0
    output = tmp_path / "got" / "intercrop.csv"
    # The run is stopped for good while its output is half written.
    code = (
        "import os, signal, sen4cap.tables as t\n"
        "keep = t._append\n"
        "def die(table, sink):\n"
        "    keep(table, sink); sink.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
        "t._append = die\n"
        "from sen4cap.cli import main\n"
        f"main({arguments(season_files, output)!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, env=os.environ)
    assert done.returncode == -signal.SIGKILL
    assert not output.exists()
    assert call(season_files, output).exit_code == 0
    assert output.read_bytes() == want.read_bytes()
    assert [path.name for path in output.parent.iterdir() if "partial" in path.name] == []
