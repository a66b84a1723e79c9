"""A run from start to end: outputs, record, logs, options that go to the runner."""

from __future__ import annotations

import hashlib
from pathlib import Path

import yaml

from run.bench import FLOWS, Bench
from sen4cap import __version__


def test_a_run_gives_outputs_a_record_and_logs_and_the_next_replaces_them(bench: Bench) -> None:
    bench.gate.touch()
    out, err = bench.run("chain", "--parallel", output="my results # 1")
    results = bench.room / "my results # 1"
    assert out == f"result\t{results}/out.txt\n"
    assert (results / "out.txt").read_text() == "three\ntwo\none\n"
    assert bench.ran() == ["one", "two", "three"]
    for name in ("first", "second", "deep/last"):
        assert f"{name}: done after" in err
    assert "(3 of 3 steps done)" in err

    record = bench.record("my results # 1")
    assert (record["status"], record["suite"], record["runner"]["name"]) == ("finished", __version__, "cwltool")
    assert record["job"]["sha256"] == hashlib.sha256((bench.room / "job.yml").read_bytes()).hexdigest()
    documents = {Path(path).name: digest for path, digest in record["workflow"]["sha256"].items()}
    assert documents == {
        name: hashlib.sha256((FLOWS / name).read_bytes()).hexdigest() for name in ("chain.cwl", "inner.cwl", "note.cwl")
    }
    assert "--parallel" in record["attempts"][0]["command"]
    assert record["outputs"]["result"]["path"] == f"{results}/out.txt"
    assert [step["name"] for step in record["steps"]] == ["first", "second", "deep/last"]
    for step, word in zip(record["steps"], ("one", "two", "three"), strict=True):
        assert (step["status"], step["exit_code"], step["tool"], step["image"]) == ("done", 0, "note", None)
        assert record["started"] <= step["started"] <= step["ended"] <= record["ended"]
        assert f"{word} says it works" in (results / "run" / step["log"]).read_text()
    left = sorted(path.name for path in (results / "run").iterdir())
    assert left == [".lock", "run.json", "runner.log", "steps"]

    bench.job(word="deux")
    bench.run("chain", output="my results # 1")
    assert (results / "out.txt").read_text() == "three\ndeux\none\n"
    assert len(bench.ran()) == 6
    assert len(bench.record("my results # 1")["attempts"]) == 1


def test_cpu_and_memory_of_a_step_are_measured(bench: Bench) -> None:
    tool = {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": "busy",
        "baseCommand": ["python3", "-c"],
        "arguments": ["import time\nkept = b'x' * 150_000_000\nwhile time.process_time() < 1.5: pass"],
        "inputs": {},
        "outputs": {},
    }
    (bench.room / "busy.cwl").write_text(yaml.safe_dump(tool))
    (bench.room / "empty.yml").write_text("{}\n")
    bench.run(bench.room / "busy", job=bench.room / "empty.yml")
    (step,) = bench.record()["steps"]
    assert 1.4 < step["cpu_s"] < 3
    assert 150 < step["peak_memory_mib"] < 250
    assert step["wall_s"] > 1.4


def test_folders_of_one_name_are_told_apart(bench: Bench) -> None:
    """cwltool's own cache would take the first folder's result for the second's too."""
    for word in ("a", "b", "c"):
        (bench.room / word / "items").mkdir(parents=True)
        (bench.room / word / "items" / "one.txt").write_text(f"{word}\n")
    folders = [{"class": "Directory", "location": f"{word}/items"} for word in ("a", "b", "c")]
    job = bench.room / "folders.yml"
    job.write_text(yaml.safe_dump({"folders": folders}))
    bench.run("folders", job=job)
    assert (bench.room / "results" / "all.txt").read_text() == "a\nb\nc\n"
    names = sorted(step["name"] for step in bench.record()["steps"])
    assert names == ["all", "count", "count.2", "count.3"]


def test_an_option_that_the_runner_does_not_know_is_wrong_usage(bench: Bench) -> None:
    _, err = bench.run("chain", "--no-such-option", code=2)
    assert "--no-such-option" in err
    assert err.splitlines()[-1].startswith("sen4cap run: cwltool: ")
