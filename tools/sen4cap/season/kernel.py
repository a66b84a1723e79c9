"""The season of a block of parcels: stand, dates, uncertainties, maxima, and why a date is missing. Arrays only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .detectors import EMERGENCE, TERMINATION, Block, Settings, bracket, growth_spread
from .ends import LOW_LOOK
from .growth import growth_days
from .looks import Calendar, clean, drop_partial, green_of
from .stands import FEW_LOOKS, MIN_LOOKS, NO_GROWTH, NO_LOOK, SEEN, Stands, find_stands
from .templates import clocks

AFTER_END = 25
"""A stand's low look after its fall comes up to so many days after the season's end, a main crop's later."""
NEAR = 7
"""Maxima are sought within so many days of a look: further into a gap a smooth curve overshoots."""
WIDE_DAYS = 15.0
"""A date less sure than this makes the parcel's quality `wide`."""

DATED, UNSEEN, FEW, BARE, NO_START, EARLY, LATE, STANDING, OPEN, UNFOUND = range(10)
REASONS = (
    "",
    "no clear look in the season",
    f"fewer than {MIN_LOOKS} clear looks in the season",
    "no growth of a winter stand seen",
    "green when first seen: no look at low vegetation before the stand",
    "emerged before the season started",
    "growth began too late for a winter cover crop: taken for the next main crop",
    "still standing at the end of the season",
    "no fall seen up to the last look",
    "the method found none",
)
"""Why a date is missing, by code."""


@dataclass(frozen=True)
class Result:
    """What is known of each parcel's winter. Days are indices of the daily series, NaN where they are not known.

    Attributes
    ----------
    emergence, termination : (parcel,) float64
        Whole days.
    em_spread, ter_spread : (parcel,) float64
        Uncertainty, days.
    em_reason, ter_reason : (parcel,) int8
        Position in `REASONS`; 0 where the date is known.
    em_around, ter_around : (2, parcel) int32
        Last look before and first look after each date; -1: none.
    next_emergence, next_spread : (parcel,) float64
        Emergence of the next main crop.
    lai_day, lai_most, cover_day, cover_most : (parcel,) float64
        Maxima of LAI and FCOVER between the two dates, as far as they are known, and their days.
    looks : (parcel,) int32
        Clear looks in the season.
    top : (parcel,) int32
        Day of the stand's first top; -1: no stand.
    longest_gap : (parcel,) int32
        Longest time between two looks that touches the season, days; -1: no look.
    """

    emergence: NDArray[np.float64]
    termination: NDArray[np.float64]
    em_spread: NDArray[np.float64]
    ter_spread: NDArray[np.float64]
    em_reason: NDArray[np.int8]
    ter_reason: NDArray[np.int8]
    em_around: NDArray[np.int32]
    ter_around: NDArray[np.int32]
    next_emergence: NDArray[np.float64]
    next_spread: NDArray[np.float64]
    lai_day: NDArray[np.float64]
    lai_most: NDArray[np.float64]
    cover_day: NDArray[np.float64]
    cover_most: NDArray[np.float64]
    looks: NDArray[np.int32]
    top: NDArray[np.int32]
    longest_gap: NDArray[np.int32]


