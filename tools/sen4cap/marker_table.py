"""The marker table (MDB1): per-parcel statistics of every acquisition, as Sen4CAP and this suite write them.

An Arrow IPC file with `NewID` int32 first, then float32 columns named
``{YYYYMMDD}_{stat}_{TYPE}[_{pol}][_{orbit}][_{tile}][_{band}]``. Values are in raster units: see `SCALE`.
"""

from __future__ import annotations

import contextlib
import datetime
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from . import __version__
from .errors import BadInput
from .outputs import whole_file
from .progress import say

STATS = ("mean", "stdev", "min", "max", "median", "p25", "p75", "valid_pixels_cnt")
SCALE = {
    "LAI": 1000.0,
    "FAPAR": 1000.0,
    "FCOVER": 1000.0,
    "NDVI": 1000.0,
    "NBR2": 1000.0,
    "NDWI": 1000.0,
    "BRIGHTNESS": 1000.0,
    "L2A": 10000.0,
    "AMP": 1.0,
    "COHE": 1.0,
    "RATIO": 1.0,
}
"""Raster units per physical unit, by type: a mean of 2500 in an LAI column is 2.5 m2/m2."""

_COLUMN = re.compile(
    rf"(?P<day>\d{{8}})_(?P<stat>{'|'.join(STATS)})_(?P<type>{'|'.join(SCALE)})"
    r"(?:_(?P<pol>VV|VH))?(?:_(?P<orbit>\d{3}))?(?:_(?P<tile>\d{2}[A-Z]{3}))?(?:_(?P<band>B\d[\dA]))?"
)


@dataclass(frozen=True, order=True)
class Marker:
    """What one column of a marker table holds."""

    day: datetime.date
    type: str
    pol: str = ""
    orbit: str = ""
    tile: str = ""
    band: str = ""
    stat: str = "mean"

    @property
    def name(self) -> str:
        """Column name."""
        parts = (f"{self.day:%Y%m%d}", self.stat, self.type, self.pol, self.orbit, self.tile, self.band)
        return "_".join(part for part in parts if part)

    @classmethod
    def parse(cls, name: str) -> Marker | None:
        """Read a column name; None where it is no marker."""
        found = _COLUMN.fullmatch(name)
        if found is None:
            return None
        parts = {key: value or "" for key, value in found.groupdict().items()}
        try:
            day = datetime.datetime.strptime(parts.pop("day"), "%Y%m%d").date()
        except ValueError:
            return None
        return cls(day, **parts)


@dataclass(frozen=True)
class Looks:
    """Observations of one quantity: a column a day on which at least one parcel was seen.

    Attributes
    ----------
    days : (look,) datetime64[D]
        Ascending, unique.
    mean, stdev : (parcel, look) float32
        In physical units (LAI in m2/m2, reflectance 0 to 1); NaN where the parcel was not seen.
    pixels : (parcel, look) float32
        Clear pixels; 0 where the parcel was not seen, 1 where it was seen and the table does not count.
    """

    days: NDArray[np.datetime64]
    mean: NDArray[np.float32]
    stdev: NDArray[np.float32]
    pixels: NDArray[np.float32]


