"""Charts of a whole season: when cover crops emerge and end, how long soil lies bare, how sure the classes are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ..classes import COLOURS as CLASS_COLOURS
from ..classes import LABELS, NWCC, WCC
from ..seasons import Season
from .figures import COLOURS, INK, MONTHS, QUIET, day_number, month_axis, new_figure
from .kernel import date_quantiles, week_counts

SHARE_BINS = np.arange(0, 101, 10)
CONFIDENCE_BINS = np.linspace(0.5, 1, 11)


def draw_date_histogram(
    path: Path, *, emergence: NDArray[np.datetime64], termination: NDArray[np.datetime64], season: Season
) -> None:
    """Draw the number of cover crops that emerge and end, week by week, with the medians."""
    first, past = np.datetime64(season.start, "D"), np.datetime64(season.end, "D") + 1
    kinds = (("emergence", emergence), ("termination", termination))
    weeks = {name: week_counts(dates, first=first, past=past) for name, dates in kinds}
    low = min(mondays[0] for mondays, _ in weeks.values())
    high = max(mondays[-1] for mondays, _ in weeks.values()) + 7
    most = max(1, *(int(counts.max()) for _, counts in weeks.values()))
    with new_figure(path, width=8.6, height=4.4) as figure:
        panels = figure.subplots(2, 1, sharex=True)
        figure.subplots_adjust(left=0.085, right=0.975, top=0.93, bottom=0.12, hspace=0.28)
        for axes, (name, dates) in zip(panels, kinds, strict=True):
            mondays, counts = weeks[name]
            axes.bar(
                [day_number(monday) + 3.5 for monday in mondays],
                counts,
                width=6.4,
                color=COLOURS[name],
                alpha=0.8,
                lw=0,
            )
            known = int((~np.isnat(dates)).sum())
            axes.set_title(f"{name.capitalize()}: {known} of {len(dates)} cover crops", fontsize=11)
            axes.set_ylabel("parcels a week")
            axes.set_ylim(0, most * 1.12)
            axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
            axes.grid(axis="y")
            axes.set_axisbelow(True)
            month_axis(axes, low, high)
            (median,) = date_quantiles(dates, quantiles=(0.5,))
            if not np.isnat(median):
                axes.axvline(day_number(median), color=INK, lw=1.4, ls=(0, (4, 2)))
                early = day_number(median) < (day_number(low) + day_number(high)) / 2
                axes.annotate(
                    f"median {median}",
                    (day_number(median), most * 1.1),
                    xytext=(5 if early else -5, 0),
                    textcoords="offset points",
                    va="top",
                    ha="left" if early else "right",
                    fontsize=9.5,
                )
        panels[0].tick_params(axis="x", which="minor", labelbottom=False)


def draw_bare_soil(path: Path, *, codes: NDArray[np.uint8], shares: Mapping[str, NDArray[np.float64]]) -> None:
    """Draw how the share of bare soil in the intercropping period is spread, and what it is made of on average.

    Parameters
    ----------
    codes : (parcel,)
    shares
        Columns BS_per, BS_b_per and BS_a_per of intercrop.csv, (parcel,), percent.
    """
    bare = shares["BS_per"]
    with new_figure(path, width=8.6, height=4.6) as figure:
        top, low = figure.subplots(2, 1, height_ratios=(2.3, 1))
        figure.subplots_adjust(left=0.085, right=0.975, top=0.93, bottom=0.21, hspace=0.62)
        for shift, code in ((-2.1, WCC), (2.1, NWCC)):
            values = bare[(codes == code) & np.isfinite(bare)]
            counts, _ = np.histogram(values, SHARE_BINS)
            part = 100 * counts / max(1, len(values))
            top.bar(
                SHARE_BINS[:-1] + 5 + shift,
                part,
                width=4.0,
                color=CLASS_COLOURS[code],
                label=f"{LABELS[code]} ({len(values)})",
            )
        top.set_title("Bare soil in the intercropping period", fontsize=11)
        top.set_xlabel("bare days (% of the period)")
        top.set_ylabel("parcels (%)")
        top.set_xticks(SHARE_BINS)
        top.grid(axis="y")
        top.set_axisbelow(True)
        top.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.2)
        _draw_composition(low, codes, shares)
        low.legend(loc="upper center", bbox_to_anchor=(0.46, -0.5), ncols=4)


def _draw_composition(axes: Any, codes: NDArray[np.uint8], shares: Mapping[str, NDArray[np.float64]]) -> None:
    """Stack the mean shares: bare before, bare after, bare otherwise, not bare."""
    names = ("bare before emergence", "bare after termination", "bare otherwise", "not bare")
    colours = ("#6f4a2a", "#b98a5e", "#dcc3a5", COLOURS["NBS"])
    for row, code in ((1, WCC), (0, NWCC)):
        known = (codes == code) & np.isfinite(shares["BS_per"])
        if not known.any():
            axes.text(1, row, "no period known", va="center", color=QUIET, fontsize=9)
            continue
        bare = float(shares["BS_per"][known].mean())
        before, after = (
            float(np.nan_to_num(shares[name][known]).mean()) if code == WCC else 0.0
            for name in ("BS_b_per", "BS_a_per")
        )
        parts = (before, after, max(0.0, bare - before - after), 100 - bare)
        at = 0.0
        for name, part, colour in zip(names, parts, colours, strict=True):
            axes.barh(
                row,
                part,
                left=at,
                height=0.62,
                color=colour,
                label=name if row else None,
                edgecolor="white",
            )
            if part >= 6:
                dark = colour == colours[0]
                axes.text(
                    at + part / 2,
                    row,
                    f"{part:.0f} %",
                    ha="center",
                    va="center",
                    color="white" if dark else INK,
                    fontsize=9,
                )
            at += part
    axes.set_yticks([1, 0], ["WCC", "NWCC"])
    axes.set_xlim(0, 100)
    axes.set_ylim(-0.5, 1.5)
    axes.set_xlabel("mean share of the period (%)")


def draw_confidence(path: Path, *, codes: NDArray[np.uint8], confidence: NDArray[np.float64]) -> None:
    """Draw how sure the classes are, (parcel,): parcels by the confidence in the class they were given."""
    with new_figure(path, width=8.6, height=2.9) as figure:
        axes = figure.subplots()
        figure.subplots_adjust(left=0.085, right=0.975, top=0.88, bottom=0.19)
        groups = [confidence[codes == code] for code in (WCC, NWCC)]
        axes.hist(
            [np.clip(group, CONFIDENCE_BINS[0], 1) for group in groups],
            CONFIDENCE_BINS.tolist(),
            color=[CLASS_COLOURS[WCC], CLASS_COLOURS[NWCC]],
            label=[f"{LABELS[code]} ({len(group)})" for code, group in zip((WCC, NWCC), groups, strict=True)],
        )
        axes.set_title("Confidence in the class", fontsize=11)
        axes.set_xlabel("confidence")
        axes.set_ylabel("parcels")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.2)


def draw_reliability(path: Path, *, said: Sequence[float], observed: Sequence[float], count: Sequence[float]) -> None:
    """Draw the share of true cover crops against the confidence that was given, with the number of parcels below."""
    with new_figure(path, width=5.4, height=5.4) as figure:
        top, low = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        figure.subplots_adjust(left=0.14, right=0.96, top=0.93, bottom=0.11, hspace=0.12)
        top.plot([0, 1], [0, 1], color=QUIET, lw=1, ls=(0, (4, 3)), label="confidence equals frequency")
        top.plot(said, observed, color=CLASS_COLOURS[WCC], lw=1.4, marker="o", ms=3.5, label="held-out parcels")
        size = 260 * np.asarray(count, float) / max(1.0, *count)
        top.scatter(said, observed, s=size, color=CLASS_COLOURS[WCC], alpha=0.35, lw=0)
        top.set_ylim(-0.02, 1.02)
        top.set_xlim(0, 1)
        top.set_ylabel("share that is a cover crop")
        top.grid()
        top.legend(loc="upper left")
        top.set_title("Reliability of the confidence", fontsize=11)
        low.bar(said, count, width=0.06, color=QUIET)
        low.set_ylabel("parcels")
        low.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=3))
        low.set_xlabel("confidence in a cover crop (Conf_pred1)")


def draw_by_months(
    path: Path,
    *,
    months: Sequence[int],
    accuracy: Sequence[float],
    folds: Sequence[Sequence[float]],
    shares: Mapping[int, float],
) -> None:
    """Draw how accurate the classes are by the month up to which the season is known, and what each month tells.

    Parameters
    ----------
    months
        Months of the year, in the order of the season.
    accuracy, folds
        Balanced accuracy of forests that see the season up to the end of each month, and that of each fold.
    shares
        Share of each month's values in what the forest goes by, by month of the year.
    """
    at = np.arange(len(months))
    with new_figure(path, width=8.6, height=4.6) as figure:
        top, low = figure.subplots(2, 1, sharex=True, height_ratios=(2.1, 1))
        figure.subplots_adjust(left=0.105, right=0.975, top=0.93, bottom=0.09, hspace=0.36)
        for place, values in zip(at, folds, strict=True):
            top.scatter([place] * len(values), values, s=12, color=QUIET, alpha=0.6, lw=0)
        top.plot(at, accuracy, color=CLASS_COLOURS[WCC], lw=1.8, marker="o", ms=5)
        foot = top.get_xaxis_transform()
        for place, value in zip(at, accuracy, strict=True):
            top.text(place, 0.03, f"{value:.2f}", transform=foot, ha="center", fontsize=9.5)
        top.set_title("Accuracy where the season is known up to the end of a month", fontsize=11)
        top.set_ylabel("balanced accuracy")
        lowest = min([*accuracy, *(value for values in folds for value in values)])
        top.set_ylim(max(0.0, np.floor(10 * lowest) / 10 - 0.05), 1.02)
        top.grid(axis="y")
        low.bar(at, [100 * shares.get(month, 0.0) for month in months], width=0.6, color=CLASS_COLOURS[WCC])
        low.set_title("What the forest goes by: values of single months", fontsize=11)
        low.set_ylabel("%")
        low.grid(axis="y")
        for axes in (top, low):
            axes.set_axisbelow(True)
            axes.tick_params(axis="x", length=0, labelbottom=True)
        low.set_xticks(at, [MONTHS[month - 1] for month in months])
