"""A run by Toil: its command line, its messages, the logs of its workers."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil

from .child import Child
from .folder import RunFolder
from .steps import StepRun, Steps, seconds
from .tail import Tail
from .workflow import Step

JOB = "kind-CWLJob/"
"""Jobs of Toil that start a tool; the others are bookkeeping."""
STAMP = re.compile(r"^\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4})\]")
WORKING = re.compile(r"Working on job .* (kind-[\w-]+/\S+) v\d+")
MEMORY = re.compile(r"Max memory used: (\d+)MiB")
EXITED = re.compile(r"\] exited with status: (\d+)$|was terminated by signal: (\w+)$", re.MULTILINE)


class WithToil:
    """Toil with a job store, from which an interrupted run goes on."""

    name = "toil"
    ends_its_jobs = True

    def __init__(self, folder: RunFolder, options: tuple[str, ...]) -> None:
        self.folder = folder
        self.options = options
        self.given = {word.partition("=")[0] for word in options}
        self.logs = folder.state / "toil-logs"
        self.store = folder.state / "store"
        self.messages = folder.state / "messages.txt"
        self._tail = Tail(self.messages)
        self._over: set[str] = set()
        """Jobs that have ended since they were issued: of a short one Toil tells the end before the begin."""
        self._jobs: dict[str, str] = {}

    @staticmethod
    def version() -> str:
        """Version of the runner."""
        return importlib.metadata.version("toil")

    @property
    def on_this_machine(self) -> bool:
        """Whether the jobs run here, not on a cluster."""
        return self._value("--batchSystem") in ("", "single_machine", "singleMachine")

    @property
    def by_hand(self) -> list[str]:
        """Options for the runner's own command that do the same, but for the display and the record."""
        ours = {
            "--jobStore": str(self.store),
            "--outdir": str(self.folder.outputs),
            "--writeLogs": str(self.logs),
            "--writeLogsFromAllJobs": "True",
            "--writeMessages": str(self.messages),
            "--publishWorkflowMetrics": "no",
            "--logColors": "False",
        }
        if "--jobStore" not in self.given:
            # The store stays until the outputs are in place: a run killed just before goes on from it.
            ours["--clean"] = "never"
        if self.on_this_machine:
            ours["--workDir"] = str(self.folder.work)
        chosen = [f"{key}={value}" for key, value in ours.items() if key not in self.given]
        flags = [flag for flag in ("--disableProgress", "--no-prepull") if flag not in self.given]
        return [*self.options, *chosen, *flags]

    @property
    def begun(self) -> bool:
        """Whether a job was ever issued: before that the job store cannot be gone on from."""
        return any(file.stat().st_size for file in self.folder.state.glob("messages*.txt"))

    def start(self, workflow: str, job: Path, *, resume: bool, lock: int) -> Child:
        """Start it, or restart it from its job store."""
        again = ["--restart"] if resume and self.begun else []
        if not again and self.store.exists():
            shutil.rmtree(self.store)
        if self.logs.exists():
            shutil.rmtree(self.logs)
        self.logs.mkdir()
        if self.messages.exists():
            self.messages.replace(self.messages.with_name(f"messages-{time.time_ns()}.txt"))
        words = [*self.by_hand, *again, workflow, str(job)]
        command = [sys.executable, "-m", f"{__package__}.inside", self.name, *words]
        folder = self.folder
        return Child(command, environment=os.environ, answer=folder.answer, log=folder.log, lock=lock)

    def follow(self, steps: Steps, attempt: int) -> list[StepRun]:
        """Take in what has happened since the last call; returns the steps that changed."""
        changed = []
        for line in self._tail.lines():
            kind, *said = line.split("\t")
            kind = kind.rpartition(".")[2]
            if kind == "JobIssuedMessage" and said[1].startswith(JOB):
                self._jobs[said[2]] = said[1]
                self._over.discard(said[1])
                self._name(said[1], said[0], steps, attempt)
            elif kind == "ExternalBatchIdMessage" and self._jobs.get(said[0], "") in steps.runs.keys() - self._over:
                run = steps.runs[self._jobs[said[0]]]
                run.pid = int(said[1]) if self.on_this_machine and said[1].isdigit() else None
                run.status, run.started, run.ended = "running", time.time(), None
                changed.append(run)
            elif kind == "JobCompletedMessage" and said[1] in steps.runs:
                self._over.add(said[1])
                if said[2] != "0":
                    continue
                run = steps.runs[said[1]]
                run.status, run.ended, run.exit_code = "done", time.time(), 0
                changed.append(run)
            elif kind == "JobFailedMessage" and said[1] in steps.runs:
                run = steps.runs[said[1]]
                # Toil says so of what led to a failed job too.
                if run.status != "done":
                    run.status, run.ended = "failed", time.time()
                    changed.append(run)
        return changed

    def _name(self, job: str, name: str, steps: Steps, attempt: int) -> None:
        if job in steps.runs:
            steps.runs[job].attempt = attempt
            return
        step = step_of(name, list(steps.planned.values()))
        path, tool = (step.path, step.tool) if step else (name, name.rpartition(".")[2])
        run = StepRun(job, steps.new_name(path), tool, "running", attempt, time.time())
        run.image = None if "--no-container" in self.given else steps.image(path)
        steps.runs[job] = run

    def measure(self, steps: Steps, child: Child) -> None:
        """See what the running jobs use: all below the worker of Toil that is not Toil's."""
        child.descendants()  # Remembered for the case that the leader dies: each worker is a session of its own.
        for run in steps.with_status("running"):
            if run.pid is None or run.image:
                continue
            try:
                below = psutil.Process(run.pid).children(recursive=True)
                jobs = [each for each in below if not any("_toil_worker" in word for word in each.cmdline())]
            except psutil.Error:
                continue
            if jobs:
                run.used(*child.measure(jobs))

    def harvest(self, steps: Steps) -> None:
        """Take times, memory and exit codes from the logs of the workers, and make one log a step of them."""
        said: dict[str, list[str]] = {}
        names: dict[str, list[str]] = {}
        for file in sorted(self.logs.glob("*CWLJob_*.log")):
            text = file.read_text(errors="replace")
            working = WORKING.search(text)
            if working is None or working.group(1) not in steps.runs:
                continue
            said.setdefault(working.group(1), []).append(text)
            name = re.sub(r"_\d+$", "", file.stem.partition("CWLJob_")[2])
            if working.group(1) not in names.setdefault(name, []):
                names[name].append(working.group(1))
        spoken = {job: text for name, jobs in names.items() for job, text in self._output_of(name, jobs).items()}
        for job, texts in said.items():
            run = steps.runs[job]
            take(texts[-1], run)
            log = self.folder.steps / f"{run.name.replace('/', '.')}.log"
            with log.open("a") as file_of_step:
                file_of_step.write("".join(texts) + spoken.get(job, ""))
            run.log = str(log.relative_to(self.folder.own))

    def _output_of(self, name: str, jobs: list[str]) -> dict[str, str]:
        """What the tools of some jobs of one name wrote: Toil numbers the files of a name as they come."""
        found: dict[str, str] = {}
        for stream in ("stdout", "stderr"):
            for number, file in enumerate(sorted(self.logs.glob(f"{name}.{stream}_*.log"))):
                job = jobs[min(number, len(jobs) - 1)]
                found[job] = found.get(job, "") + file.read_text(errors="replace")
        return found

    def discard(self) -> None:
        """Delete a job store that the user has named; Toil would refuse to begin anew in it."""
        if "--jobStore" in self.given and self.begun:
            command = [sys.executable, "-m", "toil.utils.toilMain", "clean", self._value("--jobStore")]
            subprocess.run(command, capture_output=True, check=False)

    def _value(self, option: str) -> str:
        for number, word in enumerate(self.options):
            name, equals, value = word.partition("=")
            if name == option:
                return value if equals else self.options[number + 1]
        return ""


def take(text: str, run: StepRun) -> None:
    """Times, memory and exit code out of a worker's log."""
    stamps = [found.group(1) for line in text.splitlines() if (found := STAMP.match(line))]
    if stamps and run.ended:
        run.started, run.ended = seconds(stamps[0]) or run.started, seconds(stamps[-1]) or run.ended
    for memory in MEMORY.findall(text):
        run.used(None, float(memory))
    code = EXITED.findall(text)
    if code and run.status != "done":
        run.exit_code = int(code[-1][0]) if code[-1][0] else None


def step_of(name: str, planned: list[Step]) -> Step | None:
    """Step of a job by Toil's name for it: workflow, step (of a scattered one the item's number instead), tool."""
    for step in planned:
        if name == ".".join(filter(None, (step.parent, step.path.rpartition("/")[2], step.tool))) or name == step.tool:
            return step
    for step in planned:
        if step.scattered and re.fullmatch(rf"{re.escape(step.parent)}(\.\d+)+\.{re.escape(step.tool)}", name):
            return step
    return None
