"""The table on the terminal, and docs/performance.md with its plots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .plan import Plan
from .rows import Findings, Row

MARKS = {"ok": "ok", "missed": "**missed**", "": ""}


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
    middle = sorted(row.cpu)[len(row.cpu) // 2] if row.cpu else None
    return "" if middle is None else number(middle, row.unit)


def bound(row: Row) -> str:
    """What is wanted."""
    return f"{row.bound} {row.unit}" if row.bound else ""


def write(path: Path, found: Findings, plan: Plan) -> None:
    """Write the page and its plots."""
