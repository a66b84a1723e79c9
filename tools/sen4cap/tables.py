"""Comma-separated tables as paying agencies make and read them, and the details that go beside them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from .errors import BadInput
from .outputs import whole_file

SEPARATORS = ",;\t"


def write_csv(path: Path, columns: Mapping[str, Any], /) -> None:
    """Write a result table: comma, UTF-8, header, dates YYYY-MM-DD, empty cell where a value is missing.

    Parameters
    ----------
    columns
        By name, all of one length, in the order to write. datetime64 columns become dates, NaT, NaN and None empty
        cells; floats are written as they are, so round them first (as float64).
    """
    table = pa.table({name: _arrow(values) for name, values in columns.items()})
    with whole_file(path) as scratch, open(scratch, "wb") as sink:  # noqa: PTH123
        sink.write((",".join(table.column_names) + "\n").encode())
        options = pa.csv.WriteOptions(include_header=False, quoting_style="needed")
        pa.csv.write_csv(table, sink, options)


def details_path(path: Path) -> Path:
    """Path of the details that stand beside a table: season.csv has season_details.parquet."""
    return path.with_name(f"{path.stem}_details.parquet")


def write_details(path: Path, columns: Mapping[str, Any], /, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write the details beside table `path`, as Parquet (`details_path`); dates become date32."""
    table = pa.table({name: _arrow(values) for name, values in columns.items()})
    if metadata:
        table = table.replace_schema_metadata(dict(metadata))
    with whole_file(details_path(path)) as scratch:
        pa.parquet.write_table(table, scratch)


def read_details(path: Path) -> pd.DataFrame:
    """Read a details file; date columns come as datetime64.

    Raises
    ------
    BadInput
        It is missing or no Parquet.
    """
    try:
        frame = pa.parquet.read_table(path).to_pandas(date_as_object=False)
    except FileNotFoundError as error:
        raise BadInput(path, "is missing", do="keep the details file beside its table") from error
    except pa.ArrowException as error:
        raise BadInput(path, f"is no readable Parquet file ({error})") from error
    return frame


def read_csv(path: Path, *, required: Iterable[str] = ()) -> pd.DataFrame:
    """Read a table made by people or agencies, every cell as text: comma, semicolon or tab, with or without a BOM.

    Returns
    -------
    DataFrame
        Column names and cells stripped of blanks; empty cells are ''. The index is the line number in the file
        (the header is line 1), for error messages.

    Raises
    ------
    BadInput
        The file is empty, not text, has lines of uneven length, or lacks a required column.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        text = Path(path).read_bytes().decode("latin-1")
    if "\0" in text:
        raise BadInput(path, "is no text file")
    header = text.lstrip("\r\n").split("\n", 1)[0]
    if not header.strip():
        raise BadInput(path, "is empty")
    separator = max(SEPARATORS, key=header.count)
    rows = list(csv.reader(text.splitlines(), delimiter=separator))
    numbered = [(number, row) for number, row in enumerate(rows, start=1) if any(cell.strip() for cell in row)]
    names = [name.strip() for name in numbered[0][1]]
    for number, row in numbered[1:]:
        if len(row) != len(names):
            raise BadInput(f"{path}, line {number}", f"has {len(row)} cells where the header has {len(names)}")
    frame = pd.DataFrame(
        [[cell.strip() for cell in row] for _, row in numbered[1:]],
        columns=names,
        index=[number for number, _ in numbered[1:]],
        dtype=str,
    )
    missing = [name for name in required if name not in names]
    if missing:
        raise BadInput(path, f"has no column {', '.join(missing)}, only {', '.join(names)}")
    return frame


def whole_numbers(path: Path, frame: pd.DataFrame, column: str) -> np.ndarray:
    """Return a text column as int64.

    Raises
    ------
    BadInput
        A cell is no whole number; the message names the line and the cell.
    """
    numbers = pd.to_numeric(frame[column], errors="coerce").to_numpy(np.float64)
    bad = ~np.isfinite(numbers) | (numbers != np.floor(numbers))
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise BadInput(
            f"{path}, line {frame.index[first]}", f"{column} {frame[column].iloc[first]!r} is no whole number"
        )
    return numbers.astype(np.int64)


def _arrow(values: Any) -> pa.Array:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    if isinstance(values, pd.Series):
        values = values.array if isinstance(values.dtype, pd.api.extensions.ExtensionDtype) else values.to_numpy()
    if not isinstance(values, np.ndarray):
        return pa.array(values, from_pandas=True)
    if values.dtype.kind == "M":
        days = values.astype("datetime64[D]")
        return pa.array(days, type=pa.date32(), from_pandas=True)
    return pa.array(values, from_pandas=True)
