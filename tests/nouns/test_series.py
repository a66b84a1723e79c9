"""The series file: laid out as the design says, viewed without a copy."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import sen4cap
from sen4cap.errors import BadInput
from sen4cap.series import new_series

START = datetime.date(2021, 7, 1)


def write(path: Path, ids: list[int], days: int) -> np.ndarray:
    values = np.arange(len(ids) * days, dtype=np.float32).reshape(len(ids), days)
    with new_series(
        path,
        np.array(ids, np.int32),
        start=START,
        days=days,
        variables=["LAI", "FCOVER"],
        season=2021,
        method="test",
        sources=["a", "b"],
    ) as series:
        for first in reversed(range(0, len(ids), 2)):
            part = values[first : first + 2]
            series.write(first, {"FCOVER": part / 1000, "LAI": part}, np.full(part.shape, 3, np.int16))
    return values


@pytest.mark.parametrize(("ids", "days"), [([5, 3, 9], 400), ([1], 1), ([], 30)])
def test_what_is_written_is_read(tmp_path: Path, ids: list[int], days: int) -> None:
    values = write(tmp_path / "series.arrow", ids, days)
    data = sen4cap.open_series(tmp_path / "series.arrow")
    assert data.parcel.values.tolist() == ids
    assert data.day.values.astype("M8[D]").tolist() == [START + datetime.timedelta(d) for d in range(days)]
    np.testing.assert_array_equal(data.LAI.values, values)
    np.testing.assert_array_equal(data.FCOVER.values, values / 1000)
    assert (data.gap.values == 3).all()
    assert data.gap.dtype == np.int16
    assert data.attrs["season"] == 2021
    assert data.attrs["sources"] == ("a", "b")
    assert [p.name for p in tmp_path.iterdir()] == ["series.arrow"]


def test_rows_of_another_length_are_refused(tmp_path: Path) -> None:
    series = new_series(
        tmp_path / "s.arrow", np.array([1, 2]), start=START, days=4, variables=["LAI"], season=2021, method="test"
    )
    with pytest.raises(ValueError, match="LAI has"), series as new:
        new.write(0, {"LAI": np.zeros((2, 3))}, np.zeros((2, 4), np.int16))


def test_layout_is_one_batch_of_fixed_size_lists(tmp_path: Path) -> None:
    write(tmp_path / "series.arrow", [5, 3], 10)
    reader = pa.ipc.open_file(str(tmp_path / "series.arrow"))
    assert reader.num_record_batches == 1
    assert reader.schema.field("NewID").type == pa.int32()
    assert reader.schema.field("LAI").type == pa.list_(pa.float32(), 10)
    assert reader.schema.field("gap").type == pa.list_(pa.int16(), 10)
    assert {b"start", b"step_days", b"units", b"season", b"method", b"software"} <= set(reader.schema.metadata)


def test_reading_makes_no_copy(tmp_path: Path) -> None:
    write(tmp_path / "series.arrow", [5, 3], 10)
    values = sen4cap.open_series(tmp_path / "series.arrow").LAI.values
    assert not values.flags.owndata
    assert not values.flags.writeable


def test_a_series_too_large_for_the_disk_leaves_nothing(tmp_path: Path) -> None:
    days = 2**31 - 1
    enough = shutil.disk_usage(tmp_path).free // (4 * days) + 2
    names = [f"V{number}" for number in range(enough)]
    ids = np.array([1], np.int32)
    series = new_series(
        tmp_path / "series.arrow", ids, start=START, days=days, variables=names, season=2021, method="test"
    )
    with pytest.raises(OSError, match="No space left") as error, series:
        pass
    assert str(tmp_path) in str(error.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"NewID,LAI\n", b"ARROW1\0\0garbage"])
def test_another_file_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.arrow").write_bytes(content)
    with pytest.raises(BadInput, match="is no series file") as caught:
        sen4cap.open_series(tmp_path / "x.arrow")
    assert "\n" not in str(caught.value)
