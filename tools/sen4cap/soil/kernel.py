"""Bare soil from clear looks: each look votes, each day takes the state of the nearer look. Arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

BARE, COVERED, UNSEEN = 1, 0, -1
"""State of a look: bare soil, anything else (crop, residue, snow-free stubble), or not to be used."""


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


def vote(
    ndvi: NDArray[np.float32],
    nbr2: NDArray[np.float32],
    bsi: NDArray[np.float32],
    /,
    *,
    ndvi_below: float,
    nbr2_below: float,
    bsi_above: float,
) -> NDArray[np.int8]:
    """State of each look: bare where all indices that are known say so.

    A low NDVI tells open ground from green, a low NBR2 = (B11 - B12) / (B11 + B12) tells soil from dry residue
    (cellulose absorbs in B12), and a high BSI = ((B11 + B04) - (B08 + B02)) / (B11 + B04 + B08 + B02) speaks for soil
    again. A majority will not do: NDVI and BSI both see green alone, and two votes of theirs would make soil of straw.

    Parameters
    ----------
    ndvi, nbr2 : (parcel, look)
        NaN where the parcel was not seen.
    bsi : (parcel, look)
        NaN where its bands are not known: the look is then decided without it.
    ndvi_below, nbr2_below, bsi_above
        An index votes for bare soil below, or above, these values.

    Returns
    -------
    (parcel, look) int8
        `BARE`, `COVERED`, or `UNSEEN` where NDVI or NBR2 is missing.
    """
    agreed = (ndvi < ndvi_below) & (nbr2 < nbr2_below) & ~(bsi <= bsi_above)
    states = np.where(agreed, np.int8(BARE), np.int8(COVERED))
    states[np.isnan(ndvi) | np.isnan(nbr2)] = UNSEEN
    return states


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


def leave_out_wet(
    states: NDArray[np.int8], days: NDArray[np.int32], wet: NDArray[np.bool_], /, *, dry_within: int
) -> NDArray[np.int8]:
    """States without the looks that follow rain, where a dry look is near enough to speak for their days.

    In a wet winter most looks follow rain: one without any dry look near is worth more than none for months, and stays.

    Parameters
    ----------
    states : (parcel, look)
        From `vote`.
    days : (look,)
        Days of the looks, ascending.
    wet : (look,)
        From `looks_after_rain`.
    dry_within
        A wet look of a parcel is left out where the parcel has a dry one at most this many days from it.

    Returns
    -------
    (parcel, look) int8
        With `UNSEEN` where a look is left out.
    """
    left = np.ascontiguousarray(states).copy()
    _leave_out(left, np.ascontiguousarray(days, np.int32), np.ascontiguousarray(wet), dry_within)
    return left


@compiled
def _leave_out(states, days, wet, dry_within):  # type: ignore[no-untyped-def]
    parcels, looks = states.shape
    upcoming = np.empty(looks, np.int64)
    far = 1 << 40
    for p in range(parcels):
        dry = far
        for k in range(looks - 1, -1, -1):
            if states[p, k] != UNSEEN and not wet[k]:
                dry = days[k]
            upcoming[k] = dry
        dry = -far
        for k in range(looks):
            if states[p, k] == UNSEEN:
                continue
            if not wet[k]:
                dry = days[k]
            elif min(days[k] - dry, upcoming[k] - days[k]) <= dry_within:
                states[p, k] = UNSEEN


def bare_intervals(
    states: NDArray[np.int8], days: NDArray[np.int32], /, *, span: int, shortest_run: int, far: int
) -> Intervals:
    """Spread the states of looks over the days between them.

    Every day takes the state of the nearer look, of two at the same distance the earlier. A run of one state that
    stands on a single look and lasts fewer than `shortest_run` days is filtered, the shortest first: its days join the
    runs beside it, because one look may be residual cloud, shadow or haze.

    Parameters
    ----------
    states : (parcel, look)
        From `vote`.
    days : (look,)
        Days of the looks, ascending, from 0 to `span` - 1.
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
    shape = (parcels, looks + 1)
    start, end, far_start, far_end = (np.zeros(shape, np.int32) for _ in range(4))
    bare = np.zeros(shape, np.bool_)
    numbers = np.zeros((6, parcels), np.int32)
    states, days = np.ascontiguousarray(states), np.ascontiguousarray(days, np.int32)
    _spread(states, days, span, shortest_run, far, start, end, bare, far_start, far_end, numbers)
    count, far_count, used, overruled, largest_gap, bare_days = numbers
    kept = np.arange(shape[1]) < count[:, np.newaxis]
    told = np.arange(shape[1]) < far_count[:, np.newaxis]
    rows = np.arange(parcels, dtype=np.int32)
    return Intervals(
        parcel=np.repeat(rows, count),
        start=start[kept],
        end=end[kept],
        bare=bare[kept],
        looks=used,
        overruled=overruled,
        largest_gap=largest_gap,
        bare_days=bare_days,
        far_parcel=np.repeat(rows, far_count),
        far_start=far_start[told],
        far_end=far_end[told],
    )


@compiled
def _spread(states, days, span, shortest_run, far, start, end, bare, far_start, far_end, numbers):  # type: ignore[no-untyped-def]
    """Fill the outputs of `bare_intervals`, parcel by parcel."""
    parcels, looks = states.shape
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
                far_start[p, far_count], far_end[p, far_count] = low, high
                far_count += 1
            if runs and run_state[runs - 1] == states[p, k]:
                last[runs - 1] = day
                run_looks[runs - 1] += 1
            else:
                first[runs], last[runs], run_looks[runs], run_state[runs] = day, day, 1, states[p, k]
                runs += 1
            before = day
            used += 1
        numbers[2, p] = used
        if used == 0:
            numbers[4, p], numbers[5, p] = span, -1
            if span > 0:
                far_end[p, 0], numbers[1, p] = span, 1
            continue
        gap = max(gap, span - 1 - before)
        if span > before + far + 1:
            far_start[p, far_count], far_end[p, far_count] = before + far + 1, span
            far_count += 1
        kept = _filter_runs(first, last, run_looks, run_state, runs, span, shortest_run)
        standing, bare_days, begin = 0, 0, 0
        for r in range(kept):
            past = span if r == kept - 1 else (last[r] + first[r + 1]) // 2 + 1
            start[p, r], end[p, r], bare[p, r] = begin, past, run_state[r] == 1
            bare_days += (past - begin) * run_state[r]
            standing += run_looks[r]
            begin = past
        numbers[0, p], numbers[1, p], numbers[3, p] = kept, far_count, used - standing
        numbers[4, p], numbers[5, p] = gap, bare_days


@compiled
def _filter_runs(first, last, run_looks, run_state, runs, span, shortest_run):  # type: ignore[no-untyped-def]
    """Drop short runs on one look, the shortest first, of equal ones the earliest; return how many runs are left."""
    while runs > 1:
        worst, length = -1, shortest_run
        for r in range(runs):
            if run_looks[r] > 1:
                continue
            begin = 0 if r == 0 else (last[r - 1] + first[r]) // 2 + 1
            past = span if r == runs - 1 else (last[r] + first[r + 1]) // 2 + 1
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
