"""Growth curves of all days of begin, laid out so that many are tried in one pass over a look."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .looks import lai_table
from .posterior import weights
from .templates import BEFORE, BEYOND, RISES, WARMTHS, templates

STEP = 5
"""Days between the begins that are tried, an odd number: each stands for the days around it."""
STEP_VARIANCE = (STEP**2 - 1) / 12
"""What that adds to the variance of a posterior, days squared."""
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
    heights : (look, begin x CASES) float32
        Share of its height that each curve has on each look, clock by clock, if it began on every `STEP`-th day. Begins
        stand side by side, so that many are tried in one pass over a look.
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
    heights: NDArray[np.float32]
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
    begins = np.arange(0, clocks.shape[1], STEP)
    heights = np.empty((len(looks), len(begins), CASES), np.float32)
    for number, clock in enumerate(clocks):
        place = np.clip(clock[looks][:, None] - clock[begins], -BEFORE, BEYOND) + BEFORE
        heights[..., number * SHAPES : (number + 1) * SHAPES] = np.moveaxis(curves[:, place], 0, -1)
    least = int(clocks.min() + inverse.min())
    every = np.arange(least, int(clocks.max() + inverse.max()) + 1)
    return Tables(
        ticks=clocks,
        heights=heights.reshape(len(looks), -1),
        inverse=inverse,
        first_days=np.stack([np.searchsorted(clock, every) for clock in clocks]).astype(np.int32),
        least=least,
        weights=weights(),
        lais=lai_table(),
    )


def tables_for(at: NDArray[np.int64], ticks: NDArray[np.int64]) -> Tables:
    """Tables for looks on these days, (look,), and clocks of these ticks, (clock, day)."""
    return _tables(np.asarray(at, np.int64).tobytes(), np.asarray(ticks, np.int64).tobytes(), len(ticks))
