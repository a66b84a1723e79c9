"""Bare soil from clear looks: each look votes, each day takes the state of the nearer one. Arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

BARE, COVERED, UNSEEN = 1, 0, -1
"""State of a look: bare soil, anything else (crop, residue, snow-free stubble), or not to be used."""
MOIST_B11 = 0.20
"""Reflectance of bare soil in B11 as it mostly lies in autumn and winter: there NBR2 is taken as it was measured."""
USUAL_LEVEL, LEVELS = 0.07, (0.045, 0.105)
"""`level_nbr2` of a parcel's barest looks: that of a usual parcel, and what a parcel's own is cut to."""
BAREST, LEAST_LOOKS = 0.1, 5
"""Quantile of a parcel's open looks that tells its own level, and how many looks that takes."""


@dataclass(frozen=True)
class Intervals:
    """What is known of a block of parcels. Days are whole days counted from the first day of the span.

    Attributes
    ----------
    parcel, start, end : (interval,) int32
        Row of the parcel; first day, and the day after the last. They tile the span of each parcel that was seen.
    bare : (interval,) bool
        Whether the soil is bare in it.
    looks, overruled : (parcel,) int32
        Looks that were used, and those among them that a filtered run stood on.
    largest_gap : (parcel,) int32
        Longest time without a look, days; the ends of the span count too. The whole span where there is no look.
    bare_days : (parcel,) int32
        Bare days of the span; -1 where there is no look.
    far_parcel, far_start, far_end : (stretch,) int32
        Stretches of days farther from any look than the limit, in the same coding.
    """

    parcel: NDArray[np.int32]
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    bare: NDArray[np.bool_]
    looks: NDArray[np.int32]
    overruled: NDArray[np.int32]
    largest_gap: NDArray[np.int32]
    bare_days: NDArray[np.int32]
    far_parcel: NDArray[np.int32]
    far_start: NDArray[np.int32]
    far_end: NDArray[np.int32]


def poor_looks(pixels: NDArray[np.float32], /, *, clear_share: float) -> NDArray[np.bool_]:
    """Looks that show only a small part of a parcel: the rest is under cloud, and what is left beside it often hazy.

    Parameters
    ----------
    pixels : (parcel, look)
        Clear pixels; 0 where the parcel was not seen.
    clear_share
        Share of the parcel's most pixels that a look must show.

    Returns
    -------
    (parcel, look) bool
    """
    return np.asarray(pixels < clear_share * pixels.max(axis=1, keepdims=True, initial=0))


