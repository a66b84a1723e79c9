"""The series file: one smoothed value a day for every parcel, read without a copy."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import xarray as xr
from numpy.typing import NDArray

from . import __version__
from .errors import BadInput
from .outputs import scratch_array, whole_file

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

    One record batch, so that it can be viewed without a copy; the arrays are scratch files, so memory stays bounded.

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
    shape = (len(ids), days)
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(whole_file(path))
        values = {name: stack.enter_context(scratch_array(path, shape, np.float32)) for name in variables}
        gap = stack.enter_context(scratch_array(path, shape, np.int16))
        yield SeriesArrays(values, gap)
        columns = {"NewID": pa.array(ids, type=pa.int32())}
        columns |= {name: _daily(array, pa.float32()) for name, array in values.items()}
        columns["gap"] = _daily(gap, pa.int16())
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
        batch = pa.RecordBatch.from_arrays(
            list(columns.values()), schema=pa.schema([(n, c.type) for n, c in columns.items()], metadata=about)
        )
        with pa.ipc.new_file(str(scratch), batch.schema) as sink:
            sink.write_batch(batch)


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


def _daily(array: NDArray, kind: pa.DataType) -> pa.FixedSizeListArray:
    flat = pa.Array.from_buffers(kind, array.size, [None, pa.py_buffer(array.reshape(-1))])
    return pa.FixedSizeListArray.from_arrays(flat, list_size=array.shape[1])
