"""What cannot run is told in one line before it starts: job files, documents, images, runners, disks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import sen4cap
from run.bench import BIN, FLOWS, Bench
from sen4cap.cli import main
from sen4cap.run.images import call

ENOUGH = "word: two\ntally: t\ngate: g\n"


def refused(*words: object, code: int = 3) -> str:
    """Call `sen4cap run`, which must refuse; returns its one line."""
    outcome = CliRunner().invoke(main, ["run", *map(str, words)])
    assert outcome.exit_code == code, outcome.output
    assert outcome.stdout == ""
    lines = outcome.stderr.splitlines()
    assert code == 2 or len(lines) == 1, lines
    return lines[-1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wrod: two\n", ", wrod: the workflow has no such input; is word meant?"),
        (ENOUGH + "parcels: 1\n", ", parcels: the workflow has no such input; its inputs are catalog, flag, gate,"),
        ("tally: t\ngate: g\n", ", word: is missing (Word of the second step); it takes a text"),
        (ENOUGH + "number: '1'\n", ', number: "1" is a text, and this input takes a whole number'),
        (ENOUGH + "number: 1.5\n", ", number: 1.5 is a number, and this input takes a whole number"),
        (ENOUGH + "number: true\n", ", number: true is true or false, and this input takes a whole number"),
        (ENOUGH + "share: half\n", ', share: "half" is a text, and this input takes a number'),
        (ENOUGH + "flag: 'yes'\n", ', flag: "yes" is a text, and this input takes true or false'),
        (ENOUGH + "way: forst\n", ', way: "forst" is a text, and this input takes one of forest, threshold'),
        (ENOUGH + "several: a\n", ', several: "a" is a text, and this input takes a list, of each item a text'),
        (ENOUGH + "several: [a, 2]\n", ', several: ["a", 2] is a list, and this input takes a list, of each item a te'),
        (ENOUGH + "table: a.csv\n", "; write {class: File, location: a.csv}"),
        (ENOUGH + "table: {location: a.csv}\n", " is a mapping without class File or Directory, and this input takes"),
        (ENOUGH + "table: {class: File}\n", " is of class File, and this input takes a file, {class: File, location:"),
        (ENOUGH + "table: {class: Directory, location: .}\n", " is of class Directory, and this input takes a file"),
        (
            ENOUGH + "table: {class: File, location: a.csv}\n",
            "/a.csv does not exist; a relative path starts at the fol",
        ),
        (ENOUGH + "table: {class: File, path: /no/a.csv}\n", ", table: /no/a.csv does not exist"),
        (ENOUGH + "table: {class: File, location: .}\n", " is a folder, not a File; write class: Directory"),
        (
            ENOUGH + "catalog: {class: Directory, location: job.yml}\n",
            "job.yml is a file, not a Directory; write class",
        ),
        ("- word\n", "holds a list; write one `input: value` a line"),
        ("word: [two\n", "line 2: is no YAML: "),
        ("word: two\nword: three\n", "line 2: is no YAML: "),
    ],
)
def test_a_job_file_is_held_against_its_workflow(tmp_path: Path, text: str, said: str) -> None:
    job = tmp_path / "job.yml"
    job.write_text(text)
    line = refused(FLOWS / "chain.cwl", job, "--output", tmp_path / "results", "--no-container")
    assert line.startswith(f"sen4cap run: {job}")
    assert said in line
    assert not (tmp_path / "results").exists()


def test_no_job_file_and_no_text(tmp_path: Path) -> None:
    assert "no.yml: does not exist" in refused(FLOWS / "chain.cwl", tmp_path / "no.yml")
    (tmp_path / "job.yml").write_bytes(b"\xff\xfe\x00\x01")
    assert "job.yml: cannot be read: " in refused(FLOWS / "chain.cwl", tmp_path / "job.yml")


def test_a_document_that_is_none(tmp_path: Path) -> None:
    job = tmp_path / "job.yml"
    job.write_text(ENOUGH)
    assert "no.cwl: does not exist" in refused(tmp_path / "no.cwl", job)
    assert "is no CWL document" in refused(tmp_path, job)
    wrong = tmp_path / "wrong.cwl"
    wrong.write_text("cwlVersion: v1.2\nclass: Workflow\ninputs: {}\noutputs: {}\nsteps: {a: {run: no.cwl, in: {}}}\n")
    assert refused(wrong, job).startswith(f"sen4cap run: {wrong}: is no valid CWL: ")
    wrong.write_text("hello: [\n")
    assert refused(wrong, job).startswith(f"sen4cap run: {wrong}: is no valid CWL: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--parallel", "chain.cwl", "job.yml"], "--parallel is an option of the runner; write it behind the job file"),
        (["chain.cwl", "job.yml", "other.yml"], "other.yml is one file too many"),
        (["chain.cwl", "job.yml", "--restart"], "--restart is not needed"),
        (["chain.cwl", "job.yml", "--runner", "make"], "'make' is not one of"),
        (["chain.cwl"], "Missing argument 'JOB'"),
    ],
)
def test_wrong_usage(words: list[str], said: str) -> None:
    assert said in refused(*words, code=2)


def test_the_output_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "job.yml").write_text(ENOUGH)
    (tmp_path / "results").touch()
    words = [FLOWS / "chain.cwl", tmp_path / "job.yml", "--no-container", "--output", tmp_path / "results"]
    assert "results" in refused(*words, code=2)


def test_an_image_that_is_missing(tmp_path: Path) -> None:
    if call("podman", "version") is not None:
        pytest.skip("podman does not run here")
    (tmp_path / "job.yml").write_text("{}\n")
    words = [FLOWS / "contained.cwl", tmp_path / "job.yml", "--output", tmp_path / "results", "--podman"]
    image = "localhost:9/sen4cap/no-such-image:1"
    line = refused(*words, "--disable-pull")
    assert line == (
        f"sen4cap run: {image}: is not on this machine; run `make images` in a checkout of the suite, or "
        f"`podman pull {image}`"
    )
    outcome = CliRunner().invoke(main, ["run", *map(str, words)])
    assert outcome.exit_code == 3
    pulling, line = outcome.stderr.splitlines()
    assert pulling == f"{image}: not on this machine, pulling it"
    assert line.startswith(f"sen4cap run: {image}: is not on this machine and could not be pulled (")
    assert line.endswith(f"`podman pull {image}`")


def test_an_engine_that_is_missing_or_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "job.yml").write_text("{}\n")
    words = [FLOWS / "contained.cwl", tmp_path / "job.yml", "--output", tmp_path / "results"]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refused(*words) == "sen4cap run: docker: is not installed here; install it, or add --no-container"
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    docker.chmod(0o755)
    assert refused(*words) == (
        "sen4cap run: docker: does not answer: Cannot connect to the Docker daemon; start it, or add --podman or "
        "--no-container"
    )


@pytest.mark.parametrize("runner", ["cwltool", "toil"])
def test_a_runner_that_is_not_installed(runner: str, tmp_path: Path) -> None:
    """In a Python that has the base install alone: click and the suite."""
    for package in (click, sen4cap):
        source = Path(str(package.__file__)).parent
        (tmp_path / source.name).symlink_to(source)
    (tmp_path / "job.yml").write_text("{}\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from sen4cap.cli import main; main(prog_name='sen4cap')"
    words = ["run", str(FLOWS / "contained.cwl"), str(tmp_path / "job.yml"), "--runner", runner]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, *words], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 3, done.stderr
    assert done.stderr == f'sen4cap run: {runner}: is not installed here; run pip install "sen4cap[run]"\n'


@pytest.mark.parametrize("kib", [4, 400])
def test_a_full_disk(bench: Bench, kib: int, on_small_disk: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """It is full before the runner has begun, or as a step writes."""
    job = bench.room / "fill.yml"
    job.write_text("kilobytes: 600\n")
    command = [shutil.which("sen4cap", path=str(BIN)) or "", "run", str(FLOWS / "fill.cwl"), str(job)]
    done = on_small_disk("env", f"PATH={BIN}:{os.environ['PATH']}", *command, "--no-container", kib=kib)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("sen4cap run: ")
    assert "the disk is full" in last
