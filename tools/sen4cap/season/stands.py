"""Where the winter stand lies in a parcel's looks: the growth it comes from, its tops, its fall. Arrays in, arrays out.

The greenness of the looks (see `looks`) is cut into humps at turning points that stand out by `PROMINENCE`; humps that
are one stand (a frost or a cut lies between, bare soil does not) are joined; the hump that holds most of the winter is
the stand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from . import ends
from .looks import MOST_BARE, Calendar, desaturated

LEAST_SWING, MOST_SWING = 0.1, 0.5
"""Least rise or fall that counts, LAI units, where a parcel's low looks are quiet and where they are not."""
SWING_NOISE = 4.0
"""Between these it is so many standard deviations of the low looks: bare soil wanders with moisture and sun."""
PROMINENCE = 0.1
"""Least rise or fall that counts, as a share of the greenness above bare soil that it comes to or from."""
LAST_CROP = 0.35
"""The same before the winter, when a main crop may thin out and stand on, and a mower may leave so much."""
MOWN = 0.22
"""A stand that keeps less than this has been ended, however little grows again."""
FROZEN = 0.09
"""From 1 November to 1 March both are so low for a stand that was more than low looks: what hard frost leaves and grows
again in spring is one stand, because no next crop comes up through it so early."""
BACK = 0.75
"""What comes back to this share of its height was never ended: clouds hid it, or grass was mown."""
LOW_ENOUGH = 0.5
"""The look before a stand's growth keeps less than this share of the stand's height."""
GREEN_SHARE = 0.3
"""A look is green once it shows this share of the stand's height."""
SEEN_DAYS = 30
"""A stand that was green when first seen is a winter stand only if it was seen so many days after 1 November: main
crops that are lifted late may be gone by then."""
SURE_SWING, SURE_HEIGHT = 1.35, 0.18
"""A stand this many swings high, and as many LAI units, is one for sure."""
THIN_LOOKS, THIN_DAYS, THIN_SHARE = 4, 25, 0.85
"""A lower one must show half of its height in so many looks over so many days, and in this share of all between."""
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
    noise : (parcel,) float32
        Standard deviation of its low looks; infinite where hardly any is low.
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
    noise: NDArray[np.float32]


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
    base, noise = np.full((2, count), np.nan, np.float32)
    c = calendar
    _stands(np.ascontiguousarray(at, np.int64), green, c.first, c.last, c.winter, c.spring, state, days, base, noise)
    low, lit, top, last_top, after, next_low, next_green, next_top, looks = days
    return Stands(state, low, lit, top, last_top, after, next_low, next_green, next_top, looks, base, noise)


@compiled
def _pivots(u: NDArray, n: int, bare: float, swing: float, pivots: NDArray) -> int:
    """Turning points that stand out by `swing` and `PROMINENCE`: positions, lows and highs in turn; their number.

    The first and the last one need no look beyond them, so that humps cut off by the record are humps too.
    """
    low, high = 0, 0
    begin = 1
    while begin < n and u[high] - u[low] <= max(swing, PROMINENCE * (u[high] - bare)):
        if u[begin] < u[low]:
            low = begin
        elif u[begin] > u[high]:
            high = begin
        begin += 1
    if u[high] - u[low] <= max(swing, PROMINENCE * (u[high] - bare)):
        return 0
    pivots[0], last, sign = (low, high, 1.0) if low < high else (high, low, -1.0)
    count = 1
    for i in range(last + 1, n):
        if sign * (u[i] - u[last]) > 0:
            last = i
        elif sign * (u[last] - u[i]) > max(swing, PROMINENCE * (max(u[last], u[i]) - bare)):
            pivots[count] = last
            count += 1
            sign = -sign
            last = i
    pivots[count] = last
    return count + 1


