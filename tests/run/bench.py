"""A folder in which `sen4cap run` is called as a user would, on small workflows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import yaml

FLOWS = Path(__file__).parent / "flows"
BIN = Path(sys.executable).parent


def heed_signals() -> None:
    """Ignore no signal, though the tests may have been started in the background or by nohup."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Bench:
    """A folder with a job of the chain, in which runs are started."""

    def __init__(self, room: Path) -> None:
        self.room = room
        self.tally, self.gate = room / "tally", room / "gate"
        self.environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
        self.started: list[subprocess.Popen[str]] = []

    def job(self, **values: Any) -> Path:
        """Write the job file."""
        path = self.room / "job.yml"
        said = {"word": "two", "tally": str(self.tally), "gate": str(self.gate), **values}
        path.write_text(yaml.safe_dump(said))
        return path

    def start(
        self, flow: str = "chain", *words: object, job: Path | None = None, output: str = "results"
    ) -> subprocess.Popen[str]:
        """Start a run without waiting for it."""
        job = job or self.room / "job.yml"
        command = ["sen4cap", "run", str(FLOWS / f"{flow}.cwl"), str(job), "--output", output, *map(str, words)]
        if "--podman" not in words and "docker" not in words:
            command.append("--no-container")
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        running = subprocess.Popen(
            command, cwd=self.room, env=self.environment, text=True, preexec_fn=heed_signals, **pipes
        )
        self.started.append(running)
        return self.started[-1]

    def run(self, *words: object, code: int = 0, **more: Any) -> tuple[str, str]:
        """Run to the end; its exit code must be the one expected. Returns standard output and standard error."""
        running = self.start(*words, **more)
        said = running.communicate()
        assert running.returncode == code, said
        assert "Traceback" not in said[1]
        return said

    def record(self, output: str = "results") -> dict[str, Any]:
        """What run.json says."""
        found: dict[str, Any] = json.loads((self.room / output / "run" / "run.json").read_text())
        return found

    def ran(self) -> list[str]:
        """Words of the steps that have started, in order."""
        return self.tally.read_text().split() if self.tally.exists() else []

    def wait_for(self, what: Callable[[], Any]) -> None:
        """Wait until something is so."""
        for _ in range(1200):
            if what():
                return
            time.sleep(0.05)
        raise TimeoutError

    def at_work(self) -> list[psutil.Process]:
        """Processes that work in the room or for something in it."""
        found = []
        for each in psutil.process_iter():
            try:
                if each.cwd().startswith(f"{self.room}/") or any(str(self.room) in word for word in each.cmdline()):
                    found.append(each)
            except psutil.Error:
                continue
        return found
