"""Bare and non-bare days of each parcel's intercropping period. Arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

BARE, COVERED, BEFORE, AFTER, EXTENDED, LAST_END, LAST_STATE = range(7)
"""Rows of the tally."""
UNSEEN = -1


@dataclass(frozen=True)
class Periods:
    """Intercropping period of each parcel; days are whole days counted from any one day, the same for all.

    Attributes
    ----------
    start, end : (parcel,) int32
        First day, and the day after the last; equal where the parcel has no period.
    before_end : (parcel,) int32
        Bare days before this day count as before the cover crop: its emergence; `start` where it has none.
    after_start : (parcel,) int32
        Bare days from this day on count as after the cover crop: its termination; `end` where it has none.
    """

    start: NDArray[np.int32]
    end: NDArray[np.int32]
    before_end: NDArray[np.int32]
    after_start: NDArray[np.int32]


class BareDays:
    """Count bare days of periods while bare-soil intervals stream by; memory is bounded by the number of parcels.

    The intervals of one parcel must come in order and must not overlap; those of several parcels may be mixed. Days of
    the period before a parcel's first interval, after its last and in holes take the state of the nearer interval (of
    two at the same distance the earlier) and are told as extended.

    Parameters
    ----------
    periods : Periods
        In whose rows the days are counted.
    """

    def __init__(self, periods: Periods) -> None:
        self._periods = tuple(
            np.ascontiguousarray(days, np.int32)
            for days in (periods.start, periods.end, periods.before_end, periods.after_start)
        )
        self._tally = np.zeros((7, len(periods.start)), np.int32)
        self._tally[LAST_STATE] = UNSEEN

    def add(
        self,
        row: NDArray[np.int64],
        start: NDArray[np.int32],
        end: NDArray[np.int32],
        bare: NDArray[np.bool_],
        /,
    ) -> int:
        """Count the days of some intervals.

        Parameters
        ----------
        row : (interval,)
            Row of the parcel; -1 where it has none, the interval is then left out.
        start, end : (interval,)
            First day, and the day after the last.
        bare : (interval,)
            Whether the soil is bare.

        Returns
        -------
        int
            The first interval that overlaps or precedes an earlier one of its parcel, or -1: all were counted.
        """
        return int(
            _add(
                np.ascontiguousarray(row, np.int64),
                np.ascontiguousarray(start, np.int32),
                np.ascontiguousarray(end, np.int32),
                np.ascontiguousarray(bare),
                *self._periods,
                self._tally,
            )
        )

    def result(self) -> dict[str, NDArray[np.int32]]:
        """Days by parcel, after the last interval.

        Returns
        -------
        dict of (parcel,) int32
            ``bare`` and ``covered``, which together make the period; ``before`` and ``after`` the cover crop, out of
            ``bare``; ``extended``, out of the period. All are -1 for a parcel without any interval.
        """
        tally = self._tally.copy()
        _close(*self._periods, tally)
        names = ("bare", "covered", "before", "after", "extended")
        unseen = tally[LAST_STATE] == UNSEEN
        return {name: np.where(unseen, np.int32(-1), tally[i]) for i, name in enumerate(names)}


@compiled
def _add(row, start, end, bare, first, past, before_end, after_start, tally):  # type: ignore[no-untyped-def]
    for i in range(len(row)):
        p = row[i]
        if p < 0:
            continue
        last = tally[LAST_END, p]
        if tally[LAST_STATE, p] == UNSEEN:
            _count(p, first[p], start[i], bare[i], True, first, past, before_end, after_start, tally)
        elif start[i] < last:
            return i
        elif start[i] > last:
            middle = (last - 1 + start[i]) // 2 + 1
            state = tally[LAST_STATE, p] == 1
            _count(p, last, middle, state, True, first, past, before_end, after_start, tally)
            _count(p, middle, start[i], bare[i], True, first, past, before_end, after_start, tally)
        _count(p, start[i], end[i], bare[i], False, first, past, before_end, after_start, tally)
        tally[LAST_END, p] = end[i]
        tally[LAST_STATE, p] = 1 if bare[i] else 0
    return -1


@compiled
def _close(first, past, before_end, after_start, tally):  # type: ignore[no-untyped-def]
    for p in range(len(first)):
        state = tally[LAST_STATE, p]
        if state != UNSEEN:
            _count(p, tally[LAST_END, p], past[p], state == 1, True, first, past, before_end, after_start, tally)


@compiled
def _count(p, start, end, bare, extended, first, past, before_end, after_start, tally):  # type: ignore[no-untyped-def]
    start, end = max(start, first[p]), min(end, past[p])
    if end <= start:
        return
    if extended:
        tally[EXTENDED, p] += end - start
    if bare:
        tally[BARE, p] += end - start
        tally[BEFORE, p] += max(0, min(end, before_end[p]) - start)
        tally[AFTER, p] += max(0, end - max(start, after_start[p]))
    else:
        tally[COVERED, p] += end - start
