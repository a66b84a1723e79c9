"""Marker tables for the tests of `smooth`."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest

from sen4cap.marker_names import Marker
from sen4cap.marker_table import new_markers


@pytest.fixture
def write_markers(tmp_path: Path):
    """Write a table of (parcel, look) values a quantity, NaN where not seen, on days counted from 2021-07-01."""

    def write(name: str, ids: np.ndarray, days: np.ndarray, **quantities: np.ndarray) -> Path:
        start = datetime.date(2021, 7, 1)
        columns = []
        for kind, values in quantities.items():
            for k, day in enumerate(days):
                date = start + datetime.timedelta(days=int(day))
                seen = np.isfinite(values[:, k])
                columns.append((Marker(date, kind), values[:, k] * 1000))
                columns.append((Marker(date, kind, stat="valid_pixels_cnt"), np.where(seen, 40, 0)))
        columns.sort(key=lambda column: column[0])
        path = tmp_path / name
        with new_markers(path, ids.astype(np.int32), [c[0] for c in columns], sources=("item-a", "item-b")) as table:
            for row, (_, values) in enumerate(columns):
                table[row] = values
        return path

    return write
