"""The harvest of the main crop: the fall of its leaf area. Arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

FOUND, NEVER_SEEN, FEW_LOOKS, NEVER_STOOD, STILL_STANDING, LOW_BEFORE, TOO_WEAK, OUTSIDE, LOW_AT_FIRST = range(9)
REASONS = (
    "",
    "no clear look",
    "fewer than three clear looks until the end of the window",
    "no stand above the level",
    "no fall until the end of the window",
    "below the level before the window",
    "no strong fall",
    "harvest outside the window",
    "low at the first look, which is inside the window",
)
"""What each status means; the index is the status."""
ABRUPT_SHARE = 0.6
"""A fall is abrupt where one pair of looks takes this share of it: a cut, not ripening."""
RIPENING_PACE = 4.5
"""Pace of ripening: green falls as 1 / (1 + exp(t / pace)), from 90 to 10 % in 20 days (winter cereals). Two looks
around its middle, `gap` days apart, see tanh(gap / 4 pace) of it; an abrupt fall must show more."""
ABRUPT_MARGIN = 0.08
"""How much more: the noise of two looks."""
LATE_GREEN_DAYS = 55
"""A crop that is green so many days after `stood_by` (mid September) is no cereal: where a gap is too long to tell a
cut from ripening, it was cut."""
AUTUMN_CROP_DAYS, AUTUMN_DAYS, HIDING_DAYS = 30, 50, 20
"""What is green the first number of days after `stood_by` (19 August) is a crop of autumn: maize, beet, potatoes. They
are brought in from the second on (8 September), so of a gap of at least the third the days before that do not count."""
LONGEST_WAIT = 18.0
"""Days after the last green look at which a cut inside a long gap of autumn is put at the latest: no crop waits for
clear skies, and the middle of a gap that lasts to the winter is long past the harvest."""
RECENT = 60
"""Days before the fall in which the stand's largest value is looked for."""
LONE_LOW_DAYS = 20
"""Days between the looks on either side of a single low look from which on it parts two stands: a harvest and the cover
crop after it, seen through clouds. Between nearer ones it is residual cloud."""
FLOOR_DAYS = 30
"""Days after the fall in which the smallest value is looked for."""


@dataclass(frozen=True)
class Falls:
    """Harvest of each parcel; days count from the first day of the series.

    Attributes
    ----------
    status : (parcel,) int8
        `FOUND`, or why there is no harvest: see `REASONS`.
    day : (parcel,) float32
        Day of harvest; NaN where not found.
    before, after : (parcel,) int32
        The two looks with the fall between them; -1 where not found.
    top, floor : (parcel,) float32
        Largest value before and smallest after the fall; NaN where not found.
    ripened : (parcel,) bool
        Whether the stand yellowed before it was harvested.
    uncertainty : (parcel,) float32
        Days around `day`; NaN where not found.
    """

    status: NDArray[np.int8]
    day: NDArray[np.float32]
    before: NDArray[np.int32]
    after: NDArray[np.int32]
    top: NDArray[np.float32]
    floor: NDArray[np.float32]
    ripened: NDArray[np.bool_]
    uncertainty: NDArray[np.float32]


