"""Outputs appear whole or not at all, and two runs cannot write the same one."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sen4cap.errors import BadInput
from sen4cap.outputs import scratch_array, whole_file, whole_folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_the_block_ends_well(tmp_path: Path) -> None:
    with whole_file(tmp_path / "deep" / "a.csv") as scratch:
        scratch.write_text("whole")
        assert names(tmp_path / "deep") == [".a.csv.lock", ".a.partial.csv"]
    assert (tmp_path / "deep" / "a.csv").read_text() == "whole"
    assert names(tmp_path / "deep") == ["a.csv"]


def test_a_failed_block_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("old")
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "a.csv") as scratch:
        scratch.write_text("half")
        raise ZeroDivisionError
    assert (tmp_path / "a.csv").read_text() == "old"
    assert names(tmp_path) == ["a.csv"]


def test_a_folder_replaces_the_old_one_whole(tmp_path: Path) -> None:
    for content in ("first", "second"):
        with whole_folder(tmp_path / "out") as scratch:
            (scratch / content).write_text(content)
    assert names(tmp_path / "out") == ["second"]
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize(("keep", "left"), [(False, []), (True, [".out.partial"])])
def test_an_unfinished_folder_is_kept_only_for_tools_that_resume(tmp_path: Path, keep: bool, left: list[str]) -> None:
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "out", keep=keep) as scratch:
        (scratch / "item").write_text("done")
        raise ZeroDivisionError
    assert names(tmp_path) == left
    with whole_folder(tmp_path / "out", keep=keep) as scratch:
        assert (scratch / "item").exists() == keep
    assert names(tmp_path) == ["out"]


def test_a_second_run_is_refused_while_the_first_writes(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a.csv") as scratch:
        scratch.write_text("first")
        with pytest.raises(BadInput, match="another run is writing"), whole_file(tmp_path / "a.csv"):
            pass
    assert (tmp_path / "a.csv").read_text() == "first"


def test_a_folder_output_over_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(BadInput, match="is a file"), whole_folder(tmp_path / "out"):
        pass


def test_a_killed_run_is_no_obstacle(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from sen4cap.outputs import whole_file\n"
        f"with whole_file(Path({str(tmp_path / 'a.csv')!r})) as p:\n"
        "    p.write_text('half'); print('writing', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "a.csv").exists()
    with whole_file(tmp_path / "a.csv") as scratch:
        scratch.write_text("whole")
    assert names(tmp_path) == ["a.csv"]


def test_a_full_disk_is_told_whatever_the_driver_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 4096

    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage)
    with pytest.raises(OSError, match="No space left") as error, whole_file(tmp_path / "a.tif"):
        raise RuntimeError("TIFFAppendToStrip failed")
    assert error.value.filename == str(tmp_path / ".a.partial.tif")
    assert isinstance(error.value.__cause__, RuntimeError)
    with pytest.raises(BadInput, match="bad"), whole_folder(tmp_path / "out"):
        raise BadInput("parcels.gpkg", "bad")


def test_other_failures_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="odd"), whole_file(tmp_path / "a.tif"):
        raise RuntimeError("odd")


def test_scratch_arrays_leave_nothing(tmp_path: Path) -> None:
    with scratch_array(tmp_path / "x.arrow", (3, 4), "float32") as values:
        assert not values.any()
        values[1] = 7
        assert values.sum() == 28
        assert not list(tmp_path.iterdir())
    with scratch_array(tmp_path / "x.arrow", (0, 4), "float32") as values:
        assert values.shape == (0, 4)


def test_a_scratch_array_too_large_for_the_disk(tmp_path: Path) -> None:
    """A full disk is an error before anything is written, never a signal."""
    with pytest.raises(OSError) as error, scratch_array(tmp_path / "x.arrow", (2**45,), "float32"):  # noqa: PT011
        pass
    assert error.value.errno == errno.ENOSPC
    assert not list(tmp_path.iterdir())
