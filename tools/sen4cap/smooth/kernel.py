"""Irregular looks to smooth daily series, by the method that is asked for. Arrays in, arrays out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .savitzky_golay import savitzky_golay
from .whittaker import whittaker

METHODS = ("whittaker", "savitzky-golay")
ROBUST = ("none", "bisquare", "envelope")
BOUNDS = {
    "LAI": (0.0, np.inf),
    "FCOVER": (0.0, 1.0),
    "FAPAR": (0.0, 1.0),
    "NDVI": (-1.0, 1.0),
    "NBR2": (-1.0, 1.0),
    "NDWI": (-1.0, 1.0),
    "BRIGHTNESS": (0.0, np.inf),
    "RATIO": (-np.inf, np.inf),
}
"""Physical limits by variable; a smooth curve may overshoot them and is cut there."""


@dataclass(frozen=True)
class Smoothing:
    """How looks become a daily series.

    Attributes
    ----------
    method : str
        One of `METHODS`.
    roughness : float
        Whittaker's lambda on the daily grid.
    robust : str
        One of `ROBUST`: what lowers the weight of looks off the curve; ``envelope`` only of those below it.
    passes : int
        Whittaker fits in all; each after the first uses weights from the residuals of the one before.
    window, degree : int
        Savitzky-Golay: days (odd) and degree of the polynomial.
    """

    method: str
    roughness: float
    robust: str
    passes: int
    window: int
    degree: int

    def to_text(self) -> str:
        """As kept in a series file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Smoothing:
        """Read back what `to_text` wrote."""
        return cls(**json.loads(text))


def smooth_daily(
    looks: NDArray[np.integer],
    values: NDArray[np.float32],
    pixels: NDArray[np.float32],
    /,
    *,
    days: int,
    smoothing: Smoothing,
    low: float,
    high: float,
) -> NDArray[np.float32]:
    """Daily values of a block of series.

    Parameters
    ----------
    looks : (look,)
        Day index of each look, ascending, from 0 to days - 1.
    values, pixels : (parcel, look)
        Observations (NaN where not seen) and their clear pixels; a look's weight is its share of the parcel's most
        pixels, full from `whittaker.FULL_SHARE` on.
    days
        Number of days.
    low, high
        Physical limits (`BOUNDS`).

    Returns
    -------
    (parcel, day) float32
        NaN before a series' first look and after its last one, and everywhere where it has none.
    """
    daily = np.empty((len(values), days), np.float32)
    at = np.ascontiguousarray(looks, np.int64)
    values = np.ascontiguousarray(values, np.float32)
    if not values.size:
        daily[:] = np.nan
    elif smoothing.method == "whittaker":
        pixels = np.ascontiguousarray(pixels, np.float32)
        passes = 1 if smoothing.robust == "none" else smoothing.passes
        envelope = smoothing.robust == "envelope"
        whittaker(at, values, pixels, smoothing.roughness, passes, envelope, low, high, daily)
    else:
        daily[:] = np.nan
        savitzky_golay(at, values, daily, window=smoothing.window, degree=smoothing.degree, low=low, high=high)
    return daily


def nearest_look(looks: NDArray[np.integer], seen: NDArray[np.bool_], gap: NDArray[np.int16], /, *, never: int) -> None:
    """Write the days from every day to the nearest look of each parcel.

    Parameters
    ----------
    looks : (look,)
        Day index of each look, ascending.
    seen : (parcel, look)
        Whether the parcel was seen.
    gap : (parcel, day) int16
    never
        What to say for a parcel without a look.
    """
    _nearest(np.ascontiguousarray(looks, np.int64), np.ascontiguousarray(seen), never, gap)


@compiled
def _nearest(looks: NDArray, seen: NDArray, never: int, gap: NDArray) -> None:
    for p in range(len(seen)):
        last = -1
        row = gap[p]
        for k in range(len(looks)):
            if not seen[p, k]:
                continue
            t = looks[k]
            if last < 0:
                for day in range(t + 1):
                    row[day] = t - day
            else:
                for day in range(last + 1, t + 1):
                    row[day] = min(day - last, t - day)
            last = t
        if last < 0:
            row[:] = never
        for day in range(last + 1, len(row) if last >= 0 else 0):
            row[day] = day - last
