"""What the posteriors of both dates share: how likely a sum of squares is, and the median over days."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled, compiled_fast

MOST = 60
"""Sums of squares that are so much above the best weigh nothing."""
STEPS = 64
"""Steps of the table in a unit; it is interpolated to 1e-5 of each weight."""


@cache
def weights() -> NDArray[np.float64]:
    """exp(-x / 2) for x from 0 to `MOST`, and one further, in steps of 1 / `STEPS`."""
    return np.exp(-0.5 * np.arange(MOST * STEPS + 2) / STEPS)


@compiled
def weight_of(above: float, table: NDArray) -> float:
    """exp(-above / 2) from `weights`, 0 <= above <= `MOST`."""
    step = above * STEPS
    cell = int(step)
    return table[cell] + (step - cell) * (table[cell + 1] - table[cell])


@compiled
def median_of(mass: NDArray, count: int, first: int) -> tuple[float, float]:
    """Median of a posterior over consecutive days and half the distance of its 16th and 84th percentiles."""
    total = total_of(mass[:count])
    at, run = 0, 0.0
    low, middle, high = 0.0, 0.0, 0.0
    for mark in (0.1587, 0.5, 0.8413):
        while at < count - 1 and run + mass[at] < mark * total:
            run += mass[at]
            at += 1
        low, middle, high = middle, high, first + at - 0.5 + (mark * total - run) / mass[at]
    return middle, 0.5 * (high - low)


@compiled_fast
def total_of(mass: NDArray) -> float:
    """Sum of an array, in vector registers."""
    total = 0.0
    for i in range(len(mass)):
        total += mass[i]
    return total
