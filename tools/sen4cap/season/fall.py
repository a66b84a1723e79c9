"""Day of termination from the shape of the fall: a posterior over days from the looks around it.

Up to the operation on day tau the stand's greenness p wanders (a random walk that frost and spring growth drive; a
Kalman filter gives its likelihood and its level). After it

    u(t) = b + (p - b) D_s(t - tau)

with D_s one of `falls` (at once; exponential or with a slow beginning, as herbicide, frost and rolling leave it) and b
what is left (bare soil, or the stubble of a mower), by linear least squares with a weak prior. Looks count up to the
first two low ones, so that nothing need be assumed of the next crop. The posterior of tau is summed over s; in winter,
when nobody sprays, what dies slowly was killed by frost, and its day is that on which less than half is left. The
median is the date, half the distance of its 16th and 84th percentiles the spread.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled, compiled_fused
from .posterior import MOST, median_of, weight_of, weights

STEPS = (0.7,)
"""Days of a fall at once."""
EXPONENTIAL = (3.0, 7.0, 14.0)
"""Time constants of falls that begin fast, days."""
WEIBULL = ((8.0, 2.0), (15.0, 2.0), (24.0, 2.0), (18.0, 3.0), (26.0, 3.0))
"""Time constants, days, and powers of falls that begin slowly, exp(-(x / a)^power)."""
AT_ONCE = 0.4
"""Prior of a fall at once."""
SIGMOID = 0.8
"""Prior of a slow beginning among the other falls: sprayed stands are more than those that die fast at first."""
LONGEST = 120
"""Length of the tables, days."""
LEAST_NOISE, NOISE, UNSTEADY = 0.045, 0.09, 0.1
"""Standard deviation of a look's greenness over bare soil, LAI units: the parcel's own or a share of the stand's height
(dead leaves read unsteadily), held between the first two."""
RELATIVE = 0.11
"""And as a share of the greenness itself."""
WANDER = 0.03
"""Standard deviation of a stand's change in the square root of a day, as a share of its greenness."""
LEFT_SPREAD = 0.3
"""Standard deviation of what is left around the lowest look after the fall, LAI units."""
LOW_SHARE = 0.3
"""A look is low once no more than this share of the stand's height is left above the lowest look."""
LOW_MARGIN, LOW_NOISE = 0.25, 2.8
"""Or no more than this above the lowest look, LAI units, or than so many standard deviations of the parcel's looks."""
LOW_LOOKS = 2
"""So many low looks take part."""
HEAD_DAYS = 25
"""Looks up to so many days before the top take part: the highest look alone overstates the stand."""
THAW = 28
"""In the last days of winter, so many, the share of slow falls that are frost goes from all to none: fields are sprayed
once plants grow again."""
ROOM = 420
SHAPES = 16
"""Shapes of falls, and as many empty ones as let the compiler fill vector registers."""


@cache
def falls() -> NDArray[np.float64]:
    """Share of the stand that is left x days after the operation, (shape, LONGEST)."""
    x = np.arange(LONGEST, dtype=float)
    curves = [np.exp(-x / a) for a in (*STEPS, *EXPONENTIAL)]
    curves += [np.exp(-((x / a) ** power)) for a, power in WEIBULL]
    return np.stack(curves)


@cache
def _side_by_side() -> NDArray[np.float64]:
    """`falls` by the day, (LONGEST, SHAPES)."""
    table = np.zeros((LONGEST, SHAPES))
    table[:, : len(falls())] = falls().T
    return table


@cache
def _priors() -> NDArray[np.float64]:
    """-2 log prior of each shape against a fall at once, (shape,)."""
    others = -2 * np.log((1 - AT_ONCE) / AT_ONCE)
    fast = others - 2 * np.log((1 - SIGMOID) / len(EXPONENTIAL))
    slow = others - 2 * np.log(SIGMOID / len(WEIBULL))
    return np.array([0.0] * len(STEPS) + [fast] * len(EXPONENTIAL) + [slow] * len(WEIBULL))


@cache
def _half_gone() -> NDArray[np.int64]:
    """Days after which less than half of the stand is left, by shape; 0 for a fall at once, which no frost is."""
    half = np.argmax(falls() < 0.5, axis=1)
    half[: len(STEPS)] = 0
    return half


