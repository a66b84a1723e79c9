"""A run: checked before it starts, watched while it goes, recorded, and gone on with after an interruption."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import platform
import shlex
import shutil
import signal
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from .. import __version__
from ..errors import Sen4capError
from ..outputs import FULL_BELOW_BYTES
from ..progress import say
from . import images
from . import job as jobs
from . import workflow as workflows
from .child import Child, end_leftovers
from .display import Display, counted, display_of, duration
from .folder import RunFolder
from .job import files_in
from .record import Record
from .steps import StepRun, Steps
from .with_cwltool import WithCwltool
from .with_toil import WithToil
from .workflow import Workflow

POLL_S = 0.2
SAVE_EVERY_S = 5.0
LAST_LINES = 8
"""Lines of its log that are shown of a failed step."""
CONTAINERS = ("--no-container", "--podman", "--singularity", "--udocker", "--default-container")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Runner = WithCwltool | WithToil


class StepFailed(Sen4capError):
    """A step failed; its exit code is passed on."""

    def __init__(self, run: StepRun, log: Path, again: str) -> None:
        how = f"failed with exit code {run.exit_code}" if run.exit_code else "failed"
        super().__init__(f"step {run.name}", f"{how}, its log is {log}", do=again)
        code = run.exit_code or 1
        self.exit_code = code if 0 < code < 126 else 128 - code if code < 0 else 1


class RunnerFailed(Sen4capError):
    """The runner failed outside of any step."""


class Stopped(Sen4capError):
    """The user, or the system, ended the run."""

    def __init__(self, number: int, again: str) -> None:
        super().__init__("stopped", f"by {signal.Signals(number).name}", do=again)
        self.exit_code = 128 + number


def run(
    workflow: str, job: Path, *, runner: str, options: tuple[str, ...], output: Path, from_scratch: bool
) -> dict[str, Any]:
    """Run a workflow with a job file into `output`; returns the outputs, whose paths go to standard output."""
    document = workflows.load(workflow)
    values = jobs.load(job)
    jobs.check(values, document.inputs, job)
    folder = RunFolder(output)
    how: Runner = (WithToil if runner == "toil" else WithCwltool)(folder, options)
    check_images(document, how)
    mark = fingerprint(document, values, job, how)
    with folder.held() as lock:
        earlier = None if from_scratch else to_go_on_from(Record.read(folder.record), mark, folder)
        if end_leftovers(folder.state):
            say("ended what the interrupted run had left working")
        if earlier is None:
            how.discard()
            folder.clear()
        folder.prepare()
        record = earlier or Record(folder.record, description(document, job, values, how, mark))
        steps = Steps(document.steps, record.finished_steps())
        code = attempt(how, document, job, record=record, steps=steps, lock=lock, resume=earlier is not None)
        if code:
            raise failure(code, folder, steps, how)
        outputs = take_outputs(folder, record, steps)
        shutil.rmtree(folder.state)
    took = sum(each["wall_s"] for each in record.attempts if each["wall_s"])
    say(f"finished after {duration(took)}: {folder.output}, its record is {folder.record}")
    for line in shown(outputs):
        print(line, flush=True)
    return outputs


def check_images(document: Workflow, how: Runner) -> None:
    """Look for the images where the jobs will run; on a cluster that is not here."""
    if isinstance(how, WithCwltool) or how.on_this_machine:
        images.check([step.image for step in document.steps if step.image], how.options)


def fingerprint(document: Workflow, values: Mapping[str, Any], job: Path, how: Runner) -> dict[str, str]:
    """What must be the same for finished steps to be worth anything, and what to call it when it is not."""
    containers = [word for word in how.options if word.partition("=")[0] in CONTAINERS]
    documents = json.dumps(document.documents, sort_keys=True)
    return {
        "the version of the suite": __version__,
        f"the version of {how.name}": how.version(),
        "the runner": how.name,
        "the workflow": hashlib.sha256(f"{document.location}{documents}".encode()).hexdigest(),
        "the job file or a file it names": jobs.fingerprint(values, job.parent),
        "the way containers are used": " ".join(containers),
    }


def to_go_on_from(earlier: Record | None, mark: dict[str, str], folder: RunFolder) -> Record | None:
    """The interrupted or failed run that this one goes on with; None to begin anew."""
    if earlier is None or earlier.status == "finished" or not folder.state.is_dir():
        return None
    before = earlier.said.get("fingerprint", {})
    changed = [name for name, value in mark.items() if before.get(name) != value]
    if changed:
        say(f"{folder.output}: {changed[-1]} is not that of the unfinished run in this folder; beginning anew")
        return None
    kept = len(list(earlier.finished_steps()))
    say(f"going on with the unfinished run in {folder.output}: {counted(kept)} done before")
    return earlier


def description(
    document: Workflow, job: Path, values: Mapping[str, Any], how: Runner, mark: dict[str, str]
) -> dict[str, Any]:
    """What run.json says before anything has happened."""
    return {
        "status": "running",
        "started": None,
        "ended": None,
        "suite": __version__,
        "python": platform.python_version(),
        "host": socket.gethostname(),
        "system": platform.platform(),
        "runner": {"name": how.name, "version": how.version()},
        "workflow": {"location": document.location, "sha256": document.documents},
        "job": {
            "location": str(job.absolute()),
            "sha256": hashlib.sha256(job.read_bytes()).hexdigest(),
            "values": json.loads(json.dumps(values, default=str)),
        },
        "fingerprint": mark,
        "attempts": [],
        "steps": [],
        "outputs": None,
    }


def attempt(
    how: Runner, document: Workflow, job: Path, *, record: Record, steps: Steps, lock: int, resume: bool
) -> int:
    """Start the runner, watch it to its end, record it; returns its exit code."""
    with signals() as came:
        child = how.start(document.location, job, resume=resume, lock=lock)
        command = shlex.join(["toil-cwl-runner" if how.name == "toil" else how.name, *how.by_hand])
        record.begin({"pid": os.getpid(), "runner_pid": child.process.pid, "command": command})
        number = len(record.attempts)
        status = "failed"
        try:
            record.save(steps)
            with display_of(steps, Path(document.location.partition("#")[0]).stem) as display:
                watch(how, child, steps, record=record, display=display, came=came, attempt=number)
                if came:
                    display.line("stopping the runner and its jobs; once more kills them at once")
                    child.end(whole_session=not how.ends_its_jobs, hurry=lambda: len(came) > 1)
                changed = how.follow(steps, number)
                if came:
                    for each in changed:
                        each.status = "stopped" if each.status == "failed" else each.status
                note([each for each in changed if each.status != "stopped"], display)
            how.harvest(steps)
            code = child.process.poll() or 0
            if came:
                status = "stopped"
                raise Stopped(came[0], again(steps))
            if code == 0:
                status = "running"
        finally:
            child.kill()
            if child.process.returncode:
                end_leftovers(how.folder.state)
            for each in steps.with_status("running"):
                each.status, each.ended = "stopped", time.time()
            record.end(status, child.process.returncode)
            with contextlib.suppress(OSError):
                record.save(steps)
    return code


def watch(
    how: Runner,
    child: Child,
    steps: Steps,
    *,
    record: Record,
    display: Display,
    came: Sequence[int],
    attempt: int,
) -> None:
    """Show and record what happens until the runner ends or a signal comes."""
    saved = time.monotonic()
    while child.process.poll() is None and not came:
        changed = how.follow(steps, attempt)
        note(changed, display)
        how.measure(steps, child)
        display.refresh()
        if changed or time.monotonic() - saved > SAVE_EVERY_S:
            record.save(steps)
            saved = time.monotonic()
        time.sleep(POLL_S)


def note(changed: list[StepRun], display: Display) -> None:
    """Show steps that have changed; one that began and ended between two looks is shown as ended."""
    for step in {id(run): run for run in changed}.values():
        (display.started if step.status == "running" else display.ended)(step)


@contextlib.contextmanager
def signals() -> Iterator[list[int]]:
    """Take note of the signals that end a run instead of dying of them; yields the list of those that came.

    One that the starting shell has had ignored, as nohup does, stays ignored.
    """
    came: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        came.append(number)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, handle)
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def failure(code: int, folder: RunFolder, steps: Steps, how: Runner) -> Exception:
    """What to tell of a runner that failed: the step, its last lines, its log; or the runner's own last lines."""
    full = shutil.disk_usage(folder.own).free < FULL_BELOW_BYTES
    failed = sorted(steps.with_status("failed"), key=lambda step: step.ended or 0.0)
    log = folder.own / failed[0].log if failed and failed[0].log else folder.log
    for line in last_lines(log):
        say(f"  {line}")
    if full:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder.output))
    if failed:
        return StepFailed(failed[0], log, again(steps))
    what = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"failed with exit code {code}"
    error = RunnerFailed(how.name, f"{what} outside of a step, its log is {log}", do=again(steps))
    # Both runners say with 2 that they do not know an option.
    error.exit_code = 128 - code if code < 0 else 2 if code == 2 and not steps.runs else 1
    return error


