"""Steps of a run as they happen: which ran, run, failed, when, and what they used."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from .workflow import Step

Status = Literal["running", "done", "failed", "stopped"]


@dataclass
class StepRun:
    """One start of a tool. A scattered step has one for each item; times are seconds since 1970."""

    key: str
    """What the runner calls it; the same in every attempt."""
    name: str
    """Path of the step, with a number from the second item on: ``markers``, ``markers.2``."""
    tool: str
    status: Status
    attempt: int
    started: float
    ended: float | None = None
    cpu_s: float | None = None
    peak_memory_mib: float | None = None
    exit_code: int | None = None
    image: str | None = None
    log: str | None = None
    outdir: str | None = None
    pid: int | None = None

    @property
    def seconds(self) -> float | None:
        """Wall time."""
        return None if self.ended is None else self.ended - self.started

    def used(self, cpu_s: float | None, memory_mib: float | None) -> None:
        """Take in what was measured: a process is seen now and then, so the largest value is the best."""
        if cpu_s is not None:
            self.cpu_s = max(cpu_s, self.cpu_s or 0.0)
        # A runner that saw a container only as it began reports 0.
        if memory_mib:
            self.peak_memory_mib = max(memory_mib, self.peak_memory_mib or 0.0)

    def written(self) -> dict[str, Any]:
        """As run.json has it."""
        said = {key: value for key, value in asdict(self).items() if key not in ("outdir", "pid")}
        said["started"], said["ended"] = moment(self.started), moment(self.ended)
        for name, value in (("wall_s", self.seconds), ("cpu_s", self.cpu_s), ("peak_memory_mib", self.peak_memory_mib)):
            said[name] = None if value is None else round(value, 3)
        return said

    @classmethod
    def read(cls, said: dict[str, Any]) -> StepRun:
        """From what run.json has."""
        known = {field.name for field in fields(cls)}
        values = {key: value for key, value in said.items() if key in known}
        values["started"], values["ended"] = seconds(said["started"]) or 0.0, seconds(said["ended"])
        return cls(**values)


class Steps:
    """All steps of a run.

    Parameters
    ----------
    planned
        What the workflow says; a scattered step shows only as it runs how often it runs.
    finished
        Steps that earlier attempts have finished.
    """

    def __init__(self, planned: Iterable[Step], finished: Iterable[StepRun]) -> None:
        self.planned = {step.path: step for step in planned}
        self.runs = {run.key: run for run in finished}

    def with_status(self, status: Status) -> list[StepRun]:
        """Those that are in a state."""
        return [run for run in self.runs.values() if run.status == status]

    @property
    def total(self) -> int:
        """How many there are, as far as is known."""
        seen = {path_of(run.name) for run in self.runs.values()}
        return len(self.runs) + sum(path not in seen for path in self.planned)

    def new_name(self, path: str) -> str:
        """Name for one more run of a step."""
        number = sum(path_of(run.name) == path for run in self.runs.values())
        return path if not number else f"{path}.{number + 1}"

    def image(self, path: str) -> str | None:
        """Image of a step of the workflow."""
        return self.planned[path].image if path in self.planned else None


def path_of(name: str) -> str:
    """Path of a step without the number of its item."""
    path, dot, number = name.rpartition(".")
    return path if dot and number.isdigit() else name


def moment(at: float | None) -> str | None:
    """A time as ISO 8601 in UTC."""
    if at is None:
        return None
    return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="milliseconds")


def seconds(at: str | None) -> float | None:
    """A time from ISO 8601."""
    return None if at is None else datetime.datetime.fromisoformat(at).timestamp()
