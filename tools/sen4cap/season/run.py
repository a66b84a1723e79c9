"""Season characteristics: a series file and its marker tables in, season.csv and its details out."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from ..classes import WCC
from ..columns import column, text_column, whole_column
from ..compiled import over_blocks
from ..errors import BadInput
from ..marker_table import Looks, MarkerTable, days_of_all
from ..progress import say
from ..seasons import Season
from ..series import Series, read_series
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
QUALITIES = ("good", "wide", "partial", "none")


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
    ids = daily.ids
    rows = _rows_of(table, ids, series)

    def block(first: int, past: int) -> pa.Table:
        part = slice(first, past)
        result = _block(daily, table, rows, part, calendar=calendar, plan=plan)
        return _described(ids[part], result, start=daily.start, plan=plan)

    found = pa.concat_tables(over_blocks(block, len(ids), block=BLOCK, threads=threads))
    wanted = _wanted(classes, found)
    _write(output, found, wanted, season=season, plan=plan)
    _report(wanted)


def _open(path: Path) -> Series:
    daily = read_series(path)
    missing = [name for name in VARIABLES if name not in daily.values]
    if missing:
        raise BadInput(
            path,
            f"has no {' and no '.join(missing)}, only {', '.join(daily.values)}",
            do="run `sen4cap smooth --variables LAI,FCOVER`",
        )
    return daily


def _calendar(path: Path, daily: Series, plan: Plan) -> tuple[Calendar, Season]:
    """Lay the season over the days of the series.

    Raises
    ------
    BadInput
        The series does not reach into the season.
    """
    season = Season(daily.season, plan.season_start, plan.season_end)
    if daily.last < season.start or daily.first > season.end:
        raise BadInput(
            path,
            f"runs from {daily.first} to {daily.last}, outside the season {season.start} to {season.end}",
            do="run `sen4cap smooth` over the season",
        )
    if plan.as_of is not None and daily.first > plan.as_of:
        raise BadInput(path, f"begins on {daily.first}, after --as-of {plan.as_of}")
    return Calendar.of(season, daily.first, latest_emergence=plan.latest_emergence), season


def _rows_of(table: MarkerTable, ids: NDArray[np.int32], series: Path) -> NDArray[np.intp] | None:
    """Row of the marker tables of each parcel of the series; None where they are the same, in order."""
    if np.array_equal(table.ids, ids):
        return None
    rows = table.rows_of(ids)
    lost = int((rows < 0).sum())
    if lost:
        first = int(ids[rows < 0][0])
        raise BadInput(
            table.where,
            f"lacks {lost} of the {len(ids)} parcels of {series}, such as NewID {first}",
            do="give the marker tables that the series was made from",
        )
    return rows


def _block(
    daily: Series,
    table: MarkerTable,
    rows: NDArray[np.intp] | None,
    part: slice,
    *,
    calendar: Calendar,
    plan: Plan,
) -> Result:
    start = daily.first
    cut = daily.last if plan.as_of is None else min(daily.last, plan.as_of)
    picked: slice | NDArray[np.intp] = part if rows is None else rows[part]
    looks = {name: table.looks(name, start=start, end=cut, rows=picked, with_stdev=False) for name in VARIABLES}
    at, values, share = _together(looks, start)
    if plan.as_of is None:
        smooth = {name: daily.values[name][part] for name in VARIABLES}
    else:
        smooth = {name: _smooth(looks[name], name, daily) for name in VARIABLES}
    return season_of(
        smooth["LAI"],
        smooth["FCOVER"],
        at,
        values["LAI"],
        values["FCOVER"],
        share,
        start=daily.start,
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


def _smooth(looks: Looks, name: str, daily: Series) -> NDArray[np.float32]:
    """Smooth again, as the series was, from the looks up to the day that is asked for."""
    low, high = BOUNDS[name]
    at = (looks.days - daily.start).astype(np.int64)
    smoothing = Smoothing.from_text(daily.about["smoothing"])
    return smooth_daily(at, looks.mean, looks.pixels, days=daily.days, smoothing=smoothing, low=low, high=high)


def _described(ids: NDArray[np.int32], result: Result, *, start: np.datetime64, plan: Plan) -> pa.Table:
    """One row a parcel, as people read it: days as dates, reasons as text."""

    def dates(day: NDArray) -> pa.Array:
        known = np.isfinite(day) & (day >= 0)
        return column(np.where(known, start + np.where(known, day, 0).astype(np.int64), NO_DAY))

    def rounded(values: NDArray[np.float64], digits: int) -> pa.Array:
        return column(np.round(values, digits))

    em, ter = result.emergence, result.termination
    same = np.zeros(len(ids), np.int8)
    return pa.table(
        {
            "NewID": column(ids),
            "Em_d": dates(em),
            "Ter_d": dates(ter),
            "S_length": whole_column(ter - em),
            "Uncert_em": whole_column(np.ceil(result.em_spread)),
            "Uncert_ter": whole_column(np.ceil(result.ter_spread)),
            "M_gro_d": dates(result.lai_day),
            "M_gro_val": rounded(result.lai_most, 2),
            "M_gro_t": whole_column(result.lai_day - em),
            "M_cov_d": dates(result.cover_day),
            "M_co_val": rounded(result.cover_most, 3),
            "M_co_t": whole_column(result.cover_day - em),
            "em_method": text_column([plan.emergence], same),
            "ter_method": text_column([plan.termination], same),
            "quality": _quality(result),
            "em_reason": text_column(REASONS, result.em_reason),
            "ter_reason": text_column(REASONS, result.ter_reason),
            "em_uncertainty": rounded(result.em_spread, 1),
            "ter_uncertainty": rounded(result.ter_spread, 1),
            "em_look_before": dates(result.em_around[0]),
            "em_look_after": dates(result.em_around[1]),
            "ter_look_before": dates(result.ter_around[0]),
            "ter_look_after": dates(result.ter_around[1]),
            "next_emergence": dates(result.next_emergence),
            "next_uncertainty": rounded(result.next_spread, 1),
            "stand_top": dates(result.top),
            "looks": column(result.looks),
            "longest_gap": whole_column(np.where(result.longest_gap < 0, np.nan, result.longest_gap)),
        }
    )


def _quality(result: Result) -> pa.Array:
    both = np.isfinite(result.emergence) & np.isfinite(result.termination)
    some = result.top >= 0
    wide = np.fmax(result.em_spread, result.ter_spread) > WIDE_DAYS
    return text_column(QUALITIES, np.select([both & ~wide, both, some], [0, 1, 2], 3))


def _wanted(classes: Path | None, found: pa.Table) -> pa.Table:
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
    firsts = np.unique(covered, return_index=True)[1]
    if len(firsts) < len(covered):
        again = np.delete(covered, firsts)[0]
        raise BadInput(classes, f"NewID {again} stands twice")
    at = pa.compute.index_in(column(covered), value_set=found["NewID"].cast(pa.int64()))
    rows = found.take(at).set_column(0, "NewID", column(covered))
    if at.null_count:
        missing = at.is_null()
        text = ", ".join(map(str, covered[missing.to_numpy(zero_copy_only=False)][:10]))
        say(f"{classes}: {at.null_count} parcels are {NOT_IN_SERIES}, their rows stay empty: {text}")
        for name, told in (("em_reason", NOT_IN_SERIES), ("ter_reason", NOT_IN_SERIES), ("quality", QUALITIES[-1])):
            filled = pa.compute.if_else(missing, told, rows[name])
            rows = rows.set_column(rows.column_names.index(name), name, filled)
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


def _write(output: Path, found: pa.Table, wanted: pa.Table, *, season: Season, plan: Plan) -> None:
    """Write the details first: whoever finds the table finds them beside it."""
    extra = wanted.filter(wanted["looks"].is_null())  # known of every parcel of the series
    details = pa.concat_tables([found, extra], promote_options="permissive") if len(extra) else found
    write_details(
        output,
        {name: details[name] for name in details.column_names},
        metadata={
            "season_start": season.start.isoformat(),
            "season_end": season.end.isoformat(),
            "as_of": plan.as_of.isoformat() if plan.as_of else "",
        },
    )
    write_csv(output, {name: wanted[name] for name in CSV})


def _report(rows: pa.Table) -> None:
    dated = {name: len(rows) - rows[name].null_count for name in ("Em_d", "Ter_d")}
    say(f"season: {len(rows)} parcels, {dated['Em_d']} with emergence, {dated['Ter_d']} with termination")
    for name, what in (("em_reason", "emergence"), ("ter_reason", "termination")):
        counts = {str(each["values"]): each["counts"].as_py() for each in rows[name].value_counts()}
        for reason, count in sorted(counts.items(), key=lambda pair: -pair[1]):
            if reason:
                say(f"  no {what}: {count} {reason}")
