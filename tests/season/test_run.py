"""`sen4cap season` from files to files: tables, classes, near-real time, faults, interruption, a real winter."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.ipc
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from sen4cap.cli import main
from sen4cap.season.run import CSV

SPAN = ("--start", "2021-06-15", "--end", "2022-07-31")


def run(tool: str, *arguments: object) -> Result:
    return CliRunner().invoke(main, [tool, *map(str, arguments)])


@pytest.fixture
def seen(draw, write_markers, tmp_path: Path) -> tuple[Path, Path, object]:
    """Series and markers of 60 simulated parcels, NewID 101 to 160, and their truth."""
    drawn = draw(60, seed=41)
    markers = write_markers("markers.ipc", np.arange(101, 161), drawn.looks, drawn.look_lai, drawn.look_fcover)
    series = tmp_path / "series.arrow"
    assert run("smooth", "--markers", markers, *SPAN, "--output", series).exit_code == 0
    return series, markers, drawn


def table_of(path: Path) -> pd.DataFrame:
    dates = ["Em_d", "Ter_d", "M_gro_d", "M_cov_d"]
    return pd.read_csv(path, parse_dates=dates, dtype={"NewID": int})


def test_one_row_for_every_parcel_of_the_series(seen, tmp_path: Path) -> None:
    series, markers, drawn = seen
    output = tmp_path / "season.csv"
    result = run("season", "--series", series, "--markers", markers, "--output", output)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert "60 parcels" in result.stderr
    header = output.read_text().splitlines()[0]
    assert header == "NewID,Em_d,Ter_d,S_length,Uncert_em,Uncert_ter,M_gro_d,M_gro_val,M_gro_t,M_cov_d,M_co_val,M_co_t"
    assert header.split(",") == list(CSV)
    table = table_of(output)
    assert table.NewID.tolist() == list(range(101, 161))
    both = table.Em_d.notna() & table.Ter_d.notna()
    assert both.sum() > 30
    assert (table.S_length[both] == (table.Ter_d - table.Em_d).dt.days[both]).all()
    assert table.S_length[~both].isna().all()
    assert (table.Uncert_em.notna() == table.Em_d.notna()).all()
    assert (table.Uncert_ter.notna() == table.Ter_d.notna()).all()
    known = table.Em_d.notna() & table.M_gro_d.notna()
    assert (table.M_gro_t[known] == (table.M_gro_d - table.Em_d).dt.days[known]).all()
    assert (table.M_co_t[known] == (table.M_cov_d - table.Em_d).dt.days[known]).all()
    assert table.M_co_val.dropna().between(0, 1).all()
    true = pd.Timestamp("2021-06-15") + pd.to_timedelta(drawn.emergence, unit="D")
    assert (table.Em_d - true).dt.days.abs().median() < 8


def test_details_say_how_and_why(seen, tmp_path: Path) -> None:
    series, markers, _ = seen
    output = tmp_path / "season.csv"
    arguments = ("--termination-method", "wist", "--output", output)
    assert run("season", "--series", series, "--markers", markers, *arguments).exit_code == 0
    details = pd.read_parquet(tmp_path / "season_details.parquet")
    assert details.NewID.tolist() == list(range(101, 161))
    assert set(details.em_method) == {"default"}
    assert set(details.ter_method) == {"wist"}
    assert set(details.quality) <= {"good", "wide", "partial", "none"}
    assert (details.Em_d.isna() == (details.em_reason != "")).all()
    assert (details.Ter_d.isna() == (details.ter_reason != "")).all()
    sure = details.Em_d.notna()
    assert (details.em_look_before[sure] <= details.Em_d[sure]).all()
    assert (details.em_look_after[sure] > details.Em_d[sure]).all()
    following = details.next_emergence.notna() & details.Ter_d.notna()
    assert following.sum() > 10
    assert (details.next_emergence[following] > details.Ter_d[following]).all()


def test_rows_of_classes_and_parcels_that_one_side_lacks(seen, tmp_path: Path) -> None:
    series, markers, _ = seen
    output = tmp_path / "season.csv"
    classes = tmp_path / "wcc.csv"
    rows = [
        "NewID,Pred_class,Conf_pred1,Conf_pred2",
        "130,1,0.9,0.1",
        "105,1,0.8,0.2",
        "106,2,0.1,0.9",
        "999,1,0.7,0.3",
    ]
    classes.write_text("\n".join(rows))
    result = run("season", "--series", series, "--markers", markers, "--classes", classes, "--output", output)
    assert result.exit_code == 0, result.output
    assert "1 parcels are not in the series, their rows stay empty: 999" in result.stderr
    table = table_of(output)
    assert table.NewID.tolist() == [130, 105, 999]
    assert table.iloc[2, 1:].isna().all()
    details = pd.read_parquet(tmp_path / "season_details.parquet").set_index("NewID")
    assert len(details) == 61
    assert details.loc[999, "em_reason"] == details.loc[999, "ter_reason"] == "not in the series"
    classes.write_text("\n".join(rows[:-1]))
    run("season", "--series", series, "--markers", markers, "--classes", classes, "--output", output)
    kept = pyarrow.parquet.read_table(tmp_path / "season_details.parquet")
    assert kept["NewID"].type == pyarrow.int32()
    assert kept["NewID"].to_pylist() == list(range(101, 161))


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (["NewID,Pred_class", "105,1", "105,1"], "105 stands twice"),
        (["NewID,Pred_class", "105,maybe"], "'maybe' is no whole number"),
        (["NewID,Class", "105,1"], "has no column Pred_class"),
    ],
)
def test_classes_that_are_none(seen, tmp_path: Path, rows: list[str], fault: str) -> None:
    series, markers, _ = seen
    classes = tmp_path / "wcc.csv"
    classes.write_text("\n".join(rows))
    output = tmp_path / "season.csv"
    result = run("season", "--series", series, "--markers", markers, "--classes", classes, "--output", output)
    assert result.exit_code == 3
    assert fault in result.stderr
    assert not output.exists()
    assert not (tmp_path / "season_details.parquet").exists()


def test_markers_in_another_order_give_the_same(seen, write_markers, tmp_path: Path) -> None:
    series, markers, drawn = seen
    order = np.random.default_rng(3).permutation(60)
    ids = np.append(np.arange(101, 161)[order], 7)
    lai, cover = (np.vstack([v[order], v[:1]]) for v in (drawn.look_lai, drawn.look_fcover))
    shuffled = write_markers("shuffled.ipc", ids, drawn.looks, lai, cover)
    for name, table in (("a.csv", markers), ("b.csv", shuffled)):
        assert run("season", "--series", series, "--markers", table, "--output", tmp_path / name).exit_code == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_threads_do_not_matter(seen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sen4cap.season.run.BLOCK", 7)
    series, markers, _ = seen
    for threads in (1, 3):
        arguments = ("--threads", threads, "--output", tmp_path / f"{threads}.csv")
        assert run("season", "--series", series, "--markers", markers, *arguments).exit_code == 0
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "3.csv").read_bytes()
    one, three = (pd.read_parquet(tmp_path / f"{threads}_details.parquet") for threads in (1, 3))
    pd.testing.assert_frame_equal(one, three)


def test_as_of_knows_what_was_knowable(seen, write_markers, tmp_path: Path) -> None:
    series, markers, drawn = seen
    cut = np.datetime64("2022-03-15")
    now = int((cut - np.datetime64("2021-06-15")).astype(int))
    past = drawn.looks <= now
    ids = np.arange(101, 161)
    early = write_markers("early.ipc", ids, drawn.looks[past], drawn.look_lai[:, past], drawn.look_fcover[:, past])
    short = tmp_path / "short.arrow"
    assert run("smooth", "--markers", early, *SPAN, "--output", short).exit_code == 0
    asked, lived = tmp_path / "asked.csv", tmp_path / "lived.csv"
    arguments = ("--as-of", cut, "--output", asked)
    assert run("season", "--series", series, "--markers", markers, *arguments).exit_code == 0
    assert run("season", "--series", short, "--markers", early, "--output", lived).exit_code == 0
    assert asked.read_bytes() == lived.read_bytes()
    table = table_of(asked)
    assert (table.Ter_d.dropna() <= pd.Timestamp(cut)).all()
    details = pd.read_parquet(tmp_path / "asked_details.parquet")
    waiting = details.ter_reason == "no fall seen up to the last look"
    assert waiting.sum() > 10
    later = drawn.termination > now + 15
    assert (waiting & details.Em_d.notna())[later].mean() > 0.7


def test_two_clear_looks_give_empty_dates(write_markers, tmp_path: Path) -> None:
    looks = np.array([10, 120, 230, 400])
    values = np.array([[1.0, 2.0, 2.5, 1.0]])
    markers = write_markers("m.ipc", np.array([5]), looks, values, values / 4)
    series, output = tmp_path / "s.arrow", tmp_path / "season.csv"
    assert run("smooth", "--markers", markers, *SPAN, "--output", series).exit_code == 0
    result = run("season", "--series", series, "--markers", markers, "--output", output)
    assert result.exit_code == 0
    assert output.read_text().splitlines()[1] == "5" + "," * 11
    details = pd.read_parquet(tmp_path / "season_details.parquet")
    assert details.em_reason.tolist() == ["fewer than 3 clear looks in the season"]
    assert "fewer than 3 clear looks" in result.stderr


def test_the_rim_of_a_cloud_is_no_look(seen, tmp_path: Path) -> None:
    series, markers, _ = seen
    plain, rimmed = tmp_path / "plain.csv", tmp_path / "rimmed.csv"
    columns = {}
    table = pyarrow.ipc.open_file(markers).read_all()
    for name in table.column_names:
        values = table.column(name).to_numpy().copy()
        if name.startswith("20220105"):
            values[:] = 2.0 if "cnt" in name else 50.0
        columns[name] = values
    if "20220105_mean_LAI" not in columns:
        for kind in ("LAI", "FCOVER"):
            columns[f"20220105_mean_{kind}"] = np.full(60, 50, np.float32)
            columns[f"20220105_valid_pixels_cnt_{kind}"] = np.full(60, 2, np.float32)
    dirty = tmp_path / "dirty.csv"
    pd.DataFrame(columns).to_csv(dirty, index=False)
    assert run("season", "--series", series, "--markers", markers, "--output", plain).exit_code == 0
    assert run("season", "--series", series, "--markers", dirty, "--output", rimmed).exit_code == 0
    one, other = table_of(plain), table_of(rimmed)
    same = ((one.Em_d - other.Em_d).dt.days.abs() <= 3) | (one.Em_d.isna() & other.Em_d.isna())
    assert same.mean() > 0.95


def test_faults(seen, write_markers, tmp_path: Path) -> None:
    series, markers, drawn = seen
    output = tmp_path / "season.csv"
    other = write_markers("o.ipc", np.arange(101, 160), drawn.looks, drawn.look_lai[:59], drawn.look_fcover[:59])
    result = run("season", "--series", series, "--markers", other, "--output", output)
    assert result.exit_code == 3
    assert "lacks 1 of the 60 parcels" in result.stderr
    assert "NewID 160" in result.stderr
    lai_only = tmp_path / "lai.arrow"
    assert run("smooth", "--markers", markers, *SPAN, "--variables", "LAI", "--output", lai_only).exit_code == 0
    result = run("season", "--series", lai_only, "--markers", markers, "--output", output)
    assert result.exit_code == 3
    assert "has no FCOVER" in result.stderr
    summer = tmp_path / "summer.arrow"
    span = ("--start", "2022-06-05", "--end", "2022-07-31", "--season", 2021)
    assert run("smooth", "--markers", markers, *span, "--output", summer).exit_code == 0
    result = run("season", "--series", summer, "--markers", markers, "--output", output)
    assert result.exit_code == 3
    assert "outside the season 2021-08-01 to 2022-05-31" in result.stderr
    result = run("season", "--series", markers, "--markers", markers, "--output", output)
    assert result.exit_code == 3
    assert "no series file" in result.stderr
    assert not output.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--wise-short", 20, "--wise-long", 20),
        ("--season-end", "31-05"),
        ("--emergence-method", "guess"),
        ("--as-of", "soon"),
    ],
)
def test_wrong_usage(seen, arguments: tuple) -> None:
    series, markers, _ = seen
    assert run("season", "--series", series, "--markers", markers, *arguments).exit_code == 2


def test_a_killed_run_leaves_nothing_that_disturbs_the_next(seen, tmp_path: Path) -> None:
    series, markers, _ = seen
    killed, whole = tmp_path / "killed" / "season.csv", tmp_path / "season.csv"
    command = [sys.executable, "-m", "sen4cap", "season", "--series", str(series), "--markers", str(markers)]
    with subprocess.Popen([*command, "--output", str(killed)], stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not killed.parent.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        process.kill()
    for output in (killed, whole):
        subprocess.run([*command, "--output", str(output)], check=True, stderr=subprocess.DEVNULL)
    assert killed.read_bytes() == whole.read_bytes()
    leftovers = {path.name for path in killed.parent.iterdir()} - {"season.csv", "season_details.parquet"}
    assert not [name for name in leftovers if "partial" in name]


REAL_LOOKS = {
    1: (
        "08-24 2.21 0.63, 08-27 2 0.64, 09-23 0.35 0.12, 09-26 0.44 0.16, 11-02 1.08 0.47, "
        "11-22 1.87 0.68, 12-17 3.52 0.9, 12-27 1.37 0.37, 01-16 2.59 0.69, 01-26 2.98 0.72, "
        "02-10 2.78 0.7, 02-28 1.47 0.46, 03-20 1.41 0.49, 03-25 1.6 0.55, 04-19 1.88 0.6, "
        "04-26 2.74 0.77, 05-04 2.22 0.65, 05-06 0.81 0.43, 05-09 0.49 0.24, 05-11 0.35 0.2, "
        "05-26 0.37 0.14, 06-03 0.55 0.22, 06-23 0.78 0.32, "
    ),
    4: (
        "08-24 1.2 0.41, 08-27 1.33 0.47, 09-23 0.97 0.39, 09-26 0.93 0.36, 11-02 1.93 0.67, "
        "11-22 2.29 0.75, 12-17 3.11 0.81, 12-27 2.3 0.56, 01-16 3.28 0.83, 02-10 3.5 0.86, "
        "02-28 2.37 0.73, 03-20 2.19 0.71, 04-19 3.49 0.8, 04-26 3.4 0.85, 05-04 2.24 0.69, "
        "05-09 1.99 0.63, 05-11 2.17 0.67, 05-24 1.32 0.5, 05-26 1.17 0.47, 06-10 1.03 0.44, "
        "06-23 1.84 0.64, "
    ),
    6: (
        "08-27 0.37 0.13, 09-23 0.59 0.28, 09-26 0.76 0.35, 11-02 3.18 0.86, 11-22 3.21 0.88, "
        "12-17 3.87 0.87, 01-16 3.42 0.85, 02-10 3.19 0.81, 02-28 1.74 0.6, 03-20 1.41 0.52, "
        "04-19 2.37 0.65, 04-26 4.17 0.83, 05-04 2.03 0.69, 05-06 0.97 0.46, 05-09 0.6 0.23, "
        "05-11 0.39 0.15, 05-26 0.39 0.18, 06-03 0.44 0.17, 06-23 0.97 0.39, "
    ),
}
"""Clear looks (day, LAI, FCOVER) of a maize, a late maize and a potato unit of the real Flanders winter 2017/18."""


@pytest.mark.parametrize("unit", REAL_LOOKS)
def test_a_real_winter(unit: int, write_markers, tmp_path: Path) -> None:
    looks = [text.split() for text in REAL_LOOKS[unit].split(", ") if text]
    start = np.datetime64("2021-06-15")
    days = [np.datetime64(f"{2021 + (look[0] < '07')}-{look[0]}") for look in looks]
    at = np.array([(day - start).astype(int) for day in days])
    lai, cover = (np.array([[float(look[i]) for look in looks]]) for i in (1, 2))
    markers = write_markers("m.ipc", np.array([unit]), at, lai, cover)
    series, output = tmp_path / "s.arrow", tmp_path / "season.csv"
    assert run("smooth", "--markers", markers, *SPAN, "--output", series).exit_code == 0
    assert run("season", "--series", series, "--markers", markers, "--output", output).exit_code == 0
    row = table_of(output).iloc[0]
    assert pd.Timestamp("2022-04-20") <= row.Ter_d <= pd.Timestamp("2022-05-26")
    assert pd.Timestamp("2021-08-15") <= row.Em_d <= pd.Timestamp("2021-11-15")
    assert row.Uncert_em >= 4
