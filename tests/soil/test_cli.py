"""The command on whole files."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from sen4cap.cli import main
from sen4cap.soil_intervals import stream_soil
from sen4cap.tables import read_details

SPAN = ["--start", "2021-08-01", "--end", "2021-10-09"]
PARCELS = {5: "bbbgggg", 2: "bbgbbbb", 8: ".......", 1: "ggrrbb.", 3: "...g..."}
EXPECTED = """NewID,start,end,state
5,2021-08-01,2021-08-24,BS
5,2021-08-24,2021-10-10,NBS
2,2021-08-01,2021-08-14,BS
2,2021-08-14,2021-08-27,NBS
2,2021-08-27,2021-10-10,BS
1,2021-08-01,2021-09-06,NBS
1,2021-09-06,2021-10-10,BS
3,2021-08-01,2021-10-10,NBS
"""


def call(*parts: object) -> Result:
    return CliRunner().invoke(main, ["soil", *map(str, parts)])


def test_intervals_and_details(write_table, tmp_path: Path) -> None:
    output = tmp_path / "out" / "soil.csv"
    result = call("--markers", write_table("markers.ipc", PARCELS), *SPAN, "--output", output)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert output.read_text() == EXPECTED
    assert "1 parcels without an interval, no clear look in the span: 8" in result.stderr
    details = read_details(tmp_path / "out" / "soil_details.parquet").set_index("NewID")
    assert details.index.tolist() == [5, 2, 8, 1, 3]
    assert details.loc[8, "reason"] == "no clear look in the span"
    assert pd.isna(details.loc[8, "bare_days"])
    assert details.loc[5, "bare_days"] == 23
    assert details["looks"].tolist() == [7, 7, 0, 6, 1]
    assert details["largest_gap"].tolist() == [10, 10, 70, 19, 39]
    # Parcel 3 was seen on day 30 alone: day 61 to 69 lie more than 30 days from it.
    assert details["days_far"].tolist() == [0, 0, 70, 0, 9]
    assert [str(day)[:10] for day in details.loc[3, "far_start"]] == ["2021-10-01"]
    assert [str(day)[:10] for day in details.loc[3, "far_end"]] == ["2021-10-10"]


def test_intervals_tile_the_span(write_table, tmp_path: Path) -> None:
    output = tmp_path / "soil.csv"
    call("--markers", write_table("markers.ipc", PARCELS), *SPAN, "--output", output)
    blocks = list(stream_soil(output))
    frame = pd.concat([pd.DataFrame(block._asdict()) for block in blocks])
    for _, own in frame.groupby("ids"):
        assert str(own["start"].iloc[0])[:10] == "2021-08-01"
        assert str(own["end"].iloc[-1])[:10] == "2021-10-10"
        assert (own["start"].to_numpy()[1:] == own["end"].to_numpy()[:-1]).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_blocks_and_threads_do_not_matter(
    write_table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr("sen4cap.soil.run.BLOCK", 1)
    output = tmp_path / "soil.csv"
    table = write_table("markers.ipc", PARCELS)
    assert call("--markers", table, *SPAN, "--threads", threads, "--output", output).exit_code == 0
    assert output.read_text() == EXPECTED


def test_two_tables_are_one(write_table, tmp_path: Path) -> None:
    first = write_table("first.ipc", {5: "bbbgg..", 2: "bbgbbbb"})
    second = write_table("second.ipc", {8: ".......", 1: "ggrrbb.", 3: "...g...", 5: ".....gg"})
    output = tmp_path / "soil.csv"
    assert call("--markers", first, "--markers", second, *SPAN, "--output", output).exit_code == 0
    rows = pd.read_csv(output)
    assert rows[rows["NewID"] == 5]["end"].tolist() == ["2021-08-24", "2021-10-10"]
    assert set(rows["NewID"]) == {5, 2, 1, 3}


def test_one_odd_look(write_table, tmp_path: Path) -> None:
    output = tmp_path / "soil.csv"
    table = write_table("markers.ipc", PARCELS)
    assert call("--markers", table, *SPAN, "--shortest-run", 14, "--output", output).exit_code == 0
    assert [line for line in output.read_text().splitlines() if line.startswith("2,")] == ["2,2021-08-01,2021-10-10,BS"]
    assert read_details(tmp_path / "soil_details.parquet").set_index("NewID").loc[2, "looks_overruled"] == 1


def test_looks_at_a_small_part_of_a_parcel_give_way_to_better_ones(tmp_path: Path) -> None:
    """The green look at 11 of 40 pixels counts where the bare one is a month away, not where it is two days away."""
    head = "{0}_mean_NDVI,{0}_mean_NBR2,{0}_valid_pixels_cnt_NDVI,{0}_valid_pixels_cnt_NBR2"
    table, output = tmp_path / "markers.csv", tmp_path / "soil.csv"
    for second, first_states, left_out in (("20210803", ["BS"], 1), ("20210901", ["BS", "NBS"], 0)):
        header = f"NewID,{head.format('20210801')},{head.format(second)}"
        table.write_text(f"{header}\n1,150,60,40,40,800,300,11,11\n2,150,60,40,40,800,300,12,12\n")
        assert call("--markers", table, *SPAN, "--output", output).exit_code == 0
        found = pd.read_csv(output)
        assert found[found["NewID"] == 1]["state"].tolist() == first_states
        details = read_details(tmp_path / "soil_details.parquet")
        assert details["looks_poor"].tolist() == [1, 0]
        assert details["looks_left_out"].tolist() == [left_out, 0]
        # With shares of no account both parcels are alike.
        assert call("--markers", table, *SPAN, "--clear-share", 0, "--output", output).exit_code == 0
        found = pd.read_csv(output)
        assert found[found["NewID"] == 1]["state"].tolist() == found[found["NewID"] == 2]["state"].tolist()
        assert found["state"].iloc[-1] == "NBS"


def test_brightness_tells_wet_soil_from_residue(tmp_path: Path) -> None:
    """The same NBR2 above the limit: dark ground is wet soil, bright ground is residue; without B11 nobody can tell."""
    table, output = tmp_path / "markers.csv", tmp_path / "soil.csv"
    rows = "1,150,110,1200\n2,150,110,3000\n3,150,110,\n"
    table.write_text("NewID,20210801_mean_NDVI,20210801_mean_NBR2,20210801_mean_L2A_31UFS_B11\n" + rows)
    assert call("--markers", table, *SPAN, "--output", output).exit_code == 0
    assert pd.read_csv(output)["state"].tolist() == ["BS", "NBS", "NBS"]
    assert call("--markers", table, *SPAN, "--darkening", 0, "--output", output).exit_code == 0
    assert pd.read_csv(output)["state"].tolist() == ["NBS", "NBS", "NBS"]
    without = tmp_path / "without.csv"
    without.write_text("NewID,20210801_mean_NDVI,20210801_mean_NBR2\n1,150,110\n")
    result = call("--markers", without, *SPAN, "--output", output)
    assert f"{without}: no B11, so wet soil is not told from residue by its brightness" in result.stderr


def test_a_parcel_s_own_barest_looks_move_its_limit(tmp_path: Path) -> None:
    """Parcel 1 has looks at NBR2 0.04 and so residue at 0.094; parcel 2, on other soil, is bare at 0.094."""
    table, output = tmp_path / "markers.csv", tmp_path / "soil.csv"
    days = [f"202108{day:02d}" for day in range(1, 30, 4)]
    names = ["NewID", *(f"{day}_mean_{kind}" for day in days for kind in ("NDVI", "NBR2"))]
    lines = [",".join(names)]
    for parcel, low in ((1, 40), (2, 90)):
        lines.append(",".join([str(parcel), *(f"150,{low if k < 6 else 94}" for k in range(len(days)))]))
    table.write_text("\n".join(lines) + "\n")
    assert call("--markers", table, *SPAN, "--output", output).exit_code == 0
    found = pd.read_csv(output)
    assert found[found["NewID"] == 1]["state"].tolist() == ["BS", "NBS"]
    assert found[found["NewID"] == 2]["state"].tolist() == ["BS"]
    limits = read_details(tmp_path / "soil_details.parquet")["nbr2_limit"]
    assert limits[0] < 0.094 < limits[1]
    assert call("--markers", table, *SPAN, "--own-share", 0, "--output", output).exit_code == 0
    assert pd.read_csv(output)["state"].tolist() == ["BS", "BS"]


def weather(path: Path, *wet: str, end: str = "2021-10-09", separator: str = ",", bom: str = "") -> Path:
    rows = [(str(day.date()), "6.5" if str(day.date()) in wet else "0") for day in pd.date_range("2021-07-20", end)]
    lines = [separator.join(row) for row in [("date", "precipitation_mm"), *rows]]
    path.write_text(bom + "\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(("separator", "bom"), [(",", ""), (";", "\ufeff")])
def test_looks_after_rain_are_left_out(write_table, tmp_path: Path, separator: str, bom: str) -> None:
    # Parcel 2 looks green on 21 August, two days after rain.
    record = weather(tmp_path / "weather.csv", "2021-08-19", separator=separator, bom=bom)
    output = tmp_path / "soil.csv"
    table = write_table("markers.ipc", PARCELS)
    options = ("--markers", table, *SPAN, "--weather", record, "--better-within", 10)
    result = call(*options, "--output", output)
    assert result.exit_code == 0, result.output
    rows = pd.read_csv(output)
    assert rows[rows["NewID"] == 2][["start", "end", "state"]].to_numpy().tolist() == [
        ["2021-08-01", "2021-10-10", "BS"]
    ]
    details = read_details(tmp_path / "soil_details.parquet").set_index("NewID")
    assert details["looks_left_out"].tolist() == [1, 1, 0, 1, 0]
    assert (
        "3 looks left out, they follow rain or show little of their parcel, and a better one is near" in result.stderr
    )
    # With less rain, or where no dry look is near enough, they count.
    for more in (["--rain", 7], ["--rain-days", 1], ["--better-within", 9]):
        assert call(*options, *more, "--output", output).exit_code == 0
        assert output.read_text() == EXPECTED


def test_wet_season_leaves_no_parcel_without_a_state(write_table, tmp_path: Path) -> None:
    days = [str(day.date()) for day in pd.date_range("2021-07-20", "2021-10-09")]
    record = weather(tmp_path / "weather.csv", *days)
    output = tmp_path / "soil.csv"
    table = write_table("markers.ipc", PARCELS)
    assert call("--markers", table, *SPAN, "--weather", record, "--output", output).exit_code == 0
    assert output.read_text() == EXPECTED
    assert read_details(tmp_path / "soil_details.parquet")["looks_after_rain"].tolist() == [7, 7, 0, 6, 1]


def test_weather_that_ends_early_is_told(write_table, tmp_path: Path) -> None:
    record = weather(tmp_path / "weather.csv", end="2021-09-01")
    result = call(
        *("--markers", write_table("markers.ipc", PARCELS), *SPAN, "--weather", record),
        *("--output", tmp_path / "soil.csv"),
    )
    assert result.exit_code == 0
    assert "3 parcels have looks that the weather record does not cover" in result.stderr


def test_third_vote_where_the_bands_are_known(write_table, tmp_path: Path) -> None:
    table = write_table("markers.ipc", {1: "bbb"}, with_bands=True)
    output = tmp_path / "soil.csv"
    span = ["--start", "2021-08-01", "--end", "2021-08-21"]
    for bsi, state in ((0.0, "BS"), (0.3, "NBS")):
        assert call("--markers", table, *span, "--bsi", bsi, "--output", output).exit_code == 0
        assert output.read_text().splitlines()[1:] == [f"1,2021-08-01,2021-08-22,{state}"]


def test_table_of_bands_alone(write_table, tmp_path: Path) -> None:
    """Sen4CAP's own tables have no NBR2."""
    table = write_table("markers.ipc", PARCELS, with_bands=True, with_indices=False)
    output = tmp_path / "soil.csv"
    assert call("--markers", table, *SPAN, "--output", output).exit_code == 0
    assert output.read_text() == EXPECTED


