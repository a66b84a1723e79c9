"""The marker table (MDB1): per-parcel statistics of every acquisition, as Sen4CAP and this suite write them.

An Arrow IPC file with `NewID` int32 first, then float32 columns named as `marker_names.Marker` says. Values are in
raster units: see `marker_names.SCALE`.
"""

from __future__ import annotations

import bisect
import contextlib
import datetime
import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from . import __version__
from .errors import BadInput
from .marker_file import MarkerFile, rows_among
from .marker_names import Marker
from .outputs import scratch_array, whole_file


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
        self._tables = [MarkerFile.read(Path(path)) for path in paths]
        ids = np.concatenate([table.ids for table in self._tables])
        _, first = np.unique(ids, return_index=True)
        self.ids: NDArray[np.int32] = ids[np.sort(first)]
        self.markers = tuple(sorted({marker for table in self._tables for marker in table.columns}))
        self.sources = tuple(dict.fromkeys(source for table in self._tables for source in table.sources))
        self.where = ", ".join(str(path) for path in paths)
        self._found: dict[tuple[Any, ...], list[tuple[MarkerFile, Marker]]] = {}

    def types(self) -> tuple[str, ...]:
        """Quantities the tables hold, such as ``("FCOVER", "LAI")``."""
        return tuple(sorted({marker.type for marker in self.markers}))

    def rows_of(self, ids: NDArray[np.int32]) -> NDArray[np.intp]:
        """Position of each identifier in `ids`, (parcel,); -1 where no table holds it."""
        order = np.argsort(self.ids)
        return rows_among(ids, self.ids[order], order)

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

        def statistics(column: tuple[MarkerFile, Marker]) -> NDArray[np.floating[Any]]:
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
    ) -> list[tuple[MarkerFile, Marker]]:
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
