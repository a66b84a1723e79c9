"""`sen4cap smooth` from files to files: what it writes, what it refuses, that it can be interrupted."""

from __future__ import annotations

import datetime
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.ipc
import pytest
from click.testing import CliRunner, Result

from sen4cap.cli import main
from sen4cap.series import NEVER_SEEN, open_series

START, END = "2021-07-01", "2022-06-30"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["smooth", *map(str, arguments)])


@pytest.fixture
def table(write_markers) -> Path:
    """Five parcels: many looks, none, one, two, some."""
    days = np.arange(5, 360, 15)
    lai = np.tile(1 + np.sin(days / 60), (5, 1))
    lai[1] = np.nan
    lai[2, 1:] = np.nan
    lai[3, 2:] = np.nan
    lai[4, 6:12] = np.nan
    return write_markers("markers.ipc", np.array([11, 12, 13, 14, 15]), days, LAI=lai, FCOVER=lai / 4)


def test_writes_a_series_of_every_parcel(table: Path, tmp_path: Path) -> None:
    result = run("--markers", table, "--start", START, "--end", END, "--output", tmp_path / "series.arrow")
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert "5 parcels" in result.stderr
    assert "1 never seen, 2 seen once or twice" in result.stderr
    daily = open_series(tmp_path / "series.arrow")
    assert daily.parcel.to_numpy().tolist() == [11, 12, 13, 14, 15]
    assert set(daily) == {"LAI", "FCOVER", "gap"}
    assert daily.sizes["day"] == 365
    assert daily.attrs["season"] == 2021
    assert daily.attrs["sources"] == ("item-a", "item-b")
    assert "Whittaker" in daily.attrs["method"]
    lai, gap = daily.LAI.to_numpy(), daily.gap.to_numpy()
    assert np.isnan(lai[:, :5]).all()
    assert np.isfinite(lai[0, 5:351]).all()
    assert np.isnan(lai[0, 351:]).all()
    np.testing.assert_allclose(lai[0, 5:351], 1 + np.sin(np.arange(5, 351) / 60), atol=0.03)
    assert np.isnan(lai[1]).all()
    assert (gap[1] == NEVER_SEEN).all()
    assert np.isfinite(lai[2]).sum() == 1
    assert np.isfinite(lai[3]).sum() == 16
    assert gap[0].max() == 14  # the last look is on day 350 of 0 to 364
    assert gap[4].max() > 40


def test_several_tables_are_one(write_markers, tmp_path: Path) -> None:
    first = write_markers("a.ipc", np.array([1, 2]), np.arange(0, 100, 10), LAI=np.ones((2, 10)))
    second = write_markers("b.ipc", np.array([2, 3]), np.arange(5, 105, 10), LAI=np.ones((2, 10)))
    output = tmp_path / "s.arrow"
    arguments = ("--markers", first, "--markers", second, "--start", START, "--end", END)
    result = run(*arguments, "--variables", "LAI", "--season", 2021, "--output", output)
    assert result.exit_code == 0, result.output
    daily = open_series(output)
    assert daily.parcel.to_numpy().tolist() == [1, 2, 3]
    assert daily.gap.to_numpy()[:, 5].tolist() == [5, 0, 0]


def test_a_table_with_semicolons_is_read_as_it_is(table: Path, tmp_path: Path) -> None:
    ipc, csv = tmp_path / "a.arrow", tmp_path / "b.arrow"
    text = tmp_path / "markers.csv"
    frame = pyarrow.ipc.open_file(table).read_pandas()
    frame.to_csv(text, sep=";", index=False, encoding="utf-8-sig", na_rep="NA")
    for source, output in ((table, ipc), (text, csv)):
        result = run("--markers", source, "--start", START, "--end", END, "--output", output)
        assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(open_series(ipc).LAI.to_numpy(), open_series(csv).LAI.to_numpy())


@pytest.mark.parametrize("method", ["whittaker", "savitzky-golay"])
def test_threads_do_not_matter(write_markers, tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sen4cap.smooth.run.BLOCK", 64)
    random = np.random.default_rng(5)
    lai = random.uniform(0, 4, (500, 30))
    lai[random.random(lai.shape) < 0.4] = np.nan
    table = write_markers("m.ipc", np.arange(500), np.arange(0, 300, 10), LAI=lai)
    files = []
    for threads in (1, 3):
        files.append(tmp_path / f"{threads}.arrow")
        common = ("--markers", table, "--start", START, "--end", END, "--variables", "LAI", "--method", method)
        assert run(*common, "--threads", threads, "--output", files[-1]).exit_code == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_missing_quantity_is_refused(table: Path, tmp_path: Path) -> None:
    output = tmp_path / "s.arrow"
    result = run("--markers", table, "--start", START, "--end", END, "--variables", "LAI,NDVI", "--output", output)
    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1
    assert "NDVI" in result.stderr
    assert "markers.ipc" in result.stderr
    assert not list(tmp_path.glob("*s.arrow*"))


def test_a_span_without_looks_is_refused(table: Path, tmp_path: Path) -> None:
    result = run("--markers", table, "--start", "2019-01-01", "--end", "2019-12-31", "--output", tmp_path / "s.arrow")
    assert result.exit_code == 3
    assert "no look of LAI between 2019-01-01 and 2019-12-31" in result.stderr


def test_no_marker_table_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.ipc"
    wrong.write_bytes(b"ARROW1 and then nothing of the kind")
    result = run("--markers", wrong, "--start", START, "--end", END, "--output", tmp_path / "s.arrow")
    assert result.exit_code == 3
    assert "wrong.ipc" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--start", END, "--end", START),
        ("--start", START, "--end", END, "--window", 60),
        ("--start", START, "--end", END, "--window", 3, "--degree", 4),
        ("--start", START, "--end", END, "--lambda", 0),
        ("--start", START, "--end", END, "--variables", "LAI,HEIGHT"),
        ("--start", "yesterday", "--end", END),
    ],
)
def test_wrong_usage(table: Path, arguments: tuple) -> None:
    assert run("--markers", table, *arguments).exit_code == 2


def test_a_killed_run_leaves_nothing_that_disturbs_the_next(write_markers, tmp_path: Path) -> None:
    random = np.random.default_rng(6)
    table = write_markers("m.ipc", np.arange(30_000), np.arange(0, 360, 30), LAI=random.uniform(0, 4, (30_000, 12)))
    killed, whole = tmp_path / "killed" / "s.arrow", tmp_path / "whole.arrow"
    command = [sys.executable, "-m", "sen4cap", "smooth", "--markers", str(table), "--start", START, "--end", END]
    command += ["--variables", "LAI"]
    with subprocess.Popen([*command, "--output", str(killed)], stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not list(killed.parent.glob(".series-*")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.kill()
    # On a busy machine the run may have ended before it was killed; then there is a result, and a whole one.
    assert process.returncode == 0 or not killed.exists()
    for output in (killed, whole):
        subprocess.run([*command, "--output", str(output)], check=True, stderr=subprocess.DEVNULL)
    assert killed.read_bytes() == whole.read_bytes()
    assert open_series(killed).sizes == {"parcel": 30_000, "day": 365}


def test_the_span_gives_the_season(table: Path, tmp_path: Path) -> None:
    output = tmp_path / "s.arrow"
    assert run("--markers", table, "--start", START, "--end", "2021-10-31", "--output", output).exit_code == 0
    assert open_series(output).attrs["season"] == 2021
    assert open_series(output).attrs["start"] == str(datetime.date(2021, 7, 1))
