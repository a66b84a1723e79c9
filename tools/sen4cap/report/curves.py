"""Curves of single parcels: LAI and FCOVER through the season, with everything the suite knows about the parcel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from ..seasons import Season
from .figures import COLOURS, INK, QUIET, day_number, month_axis, new_figure
from .kernel import gap_spans

WIDTH = 9.0
LONG_GAP = 25
"""Days without a clear look from which on a curve says so."""
AXIS_TITLES = {"LAI": "LAI (m² m⁻²)", "FCOVER": "FCOVER (0 to 1)"}
LOWEST_TOP = {"LAI": 3.0, "FCOVER": 1.0}
"""An axis reaches at least this far, so that bare and green parcels look different at a glance."""
_LABEL_SIZE = 8.6
_LETTER = 0.63
"""Width of a letter over its size, about; to tell whether two labels touch."""


@dataclass(frozen=True)
class Points:
    """Clear looks of one variable: days, means, standard deviations within the parcel; (look,) each."""

    days: NDArray[np.datetime64]
    mean: NDArray[np.float32]
    stdev: NDArray[np.float32]


@dataclass(frozen=True)
class Event:
    """A dated event: its name, its day (may be NaT), its uncertainty in days (NaN: none), its colour key."""

    name: str
    day: np.datetime64
    uncertainty: float
    colour: str


@dataclass(frozen=True)
class Curve:
    """One parcel's season, ready to be drawn.

    Attributes
    ----------
    title, subtitle : str
        What stands above the figure.
    days : (day,) datetime64
    values : dict of (day,) float32
        Smoothed LAI and FCOVER; NaN where unknown.
    gap : (day,) int16
        Days to the nearest clear look.
    season : Season
    looks : dict of Points
        Raw looks by variable; may be empty.
    events : sequence of Event
        Harvest, emergence, termination, next emergence: those that are known.
    maxima : dict of (day, value)
        By variable.
    soil : sequence of (start, end, state), or None
        Intervals of BS and NBS, `end` exclusive; None where no soil table was given.
    """

    new_id: int
    title: str
    subtitle: str
    days: NDArray[np.datetime64]
    values: Mapping[str, NDArray[np.float32]]
    gap: NDArray[np.int16]
    season: Season
    looks: Mapping[str, Points]
    events: Sequence[Event]
    maxima: Mapping[str, tuple[np.datetime64, float]]
    soil: Sequence[tuple[np.datetime64, np.datetime64, str]] | None


def draw_curve(path: Path, curve: Curve) -> None:
    """Draw a parcel's curves, one panel a variable, above a strip of bare soil where that is known."""
    strips = 0 if curve.soil is None else 1
    heights = [3.0, *[2.1] * (len(curve.values) - 1), *[0.24] * strips]
    with new_figure(path, width=WIDTH, height=1.95 + 1.08 * sum(heights) / 1.08) as figure:
        top, bottom = 1 - 1.12 / figure.get_figheight(), 0.95 / figure.get_figheight()
        grid = figure.add_gridspec(
            len(heights), 1, height_ratios=heights, left=0.085, right=0.975, top=top, bottom=bottom, hspace=0.09
        )
        figure.text(0.02, 1 - 0.16 / figure.get_figheight(), curve.title, fontsize=13, fontweight="bold", va="top")
        figure.text(0.02, 1 - 0.45 / figure.get_figheight(), curve.subtitle, fontsize=9.5, color=QUIET, va="top")
        panels = [figure.add_subplot(grid[row]) for row in range(len(heights))]
        for axes, (name, values) in zip(panels, curve.values.items(), strict=False):
            _draw_variable(axes, curve, name, values)
        if curve.soil is not None:
            _draw_soil(panels[-1], curve.soil)
        for axes in panels:
            month_axis(axes, curve.days[0], curve.days[-1])
            if axes is not panels[-1]:
                axes.set_xticklabels([], minor=True)
        _label_events(panels[0], curve)
        _draw_legend(figure, curve)


