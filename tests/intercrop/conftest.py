"""A small season on disk: dates, classes, harvest weeks and bare-soil intervals."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest

from sen4cap.tables import write_csv, write_details


@pytest.fixture
def days_of():
    """Turn ISO days and None into an array."""
    return lambda *days: np.array(["NaT" if day is None else day for day in days], "datetime64[D]")


@pytest.fixture
def season_files(tmp_path: Path, days_of):
    """Write season.csv with details, harvest.csv, soil.csv and wcc.csv; 1-3 WCC, 4-5 NWCC, 6 never seen."""
    season, harvest, soil, classes = (tmp_path / f"{name}.csv" for name in ("season", "harvest", "soil", "wcc"))
    emergence = days_of("2021-09-10", "2021-09-10", None, None, None, "2021-09-10")
    termination = days_of("2022-03-01", None, None, None, None, "2022-03-01")
    upcoming = days_of("2022-05-01", None, "2022-06-10", "2022-05-01", None, None)
    ids = np.arange(1, 7, dtype=np.int32)
    write_csv(season, {"NewID": ids[[0, 1, 2, 5]], "Em_d": emergence[[0, 1, 2, 5]], "Ter_d": termination[[0, 1, 2, 5]]})
    write_details(
        season,
        {"NewID": ids, "Em_d": emergence, "Ter_d": termination, "next_emergence": upcoming},
        metadata={"season": "2021"},
    )
    write_csv(harvest, {"NewID": ids, "harvest_start": days_of(*["2021-08-02"] * 4, None, "2021-08-02")})
    # Bare until 2021-09-20, covered until 2022-03-11, bare again.
    edges = ["2021-07-01", "2021-09-20", "2022-03-11", "2022-08-01"]
    rows = [(i, a, b, s) for i in range(1, 6) for a, b, s in zip(edges, edges[1:], ("BS", "NBS", "BS"), strict=False)]
    soil.write_text("NewID,start,end,state\n" + "".join(f"{','.join(map(str, row))}\n" for row in rows))
    write_csv(classes, {"NewID": ids, "Pred_class": np.array([1, 1, 1, 2, 2, 1])})
    return {"season": season, "harvest": harvest, "soil": soil, "classes": classes}


@pytest.fixture
def between():
    """Days from one day to another."""
    return lambda a, b: (datetime.date.fromisoformat(b) - datetime.date.fromisoformat(a)).days
