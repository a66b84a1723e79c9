"""run.json: what ran, with what, when, and what came out."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .steps import StepRun, Steps, moment


class Record:
    """The record of one run over all its attempts, written anew whenever something changes."""

    def __init__(self, path: Path, said: dict[str, Any]) -> None:
        self.path = path
        self.said = said

    @classmethod
    def read(cls, path: Path) -> Record | None:
        """The record of an earlier attempt; None where there is none that can be read."""
        try:
            said = json.loads(path.read_text())
            return cls(path, said) if isinstance(said["attempts"], list) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def status(self) -> str:
        """How the last attempt ended; one that was killed still says "running"."""
        return str(self.said["status"])

    @property
    def attempts(self) -> list[dict[str, Any]]:
        """Each start of the runner."""
        found: list[dict[str, Any]] = self.said["attempts"]
        return found

    def finished_steps(self) -> Iterator[StepRun]:
        """Steps that need not run again."""
        for said in self.said.get("steps", ()):
            if said["status"] == "done":
                yield StepRun.read(said)

    def begin(self, attempt: dict[str, Any]) -> None:
        """Note the start of an attempt."""
        now = time.time()
        self.said.update(status="running", started=self.said["started"] or moment(now), ended=None)
        self.attempts.append({"started": moment(now), "ended": None, "wall_s": None, "exit_code": None, **attempt})
        self._since = now

    def end(self, status: str, exit_code: int | None) -> None:
        """Note the end of the attempt and of the run."""
        now = time.time()
        self.attempts[-1].update(ended=moment(now), wall_s=round(now - self._since, 3), exit_code=exit_code)
        self.said.update(status=status, ended=moment(now))

    def save(self, steps: Steps) -> None:
        """Write the file; a reader never sees half of it."""
        self.said["steps"] = [run.written() for run in sorted(steps.runs.values(), key=lambda run: run.started)]
        scratch = self.path.with_name(f".{self.path.name}.partial")
        try:
            scratch.write_text(json.dumps(self.said, indent=2, ensure_ascii=False) + "\n")
            scratch.replace(self.path)
        except OSError:
            with contextlib.suppress(OSError):
                scratch.unlink(missing_ok=True)
            raise
