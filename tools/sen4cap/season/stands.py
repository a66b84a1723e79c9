"""Where the winter stand lies in a parcel's looks: the growth it comes from, its tops, its fall. Arrays in, arrays out.

LAI and FCOVER of a look are joined into one greenness in LAI units, `green_of`: their soil and cloud errors differ, so
their mean is steadier than either. Looks that only residual cloud, shadow or haze explains are taken out (`clean`).
The rest is cut into humps at turning points that stand out by `PROMINENCE`; humps that are one stand (a frost or a cut
lies between, bare soil does not) are joined; the hump that holds most of the winter is the stand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

COVER_TO_LAI = 3.5
"""LAI that full cover stands for in the joint greenness; LAI / FCOVER of real fields is 3 to 4.5."""
LEAST_SWING = 0.4
"""Least rise or fall that counts, in LAI units: bare soil's greenness wanders by 0.3 with moisture and sun."""
PROMINENCE = 0.22
"""Least rise or fall that counts, as a share of the range that a parcel's greenness takes."""
SPIKE_DAYS = 30
"""Looks around a spike are at most so far apart; over longer times a parcel may really fall and rise."""
SAME_STAND = 0.35
"""Two humps are one stand where the trough between keeps this share of the lower top above bare soil."""
GREEN_SHARE = 0.3
"""A look is green once it shows this share of the stand's height."""
MIN_LOOKS = 3
"""Looks in the season below which nothing is said."""

SEEN, NO_LOOK, FEW_LOOKS, NO_GROWTH, NO_START, OPEN_END = 0, 1, 2, 3, 4, 5
"""What was seen of a parcel's stand; `OPEN_END` is no fall up to the last look, `NO_START` no low look before it."""


