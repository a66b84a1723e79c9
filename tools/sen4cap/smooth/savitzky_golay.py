"""Savitzky-Golay on daily interpolated looks (after Chen et al. 2004, RSE 91, 332). Arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

SPIKE = 0.3
"""Savitzky-Golay: a look this share of the range off the line between its neighbours is an outlier."""


def savitzky_golay(
    looks: NDArray[np.int64],
    values: NDArray[np.float32],
    daily: NDArray[np.float32],
    /,
    *,
    window: int,
    degree: int,
    low: float,
    high: float,
) -> None:
    """Fill daily series: lines from look to look without outliers, then a local polynomial around every day.

    Parameters
    ----------
    looks : (look,)
        Day index of each look, ascending.
    values : (parcel, look)
        NaN where not seen.
    daily : (parcel, day)
        All NaN; written from each parcel's first look to its last one.
    window, degree
        Days (odd) and degree; the ends take the polynomial of the last full window, a series shorter than the window
        that of the longest odd window it holds.
    low, high
        Physical limits.
    """
    _linear(looks, values, SPIKE, daily)
    _local(daily, *_tables(window, degree), low, high)


@compiled
def _linear(looks: NDArray, values: NDArray, spike: float, daily: NDArray) -> None:
    """Lines from look to look, without the looks that stand off the line between their neighbours."""
    most = len(looks)
    t = np.zeros(most, np.int64)
    y = np.zeros(most)
    for p in range(len(values)):
        n = 0
        for k in range(most):
            if np.isfinite(values[p, k]):
                t[n] = looks[k]
                y[n] = values[p, k]
                n += 1
        if n == 0:
            continue
        reach = np.max(y[:n]) - np.min(y[:n])
        last = 0
        daily[p, t[0]] = y[0]
        for k in range(1, n):
            if k + 1 < n:
                share = (t[k] - t[last]) / (t[k + 1] - t[last])
                off = abs(y[k] - (y[last] + share * (y[k + 1] - y[last])))
                if off > spike * reach and abs(y[k + 1] - y[last]) < 0.5 * off:
                    continue
            h = t[k] - t[last]
            for i in range(1, h + 1):
                daily[p, t[last] + i] = y[last] + (y[k] - y[last]) * i / h
            last = k


def _tables(window: int, degree: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Projections onto polynomials for every odd window up to `window`, one under another, and where each begins.

    A series shorter than the window is fitted over the longest odd window it holds.
    """
    sizes = np.arange(1, window + 1, 2)
    begins = np.concatenate([[0], np.cumsum(sizes**2)])
    table = np.zeros(begins[-1])
    for size, begin in zip(sizes, begins[:-1], strict=True):
        x = np.linspace(-1, 1, size) if size > 1 else np.zeros(1)
        basis, _ = np.linalg.qr(np.vander(x, min(degree, int(size) - 1) + 1))
        table[begin : begin + size**2] = (basis @ basis.T).reshape(-1)
    return table, begins


@compiled
def _local(daily: NDArray, table: NDArray, begins: NDArray, low: float, high: float) -> None:
    """Local polynomials of the days that a series has, in place; the ends take the polynomial of the last window."""
    largest = len(begins) - 2
    series = np.zeros(daily.shape[1])
    for p in range(len(daily)):
        n, first = 0, -1
        for day in range(daily.shape[1]):
            if np.isfinite(daily[p, day]):
                if first < 0:
                    first = day
                series[n] = daily[p, day]
                n += 1
        if n == 0:
            continue
        order = min(largest, (n - 1) // 2)
        size = 2 * order + 1
        begin = begins[order]
        for i in range(n):
            left = min(max(i - order, 0), n - size)
            row = begin + (i - left) * size
            total = 0.0
            for k in range(size):
                total += table[row + k] * series[left + k]
            daily[p, first + i] = min(max(total, low), high)
