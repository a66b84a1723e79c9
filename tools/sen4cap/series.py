"""The series file: one smoothed value a day for every parcel, read without a copy."""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from . import __version__
from .errors import BadInput
from .outputs import take_room, whole_file

if TYPE_CHECKING:
    import xarray as xr

UNITS = {"LAI": "m2 m-2", "FCOVER": "1", "FAPAR": "1", "NDVI": "1", "NBR2": "1", "gap": "d"}
NEVER_SEEN = np.int16(32767)
"""Gap of a parcel without any clear look."""


@dataclass(frozen=True)
class SeriesArrays:
    """Arrays to fill while a series file is written; they lie on disk, so fill them block by block.

    Attributes
    ----------
    values : dict of (parcel, day) float32
        By variable; NaN where a day is outside the observed span.
    gap : (parcel, day) int16
        Days to the nearest clear look; `NEVER_SEEN` where there is none.
    """

    values: dict[str, NDArray[np.float32]]
    gap: NDArray[np.int16]


@contextlib.contextmanager
def new_series(
    path: Path,
    ids: NDArray[np.int32],
    *,
    start: datetime.date,
    days: int,
    variables: Sequence[str],
    season: int,
    method: str,
    sources: Sequence[str] = (),
    metadata: Mapping[str, str] | None = None,
) -> Iterator[SeriesArrays]:
    """Write a series file: fill the arrays that are yielded, and it appears whole when the block ends well.

    One record batch, so that it can be viewed without a copy. The arrays are the file's own pages, in place, so nothing
    is written twice and memory stays bounded.

    Parameters
    ----------
    ids : (parcel,)
        NewID of each row.
    start, days
        First day and number of days, one value a day.
    season
        The autumn it is about.
    method
        How it was smoothed, for people.
    sources
        References of the STAC items the values come from (`MarkerTable.sources`).
    metadata
        Further schema metadata.
    """
    path = Path(path)
    about = {
        "start": start.isoformat(),
        "step_days": "1",
        "units": ",".join(f"{name}={UNITS.get(name, '1')}" for name in variables),
        "season": str(season),
        "method": method,
        "software": f"sen4cap {__version__}",
        "sources": "\n".join(sources),
        **(metadata or {}),
    }
    kinds = {**dict.fromkeys(variables, pa.float32()), "gap": pa.int16()}
    with whole_file(path) as scratch, open(scratch, "wb+") as handle:  # noqa: PTH123
        arrays = _in_place(handle, scratch, ids, days=days, kinds=kinds, about=about)
        gap = arrays.pop("gap")
        yield SeriesArrays(arrays, gap)


def _in_place(
    handle: BinaryIO,
    path: Path,
    ids: NDArray[np.int32],
    *,
    days: int,
    kinds: Mapping[str, pa.DataType],
    about: Mapping[str, str],
) -> dict[str, NDArray]:
    """Write all of a series file but its values, and map those.

    Arrow gets empty pages of the file itself as values; `_Skeleton` passes over them and notes where they belong.
    """
    count = len(ids) * days
    sizes = [count * kind.bit_width // 8 for kind in kinds.values()]
    take_room(handle.fileno(), sum(sizes), path)
    blank = pa.py_buffer(np.memmap(handle, np.uint8, "r+", shape=sum(sizes)) if count else b"")
    # From buffers: pa.array would load pandas, which takes longer than smoothing ten thousand parcels.
    numbers = pa.py_buffer(np.ascontiguousarray(ids, np.int32))
    columns = {"NewID": pa.Array.from_buffers(pa.int32(), len(ids), [None, numbers])}
    begins = np.cumsum([0, *sizes])[:-1].tolist()
    for (name, kind), begin, size in zip(kinds.items(), begins, sizes, strict=True):
        flat = pa.Array.from_buffers(kind, count, [None, blank.slice(begin, size)])
        columns[name] = pa.FixedSizeListArray.from_arrays(flat, type=pa.list_(kind, days))
    schema = pa.schema([(name, column.type) for name, column in columns.items()], metadata=about)
    handle.seek(0)  # mapping went to the end
    skeleton = _Skeleton(handle, blank)
    with pa.ipc.new_file(pa.PythonFile(skeleton, mode="w"), schema) as sink:
        sink.write_batch(pa.RecordBatch.from_arrays(list(columns.values()), schema=schema))
    take_room(handle.fileno(), handle.tell(), path)
    handle.flush()
    return {
        name: np.asarray(np.memmap(handle, kind.to_pandas_dtype(), "r+", skeleton.places[begin], (len(ids), days)))
        if count
        else np.zeros((len(ids), days), kind.to_pandas_dtype())
        for (name, kind), begin in zip(kinds.items(), begins, strict=True)
    }


class _Skeleton:
    """A file that Arrow writes to, which passes over buffers that are parts of `blank`.

    Attributes
    ----------
    places : dict
        Offset in the file of each such buffer, by its offset in `blank`.
    """

    closed = False

    def __init__(self, handle: BinaryIO, blank: pa.Buffer) -> None:
        self._handle, self._blank = handle, blank
        self.places: dict[int, int] = {}

    def write(self, data: bytes | pa.Buffer) -> int:
        if isinstance(data, pa.Buffer) and 0 <= data.address - self._blank.address < self._blank.size:
            self.places[data.address - self._blank.address] = self._handle.tell()
            self._handle.seek(data.size, os.SEEK_CUR)
            return data.size
        return self._handle.write(data)

    def tell(self) -> int:
        return self._handle.tell()

    def flush(self) -> None:
        self._handle.flush()

    def close(self) -> None:
        """The file is closed by who opened it."""


def open_series(path: str | Path) -> xr.Dataset:
    """Open a series file, memory-mapped: a variable of (parcel, day) float32 each, and `gap` int16, without a copy.

    Returns
    -------
    Dataset
        Coordinates `parcel` (NewID, int32) and `day` (datetime64); attributes `season` (int), `method`, `start`,
        `sources` (tuple of item references).

    Raises
    ------
    BadInput
        It is no series file.
    """
    import xarray as xr  # who writes a series does without

    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        about = {key.decode(): value.decode() for key, value in (reader.schema.metadata or {}).items()}
        start = np.datetime64(about["start"], "D")
        season = int(about["season"])
        batch = reader.get_batch(0)
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise BadInput(path, f"is no series file ({error})", do="make one with `sen4cap smooth`") from error
    ids = batch.column("NewID").to_numpy()
    variables = {}
    days = 0
    for field in batch.schema:
        if pa.types.is_fixed_size_list(field.type):
            days = field.type.list_size
            flat = batch.column(field.name).flatten().to_numpy(zero_copy_only=True)
            variables[field.name] = (("parcel", "day"), flat.reshape(len(ids), days))
    return xr.Dataset(
        variables,
        coords={"parcel": ids, "day": start + np.arange(days)},
        attrs={**about, "season": season, "sources": tuple(about.get("sources", "").split())},
    )
