"""Report: the results of a run in, one folder for people and platforms out."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
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
from ..outputs import whole_folder
from ..parcels import Parcels, footprint, read_parcels
from ..seasons import Season
from ..series import NEVER_SEEN, open_series
from ..stac import write_result
from ..tables import details_path, header_of, write_csv
from .assets import HARVEST_COLUMNS, assets_of, files_of
from .charts import draw_bare_soil, draw_by_months, draw_confidence, draw_date_histogram, draw_reliability
from .kernel import Summary, longest_gaps, summarise, typical_rows
from .maps import Sheet, draw_class_map, draw_date_map, spaced
from .page import File, Picture, file_size, render
from .portraits import VARIABLES, draw_portraits
from .results import Results, months_known, read_results, season_of
from .sections import build_page
from .summary import account_columns, plain, printed, summary_columns

GAP_BLOCK = 16_384
CLASSES_PARTS = ("wcc", "model", "accuracy")
"""How the files of a classification begin; an earlier report's folder, given for its classes, holds others too."""


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
        curves = list(
            draw_portraits(
                folder,
                data,
                parcels,
                results,
                season,
                rows,
                harvest=inputs.harvest,
                soil=inputs.soil,
                markers=inputs.markers,
                crops=_crop_fields(parcels, wanted),
            )
        )
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


def _crop_fields(parcels: Parcels, wanted: Wanted) -> dict[str, str]:
    """Fields of the parcels that hold crops, by what to call them."""
    named = {"crop before": wanted.crop_before, "crop after": wanted.crop_after}
    found = {name: field for name, field in named.items() if field}
    return found or ({"declared crop": "ori_crop"} if "ori_crop" in parcels.frame else {})


def _copy_results(inputs: Inputs, folder: Path, *, keep_markers: bool) -> None:
    """Copy every result file under the name that it has in any result folder."""
    for path in sorted(inputs.classes.iterdir()):
        if path.is_file() and path.name.startswith(CLASSES_PARTS):
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
    known = months_known(results.accuracy)
    if known is not None:
        path = add(
            "months.png",
            f"Balanced accuracy against the months of the season that are known: from {known.accuracy[0]:.2f} with the "
            f"first month to {known.accuracy[-1]:.2f} with all of them.",
            "Above: forests that see the season from its first day up to the end of each month; dots are single folds "
            "of the cross-validation. Below: the share of each month's values in the decisions of the forest that sees "
            "all of it; the rest are features of the whole course, such as growth, fall and days of cover.",
        )
        draw_by_months(path, months=known.months, accuracy=known.accuracy, folds=known.folds, shares=known.shares)
    return found


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


def _span(inside: NDArray[np.bool_]) -> slice:
    at = np.flatnonzero(inside)
    return slice(int(at[0]), int(at[-1]) + 1) if len(at) else slice(0, 0)