def main_harvest(
    values: NDArray[np.float32],
    open_ground: NDArray[np.bool_],
    days: NDArray[np.int32],
    /,
    *,
    first: int,
    last: int,
    stood_by: int,
    level: float,
    strong: float,
    ripening: float,
) -> Falls:
    """Find the fall of the main crop.

    A stand begins with two looks in a row above `level` (one, if it is the first look of all) and ends with two in a
    row below it, or one where looks are rare (`LONE_LOW_DAYS`). The main crop's stand is the last one that stood by
    `stood_by`, because no cover crop sown after a harvest in the window is up by then. So a cover crop that comes up
    after the main harvest and is terminated in autumn is not taken for it. A stand that comes up later counts only
    where two looks before the window show that no crop stood there yet (late-sown beans, leek). Where all looks are
    later than `stood_by`, a stand that the first one saw counts.

    Inside the fall the pair of looks with the largest decrease tells how it fell. Where that pair takes more of the
    fall than ripening could in its time, or was still green in mid September, the crop was cut green: the harvest is
    the middle of the pair, in autumn at most `LONGEST_WAIT` days after its first look; of a crop of autumn, of the days
    from `AUTUMN_DAYS` on. Else it ripened: cereals,
    rapeseed and pulses lose their green weeks before the combine comes, and the harvest is put `ripening` days after
    half of the green area is gone (not later than the window: what falls at its end was cut).

    Parameters
    ----------
    values : (parcel, look)
        LAI, m2/m2, or another measure of green; NaN where the parcel was not seen.
    open_ground : (parcel, look)
        Whether the look shows soil without plants, living or dead; all false where nothing tells.
    days : (look,)
        Day of each look, ascending.
    first, last
        First and last day of the window in which a harvest may lie.
    stood_by
        Last day by which a main crop stands, see above.
    level
        A stand is above it, in units of `values`.
    strong
        Least difference between the largest value before and the smallest after the fall.
    ripening
        Days from half of the green area gone to harvest.

    Returns
    -------
    Falls
    """
    parcels = len(values)
    numbers = np.full((4, parcels), np.nan, np.float32)
    pairs = np.full((2, parcels), -1, np.int32)
    status = np.zeros(parcels, np.int8)
    ripened = np.zeros(parcels, np.bool_)
    _find(
        np.ascontiguousarray(values, np.float32),
        np.ascontiguousarray(open_ground),
        np.ascontiguousarray(days, np.int32),
        first,
        last,
        stood_by,
        level,
        strong,
        ripening,
        status,
        numbers,
        pairs,
        ripened,
    )
    day, top, floor, uncertainty = numbers
    return Falls(status, day, pairs[0], pairs[1], top, floor, ripened, uncertainty)


@compiled
def _find(values, open_ground, days, first, last, stood_by, level, strong, ripening, status, numbers, pairs, ripened):  # type: ignore[no-untyped-def]
    parcels, looks = values.shape
    t = np.empty(looks, np.int32)
    v = np.empty(looks, np.float32)
    is_open = np.empty(looks, np.bool_)
    for p in range(parcels):
        n = _seen(values[p], open_ground[p], days, t, v, is_open)
        if n < 3 or t[2] > last:
            status[p] = NEVER_SEEN if n == 0 else FEW_LOOKS
            continue
        status[p] = NEVER_STOOD
        # Two low looks before the window opens: no crop was there to be harvested early in it.
        late_crop = t[1] <= first and v[0] < level and v[1] < level
        past = 0
        while past < n:
            begin, past = _stand(t, v, n, past, level)
            # Where the first look of all came later, a stand that it saw was there before.
            late = begin < n and t[begin] > max(stood_by, t[0])
            if begin == n or (late and (status[p] != NEVER_STOOD or not late_crop)):
                break
            if past == n:
                status[p] = STILL_STANDING
                break
            top, floor, peak = _depth(t, v, n, begin, past)
            if top - floor < strong:
                status[p] = TOO_WEAK if status[p] == NEVER_STOOD else status[p]
                continue
            day, spread, pair, yellow = _date_fall(t, v, is_open, n, peak, past, top, floor, last, ripening, stood_by)
            if day < first or day > last:
                status[p] = LOW_BEFORE if day < first else OUTSIDE
                continue
            status[p] = FOUND
            numbers[0, p], numbers[1, p], numbers[2, p], numbers[3, p] = day, top, floor, spread
            pairs[0, p], pairs[1, p], ripened[p] = t[pair], t[pair + 1], yellow
        if status[p] == NEVER_STOOD and t[0] > first:
            status[p] = LOW_AT_FIRST
        if status[p] != FOUND:
            numbers[:, p], pairs[:, p], ripened[p] = np.nan, -1, False


