"""Looks as the dates use them: one greenness, without what only cloud explains, and the leaf area it stands for.

LAI and FCOVER of a look are joined into one greenness in LAI units, `green_of`: their soil and cloud errors differ, so
their mean is steadier than either. Looks on a small part of a parcel count where a full one bears them out
(`drop_partial`); looks that only residual cloud, shadow or haze explains are taken out (`clean`). Arrays in, arrays
out.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from ..seasons import Season

COVER_TO_LAI = 3.5
"""LAI that full cover stands for in the joint greenness; LAI / FCOVER of real fields is 3 to 4.5."""
EXTINCTION = 0.55
"""FCOVER = 1 - exp(-0.55 LAI)."""
SOIL, FADES = 0.2, 2.0
"""Greenness that bare soil reads, and how fast leaves hide it: a stand of LAI L shows SOIL exp(-FADES L) of it."""
CELLS, CELL = 900, 0.01
"""Size and step of the table from joint greenness to LAI."""
PARTIAL = 0.1
"""A look that shows less of a parcel than this share of its most clear pixels is partial: the rim of a cloud, or all
that a cloud leaves free."""
PARTIAL_LOW, PARTIAL_HIGH, PARTIAL_MARGIN = 0.7, 1.1, 0.12
"""It counts where it reads from 0.7 to 1.1 times (and 0.12 LAI units more or less) what the full look before or the
one after it reads."""
SPIKE_HEIGHT, SPIKE_SHARE = 0.35, 0.12
"""A spike stands off both neighbours by at least this, LAI units and share of the parcel's range."""
SPIKE_DAYS = 30
"""Looks around a spike are at most so far apart; over longer times a parcel may really fall and rise."""
REGROWN_DAYS = 20
"""No stand that fell is back at three quarters of its height within so many days, and none within the winter."""
UNWATCHED = 20
"""After so many days without a look the field may have been bare, and a stand may be up since."""
WINTER, SPRING = "11-01", "03-01"
"""What stands between these days is the winter stand."""
SATURATION = 0.1
"""LAI of greenness x above bare soil is roughly x + 0.1 x^2."""
MOST_BARE = 0.35
"""Greenness that bare soil reads at most; a field green in nearly all its looks was bare in the lowest. LAI units."""


@dataclass(frozen=True)
class Calendar:
    """Days of a season as indices of the daily series.

    Attributes
    ----------
    first, last : int
        First and last day of the season.
    latest : int
        Growth that begins later is the next main crop's.
    winter, spring : int
        `WINTER` and `SPRING`.
    """

    first: int
    last: int
    latest: int
    winter: int
    spring: int

    @classmethod
    def of(cls, season: Season, start: datetime.date, *, latest_emergence: str) -> Calendar:
        """Lay a season over the days from `start` on; `latest_emergence` is MM-DD."""
        days = (season.start, season.end, *map(season.day, (latest_emergence, WINTER, SPRING)))
        return cls(*((day - start).days for day in days))


def green_of(lai: NDArray[np.float32], fcover: NDArray[np.float32]) -> NDArray[np.float32]:
    """Joint greenness in LAI units: (LAI + 3.5 FCOVER) / 2; NaN where either is missing."""
    return (0.5 * (lai + np.float32(COVER_TO_LAI) * fcover)).astype(np.float32)


@cache
def lai_table() -> NDArray[np.float64]:
    """LAI by joint greenness above bare soil, (CELLS,), in steps of CELL.

    u(L) - u(0) with u(L) = (L + 3.5 (1 - exp(-0.55 L))) / 2 + SOIL exp(-FADES L), inverted.
    """
    lai = np.linspace(0, 2 * CELLS * CELL, 20 * CELLS)
    leaves = 0.5 * (lai + COVER_TO_LAI * (1 - np.exp(-EXTINCTION * lai)))
    return np.interp(np.arange(CELLS) * CELL, leaves - SOIL * (1 - np.exp(-FADES * lai)), lai)


@compiled
def lai_of(green: float, lais: NDArray) -> tuple[float, float]:
    """LAI of a joint greenness above bare soil, and how much LAI a unit of greenness is there."""
    if green < 0:
        return green * (lais[1] - lais[0]) / CELL, (lais[1] - lais[0]) / CELL
    place = min(green / CELL, CELLS - 2.0)
    cell = int(place)
    slope = lais[cell + 1] - lais[cell]
    return lais[cell] + (place - cell) * slope, slope / CELL


@compiled
def desaturated(green: float) -> float:
    """LAI of a joint greenness above bare soil, roughly: for shares of a stand that is left."""
    return green + SATURATION * max(green, 0.0) ** 2


