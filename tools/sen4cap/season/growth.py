"""Day of emergence from the shape of growth: a posterior over days from the looks around the green-up.

LAI of a young stand is b + A T_s(c(t) - c(t0)), T_s one of the `templates` (logistic and Gompertz, quick to slow), c a
clock: the calendar, or warmth above a base temperature, or warmth and daylight, in an average year of temperate Europe,
so that a stand may pause in the cold and grow on in spring. Only looks at young growth take part. b is bare soil, A the
height it grows to. For each clock, s and t0 the best b and A follow from linear least squares with weak priors (b near
the parcel's lowest looks, A near the height seen); emergence is the day on which A T_s is LAI 0.1. Summed over all of
them, exp(-chi2 / 2) gives the posterior of the day; its median is the date, half the distance of its 16th and 84th
percentiles the spread. No look needs to hit the event: the curve carries what the looks around it say.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled, compiled_fast, compiled_finite
from .begins import CASES, SHAPES, STEP, STEP_VARIANCE, Tables, tables_for
from .looks import MOST_BARE, UNWATCHED, lai_of
from .posterior import median_of, total_of, weight_of
from .templates import RATIOS

EMERGED = 0.1
"""LAI of a stand that has emerged."""
LOW_BAND = 0.08
"""Bare soil is the mean of looks up to this above the parcel's 5th percentile, at most `looks.MOST_BARE`."""
REMAINS = 0.3
"""Looks up to the lowest one that read so much more than bare soil show what a main crop left."""
YOUNG, YOUNG_LOOK = 0.13, 0.1
"""A stand is up on the first look that reads so much more than bare soil, in the mean with the next two and alone."""
YOUNG_DAYS, YOUNG_LOOKS = 40, 4
"""Only looks up to so many days after it, at least so many, take part: what a winter or a spring makes of a stand tells
nothing of its emergence."""
SURE = 0.3
"""It has emerged for sure by the first look from then on that reads so much more than bare soil."""
GOMPERTZ_PRIOR = 0.1
"""Weight of a Gompertz curve against a logistic one: young stands grow by a constant rate first. It only matters where
the looks cannot tell the two apart."""
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
UNLIKELY = 18.0
"""Begins whose chi2 is so much above the best add nothing."""
LEAST_HEIGHT = 0.3
"""A, LAI units, is at least so much where the day is read off a curve."""
AT_ONCE = 4
"""Looks taken together on the way over the curves."""
ROOM = 320
"""Most days between the earliest and the latest day tried."""


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
        From `templates.clocks`.
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
    whole = np.array([[0], [ticks.shape[1] - 1]], np.int32)
    within = np.broadcast_to(whole, (2, len(green))) if allowed is None else allowed
    _growth(np.ascontiguousarray(at, np.int64), green, low, top, base, within, tables_for(at, ticks), day, spread)
    return day, spread


