"""A season is named by its autumn."""

from __future__ import annotations

import datetime

import pytest

from sen4cap.seasons import Season

day = datetime.date.fromisoformat


def test_a_season_runs_from_august_to_may() -> None:
    assert (Season(2021).start, Season(2021).end) == (day("2021-08-01"), day("2022-05-31"))
    assert Season(2021, "07-15", "12-31").end == day("2021-12-31")


@pytest.mark.parametrize(
    ("start", "end", "year"),
    [
        ("2017-08-04", "2018-11-27", 2017),
        ("2020-06-01", "2022-07-31", 2021),
        ("2021-08-01", "2021-11-30", 2021),
        ("2022-01-01", "2022-05-31", 2022),
    ],
)
def test_a_span_of_days_is_about_a_season(start: str, end: str, year: int) -> None:
    assert Season.within(day(start), day(end)).year == year
