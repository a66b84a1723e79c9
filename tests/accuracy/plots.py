"""What a run of the harness found, and its plots."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd

from .measure import EMERGENCE, OVER_BRACKET, TERMINATION, Measure, pooled_reliability
from .rules import which_ended, which_wcc

mpl.use("Agg")
import matplotlib.pyplot as plt

NAMES = {"dense": "dense clouds", "ordinary": "ordinary clouds", "flanders": "Flanders winter looks"}
COLOURS = {"dense": "#999999", "ordinary": "#0072b2", "flanders": "#d55e00"}
KINDS = {"ploughing": "#332288", "rolling": "#88ccee", "herbicide": "#ddcc77", "mowing": "#117733", "frost": "#cc6677"}
DPI = 85


@dataclass(frozen=True)
class Results:
    """All that the page tells; `second` are the measures of the second truth (`curves`)."""

    rows: list[Measure]
    second: list[Measure]
    frame: pd.DataFrame
    reports: dict[str, list[dict[str, Any]]]
    lags: pd.DataFrame
    curve: pd.DataFrame
    parcels: int
    seeds: int


def draw_all(folder: Path, results: Results) -> None:
    """Draw every plot of the page into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    plots = {
        "errors": _plot_errors,
        "gaps": _plot_gaps,
        "methods": _plot_methods,
        "reliability": _plot_reliability,
        "bare-and-harvest": _plot_days,
        "months": _plot_months,
    }
    with mpl.rc_context(
        {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3}
    ):
        for name, plot in plots.items():
            figure = plot(results)
            figure.savefig(folder / f"{name}.png", dpi=DPI, metadata={"Software": None})
            plt.close(figure)


def months_frame(reports: dict[str, list[dict[str, Any]]]) -> pd.DataFrame:
    """Balanced accuracy by regime and months known, mean over the seasons."""
    rows = [
        (regime, row["months"], row["balanced_accuracy"])
        for regime, several in reports.items()
        for report in several
        for row in report["by_months"]
    ]
    frame = pd.DataFrame(rows, columns=["regime", "months", "balanced"])
    return frame.groupby(["regime", "months"], sort=False, as_index=False).mean()


def _plot_errors(results: Results) -> Any:
    figure, axes = plt.subplots(2, 3, figsize=(10, 5.2), sharex=True, layout="constrained")
    bins = np.arange(-42.5, 43, 5)
    for column, regime in enumerate(NAMES):
        rows = results.frame[results.frame["regime"] == regime]
        error = rows.loc[which_wcc(rows), "em_default_error"].dropna().clip(-40, 40)
        axes[0, column].hist(error, bins, color=COLOURS[regime])
        axes[0, column].set_title(NAMES[regime])
        ended = rows[which_ended(rows)]
        parts = [
            ended.loc[ended["termination_kind"] == kind, "ter_default_error"].dropna().clip(-40, 40) for kind in KINDS
        ]
        axes[1, column].hist(parts, bins, stacked=True, color=list(KINDS.values()), label=list(KINDS))
        axes[1, column].set_xlabel("error, days (beyond 40: at the edge)")
    axes[0, 0].set_ylabel("emergence: parcels")
    axes[1, 0].set_ylabel("termination: parcels")
    axes[1, 2].legend(frameon=False, fontsize=8)
    return figure


def _plot_gaps(results: Results) -> Any:
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
    edges = np.array([0, 5, 10, 15, 20, 30, 40, 60, 100])
    middle = (edges[:-1] + edges[1:]) / 2
    for axis, column, event, which in (
        (axes[0], "em_default", "emergence", which_wcc),
        (axes[1], "ter_default", "termination", which_ended),
    ):
        for regime in NAMES:
            rows = results.frame[(results.frame["regime"] == regime) & which(results.frame)]
            rows = rows[[f"{event}_gap", f"{column}_error", f"{column}_spread"]].dropna()
            place = np.digitize(rows.iloc[:, 0], edges[1:-1], right=True)
            error = rows.iloc[:, 1].abs().groupby(place).agg(["mean", "size"])
            error = error[error["size"] >= 5]
            axis.plot(middle[error.index], error["mean"], "o-", color=COLOURS[regime], label=f"{NAMES[regime]}: error")
            spread = rows.iloc[:, 2].groupby(place).mean().reindex(error.index)
            axis.plot(middle[error.index], spread, ":", color=COLOURS[regime], label="stated uncertainty")
        axis.plot(edges[[0, -1]], edges[[0, -1]] / 4, "--", color="black", lw=0.8, label="perfect bracketing")
        axis.set(xlabel="days between the two clear looks around it", title=event, xlim=(0, 80), ylim=(0, 40))
    axes[0].set_ylabel("mean absolute error, days")
    axes[1].legend(frameon=False, fontsize=7)
    return figure