def level_nbr2(nbr2: NDArray[np.float32], b11: NDArray[np.float32], /, *, darkening: float) -> NDArray[np.float32]:
    """NBR2 as it would be if the ground were as bright as moist soil mostly is (`MOIST_B11`).

    Water darkens the ground, at 2.2 um more than at 1.6 um (Lobell and Asner 2002): wet soil has a higher NBR2 than dry
    soil and is darker in B11, while residue has a higher one and is not. So what the brightness explains is taken off:

        NBR2 + darkening * ln(B11 / MOIST_B11)

    Parameters
    ----------
    nbr2, b11 : (parcel, look)
        NaN where not known; where B11 is not, NBR2 stays as it is.
    darkening
        Rise of NBR2 where B11 falls to 1 / e.

    Returns
    -------
    (parcel, look) float32
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        change = np.float32(darkening) * np.log(b11 / np.float32(MOIST_B11))
    return nbr2 + np.where(np.isfinite(change), change, np.float32(0))


def own_limits(
    ndvi: NDArray[np.float32],
    nbr2: NDArray[np.float32],
    good: NDArray[np.bool_],
    /,
    *,
    ndvi_below: float,
    nbr2_below: float,
    own_share: float,
) -> NDArray[np.float32]:
    """Limit of NBR2 for each parcel: soils differ, and a field's own barest looks tell where its soil lies.

    Parameters
    ----------
    ndvi, nbr2 : (parcel, look)
        NBR2 from `level_nbr2`; NaN where the parcel was not seen.
    good : (parcel, look)
        Looks that may tell the parcel's level.
    ndvi_below, nbr2_below
        Looks below this NDVI show open ground; limit of NBR2 of a usual parcel.
    own_share
        Share of the difference between the parcel's own level (the lowest `BAREST` of its open looks) and the usual one
        by which its limit moves. A parcel with fewer than `LEAST_LOOKS` open looks keeps the usual limit.

    Returns
    -------
    (parcel,) float32
    """
    level = np.full(len(ndvi), USUAL_LEVEL, np.float32)
    values = (np.ascontiguousarray(plane, np.float32) for plane in (ndvi, nbr2))
    _barest(*values, np.ascontiguousarray(good), np.float32(ndvi_below), level)
    return np.float32(nbr2_below) + np.float32(own_share) * (np.clip(level, *LEVELS) - np.float32(USUAL_LEVEL))


@compiled
def _barest(ndvi, nbr2, good, ndvi_below, level):  # type: ignore[no-untyped-def]
    parcels, looks = ndvi.shape
    values = np.empty(looks, np.float32)
    for p in range(parcels):
        n = 0
        for k in range(looks):
            if good[p, k] and ndvi[p, k] < ndvi_below and not np.isnan(nbr2[p, k]):
                values[n] = nbr2[p, k]
                n += 1
        if n < LEAST_LOOKS:
            continue
        # The few smallest, one after the other, take less than sorting all.
        for rank in range(int(BAREST * (n - 1)) + 1):
            least = rank
            for k in range(rank + 1, n):
                if values[k] < values[least]:
                    least = k
            values[rank], values[least] = values[least], values[rank]
            level[p] = values[rank]


def vote(
    ndvi: NDArray[np.float32],
    nbr2: NDArray[np.float32],
    bsi: NDArray[np.float32],
    /,
    *,
    ndvi_below: float,
    nbr2_below: float | NDArray[np.float32],
    bsi_above: float,
) -> NDArray[np.int8]:
    """State of each look: bare where all indices that are known say so.

    A low NDVI tells open ground from green, a low NBR2 = (B11 - B12) / (B11 + B12) tells soil from dry residue
    (cellulose absorbs in B12), and a high BSI = ((B11 + B04) - (B08 + B02)) / (B11 + B04 + B08 + B02) speaks for soil
    again. A majority will not do: NDVI and BSI both see green alone, and two votes of theirs would make soil of straw.

    Parameters
    ----------
    ndvi, nbr2 : (parcel, look)
        NaN where the parcel was not seen; NBR2 best from `level_nbr2`.
    bsi : (parcel, look)
        NaN where its bands are not known: the look is then decided without it.
    ndvi_below, nbr2_below, bsi_above
        An index votes for bare soil below, or above, these values; that of NBR2 may be each parcel's own, (parcel,).

    Returns
    -------
    (parcel, look) int8
        `BARE`, `COVERED`, or `UNSEEN` where NDVI or NBR2 is missing.
    """
    limit = np.ascontiguousarray(np.broadcast_to(np.asarray(nbr2_below, np.float32), len(ndvi)))
    states = np.empty(ndvi.shape, np.int8)
    _vote(ndvi, nbr2, bsi, np.float32(ndvi_below), limit, np.float32(bsi_above), states)
    return states


@compiled
def _vote(ndvi, nbr2, bsi, ndvi_below, limit, bsi_above, states):  # type: ignore[no-untyped-def]
    parcels, looks = ndvi.shape
    for p in range(parcels):
        for k in range(looks):
            if np.isnan(ndvi[p, k]) or np.isnan(nbr2[p, k]):
                states[p, k] = UNSEEN
            elif ndvi[p, k] < ndvi_below and nbr2[p, k] < limit[p] and not bsi[p, k] <= bsi_above:
                states[p, k] = BARE
            else:
                states[p, k] = COVERED


def looks_after_rain(
    looks: NDArray[np.datetime64],
    days: NDArray[np.datetime64],
    precipitation: NDArray[np.float64],
    /,
    *,
    rain: float,
    rain_days: int,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Looks that follow rain: wet soil and wet residue look alike in the shortwave infrared.

    Parameters
    ----------
    looks : (look,) datetime64[D]
        Days of the looks.
    days : (day,) datetime64[D]
        Days of the weather record, ascending, unique.
    precipitation : (day,)
        mm a day; NaN where it is not known.
    rain, rain_days
        A look follows rain where the `rain_days` days before it, its own day left out because a satellite passes in the
        morning, brought at least `rain` mm.

    Returns
    -------
    wet, unknown : (look,) bool
        Whether the look follows rain, and whether a day of those before it has no record (it then counts as dry).
    """
    before = looks[:, np.newaxis] - np.arange(1, rain_days + 1).astype("timedelta64[D]")
    at = np.minimum(np.searchsorted(days, before), max(len(days) - 1, 0))
    if len(days):
        fallen = np.where(days[at] == before, precipitation[at], np.nan)
    else:
        fallen = np.full(before.shape, np.nan)
    unknown = np.isnan(fallen)
    fallen[unknown] = 0
    return np.asarray(fallen.sum(axis=1) >= rain), np.asarray(unknown.any(axis=1))


