"""Intercropping: cover-crop dates, harvest weeks and bare-soil intervals in, one row a parcel out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from .. import __version__
from ..classes import NWCC, WCC
from ..errors import BadInput
from ..harvests import Harvests, read_harvests
from ..progress import say, track
from ..seasons import Season
from ..soil_intervals import stream_soil
from ..tables import details_path, read_columns, read_details, write_csv, write_details
from .kernel import BareDays, Periods

NO_CLASS = 0
DAY = "datetime64[D]"


@dataclass(frozen=True)
class CoverCrops:
    """What is known of each parcel's cover crop; NaT where a date is not known.

    Attributes
    ----------
    ids : (parcel,) int32
        NewID of the rows to write.
    class_of : (parcel,) int8
        `WCC`, `NWCC`, or `NO_CLASS` where no classes were given.
    emergence, termination, next_emergence : (parcel,) datetime64[D]
        Of the cover crop, and of the next main crop.
    """

    ids: NDArray[np.int32]
    class_of: NDArray[np.int8]
    emergence: NDArray[np.datetime64]
    termination: NDArray[np.datetime64]
    next_emergence: NDArray[np.datetime64]


@dataclass(frozen=True)
class Intercropping:
    """Intercropping period of each parcel.

    Attributes
    ----------
    start, end : (parcel,) datetime64[D]
        Start of the harvest week, and the day after the last; NaT where there is no period.
    emergence_seen : (parcel,) bool
        Whether it ends with the emergence of the next main crop; else with the season.
    split : (parcel,) bool
        Whether its bare days are told before and after the cover crop.
    reason : (parcel,) object
        Why cells stay empty; '' where none does.
    """

    start: NDArray[np.datetime64]
    end: NDArray[np.datetime64]
    emergence_seen: NDArray[np.bool_]
    split: NDArray[np.bool_]
    reason: NDArray[np.object_]


def intercrop(season: Path, *, harvest: Path, soil: Path, classes: Path | None, season_end: str, output: Path) -> None:
    """Write intercrop.csv and its details."""
    harvests = read_harvests(harvest)
    crops = _cover_crops(season, classes)
    year = _season_year(season, harvests)
    periods = _periods(crops, harvests, Season(year, end_day=season_end))
    days = _count(soil, crops, periods)
    far = _far_days(soil, crops.ids, periods)
    _write(output, crops, periods, days, far, year)


def _cover_crops(season: Path, classes: Path | None) -> CoverCrops:
    """Dates of the parcels to write: those that were classified, or all of the season's details."""
    dates = read_columns(season, {"NewID": pa.int32(), "Em_d": pa.date32(), "Ter_d": pa.date32()}, filled=["NewID"])
    beside = details_path(season)
    details = read_details(beside)
    missing = [name for name in ("NewID", "next_emergence") if name not in details]
    if missing:
        raise BadInput(beside, f"has no column {', '.join(missing)}, only {', '.join(details.columns)}")
    if classes is None:
        ids = details["NewID"].to_numpy(np.int32)
        class_of = np.full(len(ids), NO_CLASS, np.int8)
    else:
        ids, class_of = _classes_of(classes)
    emergence, termination = (
        _aligned(ids, dates.column("NewID").to_numpy(), dates.column(name).to_numpy()) for name in ("Em_d", "Ter_d")
    )
    upcoming = _aligned(ids, details["NewID"].to_numpy(), details["next_emergence"].to_numpy())
    return CoverCrops(ids, class_of, emergence, termination, upcoming)


def _classes_of(path: Path) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    table = read_columns(
        path, {"NewID": pa.int32(), "Pred_class": pa.int32()}, filled=["NewID", "Pred_class"]
    ).to_pandas()
    odd = ~table["Pred_class"].isin([WCC, NWCC])
    if odd.any():
        parcel, found = table.loc[odd.idxmax(), ["NewID", "Pred_class"]]
        raise BadInput(f"{path}, NewID {parcel}", f"Pred_class {found} is neither {WCC} (WCC) nor {NWCC} (NWCC)")
    again = table["NewID"].duplicated()
    if again.any():
        parcel = table.loc[again.idxmax(), "NewID"]
        raise BadInput(f"{path}, NewID {parcel}", "stands twice")
    return table["NewID"].to_numpy(np.int32), table["Pred_class"].to_numpy(np.int8)