def season_of(
    lai: NDArray[np.float32],
    fcover: NDArray[np.float32],
    at: NDArray[np.int64],
    look_lai: NDArray[np.float32],
    look_fcover: NDArray[np.float32],
    share: NDArray[np.float32],
    /,
    *,
    start: np.datetime64,
    calendar: Calendar,
    emergence: str,
    termination: str,
    settings: Settings | None,
) -> Result:
    """Find the season of every parcel of a block.

    Parameters
    ----------
    lai, fcover : (parcel, day) float32
        Smooth daily series; NaN outside the observed span.
    at : (look,)
        Day index of each look, ascending, inside the series.
    look_lai, look_fcover : (parcel, look) float32
        As observed; NaN where a parcel was not seen.
    share : (parcel, look) float32
        Of the parcel's most clear pixels, how many each look shows.
    start
        First day of the series.
    calendar
        The season's days as indices of the series.
    emergence, termination
        Names of `detectors.EMERGENCE` and `detectors.TERMINATION`.
    settings
        Parameters of `wise`; the other detectors need none.
    """
    at = np.ascontiguousarray(at, np.int64)
    green = drop_partial(green_of(look_lai, look_fcover), share)
    look_lai = np.where(np.isnan(green), np.float32(np.nan), look_lai)
    green = clean(at, green, calendar=calendar)
    stands = find_stands(at, green, calendar=calendar)
    ticks = clocks(start, lai.shape[1])
    allowed = allowed_days(stands, calendar, lai.shape[1])
    block = Block(lai, fcover, at, look_lai, green, stands, ticks, allowed, (calendar.winter, calendar.spring))
    begun, ended = EMERGENCE[emergence](block, settings), TERMINATION[termination](block, settings)
    em, ter = np.round(begun.day), np.round(ended.day)
    seen = stands.state == SEEN
    unseen = np.select(
        [stands.state == NO_LOOK, stands.state == FEW_LOOKS, stands.state == NO_GROWTH], [UNSEEN, FEW, BARE], 0
    )
    # A main crop that was sown late and harvested before the winter grows like a cover crop, only too early.
    early = em < calendar.first
    summer = seen & (early & (ter < calendar.winter))
    seen &= ~summer
    unseen = np.where(summer, BARE, unseen)
    late = seen & (em > calendar.latest)
    em_reason = np.select(
        [~seen, late, stands.low < 0, np.isnan(em), em < calendar.first],
        [unseen, LATE, NO_START, UNFOUND, EARLY],
        DATED,
    )
    ter_reason = np.select(
        [~seen, late, stands.after < 0, np.isnan(ter) | (ter <= em), ter > calendar.last],
        [unseen, LATE, OPEN, UNFOUND, STANDING],
        DATED,
    )
    last_look = _last_look(at, green)
    ter_reason = np.where((ter_reason == OPEN) & (last_look >= calendar.last), STANDING, ter_reason)
    next_day, next_spread = _next_emergence(block, em, ter, late)
    em, ter = np.where(em_reason == DATED, em, np.nan), np.where(ter_reason == DATED, ter, np.nan)
    stood = seen & ~late
    first = np.where(np.isnan(em), np.maximum(np.where(stands.low < 0, 0, stands.low), calendar.first), em)
    last = np.where(np.isnan(ter), calendar.last, ter)
    spans = np.where(stood, np.stack([first, last]), -1).astype(np.int64)
    return Result(
        emergence=em,
        termination=ter,
        em_spread=np.where(np.isnan(em), np.nan, begun.spread),
        ter_spread=np.where(np.isnan(ter), np.nan, ended.spread),
        em_reason=em_reason.astype(np.int8),
        ter_reason=ter_reason.astype(np.int8),
        em_around=bracket(at, green, em),
        ter_around=bracket(at, green, ter),
        next_emergence=next_day,
        next_spread=next_spread,
        **dict(zip(("lai_day", "lai_most"), _maximum(lai, at, green, spans), strict=True)),
        **dict(zip(("cover_day", "cover_most"), _maximum(fcover, at, green, spans), strict=True)),
        looks=stands.looks,
        top=np.where(stood, stands.top, -1).astype(np.int32),
        longest_gap=_longest_gap(at, green, calendar),
    )


def allowed_days(stands: Stands, calendar: Calendar, days: int) -> NDArray[np.int32]:
    """Days on which each stand may have emerged, (2, parcel).

    What has fallen about the season's end is no main crop, so it came up before `latest` if the looks allow that.
    """
    fallen = (stands.after >= 0) & (stands.after <= calendar.last + AFTER_END)
    return np.stack([np.full(len(fallen), calendar.first), np.where(fallen, calendar.latest, days - 1)]).astype(
        np.int32
    )


