"""A run by cwltool: its command line, and its events as the watched tool class writes them."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path
from typing import Any

import psutil

from .child import Child
from .folder import RunFolder
from .steps import StepRun, Steps
from .tail import Tail
from .watched import EVENTS, STEPS, events_in


class WithCwltool:
    """cwltool with a cache, from which an interrupted run goes on."""

    name = "cwltool"
    ends_its_jobs = False
    """On SIGTERM it waits for its jobs before it kills them."""

    def __init__(self, folder: RunFolder, options: tuple[str, ...]) -> None:
        self.folder = folder
        self.options = options
        self.events = folder.state / "events.jsonl"

    @staticmethod
    def version() -> str:
        """Version of the runner."""
        return importlib.metadata.version("cwltool")

    @property
    def by_hand(self) -> list[str]:
        """Options for the runner's own command that do the same, but for the display and the record."""
        ours = {
            "--cachedir": str(self.folder.state / "cache"),
            "--tmpdir-prefix": f"{self.folder.work}/",
            "--outdir": str(self.folder.outputs),
        }
        given = {word.partition("=")[0] for word in self.options}
        chosen = [f"{key}={value}" for key, value in ours.items() if key not in given]
        return [*self.options, *chosen, "--timestamps", "--disable-color"]

    def start(self, workflow: str, job: Path, *, resume: bool, lock: int) -> Child:
        """Start it; what is finished lies in the cache."""
        with self.events.open("a") as file:
            file.write("\n")  # After a kill -9 the last line may be half a line.
        self.tail = Tail(self.events, from_end=True)
        command = [sys.executable, "-m", f"{__package__}.inside", self.name, *self.by_hand, workflow, str(job)]
        environment = {**os.environ, EVENTS: str(self.events), STEPS: str(self.folder.steps)}
        folder = self.folder
        return Child(command, environment=environment, answer=folder.answer, log=folder.log, lock=lock)

    def follow(self, steps: Steps, attempt: int) -> list[StepRun]:
        """Take in what has happened since the last call; returns the steps that changed."""
        told = [event for event in events_in(self.tail.lines()) if event["event"] != "named"]
        return [run for event in told if (run := self._take(event, steps, attempt))]

    def _take(self, event: dict[str, Any], steps: Steps, attempt: int) -> StepRun | None:
        key = event["key"]
        if event["event"] == "reused" and key in steps.runs:
            return None
        path = key.rpartition(" ")[0]
        tool = steps.planned[path].tool if path in steps.planned else path
        if event["event"] == "started" or key not in steps.runs:
            steps.runs[key] = StepRun(key, event["name"], tool, "running", attempt, event["at"])
        run = steps.runs[key]
        if event["event"] == "started":
            run.image, run.outdir = event["image"], event["outdir"]
            run.log = str(Path(event["log"]).relative_to(self.folder.own))
        elif event["event"] == "ended":
            run.status, run.exit_code, run.ended = event["status"], event["exit_code"], event["at"]
            run.used(event["cpu_s"], event["peak_memory_mib"])
        else:
            run.status, run.ended = "done", run.ended or event["at"]
        return run

    def measure(self, steps: Steps, child: Child) -> None:
        """See what the running jobs use: a job is the child that works in its output folder."""
        running = {run.outdir: run for run in steps.with_status("running") if run.outdir and not run.image}
        if running:
            measure_by_folder(running, child)

    def harvest(self, steps: Steps) -> None:
        """All is told already."""

    def discard(self) -> None:
        """The cache lies in the state folder, which goes; one of the user's own stays the user's."""


def measure_by_folder(running: dict[str, StepRun], child: Child) -> None:
    """Measure each job that works in a folder, and what it has started."""
    below = child.descendants()
    for each in below:
        try:
            run = running.get(each.cwd()) if each.ppid() == child.process.pid else None
            if run:
                run.used(*child.measure([each, *each.children(recursive=True)]))
        except (psutil.Error, OSError):
            continue
