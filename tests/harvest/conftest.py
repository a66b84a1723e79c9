"""A small season of parcels on disk: looks in a marker table, and a series file of them."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest

from sen4cap.marker_names import Marker
from sen4cap.marker_table import new_markers
from sen4cap.series import NEVER_SEEN, new_series

BEGIN = datetime.date(2021, 6, 1)
DAYS = 300


@pytest.fixture
def season_files(tmp_path: Path) -> tuple[Path, Path]:
    """Five parcels: maize cut on 15 September, wheat cut on 4 August, never seen, always bare, always green."""
    looks = np.arange(2, DAYS, 4)
    lai = np.zeros((5, DAYS), np.float32)
    time = np.arange(DAYS)
    maize, wheat = ((datetime.date(2021, *day) - BEGIN).days for day in ((9, 15), (8, 4)))
    lai[0] = np.where(time < maize, 4, 0.1)
    lai[1] = np.where(time < wheat, 5 / (1 + np.exp((time - wheat + 20) / 4.5)), 0.1)
    lai[2] = np.nan
    lai[3] = 0.1
    lai[4] = 3
    ids = np.array([7, 3, 12, 1, 9], np.int32)
    gap = np.abs(time[:, None] - looks).min(axis=1)
    series, table = tmp_path / "series.arrow", tmp_path / "markers.ipc"
    with new_series(series, ids, start=BEGIN, days=DAYS, variables=["LAI"], season=2021, method="none") as new:
        new.write(0, {"LAI": lai}, np.where(np.arange(5)[:, None] == 2, NEVER_SEEN, gap))
    markers = [Marker(BEGIN + datetime.timedelta(days=int(k)), "LAI") for k in looks]
    order = [3, 0, 2, 1, 4]
    with new_markers(table, ids[order], markers) as values:
        values[:] = 1000 * lai[order][:, looks].T
    return series, table
