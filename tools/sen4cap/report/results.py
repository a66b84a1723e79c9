"""The results of a run, read and joined: what is known about every record of the parcels file."""

from __future__ import annotations

import calendar
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import shapely
from numpy.typing import NDArray

from ..classes import NWCC, OTHER, WCC
from ..errors import BadInput
from ..parcels import Parcels
from ..seasons import Season
from ..soil_intervals import stream_soil
from ..tables import details_path, read_columns, read_details

DAY, NUMBER, WHOLE = pa.date32(), pa.float64(), pa.int32()
CLASSES = {"NewID": WHOLE, "Pred_class": WHOLE, "Conf_pred1": NUMBER, "Conf_pred2": NUMBER}
SEASON = {
    "NewID": WHOLE,
    **{"Em_d": DAY, "Ter_d": DAY, "S_length": NUMBER, "Uncert_em": NUMBER, "Uncert_ter": NUMBER},
    **{"M_gro_d": DAY, "M_gro_val": NUMBER, "M_gro_t": NUMBER, "M_cov_d": DAY, "M_co_val": NUMBER, "M_co_t": NUMBER},
}
INTERCROP = {
    "NewID": WHOLE,
    **dict.fromkeys(("Inter_d", "BS_d", "NBS_d", "BS_b", "BS_a"), NUMBER),
    **dict.fromkeys(("BS_per", "NBS_per", "BS_b_per", "BS_a_per"), NUMBER),
}
STATUSES = ("classified", "not a candidate", "not classified")
HECTARE = 10_000.0
EQUAL_AREA = 6933
"""EPSG code of the equal-area projection in which areas of parcels in degrees are measured."""


@dataclass(frozen=True)
class Results:
    """What a run found.

    Attributes
    ----------
    table : DataFrame
        One row per usable parcel, in the order of `Parcels.frame`: NewID, record, code (`classes.WCC`, ...), confidence
        (in the class given), candidate, status, reason, area (ha), the columns of season.csv and of intercrop.csv.
    account : DataFrame
        One row per record of the parcels file: NewID (nullable), record, status, reason.
    details : DataFrame
        season_details.parquet, indexed by NewID.
    accuracy : dict or None
        accuracy.json.
    """

    table: pd.DataFrame
    account: pd.DataFrame
    details: pd.DataFrame
    accuracy: dict[str, Any] | None

    @property
    def statuses(self) -> dict[str, int]:
        """Records of the parcels file by status."""
        return {status: int((self.account["status"] == status).sum()) for status in STATUSES}


@dataclass(frozen=True)
class ByMonths:
    """Accuracy against the months of the season that are known.

    Attributes
    ----------
    months : tuple of int
        Months of the year, in the order of the season.
    accuracy : tuple of float
        Balanced accuracy of forests that see the season up to the end of each month.
    folds : tuple of list of float
        The same of each fold of the cross-validation.
    shares : dict of int to float
        Share of each month's values in what the forest goes by (fall of impurity), by month of the year.
    """

    months: tuple[int, ...]
    accuracy: tuple[float, ...]
    folds: tuple[list[float], ...]
    shares: dict[int, float]


def months_known(accuracy: dict[str, Any] | None) -> ByMonths | None:
    """Accuracy by months, where the classification measured it."""
    rows = [row for row in (accuracy or {}).get("by_months", ()) if row["balanced_accuracy"] is not None]
    if accuracy is None or not rows:
        return None
    shares = accuracy["importance"]["impurity_by_group"]
    return ByMonths(
        tuple(int(row["until"][:2]) for row in rows),
        tuple(row["balanced_accuracy"] for row in rows),
        tuple(row["per_fold"] for row in rows),
        {month: shares[name] for month, name in enumerate(calendar.month_name) if name in shares},
    )


def read_results(parcels: Parcels, *, classes: Path, season: Path, intercrop: Path) -> Results:
    """Read the result tables and join them to the parcels.

    Raises
    ------
    BadInput
        The classes folder holds no wcc.csv, the season table has no details beside it, a table is unreadable, or the
        tables are not about these parcels.
    """
    wcc = classes / "wcc.csv"
    if not wcc.is_file():
        raise BadInput(classes, "holds no wcc.csv", do="give the folder that `sen4cap classify` wrote")
    found = read_result(wcc, CLASSES)
    bad = ~found["Pred_class"].isin((WCC, NWCC))
    if bad.any():
        row = found[bad].iloc[0]
        raise BadInput(f"{wcc}, NewID {row['NewID']}", f"has Pred_class {row['Pred_class']}, not 1 or 2")
    details = read_details(details_path(season))
    table = parcels.frame[["NewID"]].copy()
    table["record"] = used_records(parcels)
    table["area"] = areas(parcels.frame)
    for path, frame in (
        (wcc, found),
        (season, read_result(season, SEASON)),
        (intercrop, read_result(intercrop, INTERCROP)),
    ):
        _check_identifiers(path, frame, parcels)
        table = table.merge(frame, on="NewID", how="left", validate="one_to_one")
    code = table["Pred_class"].fillna(OTHER).to_numpy(np.uint8)
    account = account_of(parcels, code, classes / "wcc_details.parquet")
    table["code"] = code
    table["confidence"] = np.select(
        [code == WCC, code == NWCC], [table["Conf_pred1"].to_numpy(), table["Conf_pred2"].to_numpy()], np.nan
    )
    own = account.set_index("record").loc[table["record"], ["status", "reason"]]
    table["status"], table["reason"] = own["status"].to_numpy(), own["reason"].to_numpy()
    return Results(table, account, details.set_index("NewID"), _accuracy(classes / "accuracy.json"))


