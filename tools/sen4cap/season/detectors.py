"""Every way to find the two dates, through one interface.

A detector takes a `Block` of parcels and `Settings` and gives `Dates`. `EMERGENCE` and `TERMINATION` list them all; the
command's choices and the tests go by these lists. All look inside the same frame, the winter stand of `stands`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import baselines, wise, wist
from .fall import fall_days
from .growth import growth_days
from .stands import Stands
from .templates import TICKS


@dataclass(frozen=True)
class Block:
    """What is known of a block of parcels.

    Attributes
    ----------
    lai, fcover : (parcel, day) float32
        Smooth daily series; NaN outside the observed span.
    at : (look,) int64
        Day index of each look.
    look_lai : (parcel, look) float32
        LAI as observed; NaN where not seen.
    green : (parcel, look) float32
        Cleaned joint greenness of LAI and FCOVER (`stands.green_of`, `stands.clean`).
    stands : Stands
        Where the winter stand lies.
    ticks : (clock, day) int64
        Clocks that growth may follow (`templates.clocks`).
    allowed : (2, parcel) int32
        First and last day on which a stand may have emerged, by what is known of it besides its growth.
    cold : tuple of int
        First day of winter and of spring.
    """

    lai: NDArray[np.float32]
    fcover: NDArray[np.float32]
    at: NDArray[np.int64]
    look_lai: NDArray[np.float32]
    green: NDArray[np.float32]
    stands: Stands
    ticks: NDArray[np.int64]
    allowed: NDArray[np.int32]
    cold: tuple[int, int]


@dataclass(frozen=True)
class Settings:
    """Parameters of the published detectors.

    Attributes
    ----------
    short, long, signal : int
        WISE: days of the moving averages S, L and K.
    threshold : float
        WISE: least MACD_div of a green-up, as a share of the series' range.
    rise : float
        WISE: least rise that must follow without a lasting fall, as a share of the range.
    """

    short: int
    long: int
    signal: int
    threshold: float
    rise: float


@dataclass(frozen=True)
class Dates:
    """One date a parcel.

    Attributes
    ----------
    day : (parcel,) float64
        Day index; NaN where the detector finds none.
    spread : (parcel,) float64
        Days, +/-, that hold about two thirds of true dates.
    """

    day: NDArray[np.float64]
    spread: NDArray[np.float64]


Detector = Callable[[Block, Settings | None], Dates]
"""Only `wise` reads the settings."""

GAP_FACTOR, GAP_OFFSET = 0.9, 1.5
"""Spread of a date that stands on its bracketing looks alone: 0.9 (gap / 2 + 1.5 d), fitted on simulated truth."""
GROWTH_SPREAD = (0.53, 0.0, 0.7)
"""Shares of the posterior's spread (see `growth_spread`) and of the gap around the date, and a floor in days, added in
squares. Fitted to the whole days that are written, on the truth of the simulator and on growth of other families."""
SLOWEST = 8.0
"""In the cold a stand takes at most so many days for the growth of a usual one."""
SLOW_DAYS = 7
"""Days before and after a date over which the pace of growth is taken."""
FALL_SPREAD = (0.92, 0.18, 0.5)
"""The same for falls, whose looks of one gap say nothing of the day in it. The gap counts by itself, too: a frost or a
dry week ends many stands of a season on the same days, so that errors of a season go together."""
LEAST_OF_GAP = 0.1
"""No date is told closer than this share of the gap around it: the templates have not been held against dates that
people wrote down in fields, and where nobody looked for weeks a curve alone must not be believed further."""


def bracket(at: NDArray[np.int64], green: NDArray[np.float32], day: NDArray[np.float64]) -> NDArray[np.int32]:
    """Last look before and first look after each day, (2, parcel), as day indices; -1 where there is none."""
    around = np.full((2, len(day)), -1, np.int32)
    baselines.bracket(at, green, day, around)
    return around


def _by_gap(block: Block, day: NDArray[np.float64]) -> Dates:
    before, after = bracket(block.at, block.green, day)
    gap = np.where((before >= 0) & (after >= 0), after - before, np.nan)
    return Dates(day, np.where(np.isnan(day), np.nan, GAP_FACTOR * (gap / 2 + GAP_OFFSET)))


def widened(
    block: Block, day: NDArray[np.float64], spread: NDArray[np.float64], shares: tuple[float, float, float]
) -> NDArray[np.float64]:
    """Uncertainty of a posterior's date: spread, share of the gap and floor in squares; at least `LEAST_OF_GAP`."""
    of_spread, of_gap, floor = shares
    before, after = bracket(block.at, block.green, day)
    gap = np.where((before >= 0) & (after >= 0), after - before, 0)
    wide = np.sqrt((of_spread * spread) ** 2 + (of_gap * gap) ** 2 + floor**2)
    return np.where(np.isnan(day), np.nan, np.maximum(wide, LEAST_OF_GAP * gap))


