"""The marker table (MDB1): per-parcel statistics of every acquisition, as Sen4CAP and this suite write them.

An Arrow IPC file with `NewID` int32 first, then float32 columns named
``{YYYYMMDD}_{stat}_{TYPE}[_{pol}][_{orbit}][_{tile}][_{band}]``. Values are in raster units: see `SCALE`.
"""

from __future__ import annotations

import bisect
import contextlib
import datetime
import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from . import __version__
from .compiled import compiled
from .errors import BadInput
from .outputs import scratch_array, whole_file
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
    """Observations of one quantity: a column a day for which the tables hold a value, of any parcel.

    Attributes
    ----------
    days : (look,) datetime64[D]
        Ascending, unique.
    mean, stdev : (parcel, look) float32
        In physical units (LAI in m2/m2, reflectance 0 to 1); NaN where the parcel was not seen, and in all
        of `stdev` where it was not asked for.
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
        self._found: dict[tuple[Any, ...], list[tuple[_Table, Marker]]] = {}

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
        with_stdev: bool = True,
    ) -> Looks:
        """Observations of one quantity, of a block of parcels.

        Several columns of one day are combined, weighted by their pixel counts. Those of two tiles or tables show the
        same ground (`seen_twice`), those of two orbits are looks of their own (`pooled`). The days are the same for
        every block of rows.

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
        with_stdev
            Whether to read the deviations too.

        Raises
        ------
        BadInput
            No table holds that quantity.
        """
        columns = self._columns(type, band, pol, start, end)
        days = sorted({marker.day for _, marker in columns})
        wanted = self.ids[rows]
        # Filled a look at a time in the order in which they are read on, a parcel's looks side by side.
        shape = (len(wanted), len(days))
        mean, pixels = np.full(shape, np.nan, np.float32), np.zeros(shape, np.float32)
        stdev = mean.copy() if with_stdev else np.broadcast_to(np.float32(np.nan), shape)
        places = {id(table): table.rows_of(wanted) for table in self._tables}
        # Of a country's many tables each holds the parcels of one tile: those without any of this block are not read.
        held = [(t, m) for t, m in columns if isinstance(at := places[id(t)], slice) or (at >= 0).any()]

        def statistics(column: tuple[_Table, Marker]) -> NDArray[np.floating[Any]]:
            table, marker = column
            return table.statistics(marker, places[id(table)])

        held.sort(key=lambda column: (column[1].day, column[1].orbit))
        for day, group in itertools.groupby(held, key=lambda column: column[1].day):
            look, of_day = bisect.bisect_left(days, day), list(group)
            if len(of_day) == 1 and not with_stdev:
                table, marker = of_day[0]
                table.pixels_and_mean(marker, places[id(table)], pixels[:, look], mean[:, look])
                continue
            orbits = (
                functools.reduce(seen_twice, map(statistics, same))
                for _, same in itertools.groupby(of_day, key=lambda column: column[1].orbit)
            )
            stats = functools.reduce(pooled, orbits)
            mean[:, look] = stats[1]
            pixels[:, look] = np.where(np.isnan(stats[0]), 0, stats[0])
            if with_stdev:
                stdev[:, look] = stats[2]
        return Looks(np.array(days, "datetime64[D]"), mean, stdev, pixels)

    def _columns(
        self, type: str, band: str, pol: str, start: datetime.date | None, end: datetime.date | None
    ) -> list[tuple[_Table, Marker]]:
        """Means of a quantity between two days, and who holds them; the same for every block, so found once."""
        key = (type, band, pol, start, end)
        if key not in self._found:
            means = [m for m in self.markers if (m.type, m.band, m.pol, m.stat) == (type, band, pol, "mean")]
            if not means:
                what = "_".join(part for part in (type, pol, band) if part)
                raise BadInput(
                    self.where, f"has no mean of {what}, only {', '.join(self.types()) or 'no marker at all'}"
                )
            self._found[key] = [
                (table, marker)
                for table in self._tables
                for marker in means
                if (start is None or marker.day >= start)
                and (end is None or marker.day <= end)
                and table.has_values(marker)
            ]
        return self._found[key]


def days_of_all(looks: Iterable[Looks]) -> tuple[NDArray[np.datetime64], list[slice | NDArray[np.intp]]]:
    """Days on which any of some quantities was seen, ascending, and where the days of each stand among them."""
    every = [look.days for look in looks]
    days = np.unique(np.concatenate(every))
    return days, [slice(None) if len(own) == len(days) else np.searchsorted(days, own) for own in every]


def pooled(one: NDArray[np.floating[Any]], other: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Statistics of two sets of pixels taken together, as if all pixels had been measured at once.

    Written with the difference of the means, so that a small spread survives float32.

    Parameters
    ----------
    one, other : (3, ...)
        Pixels (count), mean, standard deviation; where one has no pixel (0 or NaN), the other is returned.

    Returns
    -------
    (3, ...)
        float64; 0 pixels and NaN where neither has any.
    """
    n, m = (np.nan_to_num(each[0].astype(np.float64)) for each in (one, other))
    a, b, s, t = (np.nan_to_num(each[plane].astype(np.float64)) for plane in (1, 2) for each in (one, other))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = m / (n + m)
        variance = (1 - share) * s**2 + share * t**2 + share * (1 - share) * (b - a) ** 2
    return np.stack([n + m, (1 - share) * a + share * b, np.sqrt(variance)])


