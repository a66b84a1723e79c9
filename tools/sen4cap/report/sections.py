"""What the page says: the sections of the report, from results, numbers and pictures."""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .. import __version__
from ..classes import COLOURS, LABELS, NAMES, NWCC, WCC
from ..seasons import Season
from .kernel import Summary
from .maps import spaced
from .page import Block, Card, File, Page, Picture, Section, Table
from .results import Results, months_known
from .summary import account_columns, plain

MOST_DOUBTFUL = 10
WORDS = (
    ("Winter cover crop (WCC)", "A crop sown after the main crop's harvest that covers the soil in winter and is ended "
     "before the next main crop is sown."),
    ("No winter cover crop (NWCC)", "A parcel where the rotation leaves room for a cover crop and none was found."),
    ("Not a candidate", "A parcel whose crops leave no room for a winter cover crop: the next main crop is sown in "
     "autumn, or it is grassland or a permanent crop."),
    ("LAI", "Leaf area index: green leaf area over ground area, m² per m²."),
    ("FCOVER", "Share of the ground that green leaves cover, seen from above, 0 to 1."),
    ("Emergence, termination", "The days on which the cover crop comes up and is ended (by frost, roller, mower, "
     "plough or herbicide), as far as satellites see them. About two of three true dates lie inside the uncertainty "
     "(±)."),
    ("Intercropping period", "From the start of the harvest week of the main crop to the emergence of the next main "
     "crop, or to the end of the season where that is not seen."),
    ("Bare soil", "A day on which neither green plants nor much dead plant material cover the ground."),
)  # fmt: skip
"""The terms of the page, explained."""


def build_page(
    *,
    results: Results,
    summary: Summary,
    season: Season,
    pictures: Mapping[str, Picture],
    curves: Sequence[tuple[str, Picture]],
    absent: Sequence[str],
    files: Sequence[File],
    about: Mapping[str, str],
    sources: Sequence[str],
) -> Page:
    """Put the page together; a section whose pictures and tables are absent is left out.

    Parameters
    ----------
    pictures
        By file name.
    curves
        Why a parcel was chosen, and its picture.
    absent
        Sentences about what is missing because an optional file was not given.
    about
        Facts about how the results were made, by name.
    sources
        References of the source items.
    """
    sections = [
        _classes(results, summary, season, pictures),
        _dates(results, summary, pictures),
        _bare_soil(summary, pictures),
        _curves(curves),
        _accuracy(results.accuracy, pictures),
        _account(results, summary),
        Section("files", "Files", (Block("files", text="Everything in this folder.", files=files),)),
        _about(about, absent, sources),
        Section("terms", "Terms", (Block("words", words=WORDS),)),
    ]
    return Page(
        title=f"Winter cover crops, season {season.year}/{(season.year + 1) % 100:02d}",
        subtitle=f"{spaced(summary.parcels)} agricultural parcels, {season.start} to {season.end}",
        cards=_cards(summary),
        sections=[section for section in sections if section.blocks],
        footer=f"Made by sen4cap {__version__}. Every number of this page is in summary.csv, account.csv or the result "
        "tables of the same folder.",
        colours={NAMES[code]: COLOURS[code] for code in (WCC, NWCC)},
    )


def _cards(s: Summary) -> list[Card]:
    def span(early: np.datetime64, late: np.datetime64) -> str:
        return "no date found" if np.isnat(early) else f"eight of ten {early} to {late}"

    share = f"{s.wcc_share:.0f} % of the classified parcels" if s.wcc + s.nwcc else "none classified"
    other = f"{100 - s.wcc_share:.0f} %, {_hectares(s.nwcc_area)}" if s.wcc + s.nwcc else "none classified"
    return [
        Card("Parcels", spaced(s.parcels), "records of the input"),
        Card(LABELS[WCC], spaced(s.wcc), f"{share}, {_hectares(s.wcc_area)}", "wcc"),
        Card(LABELS[NWCC], spaced(s.nwcc), other, "nwcc"),
        Card("Unclassified", spaced(s.unclassified), f"{spaced(s.not_a_candidate)} of them no candidates", "other"),
        Card("Median emergence", plain(s.emergence) or "–", span(s.emergence_early, s.emergence_late)),
        Card("Median termination", plain(s.termination) or "–", span(s.termination_early, s.termination_late)),
    ]


