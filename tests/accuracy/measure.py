"""From parcels with truth and results to the table of targets."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sen4cap.simulate.kernel import FAMILIES

from .bare import CAUSES
from .rules import (
    SEEN_LAI,
    Number,
    Rule,
    abrupt,
    bare_parcels,
    bias,
    candidates,
    class_measure,
    detected,
    emerged,
    frosted,
    given_to,
    grown,
    harvest_found,
    harvest_within_week,
    in_window,
    inside,
    late_crops,
    mae,
    mae_of,
    maximum,
    mean_of,
    median_of,
    ratio,
    seen_abrupt,
    seen_stands,
    slow,
    which_ended,
    which_wcc,
)

TARGETED = ("ordinary", "flanders")
EMERGENCE = ("default", "wise", "wise-published", "threshold")
TERMINATION = ("default", "wist", "slope")
OVER_BRACKET = "MAE over the bracket"
WITH_TRUTH = "bare days, L4C, MAE with the truth of"
EARLY_DAYS = 15
"""A date known near real time counts from when it lies within so many days of the truth."""


@dataclass(frozen=True)
class Bound:
    """A target: a number, or a range, that a measure must keep."""

    low: float = -np.inf
    high: float = np.inf

    def holds(self, value: float) -> bool:
        """Whether a measured value keeps it."""
        return bool(self.low <= value <= self.high)


@dataclass(frozen=True)
class Measure:
    """A measured number.

    Attributes
    ----------
    quantity, part : str
        What it is about, and which number of it.
    unit : str
        How it is written: ``%``, ``x``, ``d`` or empty.
    numbers, counts : dict
        By regime: the number, and how many parcels it stands on.
    bounds : dict of Bound
        Targets by regime; empty where there is none.
    """

    quantity: str
    part: str
    unit: str
    numbers: dict[str, float]
    counts: dict[str, int]
    bounds: dict[str, Bound]

    @classmethod
    def of(cls, quantity: str, part: str, unit: str, found: Mapping[str, Number], bounds: Sequence[Bound]) -> Measure:
        """What was found by regime, with the targets of `TARGETED`, or none."""
        return cls(
            quantity,
            part,
            unit,
            {regime: value for regime, (value, _) in found.items()},
            {regime: count for regime, (_, count) in found.items()},
            dict(zip(TARGETED, bounds, strict=True)) if bounds else {},
        )

    def mark(self, regime: str) -> str:
        """``ok``, ``missed`` or nothing where there is no target."""
        if regime not in self.bounds or not np.isfinite(self.numbers[regime]):
            return ""
        return "ok" if self.bounds[regime].holds(self.numbers[regime]) else "missed"


@dataclass(frozen=True)
class Table:
    """Makes measures of a table of parcels, regime by regime."""

    by_regime: Mapping[str, pd.DataFrame]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Table:
        """Split a table, from `gather`, of all seeds and regimes."""
        return cls({regime: frame[frame["regime"] == regime] for regime in dict.fromkeys(frame["regime"])})

    def number(self, quantity: str, part: str, unit: str, rule: Rule, *bounds: Bound) -> Measure:
        """Measure by a rule; `bounds` are the targets under ordinary clouds and under the Flanders looks."""
        return Measure.of(quantity, part, unit, {regime: rule(rows) for regime, rows in self.by_regime.items()}, bounds)


def most(ordinary: float, flanders: float) -> tuple[Bound, Bound]:
    """Targets: no more than so much."""
    return Bound(high=ordinary), Bound(high=flanders)


def least(ordinary: float, flanders: float) -> tuple[Bound, Bound]:
    """Targets: no less than so much."""
    return Bound(low=ordinary), Bound(low=flanders)


def measure(frame: pd.DataFrame, reports: dict[str, dict[str, list[dict[str, Any]]]]) -> list[Measure]:
    """Every number of the table.

    Parameters
    ----------
    frame
        From `gather.gather`, of all seeds and regimes.
    reports
        By folder of the classification (wcc, and wcc-seasons where there are several) and regime: accuracy.json of the
        forests, one a seed.
    """
    number = Table.of(frame).number
    other, hrl = "confidence_wcc-other-year", "confidence_wcc-hrl-other-year"
    return [
        *measure_dates(frame),
        number("main crop standing into winter", "a date is given", "%", given_to(late_crops)),
        number("LAI of single looks, true LAI above 2", "mean bias", "", mean_of("look_bias_high", which_wcc)),
        number("LAI of single looks, bare ground", "mean bias", "", mean_of("look_bias_bare", which_wcc)),
        number("maximum LAI, true LAI with noise at every look", "MAE", "", maximum("true_looks_lai", "lai_max")),
        *_of_blocks(reports),
        number("WCC or not, unseen year", "balanced accuracy", "", class_measure(other, "balanced_accuracy"),
               *least(0.90, 0.87)),
        number("WCC or not, thresholds", "balanced accuracy", "",
               class_measure("confidence_thresholds", "balanced_accuracy")),
        number("WCC or not, trained on the HRL layer of another year", "balanced accuracy", "",
               class_measure(hrl, "balanced_accuracy")),
        _of_reports("confidence, spatial blocks", "ECE", reports["wcc"], _ece, most(0.05, 0.07)),
        number("confidence, unseen year", "ECE", "", class_measure(other, "ece"), *most(0.05, 0.07)),
        number("confidence, trained on the HRL layer of another year", "ECE", "", class_measure(hrl, "ece")),
        number("bare days, harvest weeks of L4C", "MAE", "d", mae_of("bare_error_l4c"), *most(6, 10)),
        number("bare days, harvest weeks of L4C", "median bias", "d", median_of("bare_error_l4c", candidates)),
        number("bare days, harvest weeks of the suite", "MAE", "d", mae_of("bare_error_own"), *most(6, 10)),
        number("bare days before the cover crop, L4C", "MAE", "d", mae_of("bare_before_error_l4c")),
        number("bare days after the cover crop, L4C", "MAE", "d", mae_of("bare_after_error_l4c")),
        *(number(WITH_TRUTH, text, "d", mae_of(f"bare_with_true_{name}")) for name, text in CAUSES.items()),
        number("intercropping period, L4C", "MAE", "d", mae_of("period_error_l4c")),
        number("harvest week without L4C", "within a week", "%", harvest_within_week(candidates), *least(0.90, 0.80)),
        number("harvest week without L4C", "within a week, of harvests until 30 November", "%",
               harvest_within_week(in_window)),
        number("harvest week without L4C", "found", "%", harvest_found),
        number("harvest week without L4C", "MAE", "d", mae_of("harvest_error")),
    ]  # fmt: skip


def measure_dates(frame: pd.DataFrame) -> list[Measure]:
    """The numbers about dates, their uncertainty and maxima, of a table from `gather.gather_dates`."""
    number = Table.of(frame).number
    rows = [*_emergence(number), *_termination(number)]
    rows += [
        number("the yardstick: bracket", "emergence", "d", mean_of("emergence_bracket", which_wcc)),
        number("the yardstick: bracket", "termination", "d", mean_of("termination_bracket", which_ended)),
        number("no cover crop and no growth", "a date is given", "%", given_to(bare_parcels), *most(0.02, 0.04)),
    ]
    for what, column, gap, which in (
        ("emergence", "em_default", "emergence_gap", which_wcc),
        ("termination", "ter_default", "termination_gap", which_ended),
    ):
        bounds = Bound(0.63, 0.75), Bound(0.60, 0.78)
        for part, third in (("over all", None), ("short gaps", 0), ("middle gaps", 1), ("long gaps", 2)):
            name = f"true {what} inside the stated uncertainty"
            rows.append(number(name, part, "%", inside(column, gap, which, third), *bounds))
        rows.append(number(f"stated uncertainty of {what}", "median", "d", median_of(f"{column}_spread", which)))
    return [
        *rows,
        number("maximum LAI", "MAE", "", maximum("season_M_gro_val", "lai_max"), *most(0.25, 0.4)),
        number("maximum LAI", "mean bias", "", maximum("season_M_gro_val", "lai_max", signed=True)),
        number("maximum FCOVER", "MAE", "", maximum("season_M_co_val", "fcover_max"), *most(0.04, 0.06)),
        number("maximum FCOVER", "mean bias", "", maximum("season_M_co_val", "fcover_max", signed=True)),
        number("emergence of the next main crop", "MAE", "d", mae_of("next_error")),
    ]


def _emergence(number: Callable[..., Measure]) -> list[Measure]:
    rows = []
    for method in EMERGENCE:
        name, main, column = f"emergence, {method}", method == "default", f"em_{method}"
        rows += [
            number(name, "detected", "%", detected(column, which_wcc), *(least(0.98, 0.95) if main else ())),
            number(name, OVER_BRACKET, "x", ratio(column, which_wcc), *(most(1.3, 1.3) if main else ())),
            number(name, "median bias", "d", bias(column, which_wcc), *((Bound(-2, 2), Bound(-3, 3)) if main else ())),
            number(name, f"detected of those that passed LAI {SEEN_LAI}", "%", detected(column, seen_stands)),
            number(name, "MAE", "d", mae(column, which_wcc)),
        ]
    return [
        *rows,
        *(
            number("emergence of growth of a family", f"{family}: {OVER_BRACKET}", "x",
                   ratio("em_default", grown(family)))
            for family in FAMILIES
        ),
        number("emergence until September", OVER_BRACKET, "x", ratio("em_default", emerged(before="10-01"))),
        number("emergence from October on", OVER_BRACKET, "x", ratio("em_default", emerged(since="10-01"))),
    ]  # fmt: skip


def _termination(number: Callable[..., Measure]) -> list[Measure]:
    rows = []
    for method in TERMINATION:
        name, main = f"termination by ploughing or rolling, {method}", method == "default"
        column = f"ter_{method}"
        rows += [
            number(name, "detected", "%", detected(column, abrupt), *(least(0.98, 0.95) if main else ())),
            number(name, OVER_BRACKET, "x", ratio(column, abrupt), *(most(1.3, 1.3) if main else ())),
            number(name, f"detected of those that passed LAI {SEEN_LAI}", "%", detected(column, seen_abrupt)),
            number(name, "median bias", "d", bias(column, abrupt)),
            number(name, "MAE", "d", mae(column, abrupt)),
        ]
    for method in TERMINATION:
        name, main = f"termination by slow herbicide or mowing, {method}", method == "default"
        column = f"ter_{method}"
        rows += [
            number(name, "detected", "%", detected(column, slow)),
            number(name, OVER_BRACKET, "x", ratio(column, slow), *(most(2.0, 2.0) if main else ())),
            number(name, "MAE", "d", mae(column, slow)),
        ]
    return [
        *rows,
        number("termination by frost, default", "detected", "%", detected("ter_default", frosted)),
        number("termination by frost, default", OVER_BRACKET, "x", ratio("ter_default", frosted)),
    ]


def _of_blocks(reports: dict[str, dict[str, list[dict[str, Any]]]]) -> list[Measure]:
    """Accuracy over spatial blocks: of a season's own in-situ data, and with those of the other seasons."""
    name = "WCC or not, spatial blocks"
    rows = [
        _of_reports(name, "balanced accuracy", reports["wcc"], balanced_accuracy, (Bound(low=0.95), Bound(low=0.92)))
    ]
    if "wcc-seasons" in reports:
        name += ", in-situ data of the other seasons as well"
        rows += [
            _of_reports(name, part, reports["wcc-seasons"], rule, ())
            for part, rule in (("balanced accuracy", balanced_accuracy), ("ECE", _ece))
        ]
    return rows


