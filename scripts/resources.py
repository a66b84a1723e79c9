"""Measure memory and processor time of every tool, and write docs/resources.md.

    PYTHONPATH=tests python scripts/resources.py --output docs/resources.md [--parcels 10000,100000] [--sides 2048]

Every tool runs as a user runs it, `sen4cap TOOL ...`, in a process of its own, on made inputs
(tests/benchmarks/made.py). Its memory is watched while it runs: `own` is what the process holds itself, `peak` counts
the files too that it has mapped into its memory, which the operating system may drop when memory is short.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
import yaml
from affine import Affine

from benchmarks import made
from benchmarks.timing import memory_kib
from sen4cap import __version__, open_series
from sen4cap.cli import TOOLS

ROOT = Path(__file__).parents[1]
SEN4CAP = str(Path(sys.executable).with_name("sen4cap"))
SPAN = ("--start", "2021-08-01", "--end", "2022-05-27")
VARIABLES = ("LAI", "FCOVER", "NDVI", "NBR2")
DATES = 3
"""Dates of the images: memory does not depend on their number, processor time is told per date."""
SEASON_DATES = 30
"""Dates of the maps, whose series of every pixel are in memory block by block."""
LABELLED = 20_000
EVERY_S = 0.02
HEAD = """# What the tools need

Measured, not guessed: every tool run by itself on made inputs of the size that stands beside it, by

    {command}

`sen4cap` {version}, Python {python}, {cores} cores. **Peak** is the most memory of the process, **own** the part of it
that is not files mapped into memory: the operating system drops those when memory is short, so a job under a limit
needs its own memory and is quickest with its peak. **CPU** is processor time, with 2 to 3 s for the start of Python and
the compiled kernels in every run; it depends little on what else the machine did.

