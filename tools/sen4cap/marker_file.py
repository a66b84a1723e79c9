"""One marker file, Arrow IPC or CSV: its identifiers and columns, read block by block without copies where possible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from .columns import values_of
from .compiled import compiled
from .errors import BadInput
from .marker_names import SCALE, Marker
from .progress import say


@dataclass(frozen=True)
class MarkerFile:
    """One file: its identifiers and columns, memory-mapped where it is Arrow.

    Attributes
    ----------
    path : Path
    table : Table
    ids : (parcel,) int32
        NewID of every row.
    columns : mapping of Marker to str
        Names of the columns that are markers.
    order, ordered : (parcel,)
        Rows in the order of their identifiers, and these identifiers.
    plain : dict
        Buffers of the columns asked for so far, None where a column is not float32 in one piece.
    """

    path: Path
    table: pa.Table
    ids: NDArray[np.int32]
    columns: Mapping[Marker, str]
    order: NDArray[np.intp]
    ordered: NDArray[np.int32]
    plain: dict[Marker, tuple[NDArray[np.float32], NDArray[np.uint8], int] | None] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> MarkerFile:
        """Open a file; its values are read when they are asked for.

        Raises
        ------
        BadInput
            The file is no marker table, has no NewID, one that is no whole number, or a column twice.
        """
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
        found = rows_among(ids, self.ordered, self.order)
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


def rows_among(ids: NDArray[np.int32], ordered: NDArray[np.int32], order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Row of each identifier among those that `order` brings into the order `ordered`; -1 where it is none of them."""
    if not len(ordered):
        return np.full(len(ids), -1, np.intp)
    at = np.minimum(np.searchsorted(ordered, ids), len(ordered) - 1)
    return np.where(ordered[at] == ids, order[at], -1)


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
    return np.concatenate([np.zeros(0, np.int32), *map(values_of, parts)])


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
