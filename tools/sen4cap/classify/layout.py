"""What a forest looks at: which variables, on which days of the season, as which named features.

Days are counted from the season's first day, so that a layout made on one year serves every other year.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from ..seasons import Season

LEVELS = {
    "LAI": (0.5, 1.0, 2.0),
    "FCOVER": (0.15, 0.3, 0.5),
    "FAPAR": (0.2, 0.4, 0.6),
    "NDVI": (0.3, 0.45, 0.6),
}
"""Levels whose exceedance is counted in days, by variable; other variables have none (ours)."""
RISES = {
    "LAI": (0.2, 0.4, 0.8, 1.5),
    "FCOVER": (0.08, 0.15, 0.3, 0.5),
    "FAPAR": (0.1, 0.2, 0.4, 0.6),
    "NDVI": (0.08, 0.15, 0.25, 0.4),
}
"""Rises above the stand's own start whose days are counted, by variable; other variables have none (ours)."""
GAP = "gap"
METRICS = (
    "autumn_min",
    "autumn_min_day",
    "autumn_mean",
    "winter_mean",
    "spring_mean",
    "peak",
    "peak_day",
    "rise",
    "rise_low",
    "rise_low_day",
    "rise_high_day",
    "month_rise",
    "month_rise_day",
    "month_fall",
    "month_fall_day",
    "after_low_1",
    "after_low_2",
    "after_low_3",
    "after_low_4",
    "least",
    "amplitude",
    "stand_end",
    "stand_end_day",
    "stand_fall",
    "stand_days",
    "stand_sum",
    "stand_mean",
    "half_day",
    "half_wait",
    "half_days",
    "kept_20",
    "kept_40",
    "kept_60",
    "over_least_october",
    "over_least_november",
    "over_least_december",
    "over_least_january",
    "over_least_february",
    "over_least_march",
)
"""Metrics of every variable, in the order in which `kernel.variable_features` returns them."""
GAP_METRICS = ("looks_autumn", "looks_winter", "looks_spring", "longest_gap")
"""Metrics of the gaps, in the order in which `kernel.gap_features` returns them."""


@dataclass(frozen=True)
class Layout:
    """Which features are made of a series.

    Attributes
    ----------
    variables : tuple of str
        Variables of the series, in order.
    season_start, season_end : str
        First and last day, MM-DD.
    step : int
        Days of one grid cell; a cell's value is the mean of its days.
    days : int
        Days from the first to the last, in a year without a 29 February.
    winter, spring : int
        Day at which winter (1 December) and spring (1 March) begin, counted from the season's first day; they may lie
        outside of a season that is a part of the year.
    levels, rises : tuple of tuple of float
        For each variable the levels, and the rises above the stand's start, whose days are counted.
    """

    variables: tuple[str, ...]
    season_start: str
    season_end: str
    step: int
    days: int
    winter: int
    spring: int
    levels: tuple[tuple[float, ...], ...]
    rises: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, variables: tuple[str, ...], *, season_start: str, season_end: str, step: int) -> Layout:
        """Layout of a season that runs from one day of the year to another."""
        season = Season(2021, season_start, season_end)
        winter = (datetime.date(2021, 12, 1) - season.start).days
        spring = (datetime.date(2022, 3, 1) - season.start).days
        days = (season.end - season.start).days + 1
        levels, rises = (tuple(table.get(name, ()) for name in variables) for table in (LEVELS, RISES))
        return cls(variables, season_start, season_end, step, days, winter, spring, levels, rises)

    @property
    def cells(self) -> int:
        """Cells of the grid; the last one may be shorter."""
        return -(-self.days // self.step)

    def start(self, year: int) -> datetime.date:
        """First day in a season."""
        return Season(year, self.season_start, self.season_end).start

    def end(self, year: int) -> datetime.date:
        """Last day in a season, included; one day early in a leap year, because days are counted."""
        return self.start(year) + datetime.timedelta(days=self.days - 1)

    def names(self) -> list[str]:
        """Name of every feature, such as ``LAI_day_120``, ``FCOVER_peak_day``, ``LAI_days_above_0.5``."""
        found = []
        for variable, levels, rises in zip(self.variables, self.levels, self.rises, strict=True):
            found += [f"{variable}_day_{cell * self.step}" for cell in range(self.cells)]
            found += [f"{variable}_{metric}" for metric in METRICS]
            found += [f"{variable}_days_above_{level:g}" for level in levels]
            found += [f"{variable}_stand_days_above_{level:g}" for level in levels]
            found += [f"{variable}_stand_days_risen_{rise:g}" for rise in rises]
        return found + [f"{GAP}_{metric}" for metric in GAP_METRICS]

    def groups(self) -> dict[str, list[int]]:
        """Features that belong together, by name: those of one variable, and those of one month of the grid."""
        start = datetime.date.fromisoformat(f"2021-{self.season_start}")
        found: dict[str, list[int]] = {}
        for place, name in enumerate(self.names()):
            variable, _, rest = name.partition("_")
            found.setdefault(variable, []).append(place)
            if rest.startswith("day_"):
                begin = int(rest.removeprefix("day_"))
                middle = start + datetime.timedelta(days=(begin + min(begin + self.step, self.days)) // 2)
                found.setdefault(f"{middle:%B}", []).append(place)
            elif rest.startswith("over_least_"):
                found.setdefault(rest.removeprefix("over_least_").capitalize(), []).append(place)
        return found
