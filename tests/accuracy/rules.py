"""What is counted, over which parcels: selections of rows, and rules that make a number of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from sen4cap.classify.accuracy import measures

from .gather import ABRUPT, SLOW

NO_GROWTH_LAI = 0.1
"""Parcels without a cover crop count as without growth where volunteers and weeds never came up: LAI below this."""
SEEN_LAI = 0.5
"""Bare ground reads as an LAI of about 0.3: a stand that never passes this hardly stands out from it."""
STANDS_INTO_WINTER = "11-15"
"""Main crops harvested later (leek) are themselves a stand in winter: they are told apart from bare parcels."""

Number = tuple[float, int]
Rule = Callable[[pd.DataFrame], Number]
Selection = Callable[[pd.DataFrame], pd.Series]
"""The parcels of a table that count."""


def candidates(rows: pd.DataFrame) -> pd.Series:
    """Select parcels that may carry a cover crop."""
    return rows["candidate"] == 1


def which_wcc(rows: pd.DataFrame) -> pd.Series:
    """Select candidates with a winter cover crop."""
    return (rows["candidate"] == 1) & (rows["class"] == 1).fillna(False).astype(bool) & rows["emergence"].notna()


def which_ended(rows: pd.DataFrame) -> pd.Series:
    """Select winter cover crops that ended inside the season."""
    return which_wcc(rows) & (rows["termination"] <= rows["season_end"])


def abrupt(rows: pd.DataFrame) -> pd.Series:
    """Select cover crops that were ploughed or rolled."""
    return which_ended(rows) & rows["termination_kind"].isin(ABRUPT)


def emerged(*, since: str = "01-01", before: str = "") -> Selection:
    """Select cover crops by their true emergence, MM-DD of the autumn; without an end whatever comes later."""

    def which(rows: pd.DataFrame) -> pd.Series:
        autumn = (rows["season_end"].dt.year - 1).astype(str)
        late_enough = rows["emergence"] >= pd.to_datetime(autumn + "-" + since)
        early_enough = rows["emergence"] < pd.to_datetime(autumn + "-" + before) if before else True
        return which_wcc(rows) & late_enough & early_enough

    return which


def grown(family: str) -> Selection:
    """Select cover crops that grew by one family of curves."""
    return lambda rows: which_wcc(rows) & (rows["growth"] == family)


def seen_stands(rows: pd.DataFrame) -> pd.Series:
    """Select cover crops that stood out from bare ground."""
    return which_wcc(rows) & (rows["lai_max"] >= SEEN_LAI)


def seen_abrupt(rows: pd.DataFrame) -> pd.Series:
    """Select those of them that were ploughed or rolled."""
    return abrupt(rows) & (rows["lai_max"] >= SEEN_LAI)


def slow(rows: pd.DataFrame) -> pd.Series:
    """Select cover crops that were sprayed or mown."""
    return which_ended(rows) & rows["termination_kind"].isin(SLOW)


def frosted(rows: pd.DataFrame) -> pd.Series:
    """Select cover crops that frost killed."""
    return which_ended(rows) & (rows["termination_kind"] == "frost")


def detected(column: str, which: Selection) -> Rule:
    """Share of the parcels that have a date."""

    def rule(rows: pd.DataFrame) -> Number:
        return average(rows.loc[which(rows), f"{column}_known"].astype(float))

    return rule


def ratio(column: str, which: Selection) -> Rule:
    """Mean absolute error over the mean error that perfect bracketing leaves, of the parcels that have both."""
    event = "emergence" if column.startswith("em_") else "termination"

    def rule(rows: pd.DataFrame) -> Number:
        kept = rows.loc[which(rows), [f"{column}_error", f"{event}_bracket"]].dropna()
        if kept.empty:
            return np.nan, 0
        with np.errstate(divide="ignore"):
            return float(kept.iloc[:, 0].abs().mean() / kept.iloc[:, 1].mean()), len(kept)

    return rule


def bias(column: str, which: Selection) -> Rule:
    """Median error of a date."""
    return median_of(f"{column}_error", which)


def median_of(column: str, which: Selection) -> Rule:
    """Median of a column."""

    def rule(rows: pd.DataFrame) -> Number:
        kept = rows.loc[which(rows), column].dropna()
        return (float(kept.median()), len(kept)) if len(kept) else (np.nan, 0)

    return rule


def mean_of(column: str, which: Selection) -> Rule:
    """Mean of a column."""
    return lambda rows: average(rows.loc[which(rows), column])


def mae(column: str, which: Selection) -> Rule:
    """Mean absolute error of a date."""
    return lambda rows: average(rows.loc[which(rows), f"{column}_error"].abs())


def mae_of(column: str) -> Rule:
    """Mean absolute value of a column of errors, over all candidates."""
    return lambda rows: average(rows.loc[candidates(rows), column].abs())


def average(values: pd.Series) -> Number:
    """Mean of what is known, and how many that are."""
    kept = values.dropna()
    return (float(kept.mean()), len(kept)) if len(kept) else (np.nan, 0)


def given_to(which: Selection) -> Rule:
    """Share of the parcels that get one of the two dates."""

    def rule(rows: pd.DataFrame) -> Number:
        kept = rows[which(rows)]
        return average((kept["em_default_known"] | kept["ter_default_known"]).astype(float))

    return rule


def bare_parcels(rows: pd.DataFrame) -> pd.Series:
    """Select candidates on which nothing grew in winter."""
    none = (rows["class"] == 2).fillna(False).astype(bool) & (rows["weeds_lai"] < NO_GROWTH_LAI)
    return (rows["candidate"] == 1) & none & ~late_crops(rows)


def late_crops(rows: pd.DataFrame) -> pd.Series:
    """Select candidates whose main crop stood into winter."""
    autumn = pd.to_datetime((rows["season_end"].dt.year - 1).astype(str) + "-" + STANDS_INTO_WINTER)
    none = (rows["class"] == 2).fillna(False).astype(bool)
    return (rows["candidate"] == 1) & none & (rows["harvest"] > autumn)


def inside(column: str, gap: str, which: Selection, third: int | None) -> Rule:
    """Share of true dates inside the stated uncertainty, of all or of one third by the gap around the event."""

    def rule(rows: pd.DataFrame) -> Number:
        kept = rows.loc[which(rows), [f"{column}_error", f"{column}_spread", gap]].dropna()
        if kept.empty:
            return np.nan, 0
        if third is not None:
            # Equal gaps stay together in order of the file: thirds of equal size.
            rank = kept[gap].rank(method="first", pct=True)
            kept = kept[(rank > third / 3) & (rank <= (third + 1) / 3)]
        return average((kept.iloc[:, 0].abs() <= kept.iloc[:, 1]).astype(float))

    return rule


def maximum(found: str, true: str, *, signed: bool = False) -> Rule:
    """Mean error of a maximum, absolute unless `signed`."""

    def rule(rows: pd.DataFrame) -> Number:
        error = (rows.loc[which_wcc(rows), found] - rows.loc[which_wcc(rows), true].astype(float)).dropna()
        return average(error if signed else error.abs())

    return rule


def class_measure(column: str, key: str) -> Rule:
    """Measure confidences in a cover crop by a measure of `classify.accuracy`."""

    def rule(rows: pd.DataFrame) -> Number:
        if column not in rows:
            return np.nan, 0
        kept = rows.loc[rows["class"].notna() & rows[column].notna() & candidates(rows)]
        if kept.empty:
            return np.nan, 0
        found = measures((kept["class"] == 1).to_numpy(bool), kept[column].to_numpy(float))
        return float(found[key]), len(kept)

    return rule


def harvest_within_week(which: Selection) -> Rule:
    """Share of harvest weeks at most a week off."""

    def rule(rows: pd.DataFrame) -> Number:
        kept = rows[candidates(rows) & which(rows) & rows["harvest_week"].notna()]
        return average((kept["harvest_error"].abs() <= 7).astype(float))

    return rule


def in_window(rows: pd.DataFrame) -> pd.Series:
    """Select harvests that the command looks for by default; leek is pulled all winter."""
    return rows["harvest"] <= pd.to_datetime((rows["season_end"].dt.year - 1).astype(str) + "-11-30")


def harvest_found(rows: pd.DataFrame) -> Number:
    """Share of harvests that get a week."""
    kept = rows[candidates(rows) & rows["harvest_week"].notna()]
    return average(kept["harvest_error"].notna().astype(float))
