"""Day of emergence from the shape of growth: a posterior over days from the looks around the green-up.

LAI of a young stand is b + A T_s(c(t) - c(t0)), T_s one of `templates` (logistic and Gompertz, from quick to slow), c a
clock: the calendar, or warmth above a base temperature in an average year of temperate Europe, so that a stand may
pause in the cold and grow on in spring. b is bare soil, A the height it grows to. For each clock, s and t0 the best b
and A follow from linear least squares with weak priors (b near the bare looks, A near the stand's top); emergence is
the day on which A T_s is LAI 0.1. Summed over all of them, exp(-chi2 / 2) gives the posterior of the day; its median is
the date, half the distance of its 16th and 84th percentiles the spread. No look needs to hit the event: the curve
carries what the looks around it say.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .stands import COVER_TO_LAI

EMERGED = 0.1
"""LAI of a stand that has emerged."""
EXTINCTION = 0.55
"""FCOVER = 1 - exp(-0.55 LAI): so the joint greenness is brought back to LAI, in which stands grow by templates."""
CELLS, CELL = 900, 0.01
"""Size and step of the table from joint greenness to LAI."""
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
WARMTHS = ((2.0, 0.8), (6.0, 0.2))
"""Base temperature of each warmth clock, and the warmth that counts at least (thaws), degree C."""
USUAL_C = 11.0
"""Temperature at which a warmth clock runs like the calendar, degree C."""

NOISE = 0.055
"""Standard deviation of a look's greenness over bare soil."""
RELATIVE = 0.12
"""And as a share of the greenness itself; the template's misfit is part of it."""
BASE_SPREAD = 0.12
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
def lai_table() -> NDArray[np.float64]:
    """LAI by joint greenness (`stands.green_of`), (CELLS,), in steps of CELL."""
    lai = np.linspace(0, 2 * CELLS * CELL, 20 * CELLS)
    green = 0.5 * (lai + COVER_TO_LAI * (1 - np.exp(-EXTINCTION * lai)))
    return np.interp(np.arange(CELLS) * CELL, green, lai)


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
    warmths = [np.cumsum(np.maximum(mean - base, least) / (USUAL_C - base)) for base, least in WARMTHS]
    return np.round(TICKS * np.stack([np.arange(days), *warmths])).astype(np.int64)


def growth_days(
    at: NDArray[np.int64],
    green: NDArray[np.float32],
    low: NDArray[np.int32],
    lit: NDArray[np.int32],
    top: NDArray[np.int32],
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
    low, lit, top : (parcel,)
        Days of the lowest look before the growth, of the first clearly green one, of the highest; -1 in `low`: none.
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
    _growth(at, green, low, lit, top, ticks, within, *templates(), lai_table(), day, spread)
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
    at: NDArray, green: NDArray, low: NDArray, lit: NDArray, top: NDArray, ticks: NDArray, allowed: NDArray,
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
        n, bare, tall = _window(at, green[p], low[p], lit[p], top[p], lais, t, y, w)
        first = max(t[0] - 10, low[p] - REACH_BACK, 0)
        steps = min(lit[p] + 10 - first + 1, ROOM, ticks.shape[1] - first)
        sums = _sums(y, w, n, bare, tall)
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
                t, y, w, n, clock, table[s], inverse[s], sums, first, steps, lit[p], best, weight,
                score[case], height[case], mass,
            )  # fmt: skip
        first, past = max(allowed[0, p], 0), min(allowed[1, p] + 1, len(mass))
        total = mass.sum()
        if past > first and mass[first:past].sum() > ADMITTED * total:
            day[p], spread[p] = median_of(mass[first:past], past - first, first)
        elif total > 0:
            day[p], spread[p] = median_of(mass, len(mass), 0)


@compiled
def _weigh(
    t: NDArray, y: NDArray, w: NDArray, n: int, clock: NDArray, curve: NDArray, inverse: NDArray, sums: tuple,
    first: int, steps: int, lit: int, best: float, weight: float, score: NDArray, height: NDArray, mass: NDArray,
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
        while day <= lit and clock[day] < tick:
            day += 1
        if day <= lit:
            mass[day] += weight * np.exp(-0.5 * (score[i] - best))


@compiled
def _lai_of(green: float, lais: NDArray) -> tuple[float, float]:
    """LAI of a joint greenness, and how much LAI a unit of greenness is there."""
    place = min(max(green / CELL, 0.0), CELLS - 2.0)
    cell = int(place)
    slope = lais[cell + 1] - lais[cell]
    return lais[cell] + (place - cell) * slope, slope / CELL


@compiled
def _window(
    at: NDArray, green: NDArray, low: int, lit: int, top: int, lais: NDArray, t: NDArray, y: NDArray, w: NDArray
) -> tuple[int, float, float]:
    """LAI of the looks that tell of the green-up, their weights, and the priors of bare soil and height."""
    bottom, highest = np.inf, -np.inf
    for k in range(len(at)):
        if np.isfinite(green[k]):
            if at[k] == low:
                bottom = green[k]
            if at[k] == top:
                highest = green[k]
    height = max(_lai_of(highest, lais)[0] - _lai_of(bottom, lais)[0], 0.3)
    n, total, flat = 0, 0.0, 0
    # A main crop's remains before the lowest look are no part of it: start again after each look that is not low.
    for k in range(len(at)):
        if not np.isfinite(green[k]) or at[k] < low - REACH_BACK or at[k] > top:
            continue
        if at[k] < low and green[k] > bottom + 0.3:
            n, total, flat = 0, 0.0, 0
            continue
        if at[k] > lit + 45:
            break
        t[n] = at[k]
        y[n], slope = _lai_of(green[k], lais)
        w[n] = 1.0 / ((NOISE**2 + (RELATIVE * green[k]) ** 2) * slope * slope)
        if at[k] <= low or green[k] < bottom + 0.15:
            total += y[n]
            flat += 1
        n += 1
    return n, total / max(flat, 1), height


@compiled
def _sums(y: NDArray, w: NDArray, n: int, bare: float, height: float) -> tuple[float, float, float, float, float]:
    """What the least squares of every curve share: sums over looks and priors, and the prior of the height."""
    weight, prior = 1.0 / BASE_SPREAD**2, 1.0 / (HEIGHT_SPREAD * height) ** 2
    sw, sy, syy = weight, weight * bare, weight * bare * bare + prior * height * height
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