def _of_reports(
    quantity: str,
    part: str,
    reports: dict[str, list[dict[str, Any]]],
    rule: Callable[[list[dict[str, Any]]], Number],
    bounds: Sequence[Bound],
) -> Measure:
    return Measure.of(quantity, part, "", {regime: rule(several) for regime, several in reports.items()}, bounds)


def balanced_accuracy(reports: list[dict[str, Any]]) -> Number:
    """Balanced accuracy over spatial blocks of several forests together, and how many parcels they judged."""
    table = sum(np.array(report["confusion"]["counts"]) for report in reports)
    return float(np.mean(np.diag(table) / table.sum(axis=1))), int(table.sum())


def pooled_reliability(reports: list[dict[str, Any]]) -> pd.DataFrame:
    """Reliability tables of several forests as one: count, confidence, observed."""
    bins = pd.DataFrame([row for report in reports for row in report["reliability"]])
    bins["sum"], bins["true"] = bins["confidence"] * bins["count"], bins["observed"] * bins["count"]
    total = bins.groupby("from")[["count", "sum", "true"]].sum()
    return pd.DataFrame(
        {
            "count": total["count"],
            "confidence": total["sum"] / total["count"],
            "observed": total["true"] / total["count"],
        }
    )


def _ece(reports: list[dict[str, Any]]) -> Number:
    bins = pooled_reliability(reports)
    count = bins["count"].sum()
    return float((bins["count"] * (bins["confidence"] - bins["observed"]).abs()).sum() / count), int(count)


