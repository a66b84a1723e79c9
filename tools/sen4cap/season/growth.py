"""Day of emergence from the shape of growth: a posterior over days from the looks around the green-up.

LAI of a young stand is b + A T_s(c(t) - c(t0)), T_s one of `templates` (logistic and Gompertz, from quick to slow), c a
clock: the calendar, or warmth above a base temperature, or warmth and daylight, in an average year of temperate Europe,
so that a stand may pause in the cold and grow on in spring. Only looks at young growth take part. b is bare soil, A the
height it grows to. For each clock, s and t0 the best b and A follow from linear least squares with weak priors (b near
the parcel's lowest looks, A near the height seen); emergence is the day on which A T_s is LAI 0.1. Summed over all of
them, exp(-chi2 / 2) gives the posterior of the day; its median is the date, half the distance of its 16th and 84th
percentiles the spread. No look needs to hit the event: the curve carries what the looks around it say.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .looks import lai_of, lai_table

EMERGED = 0.1
"""LAI of a stand that has emerged."""
LOW_BAND, MOST_BARE = 0.08, 0.35
"""Bare soil is the mean of looks up to this above the parcel's 5th percentile; it never reads more than the second."""
REMAINS = 0.3
"""Looks up to the lowest one that read so much more than bare soil show what a main crop left."""
YOUNG, YOUNG_LOOK = 0.13, 0.1
"""A stand is up on the first look that reads so much more than bare soil, in the mean with the next two and alone."""
YOUNG_DAYS, YOUNG_LOOKS = 40, 4
"""Only looks up to so many days after it, at least so many, take part: what a winter or a spring makes of a stand tells
nothing of its emergence."""
SURE = 0.3
"""It has emerged for sure by the first look from then on that reads so much more than bare soil."""
RISES = (18.0, 27.0, 38.0, 52.0, 70.0, 95.0)
"""Days in which the templates grow from 10 to 90 % of their height."""
GOMPERTZ_PRIOR = 0.1
"""Weight of a Gompertz curve against a logistic one: young stands grow by a constant rate first. It only matters where
the looks cannot tell the two apart."""
TICKS = 2
"""Ticks of a clock in a day."""
BEFORE, BEYOND = 300, 400
"""Ticks that templates reach back and forth of the one on which they stand at `ORIGIN`."""
ORIGIN = 0.04
"""Height of a template on its day 0."""
RATIOS = 200
"""Steps of the table from height share to tick."""
MEAN_C, SWING_C, COLDEST = 10.5, 7.6, 20
"""Average year of the warmth clock: mean temperature, half its range, and the day of the year that is coldest."""
WARMTHS = ((2.0, 0.8, 0), (2.0, 0.8, 1))
"""Base temperature of each warmth clock, and the warmth that counts at least (thaws), degree C; and whether daylight
limits it, too."""
LATITUDE = 50.0
"""Of the daylight: the sun's daily radiation at the top of the air, counted up to that of the equinox."""
USUAL_C = 11.0
"""Temperature at which a warmth clock runs like the calendar, degree C."""

NOISE = 0.045
"""Standard deviation of a look's greenness over bare soil."""
RELATIVE = 0.12
"""And as a share of the greenness itself; the template's misfit is part of it."""
BASE_SPREAD = 0.08
"""Standard deviation of bare soil's greenness around the lowest looks."""
HEIGHT_SPREAD = 0.5
"""Standard deviation of A around the height seen, as a share of it."""
ADMITTED = 0.01
"""Share of the posterior that must lie inside the days allowed for them to be believed."""
REACH_BACK = 50
"""Looks up to so many days before the lowest one take part, where they are low too."""
STRIDE = 4
"""Days between the begins that are tried first."""
UNLIKELY = 18.0
"""Begins whose chi2 is so much above the best add nothing."""
ROOM = 320
"""Most days between the earliest and the latest day tried."""


@cache
def templates() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Growth curves and their inverses.

    Returns
    -------
    (template, BEFORE + BEYOND + 1) float64
        Share of the height on each tick; column BEFORE is tick 0.
    (template, RATIOS) int64
        Tick on which the share is (i + 0.5) / (2 RATIOS).
    """
    x = np.arange(-BEFORE, BEYOND + 1) / TICKS
    curves = []
    for rise in RISES:
        k = 2 * np.log(9) / rise
        curves.append(1 / (1 + (1 / ORIGIN - 1) * np.exp(-k * x)))
        k = (np.log(-np.log(0.1)) - np.log(-np.log(0.9))) / rise
        curves.append(np.exp(np.log(ORIGIN) * np.exp(-k * x)))
    table = np.stack(curves)
    shares = (np.arange(RATIOS) + 0.5) / (2 * RATIOS)
    inverse = np.stack([np.interp(shares, curve, x) for curve in curves])
    return table, np.round(inverse * TICKS).astype(np.int64)


def clocks(start: np.datetime64, days: int) -> NDArray[np.int64]:
    """Ticks of the calendar and of each warmth clock on each day, (clock, day), rising."""
    dates = start.astype("datetime64[D]") + np.arange(days)
    of_year = (dates - dates.astype("datetime64[Y]")).astype(float) + 1
    mean = MEAN_C - SWING_C * np.cos(2 * np.pi * (of_year - COLDEST) / 365.25)
    light = _daylight(of_year)
    warmths = [
        np.cumsum(np.maximum(mean - base, least) * light**lit / (USUAL_C - base)) for base, least, lit in WARMTHS
    ]
    return np.round(TICKS * np.stack([np.arange(days), *warmths])).astype(np.int64)


def _daylight(of_year: NDArray[np.float64]) -> NDArray[np.float64]:
    """Radiation of each day at the top of the air as a share of the equinox's, at most 1."""
    declination = np.radians(23.44) * np.sin(2 * np.pi * (of_year - 81) / 365.25)
    latitude = np.radians(LATITUDE)
    half = np.arccos(-np.tan(latitude) * np.tan(declination))
    sun = half * np.tan(latitude) * np.sin(declination) + np.cos(declination) * np.sin(half)
    return np.minimum(1, sun)