def last_lines(log: Path) -> list[str]:
    """The last lines of a log that say something."""
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 65536))
        lines = [line.rstrip() for line in file.read().decode(errors="replace").splitlines()]
        return [line for line in lines if line][-LAST_LINES:]
    return []


def again(steps: Steps) -> str:
    """How to go on."""
    done = len(steps.with_status("done"))
    kept = f"; the {done} finished steps are kept" if done > 1 else "; the finished step is kept" if done else ""
    return f"run the same command again to go on{kept}"


def take_outputs(folder: RunFolder, record: Record, steps: Steps) -> dict[str, Any]:
    """Put the outputs in place and record them."""
    try:
        said: dict[str, Any] = json.loads(folder.answer.read_text())
    except (OSError, ValueError) as error:
        raise RunnerFailed(folder.log, "the runner ended well but said nothing about its outputs") from error
    folder.publish()
    for entry in files_in(said):
        for field in ("location", "path"):
            if field in entry:
                entry[field] = folder.published(entry[field])  # type: ignore[index]
    record.said.update(status="finished", outputs=said)
    record.save(steps)
    return said


def shown(outputs: Mapping[str, Any]) -> Iterator[str]:
    """Name and path, or value, of every output."""
    for name, value in outputs.items():
        for each in value if isinstance(value, list) else [value]:
            is_file = isinstance(each, Mapping) and each.get("class") in ("File", "Directory")
            yield f"{name}\t{workflows.local_path(each['location']) or each['location'] if is_file else each}"