def leave_out(
    states: NDArray[np.int8], days: NDArray[np.int32], doubtful: NDArray[np.bool_], /, *, within: int
) -> NDArray[np.int8]:
    """States without doubtful looks, where a better look is near enough to speak for their days.

    In a wet winter most looks follow rain, and under broken clouds many show a corner of the parcel: a doubtful look
    without a better one near is worth more than none for weeks, and stays.

    Parameters
    ----------
    states : (parcel, look)
        From `vote`.
    days : (look,)
        Days of the looks, ascending.
    doubtful : (parcel, look)
        Looks that follow rain (`looks_after_rain`) or show little of the parcel (`poor_looks`).
    within
        A doubtful look is left out where its parcel has a better one at most this many days from it.

    Returns
    -------
    (parcel, look) int8
        With `UNSEEN` where a look is left out.
    """
    left = np.ascontiguousarray(states).copy()
    _leave_out(left, np.ascontiguousarray(days, np.int32), np.ascontiguousarray(doubtful), within)
    return left


@compiled
def _leave_out(states, days, doubtful, within):  # type: ignore[no-untyped-def]
    parcels, looks = states.shape
    upcoming = np.empty(looks, np.int64)
    far = 1 << 40
    for p in range(parcels):
        better = far
        for k in range(looks - 1, -1, -1):
            if states[p, k] != UNSEEN and not doubtful[p, k]:
                better = days[k]
            upcoming[k] = better
        better = -far
        for k in range(looks):
            if states[p, k] == UNSEEN:
                continue
            if not doubtful[p, k]:
                better = days[k]
            elif min(days[k] - better, upcoming[k] - days[k]) <= within:
                states[p, k] = UNSEEN


def bare_intervals(
    states: NDArray[np.int8],
    ndvi: NDArray[np.float32],
    days: NDArray[np.int32],
    /,
    *,
    ndvi_below: float,
    span: int,
    shortest_run: int,
    far: int,
) -> Intervals:
    """Spread the states of looks over the days between them.

    Every day takes the state of the nearer look, of two at the same distance the earlier; but plants come up day by
    day: between a bare look and a green one the ground is bare as long as the line through their NDVI is below
    `ndvi_below`. A run of one state that stands on a single look and lasts fewer than `shortest_run` days is filtered,
    the shortest first: its days join the runs beside it, because one look may be residual cloud, shadow or haze.

    Parameters
    ----------
    states : (parcel, look)
        From `vote`.
    ndvi : (parcel, look)
        NDVI of the looks.
    days : (look,)
        Days of the looks, ascending, from 0 to `span` - 1.
    ndvi_below
        NDVI from which on a look is green.
    span
        Days of the span.
    shortest_run
        See above; 1 or less filters nothing.
    far
        Days farther from any look than this many days are told.

    Returns
    -------
    Intervals
    """
    parcels, looks = states.shape
    # Room for as many as there can be; what is not filled is never touched and takes no memory.
    room = parcels * (looks + 1)
    start, end, far_start, far_end = (np.empty(room, np.int32) for _ in range(4))
    bare = np.empty(room, np.bool_)
    numbers = np.zeros((6, parcels), np.int32)
    states, days = np.ascontiguousarray(states), np.ascontiguousarray(days, np.int32)
    ndvi, limit = np.ascontiguousarray(ndvi, np.float32), np.float32(ndvi_below)
    _spread(states, ndvi, days, limit, span, shortest_run, far, start, end, bare, far_start, far_end, numbers)
    count, far_count, used, overruled, largest_gap, bare_days = numbers
    kept, told = slice(count.sum()), slice(far_count.sum())
    rows = np.arange(parcels, dtype=np.int32)
    return Intervals(
        parcel=np.repeat(rows, count),
        start=start[kept].copy(),
        end=end[kept].copy(),
        bare=bare[kept].copy(),
        looks=used,
        overruled=overruled,
        largest_gap=largest_gap,
        bare_days=bare_days,
        far_parcel=np.repeat(rows, far_count),
        far_start=far_start[told].copy(),
        far_end=far_end[told].copy(),
    )


