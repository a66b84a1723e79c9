"""The command on whole files."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from sen4cap.cli import main
from sen4cap.harvests import read_harvests
from sen4cap.tables import read_details

EXPECTED = ["NewID,harvest_start", "7,2021-09-13", "3,2021-08-02", "12,", "1,", "9,"]


def call(*parts: object) -> Result:
    return CliRunner().invoke(main, ["harvest", *map(str, parts)])


@pytest.mark.parametrize("with_markers", [False, True])
@pytest.mark.parametrize("threads", [1, 2])
def test_harvest_weeks(season_files, tmp_path: Path, with_markers: bool, threads: int) -> None:
    series, table = season_files
    output = tmp_path / "out" / "harvest.csv"
    more = ["--markers", table] if with_markers else []
    result = call("--series", series, *more, "--threads", threads, "--output", output)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert output.read_text().splitlines() == EXPECTED
    details = read_details(tmp_path / "out" / "harvest_details.parquet").set_index("NewID")
    assert details.loc[7, "kind"] == "cut"
    assert details.loc[3, "kind"] == "ripened"
    assert details.loc[7, "quality"] == "good"
    assert details.loc[[12, 1, 9], "reason"].tolist() == [
        "no clear look",
        "no stand above the level",
        "no fall until the end of the window",
    ]
    assert "1 parcels without a harvest week, no clear look: 12" in result.stderr
    assert read_harvests(output).ids.tolist() == [7, 3, 12, 1, 9]


def test_blocks_do_not_matter(season_files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series, table = season_files
    monkeypatch.setattr("sen4cap.harvest.run.BLOCK", 2)
    output = tmp_path / "harvest.csv"
    assert call("--series", series, "--markers", table, "--output", output).exit_code == 0
    assert output.read_text().splitlines() == EXPECTED


def test_window_is_an_option(season_files, tmp_path: Path) -> None:
    series, _ = season_files
    output = tmp_path / "harvest.csv"
    assert call("--series", series, "--window-end", "08-31", "--output", output).exit_code == 0
    assert output.read_text().splitlines()[1:3] == ["7,", "3,2021-08-02"]
    result = call("--series", series, "--window-start", "09-01", "--window-end", "08-31", "--output", output)
    assert result.exit_code == 2
    assert "--window-start 09-01 is after --window-end 08-31" in result.output


def test_a_look_at_few_pixels_counts_where_no_better_one_is_near(season_files, tmp_path: Path) -> None:
    """Maize cut on 15 September: seen whole on 28 August and 11 November, by a corner on 14 and on 18 September."""
    series, _ = season_files
    table, output = tmp_path / "few.csv", tmp_path / "harvest.csv"
    whole = {"20210603": 4000, "20210720": 4000, "20210828": 4000, "20211111": 100, "20211125": 100}
    corner = {"20210914": 4000, "20210918": 100}
    days = sorted(whole | corner)
    names = [f"{day}_{stat}_LAI" for day in days for stat in ("mean", "valid_pixels_cnt")]
    cells = [str(number) for day in days for number in ((whole | corner)[day], 40 if day in whole else 5)]
    table.write_text(f"NewID,{','.join(names)}\n7,{','.join(cells)}\n")
    for within, look_before in ((3, "2021-09-14"), (60, "2021-08-28")):
        options = ("--series", series, "--markers", table, "--better-within", within)
        assert call(*options, "--output", output).exit_code == 0
        details = read_details(tmp_path / "harvest_details.parquet").set_index("NewID")
        assert str(details.loc[7, "look_before"])[:10] == look_before
        assert (read_harvests(output).start[0] == np.datetime64("2021-09-13")) == (within == 3)


def test_missing_variable(season_files, tmp_path: Path) -> None:
    series, table = season_files
    result = call("--series", series, "--variable", "NDVI", "--output", tmp_path / "harvest.csv")
    assert result.exit_code == 3
    assert result.stderr.strip().endswith("has no NDVI, only LAI; run `sen4cap smooth --variables NDVI`")
    result = call("--series", table, "--output", tmp_path / "harvest.csv")
    assert result.exit_code == 3
    assert "is no series file" in result.stderr
    assert not (tmp_path / "harvest.csv").exists()


def test_killed_and_run_again(season_files, tmp_path: Path) -> None:
    series, _ = season_files
    output = tmp_path / "out" / "harvest.csv"
    # The run is stopped for good while its output is half written.
    code = (
        "import os, signal, sen4cap.tables as t\n"
        "keep = t._append\n"
        "def die(table, sink):\n"
        "    keep(table, sink); sink.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
        "t._append = die\n"
        "from sen4cap.cli import main\n"
        f"main(['harvest', '--series', {str(series)!r}, '--output', {str(output)!r}])\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert not output.exists()
    assert call("--series", series, "--output", output).exit_code == 0
    assert output.read_text().splitlines() == EXPECTED
    assert [path.name for path in output.parent.iterdir() if "partial" in path.name] == []