def _classes(results: Results, s: Summary, season: Season, pictures: Mapping[str, Picture]) -> Section:
    table = results.table
    rows = []
    for code, count, area in ((WCC, s.wcc, s.wcc_area), (NWCC, s.nwcc, s.nwcc_area)):
        sure = table.loc[table["code"] == code, "confidence"]
        rows.append(
            (
                LABELS[code],
                spaced(count),
                f"{100 * count / max(1, s.wcc + s.nwcc):.1f}",
                _number(area, 1),
                f"{100 * area / max(1e-9, s.wcc_area + s.nwcc_area):.1f}",
                plain(float(sure.median()), places=2) or "–",
            )
        )
    blocks = [
        Block("figure", picture=pictures["map_classes.png"]),
        Block(
            "table",
            table=Table(
                f"Classified parcels, season {season.year}",
                ("Class", "Parcels", "%", "Area, ha", "% of area", "Median confidence"),
                rows,
                (1, 2, 3, 4, 5),
            ),
        ),
    ]
    if "confidence.png" in pictures:
        blocks.append(Block("figure", picture=pictures["confidence.png"]))
        blocks.append(Block("table", table=_doubtful(table)))
    return Section("classes", "Cover crop or not", blocks)


def _doubtful(table: pd.DataFrame) -> Table:
    """The parcels whose class is least certain: where a look in the field pays most."""
    known = table[table["confidence"].notna()].sort_values(["confidence", "NewID"]).head(MOST_DOUBTFUL)
    rows = [
        (str(row.NewID), NAMES[row.code], f"{row.confidence:.2f}", _number(row.area, 2))
        for row in known.itertuples(index=False)
    ]
    caption = "Where to look first: the classified parcels with the lowest confidence"
    return Table(caption, ("NewID", "Class", "Confidence", "Area, ha"), rows, (2, 3))


def _dates(results: Results, s: Summary, pictures: Mapping[str, Picture]) -> Section:
    if not s.wcc:
        return Section(
            "dates", "Emergence and termination", (Block("said", text="No parcel has a winter cover crop."),)
        )
    blocks = [Block("pair", pictures=[pictures[name] for name in ("map_emergence.png", "map_termination.png")])]
    blocks.append(Block("figure", picture=pictures["hist_dates.png"]))
    rows = [
        (
            name,
            spaced(s.wcc - missing),
            *(plain(day) or "–" for day in (early, middle, late)),
            f"± {plain(margin, places=0)}" if np.isfinite(margin) else "–",
        )
        for name, missing, early, middle, late, margin in (
            (
                *("Emergence", s.without_emergence, s.emergence_early, s.emergence, s.emergence_late),
                s.uncertainty_emergence,
            ),
            (
                *("Termination", s.without_termination, s.termination_early, s.termination, s.termination_late),
                s.uncertainty_termination,
            ),
        )
    ]
    columns = ("", "Dates found", "First tenth by", "Median", "Nine tenths by", "Median uncertainty, days")
    blocks.append(Block("table", table=Table(f"Dates of {spaced(s.wcc)} winter cover crops", columns, rows, (1, 5))))
    facts = [
        f"median length of the season {plain(s.length, places=0)} days" if np.isfinite(s.length) else "",
        f"median maximum LAI {s.lai:.1f}" if np.isfinite(s.lai) else "",
        f"median maximum FCOVER {s.fcover:.2f}" if np.isfinite(s.fcover) else "",
    ]
    told = ", ".join(fact for fact in facts if fact)
    if told:
        blocks.append(Block("text", text=told[0].upper() + told[1:] + "."))
    reasons = _missing_dates(results)
    if reasons.rows:
        blocks.append(Block("table", table=reasons))
    return Section("dates", "Emergence and termination", blocks)


def _missing_dates(results: Results) -> Table:
    """Why dates of cover crops are empty."""
    ids = results.table.loc[results.table["code"] == WCC, "NewID"]
    details = results.details.reindex(ids)
    rows = []
    for what, column in (("Emergence", "em_reason"), ("Termination", "ter_reason")):
        if column in details:
            counts = details[column].fillna("").value_counts()
            rows += [(what, reason, spaced(int(n))) for reason, n in sorted(counts.items()) if reason]
    return Table("Dates that were not found", ("Date", "Reason", "Parcels"), rows, (2,))


def _bare_soil(s: Summary, pictures: Mapping[str, Picture]) -> Section:
    if "bare_soil.png" not in pictures:
        return Section("soil", "Intercropping period", ())
    rows = [
        (LABELS[code], plain(period, places=0) or "–", plain(bare) or "–", plain(100 - bare) or "–")
        for code, period, bare in ((WCC, s.period_wcc, s.bare_wcc), (NWCC, s.period_nwcc, s.bare_nwcc))
    ]
    columns = ("Class", "Median length, days", "Bare days, mean %", "Non-bare days, mean %")
    return Section(
        "soil",
        "Intercropping period",
        (
            Block("figure", picture=pictures["bare_soil.png"]),
            Block("table", table=Table("Intercropping period and bare soil in it", columns, rows, (1, 2, 3))),
        ),
    )


