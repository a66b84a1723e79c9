"""The season in numbers, as tables: summary.csv, account.csv and what is printed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from .kernel import Summary

QUANTITIES: tuple[tuple[str, str, str], ...] = (
    ("parcels", "records", "records of the parcels file"),
    ("wcc", "parcels", "parcels with a winter cover crop"),
    ("nwcc", "parcels", "parcels without a winter cover crop"),
    ("unclassified", "records", "records without a class"),
    ("not_a_candidate", "records", "records whose crops leave no room for a winter cover crop"),
    ("not_classified", "records", "records that could not be classified, for the reasons in account.csv"),
    ("wcc_area", "ha", "area of the parcels with a winter cover crop"),
    ("nwcc_area", "ha", "area of the parcels without one"),
    ("wcc_share", "%", "parcels with a winter cover crop among the classified ones"),
    ("wcc_area_share", "%", "area with a winter cover crop in the classified area"),
    ("emergence", "date", "median emergence of the winter cover crops"),
    ("emergence_early", "date", "one tenth of the cover crops had emerged by then"),
    ("emergence_late", "date", "nine tenths of the cover crops had emerged by then"),
    ("termination", "date", "median termination of the winter cover crops"),
    ("termination_early", "date", "one tenth of the cover crops had ended by then"),
    ("termination_late", "date", "nine tenths of the cover crops had ended by then"),
    ("without_emergence", "parcels", "winter cover crops whose emergence was not found"),
    ("without_termination", "parcels", "winter cover crops whose termination was not found"),
    ("length", "days", "median length of the season, emergence to termination"),
    ("uncertainty_emergence", "days", "median uncertainty of the emergence date (+/-)"),
    ("uncertainty_termination", "days", "median uncertainty of the termination date (+/-)"),
    ("lai", "m2/m2", "median of the cover crops' maximum LAI"),
    ("fcover", "1", "median of the cover crops' maximum FCOVER"),
    ("period_wcc", "days", "median length of the intercropping period, parcels with a cover crop"),
    ("period_nwcc", "days", "median length of the intercropping period, parcels without"),
    ("bare_wcc", "%", "mean share of bare days in the period, parcels with a cover crop"),
    ("bare_nwcc", "%", "mean share of bare days in the period, parcels without"),
)
"""Name, unit and meaning of every field of `Summary`, in order."""
_PLACES = {"wcc_area": 2, "nwcc_area": 2, "lai": 2, "fcover": 3}
FIRST_NAMED = 8


def plain(value: Any, *, places: int = 1) -> str:
    """Write a number or a day as text: whole numbers whole, days YYYY-MM-DD, unknown as ''."""
    if isinstance(value, np.datetime64):
        return "" if np.isnat(value) else str(value)
    if isinstance(value, int | np.integer):
        return str(int(value))
    return "" if value is None or math.isnan(value) else f"{value:.{places}f}"


def summary_columns(summary: Summary) -> dict[str, list[str]]:
    """Columns of summary.csv."""
    values = [plain(getattr(summary, name), places=_PLACES.get(name, 1)) for name, _, _ in QUANTITIES]
    names, units, meanings = (list(column) for column in zip(*QUANTITIES, strict=True))
    return {"quantity": names, "value": values, "unit": units, "description": meanings}


def account_columns(account: pd.DataFrame) -> dict[str, list[Any]]:
    """Columns of account.csv: how many records have which status for which reason, and the first of them.

    Parameters
    ----------
    account
        NewID (nullable), record, status, reason: a row per record.
    """
    rows: list[tuple[str, str, int, str]] = []
    for (status, reason), own in account.groupby(["status", "reason"], sort=True):
        first = own.head(FIRST_NAMED)
        names = [
            str(new_id) if pd.notna(new_id) else f"record {record}"
            for new_id, record in zip(first["NewID"], first["record"], strict=True)
        ]
        rows.append((status, reason, len(own), " ".join(names) + (" ..." if len(own) > FIRST_NAMED else "")))
    rows.sort(key=lambda row: (row[0] != "classified", row[0], -row[2], row[1]))
    columns = list(zip(*rows, strict=True)) or [()] * 4
    return dict(zip(("status", "reason", "records", "first"), map(list, columns), strict=True))


def printed(summary: Summary, page: str) -> str:
    """Table for a terminal, with the path of the page below it."""
    rows = (
        ("parcels", plain(summary.parcels)),
        ("WCC", plain(summary.wcc)),
        ("NWCC", plain(summary.nwcc)),
        ("unclassified", plain(summary.unclassified)),
        ("median emergence", plain(summary.emergence) or "-"),
        ("median termination", plain(summary.termination) or "-"),
    )
    wide = max(len(value) for _, value in rows)
    return "\n".join([*(f"{name:<20}{value:>{wide}}" for name, value in rows), page])
