"""Day of termination from the shape of the fall: a posterior over days from the looks around it.

Up to the operation on day tau the stand's greenness p wanders (a random walk that frost and spring growth drive; a
Kalman filter gives its likelihood and its level). After it

    u(t) = b + (p - b) D_s(t - tau) + g N(t - tau - lag)

with D_s one of `FALLS` (at once; exponential or with a slow beginning, as herbicide, frost and rolling leave it), b what
is left (bare soil, or stubble that a mower leaves) and g >= 0 the next crop's or the regrowth's slope from a free day
on. b and g follow from linear least squares with weak priors. The posterior of tau is summed over s and lag; its median
is the date, half the distance of its 16th and 84th percentiles the spread.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .growth import median_of

STEPS = (0.7,)
"""Days of a fall at once."""
EXPONENTIAL = (3.0, 7.0, 14.0)
"""Time constants of falls that begin fast, days."""
WEIBULL = (8.0, 15.0, 24.0)
"""Time constants of falls that begin slowly, exp(-(x / a)^2), days."""
LAGS = (4, 14, 28, 400)
"""Days from the operation to the next growth; the last stands for none."""
LONGEST = 120
"""Length of the tables, days."""
NOISE = 0.09
"""Standard deviation of a look's greenness over bare soil, LAI units."""
RELATIVE = 0.11
"""And as a share of the greenness itself."""
WANDER = 0.03
"""Standard deviation of a stand's change in the square root of a day, as a share of its greenness."""
LEFT_SPREAD = 0.3
"""Standard deviation of what is left around the lowest look after the fall, LAI units."""
SLOPE_SPREAD = 0.04
"""Scale of the growth after the fall, LAI units a day."""
AHEAD = 40
"""Looks up to so many days after the lowest one take part."""
ROOM = 420


@cache
def falls() -> NDArray[np.float64]:
    """Share of the stand that is left x days after the operation, (shape, LONGEST)."""
    x = np.arange(LONGEST, dtype=float)
    curves = [np.exp(-x / a) for a in (*STEPS, *EXPONENTIAL)]
    curves += [np.exp(-((x / a) ** 2)) for a in WEIBULL]
    return np.stack(curves)


def fall_days(
    at: NDArray[np.int64],
    green: NDArray[np.float32],
    top: NDArray[np.int32],
    after: NDArray[np.int32],
    base: NDArray[np.float32],
    /,
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

    Returns
    -------
    (parcel,), (parcel,) float64
        NaN where there is no fall.
    """
    day = np.full(len(green), np.nan)
    spread = np.full(len(green), np.nan)
    _fall(np.ascontiguousarray(at, np.int64), green, top, after, base, falls(), np.array(LAGS), day, spread)
    return day, spread


@compiled
def _fall(at, green, top, after, base, shapes, lags, day, spread):
    most = len(at)
    t = np.zeros(most, np.int64)
    y, level, sure, before = np.zeros(most), np.zeros(most), np.zeros(most), np.zeros(most)
    score = np.zeros((len(shapes) * len(lags), ROOM))
    mass = np.zeros(ROOM)
    for p in range(len(green)):
        if after[p] < 0 or top[p] < 0:
            continue
        n, bottom = _looks(at, green[p], top[p], after[p], t, y)
        _filter(t, y, n, level, sure, before)
        left = min(bottom, base[p] + 0.5 * (bottom - base[p]) + 0.1)
        first = t[0]
        steps = min(after[p] - first + 1, ROOM)
        best = np.inf
        for i in range(steps):
            tau = first + i
            k = 0
            while k + 1 < n and t[k + 1] <= tau:
                k += 1
            for s in range(len(shapes)):
                for g in range(len(lags)):
                    chi2 = before[k] + _after(t, y, n, k, tau, level[k], sure[k], shapes[s], lags[g], left)
                    score[s * len(lags) + g, i] = chi2
                    best = min(best, chi2)
        mass[:steps] = 0.0
        for j in range(len(score)):
            for i in range(steps):
                mass[i] += np.exp(-0.5 * (score[j, i] - best))
        day[p], spread[p] = median_of(mass, steps, first)


@compiled
def _looks(at, green, top, after, t, y):
    """Looks from the stand's last top to some time after the fall, and the lowest greenness after it."""
    n = 0
    bottom = 0.0
    for k in range(len(at)):
        if not np.isfinite(green[k]) or at[k] < top or at[k] > after + AHEAD:
            continue
        t[n] = at[k]
        y[n] = green[k]
        n += 1
        if at[k] == after:
            bottom = green[k]
    return n, bottom


@compiled
def _filter(t, y, n, level, sure, before):
    """Random-walk level up to each look: its mean, its variance, and -2 log likelihood of the looks so far."""
    level[0] = y[0]
    sure[0] = NOISE**2 + (RELATIVE * y[0]) ** 2
    before[0] = np.log(sure[0])
    for k in range(1, n):
        scale = max(level[k - 1], 0.3)
        noise = NOISE**2 + (RELATIVE * scale) ** 2
        spread = sure[k - 1] + (WANDER * scale) ** 2 * (t[k] - t[k - 1])
        total = spread + noise
        off = y[k] - level[k - 1]
        gain = spread / total
        level[k] = level[k - 1] + gain * off
        sure[k] = (1 - gain) * spread
        before[k] = before[k - 1] + off * off / total + np.log(total)


@compiled
def _after(t, y, n, k, tau, level, sure, shape, lag, left):
    """-2 log likelihood of the looks after tau, best over what is left and the slope of growth."""
    weight = 1.0 / LEFT_SPREAD**2
    sbb, sbg, sgg = weight, 0.0, 1.0 / SLOPE_SPREAD**2
    sby, sgy, syy = weight * left, 0.0, weight * left * left
    logs = 0.0
    scale = max(level, 0.3)
    extra = sure + (WANDER * scale) ** 2 * (tau - t[k])
    for i in range(k + 1, n):
        x = min(t[i] - tau, LONGEST - 1)
        stays = shape[x]
        expected = max(left + (level - left) * stays, 0.0)
        variance = NOISE**2 + (RELATIVE * max(expected, y[i])) ** 2 + stays * stays * extra
        w = 1.0 / variance
        fb = 1.0 - stays
        fg = max(x - lag, 0.0)
        rest = y[i] - level * stays
        sbb += w * fb * fb
        sbg += w * fb * fg
        sgg += w * fg * fg
        sby += w * fb * rest
        sgy += w * fg * rest
        syy += w * rest * rest
        logs += np.log(variance)
    g = (sgy - sbg * sby / sbb) / (sgg - sbg * sbg / sbb)
    if g < 0:
        g = 0.0
    b = (sby - sbg * g) / sbb
    if b < 0:
        b = 0.0
    chi2 = syy - 2 * (b * sby + g * sgy) + b * b * sbb + 2 * b * g * sbg + g * g * sgg
    return chi2 + logs