def _curves(curves: Sequence[tuple[str, Picture]]) -> Section:
    blocks: list[Block] = []
    for why, picture in curves:
        blocks.append(Block("heading", text=why))
        blocks.append(Block("figure", picture=picture, class_="curve"))
    return Section("curves", "Curves of single parcels", blocks)


def _accuracy(accuracy: dict[str, Any] | None, pictures: Mapping[str, Picture]) -> Section:
    if accuracy is None or "confusion" not in accuracy:
        return Section("accuracy", "Accuracy", ())
    names = (LABELS[WCC], LABELS[NWCC])
    counts = accuracy["confusion"]["counts"]
    measured = [
        (name, _ratio(accuracy["recall"][key]), _ratio(accuracy["precision"][key]), _ratio(accuracy["f1"][key]))
        for name, key in zip(names, ("WCC", "NWCC"), strict=True)
    ]
    confusion = [(f"in truth: {name}", *(spaced(int(n)) for n in row)) for name, row in zip(names, counts, strict=True)]
    blocks = [
        Block(
            "text",
            text=f"Balanced accuracy {_ratio(accuracy['balanced_accuracy'])}, measured by: "
            f"{accuracy.get('evaluation', 'in-situ parcels')}.",
        ),
        Block("table", table=Table("By class", ("Class", "Recall", "Precision", "F1"), measured, (1, 2, 3))),
        Block(
            "table",
            table=Table(
                "Confusion of the held-out parcels", ("", *(f"classified: {n}" for n in names)), confusion, (1, 2)
            ),
        ),
    ]
    if "reliability.png" in pictures:
        blocks.append(Block("figure", picture=pictures["reliability.png"], class_="narrow"))
    known = months_known(accuracy)
    if known is not None and "months.png" in pictures:
        blocks.append(Block("heading", text="How much of the two years must be seen"))
        blocks.append(Block("figure", picture=pictures["months.png"]))
        rows = [
            (
                calendar.month_name[month],
                _ratio(value),
                _ratio(min(folds, default=None)),
                _ratio(max(folds, default=None)),
            )
            for month, value, folds in zip(known.months, known.accuracy, known.folds, strict=True)
        ]
        columns = ("Known up to the end of", "Balanced accuracy", "Lowest fold", "Highest fold")
        blocks.append(Block("table", table=Table("Accuracy by the months that are known", columns, rows, (1, 2, 3))))
    return Section("accuracy", "Accuracy", blocks)


def _account(results: Results, s: Summary) -> Section:
    columns = account_columns(results.account)
    rows = [
        (status, reason or "–", spaced(count), first)
        for status, reason, count, first in zip(*columns.values(), strict=True)
    ]
    total = sum(columns["records"])
    text = (
        f"The parcels file has {spaced(s.parcels)} records: {spaced(s.wcc + s.nwcc)} classified + "
        f"{spaced(s.not_a_candidate)} not a candidate + {spaced(s.not_classified)} not classified = {spaced(total)}. "
        "Every record is in wcc_details.parquet with its status and reason."
    )
    table = Table(
        "Every record of the parcels file",
        ("Status", "Reason", "Records", "First NewIDs"),
        rows,
        (2,),
        ("Total", "", spaced(total), ""),
    )
    return Section("account", "Account of all parcels", (Block("text", text=text), Block("table", table=table)))


def _about(about: Mapping[str, str], absent: Sequence[str], sources: Sequence[str]) -> Section:
    blocks = [Block("table", table=Table("Settings and software", ("What", "Value"), list(about.items())))]
    if sources:
        blocks.append(Block("list", text=f"{spaced(len(sources))} source items", things=sources))
    blocks += [Block("said", text=sentence) for sentence in absent]
    return Section("about", "How this was made", blocks)


def span_text(start: datetime.date | np.datetime64, end: datetime.date | np.datetime64) -> str:
    """Write a span of days."""
    return f"{start} to {end}"


def _hectares(area: float) -> str:
    return f"{_number(area, 0 if area >= 100 else 1)} ha"


def _number(value: float, places: int) -> str:
    return f"{value:,.{places}f}".replace(",", "\u202f")


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