def season_of(details: Path, year: int) -> Season:
    """Season that the characteristics are about: its limits stand in the details; the usual ones where they do not.

    Raises
    ------
    BadInput
        The details are missing or no Parquet, or are about another year than the series.
    """
    try:
        about = pa.parquet.read_schema(details).metadata or {}
    except FileNotFoundError as error:
        raise BadInput(details, "is missing", do="keep the details file beside its table") from error
    except pa.ArrowException as error:
        raise BadInput(details, f"is no readable Parquet file ({error})") from error
    start, end = (about.get(name, b"").decode() for name in (b"season_start", b"season_end"))
    if not start or not end:
        return Season(year)
    if not start.startswith(f"{year}-"):
        raise BadInput(details, f"is about the season from {start}, and the series about season {year}")
    return Season(year, start[5:], end[5:])


def read_result(path: Path, columns: Mapping[str, pa.DataType], /) -> pd.DataFrame:
    """Read a table that this suite wrote, typed and fast; days become datetime64[s], empty cells NaN, NaT.

    Raises
    ------
    BadInput
        A column is missing, or a cell is no number or day.
    """
    return read_columns(path, columns, filled=("NewID",)).to_pandas(date_as_object=False)


def soil_of(path: Path, ids: NDArray[np.int32]) -> pd.DataFrame:
    """Bare-soil intervals of a few parcels: NewID, start, end (exclusive), bare."""
    kept = []
    for part in stream_soil(path):
        own = np.isin(part.ids, ids)
        kept.append(pd.DataFrame({name: values[own] for name, values in part._asdict().items()}))
    whole = pd.concat(kept) if kept else pd.DataFrame(columns=["ids", "start", "end", "bare"])
    return whole.rename(columns={"ids": "NewID"})


def used_records(parcels: Parcels) -> NDArray[np.int64]:
    """Position in the file, counted from 1, of every usable parcel."""
    unused = parcels.problems.loc[~parcels.problems["used"].astype(bool), "record"].to_numpy(np.int64)
    used = np.ones(len(parcels.frame) + len(unused), bool)
    used[unused - 1] = False
    return np.flatnonzero(used) + 1


def account_of(parcels: Parcels, code: NDArray[np.uint8], details: Path) -> pd.DataFrame:
    """Status and reason of every record of the parcels file.

    Taken from the details of the classification; where that file is missing, worked out from parcels and classes.

    Raises
    ------
    BadInput
        The details are about other records than the parcels file has, or contradict the classes.
    """
    records = used_records(parcels)
    count = len(records) + int((~parcels.problems["used"].astype(bool)).sum())
    if not details.exists():
        return _own_account(parcels, code, records)
    account = read_details(details)
    missing = {"NewID", "record", "status", "reason"} - set(account.columns)
    if missing:
        raise BadInput(details, f"has no column {', '.join(sorted(missing))}")
    account = account[["NewID", "record", "status", "reason"]].sort_values("record", ignore_index=True)
    if not np.array_equal(account["record"], np.arange(1, count + 1)):
        raise BadInput(
            details,
            f"accounts for {len(account)} records where {parcels.path} has {count}",
            do="give the parcels that were classified",
        )
    strange = sorted(set(account["status"]) - set(STATUSES))
    if strange:
        raise BadInput(details, f"has the status {strange[0]!r}, not one of {', '.join(STATUSES)}")
    said = account["status"].to_numpy()[records - 1] == "classified"
    if (said != (code != OTHER)).any():
        row = int(np.flatnonzero(said != (code != OTHER))[0])
        raise BadInput(
            f"{details}, NewID {parcels.ids[row]}",
            "has a status that contradicts wcc.csv",
            do="keep the files of one classification together",
        )
    account["reason"] = account["reason"].fillna("")
    return account


def areas(frame: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Area of each parcel, ha."""
    if frame.crs.is_projected:
        unit = frame.crs.axis_info[0].unit_conversion_factor
        return shapely.area(frame.geometry.to_numpy()) * unit**2 / HECTARE
    return shapely.area(frame.geometry.to_crs(EQUAL_AREA).to_numpy()) / HECTARE


def _own_account(parcels: Parcels, code: NDArray[np.uint8], records: NDArray[np.int64]) -> pd.DataFrame:
    classified = code != OTHER
    used = pd.DataFrame(
        {
            "NewID": pd.array(parcels.ids, dtype="Int64"),
            "record": records,
            "status": np.where(classified, "classified", "not classified"),
            "reason": np.where(classified, "", "no row in wcc.csv"),
        }
    )
    unused = parcels.problems[~parcels.problems["used"].astype(bool)]
    unused = unused.drop(columns="used").assign(status="not classified")
    return pd.concat([used, unused[used.columns]]).sort_values("record", ignore_index=True)


def _check_identifiers(path: Path, frame: pd.DataFrame, parcels: Parcels) -> None:
    ids = frame["NewID"]
    if ids.duplicated().any():
        raise BadInput(f"{path}, NewID {ids[ids.duplicated()].iloc[0]}", "stands twice")
    unknown = ids[~ids.isin(parcels.ids)]
    if len(unknown):
        raise BadInput(
            f"{path}, NewID {unknown.iloc[0]}",
            f"is not among the parcels of {parcels.path} ({len(unknown)} such rows)",
            do="give the parcels of this run",
        )


def _accuracy(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except ValueError as error:
        raise BadInput(path, f"is no JSON ({error})") from error
    return found
