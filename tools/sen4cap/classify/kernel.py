"""Features of daily parcel series. Arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled, over_blocks
from .layout import GAP_METRICS, METRICS, Layout

BLOCK = 2048
CLOSE = 5
MONTH = 30
LAST_STAND = 31
"""Days of spring in which a cover crop is still looked for; what is green later may be the next main crop (ours)."""
KEPT = (20, 40, 60)
COLD_MONTHS = (-61, -30, 0, 31, 62, 90, 121)
"""Where October to March begin, and where March ends, in days from 1 December."""
METRIC_COUNT = len(METRICS)
STAND = METRICS.index("least")


def season_features(
    values: dict[str, NDArray[np.float32]],
    gap: NDArray[np.int16],
    rows: NDArray[np.intp],
    /,
    *,
    layout: Layout,
    first: int,
    threads: int,
) -> NDArray[np.float32]:
    """Features of parcels, in the order of `Layout.names`.

    Parameters
    ----------
    values : dict of (parcel, day) float32
        Smoothed series by variable, in its own units; NaN outside the observed span.
    gap : (parcel, day) int16
        Days to the nearest clear look.
    rows : (wanted,)
        Parcels to make features of.
    layout
        Which features.
    first
        Column of the season's first day; may be negative or past the end, days that are missing count as NaN.
    threads
        As the option `--threads`.

    Returns
    -------
    (wanted, feature) float32
        NaN where the days that a feature needs are missing.
    """
    out = np.empty((len(rows), len(layout.names())), np.float32)

    def work(start: int, stop: int) -> None:
        some = rows[start:stop]
        at = 0
        for name, levels, rises in zip(layout.variables, layout.levels, layout.rises, strict=True):
            width = layout.cells + len(METRICS) + 2 * len(levels) + len(rises)
            out[start:stop, at : at + width] = variable_features(
                values[name][some],
                first=first,
                days=layout.days,
                step=layout.step,
                winter=layout.winter,
                spring=layout.spring,
                levels=np.array(levels, np.float64),
                rises=np.array(rises, np.float64),
            )
            at += width
        out[start:stop, at:] = gap_features(
            gap[some], first=first, days=layout.days, winter=layout.winter, spring=layout.spring
        )

    over_blocks(work, len(rows), block=BLOCK, threads=threads)
    return out


def variable_features(
    values: NDArray[np.float32],
    /,
    *,
    first: int,
    days: int,
    step: int,
    winter: int,
    spring: int,
    levels: NDArray[np.float64],
    rises: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Features of one variable: grid values, phase and amplitude metrics, the stand, days above levels.

    Parameters
    ----------
    values : (parcel, day)
        NaN where a day is outside the observed span.
    first
        Column of the season's first day.
    days
        Days of the season.
    step
        Days of one grid cell.
    winter, spring
        Days from the season's first day to 1 December and to 1 March; either may lie outside of the season.
    levels, rises : (level,), (rise,)
        In the units of `values`.

    Returns
    -------
    (parcel, cell + metric + 2 level + rise) float32
        The mean of each grid cell; then `layout.METRICS`: the autumn's minimum and its day; the means of autumn,
        winter and spring; the greatest value after that minimum and its day; the greatest rise from any day to a later
        one up to the end of winter, the value and day it starts from and the day it leads to; the greatest rise and
        the greatest fall within 30 days and the days they begin; the means of the four 30-day periods after the start
        of the greatest rise.

        Then the stand, which is what grew from the start of the greatest rise to the least value after that rise (for
        one that was terminated, the bare soil before the next main crop): the season's least value, and how far the
        stand's peak up to the end of March is above it; the stand's last value, its day, the fall from the peak to it,
        the stand's days, its sum above its start (m2 m-2 d for LAI), and its mean; the day on which half of the rise is
        reached, the wait for it and the days above it; the greatest value kept for 20, 40 and 60 days on end up to the
        end of March; the means of October to March above the season's least value.

        Then the days above each level, those of the stand above each level, and those of the stand that are each rise
        above its start. NaN where no day is known.
    """
    cells = -(-days // step)
    out = np.full((len(values), cells + len(METRICS) + 2 * len(levels) + len(rises)), np.nan, np.float32)
    _variable_features(np.ascontiguousarray(values), first, days, step, winter, spring, levels, rises, out)
    return out


def gap_features(gap: NDArray[np.int16], /, *, first: int, days: int, winter: int, spring: int) -> NDArray[np.float32]:
    """How well the season was seen.

    Parameters
    ----------
    gap : (parcel, day)
        Days to the nearest clear look.
    first, days, winter, spring
        As for `variable_features`.

    Returns
    -------
    (parcel, 4) float32
        Share of the days of autumn, winter and spring that are at most 5 days from a look, and the greatest distance
        to a look in autumn and winter, days (at most 180).
    """
    out = np.full((len(gap), len(GAP_METRICS)), np.nan, np.float32)
    last = gap.shape[1]
    winter, spring = (min(max(day, 0), days) for day in (winter, spring))
    for place, (start, stop) in enumerate(((0, winter), (winter, spring), (spring, days))):
        part = gap[:, max(first + start, 0) : max(min(first + stop, last), 0)]
        if stop > start:
            out[:, place] = (part <= CLOSE).sum(axis=1) / (stop - start)
    part = gap[:, max(first, 0) : max(min(first + spring, last), 0)]
    if part.shape[1]:
        out[:, 3] = np.minimum(part.max(axis=1), 180)
    return out


def looks_within(gap: NDArray[np.int16], /, *, start: int, stop: int) -> NDArray[np.int64]:
    """Clear looks of each parcel from column `start` up to before column `stop`; columns that are missing hold none."""
    seen: NDArray[np.int64] = (gap[:, max(start, 0) : max(stop, 0)] == 0).sum(axis=1)
    return seen


@compiled
def _variable_features(  # type: ignore[no-untyped-def]
    values, first, days, step, winter, spring, levels, rises, out
):
    parcels, last = values.shape
    cells = -(-days // step)
    season = np.empty(days, np.float64)
    total = np.empty(days + 1, np.float64)
    known = np.empty(days + 1, np.int64)
    queue = np.empty(days, np.int64)
    autumn_end = min(max(winter, 0), days)
    winter_end = min(max(spring, 0), days)
    for parcel in range(parcels):
        for day in range(days):
            column = first + day
            season[day] = values[parcel, column] if 0 <= column < last else np.nan
        total[0] = 0.0
        known[0] = 0
        for day in range(days):
            finite = not np.isnan(season[day])
            total[day + 1] = total[day] + (season[day] if finite else 0.0)
            known[day + 1] = known[day] + (1 if finite else 0)
        if known[days] == 0:
            continue
        for cell in range(cells):
            out[parcel, cell] = _mean(total, known, cell * step, min((cell + 1) * step, days))
        own = out[parcel, cells:]
        _metrics(season, total, known, autumn_end, winter_end, own)
        _over_least(season, total, known, winter, own)
        counts = own[METRIC_COUNT:]
        for place in range(len(levels)):
            counts[place] = _days_above(season, 0, days, levels[place])
        if not np.isnan(own[9]):
            _stand(season, total, known, min(winter_end + LAST_STAND, days), queue, levels, rises, own)


@compiled
def _mean(total, known, start, stop):  # type: ignore[no-untyped-def]
    count = known[stop] - known[start]
    return (total[stop] - total[start]) / count if count > 0 else np.nan


@compiled
def _metrics(season, total, known, winter, spring, out):  # type: ignore[no-untyped-def]
    days = len(season)
    out[2] = _mean(total, known, 0, winter)
    out[3] = _mean(total, known, winter, spring)
    out[4] = _mean(total, known, spring, days)
    _minimum_and_peak(season, winter, out)
    _greatest_rise(season, spring, out)
    if not np.isnan(out[9]):
        for month in range(4):
            start = min(int(out[9]) + month * MONTH, days)
            out[15 + month] = _mean(total, known, start, min(start + MONTH, days))
    _month_changes(season, out)


@compiled
def _minimum_and_peak(season, winter, out):  # type: ignore[no-untyped-def]
    """Metrics 0, 1, 5, 6."""
    low = -1
    for day in range(winter):
        if not np.isnan(season[day]) and (low < 0 or season[day] < season[low]):
            low = day
    if low < 0:
        return
    peak = low
    for day in range(low, len(season)):
        if season[day] > season[peak]:
            peak = day
    out[0] = season[low]
    out[1] = low
    out[5] = season[peak]
    out[6] = peak


@compiled
def _greatest_rise(season, spring, out):  # type: ignore[no-untyped-def]
    """Metrics 7 to 10."""
    valley = -1
    best = -1.0
    for day in range(spring):
        if np.isnan(season[day]):
            continue
        if valley < 0 or season[day] < season[valley]:
            valley = day
        if season[day] - season[valley] > best:
            best = season[day] - season[valley]
            out[7] = best
            out[8] = season[valley]
            out[9] = valley
            out[10] = day


@compiled
def _month_changes(season, out):  # type: ignore[no-untyped-def]
    """Metrics 11 to 14."""
    rise = -np.inf
    fall = np.inf
    for day in range(len(season) - MONTH):
        change = season[day + MONTH] - season[day]
        if change > rise:
            rise = change
            out[11] = change
            out[12] = day
        if change < fall:
            fall = change
            out[13] = change
            out[14] = day


@compiled
def _days_above(season, start, stop, level):  # type: ignore[no-untyped-def]
    above = 0
    for day in range(start, stop):
        if season[day] > level:
            above += 1
    return above


@compiled
def _over_least(season, total, known, winter, out):  # type: ignore[no-untyped-def]
    """Least value, and the means of October to March above it: metric `least` and the last six."""
    days = len(season)
    least = np.inf
    for day in range(days):
        if season[day] < least:
            least = season[day]
    out[STAND] = least
    for month in range(len(COLD_MONTHS) - 1):
        start = min(max(winter + COLD_MONTHS[month], 0), days)
        stop = min(max(winter + COLD_MONTHS[month + 1], 0), days)
        out[STAND + 14 + month] = _mean(total, known, start, stop) - least


@compiled
def _stand(season, total, known, last, queue, levels, rises, out):  # type: ignore[no-untyped-def]
    """What grew from the start of the greatest rise (metrics 8 to 10) to the least value after it."""
    low = int(out[9])
    start = season[low]
    end = int(out[10])
    for day in range(end, len(season)):
        if season[day] <= season[end]:
            end = day
    peak = low
    for day in range(low, last):
        if season[day] > season[peak]:
            peak = day
    middle = start + 0.5 * (season[int(out[10])] - start)
    half = low
    while half < end and not season[half] > middle:
        half += 1
    out[STAND + 1] = season[peak] - out[STAND]
    out[STAND + 2] = season[end]
    out[STAND + 3] = end
    out[STAND + 4] = season[peak] - season[end]
    out[STAND + 5] = end - low
    out[STAND + 6] = total[end + 1] - total[low] - start * (known[end + 1] - known[low])
    out[STAND + 7] = _mean(total, known, low, end + 1)
    out[STAND + 8] = half
    out[STAND + 9] = half - low
    out[STAND + 10] = _days_above(season, low, end + 1, middle)
    for place in range(len(KEPT)):
        out[STAND + 11 + place] = _kept(season, low, last, KEPT[place], queue)
    counts = out[METRIC_COUNT + len(levels) :]
    for place in range(len(levels)):
        counts[place] = _days_above(season, low, end + 1, levels[place])
    for place in range(len(rises)):
        counts[len(levels) + place] = _days_above(season, low, end + 1, start + rises[place])


@compiled
def _kept(season, start, stop, width, queue):  # type: ignore[no-untyped-def]
    """Greatest value that is kept for so many days on end; NaN where there are not so many known days on end."""
    best = np.nan
    head = 0
    tail = 0
    since = start
    for day in range(start, stop):
        if np.isnan(season[day]):
            head = tail = 0
            since = day + 1
            continue
        # The queue holds days of rising values: the first one is the least of the window.
        while tail > head and season[queue[tail - 1]] >= season[day]:
            tail -= 1
        queue[tail] = day
        tail += 1
        if queue[head] <= day - width:
            head += 1
        if day - since + 1 >= width and not season[queue[head]] <= best:
            best = season[queue[head]]
    return best
