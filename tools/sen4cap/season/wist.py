"""WIST, within-season termination (Gao et al. 2020, Remote Sens. 12, 3524). Arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled


def fastest_decrease(
    at: NDArray[np.int64], values: NDArray[np.float32], top: NDArray[np.int32], after: NDArray[np.int32], /
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Midpoint of the two observed dates between which the index falls fastest in the senescent period.

    Parameters
    ----------
    at : (look,)
        Day index of each look.
    values : (parcel, look)
        Index as observed, NaN where not seen.
    top, after : (parcel,)
        First and last day of the senescent period, -1: none.

    Returns
    -------
    day, spread : (parcel,) float64
        NaN where nothing decreases; the spread is half the time between the two dates.
    """
    day, spread = np.full(len(values), np.nan), np.full(len(values), np.nan)
    _fastest(at, values, top, after, day, spread)
    return day, spread


@compiled
def _fastest(at: NDArray, values: NDArray, top: NDArray, after: NDArray, day: NDArray, spread: NDArray) -> None:
    for p in range(len(values)):
        if top[p] < 0 or after[p] < 0:
            continue
        last = -1
        fastest = 0.0
        for k in range(len(at)):
            if at[k] < top[p] or at[k] > after[p] or not np.isfinite(values[p, k]):
                continue
            if last >= 0:
                rate = (values[p, k] - values[p, last]) / (at[k] - at[last])
                if rate < fastest:
                    fastest = rate
                    day[p] = 0.5 * (at[k] + at[last])
                    spread[p] = 0.5 * (at[k] - at[last])
            last = k