def _aligned(ids: NDArray[np.int32], known: NDArray[np.int32], dates: NDArray) -> NDArray[np.datetime64]:
    """Dates of given parcels, NaT where a parcel is not known; of several rows of one parcel the first."""
    first = ~pd.Index(known).duplicated()
    at = pd.Index(known[first]).get_indexer(ids)
    found = np.full(len(ids), "NaT", DAY)
    found[at >= 0] = dates[first][at[at >= 0]].astype(DAY)
    return found


def _season_year(season: Path, harvests: Harvests) -> int:
    """Year of the season's autumn, as the details say; else that of most harvests."""
    about = pa.parquet.read_schema(details_path(season)).metadata or {}
    for key in (b"season", b"season_start"):
        if about.get(key):
            return int(about[key][:4])
    known = harvests.start[~np.isnat(harvests.start)]
    if not len(known):
        raise BadInput(details_path(season), "does not say its season, and no harvest week is known to tell it")
    return int(np.median(known.astype("datetime64[Y]").astype(int))) + 1970


def _periods(crops: CoverCrops, harvests: Harvests, season: Season) -> Intercropping:
    """From the start of the harvest week to the next main crop's emergence, or to the season end."""
    start, reason = harvests.of(crops.ids)
    last, earliest = np.datetime64(season.end, "D"), np.datetime64(f"{season.year}-01-01")
    # Comparisons with NaT are false.
    emergence_seen = crops.next_emergence > start
    end = np.where(emergence_seen, crops.next_emergence, last)
    strange = (start < earliest) | (start >= end)
    for row in np.flatnonzero(strange):
        reason[row] = f"harvest week {start[row]} is not of season {season.year}"
    start[strange] = np.datetime64("NaT")
    end[np.isnat(start)] = np.datetime64("NaT")
    split, why = _split(crops)
    without = (reason == "") & (why != "")
    reason[without] = why[without]
    return Intercropping(start, end, emergence_seen & ~np.isnat(start), split, reason)


def _split(crops: CoverCrops) -> tuple[NDArray[np.bool_], NDArray[np.object_]]:
    """Whether bare days can be told before and after the cover crop, and why not where one was grown."""
    reason = np.full(len(crops.ids), "", object)
    grown = crops.class_of != NWCC
    no_emergence, no_termination = np.isnat(crops.emergence), np.isnat(crops.termination)
    reversed_dates = crops.emergence > crops.termination
    reason[grown & no_emergence] = "no emergence date"
    reason[grown & no_termination] = "no termination date"
    reason[grown & no_emergence & no_termination] = "no emergence and termination dates"
    reason[grown & reversed_dates] = "termination before emergence"
    return grown & ~no_emergence & ~no_termination & ~reversed_dates, reason


def _count(soil: Path, crops: CoverCrops, periods: Intercropping) -> dict[str, NDArray[np.int32]]:
    """Bare and non-bare days of each period; -1 where nothing is known of the parcel's soil."""
    known = ~np.isnat(periods.start)
    start, end = _whole(periods.start, known), _whole(periods.end, known)
    counter = BareDays(
        Periods(
            start=start,
            end=end,
            before_end=np.where(periods.split, _whole(crops.emergence, periods.split), start).astype(np.int32),
            after_start=np.where(periods.split, _whole(crops.termination, periods.split), end).astype(np.int32),
        )
    )
    index = pd.Index(crops.ids)
    for block in track(stream_soil(soil), "blocks of intervals"):
        odd = counter.add(
            index.get_indexer(block.ids),
            block.start.astype(np.int64).astype(np.int32),
            block.end.astype(np.int64).astype(np.int32),
            block.bare,
        )
        if odd >= 0:
            raise BadInput(
                f"{soil}, NewID {block.ids[odd]} from {block.start[odd]}",
                "overlaps or precedes an earlier interval of the parcel",
                do="sort the intervals of each parcel",
            )
    return counter.result()