@compiled
def _area(t: NDArray, u: NDArray, begin: int, end: int, base: float, first: int, last: int) -> float:
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
def _stands(
    at: NDArray,
    green: NDArray,
    first: int,
    last: int,
    winter: int,
    spring: int,
    state: NDArray,
    days: NDArray,
    base: NDArray,
    noise: NDArray,
) -> None:
    most = len(at)
    t = np.zeros(most + 1, np.int64)
    u = np.zeros(most + 1)
    pivots = np.zeros(most + 2, np.int64)
    lowest = np.zeros(most // 20 + 2)
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
        bare = _bare(u, n, lowest)
        base[p] = bare
        noise[p] = _noise(t, u, n, bare)
        swing = min(max(SWING_NOISE * noise[p], LEAST_SWING), MOST_SWING)
        count = _pivots(u, n, bare, swing, pivots)
        state[p] = NO_GROWTH
        _choose(t, u, pivots, count, bare, swing, first, last, winter, spring, state, days, p)


@compiled
def _bare(u: NDArray, n: int, lowest: NDArray) -> float:
    """5th percentile of the looks; where that is no bare soil, the lowest look. Keeps the lowest looks in `lowest`."""
    count = int(0.05 * (n - 1)) + 1
    lowest[:count] = np.inf
    for i in range(n):
        if u[i] < lowest[count - 1]:
            place = count - 1
            while place > 0 and u[i] < lowest[place - 1]:
                lowest[place] = lowest[place - 1]
                place -= 1
            lowest[place] = u[i]
    return min(lowest[count - 1], max(lowest[0], MOST_BARE))


@compiled
def _noise(t: NDArray, u: NDArray, n: int, bare: float) -> float:
    """Standard deviation of low looks around the line between their neighbours; infinite where hardly any is low."""
    off = np.zeros(n)
    count = 0
    for i in range(1, n - 1):
        if max(u[i - 1], u[i], u[i + 1]) < bare + ends.LOW_LOOK:
            share = (t[i] - t[i - 1]) / (t[i + 1] - t[i - 1])
            line = (1 - share) * u[i - 1] + share * u[i + 1]
            off[count] = abs(u[i] - line) / np.sqrt(1 + (1 - share) ** 2 + share**2)
            count += 1
    # 1.4826 makes a standard deviation of a median; the root is what the line's own noise adds.
    return 1.4826 * np.median(off[:count]) if count > 4 else np.inf


@compiled
def _choose(
    t: NDArray,
    u: NDArray,
    pivots: NDArray,
    count: int,
    bare: float,
    swing: float,
    first: int,
    last: int,
    winter: int,
    spring: int,
    state: NDArray,
    days: NDArray,
    p: int,
) -> None:
    """Join humps, take the one that holds most of the winter, and write it down."""
    if count == 0:
        return
    # A hump without a low before it was green when first seen.
    opening = 0 if u[pivots[0]] > u[pivots[1]] else 1
    best, best_start, best_high, best_top = 0.0, -1, -1, -1
    high = opening
    while high < count:
        top = _same_stand(t, u, pivots, count, high, bare, first, last, winter, spring)
        score, start = _winter_score(t, u, pivots, count, high, top, bare, swing, first, last, winter, spring)
        if score > best:
            best, best_start, best_high, best_top = score, start, high, top
        high = top + 2
    if best > 0.0:
        state[p] = SEEN
        if best_start >= 0:
            days[0, p] = t[pivots[best_start]]
            days[1, p] = t[_green(t, u, pivots[best_start], pivots[best_high], swing)]
        days[2, p] = t[pivots[best_high]]
        days[3, p] = t[pivots[best_top]]
        if ends.falls(t, u, pivots, count, best_top, bare, spring):
            after = ends.cut(t, u, pivots[best_top], pivots[best_top + 1], bare, spring)
            days[3, p] = t[ends.worn(t, u, pivots[best_top], after, bare, swing, winter, spring)]
            days[4, p] = t[after]
        following = _following(u, pivots, count, best_top, bare)
        if following < count:
            _note_next(t, u, pivots[following - 1], pivots[following], swing, days, p)
        return
    for top in range(max(opening, 1), count):
        rises = u[pivots[top]] > u[pivots[top - 1]]
        if rises and t[_green(t, u, pivots[top - 1], pivots[top], swing)] > spring:
            main = _following(u, pivots, count, top - 2, bare)
            _note_next(t, u, pivots[main - 1], pivots[main], swing, days, p)
            return


@compiled
def _following(u: NDArray, pivots: NDArray, count: int, top: int, bare: float) -> int:
    """Top of the crop that follows a stand, or `count`: what stays low is weeds, unless nothing grows after it."""
    following = top + 2
    while following + 2 < count and (
        u[pivots[following]] < bare + ends.LOW_LOOK
        or (u[pivots[following - 1]] > bare + ends.REGROWTH and u[pivots[following + 1]] < bare + ends.REGROWTH)
    ):
        following += 2
    return following


@compiled
def _same_stand(
    t: NDArray, u: NDArray, pivots: NDArray, count: int, high: int, bare: float, first: int, last: int, winter: int,
    spring: int,
) -> int:  # fmt: skip
    """Last top of the stand that a high belongs to: a frost, a cut or a slow winter may lie between its tops."""
    top = high
    main = high == 0 or t[pivots[high - 1]] < first - 31
    while top + 2 < count:
        low = pivots[top + 1]
        lower = min(u[pivots[top]], u[pivots[top + 2]]) - bare
        left = u[low] - bare
        share = ends.SAME_STAND if t[low] < spring + 40 else ends.FALLEN
        fell = ends.fallen(t, u, pivots[top], low)
        # Grass that was mown comes back, a crop that was reaped does not.
        back = u[pivots[top + 2]] - bare >= BACK * (u[pivots[top]] - bare)
        if main and fell < winter and not back and ends.reaped(t, u, pivots[top], low, bare):
            break
        if (fell if main else t[low]) < winter:
            # What follows a shallow trough in autumn is a stand of its own only if it outlives the autumn, and if a
            # main crop stood before: one that came up in the season was cut, and grows on.
            past = pivots[top + 3] if top + 3 < count else -1
            winters = past < 0 or ends.fallen(t, u, pivots[top + 2], past) >= (winter + spring) // 2
            share = LOW_ENOUGH if winters and main else LAST_CROP
            # And a low one before a tall stand is where that stand begins.
            lower = max(lower, GREEN_SHARE / share * (u[pivots[top + 2]] - bare))
        mown = MOWN
        if not main and winter <= fell < spring and ends.lives_on(t, u, pivots, count, top, bare, spring, last):
            top += 2
            continue
        if not main and winter <= t[low] < spring and u[pivots[top]] > bare + ends.LOW_LOOK:
            share = mown = FROZEN
        if left < share * lower or left < mown * (u[pivots[top]] - bare):
            break
        most = desaturated(u[pivots[top]] - bare)
        sudden = t[low] >= spring and t[low] - ends.last_seen(t, u, pivots[top], low) <= ends.CUT_DAYS
        if sudden and desaturated(left) < ends.CUT * most:
            gone = top + 3 < count and ends.fallen(t, u, pivots[top + 2], pivots[top + 3]) <= t[low] + ends.CUT_DAYS
            if (gone and not back) or desaturated(u[pivots[top + 2]] - bare) < ends.REGROWN * most:
                break
        top += 2
    return top


@compiled
def _winter_score(
    t: NDArray,
    u: NDArray,
    pivots: NDArray,
    count: int,
    high: int,
    top: int,
    bare: float,
    swing: float,
    first: int,
    last: int,
    winter: int,
    spring: int,
) -> tuple[float, int]:
    """How much of the winter a stand holds, 0 where it is no winter stand; and the pivot before its growth, or -1."""
    low = high - 1
    begin = pivots[low] if low >= 0 else 0
    ended = ends.falls(t, u, pivots, count, top, bare, spring)
    end = pivots[top + 1] if top + 1 < count else pivots[top]
    begun = t[_green(t, u, begin, pivots[high], swing)] if low >= 0 else t[0]
    gone = ends.fallen(t, u, pivots[top], end) if ended else t[end] + 1000
    start = -1
    if low >= 0 and t[begin] >= first - 31:
        enough = u[begin] - bare < LOW_ENOUGH * (u[pivots[high]] - bare)
        # What another crop fell to is where the next one begins, however little of it was seen low.
        if enough or (low > 0 and u[begin] - bare < ends.FALLEN * (u[pivots[low - 1]] - bare)):
            start = low
    if start < 0 or begun < first:
        # A main crop that stands into autumn is no winter stand; what is green through the winter is.
        half = winter + (spring - winter) // 2
        seen = not ended or ends.last_seen(t, u, pivots[top], end) >= winter + SEEN_DAYS
        good = seen and gone >= half and _area(t, u, begin, end, bare, half, spring) > 0.5 * (min(gone, spring) - half)
    else:
        # Growth that shows only in spring may have emerged before the winter; the fitted date decides.
        good = begun <= spring + 60 and t[pivots[top]] >= first and gone >= winter - 31
    tallest = max(u[pivots[high]], u[pivots[top]])
    spring_weeds = t[pivots[high]] >= spring + 40 and tallest < bare + ends.REGROWTH
    if not good or spring_weeds or not _stands_out(t, u, begin, end, u[pivots[top]] - bare, bare, swing):
        return 0.0, start
    # The winter counts fully, the rest little, so that a main crop never outweighs a winter stand.
    whole = _area(t, u, begin, end, bare, first, last)
    return _area(t, u, begin, end, bare, winter - 31, spring + 31) + 0.1 * whole, start


@compiled
def _stands_out(t: NDArray, u: NDArray, begin: int, end: int, height: float, bare: float, swing: float) -> bool:
    """Whether a stand is tall, or thin but there in look after look: moist soil and noise come and go."""
    if height >= min(max(SURE_SWING * swing, SURE_HEIGHT), MOST_SWING):
        return True
    if height < swing:
        return False
    level = bare + 0.5 * height
    first, last, above = -1, -1, 0
    for i in range(begin, end + 1):
        if u[i] >= level:
            first = i if first < 0 else first
            last = i
            above += 1
    return above >= THIN_LOOKS and t[last] - t[first] >= THIN_DAYS and above >= THIN_SHARE * (last - first + 1)


@compiled
def _note_next(t: NDArray, u: NDArray, low: int, top: int, swing: float, days: NDArray, p: int) -> None:
    days[5, p] = t[low]
    days[6, p] = t[_green(t, u, low, top, swing)]
    days[7, p] = t[top]


@compiled
def _green(t: NDArray, u: NDArray, low: int, top: int, swing: float) -> int:
    """First look between a low and a top from which on the stand stays clearly above the low."""
    level = u[low] + max(0.8 * swing, GREEN_SHARE * (u[top] - u[low]))
    found = top
    for i in range(top, low, -1):
        if u[i] < level:
            break
        found = i
    return found
