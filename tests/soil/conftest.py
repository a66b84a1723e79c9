"""A small marker table on disk."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sen4cap.marker_names import SCALE, Marker
from sen4cap.marker_table import new_markers

BEGIN = datetime.date(2021, 8, 1)


@pytest.fixture
def write_table(tmp_path: Path) -> Callable[..., Path]:
    """Write a table: by parcel, a text with a letter per tenth day: b bare, r residue, g green, . not seen."""
    index = {"b": {"NDVI": 0.15, "NBR2": 0.06}, "r": {"NDVI": 0.2, "NBR2": 0.2}, "g": {"NDVI": 0.8, "NBR2": 0.3}}
    bands = {
        "b": {"B02": 0.09, "B04": 0.15, "B08": 0.20, "B11": 0.28, "B12": 0.25},
        "r": {"B02": 0.10, "B04": 0.17, "B08": 0.25, "B11": 0.36, "B12": 0.24},
        "g": {"B02": 0.02, "B04": 0.03, "B08": 0.40, "B11": 0.18, "B12": 0.09},
    }

    def write(name: str, parcels: dict[int, str], *, with_bands: bool = False, with_indices: bool = True) -> Path:
        quantities = [("NDVI", ""), ("NBR2", "")] if with_indices else []
        quantities += [("L2A", band) for band in bands["b"]] if with_bands else []
        days = [BEGIN + datetime.timedelta(days=10 * k) for k in range(len(next(iter(parcels.values()))))]
        markers = [
            Marker(day, type, band=band, tile="31UFS" if band else "") for day in days for type, band in quantities
        ]
        path = tmp_path / name
        with new_markers(path, np.array(list(parcels), np.int32), markers) as values:
            for column, marker in zip(values, markers, strict=True):
                which = days.index(marker.day)
                for row, letters in enumerate(parcels.values()):
                    if letters[which] != ".":
                        known = bands if marker.band else index
                        column[row] = known[letters[which]][marker.band or marker.type] * SCALE[marker.type]
        return path

    return write
