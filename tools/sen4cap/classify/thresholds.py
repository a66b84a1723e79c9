"""The threshold rule: cover that is kept through the autumn, and a peak above its minimum. Arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled


def cover_ratio(
    lai: NDArray[np.float32],
    fcover: NDArray[np.float32],
    gap: NDArray[np.int16],
    begin: NDArray[np.int64],
    /,
    *,
    first: int,
    autumn_end: int,
    winter_end: int,
    peak_end: int,
    lai_level: float,
    fcover_level: float,
    least_days: int,
    lai_margin: float,
    fcover_margin: float,
    longest_gap: int,
) -> NDArray[np.float64]:
    """How far a parcel is from the thresholds of the threshold method: 1 is exactly at them.

    A parcel has a winter cover crop where two things hold after its main crop is gone: LAI and FCOVER both stay above a
    level for a least number of days on end up to 31 December, and both reach a peak that is a margin above the
    autumn's minimum (design of this project). Both are measured as a ratio, and the smaller one counts.

    The main crop is gone from the day of its harvest on where that is given, else from the first day below the levels
    or the autumn's minimum of FCOVER, whichever is first. Where no look falls into a long part of the autumn, harvest
    and bare soil may hide in there: then the stand after that part counts as well, and its margin is measured from bare
    soil.

    Parameters
    ----------
    lai, fcover : (parcel, day)
        Smoothed series; NaN outside the observed span.
    gap : (parcel, day)
        Days to the nearest clear look.
    begin : (parcel,)
        Column of the first day after the harvest; negative where it is not known.
    first
        Column of the season's first day.
    autumn_end, winter_end, peak_end
        Columns before which the minimum, the cover (31 December) and the peak are looked for.
    lai_level, fcover_level
        m2/m2 and 1.
    least_days
        Days on end.
    lai_margin, fcover_margin
        m2/m2 and 1.
    longest_gap
        Days without a look that may hide a harvest.

    Returns
    -------
    (parcel,)
        Ratio, 0 or more; NaN where no day of the window is known.
    """
    out = np.full(len(lai), np.nan)
    last = lai.shape[1]
    _cover_ratio(
        np.ascontiguousarray(lai),
        np.ascontiguousarray(fcover),
        np.ascontiguousarray(gap),
        begin.astype(np.int64),
        max(first, 0),
        min(autumn_end, last),
        min(winter_end, last),
        min(peak_end, last),
        lai_level,
        fcover_level,
        least_days,
        lai_margin,
        fcover_margin,
        longest_gap,
        out,
    )
    return out


def confidence_of_ratio(ratio: NDArray[np.float64], /) -> NDArray[np.float64]:
    """Confidence in a winter cover crop from `cover_ratio`: r^2 / (1 + r^2), so 0.5 at the thresholds."""
    square = np.minimum(ratio, 1e3) ** 2
    confidence: NDArray[np.float64] = square / (1 + square)
    return confidence


@compiled
def _cover_ratio(  # type: ignore[no-untyped-def]
    lai,
    fcover,
    gap,
    begin,
    first,
    autumn_end,
    winter_end,
    peak_end,
    lai_level,
    fcover_level,
    least_days,
    lai_margin,
    fcover_margin,
    longest_gap,
    out,
):
    for parcel in range(len(lai)):
        green = lai[parcel]
        cover = fcover[parcel]
        start = first
        while start < peak_end and (np.isnan(cover[start]) or np.isnan(green[start])):
            start += 1
        if start >= peak_end:
            continue
        if begin[parcel] >= 0:
            low = max(start, min(begin[parcel], winter_end))
        else:
            low = _crop_gone(green, cover, start, autumn_end, lai_level, fcover_level)
        bare_lai = _least(green, low, autumn_end)
        bare_cover = _least(cover, low, autumn_end)
        stand = _sustained(green, cover, low, winter_end, least_days, lai_level, fcover_level)
        rise = _rise(green, cover, low, peak_end, bare_lai, bare_cover, lai_margin, fcover_margin)
        ratio = min(stand, rise)
        hidden = _after_gap(gap[parcel], first, autumn_end, longest_gap)
        if begin[parcel] < 0 and 0 <= hidden < peak_end:
            stop = max(winter_end, min(hidden + least_days, peak_end))
            stand = _sustained(green, cover, hidden, stop, least_days, lai_level, fcover_level)
            rise = _rise(green, cover, hidden, peak_end, 0.0, 0.0, lai_margin, fcover_margin)
            ratio = max(ratio, min(stand, rise))
        out[parcel] = max(ratio, 0.0)


@compiled
def _crop_gone(green, cover, start, autumn_end, lai_level, fcover_level):  # type: ignore[no-untyped-def]
    """First day below a level, or the autumn's minimum of FCOVER where no day is."""
    low = start
    for day in range(start, autumn_end):
        if cover[day] < fcover_level or green[day] < lai_level:
            return day
        if cover[day] < cover[low]:
            low = day
    return low


@compiled
def _least(values, low, stop):  # type: ignore[no-untyped-def]
    """Least value from a day on."""
    least = values[low]
    for day in range(low, stop):
        if values[day] < least:
            least = values[day]
    return least


@compiled
def _sustained(green, cover, start, stop, least_days, lai_level, fcover_level):  # type: ignore[no-untyped-def]
    """Greatest share of both levels that is kept for the least number of days on end."""
    best = 0.0
    for day in range(start, stop - least_days + 1):
        least = np.inf
        for later in range(day, day + least_days):
            lai_share = green[later] / lai_level
            cover_share = cover[later] / fcover_level
            if not (lai_share > best and cover_share > best):
                least = 0.0
                break
            least = min(least, lai_share, cover_share)
        if least > best:
            best = least
    return best


@compiled
def _rise(green, cover, start, stop, bare_lai, bare_cover, lai_margin, fcover_margin):  # type: ignore[no-untyped-def]
    """Share of both margins that the peaks stand above bare soil or the autumn's minimum."""
    peak_lai = bare_lai
    peak_cover = bare_cover
    for day in range(start, stop):
        if green[day] > peak_lai:
            peak_lai = green[day]
        if cover[day] > peak_cover:
            peak_cover = cover[day]
    return min((peak_lai - bare_lai) / lai_margin, (peak_cover - bare_cover) / fcover_margin)


@compiled
def _after_gap(gap, first, autumn_end, longest_gap):  # type: ignore[no-untyped-def]
    """First day with a look after the last long time without one that begins in autumn; -1 where there is none."""
    found = -1
    since = first
    for day in range(first, len(gap)):
        if gap[day] == 0:
            if day - since > longest_gap:
                found = day
            since = day
            if day >= autumn_end:
                break
    return found
