"""The table on the terminal, and docs/performance.md with its plots."""

from __future__ import annotations

import datetime
import math
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl

from sen4cap import __version__

from . import whole
from .plan import THREADS, Plan
from .rows import Curve, Findings, Part, Row

mpl.use("Agg")
import matplotlib.pyplot as plt

MARKS = {"ok": "ok", "missed": "**missed**", "": ""}
COLOURS = ("#0072b2", "#d55e00", "#117733", "#cc6677", "#332288", "#999999")
DPI = 85


def table(rows: Sequence[Row]) -> str:
    """Render the rows as plain text."""
    lines = [["work", "against", "median", "spread", "by cpu", "wanted", ""]]
    lines += [
        [row.work, row.against, number(row.value, row.unit), spread(row), cpu(row), bound(row), row.mark]
        for row in rows
    ]
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def number(value: float, unit: str) -> str:
    """Render with three figures."""
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{text} {unit}"


def spread(row: Row) -> str:
    """Least and most of the rounds."""
    return f"{min(row.values):.3g} to {max(row.values):.3g}" if len(row.values) > 1 else ""


def cpu(row: Row) -> str:
    """Median by processor seconds."""
    return number(statistics.median(row.cpu), row.unit) if row.cpu else ""


def bound(row: Row) -> str:
    """What is wanted."""
    return f"{row.bound} {row.unit}" if row.bound else ""


def write(path: Path, found: Findings, plan: Plan, seconds: float) -> None:
    """Write the page and its plots."""
    images = path.parent / "images" / "performance"
    images.mkdir(parents=True, exist_ok=True)
    rows = [row if plan.is_full or row.any_size else replace(row, bound=None) for row in found.rows]
    marks = [row for row in rows if row.bound]
    missed = [row for row in marks if row.mark == "missed"]
    parts = [
        _head(plan, seconds, len(marks), missed),
        "## Beside peers\n\n" + _table(rows),
        _notes(rows),
        _unmeasured(found),
        _where(found.parts, images),
        _growth(found.curves, images),
        _money(found),
        _memory(),
    ]
    path.write_text("\n\n".join(part for part in parts if part) + "\n")


def _head(plan: Plan, seconds: float, count: int, missed: Sequence[Row]) -> str:
    load = os.getloadavg()[1]
    cores = len(os.sched_getaffinity(0))
    text = f"""# Speed, memory, scale

What the suite costs beside its peers, measured in one run: `make bench` writes this page, `make bench-quick` prints
the table for smaller sizes in a few minutes. Every row checks first that the answers agree.

Measured on {datetime.date.today()} with version {__version__}, {THREADS} threads on {cores} cores
({_processor()}), Python {platform.python_version()}, in {seconds / 60:.0f} minutes. A ratio is the median of its
rounds, in which the suite and its peer take turns; the spread is the least and the most of them. "By cpu" is the same
from seconds of processor, start-up included: where other work shares the machine, clocks mislead and it does not.
The load of the machine was {load:.1f} at the end: {_loaded(load, cores)}.

Files were in the operating system's cache, for the suite as for its peers. Scenes are drawn, {plan.side} pixels a
side, fields and noise that compress as real ones do, stored as Earth Search stores them (DEFLATE, tiles of 1024)."""
    kept = f"{count - len(missed)} of {count} targets are kept."
    if not plan.is_full:
        kept = f"""**These are the sizes of `make bench-quick`.** Most targets are for a whole tile and a million
parcels: on less work the second of processor that a command takes to start and to load its kernels outweighs the rest.
Only targets that hold for any size are judged here: {count - len(missed)} of {count} are kept."""
    if missed:
        lines = [
            f"- {row.work}{f', against {row.against}' if row.against else ''}: {number(row.value, row.unit)}"
            f"{f' ({cpu(row)} by cpu)' if row.cpu else ''}, wanted {bound(row)}"
            for row in missed
        ]
        kept += " These are missed:\n\n" + "\n".join(lines)
    return f"{text}\n\n{kept}"


def _loaded(load: float, cores: int) -> str:
    return "it was quiet" if load < cores + 1 else "other work shared it, so read the column by cpu"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _table(rows: Sequence[Row]) -> str:
    lines = ["| work | against | median | spread | by cpu | wanted | |", "| --- | --- | --- | --- | --- | --- | --- |"]
    lines += [
        f"| {row.work} | {row.against} | {number(row.value, row.unit)} | {spread(row)} | {cpu(row)} | {bound(row)} "
        f"| {MARKS[row.mark]} |"
        for row in rows
    ]
    return "\n".join(lines)


def _notes(rows: Sequence[Row]) -> str:
    lines = [
        f"- {row.work}{f', against {row.against}' if row.against else ''}: {row.note}." for row in rows if row.note
    ]
    return "What was done and how the answers were checked:\n\n" + "\n".join(lines)


def _unmeasured(found: Findings) -> str:
    said = [
        *found.words,
        "The coverage of parcels on a grid is kept for all images of a run, not from run to run: on disk it would take "
        "150 MB for 50,000 parcels of a tile, to save the seconds of the row of the set-up, once a run.",
    ]
    return "Not measured, not there:\n\n" + "\n".join(f"- {line}" for line in said)


