"""From parcels with truth and results to the table of targets."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sen4cap.classify.accuracy import measures

from .bare import CAUSES
from .gather import ABRUPT, SLOW

TARGETED = ("ordinary", "flanders")
EMERGENCE = ("default", "wise", "wise-published", "threshold")
TERMINATION = ("default", "wist", "slope")
NO_GROWTH_LAI = 0.1
"""Parcels without a cover crop count as without growth where volunteers and weeds never came up: LAI below this."""
SEEN_LAI = 0.5
"""Bare ground reads as an LAI of about 0.3: a stand that never passes this hardly stands out from it."""
STANDS_INTO_WINTER = "11-15"
"""Main crops harvested later (leek) are themselves a stand in winter: they are told apart from bare parcels."""
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

    def mark(self, regime: str) -> str:
        """``ok``, ``missed`` or nothing where there is no target."""
        if regime not in self.bounds or not np.isfinite(self.numbers[regime]):
            return ""
        return "ok" if self.bounds[regime].holds(self.numbers[regime]) else "missed"


Number = tuple[float, int]
Rule = Callable[[pd.DataFrame], Number]


def measure(frame: pd.DataFrame, reports: dict[str, dict[str, list[dict[str, Any]]]]) -> list[Measure]:
    """Every number of the table.

    Parameters
    ----------
    frame
        From `gather`, of all seeds and regimes.
    reports
        By folder of the classification (wcc, and wcc-seasons where there are several) and regime: accuracy.json of the
        forests, one a seed.
    """
    regimes = list(dict.fromkeys(frame["regime"]))
    by_regime = {regime: frame[frame["regime"] == regime] for regime in regimes}

    def number(quantity: str, part: str, unit: str, rule: Rule, *bounds: Bound) -> Measure:
        found = {regime: rule(rows) for regime, rows in by_regime.items()}
        return Measure(
            quantity,
            part,
            unit,
            {regime: value for regime, (value, _) in found.items()},
            {regime: count for regime, (_, count) in found.items()},
            dict(zip(TARGETED, bounds, strict=True)) if bounds else {},
        )

    def most(ordinary: float, flanders: float) -> tuple[Bound, Bound]:
        return Bound(high=ordinary), Bound(high=flanders)

    def least(ordinary: float, flanders: float) -> tuple[Bound, Bound]:
        return Bound(low=ordinary), Bound(low=flanders)

    def within(low: float, high: float, low_real: float, high_real: float) -> tuple[Bound, Bound]:
        return Bound(low, high), Bound(low_real, high_real)

    rows = []
    for method in EMERGENCE:
        name, main = f"emergence, {method}", method == "default"
        column = f"em_{method}"
        rows += [
            number(name, "detected", "%", _detected(column, which_wcc), *(least(0.98, 0.95) if main else ())),
            number(name, "MAE over the bracket", "x", _ratio(column, which_wcc), *(most(1.3, 1.3) if main else ())),
            number(name, "median bias", "d", _bias(column, which_wcc), *(within(-2, 2, -3, 3) if main else ())),
            number(name, f"detected of those that passed LAI {SEEN_LAI}", "%", _detected(column, _seen_stands)),
            number(name, "MAE", "d", _mae(column, which_wcc)),
        ]
    for method in TERMINATION:
        name, main = f"termination by ploughing or rolling, {method}", method == "default"
        column = f"ter_{method}"
        rows += [
            number(name, "detected", "%", _detected(column, _abrupt), *(least(0.98, 0.95) if main else ())),
            number(name, "MAE over the bracket", "x", _ratio(column, _abrupt), *(most(1.3, 1.3) if main else ())),
            number(name, f"detected of those that passed LAI {SEEN_LAI}", "%", _detected(column, _seen_abrupt)),
            number(name, "median bias", "d", _bias(column, _abrupt)),
            number(name, "MAE", "d", _mae(column, _abrupt)),
        ]
    for method in TERMINATION:
        name, main = f"termination by slow herbicide or mowing, {method}", method == "default"
        column = f"ter_{method}"
        rows += [
            number(name, "detected", "%", _detected(column, _slow)),
            number(name, "MAE over the bracket", "x", _ratio(column, _slow), *(most(2.0, 2.0) if main else ())),
            number(name, "MAE", "d", _mae(column, _slow)),
        ]
    rows += [
        number("termination by frost, default", "detected", "%", _detected("ter_default", _frosted)),
        number("termination by frost, default", "MAE over the bracket", "x", _ratio("ter_default", _frosted)),
        number(
            "emergence until September", "MAE over the bracket", "x", _ratio("em_default", _emerged(before="10-01"))
        ),
        number("emergence from October on", "MAE over the bracket", "x", _ratio("em_default", _emerged(since="10-01"))),
        number("the yardstick: bracket", "emergence", "d", _mean("emergence_bracket", which_wcc)),
        number("the yardstick: bracket", "termination", "d", _mean("termination_bracket", which_ended)),
        number("no cover crop and no growth", "a date is given", "%", _given(_bare_parcels), *most(0.02, 0.04)),
        number("main crop standing into winter", "a date is given", "%", _given(_late_crops)),
    ]
    for what, column, gap, which in (
        ("emergence", "em_default", "emergence_gap", which_wcc),
        ("termination", "ter_default", "termination_gap", which_ended),
    ):
        for part, third in (("over all", None), ("short gaps", 0), ("middle gaps", 1), ("long gaps", 2)):
            name = f"true {what} inside the stated uncertainty"
            rows.append(number(name, part, "%", _inside(column, gap, which, third), *within(0.63, 0.75, 0.60, 0.78)))
        rows.append(number(f"stated uncertainty of {what}", "median", "d", _median(f"{column}_spread", which)))
    rows += [
        number("maximum LAI", "MAE", "", _maximum("season_M_gro_val", "lai_max"), *most(0.25, 0.4)),
        number("maximum LAI", "mean bias", "", _maximum("season_M_gro_val", "lai_max", signed=True)),
        number("LAI of single looks, true LAI above 2", "mean bias", "", _mean("look_bias_high", which_wcc)),
        number("LAI of single looks, bare ground", "mean bias", "", _mean("look_bias_bare", which_wcc)),
        number("maximum LAI, true LAI with noise at every look", "MAE", "", _maximum("true_looks_lai", "lai_max")),
        number("maximum FCOVER", "MAE", "", _maximum("season_M_co_val", "fcover_max"), *most(0.04, 0.06)),
        number("maximum FCOVER", "mean bias", "", _maximum("season_M_co_val", "fcover_max", signed=True)),
    ]
    rows += _of_blocks(reports)
    other = "confidence_wcc-other-year"
    rows += [
        number("WCC or not, unseen year", "balanced accuracy", "", _class(other, "balanced_accuracy"),
               *least(0.90, 0.87)),
        number("WCC or not, thresholds", "balanced accuracy", "", _class("confidence_thresholds", "balanced_accuracy")),
        number("WCC or not, trained on the HRL layer", "balanced accuracy", "",
               _class("confidence_wcc-hrl", "balanced_accuracy")),
        _of_reports("confidence, spatial blocks", "ECE", reports["wcc"], _ece, most(0.05, 0.07)),
        number("confidence, unseen year", "ECE", "", _class(other, "ece"), *most(0.05, 0.07)),
        number("confidence, trained on the HRL layer", "ECE", "", _class("confidence_wcc-hrl", "ece")),
        number("bare days, harvest weeks of L4C", "MAE", "d", _mae_of("bare_error_l4c"), *most(6, 10)),
        number("bare days, harvest weeks of L4C", "median bias", "d", _median("bare_error_l4c", _all)),
        number("bare days, harvest weeks of the suite", "MAE", "d", _mae_of("bare_error_own"), *most(6, 10)),
        number("bare days before the cover crop, L4C", "MAE", "d", _mae_of("bare_before_error_l4c")),
        number("bare days after the cover crop, L4C", "MAE", "d", _mae_of("bare_after_error_l4c")),
        *(number(WITH_TRUTH, text, "d", _mae_of(f"bare_with_true_{name}")) for name, text in CAUSES.items()),
        number("intercropping period, L4C", "MAE", "d", _mae_of("period_error_l4c")),
        number("harvest week without L4C", "within a week", "%", _harvest(_all), *least(0.90, 0.80)),
        number("harvest week without L4C", "within a week, of harvests until 30 November", "%", _harvest(_in_window)),
        number("harvest week without L4C", "found", "%", _harvest_found),
        number("harvest week without L4C", "MAE", "d", _mae_of("harvest_error")),
        number("emergence of the next main crop", "MAE", "d", _mae_of("next_error")),
    ]  # fmt: skip
    return rows


def _all(rows: pd.DataFrame) -> pd.Series:
    return rows["candidate"] == 1


def which_wcc(rows: pd.DataFrame) -> pd.Series:
    """Select candidates with a winter cover crop."""
    return (rows["candidate"] == 1) & (rows["class"] == 1).fillna(False).astype(bool) & rows["emergence"].notna()


def which_ended(rows: pd.DataFrame) -> pd.Series:
    """Select winter cover crops that ended inside the season."""
    return which_wcc(rows) & (rows["termination"] <= rows["season_end"])


def _abrupt(rows: pd.DataFrame) -> pd.Series:
    return which_ended(rows) & rows["termination_kind"].isin(ABRUPT)


def _emerged(*, since: str = "01-01", before: str = "") -> Callable[[pd.DataFrame], pd.Series]:
    """Select cover crops by their true emergence, MM-DD of the autumn; without an end whatever comes later."""

    def which(rows: pd.DataFrame) -> pd.Series:
        autumn = (rows["season_end"].dt.year - 1).astype(str)
        late_enough = rows["emergence"] >= pd.to_datetime(autumn + "-" + since)
        early_enough = rows["emergence"] < pd.to_datetime(autumn + "-" + before) if before else True
        return which_wcc(rows) & late_enough & early_enough

    return which


def _seen_stands(rows: pd.DataFrame) -> pd.Series:
    return which_wcc(rows) & (rows["lai_max"] >= SEEN_LAI)


def _seen_abrupt(rows: pd.DataFrame) -> pd.Series:
    return _abrupt(rows) & (rows["lai_max"] >= SEEN_LAI)


def _slow(rows: pd.DataFrame) -> pd.Series:
    return which_ended(rows) & rows["termination_kind"].isin(SLOW)


def _frosted(rows: pd.DataFrame) -> pd.Series:
    return which_ended(rows) & (rows["termination_kind"] == "frost")


def _detected(column: str, which: Callable[[pd.DataFrame], pd.Series]) -> Rule:
    def rule(rows: pd.DataFrame) -> Number:
        return _average(rows.loc[which(rows), f"{column}_known"].astype(float))

    return rule


def _ratio(column: str, which: Callable[[pd.DataFrame], pd.Series]) -> Rule:
    event = "emergence" if column.startswith("em_") else "termination"

    def rule(rows: pd.DataFrame) -> Number:
        kept = rows.loc[which(rows), [f"{column}_error", f"{event}_bracket"]].dropna()
        if kept.empty:
            return np.nan, 0
        return float(kept.iloc[:, 0].abs().mean() / kept.iloc[:, 1].mean()), len(kept)

    return rule


def _bias(column: str, which: Callable[[pd.DataFrame], pd.Series]) -> Rule:
    return _median(f"{column}_error", which)


def _median(column: str, which: Callable[[pd.DataFrame], pd.Series]) -> Rule:
    def rule(rows: pd.DataFrame) -> Number:
        kept = rows.loc[which(rows), column].dropna()
        return (float(kept.median()), len(kept)) if len(kept) else (np.nan, 0)

    return rule


def _mean(column: str, which: Callable[[pd.DataFrame], pd.Series]) -> Rule:
    return lambda rows: _average(rows.loc[which(rows), column])


def _mae(column: str, which: Callable[[pd.DataFrame], pd.Series]) -> Rule:
    return lambda rows: _average(rows.loc[which(rows), f"{column}_error"].abs())


def _mae_of(column: str) -> Rule:
    return lambda rows: _average(rows.loc[_all(rows), column].abs())


def _average(values: pd.Series) -> Number:
    kept = values.dropna()
    return (float(kept.mean()), len(kept)) if len(kept) else (np.nan, 0)


def _given(which: Callable[[pd.DataFrame], pd.Series]) -> Rule:
    def rule(rows: pd.DataFrame) -> Number:
        kept = rows[which(rows)]
        return _average((kept["em_default_known"] | kept["ter_default_known"]).astype(float))

    return rule


def _bare_parcels(rows: pd.DataFrame) -> pd.Series:
    none = (rows["class"] == 2).fillna(False).astype(bool) & (rows["weeds_lai"] < NO_GROWTH_LAI)
    return (rows["candidate"] == 1) & none & ~_late_crops(rows)


def _late_crops(rows: pd.DataFrame) -> pd.Series:
    autumn = pd.to_datetime((rows["season_end"].dt.year - 1).astype(str) + "-" + STANDS_INTO_WINTER)
    none = (rows["class"] == 2).fillna(False).astype(bool)
    return (rows["candidate"] == 1) & none & (rows["harvest"] > autumn)


def _inside(column: str, gap: str, which: Callable[[pd.DataFrame], pd.Series], third: int | None) -> Rule:
    def rule(rows: pd.DataFrame) -> Number:
        kept = rows.loc[which(rows), [f"{column}_error", f"{column}_spread", gap]].dropna()
        if kept.empty:
            return np.nan, 0
        if third is not None:
            # Equal gaps stay together in order of the file: thirds of equal size.
            rank = kept[gap].rank(method="first", pct=True)
            kept = kept[(rank > third / 3) & (rank <= (third + 1) / 3)]
        return _average((kept.iloc[:, 0].abs() <= kept.iloc[:, 1]).astype(float))

    return rule


def _maximum(found: str, true: str, *, signed: bool = False) -> Rule:
    def rule(rows: pd.DataFrame) -> Number:
        error = (rows.loc[which_wcc(rows), found] - rows.loc[which_wcc(rows), true].astype(float)).dropna()
        return _average(error if signed else error.abs())

    return rule


def _class(column: str, key: str) -> Rule:
    def rule(rows: pd.DataFrame) -> Number:
        if column not in rows:
            return np.nan, 0
        kept = rows.loc[rows["class"].notna() & rows[column].notna() & _all(rows)]
        if kept.empty:
            return np.nan, 0
        found = measures((kept["class"] == 1).to_numpy(bool), kept[column].to_numpy(float))
        return float(found[key]), len(kept)

    return rule


def _harvest(which: Callable[[pd.DataFrame], pd.Series]) -> Rule:
    def rule(rows: pd.DataFrame) -> Number:
        kept = rows[_all(rows) & which(rows) & rows["harvest_week"].notna()]
        return _average((kept["harvest_error"].abs() <= 7).astype(float))

    return rule


def _in_window(rows: pd.DataFrame) -> pd.Series:
    """Select harvests that the command looks for by default; leek is pulled all winter."""
    return rows["harvest"] <= pd.to_datetime((rows["season_end"].dt.year - 1).astype(str) + "-11-30")


def _harvest_found(rows: pd.DataFrame) -> Number:
    kept = rows[_all(rows) & rows["harvest_week"].notna()]
    return _average(kept["harvest_error"].notna().astype(float))


def _of_blocks(reports: dict[str, dict[str, list[dict[str, Any]]]]) -> list[Measure]:
    """Accuracy over spatial blocks: of a season's own in-situ data, and with those of the other seasons."""
    name = "WCC or not, spatial blocks"
    rows = [_of_reports(name, "balanced accuracy", reports["wcc"], _balanced, (Bound(low=0.95), Bound(low=0.92)))]
    if "wcc-seasons" in reports:
        name += ", in-situ data of the other seasons as well"
        rows += [
            _of_reports(name, part, reports["wcc-seasons"], rule, ())
            for part, rule in (("balanced accuracy", _balanced), ("ECE", _ece))
        ]
    return rows


def _of_reports(
    quantity: str,
    part: str,
    reports: dict[str, list[dict[str, Any]]],
    rule: Callable[[list[dict[str, Any]]], Number],
    bounds: Sequence[Bound],
) -> Measure:
    found = {regime: rule(several) for regime, several in reports.items()}
    return Measure(
        quantity,
        part,
        "",
        {regime: value for regime, (value, _) in found.items()},
        {regime: count for regime, (_, count) in found.items()},
        dict(zip(TARGETED, bounds, strict=True)) if bounds else {},
    )


def _balanced(reports: list[dict[str, Any]]) -> Number:
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