def seen_twice(one: NDArray[np.floating[Any]], other: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Statistics of ground that one pass shows on two tiles: of both, but no pixel counts twice.

    A parcel in the overlap of two tiles, which may lie in two UTM zones, is measured on the grids of both. Mean and
    deviation are those of `pooled`; the pixels are those of the tile that shows more of the parcel.

    Parameters
    ----------
    one, other : (3, ...)
        Pixels (count), mean, standard deviation; where one has no pixel (0 or NaN), the other is returned.

    Returns
    -------
    (3, ...)
        float64; 0 pixels and NaN where neither has any.
    """
    both = pooled(one, other)
    both[0] = np.nan_to_num(np.fmax(one[0], other[0]))
    return both


@dataclass(frozen=True)
class _Table:
    """One file: its identifiers and columns, memory-mapped where it is Arrow."""

    path: Path
    table: pa.Table
    ids: NDArray[np.int32]
    columns: Mapping[Marker, str]
    order: NDArray[np.intp]
    ordered: NDArray[np.int32]
    plain: dict[Marker, tuple[NDArray[np.float32], NDArray[np.uint8], int] | None] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> _Table:
        table = _open(path)
        if "NewID" not in table.column_names:
            raise BadInput(path, f"has no NewID, only {', '.join(table.column_names[:8])}")
        ids = _identifiers(path, table.column("NewID"))
        order = np.argsort(ids, kind="stable")
        ordered = ids[order]
        twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        if len(twice):
            names = ", ".join(map(str, twice[:10]))
            say(f"{path}: {len(twice)} NewIDs stand twice, the first row of each counts: {names}")
        columns: dict[Marker, str] = {}
        for name in table.column_names:
            marker = Marker.parse(name)
            if marker and marker in columns:
                raise BadInput(path, f"has the column {name} twice")
            if marker:
                columns[marker] = name
        return cls(path, table, ids, columns, order, ordered)

    @property
    def sources(self) -> list[str]:
        """References of the items the file was made from."""
        text = (self.table.schema.metadata or {}).get(b"sources", b"").decode()
        return [line for line in text.split("\n") if line]

    def has_values(self, marker: Marker) -> bool:
        """Whether the file holds the column and not only nulls in it; told by its metadata, whatever rows are read."""
        name = self.columns.get(marker)
        return name is not None and self.table.column(name).null_count < len(self.ids)

    def rows_of(self, ids: NDArray[np.int32]) -> slice | NDArray[np.intp]:
        """Row of each identifier, -1 where the file does not hold it; a slice where they stand one after the other."""
        if not len(self.ids):
            return np.full(len(ids), -1)
        at = np.minimum(np.searchsorted(self.ordered, ids), len(self.ids) - 1)
        found: NDArray[np.intp] = np.where(self.ordered[at] == ids, self.order[at], -1)
        if len(found) and found[0] >= 0 and (np.diff(found) == 1).all():
            return slice(int(found[0]), int(found[-1]) + 1)
        return found

    def pixels_and_mean(
        self, mean: Marker, at: slice | NDArray[np.intp], pixels: NDArray[np.float32], means: NDArray[np.float32]
    ) -> None:
        """Write pixels and mean of `statistics` alone, with 0 pixels where unseen: the quick way of most days."""
        count = replace(mean, stat="valid_pixels_cnt")
        _seen(*self._with_bits(mean, at), *self._with_bits(count, at), np.float32(SCALE[mean.type]), pixels, means)

    def _with_bits(
        self, marker: Marker, at: slice | NDArray[np.intp]
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8], int]:
        """Values of a column at rows, which of them there are, bit by bit from a bit on (no bits: all of them).

        Without a copy where it is float32 in one piece and the rows stand one after the other.
        """
        plain = self._plain(marker)
        if plain is None or not isinstance(at, slice):
            copied = self._values(marker, at)
            copied.setflags(write=False)  # as those below, so that it is the same type for a kernel
            return copied, np.frombuffer(b"", np.uint8), 0
        values, bits, offset = plain
        return values[offset + at.start : offset + at.stop], bits, offset + at.start

    def _plain(self, marker: Marker) -> tuple[NDArray[np.float32], NDArray[np.uint8], int] | None:
        """Buffers of a column that is float32 in one piece and where its first row is, looked up once; else None."""
        if marker not in self.plain:
            column = self.table.column(self.columns[marker]) if marker in self.columns else None
            found = None
            if column is not None and column.num_chunks == 1 and column.type == pa.float32():
                part = column.chunk(0)
                bits, values = part.buffers()
                found = np.frombuffer(values, np.float32), np.frombuffer(bits or b"", np.uint8), part.offset
            self.plain[marker] = found
        return self.plain[marker]

    def statistics(self, mean: Marker, at: slice | NDArray[np.intp]) -> NDArray[np.float32]:
        """Pixels, mean and standard deviation (3, row) of one day's column in physical units; NaN where unseen.

        Where the file does not count, a parcel that was seen has one pixel; where it holds no deviation, none.
        """
        stdev = self._values(replace(mean, stat="stdev"), at) / np.float32(SCALE[mean.type])
        stats = np.empty((3, len(stdev)), np.float32)
        self.pixels_and_mean(mean, at, stats[0], stats[1])
        stats[2] = np.where(np.isnan(stdev), np.float32(0), stdev)
        np.copyto(stats, np.float32(np.nan), where=np.isnan(stats[1]))
        return stats

    def _values(self, marker: Marker, at: slice | NDArray[np.intp]) -> NDArray[np.float32]:
        """Values of a column at rows; NaN where the row or the column is missing."""
        column = self.table.column(self.columns[marker]) if marker in self.columns else None
        if isinstance(at, slice):
            count = at.stop - at.start
            return np.full(count, np.nan, np.float32) if column is None else _floats(column.slice(at.start, count))
        held = at[at >= 0]
        if column is None or not len(held):
            return np.full(len(at), np.nan, np.float32)
        low = int(held.min())
        part = _floats(column.slice(low, int(held.max()) + 1 - low))
        values: NDArray[np.float32] = np.where(at >= 0, part[np.maximum(at - low, 0)], np.float32(np.nan))
        return values


def _floats(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """Column as float32, NaN where null, whatever number type it has."""
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan, np.float32)
    values: NDArray[np.float32] = column.to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    return values


@compiled
def _seen(
    values: NDArray, valid: NDArray, begin: int, counts: NDArray, counted: NDArray, first: int, scale: float,
    pixels: NDArray, means: NDArray,
) -> None:  # fmt: skip
    for i in range(len(values)):
        value = values[i] if _is_set(valid, begin + i) else np.float32(np.nan)
        count = counts[i] if _is_set(counted, first + i) else np.float32(np.nan)
        if np.isnan(value) or count <= 0:
            pixels[i] = 0.0
            means[i] = np.nan
        else:
            pixels[i] = 1.0 if np.isnan(count) else count
            means[i] = value / scale


@compiled
def _is_set(bits: NDArray, i: int) -> bool:
    return len(bits) == 0 or (bits[i >> 3] >> (i & 7)) & 1 != 0


def _identifiers(path: Path, column: pa.ChunkedArray) -> NDArray[np.int32]:
    """Whole numbers of the column NewID, whatever number type it has."""
    if column.null_count:
        raise BadInput(path, f"has {column.null_count} rows without NewID")
    try:
        parts = [part for part in column.cast(pa.int32()).chunks if len(part)]
    except pa.ArrowException as error:
        raise BadInput(
            path, f"has NewID of type {column.type} that are no whole numbers of 32 bits ({error})"
        ) from error
    # By their buffers: to_numpy would load pandas, which takes longer than reading ten thousand parcels.
    views = [np.frombuffer(part.buffers()[1], np.int32)[part.offset : part.offset + len(part)] for part in parts]
    return np.concatenate([np.zeros(0, np.int32), *views])


def _open(path: Path) -> pa.Table:
    try:
        with open(path, "rb") as handle:  # noqa: PTH123
            magic = handle.read(6)
            handle.seek(0)
            header = handle.readline() if magic != b"ARROW1" else b""
        if magic == b"ARROW1":
            return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        return _read_csv(path, header)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BadInput(path, f"is no readable marker table ({error})") from error


def _read_csv(path: Path, header: bytes) -> pa.Table:
    """CSV with comma, semicolon or tab, with or without a BOM; semicolons may come with decimal commas."""
    from .tables import SEPARATORS  # with pandas, which Arrow files do without

    separator = max(SEPARATORS, key=lambda c: header.count(c.encode()))
    names = header.decode("utf-8-sig", errors="replace").strip().replace('"', "").split(separator)
    points = (".",) if separator == "," else (".", ",")
    for point in points:
        try:
            return pa.csv.read_csv(
                path,
                parse_options=pa.csv.ParseOptions(delimiter=separator),
                convert_options=pa.csv.ConvertOptions(
                    null_values=["", "NA", "N/A", "NULL", "null", "nan", "NaN"],
                    column_types={name: pa.float32() for name in names if Marker.parse(name)},
                    decimal_point=point,
                ),
            )
        except pa.ArrowInvalid:
            if point == points[-1]:
                raise
    raise AssertionError("unreachable")


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
    with whole_file(path) as scratch, scratch_array(path, shape, np.float32) as values:
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
