"""Columns of Arrow tables from arrays and back; NaN and NaT become null.

Arrow's own ways between the two load pandas, which takes longer than working on ten thousand parcels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def column(values: NDArray[Any]) -> pa.Array:
    """Numbers, truth values or days as they are; datetime64 of any unit become date32.

    Parameters
    ----------
    values : (row,)
        Of kind bool, int, uint, float or datetime64.
    """
    kind = values.dtype.kind
    if kind == "M":
        days = values.astype("datetime64[D]")
        return _built(pa.date32(), days.view(np.int64).astype(np.int32), np.isnat(days))
    if kind == "b":
        return pa.Array.from_buffers(pa.bool_(), len(values), [None, _bits(values)])
    missing = np.isnan(values) if kind == "f" else None
    return _built(pa.from_numpy_dtype(values.dtype), values, missing)


def whole_column(values: NDArray[np.float64]) -> pa.Array:
    """Whole numbers that are held as floats, (row,), as int32; what is not finite is null."""
    missing = ~np.isfinite(values)
    return _built(pa.int32(), np.where(missing, 0, values).astype(np.int32), missing)


def text_column(texts: Sequence[str], codes: NDArray[np.integer]) -> pa.Array:
    """Texts by their place in a short list, (row,) of places."""
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
    known = pa.Array.from_buffers(pa.string(), len(texts), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))])
    return known.take(column(codes))


def values_of(column: pa.Array) -> NDArray[Any]:
    """Numbers of a column that misses none, (row,), without a copy."""
    values = np.frombuffer(column.buffers()[-1] or b"", column.type.to_pandas_dtype())
    return values[column.offset : column.offset + len(column)]


def _built(kind: pa.DataType, values: NDArray[Any], missing: NDArray[np.bool_] | None) -> pa.Array:
    there = None if missing is None or not missing.any() else _bits(~missing)
    return pa.Array.from_buffers(kind, len(values), [there, pa.py_buffer(np.ascontiguousarray(values))])


def _bits(flags: NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(flags, bitorder="little"))
