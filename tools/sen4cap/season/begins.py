"""Growth curves of all days of begin, laid out so that many are tried in one pass over a look."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .looks import lai_table
from .posterior import weights
from .templates import BEFORE, BEYOND, RISES, WARMTHS, templates

STEP, STRIDE = 3, 6
"""Days between the begins that are tried, an odd number, each of which stands for the days around it; and between those
that are tried first."""
PER_STRIDE = STRIDE // STEP
SHAPES = 2 * len(RISES)
"""Templates of `templates`: logistic ones at even places, Gompertz at odd ones."""
CASES = (1 + len(WARMTHS)) * SHAPES
"""Curves on all clocks."""


class Tables(NamedTuple):
    """What all parcels of a season share.

    Attributes
    ----------
    ticks : (clock, day) int64
        From `templates.clocks`.
    coarse : (look, day of begin x CASES) float32
        Share of its height that each curve has on each look, clock by clock, if it began on every `STRIDE`-th day. Days
        stand side by side, so that many are tried in one pass over a look.
    fine : (look, day of begin x CASES) float32
        The same for the days between.
    inverse : (template, RATIOS) int64
        From `templates.templates`.
    first_days : (clock, tick) int32
        First day on which a clock shows a tick, or more; past the last day where it never does.
    least : int
        The tick that column 0 of `first_days` stands for.
    weights : (step,) float64
        From `posterior.weights`.
    lais : (CELLS,) float64
        From `looks.lai_table`.
    """

    ticks: NDArray[np.int64]
    coarse: NDArray[np.float32]
    fine: NDArray[np.float32]
    inverse: NDArray[np.int64]
    first_days: NDArray[np.int32]
    least: int
    weights: NDArray[np.float64]
    lais: NDArray[np.float64]


@lru_cache(maxsize=4)
def _tables(at: bytes, ticks: bytes, count: int) -> Tables:
    """Tables for day indices of looks, and ticks of `count` clocks, both int64."""
    looks, clocks = np.frombuffer(at, np.int64), np.frombuffer(ticks, np.int64).reshape(count, -1)
    curves, inverse = templates()
    strides = -(-clocks.shape[1] // STRIDE)
    begins = np.minimum(np.arange(0, strides * STRIDE, STEP), clocks.shape[1] - 1)
    heights = np.empty((len(looks), len(begins), CASES), np.float32)
    for number, clock in enumerate(clocks):
        place = np.clip(clock[looks][:, None] - clock[begins], -BEFORE, BEYOND) + BEFORE
        heights[..., number * SHAPES : (number + 1) * SHAPES] = np.moveaxis(curves[:, place], 0, -1)
    by_stride = heights.reshape(len(looks), strides, PER_STRIDE, CASES)
    coarse, fine = (part.reshape(len(looks), -1) for part in (by_stride[:, :, 0], by_stride[:, :, 1:]))
    least = int(clocks.min() + inverse.min())
    every = np.arange(least, int(clocks.max() + inverse.max()) + 1)
    return Tables(
        ticks=clocks,
        coarse=np.ascontiguousarray(coarse),
        fine=np.ascontiguousarray(fine),
        inverse=inverse,
        first_days=np.stack([np.searchsorted(clock, every) for clock in clocks]).astype(np.int32),
        least=least,
        weights=weights(),
        lais=lai_table(),
    )


def tables_for(at: NDArray[np.int64], ticks: NDArray[np.int64]) -> Tables:
    """Tables for looks on these days, (look,), and clocks of these ticks, (clock, day)."""
    return _tables(np.asarray(at, np.int64).tobytes(), np.asarray(ticks, np.int64).tobytes(), len(ticks))


@compiled
def place_of(begin: int, strides: tuple) -> tuple[int, int]:
    """Which of the two tables holds the curves that begin on a day, and where."""
    stride, one = strides
    k, d = begin // PER_STRIDE - stride, begin % PER_STRIDE
    return (0, k * CASES) if d == 0 else (1, ((k - one) * (PER_STRIDE - 1) + d - 1) * CASES)
