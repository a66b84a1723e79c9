"""Curves by which stands grow, and the clocks they grow by: the calendar, warmth, or warmth and daylight."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

RISES = (18.0, 27.0, 38.0, 52.0, 70.0, 95.0)
"""Days in which the templates grow from 10 to 90 % of their height."""
TICKS = 2
"""Ticks of a clock in a day."""
BEFORE, BEYOND = 300, 400
"""Ticks that templates reach back and forth of the one on which they stand at `ORIGIN`."""
ORIGIN = 0.04
"""Height of a template on its day 0."""
RATIOS = 200
"""Steps of the table from height share to tick."""
MEAN_C, SWING_C, COLDEST = 10.5, 7.6, 20
"""Average year of the warmth clock: mean temperature, half its range, and the day of the year that is coldest."""
WARMTHS = ((2.0, 0.8, 0), (2.0, 0.8, 1))
"""Base temperature of each warmth clock, and the warmth that counts at least (thaws), degree C; and whether daylight
limits it, too."""
LATITUDE = 50.0
"""Of the daylight: the sun's daily radiation at the top of the air, counted up to that of the equinox."""
USUAL_C = 11.0
"""Temperature at which a warmth clock runs like the calendar, degree C."""


@cache
def templates() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Growth curves and their inverses.

    Returns
    -------
    (template, BEFORE + BEYOND + 1) float64
        Share of the height on each tick; column BEFORE is tick 0.
    (template, RATIOS) int64
        Tick on which the share is (i + 0.5) / (2 RATIOS).
    """
    x = np.arange(-BEFORE, BEYOND + 1) / TICKS
    curves = []
    for rise in RISES:
        k = 2 * np.log(9) / rise
        curves.append(1 / (1 + (1 / ORIGIN - 1) * np.exp(-k * x)))
        k = (np.log(-np.log(0.1)) - np.log(-np.log(0.9))) / rise
        curves.append(np.exp(np.log(ORIGIN) * np.exp(-k * x)))
    table = np.stack(curves)
    shares = (np.arange(RATIOS) + 0.5) / (2 * RATIOS)
    inverse = np.stack([np.interp(shares, curve, x) for curve in curves])
    return table, np.round(inverse * TICKS).astype(np.int64)


def clocks(start: np.datetime64, days: int) -> NDArray[np.int64]:
    """Ticks of the calendar and of each warmth clock on each day, (clock, day), rising."""
    dates = start.astype("datetime64[D]") + np.arange(days)
    of_year = (dates - dates.astype("datetime64[Y]")).astype(float) + 1
    mean = MEAN_C - SWING_C * np.cos(2 * np.pi * (of_year - COLDEST) / 365.25)
    light = _daylight(of_year)
    warmths = [
        np.cumsum(np.maximum(mean - base, least) * light**lit / (USUAL_C - base)) for base, least, lit in WARMTHS
    ]
    return np.round(TICKS * np.stack([np.arange(days), *warmths])).astype(np.int64)


def _daylight(of_year: NDArray[np.float64]) -> NDArray[np.float64]:
    """Radiation of each day at the top of the air as a share of the equinox's, at most 1."""
    declination = np.radians(23.44) * np.sin(2 * np.pi * (of_year - 81) / 365.25)
    latitude = np.radians(LATITUDE)
    half = np.arccos(-np.tan(latitude) * np.tan(declination))
    sun = half * np.tan(latitude) * np.sin(declination) + np.cos(declination) * np.sin(half)
    return np.minimum(1, sun)
