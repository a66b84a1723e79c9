"""Day of emergence from the shape of growth: a posterior over days from the looks around the green-up.

Greenness of a young stand is b + A T_s((t - t0)), T_s one of `TEMPLATES` growth curves (logistic and Gompertz, from
quick to slow), b bare soil, A the height it grows to. For each (s, t0) the best b and A follow from linear least
squares with weak priors (b near the bare looks, A near the stand's top); emergence is the day on which A T_s is worth
LAI 0.1. Summed over s, exp(-chi2 / 2) gives the posterior of the day; its median is the date, half the distance of its
16th and 84th percentiles the spread. No look needs to hit the event: the curve carries what the looks around it say.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

EMERGED = 0.145
"""Joint greenness of LAI 0.1: (0.1 + 3.5 (1 - exp(-0.55 * 0.1))) / 2."""
RISES = (18.0, 27.0, 38.0, 52.0, 70.0, 95.0)
"""Days in which the templates grow from 10 to 90 % of their height."""
BEFORE, BEYOND = 150, 200
"""Days that templates reach back and forth of the day on which they stand at `ORIGIN`."""
ORIGIN = 0.04
"""Height of a template on its day 0."""
RATIOS = 200
"""Steps of the table from height share to day."""

NOISE = 0.09
"""Standard deviation of a look's greenness over bare soil, LAI units."""
RELATIVE = 0.13
"""And as a share of the greenness itself; the template's misfit is part of it."""
BASE_SPREAD = 0.12
"""Standard deviation of bare soil's greenness around the lowest looks."""
HEIGHT_SPREAD = 0.5
"""Standard deviation of A around the height seen, as a share of it."""
REACH_BACK = 50
"""Looks up to so many days before the lowest one take part, where they are low too."""
ROOM = 320
"""Most days between the earliest and the latest day tried."""


@cache
def templates() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Growth curves and their inverses.

    Returns
    -------
    (template, BEFORE + BEYOND + 1) float64
        Share of the height on each day; column BEFORE is day 0.
    (template, RATIOS) float64
        Day on which the share is (i + 0.5) / (2 RATIOS).
    """
    x = np.arange(-BEFORE, BEYOND + 1, dtype=float)
    curves = []
    for rise in RISES:
        k = 2 * np.log(9) / rise
        curves.append(1 / (1 + (1 / ORIGIN - 1) * np.exp(-k * x)))
        k = (np.log(-np.log(0.1)) - np.log(-np.log(0.9))) / rise
        curves.append(np.exp(np.log(ORIGIN) * np.exp(-k * x)))
    table = np.stack(curves)
    shares = (np.arange(RATIOS) + 0.5) / (2 * RATIOS)
    inverse = np.stack([np.interp(shares, curve, x) for curve in curves])
    return table, inverse


def growth_days(
    at: NDArray[np.int64],
    green: NDArray[np.float32],
    low: NDArray[np.int32],
    lit: NDArray[np.int32],
    top: NDArray[np.int32],
    /,
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

    Returns
    -------
    (parcel,), (parcel,) float64
        NaN where there is no growth.
    """
    day = np.full(len(green), np.nan)
    spread = np.full(len(green), np.nan)
    _growth(np.ascontiguousarray(at, np.int64), green, low, lit, top, *templates(), day, spread)
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
    at: NDArray,
    green: NDArray,
    low: NDArray,
    lit: NDArray,
    top: NDArray,
    table: NDArray,
    inverse: NDArray,
    day: NDArray,
    spread: NDArray,
) -> None:
    most = len(at)
    t = np.zeros(most, np.int64)
    y, w = np.zeros(most), np.zeros(most)
    score = np.zeros((len(table), ROOM))
    when = np.zeros((len(table), ROOM))
    mass = np.zeros(2 * ROOM)
    for p in range(len(green)):
        if low[p] < 0 or top[p] < 0:
            continue
        n, bare, weight, height = _window(at, green[p], low[p], lit[p], top[p], t, y, w)
        earliest = max(t[0] - 10, low[p] - REACH_BACK)
        latest = lit[p] + 10
        steps = min(latest - earliest + 1, ROOM)
        best = np.inf
        for s in range(len(table)):
            for i in range(steps):
                score[s, i], amplitude = _chi2(t, y, w, n, table[s], earliest + i, bare, weight, height)
                share = EMERGED / max(amplitude, 0.3)
                cell = min(int(share * 2 * RATIOS), RATIOS - 1)
                when[s, i] = earliest + i + inverse[s, cell]
                best = min(best, score[s, i])
        first = earliest - 60
        mass[:] = 0.0
        for s in range(len(table)):
            for i in range(steps):
                slot = int(np.round(when[s, i])) - first
                if 0 <= slot < 2 * ROOM and when[s, i] <= lit[p]:
                    mass[slot] += np.exp(-0.5 * (score[s, i] - best))
        if mass.sum() > 0:
            day[p], spread[p] = median_of(mass, 2 * ROOM, first)


@compiled
def _window(
    at: NDArray, green: NDArray, low: int, lit: int, top: int, t: NDArray, y: NDArray, w: NDArray
) -> tuple[int, float, float, float]:
    """Looks that tell of the green-up, their weights, and the priors of bare soil and height."""
    bottom, highest = np.inf, -np.inf
    for k in range(len(at)):
        if np.isfinite(green[k]):
            if at[k] == low:
                bottom = green[k]
            if at[k] == top:
                highest = green[k]
    height = max(highest - bottom, 0.3)
    n, total, flat = 0, 0.0, 0
    # A main crop's remains before the lowest look are no part of it: start again after each look that is not low.
    for k in range(len(at)):
        if not np.isfinite(green[k]) or at[k] < low - REACH_BACK or at[k] > top:
            continue
        if at[k] < low and green[k] > bottom + 0.3:
            n, total, flat = 0, 0.0, 0
            continue
        if at[k] > lit + 45 and at[k] > lit:
            break
        t[n] = at[k]
        y[n] = green[k]
        w[n] = 1.0 / (NOISE**2 + (RELATIVE * green[k]) ** 2)
        n += 1
        if at[k] <= low or green[k] < bottom + 0.15:
            total += green[k]
            flat += 1
    bare = total / max(flat, 1)
    return n, bare, 1.0 / BASE_SPREAD**2, height


@compiled
def _chi2(
    t: NDArray, y: NDArray, w: NDArray, n: int, curve: NDArray, origin: int, bare: float, weight: float, height: float
) -> tuple[float, float]:
    """Least chi2 of b + A T over b and A with their priors, and that A."""
    sw, st, stt, sy, sty, syy = weight, 0.0, 0.0, weight * bare, 0.0, weight * bare * bare
    for i in range(n):
        x = min(max(t[i] - origin, -BEFORE), BEYOND)
        share = curve[x + BEFORE]
        sw += w[i]
        st += w[i] * share
        stt += w[i] * share * share
        sy += w[i] * y[i]
        sty += w[i] * share * y[i]
        syy += w[i] * y[i] * y[i]
    prior = 1.0 / (HEIGHT_SPREAD * height) ** 2
    stt += prior
    sty += prior * height
    syy += prior * height * height
    a = (sty - st * sy / sw) / (stt - st * st / sw)
    b = (sy - st * a) / sw
    return syy - a * sty - b * sy, a
