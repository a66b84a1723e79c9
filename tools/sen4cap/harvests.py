"""Harvest weeks of main crops, however an agency has them: this suite's own table, or the L4C product as it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyogrio
from numpy.typing import NDArray

from .errors import BadInput
from .progress import say
from .tables import header_of, read_columns

COLUMNS = ("NewID", "harvest_start")
L4C_WEEK = "H_W_START"
"""Field of the L4C agricultural-practices product that holds the Monday of the harvest week."""
L4C_ID = "FIELD_ID"
"""In the L4C output this is NewID; in the L4C input, the practices file, it is the agency's own identifier."""
L4C_WITHOUT = ("NO-HARVEST", "NA", "NA1")
"""What L4C writes where it has no harvest week."""
NOT_LISTED = "not in the harvest file"


@dataclass(frozen=True)
class Harvests:
    """Harvest weeks by parcel.

    Attributes
    ----------
    ids : (parcel,) int32
        NewID, unique.
    start : (parcel,) datetime64[D]
        Monday of the harvest week; NaT where it is not known.
    reason : (parcel,) object
        Why it is not known; '' where it is.
    path : Path
        Where they were read from.
    """

    ids: NDArray[np.int32]
    start: NDArray[np.datetime64]
    reason: NDArray[np.object_]
    path: Path

    def of(self, ids: NDArray[np.int32]) -> tuple[NDArray[np.datetime64], NDArray[np.object_]]:
        """Harvest week and reason of given parcels, in their order; says how many rows are of other parcels."""
        at = pd.Index(self.ids).get_indexer(ids)
        found = at >= 0
        start = np.full(len(ids), "NaT", "datetime64[D]")
        reason = np.full(len(ids), NOT_LISTED, object)
        start[found], reason[found] = self.start[at[found]], self.reason[at[found]]
        others = np.setdiff1d(self.ids, ids)
        if len(others):
            say(f"{self.path}: {len(others)} rows are of parcels that are not looked at: {_some(others)}")
        if not found.all():
            say(f"{self.path}: {int((~found).sum())} parcels have no row: {_some(ids[~found])}")
        return start, reason


def read_harvests(path: Path) -> Harvests:
    """Read harvest weeks: `NewID,harvest_start`, an L4C CSV or an L4C GeoPackage, told apart by what they hold.

    Parcels that L4C has no week for (NO-HARVEST, NA, NA1) and empty cells are counted and kept with that reason. Of
    several rows of one parcel the first counts. A date that is no Monday stands for the week it lies in.

    Raises
    ------
    BadInput
        The file is neither, an L4C file is in comma form, or a cell is no date; the message names the record.
    """
    path = Path(path)
    with open(path, "rb") as handle:  # noqa: PTH123
        is_database = handle.read(15) == b"SQLite format 3"
    ids, weeks = _from_geopackage(path) if is_database else _from_csv(path)
    start, reason = _parse(path, ids, weeks)
    _, first = np.unique(ids, return_index=True)
    if len(first) < len(ids):
        again = np.setdiff1d(np.arange(len(ids)), first)
        say(f"{path}: {len(again)} rows repeat a parcel, the first of each counts: {_some(ids[again])}")
        first.sort()
        ids, start, reason = ids[first], start[first], reason[first]
    for text in sorted({str(r) for r in reason if r}):
        which = reason == text
        say(f"{path}: {int(which.sum())} parcels without a harvest week, {text}: {_some(ids[which])}")
    return Harvests(ids, start, reason, path)


def _from_csv(path: Path) -> tuple[NDArray[np.int32], pa.Array]:
    """Identifiers and week cells, as text."""
    names, separator = header_of(path)
    id_column, week_column = COLUMNS
    if L4C_ID in names or L4C_WEEK in names:
        id_column, week_column = (L4C_ID if L4C_ID in names else "NewID"), L4C_WEEK
        if separator != ";":
            raise BadInput(
                path,
                "is an L4C table in comma form; the L4C product is separated by semicolons, and in the comma form "
                f"{L4C_ID} need not be NewID",
                do="give the Sen4CAP_L4C_..._CSV.csv as the processor wrote it",
            )
    table = read_columns(path, {id_column: pa.int32(), week_column: pa.string()}, filled=[id_column])
    return table.column(id_column).to_numpy(), _one(table.column(week_column))


def _from_geopackage(path: Path) -> tuple[NDArray[np.int32], pa.Array]:
    """Identifiers and week cells of the first layer that has both, as text."""
    try:
        for layer, _ in pyogrio.list_layers(path):
            fields = list(pyogrio.read_info(path, layer=layer)["fields"])
            if {"NewID", L4C_WEEK} <= set(fields):
                break
        else:
            raise BadInput(path, f"has no layer with NewID and {L4C_WEEK}")
        _, table = pyogrio.read_arrow(path, layer=layer, columns=["NewID", L4C_WEEK], read_geometry=False)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise BadInput(path, f"cannot be read as an L4C GeoPackage ({error})") from error
    try:
        ids = _one(table.column("NewID")).cast(pa.string()).cast(pa.int32())
    except pa.ArrowException as error:
        raise BadInput(path, f"has a NewID that is no whole number ({error})") from error
    if ids.null_count:
        raise BadInput(f"{path}, record {int(np.argmin(ids.is_valid())) + 1}", "NewID is empty")
    return ids.to_numpy(), pa.compute.fill_null(_one(table.column(L4C_WEEK)).cast(pa.string()), "")


def _parse(path: Path, ids: NDArray[np.int32], weeks: pa.Array) -> tuple[NDArray[np.datetime64], NDArray[np.object_]]:
    """Mondays and reasons of week cells."""
    weeks = pa.compute.utf8_trim_whitespace(weeks.cast(pa.string()))
    codes = pa.array(["", *L4C_WITHOUT])
    code = pa.compute.index_in(weeks, value_set=codes)
    dates = pa.compute.if_else(code.is_valid(), pa.scalar(None, pa.string()), weeks)
    try:
        days = dates.cast(pa.date32())
    except pa.ArrowException as error:
        raise _no_date(path, ids, dates) from error
    start = days.to_numpy(zero_copy_only=False).astype("datetime64[D]")
    # Day 0 of the epoch was a Thursday.
    beyond_monday = (start.astype(np.int64) + 3) % 7
    moved = (beyond_monday != 0) & ~np.isnat(start)
    if moved.any():
        say(f"{path}: {int(moved.sum())} harvest weeks do not start on a Monday, moved back to it: {_some(ids[moved])}")
        start[moved] -= beyond_monday[moved].astype("timedelta64[D]")
    reasons = np.array(["no harvest week given", *(f"harvest file says {text}" for text in L4C_WITHOUT), ""], object)
    at = pa.compute.fill_null(code, len(codes)).to_numpy(zero_copy_only=False)
    return start, reasons[at]


def _no_date(path: Path, ids: NDArray[np.int32], dates: pa.Array) -> BadInput:
    for parcel, text in zip(ids, dates.to_pylist(), strict=True):
        try:
            pa.array([text], pa.string()).cast(pa.date32())
        except pa.ArrowException:
            known = ", ".join(L4C_WITHOUT)
            return BadInput(f"{path}, NewID {parcel}", f"harvest week {text!r} is neither YYYY-MM-DD nor {known}")
    return BadInput(path, "has a harvest week that is no date")


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _some(ids: NDArray[np.int32], most: int = 10) -> str:
    return ", ".join(map(str, ids[:most])) + (f" and {len(ids) - most} more" if len(ids) > most else "")
