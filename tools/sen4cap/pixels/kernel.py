"""Emergence and termination of every pixel, by the season tool's own kernel. Arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import l3b
from ..season.kernel import season_of
from ..season.looks import Calendar

NODATA_DAY, NODATA_SPREAD, OUTSIDE = np.int16(-10000), np.uint8(255), np.uint8(255)
"""No date; no uncertainty; a pixel that was not asked for."""
LONGEST_SPREAD = 254


def season_days(
    lai: NDArray[np.int16],
    fcover: NDArray[np.int16],
    at: NDArray[np.int64],
    /,
    *,
    start: np.datetime64,
    days: int,
    calendar: Calendar,
    origin: int,
) -> tuple[NDArray[np.int16], NDArray[np.uint8], NDArray[np.uint8]]:
    """Emergence and termination of a block of pixels by the default detectors (`season.detectors`).

    The detectors fit growth and fall curves to the looks themselves, so no smooth series is made.

    Parameters
    ----------
    lai, fcover : (look, pixel)
        Codes of the L3B product: value x 1000, `l3b.NODATA` where a pixel was not seen.
    at : (look,)
        Day index of each look, ascending, from `start`.
    start, days
        First day, and number of days looked at.
    calendar
        The season as day indices.
    origin
        Added to a day index to give the number that is written.

    Returns
    -------
    day : (2, pixel)
        Emergence and termination; `NODATA_DAY` where there is none.
    spread : (2, pixel)
        Uncertainty, whole days, rounded up, at most 254; `NODATA_SPREAD` where there is no date.
    reason : (2, pixel)
        Position in `season.kernel.REASONS`: why there is no date; 0 where there is one.
    """
    look_lai, look_fcover = _values(lai), _values(fcover)
    # A series of the right length, which no default detector reads.
    unread = np.full((len(look_lai), days), np.nan, np.float32)
    found = season_of(
        unread,
        unread,
        at,
        look_lai,
        look_fcover,
        np.ones_like(look_lai),
        start=start,
        calendar=calendar,
        emergence="default",
        termination="default",
        settings=None,
    )
    day = np.stack([found.emergence, found.termination])
    spread = np.stack([found.em_spread, found.ter_spread])
    known = np.isfinite(day)
    whole = np.where(known, np.minimum(np.ceil(spread), LONGEST_SPREAD), NODATA_SPREAD)
    return (
        np.where(known, day + origin, NODATA_DAY).astype(np.int16),
        np.nan_to_num(whole, nan=float(LONGEST_SPREAD)).astype(np.uint8),
        np.stack([found.em_reason, found.ter_reason]).astype(np.uint8),
    )


def _values(codes: NDArray[np.int16]) -> NDArray[np.float32]:
    """Codes as (pixel, look) in physical units, NaN where not seen."""
    turned = np.ascontiguousarray(codes.T)
    values = turned.astype(np.float32) * np.float32(l3b.SCALE)
    values[turned == l3b.NODATA] = np.nan
    return values
