"""Harvest weeks: a series file in, and the marker tables it was made from where they are at hand; a table out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import xarray as xr
from numpy.typing import NDArray

from .. import __version__
from ..compiled import over_blocks
from ..errors import BadInput
from ..harvests import COLUMNS
from ..marker_table import MarkerTable
from ..progress import say
from ..series import open_series
from ..soil.kernel import COVERED, UNSEEN, leave_out, poor_looks
from ..tables import write_csv, write_details
from .kernel import FOUND, REASONS, Falls, main_harvest

BLOCK = 8192
"""Parcels a thread works on at a time."""
GOOD, FAIR = 5.0, 8.0
"""Uncertainty, days, up to which a date is called good, and fair."""

Looks = Callable[[slice], tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.int32]]]
"""Values and open ground, (parcel, look), of a block of parcels, and the days of the looks."""


class Rules(NamedTuple):
    """What makes a fall the harvest of a main crop: see `kernel.main_harvest`. Days of the season's autumn, MM-DD."""

    window_start: str
    window_end: str
    stood_by: str
    level: float
    strong: float
    ripening: float
    open_ground: float
    clear_share: float
    better_within: int


def harvest(series: Path, *, markers: Sequence[Path], variable: str, rules: Rules, threads: int, output: Path) -> None:
    """Write the Monday of each parcel's harvest week, and the details."""
    data = open_series(series)
    if variable not in data:
        names = ", ".join(str(name) for name in data if name != "gap")
        raise BadInput(series, f"has no {variable}, only {names}", do=f"run `sen4cap smooth --variables {variable}`")
    looks = _looks_of_tables(markers, data, variable, rules) if markers else _looks_of_series(data, variable)
    first, last, stood_by = (_day(data, text) for text in (rules.window_start, rules.window_end, rules.stood_by))

    def work(begin: int, past: int) -> Falls:
        return main_harvest(
            *looks(slice(begin, past)),
            first=first,
            last=last,
            stood_by=stood_by,
            level=rules.level,
            strong=rules.strong,
            ripening=rules.ripening,
        )

    # Without parcels there is one empty block.
    blocks = over_blocks(work, data.sizes["parcel"], block=BLOCK, threads=threads) or [work(0, 0)]
    found = Falls(*(np.concatenate([getattr(block, field.name) for block in blocks]) for field in fields(Falls)))
    _write(output, data, found, source="looks" if markers else "smoothed")


def _day(data: xr.Dataset, month_day: str) -> int:
    """Day of the season's first year, counted from the first day of the series."""
    day = np.datetime64(f"{data.attrs['season']}-{month_day}") - data["day"].to_numpy()[0].astype("datetime64[D]")
    return int(day.astype(int))


def _looks_of_series(data: xr.Dataset, variable: str) -> Looks:
    """Smoothed values on the days of clear looks."""
    values, gap = data[variable].to_numpy(), data["gap"].to_numpy()
    days = np.arange(data.sizes["day"], dtype=np.int32)

    def looks(rows: slice) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.int32]]:
        # Days on which no parcel of the block was seen need not be looked through.
        seen = gap[rows] == 0
        any_seen = seen.any(axis=0)
        block = np.where(seen[:, any_seen], values[rows][:, any_seen], np.float32(np.nan))
        return block, np.zeros(block.shape, bool), days[any_seen]

    return looks


def _looks_of_tables(markers: Sequence[Path], data: xr.Dataset, variable: str, rules: Rules) -> Looks:
    """What was observed, unsmoothed: a smooth curve makes a harvest look like ripening."""
    table = MarkerTable(markers)
    begin, end = (data["day"].to_numpy()[k].astype("datetime64[D]").item() for k in (0, -1))
    row_of = table.rows_of(data["parcel"].to_numpy())
    tells_ground = "NBR2" in table.types()

    def looks(rows: slice) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.int32]]:
        at = row_of[rows]
        known = at >= 0
        found = table.looks(variable, start=begin, end=end, rows=at[known], with_stdev=False)
        values = np.full((len(at), len(found.days)), np.nan, np.float32)
        offsets = (found.days - np.datetime64(begin, "D")).astype(np.int32)
        poor = poor_looks(found.pixels, clear_share=rules.clear_share)
        seen = np.where(np.isnan(found.mean), np.int8(UNSEEN), np.int8(COVERED))
        kept = leave_out(seen, offsets, poor, within=rules.better_within) != UNSEEN
        values[known] = np.where(kept, found.mean, np.float32(np.nan))
        open_ground = np.zeros(values.shape, bool)
        if tells_ground:
            ground = table.looks("NBR2", start=begin, end=end, rows=at[known], with_stdev=False)
            _, here, there = np.intersect1d(found.days, ground.days, assume_unique=True, return_indices=True)
            open_ground[np.ix_(known, here)] = ground.mean[:, there] < rules.open_ground
        return values, open_ground, offsets

    return looks


def _write(output: Path, data: xr.Dataset, found: Falls, *, source: str) -> None:
    begin = data["day"].to_numpy()[0].astype("datetime64[D]")
    day = _date(begin, np.floor(found.day))
    # Day 0 of the epoch was a Thursday.
    monday = day - ((day.astype(np.int64) + 3) % 7).astype("timedelta64[D]")
    monday[np.isnat(day)] = np.datetime64("NaT")
    ids = data["parcel"].to_numpy()
    known = found.status == FOUND
    quality = np.select([found.uncertainty <= GOOD, found.uncertainty <= FAIR], ["good", "fair"], default="poor")
    details = {
        "NewID": ids,
        "harvest_start": monday,
        "harvest_day": day,
        "uncertainty": found.uncertainty.astype(np.float64).round(1),
        "quality": pa.array(quality, pa.string(), mask=~known),
        "kind": pa.array(np.where(found.ripened, "ripened", "cut"), pa.string(), mask=~known),
        "look_before": _date(begin, np.where(known, found.before, np.nan)),
        "look_after": _date(begin, np.where(known, found.after, np.nan)),
        "top": found.top.astype(np.float64).round(3),
        "floor": found.floor.astype(np.float64).round(3),
        "reason": pa.array(np.array(REASONS, object)[found.status], pa.string()),
    }
    about = {"season": f"{data.attrs['season']}", "source": source, "software": f"sen4cap {__version__}"}
    write_details(output, details, metadata=about)
    write_csv(output, dict(zip(COLUMNS, (ids, monday), strict=True)))
    for status in np.unique(found.status[~known]):
        which = ids[found.status == status]
        more = f" and {len(which) - 10} more" if len(which) > 10 else ""
        say(f"{len(which)} parcels without a harvest week, {REASONS[status]}: {', '.join(map(str, which[:10]))}{more}")


def _date(begin: np.datetime64, days: NDArray) -> NDArray[np.datetime64]:
    """Dates of days counted from `begin`; NaT where NaN."""
    known = np.isfinite(days)
    dates = begin + np.where(known, days, 0).astype(np.int64).astype("timedelta64[D]")
    dates[~known] = np.datetime64("NaT")
    return dates
