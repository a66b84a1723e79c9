"""What Toil on Slurm adds to the work of a country of 40 tiles."""

from __future__ import annotations

import heapq
import json
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slurm.cluster import Cluster, why_no_slurm

from .plan import THREADS, Plan
from .rows import Bound, Findings, Row
from .timing import TESTS
from .whole import COUNTRY_TILES, DATES, TILE_PARCELS

NODES = 3
IDEAL_S = 60.0
"""Seconds that the ideal schedule takes when every job is shortened by the same factor."""

RESOURCES = TESTS.parent / "docs" / "resources.md"
AFTER = ("smooth", "classify", "season", "soil", "intercrop", "report")
"""Tools that work on the parcels of all tiles, in the order of the national workflow."""


@dataclass(frozen=True)
class Job:
    """A job of the schedule: its seconds, and the jobs that it waits for, by their place in the list."""

    seconds: float
    after: tuple[int, ...] = ()


def measure(plan: Plan) -> Findings:
    """Run the national workflow's jobs, asleep for a part of their real time, beside their ideal schedule."""
    if reason := why_no_slurm():
        return Findings(words=[f"Toil on Slurm beside its ideal schedule was not measured: {reason}."])
    tiles = COUNTRY_TILES if plan.is_full else 6
    lengths = real_lengths(tiles)
    jobs = national(tiles, lengths)
    real = ideal_seconds(jobs, NODES)
    factor = real / IDEAL_S
    taken = asleep(plan.work / "toil", tiles, {name: seconds / factor for name, seconds in lengths.items()})
    added = taken - IDEAL_S
    return Findings(
        rows=[
            Row(
                f"Toil: the national workflow of {tiles} tiles, {len(jobs)} jobs on {NODES} nodes of Slurm",
                "the ideal schedule of the same jobs, which cost nothing to start and to collect",
                [100 * added / real],
                "% more",
                Bound(most=5),
                note=f"every job sleeps its measured time (docs/resources.md: {DATES} dates a tile, "
                f"{tiles * TILE_PARCELS:,} parcels, {THREADS} cores a job) divided by {factor:.0f}; instead of "
                f"{IDEAL_S:.0f} s this took {taken:.0f} s, {added * NODES / len(jobs):.1f} s of a node for each job, "
                f"whatever its length; the share is that of the {real / 3600:.1f} hours of the ideal schedule in real. "
                "All nodes and the leader share one machine, so that a job's start costs more than on a cluster",
                any_size=True,
            )
        ],
        numbers={"toil_job": added * NODES / len(jobs)},
    )


def real_lengths(tiles: int) -> dict[str, float]:
    """Seconds of each tool's job on a country of so many tiles, both cores busy, by the measured processor time."""
    rows = re.findall(r"^\| (\w+) \|.*\| ([\d.]+) per (date|1,000 parcels) \|", RESOURCES.read_text(), re.MULTILINE)
    # The last row of a tool is that of its largest size.
    each = {tool: (float(cost), unit) for tool, cost, unit in rows}
    thousands = tiles * TILE_PARCELS / 1000
    return {
        tool: each[tool][0] * (DATES if each[tool][1] == "date" else thousands) / THREADS
        for tool in ("tiles", "fetch", "markers", *AFTER)
    }


def national(tiles: int, lengths: dict[str, float]) -> list[Job]:
    """Jobs of the national workflow: split, fetch and markers of every tile, then all parcels as one."""
    jobs = [Job(lengths["tiles"])]
    jobs += [Job(lengths["fetch"], (0,)) for _ in range(tiles)]
    jobs += [Job(lengths["markers"], (1 + tile,)) for tile in range(tiles)]
    last = tuple(range(1 + tiles, 1 + 2 * tiles))
    for tool in AFTER:
        jobs.append(Job(lengths[tool], last))
        last = (len(jobs) - 1,)
    return jobs