def _whole(dates: NDArray[np.datetime64], known: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Days since 1970; 0 where not known."""
    return np.where(known, dates.astype(np.int64), 0).astype(np.int32)


def _far_days(soil: Path, ids: NDArray[np.int32], periods: Intercropping) -> NDArray[np.int32] | None:
    """Days of each period that were far from any look, where the soil's details are at hand."""
    beside = details_path(soil)
    if not beside.exists():
        return None
    table = pa.parquet.read_table(beside)
    if not {"NewID", "far_start", "far_end"} <= set(table.column_names):
        return None
    table = table.combine_chunks()
    own = table.column("NewID").to_numpy()
    stretches = [table.column(name).combine_chunks() for name in ("far_start", "far_end")]
    row = np.repeat(pd.Index(ids).get_indexer(own), np.diff(stretches[0].offsets.to_numpy()))
    low, high = (edge.flatten().to_numpy(zero_copy_only=False).astype(DAY).astype(np.int64) for edge in stretches)
    known = ~np.isnat(periods.start)
    start, end = _whole(periods.start, known), _whole(periods.end, known)
    ours = row >= 0
    row, low, high = row[ours], low[ours], high[ours]
    inside = np.maximum(np.minimum(high, end[row]) - np.maximum(low, start[row]), 0)
    return np.bincount(row, weights=inside, minlength=len(ids)).astype(np.int32)


def _write(
    output: Path,
    crops: CoverCrops,
    periods: Intercropping,
    days: dict[str, NDArray[np.int32]],
    far: NDArray[np.int32] | None,
    year: int,
) -> None:
    has_period = ~np.isnat(periods.start)
    unseen = has_period & (days["bare"] < 0)
    reason = periods.reason
    reason[unseen] = "no bare-soil interval of the parcel"
    filled = has_period & ~unseen
    split = filled & periods.split
    length = (periods.end - periods.start).astype(np.int64)
    counts: dict[str, tuple[NDArray, NDArray[np.bool_]]] = {
        "Inter_d": (length, filled),
        "BS_d": (days["bare"], filled),
        "NBS_d": (days["covered"], filled),
        "BS_b": (days["before"], split),
        "BS_a": (days["after"], split),
    }
    columns: dict[str, object] = {"NewID": crops.ids}
    columns |= {name: pa.array(values.astype(np.int32), mask=~told) for name, (values, told) in counts.items()}
    for short in ("BS", "NBS", "BS_b", "BS_a"):
        values, told = counts[f"{short}_d" if short in ("BS", "NBS") else short]
        share = np.zeros(len(length))
        share[told] = np.round(100.0 * values[told] / length[told], 1)
        columns[f"{short}_per"] = pa.array(share, mask=~told).cast(pa.decimal128(4, 1))
    details = {
        "NewID": crops.ids,
        "Pred_class": pa.array(crops.class_of, mask=crops.class_of == NO_CLASS),
        "period_start": periods.start,
        "period_end": periods.end,
        "end_kind": pa.array(
            np.where(periods.emergence_seen, "next emergence", "season end"), pa.string(), mask=~has_period
        ),
        "Em_d": crops.emergence,
        "Ter_d": crops.termination,
        "days_extended": pa.array(days["extended"], mask=~filled),
        "days_far": pa.array(far if far is not None else np.zeros(len(length), np.int32), mask=~filled | (far is None)),
        "reason": pa.array(reason, pa.string()),
    }
    write_details(output, details, metadata={"season": f"{year}", "software": f"sen4cap {__version__}"})
    write_csv(output, columns)
    _account(crops.ids, reason)


def _account(ids: NDArray[np.int32], reason: NDArray[np.object_]) -> None:
    """Say how many parcels have empty cells, and why."""
    code, texts = pd.factorize(reason)
    general = np.array([re.sub(r"harvest week \S+ is", "harvest week is", text) for text in texts], object)
    for text in sorted(set(general) - {""}):
        which: Sequence[int] = ids[np.isin(code, np.flatnonzero(general == text))].tolist()
        more = f" and {len(which) - 10} more" if len(which) > 10 else ""
        say(f"{len(which)} parcels with empty cells, {text}: {', '.join(map(str, which[:10]))}{more}")