def _draw_variable(axes: Axes, curve: Curve, name: str, values: NDArray[np.float32]) -> None:
    days = curve.days.astype("datetime64[D]").astype(float)
    looks = curve.looks.get(name)
    shown = [values[np.isfinite(values)], np.array([LOWEST_TOP[name]]), *([looks.mean] if looks else [])]
    top = float(np.nanmax(np.concatenate(shown))) * (1.05 if name == "LAI" else 1.02)
    axes.set_ylim(0, top)
    axes.set_ylabel(AXIS_TITLES[name])
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    low, high = day_number(curve.season.start), day_number(curve.season.end) + 1
    for first, past in ((days[0] - 1, low), (high, days[-1] + 1)):
        if past > first:
            axes.axvspan(first, past, color="#f3f3ee", lw=0, zorder=0)
    for first, past in gap_spans(curve.gap, least=LONG_GAP):
        axes.axvspan(
            days[first] - 0.5, days[past - 1] + 0.5, facecolor="none", edgecolor=COLOURS["gap"], hatch="////", lw=0
        )
    for event in curve.events:
        if not np.isnat(event.day):
            _draw_event(axes, event)
    if looks is not None:
        axes.errorbar(
            looks.days.astype("datetime64[D]").astype(float),
            looks.mean,
            yerr=looks.stdev,
            fmt="o",
            ms=4,
            mfc="white",
            mec=COLOURS[name],
            ecolor="#bdbdbd",
            elinewidth=1,
            zorder=3,
        )
    axes.plot(days, values, color=COLOURS[name], lw=2.2, zorder=4)
    if name in curve.maxima and not np.isnat(curve.maxima[name][0]):
        day, value = curve.maxima[name]
        axes.plot([day_number(day)], [value], marker="^", ms=8, color=COLOURS[name], mec="white", mew=0.8, zorder=5)
    if not np.isfinite(values).any():
        axes.text(0.5, 0.5, "never seen clear", transform=axes.transAxes, ha="center", va="center", color=QUIET)


def _draw_event(axes: Axes, event: Event) -> None:
    at, colour = day_number(event.day), COLOURS[event.colour]
    if np.isfinite(event.uncertainty):
        axes.axvspan(at - event.uncertainty, at + event.uncertainty, color=colour, alpha=0.14, lw=0, zorder=1)
    dashed = not np.isfinite(event.uncertainty)
    axes.axvline(at, color=colour, lw=1.4 if dashed else 1.8, ls=(0, (4, 2.5)) if dashed else "-", zorder=2)


def _label_events(axes: Axes, curve: Curve) -> None:
    """Name the date lines above the panel; of two that would touch, the later goes one row up."""
    taken: list[tuple[int, float, float]] = []
    first, last = day_number(curve.days[0]), day_number(curve.days[-1])
    inches = axes.get_position().width * WIDTH
    known = sorted((event for event in curve.events if not np.isnat(event.day)), key=lambda event: event.day)
    for event in known:
        margin = f" ± {event.uncertainty:.0f} d" if np.isfinite(event.uncertainty) else ""
        text = f"{event.name} {event.day}{margin}"
        wide = (len(text) + 1) * _LETTER * _LABEL_SIZE / 72 / inches * (last - first)
        low = max(day_number(event.day) - wide / 2, first)
        high = min(low + wide, last)
        low = high - wide
        level = next(n for n in range(9) if all(n != row or low >= b or high <= a for row, a, b in taken))
        taken.append((level, low, high))
        axes.annotate(
            text,
            ((low + high) / 2, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4 + 12 * level),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=_LABEL_SIZE,
            color=COLOURS[event.colour],
        )


def _draw_soil(axes: Axes, intervals: Sequence[tuple[np.datetime64, np.datetime64, str]]) -> None:
    for start, end, state in intervals:
        first = day_number(start)
        axes.broken_barh(
            [(first, day_number(end) - first)],
            (0, 1),
            facecolor=COLOURS[state],
            edgecolor="white",
            linewidth=0.4,
        )
    axes.set_ylim(0, 1)
    axes.set_yticks([0.5], ["soil"])
    axes.tick_params(axis="y", length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _draw_legend(figure: Figure, curve: Curve) -> None:
    entries: list[Line2D | Patch] = [
        Line2D([], [], color=COLOURS[name], lw=2.2, label=f"{name}, smoothed") for name in curve.values
    ]
    if curve.looks:
        dot = {"marker": "o", "mfc": "white", "mec": INK, "ls": "none", "ms": 4.5}
        entries.append(Line2D([], [], **dot, label="clear look, ± 1 s.d."))  # type: ignore[arg-type]
    entries.append(Line2D([], [], marker="^", color=INK, ls="none", ms=7, label="maximum of the season"))
    entries.append(Patch(facecolor="#f3f3ee", edgecolor=COLOURS["gap"], label="outside the season"))
    entries.append(
        Patch(facecolor="none", edgecolor="#a8a8a8", hatch="////", lw=0, label=f"not seen for {LONG_GAP} days or more")
    )
    if curve.soil is not None:
        entries.append(Patch(facecolor=COLOURS["BS"], label="bare soil"))
        entries.append(Patch(facecolor=COLOURS["NBS"], label="not bare"))
    figure.legend(
        handles=entries,
        loc="lower center",
        bbox_to_anchor=(0.53, 0.0),
        ncols=4,
        fontsize=9,
        columnspacing=1.6,
        handlelength=1.8,
    )
