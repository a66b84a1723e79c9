"""Smooth series: marker tables in, a series file out."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..compiled import over_blocks
from ..errors import BadInput
from ..marker_table import MarkerTable, days_of_all
from ..progress import say
from ..seasons import Season
from ..series import NEVER_SEEN, NewSeries, new_series
from .kernel import BOUNDS, Smoothing, nearest_look, smooth_daily

BLOCK = 2048
"""Parcels worked on at a time by each thread."""


def smooth(
    markers: Sequence[Path],
    *,
    start: datetime.date,
    end: datetime.date,
    variables: Sequence[str],
    smoothing: Smoothing,
    season: int | None,
    threads: int,
    output: Path,
) -> None:
    """Write a daily series of every parcel of the marker tables.

    Parameters
    ----------
    markers
        Marker tables of the same parcels, seen as one.
    start, end
        First and last day of the series; looks outside play no part.
    variables
        Quantities of the tables.
    season
        Autumn that the series is about; None: the latest whose December begins inside the span.
    """
    table = MarkerTable(markers)
    _check(table, variables, start=start, end=end)
    year = Season.within(start, end).year if season is None else season
    days = (end - start).days + 1
    with new_series(
        output,
        table.ids,
        start=start,
        days=days,
        variables=variables,
        season=year,
        method=describe(smoothing),
        sources=table.sources,
        metadata={"smoothing": smoothing.to_text()},
    ) as series:
        seen = over_blocks(
            lambda first, past: _block(table, slice(first, past), series, start=start, end=end, smoothing=smoothing),
            len(table.ids),
            block=BLOCK,
            threads=threads,
        )
    _report(np.concatenate([np.zeros(0, np.int64), *seen]))


def _check(table: MarkerTable, variables: Sequence[str], *, start: datetime.date, end: datetime.date) -> None:
    for variable in variables:
        looks = table.looks(variable, start=start, end=end, rows=slice(0, 0))
        if not len(looks.days):
            days = [marker.day for marker in table.markers if marker.type == variable]
            raise BadInput(
                table.where,
                f"has no look of {variable} between {start} and {end}, only from {min(days)} to {max(days)}",
                do="check --start and --end",
            )


def describe(smoothing: Smoothing) -> str:
    """Say in a few words how a series was smoothed."""
    if smoothing.method == "whittaker":
        robust = "" if smoothing.robust == "none" else f", {smoothing.robust} reweighting, {smoothing.passes} passes"
        return f"Whittaker, lambda {smoothing.roughness:g} on the daily grid{robust}"
    return f"Savitzky-Golay, {smoothing.window} days, degree {smoothing.degree}"


def _block(
    table: MarkerTable,
    rows: slice,
    series: NewSeries,
    *,
    start: datetime.date,
    end: datetime.date,
    smoothing: Smoothing,
) -> NDArray[np.int64]:
    """Smooth one block of parcels into the series; return how often each was seen."""
    looks = [table.looks(variable, start=start, end=end, rows=rows, with_stdev=False) for variable in series.variables]
    origin = np.datetime64(start, "D")
    daily = {}
    for variable, look in zip(series.variables, looks, strict=True):
        low, high = BOUNDS[variable]
        at = (look.days - origin).astype(np.int64)
        daily[variable] = smooth_daily(
            at, look.mean, look.pixels, days=series.days, smoothing=smoothing, low=low, high=high
        )
    days, places = days_of_all(looks)
    seen = np.zeros((len(looks[0].mean), len(days)), bool)
    for look, where in zip(looks, places, strict=True):
        seen[:, where] |= np.isfinite(look.mean)
    gap = np.empty((len(seen), series.days), np.int16)
    nearest_look((days - origin).astype(np.int64), seen, gap, never=int(NEVER_SEEN))
    series.write(rows.start, daily, gap)
    return seen.sum(axis=1)


def _report(seen: NDArray[np.int64]) -> None:
    never, few = int((seen == 0).sum()), int(((seen > 0) & (seen < 3)).sum())
    middle = f", {np.median(seen):g} clear looks at the median" if len(seen) else ""
    say(f"series: {len(seen)} parcels{middle}; {never} never seen, {few} seen once or twice")