def _plot_methods(results: Results) -> Any:
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained")
    groups = (
        ("emergence, {}", EMERGENCE),
        ("termination by ploughing or rolling, {}", TERMINATION),
        ("termination by slow herbicide or mowing, {}", TERMINATION),
    )
    for axis, (name, methods) in zip(axes, groups, strict=True):
        for k, regime in enumerate(NAMES):
            values = [
                next(r.numbers[regime] for r in results.rows if r.quantity == name.format(m) and r.part == OVER_BRACKET)
                for m in methods
            ]
            axis.bar(np.arange(len(methods)) + 0.27 * (k - 1), values, 0.25, color=COLOURS[regime], label=NAMES[regime])
        axis.axhline(2.0 if "slow" in name else 1.3, color="black", ls="--", lw=0.8)
        axis.set_xticks(range(len(methods)), [m.replace("-", "-\n") for m in methods], fontsize=8)
        axis.set_title(name.split(",")[0], fontsize=9)
    axes[0].set_ylabel("mean absolute error over the bracket")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def _plot_reliability(results: Results) -> Any:
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.4), sharex=True, sharey=True, layout="constrained")
    for axis, (title, column) in zip(
        axes,
        (
            ("spatial blocks", None),
            ("unseen year", "confidence_wcc-other-year"),
            ("HRL layer of another year", "confidence_wcc-hrl-other-year"),
        ),
        strict=True,
    ):
        axis.plot([0, 1], [0, 1], "--", color="black", lw=0.8)
        for regime in NAMES:
            bins = (
                pooled_reliability(results.reports[regime]) if column is None else _bins(results.frame, regime, column)
            )
            bins = bins[bins["count"] >= 5]
            axis.plot(bins["confidence"], bins["observed"], "o-", color=COLOURS[regime], label=NAMES[regime], ms=4)
        axis.set(title=title, xlabel="stated confidence in a cover crop", xlim=(0, 1), ylim=(0, 1))
    axes[0].set_ylabel("observed frequency")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def _bins(frame: pd.DataFrame, regime: str, column: str) -> pd.DataFrame:
    if column not in frame:
        return pd.DataFrame({"count": [], "confidence": [], "observed": []})
    rows = frame[(frame["regime"] == regime) & frame[column].notna() & frame["class"].notna()]
    place = (rows[column] * 10).clip(upper=9.999).astype(int)
    truth = (rows["class"] == 1).astype(float)
    return pd.DataFrame(
        {
            "count": truth.groupby(place).size(),
            "confidence": rows[column].groupby(place).mean(),
            "observed": truth.groupby(place).mean(),
        }
    )


def _plot_days(results: Results) -> Any:
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for axis, column, title, width in (
        (axes[0], "bare_error_l4c", "bare days in the intercropping period", 62.5),
        (axes[1], "harvest_error", "harvest week without L4C", 38.5),
    ):
        bins = np.arange(-width, width + 1, 7 if column == "harvest_error" else 5)
        for regime in NAMES:
            rows = results.frame[(results.frame["regime"] == regime) & (results.frame["candidate"] == 1)]
            axis.hist(
                rows[column].dropna().clip(-width, width),
                bins,
                histtype="step",
                color=COLOURS[regime],
                label=NAMES[regime],
            )
        axis.set(title=title, xlabel="error, days (beyond: at the edge)")
    axes[0].set_ylabel("parcels")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def _plot_months(results: Results) -> Any:
    figure, axis = plt.subplots(figsize=(5, 3), layout="constrained")
    for regime, rows in months_frame(results.reports).groupby("regime"):
        axis.plot(rows["months"], rows["balanced"], "o-", color=COLOURS[str(regime)], label=NAMES[str(regime)])
    axis.set(xlabel="months of series from August on", ylabel="balanced accuracy", ylim=(0.5, 1))
    axis.legend(frameon=False)
    return figure
