"""Bare-soil intervals: the table that `sen4cap soil` writes and others count days in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from .errors import BadInput
from .tables import stream_columns

COLUMNS = ("NewID", "start", "end", "state")
STATES = np.array(["NBS", "BS"], object)
"""Non-bare and bare soil, as they are written; the index tells whether it is bare."""


class SoilIntervals(NamedTuple):
    """Some rows of such a table, in its order.

    Attributes
    ----------
    ids : (interval,) int32
        NewID.
    start, end : (interval,) datetime64[D]
        First day, and the day after the last.
    bare : (interval,) bool
        Whether the soil is bare in it.
    """

    ids: NDArray[np.int32]
    start: NDArray[np.datetime64]
    end: NDArray[np.datetime64]
    bare: NDArray[np.bool_]


def stream_soil(path: Path) -> Iterator[SoilIntervals]:
    """Read bare-soil intervals block by block: a country's table is long.

    Raises
    ------
    BadInput
        A column is missing, a cell cannot be read, a state is neither BS nor NBS, or an interval ends before it starts.
    """
    kinds = {"NewID": pa.int32(), "start": pa.date32(), "end": pa.date32(), "state": pa.string()}
    for batch in stream_columns(path, kinds, filled=COLUMNS):
        ids, start, end = (batch.column(i).to_numpy(zero_copy_only=False) for i in range(3))
        start, end = start.astype("datetime64[D]"), end.astype("datetime64[D]")
        state = pa.compute.index_in(batch.column(3), value_set=pa.array(list(STATES)))
        if state.null_count or (end <= start).any():
            raise _odd(path, batch, ids, start, end)
        yield SoilIntervals(ids, start, end, state.to_numpy().astype(bool))


def _odd(path: Path, batch: pa.RecordBatch, ids: NDArray, start: NDArray, end: NDArray) -> BadInput:
    known = pa.compute.is_in(batch.column(3), value_set=pa.array(list(STATES))).to_numpy(zero_copy_only=False)
    first = int(np.flatnonzero(~known | (end <= start))[0])
    where = f"{path}, NewID {ids[first]} from {start[first]}"
    if not known[first]:
        return BadInput(where, f"state {batch.column(3)[first].as_py()!r} is neither BS nor NBS")
    return BadInput(where, f"ends on {end[first]}, not after it starts (the end is the day after the last)")
