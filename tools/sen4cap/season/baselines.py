"""Plain detectors that every other one has to beat, and the looks around a day. Arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled


def last_below(
    series: NDArray[np.float32], low: NDArray[np.int32], top: NDArray[np.int32], /, *, share: float
) -> NDArray[np.float64]:
    """Day before `top` from which the series stays above its lowest value plus `share` of the amplitude.

    Parameters
    ----------
    series : (parcel, day)
    low, top : (parcel,)
        Day indices; -1: no stand. The lowest value is taken between them.

    Returns
    -------
    (parcel,) float64
    """
    day = np.full(len(series), np.nan)
    _last_below(series, low, top, share, day)
    return day


def steepest_fall(
    series: NDArray[np.float32], top: NDArray[np.int32], after: NDArray[np.int32], /
) -> NDArray[np.float64]:
    """Middle of the day on which the smooth series falls most between `top` and `after`."""
    day = np.full(len(series), np.nan)
    _steepest_fall(series, top, after, day)
    return day


@compiled
def _last_below(series: NDArray, low: NDArray, top: NDArray, share: float, day: NDArray) -> None:
    for p in range(len(series)):
        if low[p] < 0:
            continue
        least, most = np.inf, -np.inf
        for i in range(low[p], top[p] + 1):
            least, most = min(least, series[p, i]), max(most, series[p, i])
        level = least + share * (most - least)
        for i in range(top[p], low[p] - 1, -1):
            if series[p, i] <= level:
                day[p] = i + 1
                break


@compiled
def _steepest_fall(series: NDArray, top: NDArray, after: NDArray, day: NDArray) -> None:
    for p in range(len(series)):
        if top[p] < 0 or after[p] < 0:
            continue
        steepest = 0.0
        for i in range(top[p], after[p]):
            step = series[p, i + 1] - series[p, i]
            if step < steepest:
                steepest = step
                day[p] = i + 0.5


@compiled
def bracket(at: NDArray, green: NDArray, day: NDArray, around: NDArray) -> None:
    """Write the last look before and the first after each day into `around`, (2, parcel)."""
    for p in range(len(day)):
        if np.isnan(day[p]):
            continue
        for k in range(len(at)):
            if np.isfinite(green[p, k]):
                if at[k] <= day[p]:
                    around[0, p] = at[k]
                else:
                    around[1, p] = at[k]
                    break
