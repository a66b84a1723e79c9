"""Columns from arrays are those that Arrow makes itself, and pandas stays out of it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sen4cap.columns import column, text_column, values_of, whole_column

ROWS = st.integers(0, 40)


@given(arrays.arrays(st.sampled_from(["f8", "f4", "i4", "u2", "i8", "?"]), ROWS))
def test_numbers(values: np.ndarray) -> None:
    assert column(values).equals(pa.array(values, from_pandas=True))


@given(arrays.arrays("M8[D]", ROWS, elements=st.integers(-20_000, 40_000).map(lambda day: np.datetime64(day, "D"))))
def test_days_of_any_unit(days: np.ndarray) -> None:
    days[1::3] = np.datetime64("NaT")
    expected = pa.array(days, type=pa.date32(), from_pandas=True)
    assert column(days).equals(expected)
    assert column(days.astype("M8[ns]")).equals(expected)


@given(arrays.arrays("f8", ROWS, elements=st.integers(-(2**31), 2**31 - 1)))
def test_whole_numbers(values: np.ndarray) -> None:
    values[::4], values[1::4] = np.nan, np.inf
    expected = [int(value) if np.isfinite(value) else None for value in values]
    assert whole_column(values).to_pylist() == expected


@given(st.lists(st.text(max_size=5), min_size=1, max_size=5), st.data())
def test_texts(texts: list[str], data: st.DataObject) -> None:
    codes = data.draw(arrays.arrays("i1", ROWS, elements=st.integers(0, len(texts) - 1)))
    assert text_column(texts, codes).to_pylist() == [texts[code] for code in codes]


def test_a_part_of_a_column_comes_back_without_a_copy() -> None:
    whole = np.arange(10, dtype=np.int32)
    found = values_of(column(whole).slice(3, 4))
    np.testing.assert_array_equal(found, [3, 4, 5, 6])
    assert np.shares_memory(found, whole)


@pytest.mark.parametrize("tool", ["smooth", "season"])
def test_tools_of_every_parcel_start_without_pandas(tool: str) -> None:
    program = f"import sys, sen4cap.{tool}.run; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