def ideal_seconds(jobs: Sequence[Job], nodes: int) -> float:
    """How long the jobs take where each has a node to itself and a free node takes what is ready first, at no cost."""
    waiting = {k: len(job.after) for k, job in enumerate(jobs)}
    ready = [(0.0, k) for k, job in enumerate(jobs) if not job.after]
    heapq.heapify(ready)
    free = [0.0] * nodes
    ended = [0.0] * len(jobs)
    while ready:
        since, k = heapq.heappop(ready)
        ended[k] = max(since, heapq.heappop(free)) + jobs[k].seconds
        heapq.heappush(free, ended[k])
        for other, job in enumerate(jobs):
            if k in job.after:
                waiting[other] -= 1
                if not waiting[other]:
                    heapq.heappush(ready, (max(ended[each] for each in job.after), other))
    return max(ended)


def asleep(room: Path, tiles: int, seconds: dict[str, float]) -> float:
    """Seconds that Toil takes to run the workflow on a fresh cluster of this machine, every job asleep."""
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(parents=True)
    write_workflow(room, tiles, seconds)
    cluster = Cluster(room / "slurm")
    try:
        command = cluster.toil(room, "--no-container")
        begun = time.perf_counter()
        done = subprocess.run(
            [*command, f"{room / 'national.cwl'}#main", str(room / "job.json")],
            env=cluster.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        taken = time.perf_counter() - begun
        count = sum(job.state == "COMPLETED" for job in cluster.ended())
    finally:
        cluster.stop()
    if done.returncode or count < 2 * tiles + 1 + len(AFTER):
        raise RuntimeError(f"toil-cwl-runner: {count} jobs completed\n{done.stderr[-4000:]}")
    return taken


def write_workflow(room: Path, tiles: int, seconds: dict[str, float]) -> None:
    """Write national.cwl and job.json."""
    graph = [_wait(), _tile(seconds), _national(seconds)]
    (room / "national.cwl").write_text(json.dumps({"cwlVersion": "v1.2", "$graph": graph}))
    (room / "job.json").write_text(json.dumps({"tiles": list(range(tiles))}))


def _wait() -> dict[str, object]:
    """A tool that does nothing for a while."""
    return {
        "id": "wait",
        "class": "CommandLineTool",
        "baseCommand": "sleep",
        "inputs": {
            "seconds": {"type": "double", "inputBinding": {}},
            "after": {"type": {"type": "array", "items": "File"}, "default": []},
        },
        "outputs": {"done": "stdout"},
        "stdout": "done.txt",
    }


def _step(seconds: dict[str, float], tool: str, after: str = "") -> dict[str, object]:
    """One tool's turn, on a node of its own.

    Each asks for a little more memory than the one before: Toil runs what asks for no more than its predecessor in the
    same job, which the tools' own requests do not allow for.
    """
    waits = {"after": {"source": [after], "linkMerge": "merge_flattened"}} if after else {}
    needs = {"coresMin": THREADS, "ramMin": 1024 + list(seconds).index(tool)}
    return {
        "run": "#wait",
        "requirements": {"ResourceRequirement": needs},
        "in": {"seconds": {"default": seconds[tool]}, **waits},
        "out": ["done"],
    }


def _tile(seconds: dict[str, float]) -> dict[str, object]:
    return {
        "id": "tile",
        "class": "Workflow",
        "requirements": {"MultipleInputFeatureRequirement": {}},
        "inputs": {"number": "int", "split": "File"},
        "steps": {"fetch": _step(seconds, "fetch", "split"), "markers": _step(seconds, "markers", "fetch/done")},
        "outputs": {"table": {"type": "File", "outputSource": "markers/done"}},
    }


def _national(seconds: dict[str, float]) -> dict[str, object]:
    steps: dict[str, object] = {
        "split": _step(seconds, "tiles"),
        "tile": {
            "run": "#tile",
            "scatter": "number",
            "in": {"number": "tiles", "split": "split/done"},
            "out": ["table"],
        },
    }
    last = "tile/table"
    for tool in AFTER:
        steps[tool] = _step(seconds, tool, last)
        last = f"{tool}/done"
    needs = ("MultipleInputFeatureRequirement", "ScatterFeatureRequirement", "SubworkflowFeatureRequirement")
    return {
        "id": "main",
        "class": "Workflow",
        "requirements": {name: {} for name in needs},
        "inputs": {"tiles": {"type": {"type": "array", "items": "int"}}},
        "steps": steps,
        "outputs": {"done": {"type": "File", "outputSource": last}},
    }
