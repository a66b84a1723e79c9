"""Report: the results of a run in, one folder for people and platforms out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from .. import __version__
from ..classes import LABELS, NWCC, OTHER, WCC
from ..errors import BadInput
from ..harvests import read_harvests
from ..marker_table import MarkerTable
from ..outputs import whole_folder
from ..parcels import Parcels, footprint, read_parcels
from ..progress import track
from ..seasons import Season
from ..series import NEVER_SEEN, open_series
from ..stac import write_result
from ..tables import details_path, header_of, write_csv
from .assets import HARVEST_COLUMNS, assets_of, files_of
from .charts import draw_bare_soil, draw_confidence, draw_date_histogram, draw_reliability
from .curves import Curve, Event, Points, draw_curve
from .kernel import Summary, longest_gaps, summarise, typical_rows
from .maps import Sheet, draw_class_map, draw_date_map, spaced
from .page import File, Picture, file_size, render
from .results import Results, read_results, season_of, soil_of
from .sections import build_page
from .summary import account_columns, plain, printed, summary_columns

VARIABLES = ("LAI", "FCOVER")
GAP_BLOCK = 16_384
STAC_PARTS = ("catalog.json",)
NOT_A_TIME = np.datetime64("NaT", "D")


@dataclass(frozen=True)
class Inputs:
    """Files of a run; the optional ones may be None or empty."""

    parcels: Path
    series: Path
    classes: Path
    season: Path
    intercrop: Path
    harvest: Path | None
    soil: Path | None
    markers: Sequence[Path]


@dataclass(frozen=True)
class Wanted:
    """What is wanted beyond the results themselves: see the options of the same names."""

    curves: Sequence[int]
    typical: int
    crop_before: str | None
    crop_after: str | None
    most_outlines: int
    keep_markers: bool


def report(inputs: Inputs, *, id_field: str, wanted: Wanted, output: Path) -> None:
    """Write the result folder of a run and print its summary."""
    data = _open(inputs.series)
    season = season_of(details_path(inputs.season), data.attrs["season"])
    parcels = _read_parcels(inputs.parcels, id_field, wanted)
    results = read_results(parcels, classes=inputs.classes, season=inputs.season, intercrop=inputs.intercrop)
    summary = summarise({name: results.table[name].to_numpy() for name in results.table}, statuses=results.statuses)
    rows = _rows_to_draw(data, inputs.series, results, season, wanted)
    with whole_folder(output) as folder:
        _copy_results(inputs, folder, keep_markers=wanted.keep_markers)
        write_csv(folder / "summary.csv", summary_columns(summary))
        write_csv(folder / "account.csv", account_columns(results.account))
        pictures = _draw_overviews(folder, parcels, results, summary, season, wanted.most_outlines)
        curves = list(_draw_curves(folder, data, parcels, results, season, inputs, rows, wanted))
        _write_page(folder, inputs, data, results, summary, season, pictures, curves)
        write_result(
            folder,
            id=f"winter-cover-crops-{season.year}",
            description=f"Winter cover crops of season {season.year}: classes, dates, intercropping period, report",
            geometry=footprint(parcels),
            start=season.start,
            end=season.end,
            assets=assets_of(folder),
            derived_from=data.attrs["sources"],
            properties={"title": f"Winter cover crops, season {season.year}"},
        )
    click.echo(printed(summary, str(output / "index.html")))


def _open(path: Path) -> xr.Dataset:
    data = open_series(path)
    if not any(name in data for name in VARIABLES):
        raise BadInput(path, f"has neither LAI nor FCOVER, only {', '.join(map(str, data))}", do="run `sen4cap smooth`")
    return data


def _read_parcels(path: Path, id_field: str, wanted: Wanted) -> Parcels:
    parcels = read_parcels(path, id_field=id_field)
    if not len(parcels.frame):
        raise BadInput(path, f"holds no usable parcel among {len(parcels.problems)} records")
    missing = [name for name in (wanted.crop_before, wanted.crop_after) if name and name not in parcels.frame]
    if missing:
        raise BadInput(path, f"has no field {', '.join(missing)}, only {', '.join(map(str, parcels.frame))}")
    return parcels


def _rows_to_draw(
    data: xr.Dataset, path: Path, results: Results, season: Season, wanted: Wanted
) -> list[tuple[int, int, str]]:
    """Rows of the table and of the series, and why: the parcels asked for, then typical ones."""
    table = results.table
    ids = table["NewID"].to_numpy()
    at = pd.Index(data["parcel"].to_numpy()).get_indexer(ids)
    asked = []
    for new_id in dict.fromkeys(wanted.curves):
        row = np.flatnonzero(ids == new_id)
        if not len(row) or at[row[0]] < 0:
            raise BadInput(path, f"has no parcel {new_id} to draw", do="correct --curves")
        asked.append((int(row[0]), int(at[row[0]]), "Asked for"))
    days = data["day"].to_numpy().astype("datetime64[D]")
    inside = (days >= np.datetime64(season.start, "D")) & (days <= np.datetime64(season.end, "D"))
    gaps = longest_gaps(data["gap"].to_numpy()[:, _span(inside)], block=GAP_BLOCK)
    free = np.flatnonzero((at >= 0) & ~np.isin(ids, wanted.curves))
    chosen = typical_rows(
        ids=ids[free],
        codes=table["code"].to_numpy()[free],
        confidence=table["confidence"].to_numpy()[free],
        emergence=_dates(table, "Em_d")[free],
        termination=_dates(table, "Ter_d")[free],
        gaps=gaps[at[free]],
        candidate=(table["status"] != "not a candidate").to_numpy()[free],
        count=wanted.typical,
    )
    return asked + [(int(free[row]), int(at[free[row]]), why) for row, why in chosen]


def _copy_results(inputs: Inputs, folder: Path, *, keep_markers: bool) -> None:
    """Copy every result file under the name that it has in any result folder."""
    for path in sorted(inputs.classes.iterdir()):
        if path.is_file() and not path.name.startswith(".") and path.name not in STAC_PARTS:
            shutil.copyfile(path, folder / path.name)
    harvest = inputs.harvest
    tables = (
        (inputs.season, "season.csv"),
        (inputs.intercrop, "intercrop.csv"),
        (inputs.soil, "soil.csv"),
        (harvest, _harvest_name(harvest)),
    )
    for source, name in tables:
        if source is None:
            continue
        shutil.copyfile(source, folder / name)
        if details_path(source).is_file():
            shutil.copyfile(details_path(source), details_path(folder / name))
    if keep_markers:
        shutil.copyfile(inputs.series, folder / "series.arrow")
        for place, path in enumerate(inputs.markers):
            again = path.name in {other.name for other in inputs.markers[:place]}
            shutil.copyfile(path, folder / (f"{path.stem}_{place + 1}{path.suffix}" if again else path.name))


def _harvest_name(path: Path | None) -> str:
    """Name of the harvest table in the folder; an L4C product keeps its own, which says what it is."""
    if path is None or (path.suffix.lower() == ".csv" and set(HARVEST_COLUMNS) <= set(header_of(path)[0])):
        return "harvest.csv"
    return path.name


def _draw_overviews(
    folder: Path, parcels: Parcels, results: Results, summary: Summary, season: Season, most_outlines: int
) -> dict[str, Picture]:
    """Draw maps and charts of the whole season; by file name."""
    table = results.table
    codes = table["code"].to_numpy()
    wcc = codes == WCC
    sheet = Sheet.of(parcels.frame, most_outlines=most_outlines)
    left = summary.parcels - len(table)
    note = f"{spaced(len(table))} parcels, {season.start} to {season.end}"
    note += (
        f"; {spaced(left)} of {spaced(summary.parcels)} records have no usable geometry or identifier" if left else ""
    )
    found: dict[str, Picture] = {}

    def add(name: str, alt: str, caption: str) -> Path:
        found[name] = Picture(folder / name, alt, caption)
        return folder / name

    counted = ", ".join(f"{spaced(int((codes == code).sum()))} {LABELS[code].lower()}" for code in (WCC, NWCC, OTHER))
    path = add("map_classes.png", f"Map of the parcels by class: {counted}.", "Every parcel of the input by its class.")
    draw_class_map(path, sheet, codes, year=season.year, note=note)
    if wcc.any():
        for name, column, middle in (
            ("emergence", "Em_d", summary.emergence),
            ("termination", "Ter_d", summary.termination),
        ):
            told = plain(middle) or "not known"
            path = add(
                f"map_{name}.png",
                f"Map of the {name} dates of the winter cover crops; median {told}.",
                f"{name.capitalize()} of the winter cover crops; later dates are lighter.",
            )
            title = f"{name.capitalize()} of winter cover crops, season {season.year}/{(season.year + 1) % 100:02d}"
            draw_date_map(path, sheet, _dates(table, column), among=wcc, title=title, note=note)
        path = add(
            "hist_dates.png",
            f"Number of winter cover crops that emerge and end by week; median emergence {plain(summary.emergence)}, "
            f"median termination {plain(summary.termination)}.",
            "How many winter cover crops emerge and end, week by week.",
        )
        own = table[wcc]
        draw_date_histogram(path, emergence=_dates(own, "Em_d"), termination=_dates(own, "Ter_d"), season=season)
    if (codes != OTHER).any():
        path = add(
            "confidence.png",
            "Number of parcels by the confidence in their class.",
            "How sure the classes are: 0.5 is a coin's toss, 1 is certainty.",
        )
        draw_confidence(path, codes=codes, confidence=table["confidence"].to_numpy())
    if (table["BS_per"].notna().to_numpy() & (codes != OTHER)).any():
        path = add(
            "bare_soil.png",
            "Share of bare days in the intercropping period, on average: with a cover crop "
            f"{plain(summary.bare_wcc, places=0) or 'not known'} percent, without "
            f"{plain(summary.bare_nwcc, places=0) or 'not known'} percent.",
            "Parcels whose harvest week is known: above, by their share of bare days; below, what the period consists "
            "of on average.",
        )
        shares = {name: table[name].to_numpy() for name in ("BS_per", "BS_b_per", "BS_a_per")}
        draw_bare_soil(path, codes=codes, shares=shares)
    bins = (results.accuracy or {}).get("reliability")
    if bins:
        path = add(
            "reliability.png",
            "Share of true cover crops by stated confidence, near the diagonal where the confidence can be trusted.",
            "On the diagonal, seven of ten parcels with confidence 0.7 are cover crops.",
        )
        said, observed, count = ([row[name] for row in bins] for name in ("confidence", "observed", "count"))
        draw_reliability(path, said=said, observed=observed, count=count)
    return found


def _draw_curves(
    folder: Path,
    data: xr.Dataset,
    parcels: Parcels,
    results: Results,
    season: Season,
    inputs: Inputs,
    rows: Sequence[tuple[int, int, str]],
    wanted: Wanted,
) -> Iterator[tuple[str, Picture]]:
    """Draw the parcels asked for and the typical ones; yield why, and the picture."""
    ids = results.table["NewID"].to_numpy()[[row for row, _, _ in rows]]
    markers = MarkerTable(inputs.markers) if inputs.markers else None
    soil = soil_of(inputs.soil, ids) if inputs.soil else None
    harvests = read_harvests(inputs.harvest) if inputs.harvest else None
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
            subtitle=_subtitle(parcels, row, one, wanted, results.details),
            days=data["day"].to_numpy(),
            values={name: data[name].to_numpy()[place] for name in VARIABLES if name in data},
            gap=data["gap"].to_numpy()[place],
            season=season,
            looks=_looks(markers, new_id, data) if markers else {},
            events=_events(one, results, week),
            maxima={
                "LAI": (_day(one["M_gro_d"]), float(one["M_gro_val"])),
                "FCOVER": (_day(one["M_cov_d"]), float(one["M_co_val"])),
            },
            soil=None if soil is None else _intervals(soil, new_id),
        )
        path = folder / f"curve_{new_id}.png"
        draw_curve(path, curve)
        yield why, Picture(path, _describe(curve), _caption(one, curve))


def _title(one: pd.Series) -> str:
    if one["code"] == OTHER:
        return f"NewID {one['NewID']}: {one['status']}" + (f" ({one['reason']})" if one["reason"] else "")
    return f"NewID {one['NewID']}: {LABELS[one['code']].lower()} (confidence {one['confidence']:.2f})"


def _subtitle(parcels: Parcels, row: int, one: pd.Series, wanted: Wanted, details: pd.DataFrame) -> str:
    told = [f"{one['area']:.2f} ha"]
    for name, field in (("crop before", wanted.crop_before), ("crop after", wanted.crop_after)):
        if field:
            told.append(f"{name}: {parcels.frame[field].iloc[row]}")
    if len(told) == 1 and "ori_crop" in parcels.frame:
        told.append(f"declared crop: {parcels.frame['ori_crop'].iloc[row]}")
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


def _write_page(
    folder: Path,
    inputs: Inputs,
    data: xr.Dataset,
    results: Results,
    summary: Summary,
    season: Season,
    pictures: dict[str, Picture],
    curves: Sequence[tuple[str, Picture]],
) -> None:
    days = data["day"].to_numpy().astype("datetime64[D]")
    accuracy = results.accuracy or {}
    about = {
        "Season": f"{season.start} to {season.end}",
        "Span of the series": f"{days[0]} to {days[-1]}",
        "Smoothing": data.attrs["method"],
        "Classified by": str(accuracy.get("classified_by", "not known")),
        "Emergence, termination by": _methods(results.details),
        "Accuracy measured by": str(accuracy.get("evaluation") or "not measured: no in-situ data"),
        "Parcels with a series": spaced(data.sizes["parcel"]),
        "Parcels never seen clear": spaced(int((data["gap"].to_numpy()[:, :1] == NEVER_SEEN).sum())),
        "Software": f"sen4cap {__version__}",
    }
    files = [
        File(name, kind.title, file_size((folder / name).stat().st_size), kind.columns or {})
        for name, kind in files_of(folder).items()
    ]
    page = build_page(
        results=results,
        summary=summary,
        season=season,
        pictures=pictures,
        curves=curves,
        absent=_absent(inputs, results),
        files=files,
        about=about,
        sources=data.attrs["sources"],
    )
    (folder / "index.html").write_text(render(page), encoding="utf-8")


def _methods(details: pd.DataFrame) -> str:
    columns = [name for name in ("em_method", "ter_method") if name in details]
    named = [", ".join(sorted(map(str, details[name].dropna().unique()))) for name in columns]
    return "; ".join(named) or "not known"


def _absent(inputs: Inputs, results: Results) -> list[str]:
    """Sentences about the sections that are left out."""
    said = []
    if inputs.harvest is None:
        said.append("No harvest table was given (--harvest): the curves show no harvest week.")
    if inputs.soil is None:
        said.append("No bare-soil table was given (--soil): the curves show no strip of bare soil.")
    if not inputs.markers:
        said.append("No marker table was given (--markers): the curves show the smoothed lines without the looks.")
    if not (results.accuracy or {}).get("confusion"):
        said.append("No accuracy was measured: the classification knew no in-situ parcels to compare with.")
    return said


def _dates(table: pd.DataFrame, column: str) -> NDArray[np.datetime64]:
    days: NDArray[np.datetime64] = table[column].to_numpy().astype("datetime64[D]")
    return days


def _day(value: object) -> np.datetime64:
    return NOT_A_TIME if pd.isna(value) else np.datetime64(pd.Timestamp(value), "D")


def _span(inside: NDArray[np.bool_]) -> slice:
    at = np.flatnonzero(inside)
    return slice(int(at[0]), int(at[-1]) + 1) if len(at) else slice(0, 0)
