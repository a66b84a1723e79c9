"""How every picture of the report looks, and how it is saved: the same bytes for the same input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DPI = 150
INK = "#222222"
QUIET = "#6b6b6b"
FAINT = "#e6e6e6"
COLOURS = {
    "LAI": "#1b7f5c",
    "FCOVER": "#1f5fa8",
    "emergence": "#6a3d9a",
    "termination": "#c0392b",
    "harvest": "#7a5a1e",
    "next": "#3f6f8f",
    "BS": "#9c6b3f",
    "NBS": "#b5d6a7",
    "gap": "#d4d4d4",
}
"""Colour of everything that is drawn more than once, told apart by colour-blind readers with the help of line style."""

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "axes.titlesize": 12.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10.5,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "hatch.linewidth": 0.5,
    "savefig.facecolor": "white",
}


@contextmanager
def new_figure(path: Path, *, width: float, height: float) -> Iterator[Figure]:
    """Yield a figure in the house style, width and height in inches; save it as PNG when the block ends well."""
    # From the defaults, so that a user's own matplotlibrc does not change the picture.
    style: dict[Any, Any] = {**matplotlib.rcParamsDefault, **_STYLE}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(width, height), dpi=DPI)
        FigureCanvasAgg(figure)
        yield figure
        # Without the software's version among the metadata, the bytes depend on the picture alone.
        figure.savefig(path, dpi=DPI, metadata={"Software": None})


def day_number(day: Any) -> float:
    """Position of a day on a time axis."""
    return float(np.datetime64(day, "D").astype(float))


def month_axis(axes: Axes, first: Any, last: Any) -> None:
    """Give an axis of days ticks at the months, with names in between and the year below January."""
    low, high = np.datetime64(first, "D"), np.datetime64(last, "D")
    axes.set_xlim(day_number(low), day_number(high))
    months = np.arange(low.astype("datetime64[M]"), high.astype("datetime64[M]") + 2)
    edges = months.astype("datetime64[D]")
    axes.set_xticks([day_number(e) for e in edges if low <= e <= high])
    axes.set_xticklabels([])
    middles: list[float] = []
    names: list[str] = []
    for month, a, b in zip(months, np.maximum(edges[:-1], low), np.minimum(edges[1:], high), strict=False):
        if (b - a).astype(int) >= 12:
            when = month.astype(object)
            year = f"\n{when.year}" if not names or when.month == 1 else ""
            middles.append((day_number(a) + day_number(b)) / 2)
            names.append(f"{MONTHS[when.month - 1]}{year}")
    axes.set_xticks(middles, minor=True)
    axes.set_xticklabels(names, minor=True)
    axes.tick_params(axis="x", which="minor", length=0)
    axes.tick_params(axis="x", which="major", length=5)


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Written out here: the reader's locale must not change the picture."""