def drop_partial(green: NDArray[np.float32], share: NDArray[np.float32], /) -> NDArray[np.float32]:
    """Greenness without the partial looks that no full look bears out (NaN in their place).

    Between a green look and a bare one a few clear pixels tell on which side of the fall they lie; but a rim of cloud
    reads anything. So a partial look must read as the last full look before it or the first one after it.

    Parameters
    ----------
    green, share : (parcel, look)
        Greenness, and the share of the parcel's most clear pixels that was seen.
    """
    kept = green.copy()
    _drop_partial(green, share, kept)
    return kept


def clean(at: NDArray[np.int64], green: NDArray[np.float32], /, *, calendar: Calendar) -> NDArray[np.float32]:
    """Greenness without the looks that stand alone far off both neighbours (NaN in their place).

    Parameters
    ----------
    at : (look,)
        Day indices, ascending.
    green : (parcel, look)
    """
    kept = green.copy()
    _clean(np.ascontiguousarray(at, np.int64), kept, calendar.winter, calendar.spring)
    return kept


@compiled
def _drop_partial(green: NDArray, share: NDArray, kept: NDArray) -> None:
    looks = green.shape[1]
    for p in range(len(green)):
        before = np.nan
        k = 0
        while k < looks:
            if share[p, k] >= PARTIAL or not np.isfinite(green[p, k]):
                before = green[p, k] if np.isfinite(green[p, k]) else before
                k += 1
                continue
            past = k
            while past < looks and not (np.isfinite(green[p, past]) and share[p, past] >= PARTIAL):
                past += 1
            after = green[p, past] if past < looks else np.nan
            for i in range(k, past):
                if not (_alike(green[p, i], before) or _alike(green[p, i], after)):
                    kept[p, i] = np.nan
            k = past


@compiled
def _alike(partial: float, full: float) -> bool:
    return PARTIAL_LOW * full - PARTIAL_MARGIN <= partial <= PARTIAL_HIGH * full + PARTIAL_MARGIN


@compiled
def _clean(at: NDArray, green: NDArray, winter: int, spring: int) -> None:
    where = np.zeros(len(at), np.int64)
    for p in range(len(green)):
        u = green[p]
        for _turn in range(2):
            n = 0
            for k in range(len(at)):
                if np.isfinite(u[k]):
                    where[n] = k
                    n += 1
            # Hardly any parcel has one, however small; sorting all takes longer than looking for spikes.
            if n < 3 or not _clean_once(at, u, where, n, SPIKE_HEIGHT, winter, spring, False):
                break
            ordered = np.sort(u[where[:n]])
            limit = max(SPIKE_HEIGHT, SPIKE_SHARE * (ordered[int(0.95 * (n - 1))] - ordered[0]))
            if not _clean_once(at, u, where, n, limit, winter, spring, True):
                break


@compiled
def _clean_once(
    at: NDArray, u: NDArray, where: NDArray, n: int, limit: float, winter: int, spring: int, remove: bool
) -> bool:
    """Whether there is a spike of one or two looks; take them all out."""
    found = False
    k = 1
    while k < n - 1:
        # Every spike begins with such a step; most looks are done with this.
        if abs(u[where[k]] - u[where[k - 1]]) <= limit:
            k += 1
            continue
        for width in range(1, min(3, n - k)):
            if _is_spike(at, u, where, k, width, limit, winter, spring):
                if not remove:
                    return True
                for i in range(width):
                    u[where[k + i]] = np.nan
                found = True
                k += width
                break
        k += 1
    return found


@compiled
def _is_spike(
    at: NDArray, u: NDArray, where: NDArray, k: int, width: int, limit: float, winter: int, spring: int
) -> bool:
    """Whether `width` looks from the k-th on stand off both neighbours as no field does in so short a time."""
    first, past = where[k], where[k + width]
    before, after = u[where[k - 1]], u[past]
    dip, peak = u[first], u[first]
    for i in range(1, width):
        dip, peak = max(dip, u[where[k + i]]), min(peak, u[where[k + i]])
    lower, higher = min(before, after), max(before, after)
    down = lower - dip > max(limit, 0.25 * lower)
    span = at[past] - at[where[k - 1]]
    if span <= SPIKE_DAYS:
        return down or (width == 1 and peak - higher > max(1.5 * limit, 0.5 * higher))
    cold = winter - 15 <= at[where[k - 1]] and at[past] <= spring + 15
    if cold and width == 1 and peak - higher > max(1.5 * limit, higher):
        return True
    sudden = span <= 2 * SPIKE_DAYS and at[past] - at[first] <= REGROWN_DAYS
    return down and width == 1 and (cold or sudden) and after >= 0.75 * before
