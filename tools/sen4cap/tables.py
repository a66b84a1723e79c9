"""Comma-separated tables as paying agencies make and read them, and the details that go beside them."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from .columns import column
from .errors import BadInput
from .outputs import whole_file

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = ",;\t"
READ_BLOCK = 1 << 24
"""Bytes of a large CSV file that are read at a time."""


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
        _append(table, sink)


@contextlib.contextmanager
def new_csv(path: Path, names: Sequence[str]) -> Iterator[Callable[..., None]]:
    """Write a long table block by block, in the form of `write_csv`; it appears whole when the block ends well.

    Parameters
    ----------
    names
        Columns, in their order.

    Yields
    ------
    callable
        Call it with the columns of the next rows, in that order.
    """
    with whole_file(path) as scratch, open(scratch, "wb") as sink:  # noqa: PTH123
        sink.write((",".join(names) + "\n").encode())

        def append(*columns: Any) -> None:
            _append(pa.table({name: _arrow(values) for name, values in zip(names, columns, strict=True)}), sink)

        yield append


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
    import pandas as pd  # who only writes does without

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


def header_of(path: Path) -> tuple[list[str], str]:
    """Column names of a CSV file and its separator: comma, semicolon or tab, a BOM and quotes tolerated.

    Raises
    ------
    BadInput
        The file is empty or no text.
    """
    with open(path, "rb") as handle:  # noqa: PTH123
        line = handle.readline().decode("utf-8-sig", errors="replace")
    if not line.strip():
        raise BadInput(path, "is empty")
    if "\0" in line:
        raise BadInput(path, "is no text file")
    separator = max(SEPARATORS, key=line.count)
    return [name.strip() for name in next(csv.reader([line.strip("\r\n")], delimiter=separator))], separator


def stream_columns(
    path: Path, kinds: Mapping[str, pa.DataType], *, filled: Iterable[str] = ()
) -> Iterator[pa.RecordBatch]:
    """Read some columns of a long CSV file block by block, typed; the fast way beside `read_csv`.

    Parameters
    ----------
    kinds
        Arrow type of each wanted column; the others are left out. Empty cells are null.
    filled
        Columns in which no cell may be empty.

    Raises
    ------
    BadInput
        A column is missing, or a cell is empty or of another type; the message names the record.
    """
    names, separator = header_of(path)
    missing = [name for name in kinds if name not in names]
    if missing:
        raise BadInput(path, f"has no column {', '.join(missing)}, only {', '.join(names)}")
    filled = list(filled)
    try:
        with pa.csv.open_csv(
            path,
            read_options=pa.csv.ReadOptions(block_size=READ_BLOCK),
            parse_options=pa.csv.ParseOptions(delimiter=separator),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict(kinds), include_columns=list(kinds), null_values=[""], strings_can_be_null=False
            ),
        ) as reader:
            for batch in reader:
                if any(batch.column(name).null_count for name in filled):
                    raise _first_bad_cell(path, kinds, filled, "an empty cell")
                yield batch
    except pa.ArrowException as error:
        raise _first_bad_cell(path, kinds, filled, str(error)) from error


def read_columns(path: Path, kinds: Mapping[str, pa.DataType], *, filled: Iterable[str] = ()) -> pa.Table:
    """Read some columns of a CSV file whole, as `stream_columns` does."""
    batches = list(stream_columns(path, kinds, filled=filled))
    schema = pa.schema(list(kinds.items()))
    return pa.Table.from_batches(batches, schema=schema).combine_chunks() if batches else schema.empty_table()


def _append(table: pa.Table, sink: BinaryIO) -> None:
    """Write rows without a header; text is quoted only where a cell holds a comma, quote or line end."""
    texts = [c for c in table.itercolumns() if pa.types.is_string(c.type) or pa.types.is_large_string(c.type)]
    quoted = any(pa.compute.any(pa.compute.match_substring_regex(text, '[,"\r\n]')).as_py() for text in texts)
    style = "needed" if quoted else "none"
    pa.csv.write_csv(table, sink, pa.csv.WriteOptions(include_header=False, quoting_style=style))


def _first_bad_cell(path: Path, kinds: Mapping[str, pa.DataType], filled: list[str], error: str) -> BadInput:
    """Find the record that a fast reader stumbled over."""
    names, separator = header_of(path)
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as handle:  # noqa: PTH123
        for row in (lines := csv.reader(handle, delimiter=separator)):
            if lines.line_num == 1 or not any(cell.strip() for cell in row):
                continue
            where = f"{path}, line {lines.line_num}"
            if len(row) != len(names):
                return BadInput(where, f"has {len(row)} cells where the header has {len(names)}")
            for name, cell in zip(names, row, strict=True):
                if name not in kinds or not (cell.strip() or name in filled):
                    continue
                try:
                    pa.array([cell.strip()]).cast(kinds[name])
                except pa.ArrowException:
                    what = {pa.int32(): "whole number", pa.date32(): "date (YYYY-MM-DD)"}.get(kinds[name], kinds[name])
                    return BadInput(where, f"{name} {cell!r} is no {what}")
                if not cell.strip():
                    return BadInput(where, f"{name} is empty")
    return BadInput(path, f"cannot be read as a table ({error})")


def whole_numbers(path: Path, frame: pd.DataFrame, column: str) -> np.ndarray:
    """Return a text column as int64.

    Raises
    ------
    BadInput
        A cell is no whole number; the message names the line and the cell.
    """
    import pandas as pd

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
    if isinstance(getattr(values, "dtype", None), np.dtype) and values.dtype.kind in "biufM":
        return column(np.asarray(values))
    return pa.array(values, from_pandas=True)
