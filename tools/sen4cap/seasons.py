"""A winter season by its autumn: season 2021 runs from 2021-08-01 to 2022-05-31 unless told otherwise."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

SEASON_START = "08-01"
SEASON_END = "05-31"


@dataclass(frozen=True)
class Season:
    """One winter season.

    Attributes
    ----------
    year : int
        The year of its autumn.
    start_day, end_day : str
        MM-DD; an end day before the start day lies in the next year.
    """

    year: int
    start_day: str = SEASON_START
    end_day: str = SEASON_END

    @property
    def start(self) -> datetime.date:
        """First day."""
        return datetime.date.fromisoformat(f"{self.year}-{self.start_day}")

    @property
    def end(self) -> datetime.date:
        """Last day, included."""
        later = self.year + (self.end_day <= self.start_day)
        return datetime.date.fromisoformat(f"{later}-{self.end_day}")

    def day(self, month_day: str) -> datetime.date:
        """Day of that name (MM-DD) inside the twelve months from the first day on."""
        day = datetime.date.fromisoformat(f"{self.year}-{month_day}")
        return day if day >= self.start else datetime.date.fromisoformat(f"{self.year + 1}-{month_day}")

    @classmethod
    def within(cls, start: datetime.date, end: datetime.date) -> Season:
        """Season that a span of days is about: the latest whose 1 December lies inside, else that of the first year."""
        for year in range(end.year, start.year - 1, -1):
            if start <= datetime.date(year, 12, 1) <= end:
                return cls(year)
        return cls(start.year)
