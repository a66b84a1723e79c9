"""Interrupted runs: nothing is left at work, nothing finished is done again, the result is the same."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from run.bench import Bench

WHOLE = "three\ntwo\none\n"


def until_the_second_waits(bench: Bench, *words: object, before: Sequence[str] = ("one",)) -> int:
    """Start a run and let it come to the step that waits; returns the number of the runner's process."""
    bench.start("chain", *words)
    bench.wait_for(lambda: bench.ran() == [*before, "two"])
    bench.wait_for(lambda: [step["status"] for step in bench.record()["steps"]] == ["done", "running"])
    return int(bench.record()["attempts"][-1]["runner_pid"])


def goes_on(bench: Bench, *words: object) -> str:
    """Open the gate and run the same command again."""
    bench.gate.touch()
    _, err = bench.run("chain", *words)
    assert "going on with the unfinished run" in err
    assert bench.ran() == ["one", "two", "two", "three"]
    assert (bench.room / "results" / "out.txt").read_text() == WHOLE
    record = bench.record()
    assert record["status"] == "finished"
    assert {step["name"]: step["attempt"] for step in record["steps"]} == {"first": 1, "second": 2, "deep/last": 2}
    assert not (bench.room / "results" / "run" / "state").exists()
    return err


def test_kill_9_of_the_runner(bench: Bench) -> None:
    os.kill(until_the_second_waits(bench), signal.SIGKILL)
    _, err = bench.started[0].communicate()
    assert bench.started[0].returncode == 137
    assert err.splitlines()[-1].startswith("sen4cap run: cwltool: was ended by SIGKILL")
    assert "run the same command again" in err
    assert bench.at_work() == []
    assert bench.record()["status"] == "failed"
    assert [step["status"] for step in bench.record()["steps"]] == ["done", "stopped"]
    goes_on(bench)


def test_kill_9_of_the_command_and_then_of_both(bench: Bench) -> None:
    until_the_second_waits(bench)
    bench.started[0].kill()
    bench.wait_for(lambda: bench.at_work() == [])
    assert bench.record()["status"] == "running"

    runner = until_the_second_waits(bench, before=["one", "two"])
    bench.started[1].send_signal(signal.SIGSTOP)
    os.kill(runner, signal.SIGKILL)
    bench.started[1].kill()
    bench.started[1].communicate()
    # The job that is left would end by itself now, and write into the folder in which it is run again.
    (left,) = [each.pid for each in bench.at_work() if each.name() == "sh"]
    bench.start("chain")
    bench.wait_for(lambda: bench.ran() == ["one", "two", "two", "two"])
    assert left not in [each.pid for each in bench.at_work()]
    bench.gate.touch()
    _, err = bench.started[2].communicate()
    assert "ended what the interrupted run had left working" in err
    assert bench.ran() == ["one", "two", "two", "two", "three"]
    assert (bench.room / "results" / "out.txt").read_text() == WHOLE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_and_says_how_to_go_on(bench: Bench, number: signal.Signals) -> None:
    until_the_second_waits(bench)
    bench.started[0].send_signal(number)
    _, err = bench.started[0].communicate()
    assert bench.started[0].returncode == 128 + number
    assert err.splitlines()[-1] == (
        f"sen4cap run: stopped: by {number.name}; run the same command again to go on; the finished step is kept"
    )
    assert bench.at_work() == []
    assert "failed" not in err
    assert bench.record()["status"] == "stopped"
    assert [step["status"] for step in bench.record()["steps"]] == ["done", "stopped"]
    if number == signal.SIGINT:
        goes_on(bench)


def test_a_step_that_failed_is_mended_and_gone_on_with(bench: Bench) -> None:
    bench.job(word="bad")
    _, err = bench.run("chain", code=3)
    lines = err.splitlines()
    assert "  bad: parcels.gpkg, NewID 7: is odd" in lines
    assert lines[-1].startswith("sen4cap run: step second: failed with exit code 3, its log is ")
    assert lines[-1].endswith("run the same command again to go on; the finished step is kept")
    log = Path(lines[-1].partition("its log is ")[2].partition(";")[0])
    assert "bad: parcels.gpkg, NewID 7: is odd" in log.read_text()
    assert bench.record()["steps"][1]["exit_code"] == 3
    bench.gate.touch()
    bench.run("chain")
    assert bench.ran() == ["one", "bad", "bad", "three"]


def test_a_second_run_in_the_folder_is_refused(bench: Bench) -> None:
    until_the_second_waits(bench)
    _, err = bench.run("chain", code=3)
    (line,) = err.splitlines()
    assert line.startswith(f"sen4cap run: {bench.room}/results: another run is in this folder (process ")
    bench.gate.touch()
    assert bench.started[0].wait() == 0
    assert bench.ran() == ["one", "two", "three"]


@pytest.mark.slow
def test_toil_goes_on_after_kill_9(bench: Bench) -> None:
    os.kill(until_the_second_waits(bench, "--runner", "toil"), signal.SIGKILL)
    bench.started[0].communicate()
    assert bench.at_work() == []
    goes_on(bench, "--runner", "toil")


@pytest.mark.slow
def test_toil_tells_of_a_failed_step_and_goes_on(bench: Bench) -> None:
    bench.job(word="bad")
    words = ["--runner", "toil", "--retryCount", "0"]
    _, err = bench.run("chain", *words, code=3)
    lines = err.splitlines()
    assert "  bad: parcels.gpkg, NewID 7: is odd" in lines
    assert lines[-1].startswith("sen4cap run: step second: failed with exit code 3, its log is ")
    bench.gate.touch()
    bench.run("chain", *words)
    assert bench.ran() == ["one", "bad", "bad", "three"]
    assert [step["name"] for step in bench.record()["steps"]] == ["first", "second", "deep/last"]