def growth_days(
    at: NDArray[np.int64],
    green: NDArray[np.float32],
    low: NDArray[np.int32],
    top: NDArray[np.int32],
    base: NDArray[np.float32],
    /,
    *,
    ticks: NDArray[np.int64],
    allowed: NDArray[np.int32] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Day of emergence of the growth between a lowest and a highest look, and its spread.

    Parameters
    ----------
    at : (look,)
        Day index of each look.
    green : (parcel, look)
        Cleaned greenness.
    low, top : (parcel,)
        Days of the lowest look before the growth and of the highest after it; -1 in `low`: none.
    base : (parcel,)
        Greenness of the parcel when bare (`stands.Stands.base`).
    ticks : (clock, day)
        From `clocks`.
    allowed : (2, parcel)
        First and last day on which each may have emerged. Where hardly any of the posterior lies between
        (`ADMITTED`), and without this, all days count.

    Returns
    -------
    (parcel,), (parcel,) float64
        NaN where there is no growth.
    """
    day = np.full(len(green), np.nan)
    spread = np.full(len(green), np.nan)
    at = np.ascontiguousarray(at, np.int64)
    whole = np.array([[0], [ticks.shape[1] - 1]], np.int32)
    within = np.broadcast_to(whole, (2, len(green))) if allowed is None else allowed
    _growth(at, green, low, top, base, ticks, within, *templates(), lai_table(), day, spread)
    return day, spread


@compiled
def median_of(mass: NDArray, count: int, first: int) -> tuple[float, float]:
    """Median of a posterior over consecutive days and half the distance of its 16th and 84th percentiles."""
    total = 0.0
    for i in range(count):
        total += mass[i]
    found = np.zeros(3)
    marks = (0.1587, 0.5, 0.8413)
    run = 0.0
    m = 0
    for i in range(count):
        share = mass[i] / total
        while m < 3 and run + share >= marks[m]:
            found[m] = first + i - 0.5 + (marks[m] - run) / share
            m += 1
        run += share
    return found[1], 0.5 * (found[2] - found[0])


@compiled
def _growth(
    at: NDArray, green: NDArray, low: NDArray, top: NDArray, base: NDArray, ticks: NDArray, allowed: NDArray,
    table: NDArray, inverse: NDArray, lais: NDArray, day: NDArray, spread: NDArray,
) -> None:  # fmt: skip
    t = np.zeros(len(at), np.int64)
    y, w = np.zeros(len(at)), np.zeros(len(at))
    score = np.zeros((len(ticks) * len(table), ROOM))
    height = np.zeros(score.shape)
    mass = np.zeros(ticks.shape[1])
    for p in range(len(green)):
        if low[p] < 0 or top[p] < 0:
            continue
        n, tall, sure, floor = _window(at, green[p], low[p], top[p], base[p], lais, t, y, w)
        first = max(min(t[0] - 10, low[p]), low[p] - REACH_BACK, 0)
        steps = min(sure + 10 - first + 1, ROOM, ticks.shape[1] - first)
        sums = _sums(y, w, n, tall)
        best = np.inf
        for case in range(len(score)):
            clock, curve = ticks[case // len(table)], table[case % len(table)]
            for i in range(0, steps, STRIDE):
                score[case, i], height[case, i] = _chi2(t, y, w, n, clock, curve, clock[first + i], sums)
                best = min(best, score[case, i])
        mass[:] = 0.0
        for case in range(len(score)):
            clock, s = ticks[case // len(table)], case % len(table)
            weight = GOMPERTZ_PRIOR if s % 2 else 1.0
            _weigh(
                t, y, w, n, clock, table[s], inverse[s], sums, first, steps, sure, best, weight,
                score[case], height[case], mass,
            )  # fmt: skip
        first, past = max(allowed[0, p], floor), min(allowed[1, p] + 1, len(mass))
        total = mass.sum()
        if past > first and mass[first:past].sum() > ADMITTED * total:
            day[p], spread[p] = median_of(mass[first:past], past - first, first)
        elif total > 0:
            day[p], spread[p] = median_of(mass, len(mass), 0)


@compiled
def _weigh(
    t: NDArray, y: NDArray, w: NDArray, n: int, clock: NDArray, curve: NDArray, inverse: NDArray, sums: tuple,
    first: int, steps: int, sure: int, best: float, weight: float, score: NDArray, height: NDArray, mass: NDArray,
) -> None:  # fmt: skip
    """Add a curve's posterior to the days on which it passes LAI 0.1, for every day it may have begun on.

    Only near days that came out well at the coarse `STRIDE` is every day tried.
    """
    day = first
    for i in range(steps):
        near = i - i % STRIDE
        after = near + STRIDE if near + STRIDE < steps else near
        if min(score[near], score[after]) > best + UNLIKELY:
            continue
        if near != i:
            score[i], height[i] = _chi2(t, y, w, n, clock, curve, clock[first + i], sums)
        tick = clock[first + i] + inverse[min(int(EMERGED / max(height[i], 0.3) * 2 * RATIOS), RATIOS - 1)]
        # From one begin to the next the day moves little, so it is found by walking.
        while day > 0 and clock[day] > tick:
            day -= 1
        while day <= sure and clock[day] < tick:
            day += 1
        if day <= sure:
            mass[day] += weight * np.exp(-0.5 * (score[i] - best))


@compiled
def _window(
    at: NDArray, green: NDArray, low: int, top: int, base: float, lais: NDArray, t: NDArray, y: NDArray, w: NDArray
) -> tuple[int, float, int, int]:
    """LAI above bare soil of the looks that tell of the green-up, and their weights.

    Returns their number, the height seen, the day on which the stand has emerged for sure, and the one before which it
    has not: what reads more than bare soil before was another crop.
    """
    bare = _bare(green, base)
    floor = 0
    n = 0
    for k in range(len(at)):
        if not np.isfinite(green[k]) or at[k] < low - REACH_BACK or at[k] > top:
            continue
        # A main crop's remains are no part of it: start again after each look up to the lowest that is not low.
        if at[k] <= low and green[k] > bare + REMAINS:
            n = 0
            floor = low if at[k] == low else floor
            continue
        t[n] = at[k]
        y[n] = green[k] - bare
        n += 1
    first = _young(t, y, n, low)
    sure = first
    while sure < n - 1 and y[sure] < SURE:
        sure += 1
    last = first
    while last + 1 < n and (t[last + 1] <= t[first] + YOUNG_DAYS or last + 1 < first + YOUNG_LOOKS):
        last += 1
    height = 0.3
    for i in range(last + 1):
        seen = y[i] + bare
        y[i], slope = lai_of(y[i], lais)
        w[i] = 1.0 / ((NOISE**2 + (RELATIVE * seen) ** 2) * slope * slope)
        height = max(height, y[i])
    return last + 1, height, t[sure], floor


@compiled
def _bare(green: NDArray, base: float) -> float:
    """Greenness of bare soil: the mean of the parcel's lowest looks."""
    total, count = 0.0, 0
    for k in range(len(green)):
        if green[k] < base + LOW_BAND:
            total += green[k]
            count += 1
    return min(total / max(count, 1), MOST_BARE)


@compiled
def _young(t: NDArray, y: NDArray, n: int, low: int) -> int:
    """First look after the lowest one on which a stand is up."""
    for first in range(n - 1):
        past = min(n, first + 3)
        if t[first] > low and y[first] > YOUNG_LOOK and y[first:past].mean() > YOUNG:
            return first
    return n - 1


@compiled
def _sums(y: NDArray, w: NDArray, n: int, height: float) -> tuple[float, float, float, float, float]:
    """What the least squares of every curve share: sums over looks and priors, and the prior of the height."""
    weight, prior = 1.0 / BASE_SPREAD**2, 1.0 / (HEIGHT_SPREAD * height) ** 2
    sw, sy, syy = weight, 0.0, prior * height * height
    for i in range(n):
        sw += w[i]
        sy += w[i] * y[i]
        syy += w[i] * y[i] * y[i]
    return sw, sy, syy, prior, prior * height


@compiled
def _chi2(
    t: NDArray, y: NDArray, w: NDArray, n: int, clock: NDArray, curve: NDArray, origin: int, sums: tuple
) -> tuple[float, float]:
    """Least chi2 of b + A T over b and A with their priors, and that A."""
    sw, sy, syy, stt, sty = sums
    st = 0.0
    for i in range(n):
        share = curve[min(max(clock[t[i]] - origin, -BEFORE), BEYOND) + BEFORE]
        weighed = w[i] * share
        st += weighed
        stt += weighed * share
        sty += weighed * y[i]
    a = (sty - st * sy / sw) / (stt - st * st / sw)
    b = (sy - st * a) / sw
    return syy - a * sty - b * sy, a