def test_faults(write_table, tmp_path: Path) -> None:
    table = write_table("markers.ipc", PARCELS)
    output = tmp_path / "soil.csv"
    result = call("--markers", table, "--start", "2021-10-01", "--end", "2021-08-01", "--output", output)
    assert result.exit_code == 2
    without = tmp_path / "without.csv"
    without.write_text("NewID,20210801_mean_LAI\n1,500\n")
    result = call("--markers", without, *SPAN, "--output", output)
    assert result.exit_code == 3
    assert result.stderr.splitlines()[-1] == f"sen4cap soil: {without}: has no mean of NDVI, only LAI"
    for text, message in (
        ("date,precipitation_mm\n2021-08-01,much\n", "line 2: precipitation_mm 'much' is no number"),
        ("date,precipitation_mm\n1.8.2021,0\n", "line 2: date '1.8.2021' is no date (YYYY-MM-DD)"),
        ("date,precipitation_mm\n2021-08-01,0\n2021-08-01,0\n", "line 3: has 2021-08-01 a second time"),
        ("date,rain\n2021-08-01,0\n", "has no column precipitation_mm"),
    ):
        record = tmp_path / "weather.csv"
        record.write_text(text)
        result = call("--markers", table, *SPAN, "--weather", record, "--output", output)
        assert result.exit_code == 3
        assert message in result.stderr
        assert not output.exists()


def test_killed_and_run_again(write_table, tmp_path: Path) -> None:
    table = write_table("markers.ipc", PARCELS)
    output = tmp_path / "out" / "soil.csv"
    parts = ["soil", "--markers", str(table), *SPAN, "--output", str(output)]
    # The run is stopped for good while its output is half written.
    code = (
        "import os, signal, sen4cap.tables as t\n"
        "keep = t._append\n"
        "def die(table, sink):\n"
        "    keep(table, sink); sink.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
        "t._append = die\n"
        "from sen4cap.cli import main\n"
        f"main({parts!r})\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert not output.exists()
    assert call(*parts[1:]).exit_code == 0
    assert output.read_text() == EXPECTED
    assert [path.name for path in output.parent.iterdir() if "partial" in path.name] == []
