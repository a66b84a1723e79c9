"""Season characteristics: a series file and its marker tables in, season.csv and its details out."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ..classes import WCC
from ..compiled import over_blocks
from ..errors import BadInput
from ..marker_table import Looks, MarkerTable, days_of_all
from ..progress import say
from ..seasons import Season
from ..series import open_series
from ..smooth.kernel import BOUNDS, Smoothing, smooth_daily
from ..tables import read_csv, whole_numbers, write_csv, write_details
from .detectors import Settings
from .kernel import REASONS, WIDE_DAYS, Result, season_of
from .looks import Calendar

BLOCK = 8192
"""Parcels worked on at a time by each thread."""
VARIABLES = ("LAI", "FCOVER")
NOT_IN_SERIES = "not in the series"
NO_DAY = np.datetime64("NaT", "D")


@dataclass(frozen=True)
class Plan:
    """What to look for.

    Attributes
    ----------
    season_start, season_end, latest_emergence : str
        MM-DD; growth that begins after `latest_emergence` is the next main crop's.
    emergence, termination : str
        Names of the detectors.
    settings
        Parameters of the published detectors.
    as_of : date or None
        Pretend that it is the evening of this day.
    """

    season_start: str
    season_end: str
    latest_emergence: str
    emergence: str
    termination: str
    settings: Settings
    as_of: datetime.date | None


def season(
    series: Path, markers: Sequence[Path], *, classes: Path | None, plan: Plan, threads: int, output: Path
) -> None:
    """Write season.csv, and season_details.parquet with a row for every parcel of the series.

    Parameters
    ----------
    series
        Daily series, from `sen4cap smooth`.
    markers
        The marker tables that it was made from.
    classes
        wcc.csv: rows of season.csv for the parcels classified as winter cover crop only.
    """
    daily = _open(series)
    table = MarkerTable(markers)
    calendar, season = _calendar(series, daily, plan)
    ids = daily.parcel.to_numpy()
    rows = _rows_of(table, ids, series)
    parts = over_blocks(
        lambda first, past: _block(daily, table, rows, slice(first, past), calendar=calendar, plan=plan),
        len(ids),
        block=BLOCK,
        threads=threads,
    )
    found = _described(ids, Result.joined(parts), start=daily.day.to_numpy()[0].astype("datetime64[D]"), plan=plan)
    wanted = _wanted(classes, found)
    _write(output, found, wanted, season=season, plan=plan)
    _report(wanted)


def _open(path: Path) -> xr.Dataset:
    daily = open_series(path)
    missing = [name for name in VARIABLES if name not in daily]
    if missing:
        raise BadInput(
            path,
            f"has no {' and no '.join(missing)}, only {', '.join(map(str, daily))}",
            do="run `sen4cap smooth --variables LAI,FCOVER`",
        )
    return daily


def _calendar(path: Path, daily: xr.Dataset, plan: Plan) -> tuple[Calendar, Season]:
    """Lay the season over the days of the series.

    Raises
    ------
    BadInput
        The series does not reach into the season.
    """
    season = Season(daily.attrs["season"], plan.season_start, plan.season_end)
    days = daily.day.to_numpy().astype("datetime64[D]")
    begin, end = np.datetime64(season.start, "D"), np.datetime64(season.end, "D")
    if days[-1] < begin or days[0] > end:
        raise BadInput(
            path,
            f"runs from {days[0]} to {days[-1]}, outside the season {season.start} to {season.end}",
            do="run `sen4cap smooth` over the season",
        )
    if plan.as_of is not None and not days[0] <= np.datetime64(plan.as_of, "D"):
        raise BadInput(path, f"begins on {days[0]}, after --as-of {plan.as_of}")

    return Calendar.of(season, days[0].astype(datetime.date), latest_emergence=plan.latest_emergence), season


def _rows_of(table: MarkerTable, ids: NDArray[np.int32], series: Path) -> NDArray[np.intp] | None:
    """Row of the marker tables of each parcel of the series; None where they are the same, in order."""
    if np.array_equal(table.ids, ids):
        return None
    rows = pd.Index(table.ids).get_indexer(pd.Index(ids))
    lost = int((rows < 0).sum())
    if lost:
        first = int(ids[rows < 0][0])
        raise BadInput(
            table.where,
            f"lacks {lost} of the {len(ids)} parcels of {series}, such as NewID {first}",
            do="give the marker tables that the series was made from",
        )
    return np.asarray(rows, np.intp)


def _block(
    daily: xr.Dataset,
    table: MarkerTable,
    rows: NDArray[np.intp] | None,
    part: slice,
    *,
    calendar: Calendar,
    plan: Plan,
) -> Result:
    start = daily.day.to_numpy()[0].astype("datetime64[D]").astype(datetime.date)
    end = daily.day.to_numpy()[-1].astype("datetime64[D]").astype(datetime.date)
    cut = end if plan.as_of is None else min(end, plan.as_of)
    picked: slice | NDArray[np.intp] = part if rows is None else rows[part]
    looks = {name: table.looks(name, start=start, end=cut, rows=picked, with_stdev=False) for name in VARIABLES}
    at, values, share = _together(looks, start)
    if plan.as_of is None:
        smooth = {name: daily[name].to_numpy()[part] for name in VARIABLES}
    else:
        smooth = {name: _smooth(looks[name], name, daily, start=start) for name in VARIABLES}
    return season_of(
        smooth["LAI"],
        smooth["FCOVER"],
        at,
        values["LAI"],
        values["FCOVER"],
        share,
        start=np.datetime64(start, "D"),
        calendar=calendar,
        emergence=plan.emergence,
        termination=plan.termination,
        settings=plan.settings,
    )


def _together(
    looks: dict[str, Looks], start: datetime.date
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float32]], NDArray[np.float32]]:
    """Put quantities that may have been seen on different days on the days of all; and the share of a parcel seen."""
    days, places = days_of_all(looks.values())
    values, share = {}, np.ones((len(looks["LAI"].mean), len(days)), np.float32)
    for (name, look), where in zip(looks.items(), places, strict=True):
        values[name] = look.mean
        if not isinstance(where, slice):
            values[name] = np.full_like(share, np.nan)
            values[name][:, where] = look.mean
        most = look.pixels.max(axis=1, keepdims=True, initial=1)
        share[:, where] = np.minimum(share[:, where], look.pixels / most)
    return (days - np.datetime64(start, "D")).astype(np.int64), values, share


def _smooth(looks: Looks, name: str, daily: xr.Dataset, *, start: datetime.date) -> NDArray[np.float32]:
    """Smooth again, as the series was, from the looks up to the day that is asked for."""
    low, high = BOUNDS[name]
    at = (looks.days - np.datetime64(start, "D")).astype(np.int64)
    smoothing = Smoothing.from_text(daily.attrs["smoothing"])
    return smooth_daily(at, looks.mean, looks.pixels, days=daily.sizes["day"], smoothing=smoothing, low=low, high=high)


def _described(ids: NDArray[np.int32], result: Result, *, start: np.datetime64, plan: Plan) -> pd.DataFrame:
    """One row a parcel, as people read it: days as dates, reasons as text."""

    def dates(day: NDArray) -> NDArray[np.datetime64]:
        known = np.isfinite(day) & (day >= 0)
        return np.where(known, start + np.where(known, day, 0).astype(np.int64), NO_DAY)

    reasons = np.array(REASONS, object)
    em, ter = result.emergence, result.termination
    return pd.DataFrame(
        {
            "NewID": ids,
            "Em_d": dates(em),
            "Ter_d": dates(ter),
            "S_length": _whole(ter - em),
            "Uncert_em": _whole(np.ceil(result.em_spread)),
            "Uncert_ter": _whole(np.ceil(result.ter_spread)),
            "M_gro_d": dates(result.lai_day),
            "M_gro_val": np.round(result.lai_most, 2),
            "M_gro_t": _whole(result.lai_day - em),
            "M_cov_d": dates(result.cover_day),
            "M_co_val": np.round(result.cover_most, 3),
            "M_co_t": _whole(result.cover_day - em),
            "em_method": plan.emergence,
            "ter_method": plan.termination,
            "quality": _quality(result),
            "em_reason": reasons[result.em_reason],
            "ter_reason": reasons[result.ter_reason],
            "em_uncertainty": np.round(result.em_spread, 1),
            "ter_uncertainty": np.round(result.ter_spread, 1),
            "em_look_before": dates(result.em_around[0]),
            "em_look_after": dates(result.em_around[1]),
            "ter_look_before": dates(result.ter_around[0]),
            "ter_look_after": dates(result.ter_around[1]),
            "next_emergence": dates(result.next_emergence),
            "next_uncertainty": np.round(result.next_spread, 1),
            "stand_top": dates(result.top),
            "looks": result.looks,
            "longest_gap": _whole(np.where(result.longest_gap < 0, np.nan, result.longest_gap)),
        }
    )


def _whole(values: NDArray) -> pd.arrays.IntegerArray:
    missing = ~np.isfinite(values)
    return pd.arrays.IntegerArray(np.where(missing, 0, values).astype(np.int32), missing)


def _quality(result: Result) -> NDArray:
    both = np.isfinite(result.emergence) & np.isfinite(result.termination)
    some = result.top >= 0
    wide = np.fmax(result.em_spread, result.ter_spread) > WIDE_DAYS
    return np.select([both & ~wide, both, some], ["good", "wide", "partial"], "none")


def _wanted(classes: Path | None, found: pd.DataFrame) -> pd.DataFrame:
    """Rows of season.csv: all parcels, or those classified as winter cover crop, in the order of that file.

    Raises
    ------
    BadInput
        The classes hold something that is no class.
    """
    if classes is None:
        return found
    table = read_csv(classes, required=["NewID", "Pred_class"])
    ids, predicted = whole_numbers(classes, table, "NewID"), whole_numbers(classes, table, "Pred_class")
    covered = ids[predicted == WCC]
    again = pd.Index(covered).duplicated()
    if again.any():
        raise BadInput(classes, f"NewID {covered[again][0]} stands twice")
    rows = found.set_index("NewID").reindex(covered).reset_index()
    missing = ~np.isin(covered, found["NewID"].to_numpy())
    if missing.any():
        text = ", ".join(map(str, covered[missing][:10]))
        say(f"{classes}: {int(missing.sum())} parcels are {NOT_IN_SERIES}, their rows stay empty: {text}")
        rows.loc[missing, ["em_reason", "ter_reason"]] = NOT_IN_SERIES
        rows.loc[missing, "quality"] = "none"
    return rows


CSV = (
    "NewID",
    "Em_d",
    "Ter_d",
    "S_length",
    "Uncert_em",
    "Uncert_ter",
    "M_gro_d",
    "M_gro_val",
    "M_gro_t",
    "M_cov_d",
    "M_co_val",
    "M_co_t",
)


def _write(output: Path, found: pd.DataFrame, wanted: pd.DataFrame, *, season: Season, plan: Plan) -> None:
    """Write the details first: whoever finds the table finds them beside it."""
    extra = wanted[~wanted["NewID"].isin(found["NewID"])]
    details = pd.concat([found, extra], ignore_index=True) if len(extra) else found
    write_details(
        output,
        {name: details[name] for name in details.columns},
        metadata={
            "season_start": season.start.isoformat(),
            "season_end": season.end.isoformat(),
            "as_of": plan.as_of.isoformat() if plan.as_of else "",
        },
    )
    write_csv(output, {name: wanted[name] for name in CSV})


def _report(rows: pd.DataFrame) -> None:
    say(
        f"season: {len(rows)} parcels, {int(rows['Em_d'].notna().sum())} with emergence,"
        f" {int(rows['Ter_d'].notna().sum())} with termination"
    )
    for name, what in (("em_reason", "emergence"), ("ter_reason", "termination")):
        for reason, count in rows.loc[rows[name] != "", name].value_counts().items():
            say(f"  no {what}: {count} {reason}")