def growth_posterior(
    at: NDArray[np.int64], green: NDArray[np.float32], low: int, top: int, base: float, /, *, ticks: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Probability of each day to be that of one parcel's emergence, (day,): what `growth_days` takes the median of.

    Parameters as there, of one parcel: `green` (look,), and the days and the bare soil that belong to it.
    """
    mass = np.zeros(ticks.shape[1])
    at = np.ascontiguousarray(at, np.int64)
    floor = _posterior(at, green, low, top, base, tables_for(at, ticks), _room(len(at)), mass)
    mass[:floor] = 0.0
    return mass / mass.sum()


@compiled
def _growth(
    at: NDArray, green: NDArray, low: NDArray, top: NDArray, base: NDArray, allowed: NDArray, tables: Tables,
    day: NDArray, spread: NDArray,
) -> None:  # fmt: skip
    room = _room(len(at))
    mass = np.zeros(tables.ticks.shape[1])
    for p in range(len(green)):
        if low[p] < 0 or top[p] < 0:
            continue
        floor = _posterior(at, green[p], low[p], top[p], base[p], tables, room, mass)
        first, past = max(allowed[0, p], floor), min(allowed[1, p] + 1, len(mass))
        total = total_of(mass)
        if past > first and total_of(mass[first:past]) > ADMITTED * total:
            day[p], wide = median_of(mass[first:past], past - first, first)
        elif total > 0:
            day[p], wide = median_of(mass, len(mass), 0)
        else:
            continue
        spread[p] = np.sqrt(max(wide * wide - STEP_VARIANCE, 0.0))


@compiled
def _room(looks: int) -> tuple[NDArray, ...]:
    """Arrays that serve one parcel after the other: of the looks, of sums and of the curves."""
    which, t = np.zeros(looks + AT_ONCE, np.int64), np.zeros(looks, np.int64)
    y, w = np.zeros(looks), np.zeros(looks)
    weight, pull = np.zeros(looks + AT_ONCE, np.float32), np.zeros(looks + AT_ONCE, np.float32)
    most = (ROOM // STEP + 1) * CASES
    sums, score, height = np.zeros((3, most), np.float32), np.zeros(most, np.float32), np.zeros(most, np.float32)
    return which, t, y, w, weight, pull, sums, score, height, np.zeros(CASES + 1, np.int64)


@compiled
def _posterior(
    at: NDArray, green: NDArray, low: int, top: int, base: float, tables: Tables, room: tuple, mass: NDArray
) -> int:
    """Write the posterior of one parcel, not scaled; return the day before which the stand has not emerged."""
    which, t, y, w, weight, pull, sums, score, height, likely = room
    n, tall, sure, floor = _window(at, green, low, top, base, tables.lais, which, t, y, w)
    # A first look at the stand itself, after weeks without any, says that it began before.
    up = t[0] == low and y[0] > EMERGED
    begin = max(low - REACH_BACK if up else min(t[0] - 10, low), low - REACH_BACK, 0)
    past = -(-min(sure + 11, begin + ROOM, tables.ticks.shape[1]) // STEP)
    first = min(-(-begin // STEP), past - 1)
    shared = _shared(y, w, n, tall, which, weight, pull)
    _chi2(tables.heights, first * CASES, (past - first) * CASES, which, weight, pull, n, shared, sums, score, height)
    mass[:] = 0.0
    _weigh(score, height, first, past, sure, tables, likely, mass)
    return floor


@compiled
def _shared(
    y: NDArray, w: NDArray, n: int, tall: float, which: NDArray, weight: NDArray, pull: NDArray
) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """What the least squares of every curve share: s_yy, 1 / sum w, the height's prior and its pull (see `_chi2`).

    Writes the looks' weights and pulls w (y - m) in single precision, and empty looks that fill up the last `AT_ONCE`.
    """
    prior, sw, sy = 1.0 / (HEIGHT_SPREAD * tall) ** 2, 1.0 / BASE_SPREAD**2, 0.0
    for j in range(n):
        sw += w[j]
        sy += w[j] * y[j]
    mean = sy / sw
    syy = prior * tall * tall + mean * mean / BASE_SPREAD**2
    for j in range(n):
        syy += w[j] * (y[j] - mean) ** 2
        weight[j] = w[j]
        pull[j] = w[j] * (y[j] - mean)
    for j in range(n, n + AT_ONCE):
        which[j], weight[j], pull[j] = which[n - 1], 0.0, 0.0
    return np.float32(syy), np.float32(1.0 / sw), np.float32(prior), np.float32(prior * tall)


@compiled_fast
def _chi2(
    heights: NDArray, first: int, count: int, which: NDArray, weight: NDArray, pull: NDArray, n: int, shared: tuple,
    sums: NDArray, score: NDArray, height: NDArray,
) -> None:  # fmt: skip
    """Least chi2 of b + A T over b and A with their priors, and that A, of some consecutive curves of a table.

    b is eliminated by taking the weighted mean m of y away beforehand. With sums over looks and priors,

        A = s_ty / s_tt,   s_ty = sum w T (y - m),   s_tt = sum w T^2 - (sum w T)^2 / sum w,   chi2 = s_yy - A s_ty

    and no large sums cancel, so that single precision does. Curves lie side by side in vector registers.
    """
    syy, share, prior, pulled = shared
    ws, tt, ty = sums[0, :count], sums[1, :count], sums[2, :count]
    ws[:] = 0.0
    tt[:] = prior
    ty[:] = pulled
    past = first + count
    for j in range(0, n, AT_ONCE):
        t0, t1 = heights[which[j]][first:past], heights[which[j + 1]][first:past]
        t2, t3 = heights[which[j + 2]][first:past], heights[which[j + 3]][first:past]
        w0, w1, w2, w3 = weight[j], weight[j + 1], weight[j + 2], weight[j + 3]
        p0, p1, p2, p3 = pull[j], pull[j + 1], pull[j + 2], pull[j + 3]
        for i in range(count):
            u0, u1, u2, u3 = w0 * t0[i], w1 * t1[i], w2 * t2[i], w3 * t3[i]
            ws[i] += u0 + u1 + u2 + u3
            tt[i] += u0 * t0[i] + u1 * t1[i] + u2 * t2[i] + u3 * t3[i]
            ty[i] += p0 * t0[i] + p1 * t1[i] + p2 * t2[i] + p3 * t3[i]
    for i in range(count):
        a = ty[i] / (tt[i] - ws[i] * ws[i] * share)
        height[i] = a
        score[i] = syy - a * ty[i]


@compiled_finite
def _least(score: NDArray) -> float:
    least = score[0]
    for i in range(1, len(score)):
        least = min(least, score[i])
    return least


@compiled
def _weigh(
    score: NDArray, height: NDArray, first: int, past: int, sure: int, tables: Tables, likely: NDArray, mass: NDArray
) -> None:
    """Add the curves of the begins from `first` on to the posterior, each on the day on which it passes LAI 0.1."""
    ticks, inverse, first_days, table = tables.ticks, tables.inverse, tables.first_days, tables.weights
    least = tables.least
    best = _least(score[: (past - first) * CASES])
    for begin in range(first, past):
        curve = (begin - first) * CASES
        count = 0
        for c in range(CASES):  # without a branch, which no processor could foretell
            likely[count] = c
            count += score[curve + c] <= best + UNLIKELY
        for i in range(count):
            c = likely[i]
            clock, s = c // SHAPES, c % SHAPES
            share = EMERGED / max(height[curve + c], LEAST_HEIGHT)
            tick = ticks[clock, begin * STEP] + inverse[s, min(int(share * 2 * RATIOS), RATIOS - 1)]
            day = first_days[clock, tick - least]
            weight = weight_of(score[curve + c] - best, table) * (GOMPERTZ_PRIOR if s % 2 else 1.0)
            for near in range(max(day - STEP // 2, 0), min(day + STEP // 2, sure) + 1):
                mass[near] += weight


@compiled
def _window(
    at: NDArray, green: NDArray, low: int, top: int, base: float, lais: NDArray,
    which: NDArray, t: NDArray, y: NDArray, w: NDArray,
) -> tuple[int, float, int, int]:  # fmt: skip
    """Which looks tell of the green-up, their days, LAI above bare soil and weights.

    Returns their number, the height seen, the day on which the stand has emerged for sure, and the one before which it
    has not: what reads more than bare soil before was another crop.
    """
    bare = _bare(green, base)
    floor = 0
    n = 0
    before = low - REACH_BACK
    for k in range(len(at)):
        if not np.isfinite(green[k]) or at[k] < low - REACH_BACK or at[k] > top:
            continue
        # A main crop's remains are no part of it: start again after each look up to the lowest that is not low.
        if at[k] <= low and green[k] > bare + REMAINS and (at[k] < low or at[k] - before < UNWATCHED):
            n = 0
            floor = at[k]
            before = at[k]
            continue
        before = at[k]
        which[n] = k
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