| tool | size | peak, MiB | own, MiB | CPU, s | CPU, s | declared, MiB |
|---|---|---:|---:|---:|---:|---:|
"""
FOOT = """
Declared is `ramMin` to `ramMax` of `cwl/TOOL.cwl`: `ramMin` is what a runner reserves for a job, and a test holds it
against this table. For much larger inputs give more, see [operations](operations.md).
"""


@dataclasses.dataclass(frozen=True)
class Task:
    """A tool, what it is given, and how much work that is."""

    tool: str
    size: str
    words: tuple[str, ...]
    parts: int = 1
    part: str = "in all"


@dataclasses.dataclass(frozen=True)
class Measured:
    """What a run took: peak and own memory in MiB, processor and wall time in s."""

    peak: float
    own: float
    cpu: float
    wall: float


def watched(command: Sequence[str], cwd: Path) -> Measured:
    """Run a command to its end and watch its memory."""
    begun = time.monotonic()
    with open(cwd / "log", "wb") as log:  # noqa: PTH123
        process = subprocess.Popen(command, cwd=cwd, stdout=log, stderr=log)
        peak = own = 0.0
        while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
            said = memory_kib(process.pid)
            peak, own = max(peak, said.get("VmHWM", 0)), max(own, said.get("RssAnon", 0))
            time.sleep(EVERY_S)
    if ended[1]:
        raise SystemExit(f"{' '.join(command)}\n{(cwd / 'log').read_text()[-3000:]}")
    used = ended[2]  # its ru_maxrss is no less than that of this process, which it was forked from
    return Measured(peak / 1024, own / 1024, used.ru_utime + used.ru_stime, time.monotonic() - begun)


def tasks(room: Path, counts: Sequence[int], sides: Sequence[int]) -> Iterator[Task]:
    """Everything that is measured; each takes what those before it have written."""
    yield Task("simulate", "200 parcels, 1 month", words("--season 2021 --parcels-count 200 --seed 1 --end 2021-06-30"))
    for side in sides:
        scenes = made.scene(room / f"l2a-{side}", side, days=DATES)
        fields = made.parcels(room / f"parcels-{counts[-1]}-{side}.gpkg", counts[-1], side)
        size = f"{side} x {side} pixels"
        found = f"{size}, {counts[-1]:,} parcels"
        catalog = words(f"--catalog {scenes} --collection any {' '.join(SPAN)} --parcels {fields}")
        yield Task("fetch", found, catalog, DATES, "per date")
        yield Task("lai", size, words(f"--items {scenes} --output l3b"), DATES, "per date")
        yield Task("markers", found, words(f"--items {scenes} --parcels {fields}"), DATES, "per date")
    side = min(sides)
    season = made.scene(room / f"l2a-{side}-season", side, days=SEASON_DATES)
    yield Task("pixels", f"{side} x {side} pixels, {SEASON_DATES} dates", words(f"--items {season} {' '.join(SPAN)}"))
    for count in counts:
        yield from _of_parcels(room, count, max(sides))


def _of_parcels(room: Path, count: int, side: int) -> Iterator[Task]:
    """The tools whose work grows with the parcels."""
    size = f"{count:,} parcels"
    scenes = made.scene(room / f"l2a-{side}", side, days=DATES)
    fields = made.parcels(room / f"parcels-{count}-{side}.gpkg", count, side)
    table = made.marker_table(room / f"markers-{count}.ipc", count, variables=VARIABLES)
    layer = _emergence(room / f"sce-{side}.tif", side)
    million = max(1, count // 1000)

    def task(tool: str, text: str) -> Task:
        return Task(tool, size, words(text), million, "per 1,000 parcels")

    yield task("tiles", f"--catalog {scenes} --collection any {' '.join(SPAN)} --parcels {fields}")
    yield task("insitu", f"--sce {layer} --parcels {fields} --season 2021")
    yield task("smooth", f"--markers {table} {' '.join(SPAN)}")
    labels = room / "labels.csv"
    _labels(room / "series.arrow", labels)
    yield task("classify", f"--series series.arrow --parcels {fields} --insitu {labels} --output wcc")
    yield task("season", f"--series series.arrow --markers {table} --classes wcc/wcc.csv")
    yield task("soil", f"--markers {table} {' '.join(SPAN)}")
    yield task("harvest", f"--series series.arrow --markers {table}")
    yield task("intercrop", "--season season.csv --harvest harvest.csv --soil soil.csv --classes wcc/wcc.csv")
    given = f"--parcels {fields} --series series.arrow --markers {table} --classes wcc --season season.csv"
    yield task("report", f"{given} --intercrop intercrop.csv --harvest harvest.csv --soil soil.csv")


def words(text: str) -> tuple[str, ...]:
    """Words of a command line without quotes."""
    return tuple(text.split())


def _emergence(path: Path, side: int) -> Path:
    """Raster coded as the HRL's secondary crop emergence: a day of autumn (YYDOY), or none."""
    if not path.exists():
        rng = np.random.default_rng(5)
        coarse = np.where(rng.random((side // 30 + 1,) * 2) < 0.5, rng.integers(21250, 21300, (side // 30 + 1,) * 2), 0)
        pixels = coarse.repeat(30, axis=0).repeat(30, axis=1)[:side, :side].astype(np.uint16)
        transform = Affine(10, 0, made.WEST, 0, -10, made.NORTH)
        profile = {"driver": "GTiff", "dtype": "uint16", "count": 1, "crs": made.CRS, "transform": transform}
        with rasterio.open(path, "w", width=side, height=side, tiled=True, compress="deflate", **profile) as sink:
            sink.write(pixels, 1)
    return path


def _labels(series: Path, path: Path) -> None:
    """Classes of a sample of the parcels: a stand of green in late autumn or none."""
    with open_series(series) as daily:
        ids = daily.parcel.to_numpy()
        some = np.sort(np.random.default_rng(6).permutation(len(ids))[:LABELLED])
        green = daily["LAI"].isel(day=110).to_numpy()[some] > 0.5
    pd.DataFrame({"NewID": ids[some], "class": np.where(green, 1, 2)}).to_csv(path, index=False)


def page(rows: Sequence[tuple[Task, Measured]], command: str) -> str:
    """docs/resources.md."""
    lines = HEAD.format(command=command, version=__version__, python=platform.python_version(), cores=os.cpu_count())
    for tool in TOOLS:
        low, high = declared(tool)
        for task, found in (row for row in rows if row[0].tool == tool):
            share = f"{found.cpu / task.parts:.2g} {task.part}" if task.parts > 1 else ""
            cells = (
                tool,
                task.size,
                f"{found.peak:.0f}",
                f"{found.own:.0f}",
                f"{found.cpu:.1f}",
                share,
                f"{low} to {high}",
            )
            lines += f"| {' | '.join(cells)} |\n"
    return lines + FOOT


def declared(tool: str) -> tuple[int, int]:
    """Memory that a descriptor asks for, MiB."""
    said = yaml.safe_load((ROOT / "cwl" / f"{tool}.cwl").read_text())["requirements"]["ResourceRequirement"]
    return said["ramMin"], said["ramMax"]


def main() -> None:
    """Measure and write the page."""

    def numbers(text: str) -> tuple[int, ...]:
        return tuple(sorted(int(part) for part in text.split(",")))

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, help="page to write; standard output otherwise")
    parser.add_argument("--parcels", type=numbers, default=(10_000, 100_000))
    parser.add_argument("--sides", type=numbers, default=(2048, 10980))
    parser.add_argument("--tools", type=lambda text: text.split(","), default=TOOLS, help="to show; all are run")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "resources")
    said = parser.parse_args()
    room: Path = said.work.resolve()
    room.mkdir(parents=True, exist_ok=True)
    rows = []
    for task in tasks(room, said.parcels, said.sides):
        found = watched([SEN4CAP, task.tool, *task.words], room)
        print(f"{task.tool}, {task.size}: {found}", file=sys.stderr, flush=True)
        if task.tool in said.tools:
            rows.append((task, found))
    counts, sides = (",".join(map(str, each)) for each in (said.parcels, said.sides))
    text = page(rows, f"make resources PARCELS={counts} SIDES={sides}")
    said.output.write_text(text) if said.output else print(text)


if __name__ == "__main__":
    main()
