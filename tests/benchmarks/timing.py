"""What a piece of work costs: seconds, seconds of processor, memory. Each run is a process of its own."""

from __future__ import annotations

import importlib
import json
import os
import pickle
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Sample:
    """Cost of one run.

    Attributes
    ----------
    wall, cpu : float
        Seconds on the clock; of all processors together.
    peak_mib : float
        Most memory held at a time, pages of mapped files included.
    answer : object
        What the work returned.
    """

    wall: float
    cpu: float
    peak_mib: float
    answer: Any = None


_LAUNCHER = """
import json, os, sys, time
begun = time.perf_counter()
_, status, used = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)
wall, cpu = time.perf_counter() - begun, used.ru_utime + used.ru_stime
json.dump([os.waitstatus_to_exitcode(status), wall, cpu, used.ru_maxrss / 1024], sys.stdout)
"""
"""A small process between: Linux counts the memory of who starts a process as the process's own peak."""


def command(*words: object, folder: Path, environment: Mapping[str, str] | None = None) -> Sample:
    """Run `sen4cap WORDS` as a user does, start-up included."""
    messages = folder / "messages.txt"
    line = [sys.executable, "-m", "sen4cap", *map(str, words)]
    with messages.open("wb") as sink:
        launched = subprocess.run(
            [sys.executable, "-IS", "-c", _LAUNCHER, *line],
            stdout=subprocess.PIPE,
            stderr=sink,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            check=True,
        )
    code, wall, cpu, peak = json.loads(launched.stdout.splitlines()[-1])
    if code:
        raise RuntimeError(f"sen4cap {words[0]}: {messages.read_text()}")
    return Sample(wall, cpu, peak)


def apart(work: Callable[..., Any], /, *given: Any, warm: Callable[[], Any] | None = None) -> Sample:
    """Call `work(*given)` in a fresh process; imports, and `warm()` before it, are not counted.

    Both are functions of modules, so that the process finds them by name.
    """
    names = [(f.__module__, f.__qualname__) if f else None for f in (work, warm)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-c", "from benchmarks.timing import _child; _child()"],
        input=pickle.dumps((*names, given)),
        capture_output=True,
        check=False,
        env=environment,
    )
    if done.returncode:
        raise RuntimeError(f"{work.__qualname__}: {done.stderr.decode()}")
    return Sample(**json.loads(done.stdout.splitlines()[-1]))


def _child() -> None:
    work_name, warm_name, given = pickle.loads(sys.stdin.buffer.read())
    work = getattr(importlib.import_module(work_name[0]), work_name[1])
    if warm_name:
        getattr(importlib.import_module(warm_name[0]), warm_name[1])()
    cpu, wall = time.process_time(), time.perf_counter()
    answer = work(*given)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = memory_kib("self")["VmHWM"] / 1024
    sys.stdout.write("\n" + json.dumps({"wall": wall, "cpu": cpu, "peak_mib": peak, "answer": answer}) + "\n")


def memory_kib(process: int | str) -> dict[str, float]:
    """Memory of a process that runs: VmHWM, the most it has held, and RssAnon, its own now; nothing once it is gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return {}
    said = (line.partition(":")[::2] for line in lines)
    return {name: float(value.split()[0]) for name, value in said if name in ("VmHWM", "RssAnon")}


def take_turns(contenders: Mapping[str, Callable[[], Sample]], *, rounds: int) -> dict[str, list[Sample]]:
    """Run all contenders one after the other, so many rounds, so that what else the machine does meets them alike."""
    taken: dict[str, list[Sample]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            taken[name].append(run())
    return taken


def ratios(over: Sequence[Sample], under: Sequence[Sample], kind: str = "wall") -> list[float]:
    """Quotients of two contenders' costs, round by round."""
    return [getattr(a, kind) / getattr(b, kind) for a, b in zip(over, under, strict=True)]


def middle(samples: Sequence[Sample], kind: str = "wall") -> float:
    """Median of a contender's cost."""
    return statistics.median(getattr(sample, kind) for sample in samples)