def fall_days(
    at: NDArray[np.int64],
    green: NDArray[np.float32],
    top: NDArray[np.int32],
    after: NDArray[np.int32],
    base: NDArray[np.float32],
    noise: NDArray[np.float32],
    /,
    *,
    cold: tuple[int, int],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Day of the operation that ends each stand, and its spread.

    Parameters
    ----------
    at : (look,)
        Day index of each look.
    green : (parcel, look)
        Cleaned greenness.
    top, after : (parcel,)
        Days of the stand's last highest look and of the lowest one after the fall; -1 in `after`: no fall.
    base : (parcel,)
        Greenness of bare soil.
    noise : (parcel,)
        Standard deviation of the parcel's low looks.
    cold
        First day of winter and of spring: what dies slowly between them was killed by frost.

    Returns
    -------
    (parcel,), (parcel,) float64
        NaN where there is no fall.
    """
    day = np.full(len(green), np.nan)
    spread = np.full(len(green), np.nan)
    tables = _side_by_side(), _priors(), _half_gone(), weights()
    _fall(np.ascontiguousarray(at, np.int64), green, top, after, base, noise, cold, tables, day, spread)
    return day, spread


def fall_posterior(
    at: NDArray[np.int64],
    green: NDArray[np.float32],
    top: int,
    after: int,
    base: float,
    noise: float,
    /,
    *,
    cold: tuple[int, int],
) -> tuple[NDArray[np.float64], int]:
    """Probability of each day to be that of one stand's end, and the first of these days.

    What `fall_days` takes the median of; parameters as there, of one parcel.
    """
    room = _room(len(at))
    at = np.ascontiguousarray(at, np.int64)
    tables = _side_by_side(), _priors(), _half_gone(), weights()
    steps, begin = _posterior(at, green, top, after, base, noise, cold, tables, room)
    mass = room[-1][:steps]
    return mass / mass.sum(), begin


@compiled
def _fall(
    at: NDArray, green: NDArray, top: NDArray, after: NDArray, base: NDArray, noises: NDArray, cold: tuple,
    tables: tuple, day: NDArray, spread: NDArray,
) -> None:  # fmt: skip
    room = _room(len(at))
    for p in range(len(green)):
        if after[p] < 0 or top[p] < 0:
            continue
        steps, begin = _posterior(at, green[p], top[p], after[p], base[p], noises[p], cold, tables, room)
        day[p], spread[p] = median_of(room[-1], steps, begin)


@compiled
def _room(looks: int) -> tuple[NDArray, ...]:
    """Arrays that serve one parcel after the other: of the looks, of the shapes, and the posterior."""
    t = np.zeros(looks, np.int64)
    y, level, sure, before = np.zeros(looks), np.zeros(looks), np.zeros(looks), np.zeros(looks)
    score, width = np.zeros((ROOM, SHAPES)), np.zeros((ROOM, SHAPES))
    return t, y, level, sure, before, np.zeros((4, SHAPES)), score, width, np.zeros(ROOM)


@compiled
def _posterior(
    at: NDArray, green: NDArray, top: int, after: int, base: float, own_noise: float, cold: tuple, tables: tuple,
    room: tuple,
) -> tuple[int, int]:  # fmt: skip
    """Write the posterior of one stand, not scaled, into the last array of the room; return its days and the first."""
    t, y, level, sure, before, sums, score, width, mass = room
    shapes, prior, half, table = tables
    n, bottom, begin, height = _looks(at, green, top, after, own_noise, t, y)
    noise = min(max(own_noise, LEAST_NOISE, UNSTEADY * height), NOISE)
    _filter(t, y, n, noise, level, sure, before)
    left = min(bottom, base + 0.5 * (bottom - base) + 0.1)
    steps = min(t[n - 1] - begin + 1, ROOM)
    best = np.inf
    k = 0
    for i in range(steps):
        tau = begin + i
        while k + 1 < n and t[k + 1] <= tau:
            k += 1
        extra = sure[k] + (WANDER * max(level[k], 0.3)) ** 2 * (tau - t[k])
        _after(t[k + 1 : n], y[k + 1 : n], tau, level[k], extra, noise, shapes, left, sums)
        for s in range(len(prior)):
            score[i, s] = before[k] + prior[s] + sums[2, s]
            width[i, s] = sums[3, s]
            best = min(best, score[i, s])
    mass[:steps] = 0.0
    for i in range(steps):
        frost = _frost(begin + i, cold)
        for s in range(len(prior)):
            if score[i, s] < best + MOST:
                likely = weight_of(score[i, s] - best, table) * width[i, s]
                mass[i] += (1.0 - frost) * likely
                mass[min(i + half[s], steps - 1)] += frost * likely
    return steps, begin


@compiled
def _frost(day: int, cold: tuple) -> float:
    """Share of the slow falls of a day that are frost: all in winter, none from its end on."""
    winter, spring = cold
    return min(max((spring - day) / THAW, 0.0), 1.0) if day >= winter else 0.0


@compiled
def _looks(
    at: NDArray, green: NDArray, top: int, after: int, noise: float, t: NDArray, y: NDArray
) -> tuple[int, float, int, float]:
    """Looks from somewhat before the last top to the first low ones: number, lowest, the top's day, its height."""
    highest, bottom = 0.0, 0.0
    for k in range(len(at)):
        if at[k] == top:
            highest = green[k]
        if at[k] == after:
            bottom = green[k]
    low = bottom + max(min(LOW_MARGIN, LOW_NOISE * max(noise, LEAST_NOISE)), LOW_SHARE * (highest - bottom))
    n, lows = 0, 0
    for k in range(len(at)):
        if not np.isfinite(green[k]) or at[k] < top - HEAD_DAYS or at[k] > after:
            continue
        if at[k] < top and green[k] < 0.6 * highest:
            n = 0
            continue
        t[n] = at[k]
        y[n] = green[k]
        n += 1
        if at[k] > top and green[k] <= low:
            lows += 1
            if lows == LOW_LOOKS:
                break
    return n, bottom, top, highest - bottom


@compiled
def _filter(t: NDArray, y: NDArray, n: int, least: float, level: NDArray, sure: NDArray, before: NDArray) -> None:
    """Random-walk level up to each look: its mean, its variance, and -2 log likelihood of the looks so far."""
    level[0] = y[0]
    sure[0] = least**2 + (RELATIVE * y[0]) ** 2
    before[0] = np.log(sure[0])
    for k in range(1, n):
        scale = max(level[k - 1], 0.3)
        noise = least**2 + (RELATIVE * scale) ** 2
        spread = sure[k - 1] + (WANDER * scale) ** 2 * (t[k] - t[k - 1])
        total = spread + noise
        off = y[k] - level[k - 1]
        gain = spread / total
        level[k] = level[k - 1] + gain * off
        sure[k] = (1 - gain) * spread
        before[k] = before[k - 1] + off * off / total + np.log(total)


@compiled_fused
def _after(
    t: NDArray,
    y: NDArray,
    tau: int,
    level: float,
    extra: float,
    least: float,
    shapes: NDArray,
    left: float,
    sums: NDArray,
) -> None:
    """Likelihood of the looks after tau, best over what is left, in two parts: exp(-sums[2] / 2) sums[3].

    The shapes lie side by side, so that they fill vector registers.
    """
    weight = 1.0 / LEFT_SPREAD**2
    for s in range(SHAPES):
        sums[0, s] = weight
        sums[1, s] = weight * left
        sums[2, s] = weight * left * left
        sums[3, s] = 1.0
    for i in range(len(t)):
        stays = shapes[min(t[i] - tau, LONGEST - 1)]
        for s in range(SHAPES):
            expected = max(left + (level - left) * stays[s], 0.0)
            noise = RELATIVE * max(expected, y[i])
            variance = least**2 + noise * noise + stays[s] * stays[s] * extra
            w = 1.0 / variance
            fb = 1.0 - stays[s]
            rest = y[i] - level * stays[s]
            sums[0, s] += w * fb * fb
            sums[1, s] += w * fb * rest
            sums[2, s] += w * rest * rest
            sums[3, s] *= variance
    for s in range(SHAPES):
        b = max(sums[1, s] / sums[0, s], 0.0)
        sums[2, s] += b * b * sums[0, s] - 2.0 * b * sums[1, s]
        sums[3, s] = 1.0 / np.sqrt(sums[3, s])