@dataclass(frozen=True)
class Stands:
    """The winter stand of each parcel, as day indices; -1 where there is none.

    Attributes
    ----------
    state : (parcel,) int8
        `SEEN`, `NO_LOOK`, `FEW_LOOKS` or `NO_GROWTH`.
    low : (parcel,) int32
        Lowest look before the growth; -1 where the stand was green when first seen.
    green : (parcel,) int32
        First look after it that shows growth beyond doubt.
    top, last_top : (parcel,) int32
        Highest look of the first and of the last hump of the stand.
    after : (parcel,) int32
        Lowest look after the fall; -1 where the stand has not fallen up to the last look.
    next_low, next_green, next_top : (parcel,) int32
        Lowest look before the next main crop's growth, first green look of it, and its highest.
    looks : (parcel,) int32
        Clear looks inside the season.
    base : (parcel,) float32
        Greenness of the parcel when bare.
    """

    state: NDArray[np.int8]
    low: NDArray[np.int32]
    green: NDArray[np.int32]
    top: NDArray[np.int32]
    last_top: NDArray[np.int32]
    after: NDArray[np.int32]
    next_low: NDArray[np.int32]
    next_green: NDArray[np.int32]
    next_top: NDArray[np.int32]
    looks: NDArray[np.int32]
    base: NDArray[np.float32]


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
        1 November and 1 March: what stands between them is the winter stand.
    """

    first: int
    last: int
    latest: int
    winter: int
    spring: int


def green_of(lai: NDArray[np.float32], fcover: NDArray[np.float32]) -> NDArray[np.float32]:
    """Joint greenness in LAI units: (LAI + 3.5 FCOVER) / 2; NaN where either is missing."""
    return (0.5 * (lai + np.float32(COVER_TO_LAI) * fcover)).astype(np.float32)


def clean(at: NDArray[np.int64], green: NDArray[np.float32]) -> NDArray[np.float32]:
    """Greenness without the looks that stand alone far off both neighbours (NaN in their place).

    Parameters
    ----------
    at : (look,)
        Day indices, ascending.
    green : (parcel, look)
    """
    kept = green.copy()
    _clean(np.ascontiguousarray(at, np.int64), kept)
    return kept


def find_stands(at: NDArray[np.int64], green: NDArray[np.float32], /, *, calendar: Calendar) -> Stands:
    """Frame the winter stand of every parcel.

    Parameters
    ----------
    at : (look,)
        Day index of each look, ascending.
    green : (parcel, look)
        Cleaned greenness, NaN where a parcel was not seen.
    """
    count = len(green)
    days = np.full((9, count), -1, np.int32)
    state = np.zeros(count, np.int8)
    base = np.full(count, np.nan, np.float32)
    c = calendar
    _stands(np.ascontiguousarray(at, np.int64), green, c.first, c.last, c.winter, c.spring, state, days, base)
    return Stands(state, *days, base)


@compiled
def _clean(at, green):
    most = len(at)
    where = np.zeros(most, np.int64)
    for p in range(len(green)):
        for _turn in range(2):
            n = 0
            least, largest = np.inf, -np.inf
            for k in range(most):
                if np.isfinite(green[p, k]):
                    where[n] = k
                    n += 1
                    least, largest = min(least, green[p, k]), max(largest, green[p, k])
            limit = max(0.35, 0.12 * (largest - least))
            removed = 0
            k = 1
            while k < n - 1:
                before, value = green[p, where[k - 1]], green[p, where[k]]
                for width in range(1, 3):
                    if k + width >= n or at[where[k + width]] - at[where[k - 1]] > SPIKE_DAYS:
                        break
                    after = green[p, where[k + width]]
                    dip, peak = value, value
                    for i in range(1, width):
                        dip, peak = max(dip, green[p, where[k + i]]), min(peak, green[p, where[k + i]])
                    lower, higher = min(before, after), max(before, after)
                    # A dip may be haze; its neighbours must not themselves be far apart, or it is a fall on its way.
                    down = lower - dip > max(limit, 0.25 * lower)
                    up = peak - higher > max(1.5 * limit, 0.5 * higher) and width == 1
                    if down or up:
                        for i in range(width):
                            green[p, where[k + i]] = np.nan
                        removed += width
                        k += width
                        break
                k += 1
            if removed == 0:
                break


@compiled
def _pivots(u, n, swing, pivots):
    """Turning points that stand out by `swing`: positions, lows and highs in turn; returns their number.

    The first and the last look count as turning points, so that humps cut off by the record are humps too.
    """
    count = 0
    low, high = 0, 0
    rising = 0
    for i in range(1, n):
        if u[i] < u[low]:
            low = i
        if u[i] > u[high]:
            high = i
        if rising >= 0 and u[high] - u[i] > swing:
            if rising == 0:
                first = 0
                for j in range(high + 1):
                    if u[j] < u[first]:
                        first = j
                if u[high] - u[first] > swing:
                    pivots[count] = first
                    count += 1
            pivots[count] = high
            count += 1
            rising = -1
            low = i
            high = i
        elif rising <= 0 and u[i] - u[low] > swing:
            if rising == 0:
                first = 0
                for j in range(low + 1):
                    if u[j] > u[first]:
                        first = j
                if u[first] - u[low] > swing:
                    pivots[count] = first
                    count += 1
            pivots[count] = low
            count += 1
            rising = 1
            high = i
            low = i
    if rising > 0:
        pivots[count] = high
        count += 1
    elif rising < 0:
        pivots[count] = low
        count += 1
    return count


@compiled
def _area(t, u, begin, end, base, first, last):
    """Greenness above bare soil times days between two looks, inside [first, last]."""
    total = 0.0
    for i in range(begin, end):
        h = t[i + 1] - t[i]
        left, right = max(t[i], first), min(t[i + 1], last)
        if right > left:
            a = u[i] + (u[i + 1] - u[i]) * (left - t[i]) / h - base
            b = u[i] + (u[i + 1] - u[i]) * (right - t[i]) / h - base
            total += max(0.5 * (a + b), 0.0) * (right - left)
    return total


@compiled
def _stands(at, green, first, last, winter, spring, state, days, base):
    most = len(at)
    t = np.zeros(most + 1, np.int64)
    u = np.zeros(most + 1)
    pivots = np.zeros(most + 2, np.int64)
    for p in range(len(green)):
        n, inside = 0, 0
        for k in range(most):
            if np.isfinite(green[p, k]):
                t[n] = at[k]
                u[n] = green[p, k]
                n += 1
                if first <= at[k] <= last:
                    inside += 1
        days[8, p] = inside
        if inside == 0:
            state[p] = NO_LOOK
            continue
        if inside < MIN_LOOKS:
            state[p] = FEW_LOOKS
            continue
        ordered = np.sort(u[:n])
        bare = ordered[int(0.05 * (n - 1))]
        base[p] = bare
        swing = max(LEAST_SWING, PROMINENCE * (ordered[int(0.95 * (n - 1))] - bare))
        count = _pivots(u, n, swing, pivots)
        state[p] = NO_GROWTH
        _choose(t, u, pivots, count, bare, swing, first, last, winter, spring, state, days, p)


@compiled
def _choose(t, u, pivots, count, bare, swing, first, last, winter, spring, state, days, p):
    """Join humps, take the one that holds most of the winter, and write it down."""
    # The first high pivot: a hump without a low before it was green when first seen.
    high = 0 if count > 1 and u[pivots[0]] > u[pivots[1]] else 1
    best, best_low, best_top, best_last, best_after = 0.0, -1, -1, -1, -1
    while high < count:
        low = high - 1
        top = high
        after = high + 1
        own = high
        # A frost or a cut, or a slow winter, lies between humps that are one stand.
        while after + 1 < count and low >= 0 and t[pivots[low]] >= first - 31 and t[pivots[after]] < spring + 40:
            lower = min(u[pivots[top]], u[pivots[after + 1]]) - bare
            if u[pivots[after]] - bare < SAME_STAND * lower:
                break
            top = after + 1
            after = top + 1
        begin = pivots[low] if low >= 0 else 0
        end = pivots[after] if after < count else pivots[top]
        # In the winter a stand counts fully; outside it little, so that a main crop never outweighs a winter stand.
        score = _area(t, u, begin, end, bare, winter - 31, spring + 31) + 0.1 * _area(
            t, u, begin, end, bare, first, last
        )
        begun = _green(t, u, begin, pivots[own], swing) if low >= 0 else -1
        starts = t[begun] if begun >= 0 else t[0]
        falls = after < count
        main = low < 0 or t[pivots[low]] < first - 31
        if main:
            # A main crop that stands into autumn is no winter stand; one that is green through the winter is.
            good = (
                falls
                and t[pivots[after]] >= spring
                and _area(t, u, begin, end, bare, winter, spring) > 0.5 * (spring - winter)
            )
        else:
            good = starts <= spring or (falls and starts <= spring + 45 and t[pivots[after]] <= last + 15)
            good = good and t[pivots[top]] >= first and (not falls or t[pivots[after]] >= winter - 31)
        if good and score > best:
            best = score
            best_low, best_top, best_last, best_after = low, own, top, after
        high = top + 2
    if best > 0.0:
        state[p] = SEEN
        main = best_low < 0 or t[pivots[best_low]] < first - 31
        if not main:
            begin = pivots[best_low]
            days[0, p] = t[begin]
            days[1, p] = t[_green(t, u, begin, pivots[best_top], swing)]
        days[2, p] = t[pivots[best_top]]
        days[3, p] = t[pivots[best_last]]
        if best_after < count:
            days[4, p] = t[pivots[best_after]]
            if best_after + 1 < count:
                _note_next(t, u, pivots[best_after], pivots[best_after + 1], swing, days, p)
        return
    high = 0 if count > 1 and u[pivots[0]] > u[pivots[1]] else 1
    while high < count:
        if high > 0 and t[_green(t, u, pivots[high - 1], pivots[high], swing)] > spring:
            _note_next(t, u, pivots[high - 1], pivots[high], swing, days, p)
            break
        high += 2


@compiled
def _note_next(t, u, low, top, swing, days, p):
    days[5, p] = t[low]
    days[6, p] = t[_green(t, u, low, top, swing)]
    days[7, p] = t[top]


@compiled
def _green(t, u, low, top, swing):
    """First look between a low and a top from which on the stand stays clearly above the low."""
    level = u[low] + max(0.8 * swing, GREEN_SHARE * (u[top] - u[low]))
    found = top
    for i in range(top, low, -1):
        if u[i] < level:
            break
        found = i
    return found