def growth_spread(block: Block, day: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """Uncertainty of an emergence: what the looks tell wrong of the leaves takes longer to grow in the cold.

    The posterior's spread is multiplied by the days that stand for a usual one on the clock of warmth and daylight.
    """
    clock = block.ticks[-1]
    at = np.where(np.isnan(day), 0, day).astype(np.int64)
    first, past = np.clip(at - SLOW_DAYS, 0, len(clock) - 1), np.clip(at + SLOW_DAYS, 0, len(clock) - 1)
    pace = (clock[past] - clock[first]) / (TICKS * np.maximum(past - first, 1))
    slow = 1 / np.clip(pace, 1 / SLOWEST, 1)
    return widened(block, day, slow * spread, GROWTH_SPREAD)


def _growth(block: Block, settings: Settings | None) -> Dates:
    stands = block.stands
    day, spread = growth_days(
        block.at, block.green, stands.low, stands.top, stands.base, ticks=block.ticks, allowed=block.allowed
    )
    return Dates(day, growth_spread(block, day, spread))


def _wise(block: Block, settings: Settings | None) -> Dates:
    if settings is None:
        raise TypeError("WISE needs its parameters")
    stands = block.stands
    day = wise.green_up(
        block.lai,
        stands.low,
        stands.top,
        short=settings.short,
        long=settings.long,
        signal=settings.signal,
        threshold=settings.threshold,
        rise=settings.rise,
    )
    return _by_gap(block, day)


def _wise_published(block: Block, settings: Settings | None) -> Dates:
    stands = block.stands
    day = wise.green_up_published(block.fcover, stands.low, stands.top)
    return _by_gap(block, day)


def _threshold(block: Block, settings: Settings | None) -> Dates:
    stands = block.stands
    return _by_gap(block, baselines.last_below(block.lai, stands.low, stands.top, share=0.1))


def _fall(block: Block, settings: Settings | None) -> Dates:
    stands = block.stands
    day, spread = fall_days(
        block.at, block.green, stands.last_top, stands.after, stands.base, stands.noise, cold=block.cold
    )
    return Dates(day, widened(block, day, spread, FALL_SPREAD))


def _wist(block: Block, settings: Settings | None) -> Dates:
    stands = block.stands
    day, spread = wist.fastest_decrease(block.at, block.look_lai, stands.last_top, stands.after)
    return Dates(day, spread)


def _slope(block: Block, settings: Settings | None) -> Dates:
    stands = block.stands
    return _by_gap(block, baselines.steepest_fall(block.lai, stands.last_top, stands.after))


EMERGENCE: Mapping[str, Detector] = {
    "default": _growth,
    "wise": _wise,
    "wise-published": _wise_published,
    "threshold": _threshold,
}
TERMINATION: Mapping[str, Detector] = {"default": _fall, "wist": _wist, "slope": _slope}