@compiled
def _seen(row, open_row, days, t, v, is_open):  # type: ignore[no-untyped-def]
    """Put a parcel's looks one after another; return how many there are."""
    n = 0
    for k in range(len(row)):
        if not np.isnan(row[k]):
            t[n], v[n], is_open[n] = days[k], row[k], open_row[k]
            n += 1
    return n


@compiled
def _stand(t, v, n, k, level):  # type: ignore[no-untyped-def]
    """First look of the next stand, from look `k` on, and the first look below it; `n` where there is none."""
    while k < n and not (v[k] >= level and (k == 0 or k + 1 == n or v[k + 1] >= level)):
        k += 1
    past = k + 1
    while past < n:
        if v[past] < level and past + 1 < n and (v[past + 1] < level or t[past + 1] - t[past - 1] >= LONE_LOW_DAYS):
            break
        past += 1
    return k, min(past, n)


@compiled
def _date_fall(t, v, is_open, n, peak, past, top, floor, last, ripening, stood_by):  # type: ignore[no-untyped-def]
    """Day of harvest, its uncertainty, the first look of the steepest pair, and whether the crop ripened."""
    pair = peak
    for k in range(peak, past):
        if v[k] - v[k + 1] > v[pair] - v[pair + 1]:
            pair = k
    gap = t[pair + 1] - t[pair]
    share = (v[pair] - v[pair + 1]) / (top - floor)
    half = _half(t, v, peak, past, 0.5 * (top + floor))
    day, latest = half + ripening, last + 1.0
    k = pair + 1
    while k < n and t[k] <= day:
        if is_open[k]:
            latest = t[k]
            break
        k += 1
    cut = share >= max(ABRUPT_SHARE, np.tanh(0.25 * gap / RIPENING_PACE) + ABRUPT_MARGIN)
    cut = cut or (share >= ABRUPT_SHARE and t[pair] >= stood_by + LATE_GREEN_DAYS)
    if cut or day > last or latest <= t[pair + 1]:
        # Clouds of late autumn: of a pair that reaches over the end of the window, the part inside counts.
        until = min(t[pair + 1], last) if t[pair] <= last else t[pair + 1]
        since = t[pair]
        if gap >= HIDING_DAYS and since >= stood_by + AUTUMN_CROP_DAYS and until > stood_by + AUTUMN_DAYS:
            since = max(since, stood_by + AUTUMN_DAYS)
        waited = 0.5 * (until - since)
        if t[pair + 1] >= stood_by + LATE_GREEN_DAYS:
            waited = min(waited, LONGEST_WAIT)
        return since + waited, 0.5 * (until - t[pair]) + 0.5, pair, False
    if latest < day:
        earliest = max(half, t[k - 1])
        return 0.5 * (earliest + latest), 0.5 * (latest - half) + 0.5, pair, True
    return day, 0.5 * gap + 0.25 * ripening + 0.5, pair, True


@compiled
def _depth(t, v, n, begin, past):  # type: ignore[no-untyped-def]
    """Largest value before the fall, smallest after it, and the last look at which it stood near its largest."""
    top, floor = v[past - 1], v[past]
    for k in range(begin, past):
        if t[past] - t[k] <= RECENT:
            top = max(top, v[k])
    for k in range(past, n):
        if t[k] - t[past] <= FLOOR_DAYS:
            floor = min(floor, v[k])
    peak = past - 1
    while peak > begin and v[peak] < floor + 0.8 * (top - floor):
        peak -= 1
    return top, floor, peak


@compiled
def _half(t, v, peak, past, middle):  # type: ignore[no-untyped-def]
    """Day on which the line through the looks passes the middle of the fall for the last time."""
    for k in range(past - 1, peak - 1, -1):
        if v[k] >= middle > v[k + 1]:
            return t[k] + (v[k] - middle) / (v[k] - v[k + 1]) * (t[k + 1] - t[k])
    return 0.5 * (t[past - 1] + t[past])