def _next_emergence(
    block: Block, em: NDArray[np.float64], ter: NDArray[np.float64], late: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Emergence of the next main crop: the growth after the fall, or growth that began too late for a cover crop.

    Late growth that stays low and goes before something else comes up was weeds, not the crop.
    """
    stands = block.stands
    late = late & ~((stands.next_low >= 0) & _stays_low(block))
    day, spread = growth_days(block.at, block.green, stands.next_low, stands.next_top, stands.base, ticks=block.ticks)
    day = np.where(late, em, np.round(day))
    known = np.isfinite(day) & (late | ~(day <= ter))
    spread = growth_spread(block, day, spread)
    return np.where(known, day, np.nan), np.where(known & ~late, spread, np.nan)


def _stays_low(block: Block) -> NDArray[np.bool_]:
    """Whether the highest look of the stand's last hump is a low one."""
    stands = block.stands
    height = np.full(len(block.green), np.inf)
    known = np.flatnonzero(stands.last_top >= 0)
    height[known] = block.green[known, np.searchsorted(block.at, stands.last_top[known])] - stands.base[known]
    return np.asarray(height < LOW_LOOK)


def _maximum(
    series: NDArray[np.float32], at: NDArray[np.int64], green: NDArray[np.float32], spans: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    day, most = np.full(len(series), np.nan), np.full(len(series), np.nan)
    _find_maximum(series, at, green, spans, day, most)
    return day, most


def _last_look(at: NDArray[np.int64], green: NDArray[np.float32]) -> NDArray[np.int64]:
    seen = np.isfinite(green)
    last = np.where(seen, at, -1).max(axis=1, initial=-1)
    return np.asarray(last, np.int64)


def _longest_gap(at: NDArray[np.int64], green: NDArray[np.float32], calendar: Calendar) -> NDArray[np.int32]:
    gap = np.full(len(green), -1, np.int32)
    _find_gap(at, green, calendar.first, calendar.last, gap)
    return gap


@compiled
def _find_maximum(series: NDArray, at: NDArray, green: NDArray, spans: NDArray, day: NDArray, most: NDArray) -> None:
    """First highest day of each span that lies near a look; of the whole span where none does."""
    for p in range(len(series)):
        first, last = spans[0, p], min(spans[1, p], series.shape[1] - 1)
        if first < 0:
            continue
        found, highest = -1, -np.inf
        begin, end = first, first - 1
        for k in range(len(at)):
            if np.isfinite(green[p, k]):
                if at[k] - NEAR > end + 1:
                    found, highest = _higher(series[p], begin, end, found, highest)
                    begin = at[k] - NEAR
                end = max(end, min(at[k] + NEAR, last))
        found, highest = _higher(series[p], begin, end, found, highest)
        if found < 0:
            found, highest = _higher(series[p], first, last, found, highest)
        if found >= 0:
            day[p], most[p] = found, highest


@compiled
def _higher(series: NDArray, first: int, last: int, found: int, highest: float) -> tuple[int, float]:
    """First highest day from `first` to `last` and its value, where it is higher than what was found before."""
    for i in range(first, last + 1):
        higher = series[i] > highest
        found = i if higher else found
        highest = series[i] if higher else highest
    return found, highest


@compiled
def _find_gap(at: NDArray, green: NDArray, first: int, last: int, gap: NDArray) -> None:
    for p in range(len(green)):
        before = first
        any_look = False
        for k in range(len(at)):
            if not np.isfinite(green[p, k]):
                continue
            any_look = True
            if at[k] >= first and before <= last:
                gap[p] = max(gap[p], at[k] - before)
            before = max(at[k], first)
        if any_look:
            gap[p] = max(gap[p], last - before)
        else:
            gap[p] = -1