def read_report(folder: Path) -> dict[str, Any]:
    """Accuracy of a forest as classify wrote it."""
    found: dict[str, Any] = json.loads((folder / "accuracy.json").read_text())
    return found


def detection_lag(frame: pd.DataFrame, known: pd.DataFrame) -> dict[str, float]:
    """How long after a termination its date was known near real time.

    Parameters
    ----------
    frame
        Parcels of one run, from `gather`.
    known
        From `gather.read_as_of`.

    Returns
    -------
    dict
        ``share``: known in the end; ``median`` and ``p90`` of the lag, days, over those; ``early``: share of parcels to
        which a date was given before there was anything to see.
    """
    rows = frame[which_ended(frame)].set_index("NewID")
    seen = known[known["NewID"].isin(rows.index)].copy()
    true = rows["termination"].reindex(seen["NewID"]).to_numpy().astype("datetime64[D]")
    day = seen["day"].to_numpy().astype("datetime64[D]")
    date = seen["date"].to_numpy().astype("datetime64[D]")
    near = operator.le(np.abs((date - true).astype("timedelta64[D]").astype(float)), EARLY_DAYS) & ~np.isnat(date)
    after = day >= true
    first = seen[near & after].assign(lag=(day - true)[near & after].astype(float)).groupby("NewID")["lag"].min()
    early = seen[~np.isnat(date) & ~after]["NewID"].nunique()
    return {
        "parcels": float(len(rows)),
        "share": len(first) / max(len(rows), 1),
        "median": float(first.median()) if len(first) else np.nan,
        "p90": float(first.quantile(0.9)) if len(first) else np.nan,
        "early": early / max(len(rows), 1),
    }
