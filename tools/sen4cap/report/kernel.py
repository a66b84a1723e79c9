"""Numbers behind the report: gaps, typical parcels, summaries and map grids. Arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..classes import NWCC, OTHER, WCC
from ..compiled import compiled
from ..series import NEVER_SEEN

Dates = NDArray[np.datetime64]
EMPTY = np.uint8(255)
"""Code of a map pixel without any parcel."""


def longest_gaps(gap: NDArray[np.int16], /, *, block: int) -> NDArray[np.int32]:
    """Longest run of days on which a parcel was not seen.

    Parameters
    ----------
    gap : (parcel, day)
        Days to the nearest clear look; `NEVER_SEEN` where there is none.
    block
        Parcels a block, so that memory stays bounded with a memory-mapped array.

    Returns
    -------
    (parcel,)
        Days; -1 for a parcel without any look.
    """
    longest = np.empty(len(gap), np.int32)
    for first in range(0, len(gap), block):
        longest[first : first + block] = _longest_runs(np.ascontiguousarray(gap[first : first + block]))
    return longest


@compiled
def _longest_runs(gap):  # type: ignore[no-untyped-def]
    longest = np.zeros(len(gap), np.int32)
    for parcel in range(len(gap)):
        run = 0
        for day in range(gap.shape[1]):
            if gap[parcel, day] == NEVER_SEEN:
                longest[parcel] = -1
                break
            run = run + 1 if gap[parcel, day] > 0 else 0
            longest[parcel] = max(longest[parcel], run)
    return longest


def gap_spans(gap: NDArray[np.int16], /, *, least: int) -> list[tuple[int, int]]:
    """Spans of days in which a parcel was not seen for long.

    Parameters
    ----------
    gap : (day,)
        Days to the nearest clear look of one parcel.
    least
        Shortest span that counts, days without a look.

    Returns
    -------
    list of (first, past)
        Indices of the first day without a look and of the day after the last one.
    """
    edge = np.diff((gap > 0).astype(np.int8), prepend=0, append=0)
    firsts, pasts = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)
    return [(int(a), int(b)) for a, b in zip(firsts, pasts, strict=True) if b - a >= least]


def typical_rows(
    *,
    ids: NDArray[np.int32],
    codes: NDArray[np.uint8],
    confidence: NDArray[np.float64],
    emergence: Dates,
    termination: Dates,
    gaps: NDArray[np.int32],
    candidate: NDArray[np.bool_],
    count: int,
) -> list[tuple[int, str]]:
    """Choose a handful of parcels that show what the season and the method are like.

    One parcel for each of these, in this order, as far as there is one that was not chosen before: the cover crop whose
    dates lie nearest to the medians, the surest parcel without a cover crop, the least certain one, the cover crop with
    the longest gap between looks, a cover crop without one of its dates, a parcel that is no candidate, the earliest
    emergence, the latest termination, the surest cover crop, the longest season. Then further parcels, evenly spread
    over the confidence. Ties go to the lower identifier, so that the choice depends on the results alone.

    Parameters
    ----------
    ids, codes, confidence, emergence, termination, gaps, candidate : (parcel,)
        Identifier, class (`WCC`, `NWCC`, `OTHER`), confidence in the class, dates (NaT where empty), longest gap
        (-1 where never seen), whether it was a candidate. Parcels without a series must not be among them.
    count
        How many parcels at most.

    Returns
    -------
    list of (row, why)
        Rows of the arrays, each once.
    """
    wcc, nwcc, seen = codes == WCC, codes == NWCC, gaps >= 0
    dated = wcc & ~np.isnat(emergence) & ~np.isnat(termination)
    length = _days(termination, emergence)
    off_median = np.abs(_days(emergence, _middle(emergence[dated]))) + np.abs(
        _days(termination, _middle(termination[dated]))
    )
    sure = np.nan_to_num(confidence, nan=-1.0)
    epoch = np.datetime64("1970-01-01", "D")
    ways: list[tuple[str, NDArray[np.bool_], NDArray[np.float64]]] = [
        ("A typical cover crop: its dates lie nearest to the medians", dated, off_median),
        ("The surest parcel without a cover crop", nwcc, -sure),
        ("The least certain class", wcc | nwcc, sure),
        ("The cover crop with the longest gap between clear looks", wcc & seen, -gaps.astype(np.float64)),
        ("A cover crop without one of its dates", wcc & ~dated, -sure),
        ("Not a candidate for a cover crop", ~candidate & seen, gaps.astype(np.float64)),
        ("The earliest emergence", dated, _days(emergence, epoch)),
        ("The latest termination", dated, -_days(termination, epoch)),
        ("The surest cover crop", wcc, -sure),
        ("The longest season", dated, -length),
    ]
    chosen: list[tuple[int, str]] = []
    free = np.ones(len(ids), bool)
    for why, among, order in ways:
        rows = np.flatnonzero(among & free)
        if len(rows) and len(chosen) < count:
            best = int(rows[np.lexsort((ids[rows], order[rows]))[0]])
            chosen.append((best, why))
            free[best] = False
    rest = np.flatnonzero((wcc | nwcc) & free)
    rest = rest[np.lexsort((ids[rest], -sure[rest]))]
    more = min(count - len(chosen), len(rest))
    picks = rest[np.linspace(0, len(rest) - 1, more).round().astype(int)] if more > 0 else rest[:0]
    return chosen + [(int(row), "A further parcel, by confidence") for row in dict.fromkeys(picks.tolist())]


def date_quantiles(dates: Dates, /, *, quantiles: Sequence[float]) -> list[np.datetime64]:
    """Quantiles of dates, whole days (of two middle days the earlier); NaT where no date is known."""
    known = np.sort(dates[~np.isnat(dates)].astype("datetime64[D]"))
    if not len(known):
        return [np.datetime64("NaT", "D")] * len(quantiles)
    return [known[int(np.floor(q * (len(known) - 1)))] for q in quantiles]


def week_counts(dates: Dates, /, *, first: np.datetime64, past: np.datetime64) -> tuple[Dates, NDArray[np.int64]]:
    """Count dates by week.

    Parameters
    ----------
    dates : (parcel,)
        NaT is left out.
    first, past
        Span the weeks must cover; widened to every date.

    Returns
    -------
    mondays : (week,) datetime64[D]
    counts : (week,)
    """
    known = dates[~np.isnat(dates)].astype("datetime64[D]")
    low = min([first, *known[:0], *([known.min()] if len(known) else [])])
    high = max([past, *([known.max() + 1] if len(known) else [])])
    low = _monday(low)
    weeks = max(1, int(np.ceil((high - low).astype(int) / 7)))
    counts = np.bincount((known - low).astype(int) // 7, minlength=weeks)
    return low + 7 * np.arange(len(counts)), counts


@dataclass(frozen=True)
class Summary:
    """What a season comes to; one field a quantity, in the order in which they are shown.

    Counts are of records of the parcels file; areas in ha; shares in percent; NaT or NaN where nothing is known.
    """

    parcels: int
    wcc: int
    nwcc: int
    unclassified: int
    not_a_candidate: int
    not_classified: int
    wcc_area: float
    nwcc_area: float
    wcc_share: float
    wcc_area_share: float
    emergence: np.datetime64
    emergence_early: np.datetime64
    emergence_late: np.datetime64
    termination: np.datetime64
    termination_early: np.datetime64
    termination_late: np.datetime64
    without_emergence: int
    without_termination: int
    length: float
    uncertainty_emergence: float
    uncertainty_termination: float
    lai: float
    fcover: float
    period_wcc: float
    period_nwcc: float
    bare_wcc: float
    bare_nwcc: float


def summarise(
    table: Mapping[str, NDArray],
    /,
    *,
    statuses: Mapping[str, int],
) -> Summary:
    """Put a season into numbers.

    Parameters
    ----------
    table
        Columns of one row per usable parcel: `code`, `area` (ha), the columns of season.csv and of intercrop.csv, NaN
        and NaT where a parcel has no row there.
    statuses
        Number of records of the parcels file by status: ``classified``, ``not a candidate``, ``not classified``.
    """
    code = table["code"]
    wcc, nwcc = code == WCC, code == NWCC
    areas = [float(table["area"][chosen].sum()) for chosen in (wcc, nwcc)]
    both = int(wcc.sum() + nwcc.sum())
    spread = (0.5, 0.1, 0.9)
    return Summary(
        parcels=sum(statuses.values()),
        wcc=int(wcc.sum()),
        nwcc=int(nwcc.sum()),
        unclassified=sum(statuses.values()) - both,
        not_a_candidate=statuses["not a candidate"],
        not_classified=statuses["not classified"],
        wcc_area=areas[0],
        nwcc_area=areas[1],
        wcc_share=100 * wcc.sum() / both if both else np.nan,
        wcc_area_share=100 * areas[0] / sum(areas) if sum(areas) else np.nan,
        **dict(
            zip(
                ("emergence", "emergence_early", "emergence_late"),
                date_quantiles(table["Em_d"][wcc], quantiles=spread),
                strict=True,
            )
        ),
        **dict(
            zip(
                ("termination", "termination_early", "termination_late"),
                date_quantiles(table["Ter_d"][wcc], quantiles=spread),
                strict=True,
            )
        ),
        without_emergence=int(np.isnat(table["Em_d"][wcc]).sum()),
        without_termination=int(np.isnat(table["Ter_d"][wcc]).sum()),
        length=_median(table["S_length"][wcc]),
        uncertainty_emergence=_median(table["Uncert_em"][wcc]),
        uncertainty_termination=_median(table["Uncert_ter"][wcc]),
        lai=_median(table["M_gro_val"][wcc]),
        fcover=_median(table["M_co_val"][wcc]),
        period_wcc=_median(table["Inter_d"][wcc]),
        period_nwcc=_median(table["Inter_d"][nwcc]),
        bare_wcc=_mean(table["BS_per"][wcc]),
        bare_nwcc=_mean(table["BS_per"][nwcc]),
    )


def map_extent(boxes: NDArray[np.float64], /, *, reach: float, most: float) -> tuple[NDArray[np.float64], int]:
    """Rectangle a map shows: all parcels, but for a few strays that would make it unreadable.

    A parcel is a stray where its centre lies further than `reach` interquartile ranges outside the quartiles of all
    centres. Where strays are more than the share `most` of the parcels (and more than two), they are no strays.

    Parameters
    ----------
    boxes : (parcel, 4)
        West, south, east, north of each parcel.

    Returns
    -------
    extent : (4,)
        West, south, east, north.
    outside : int
        Parcels left outside.
    """
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    low, high = np.quantile(centres, (0.25, 0.75), axis=0)
    size = np.median(boxes[:, 2:] - boxes[:, :2], axis=0)
    room = reach * np.maximum((high - low).max(), size.max())
    stray = ((centres < low - room) | (centres > high + room)).any(axis=1)
    if stray.sum() > max(2, most * len(boxes)) or stray.all():
        stray[:] = False
    kept = boxes[~stray]
    return np.concatenate([kept[:, :2].min(axis=0), kept[:, 2:].max(axis=0)]), int(stray.sum())


def dominant_classes(
    pixel: NDArray[np.int64], area: NDArray[np.float64], code: NDArray[np.uint8], /, *, pixels: int
) -> NDArray[np.uint8]:
    """Class with the largest area in each map pixel, for parcels that are smaller than a pixel.

    Parameters
    ----------
    pixel, area, code : (parcel,)
        Flat index of the pixel a parcel's centre lies in (negative: outside), its area, its class code.
    pixels
        Number of pixels.

    Returns
    -------
    (pixels,)
        Class code; `EMPTY` where no parcel lies. Of equal areas WCC wins over NWCC over other.
    """
    inside = pixel >= 0
    totals = np.stack(
        [
            np.bincount(pixel[inside & (code == each)], weights=area[inside & (code == each)], minlength=pixels)
            for each in (WCC, NWCC, OTHER)
        ]
    )
    best = np.array([WCC, NWCC, OTHER], np.uint8)[totals.argmax(axis=0)]
    return np.where(totals.sum(axis=0) > 0, best, EMPTY)


def mean_values(
    pixel: NDArray[np.int64], area: NDArray[np.float64], value: NDArray[np.float64], /, *, pixels: int
) -> NDArray[np.float64]:
    """Mean of a value in each map pixel, weighted by area; NaN where no parcel with a value lies. Shapes as above."""
    known = (pixel >= 0) & np.isfinite(value)
    weight = np.bincount(pixel[known], weights=area[known], minlength=pixels)
    total = np.bincount(pixel[known], weights=area[known] * value[known], minlength=pixels)
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / weight


def nice_length(span: float, /) -> float:
    """Length of a scale bar: the largest of 1, 2 or 5 times a power of ten within a span."""
    power = 10.0 ** np.floor(np.log10(span))
    return float(max(step for step in (1, 2, 5, 0.5) if step * power <= span) * power)


def _days(dates: Dates, since: Dates | np.datetime64) -> NDArray[np.float64]:
    days = (dates.astype("datetime64[D]") - since).astype("timedelta64[D]")
    return np.where(np.isnat(days), np.inf, days.astype(np.float64))


def _middle(dates: Dates) -> np.datetime64:
    return date_quantiles(dates, quantiles=(0.5,))[0]


def _monday(day: np.datetime64) -> np.datetime64:
    return day - (day.astype("datetime64[D]").astype(int) + 3) % 7


def _median(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