@compiled
def _spread(states, ndvi, days, limit, span, shortest_run, far, start, end, bare, far_start, far_end, numbers):  # type: ignore[no-untyped-def]
    """Fill the outputs of `bare_intervals`, parcel after parcel; runs are told by their first and last look."""
    parcels, looks = states.shape
    at, far_at = 0, 0
    first, last = np.empty(looks, np.int32), np.empty(looks, np.int32)
    run_looks, run_state = np.empty(looks, np.int32), np.empty(looks, np.int8)
    for p in range(parcels):
        runs, used, gap, far_count, before = 0, 0, 0, 0, -1
        for k in range(looks):
            if states[p, k] < 0:
                continue
            day = days[k]
            gap = max(gap, day - max(before, 0))
            # Days within `far` of this look or the one before are not told; before the first look there is only this.
            low, high = (before + far + 1 if before >= 0 else 0), day - far
            if high > low:
                far_start[far_at + far_count], far_end[far_at + far_count] = low, high
                far_count += 1
            if runs and run_state[runs - 1] == states[p, k]:
                last[runs - 1] = k
                run_looks[runs - 1] += 1
            else:
                first[runs], last[runs], run_looks[runs], run_state[runs] = k, k, 1, states[p, k]
                runs += 1
            before = day
            used += 1
        numbers[2, p] = used
        if used == 0:
            numbers[4, p], numbers[5, p] = span, -1
            if span > 0:
                far_start[far_at], far_end[far_at], numbers[1, p] = 0, span, 1
                far_at += 1
            continue
        gap = max(gap, span - 1 - before)
        if span > before + far + 1:
            far_start[far_at + far_count], far_end[far_at + far_count] = before + far + 1, span
            far_count += 1
        far_at += far_count
        kept = _filter_runs(first, last, run_looks, run_state, runs, ndvi[p], days, limit, span, shortest_run)
        standing, bare_days, begin = 0, 0, 0
        for r in range(kept):
            past = _past(r, kept, first, last, run_state, ndvi[p], days, limit, span)
            start[at], end[at], bare[at] = begin, past, run_state[r] == 1
            at += 1
            bare_days += (past - begin) * run_state[r]
            standing += run_looks[r]
            begin = past
        numbers[0, p], numbers[1, p], numbers[3, p] = kept, far_count, used - standing
        numbers[4, p], numbers[5, p] = gap, bare_days


@compiled
def _past(r, runs, first, last, run_state, ndvi, days, limit, span):  # type: ignore[no-untyped-def]
    """Day after the last of run `r`."""
    if r < 0:
        return 0
    if r == runs - 1:
        return span
    one, other = last[r], first[r + 1]
    if run_state[r] == 1 and ndvi[one] < limit <= ndvi[other]:
        share = (limit - ndvi[one]) / (ndvi[other] - ndvi[one])
        return days[one] + max(1, int(np.ceil(share * (days[other] - days[one]))))
    return (days[one] + days[other]) // 2 + 1


@compiled
def _filter_runs(first, last, run_looks, run_state, runs, ndvi, days, limit, span, shortest_run):  # type: ignore[no-untyped-def]
    """Drop short runs on one look, the shortest first, of equal ones the earliest; return how many runs are left."""
    while runs > 1:
        worst, length = -1, shortest_run
        for r in range(runs):
            if run_looks[r] > 1:
                continue
            begin = _past(r - 1, runs, first, last, run_state, ndvi, days, limit, span)
            past = _past(r, runs, first, last, run_state, ndvi, days, limit, span)
            if past - begin < length:
                worst, length = r, past - begin
        if worst < 0:
            break
        gone = 1
        if 0 < worst < runs - 1:
            last[worst - 1] = last[worst + 1]
            run_looks[worst - 1] += run_looks[worst + 1]
            gone = 2
        for r in range(worst, runs - gone):
            first[r], last[r] = first[r + gone], last[r + gone]
            run_looks[r], run_state[r] = run_looks[r + gone], run_state[r + gone]
        runs -= gone
    return runs