class MarkerTable:
    """One or several marker tables seen as one: every parcel that any of them holds.

    Attributes
    ----------
    ids : (parcel,) int32
        NewID in the order of the first table, then those that only later tables hold.
    markers : tuple of Marker
        What the columns hold, ascending.
    sources : tuple of str
        References of the STAC items the values come from, where the files tell.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._tables = [_Table.read(Path(path)) for path in paths]
        ids = np.concatenate([table.ids for table in self._tables])
        _, first = np.unique(ids, return_index=True)
        self.ids: NDArray[np.int32] = ids[np.sort(first)]
        self.markers = tuple(sorted({marker for table in self._tables for marker in table.columns}))
        self.sources = tuple(dict.fromkeys(source for table in self._tables for source in table.sources))
        self.where = ", ".join(str(path) for path in paths)

    def types(self) -> tuple[str, ...]:
        """Quantities the tables hold, such as ``("FCOVER", "LAI")``."""
        return tuple(sorted({marker.type for marker in self.markers}))

    def looks(
        self,
        type: str,
        *,
        band: str = "",
        pol: str = "",
        start: datetime.date | None = None,
        end: datetime.date | None = None,
        rows: slice | NDArray[np.intp] = slice(None),
    ) -> Looks:
        """Observations of one quantity, of a block of parcels.

        Several columns of one day (tiles, orbits, tables) are combined, weighted by their pixel counts.

        Parameters
        ----------
        type
            Such as ``"LAI"``.
        band, pol
            Which band of ``L2A``, which polarisation of ``AMP``.
        start, end
            Days to keep, both included.
        rows
            Block of `ids` (a slice or positions), so that memory is bounded.

        Raises
        ------
        BadInput
            No table holds that quantity.
        """
        means = [m for m in self.markers if (m.type, m.band, m.pol, m.stat) == (type, band, pol, "mean")]
        if not means:
            what = "_".join(part for part in (type, pol, band) if part)
            raise BadInput(self.where, f"has no mean of {what}, only {', '.join(self.types()) or 'no marker at all'}")
        means = [m for m in means if (start is None or m.day >= start) and (end is None or m.day <= end)]
        days = sorted({marker.day for marker in means})
        wanted = self.ids[rows]
        shape = (len(days), len(wanted))
        total, squares, pixels = (np.zeros(shape, np.float32) for _ in range(3))
        scale = np.float32(SCALE[type])
        for table in self._tables:
            at = table.rows_of(wanted)
            for marker in (m for m in means if m in table.columns):
                mean = table.values(marker, at) / scale
                count = table.values(replace(marker, stat="valid_pixels_cnt"), at)
                spread = table.values(replace(marker, stat="stdev"), at) / scale
                seen = np.isfinite(mean) & ~(count <= 0)
                weight = np.where(seen, np.where(np.isfinite(count), count, 1), 0).astype(np.float32)
                mean = np.where(seen, mean, 0)
                row = days.index(marker.day)
                total[row] += weight * mean
                squares[row] += weight * (np.where(np.isfinite(spread), spread, 0) ** 2 + mean**2)
                pixels[row] += weight
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / pixels
            stdev = np.sqrt(np.maximum(squares / pixels - mean**2, 0))
        some = (
            (pixels > 0).any(axis=1)
            if len(wanted) and isinstance(rows, slice) and rows == slice(None)
            else np.ones(len(days), bool)
        )
        return Looks(
            np.array(days, "datetime64[D]")[some], mean[some].T.copy(), stdev[some].T.copy(), pixels[some].T.copy()
        )


@dataclass(frozen=True)
class _Table:
    """One file: its identifiers and columns, memory-mapped where it is Arrow."""

    path: Path
    table: pa.Table
    ids: NDArray[np.int32]
    columns: Mapping[Marker, str]
    order: NDArray[np.intp]

    @classmethod
    def read(cls, path: Path) -> _Table:
        table = _open(path)
        if "NewID" not in table.column_names:
            raise BadInput(path, f"has no NewID, only {', '.join(table.column_names[:8])}")
        ids = table.column("NewID").to_numpy()
        if ids.dtype.kind not in "iu":
            raise BadInput(path, f"has NewID of type {table.schema.field('NewID').type}, not of whole numbers")
        if len(np.unique(ids)) < len(ids):
            twice = sorted({int(i) for i in ids[np.flatnonzero(_again(ids))]})
            names = ", ".join(map(str, twice[:10]))
            say(f"{path}: {len(twice)} NewIDs stand twice, the first row of each counts: {names}")
        columns = {marker: name for name in table.column_names if (marker := Marker.parse(name))}
        return cls(path, table, ids.astype(np.int32), columns, np.argsort(ids, kind="stable"))

    @property
    def sources(self) -> list[str]:
        """References of the items the file was made from."""
        text = (self.table.schema.metadata or {}).get(b"sources", b"").decode()
        return [line for line in text.split("\n") if line]

    def rows_of(self, ids: NDArray[np.int32]) -> NDArray[np.intp]:
        """Row of each identifier; -1 where the file does not hold it."""
        if len(ids) == len(self.ids) and np.array_equal(ids, self.ids):
            return np.arange(len(ids))
        ordered = self.ids[self.order]
        at = np.searchsorted(ordered, ids)
        inside = at < len(ordered)
        found = inside & (ordered[np.where(inside, at, 0)] == ids) if len(ordered) else np.zeros(len(ids), bool)
        return np.where(found, self.order[np.where(found, at, 0)] if len(ordered) else 0, -1)

    def values(self, marker: Marker, at: NDArray[np.intp]) -> NDArray[np.float32]:
        """Values of a column at rows; NaN where the row or the column is missing."""
        if marker not in self.columns:
            return np.full(len(at), np.nan, np.float32)
        column = self.table.column(self.columns[marker])
        low, high = (int(at.min()), int(at.max()) + 1) if len(at) and at.max() >= 0 else (0, 0)
        low = max(low, 0)
        part = column.slice(low, high - low).cast(pa.float32()).to_numpy(zero_copy_only=False)
        if not len(part):
            return np.full(len(at), np.nan, np.float32)
        values: NDArray[np.float32] = np.where(at >= 0, part[np.where(at >= 0, at - low, 0)], np.nan).astype(np.float32)
        return values


def _open(path: Path) -> pa.Table:
    try:
        with open(path, "rb") as handle:  # noqa: PTH123
            magic = handle.read(6)
        if magic == b"ARROW1":
            return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        with open(path, "rb") as handle:  # noqa: PTH123
            header = handle.readline()
        separator = max(",;\t", key=lambda c: header.count(c.encode()))
        return pa.csv.read_csv(
            path,
            parse_options=pa.csv.ParseOptions(delimiter=separator),
            convert_options=pa.csv.ConvertOptions(
                null_values=["", "NA", "NULL", "null", "nan", "NaN"],
                column_types={name: pa.float32() for name in _marker_names(header, separator)},
            ),
        )
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BadInput(path, f"is no readable marker table ({error})") from error


def _marker_names(header: bytes, separator: str) -> list[str]:
    names = header.decode("utf-8-sig", errors="replace").strip().replace('"', "").split(separator)
    return [name for name in names if Marker.parse(name)]


def _again(ids: NDArray) -> NDArray[np.bool_]:
    again = np.ones(len(ids), bool)
    again[np.unique(ids, return_index=True)[1]] = False
    return again


@contextlib.contextmanager
def new_markers(
    path: Path, ids: NDArray[np.int32], markers: Sequence[Marker], *, sources: Sequence[str] = ()
) -> Iterator[NDArray[np.float32]]:
    """Write a marker table: fill the array that is yielded, and it appears whole when the block ends well.

    Parameters
    ----------
    ids : (parcel,)
        NewID of each row.
    markers
        The columns.
    sources
        References of the STAC items the values come from (`stac.source_of`), kept in the schema's metadata.

    Yields
    ------
    (marker, parcel) float32
        In raster units, all NaN to begin with; NaN is written as null. It lies on disk, so memory stays bounded.
    """
    path = Path(path)
    shape = (len(markers), len(ids))
    # A file without a name: not even kill -9 leaves it behind.
    with whole_file(path) as scratch, tempfile.TemporaryFile(dir=path.parent) as room:
        values = np.memmap(room, np.float32, "w+", shape=shape) if 0 not in shape else np.zeros(shape, np.float32)
        values[:] = np.nan
        yield values
        columns = [pa.array(ids, type=pa.int32()), *(_nullable(row) for row in values)]
        schema = pa.schema([("NewID", pa.int32()), *((marker.name, pa.float32()) for marker in markers)])
        schema = schema.with_metadata(
            {"sources": "\n".join(dict.fromkeys(sources)), "software": f"sen4cap {__version__}"}
        )
        with pa.ipc.new_file(str(scratch), schema) as sink:
            sink.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _nullable(row: NDArray[np.float32]) -> pa.Array:
    """Arrow column over the same memory, with NaN as null."""
    missing = np.isnan(row)
    valid = pa.py_buffer(np.packbits(~missing, bitorder="little"))
    return pa.Array.from_buffers(pa.float32(), len(row), [valid, pa.py_buffer(row)], null_count=int(missing.sum()))