def _where(parts: Sequence[Part], images: Path) -> str:
    if not parts:
        return ""
    works = list(dict.fromkeys(part.work for part in parts))
    figure, axes = plt.subplots(1, len(works), figsize=(9.5, 3.6), squeeze=False, layout="constrained")
    for axis, work in zip(axes[0], works, strict=True):
        mine = [part for part in parts if part.work == work]
        names = [part.part for part in mine]
        axis.barh(names, [part.cpu for part in mine], color=COLOURS[0], label="the suite")
        axis.barh(names, [part.floor for part in mine], height=0.3, color=COLOURS[1], label="floor")
        axis.invert_yaxis()
        axis.set_title(work, fontsize=10)
        axis.set_xlabel("seconds of one core")
        axis.tick_params(axis="y", labelsize=7)
    axes[0][0].legend(fontsize=8)
    figure.savefig(images / "steps.png", dpi=DPI)
    plt.close(figure)
    lines = ["| work | step | s of one core | floor, s | over the floor | the floor is |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for part in parts:
        over = part.cpu / part.floor if part.floor else math.nan
        lines.append(
            f"| {part.work} | {part.part} | {part.cpu:.2f} | {part.floor:.2f} | {over:.1f} x | {part.floor_is} |"
        )
    return (
        "## Where the time goes\n\nSteps of one date, called one after the other on one thread, the time of the "
        "processor alone; start-up, loading of compiled kernels and the files' last copy are not in it.\n\n"
        + "\n".join(lines)
        + "\n\n![Seconds of each step, and its floor](images/performance/steps.png)"
    )


def _growth(curves: Sequence[Curve], images: Path) -> str:
    if not curves:
        return ""
    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    for colour, curve in zip(COLOURS, curves, strict=False):
        axis.loglog(curve.sizes, curve.seconds, "o-", color=colour, label=curve.work)
    sizes = curves[0].sizes
    most = max(curve.seconds[-1] for curve in curves)
    axis.loglog(sizes, [most * size / sizes[-1] for size in sizes], ":", color="#999999", label="in proportion")
    axis.set_xlabel(curves[0].size_is)
    axis.set_ylabel("seconds of processor, start-up included")
    axis.legend()
    axis.grid(alpha=0.3)
    figure.savefig(images / "growth.png", dpi=DPI)
    plt.close(figure)
    head = f"| {curves[0].size_is} | " + " | ".join(curve.work for curve in curves) + " |"
    lines = [head, "| --- " * (len(curves) + 1) + "|"]
    lines += [
        f"| {size:,} | " + " | ".join(f"{curve.seconds[k]:.1f} s" for curve in curves) + " |"
        for k, size in enumerate(sizes)
    ]
    return (
        "## Cost against size\n\nSeconds of processor of the commands:\n\n"
        + "\n".join(lines)
        + "\n\n![Cost against the number of parcels](images/performance/growth.png)"
    )


def _money(found: Findings) -> str:
    numbers = found.numbers
    if "tile_hours" not in numbers:
        return ""
    hosted = whole.HOSTED_EUROS
    rows = (
        (f"a tile, {whole.DATES} dates, {whole.TILE_PARCELS:,} parcels", "tile", hosted),
        (f"a country of {whole.COUNTRY_TILES} tiles", "country", hosted * whole.COUNTRY_TILES),
    )
    lines = [
        f"| {what} | {numbers[f'{key}_hours']:.2f} | {numbers[f'{key}_euros']:.3f} EUR | about {price:,.0f} EUR |"
        for what, key, price in rows
    ]
    return f"""## What a tile and a country cost

From the processor seconds of the whole chain above: markers from L2A, smooth, season, soil, harvest and intercrop; the
transfer of the scenes is not in it. Training of a forest is once for a country, some minutes.

| | core-hours | at {whole.EUROS_PER_CORE_HOUR:.2f} EUR a core-hour | hosted Sen4CAP services |
| --- | --- | --- | --- |
{chr(10).join(lines)}

The hosted price is that of the catalogue records of January 2026 for LAI, FCOVER, markers, bare soil and agricultural
practices over a winter season; it includes the operation of a service, which ours does not."""


def _memory() -> str:
    return """## Memory

Memory is bounded by blocks: a window of 2048 x 2048 pixels for each thread of lai and markers, 2048 parcels for each
thread of smooth and 8192 of season, the pixels of 25,000 parcels for insitu, 32,768 parcels for classify, decoded tiles
for each reader of fetch, whose pixels pass through files of 512 MiB together; series and marker tables are mapped
files, whose pages the system takes back. tests/memory runs fetch, tiles, lai, markers, pixels, smooth, season, soil,
harvest, intercrop, classify (thresholds, a forest trained, a model given), report and insitu under a limit on their
data that is smaller than what they read, write or would hold at once, and compares the answers. Outlines of parcels are
held by the tools that need them: 0.6 kB a parcel and those of one tile once more in tiles, 1 to 3 kB a parcel in
classify and report. simulate makes test data and is not bounded: it holds its landscape, some 0.1 MB a parcel
([what the tools need](resources.md))."""
