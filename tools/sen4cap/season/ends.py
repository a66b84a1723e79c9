"""How a stand ends: whether it has fallen, by which look, and what is a wound that it outlives. Arrays in, arrays out.

Cold takes leaves and leaves others; a mower leaves green that grows again. What is left tells by what becomes of it.
"""

from __future__ import annotations

from numpy.typing import NDArray

from ..compiled import compiled
from .looks import UNWATCHED, desaturated

FALLEN = 0.45
"""A stand has fallen once it keeps less than this share. From mid April on this parts two humps, too, because a next
crop may come up through what is left of a slow end."""
CUT, REGROWN, CUT_DAYS = 0.5, 0.6, 30
"""Or in spring, when it is not the cold, less than the first share of its leaf area; for good, where that took no more
days and it does not come back to the second share, or is gone again within as many days."""
PLATEAU_DAYS = 7
"""What a mower leaves is no lower after so many days; a dying stand is."""
WORN_DAYS = 20
"""And what the cold leaves of a stand is no lower after so many days."""
REGROWTH = 0.3
"""What comes up from more than this above bare soil and goes is regrowth, not the next main crop; LAI units."""
SAME_STAND = 0.25
"""Two humps are one stand where the trough between keeps this share of the lower top above bare soil."""
LOW_LOOK = 0.6
"""Looks up to so much above bare soil are low, LAI units."""


@compiled
def falls(t: NDArray, u: NDArray, pivots: NDArray, count: int, top: int, bare: float, spring: int) -> bool:
    """Whether a stand falls after its last top, and not only loses some leaves."""
    if top + 1 >= count:
        return False
    left, most = u[pivots[top + 1]] - bare, u[pivots[top]] - bare
    # What the cold leaves of the leaves is no end.
    cut = t[pivots[top + 1]] >= spring and desaturated(left) < CUT * desaturated(most)
    return cut or left < FALLEN * most


@compiled
def _half_gone(u: NDArray, top: int, after: int) -> int:
    """First look on which a stand has lost half of its height above the low look that follows."""
    i = top
    while i < after and u[i] >= 0.5 * (u[top] + u[after]):
        i += 1
    return i


@compiled
def fallen(t: NDArray, u: NDArray, top: int, after: int) -> int:
    """Middle of the days between which a stand loses half of its height above the low look that follows."""
    i = _half_gone(u, top, after)
    return (t[i - 1] + t[i]) // 2


@compiled
def last_seen(t: NDArray, u: NDArray, top: int, after: int) -> int:
    """Last look before a stand has lost half of its height above the low look that follows."""
    return t[_half_gone(u, top, after) - 1]


@compiled
def reaped(t: NDArray, u: NDArray, top: int, low: int, bare: float) -> bool:
    """Whether a crop fell for good up to a look, and the ground may have been bare since: nobody looked for weeks."""
    for i in range(low, top, -1):
        if t[i + 1] - t[i] <= UNWATCHED:
            continue
        for j in range(i, top, -1):
            for k in range(j - 1, top - 1, -1):
                if t[j] - t[k] > CUT_DAYS:
                    break
                if u[j] - bare < FALLEN * (u[k] - bare):
                    return True
    return False


@compiled
def lives_on(
    t: NDArray, u: NDArray, pivots: NDArray, count: int, top: int, bare: float, spring: int, last: int
) -> bool:
    """Whether a stand that fell in winter is seen again: tall, from early spring on, and gone before the season's end.

    No main crop grows and goes in that time, and weeds stay lower.
    """
    low, again = pivots[top + 1], pivots[top + 2]
    tall = u[again] - bare > max(LOW_LOOK, FALLEN * (u[pivots[top]] - bare))
    if not tall or t[low] >= spring + 40 or top + 3 >= count:
        return False
    return falls(t, u, pivots, count, top + 2, bare, spring) and fallen(t, u, again, pivots[top + 3]) <= last


@compiled
def cut(t: NDArray, u: NDArray, top: int, after: int, bare: float, spring: int) -> int:
    """Look after which a stand fell: the one that a mower left green for a while, or else the lowest."""
    for i in range(top + 1, after):
        if t[i] < spring or u[i] < bare + REGROWTH:
            continue
        most = 0.0
        for k in range(i - 1, top - 1, -1):
            if t[i] - t[k] > CUT_DAYS:
                break
            most = max(most, desaturated(u[k] - bare))
        if desaturated(u[i] - bare) >= CUT * most:
            continue
        stays = False
        for j in range(i + 1, after):
            if desaturated(u[j] - bare) >= REGROWN * most:
                stays = False
                break
            stays |= t[j] >= t[i] + PLATEAU_DAYS and u[j] >= u[i]
        if stays:
            return i
    return after


@compiled
def worn(t: NDArray, u: NDArray, top: int, after: int, bare: float, swing: float, winter: int, spring: int) -> int:
    """Last look at a stand before its end: its top, or a later look at what the cold left of it and lived on."""
    found = top
    least = bare + max(SAME_STAND * (u[top] - bare), 0.5 * swing)
    for i in range(top + 1, after):
        if not winter <= t[i] < spring or u[i] < least:
            continue
        for j in range(i + 1, after):
            if u[j] < least:
                break
            if t[j] >= t[i] + WORN_DAYS and u[j] >= u[i]:
                found = max(found, j)
    return found
