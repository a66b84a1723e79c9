"""Portraits of single parcels: everything a run knows of one, collected and drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from ..classes import LABELS, OTHER, WCC
from ..harvests import read_harvests
from ..marker_table import MarkerTable
from ..parcels import Parcels
from ..progress import track
from ..seasons import Season
from .curves import Curve, Event, Points, draw_curve
from .page import Picture
from .results import Results, soil_of

VARIABLES = ("LAI", "FCOVER")
NOT_A_TIME = np.datetime64("NaT", "D")


def draw_portraits(
    folder: Path,
    data: xr.Dataset,
    parcels: Parcels,
    results: Results,
    season: Season,
    rows: Sequence[tuple[int, int, str]],
    *,
    harvest: Path | None,
    soil: Path | None,
    markers: Sequence[Path],
    crops: Mapping[str, str],
) -> Iterator[tuple[str, Picture]]:
    """Draw parcels; yield why each was chosen, and its picture.

    Parameters
    ----------
    rows
        Row of the result table, row of the series, why: a parcel each.
    harvest, soil, markers
        The optional files of a run.
    crops
        Fields of the parcels that hold crops, by what to call them.
    """
    ids = results.table["NewID"].to_numpy()[[row for row, _, _ in rows]]
    table = MarkerTable(markers) if markers else None
    intervals = soil_of(soil, ids) if soil else None
    harvests = read_harvests(harvest) if harvest else None
    weeks = np.full(len(ids), NOT_A_TIME)
    if harvests is not None:
        at = pd.Index(harvests.ids).get_indexer(ids)
        weeks = np.where(at >= 0, harvests.start[at], NOT_A_TIME)
    for (row, place, why), week in zip(track(rows, "curves"), weeks, strict=True):
        one = results.table.iloc[row]
        new_id = int(one["NewID"])
        curve = Curve(
            new_id=new_id,
            title=_title(one),
            subtitle=_subtitle(parcels, row, one, crops, results.details),
            days=data["day"].to_numpy(),
            values={name: data[name].to_numpy()[place] for name in VARIABLES if name in data},
            gap=data["gap"].to_numpy()[place],
            season=season,
            looks=_looks(table, new_id, data) if table else {},
            events=_events(one, results, week),
            maxima={
                "LAI": (_day(one["M_gro_d"]), float(one["M_gro_val"])),
                "FCOVER": (_day(one["M_cov_d"]), float(one["M_co_val"])),
            },
            soil=None if intervals is None else _intervals(intervals, new_id),
        )
        path = folder / f"curve_{new_id}.png"
        draw_curve(path, curve)
        yield why, Picture(path, _describe(curve), _caption(one, curve))


def _title(one: pd.Series) -> str:
    if one["code"] == OTHER:
        return f"NewID {one['NewID']}: {one['status']}" + (f" ({one['reason']})" if one["reason"] else "")
    return f"NewID {one['NewID']}: {LABELS[one['code']].lower()} (confidence {one['confidence']:.2f})"


def _subtitle(parcels: Parcels, row: int, one: pd.Series, crops: Mapping[str, str], details: pd.DataFrame) -> str:
    told = [f"{one['area']:.2f} ha"]
    told += [f"{name}: {parcels.frame[field].iloc[row]}" for name, field in crops.items()]
    if one["code"] == WCC and one["NewID"] in details.index:
        own = details.loc[one["NewID"]]
        for name, column in (("emergence", "em_reason"), ("termination", "ter_reason")):
            if own.get(column):
                told.append(f"no {name} date: {own[column]}")
    return ", ".join(told)


def _looks(markers: MarkerTable, new_id: int, data: xr.Dataset) -> dict[str, Points]:
    row = np.flatnonzero(markers.ids == new_id)
    if not len(row):
        return {}
    days = data["day"].to_numpy().astype("datetime64[D]")
    found = {}
    for name in VARIABLES:
        if name in data and name in markers.types():
            looks = markers.looks(
                name,
                start=days[0].astype(object),
                end=days[-1].astype(object),
                rows=slice(int(row[0]), int(row[0]) + 1),
            )
            seen = np.isfinite(looks.mean[0])
            found[name] = Points(looks.days[seen], looks.mean[0][seen], looks.stdev[0][seen])
    return found


def _events(one: pd.Series, results: Results, week: np.datetime64) -> list[Event]:
    """Harvest, emergence, termination and next emergence of a parcel, as far as they are known."""
    details = results.details
    own = details.loc[one["NewID"]] if one["NewID"] in details.index else pd.Series()
    following = _day(own["next_emergence"]) if "next_emergence" in own else NOT_A_TIME
    margin = float(own["next_uncertainty"]) if "next_uncertainty" in own else float("nan")
    return [
        Event("harvest week", week, float("nan"), "harvest"),
        Event("emergence", _day(one["Em_d"]), float(one["Uncert_em"]), "emergence"),
        Event("termination", _day(one["Ter_d"]), float(one["Uncert_ter"]), "termination"),
        Event("next crop", following, margin, "next"),
    ]


def _intervals(soil: pd.DataFrame, new_id: int) -> list[tuple[np.datetime64, np.datetime64, str]]:
    own = soil[soil["NewID"] == new_id]
    return [
        (_day(start), _day(end), "BS" if bare else "NBS")
        for start, end, bare in zip(own["start"], own["end"], own["bare"], strict=True)
    ]


def _describe(curve: Curve) -> str:
    """Say in words what a curve shows."""
    parts = [f"LAI and FCOVER of parcel {curve.new_id} from {curve.days[0]:.10} to {curve.days[-1]:.10}"]
    parts += [f"{event.name} {event.day}" for event in curve.events if not np.isnat(event.day)]
    for name, (day, value) in curve.maxima.items():
        if not np.isnat(day):
            parts.append(f"maximum {name} {value:.2f} on {day}")
    return "; ".join(parts) + "."


def _caption(one: pd.Series, curve: Curve) -> str:
    """Give the numbers of the result tables that belong to a curve."""
    told = [
        f"{event.name} {event.day}" + (f" ± {event.uncertainty:.0f} days" if np.isfinite(event.uncertainty) else "")
        for event in curve.events
        if not np.isnat(event.day)
    ]
    if np.isfinite(one["S_length"]):
        told.append(f"{one['S_length']:.0f} days from emergence to termination")
    for name, (day, value) in curve.maxima.items():
        if not np.isnat(day):
            told.append(f"maximum {name} {value:.2f} on {day}")
    if np.isfinite(one["Inter_d"]):
        told.append(f"bare on {one['BS_d']:.0f} of {one['Inter_d']:.0f} days between the main crops")
    return f"NewID {curve.new_id}: {'; '.join(told) or 'no dates'}."


def _day(value: object) -> np.datetime64:
    return NOT_A_TIME if pd.isna(value) else np.datetime64(pd.Timestamp(value), "D")
