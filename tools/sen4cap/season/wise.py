"""WISE, within-season emergence (Gao et al. 2020, RSE 242, 111752). Arrays in, arrays out.

On a smooth daily series v: EMA_n(t) = b v(t) + (1 - b) EMA_n(t - 1) with b = 2 / (n + 1), seeded with the mean of the
first n values; MACD = EMA_S - EMA_L; MACD_div = MACD - EMA_K(MACD). Green-up is where MACD_div crosses its threshold
upwards before the maximum.

WISE was made for bare ground in spring. Here a main crop is harvested before: the recovery of MACD from that fall would
pass for green-up, so the averages begin anew at the lowest look before the stand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

PUBLISHED = (5, 10, 5)
"""S, L and K as published."""
MOST_MACD = 0.1
LEAST_VALUE, MOST_VALUE = 0.01, 0.9
"""Published conditions at a green-up: MACD below 0.1, the index from 0.01 to 0.9."""
MOMENTUM_DAYS = 10
"""Later versions ask for momentum: MACD stays positive so long after a crossing."""
LEAD_DAYS = 10
"""The averages begin so many days before the lowest look."""
LEAST_AMPLITUDE = 0.1
"""And for amplitude: the index rises by so much from the crossing to the maximum."""


def macd_div(
    series: NDArray[np.floating], /, *, short: int, long: int, signal: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """MACD and MACD_div of daily series.

    Parameters
    ----------
    series : (parcel, day)
        NaN outside the observed span, none inside it.
    short, long, signal
        S, L and K, days.

    Returns
    -------
    (parcel, day), (parcel, day) float64
        NaN where the series is NaN.
    """
    macd = np.full(series.shape, np.nan)
    div = np.full(series.shape, np.nan)
    for p in range(len(series)):
        _macd(series[p], short, long, signal, macd[p], div[p])
    return macd, div


def green_up(
    lai: NDArray[np.float32],
    low: NDArray[np.int32],
    top: NDArray[np.int32],
    /,
    *,
    short: int,
    long: int,
    signal: int,
    threshold: float,
    rise: float,
) -> NDArray[np.float64]:
    """Modified WISE: the last crossing of `threshold` R between `low` and `top` before a rise of at least `rise` R.

    R is the 98th less the 2nd percentile of the series from `low` to `top`. The rise is measured on the series itself,
    because MACD_div crosses before MACD turns positive; it ends where the series falls by 0.1 R.

    Parameters
    ----------
    lai : (parcel, day)
    low, top : (parcel,)
        Day indices of the lowest look before the growth and of its highest; -1: no stand.
    short, long, signal, threshold, rise
        See `Settings`.

    Returns
    -------
    (parcel,) float64
        Day index; NaN where there is none.
    """
    day = np.full(len(lai), np.nan)
    _green_up(lai, low, top, short, long, signal, threshold, rise, day)
    return day


def green_up_published(
    index: NDArray[np.float32], low: NDArray[np.int32], top: NDArray[np.int32]
) -> NDArray[np.float64]:
    """WISE as published, on an index from 0 to 1 (FCOVER stands for NDVI): the first crossing of 0 with momentum."""
    day = np.full(len(index), np.nan)
    _published(index, low, top, day)
    return day


@compiled
def _ema(v: NDArray, n: int, out: NDArray) -> int:
    """EMA of v into out, from its first finite day; returns that day, or -1."""
    days = len(v)
    begin = 0
    while begin < days and not np.isfinite(v[begin]):
        begin += 1
    if begin == days:
        return -1
    total, count = 0.0, 0
    for i in range(begin, min(begin + n, days)):
        if not np.isfinite(v[i]):
            break
        total += v[i]
        count += 1
    last = total / count
    b = 2.0 / (n + 1)
    for i in range(begin, days):
        if not np.isfinite(v[i]):
            break
        last = b * v[i] + (1 - b) * last
        out[i] = last
    return begin


@compiled
def _macd(v: NDArray, short: int, long: int, signal: int, macd: NDArray, div: NDArray) -> None:
    slow = np.full(len(v), np.nan)
    _ema(v, short, macd)
    _ema(v, long, slow)
    for i in range(len(v)):
        macd[i] -= slow[i]
    _ema(macd, signal, div)
    for i in range(len(v)):
        div[i] = macd[i] - div[i]


@compiled
def _range(v: NDArray) -> float:
    ordered = np.sort(v[np.isfinite(v)])
    n = len(ordered)
    return ordered[int(0.98 * (n - 1) + 0.5)] - ordered[int(0.02 * (n - 1) + 0.5)] if n else 0.0


@compiled
def _green_up(
    lai: NDArray, low: NDArray, top: NDArray, short: int, long: int, signal: int, threshold: float, rise: float,
    day: NDArray,
) -> None:  # fmt: skip
    macd, div = np.zeros(lai.shape[1]), np.zeros(lai.shape[1])
    for p in range(len(lai)):
        if low[p] < 0:
            continue
        begin = max(low[p] - LEAD_DAYS, 0)
        v = lai[p, begin:]
        macd[:] = np.nan
        div[:] = np.nan
        _macd(v, short, long, signal, macd, div)
        reach = _range(v[: top[p] + 1 - begin])
        level = threshold * reach
        for i in range(top[p] - begin, 0, -1):
            if div[i] > level and not div[i - 1] > level and _rise(v, i, 0.1 * reach) >= rise * reach:
                day[p] = begin + i
                break


@compiled
def _rise(v: NDArray, begin: int, fall: float) -> float:
    """How far a series rises from a day on before it falls by `fall`."""
    highest = v[begin]
    for i in range(begin, len(v)):
        if not v[i] >= highest - fall:
            break
        highest = max(highest, v[i])
    return highest - v[begin]


@compiled
def _published(index: NDArray, low: NDArray, top: NDArray, day: NDArray) -> None:
    macd, div = np.zeros(index.shape[1]), np.zeros(index.shape[1])
    short, long, signal = PUBLISHED
    for p in range(len(index)):
        if low[p] < 0:
            continue
        begin = max(low[p] - LEAD_DAYS, 0)
        v = index[p, begin:]
        last = top[p] - begin
        macd[:] = np.nan
        div[:] = np.nan
        _macd(v, short, long, signal, macd, div)
        highest = np.max(v[: last + 1][np.isfinite(v[: last + 1])])
        for i in range(1, last):
            if not (div[i] > 0 and not div[i - 1] > 0):
                continue
            likely = macd[i] < MOST_MACD and LEAST_VALUE <= v[i] <= MOST_VALUE and highest - v[i] >= LEAST_AMPLITUDE
            if likely and _momentum(macd, div, i, last) >= MOMENTUM_DAYS:
                day[p] = begin + i
                break


@compiled
def _momentum(macd: NDArray, div: NDArray, begin: int, last: int) -> int:
    """Days that MACD stays positive; MACD_div leads, so they count from the day MACD itself turns positive."""
    turn = begin
    while turn < last and macd[turn] <= 0 and div[turn] > 0:
        turn += 1
    run = 0
    while turn + run < len(macd) and macd[turn + run] > 0:
        run += 1
    return run
