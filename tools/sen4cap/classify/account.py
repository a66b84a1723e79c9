"""What becomes of each parcel: to be classified, no candidate, or not classified and why."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ..errors import BadInput
from ..parcels import Parcels
from ..progress import say
from .candidates import crop_codes, find_candidates, read_roles
from .kernel import looks_within
from .layout import GAP, Layout

CLASSIFIED, NOT_A_CANDIDATE, NOT_CLASSIFIED = "classified", "not a candidate", "not classified"
BLOCK = 32768
WINTER_LOOKS = ("10-01", "03-31")


@dataclass(frozen=True)
class Crops:
    """The candidate filter: table of roles and the fields of the parcels that hold crop codes."""

    path: Path
    before: str | None
    after: str | None


@dataclass
class Account:
    """What becomes of each usable parcel.

    Attributes
    ----------
    row : (parcel,) intp
        Row in the series; -1 where it has none.
    status, reason : (parcel,) object
        As the details file says; a parcel that is still to be classified has the status ''.
    """

    row: NDArray[np.intp]
    status: NDArray[np.object_]
    reason: NDArray[np.object_]

    @property
    def open(self) -> NDArray[np.intp]:
        """Places of the parcels that are to be classified."""
        return np.flatnonzero(self.status == "")

    def close(self, places: NDArray[Any], status: str, reason: str) -> None:
        """Give parcels that are still open a status and a reason."""
        places = np.asarray(places)
        chosen = np.zeros(len(self.status), bool)
        chosen[places] = True
        chosen &= self.status == ""
        self.status[chosen] = status
        self.reason[chosen] = reason


def open_account(
    fields: Parcels,
    data: xr.Dataset,
    crops: Crops | None,
    layout: Layout,
    season: int,
    *,
    least_pixels: int,
    least_looks: int,
) -> Account:
    """Find out which parcels can be classified, and why the others cannot."""
    ids = data["parcel"].to_numpy()
    row = pd.Index(ids).get_indexer(fields.ids) if len(ids) else np.full(len(fields.ids), -1)
    empty = np.full(len(row), "", dtype=object)
    account = Account(row.astype(np.intp), empty.copy(), empty.copy())
    _leave_out_crops(account, fields, crops)
    if least_pixels and "S2Pix" in fields.frame:
        pixels = pd.to_numeric(fields.frame["S2Pix"], errors="coerce").to_numpy(np.float64, na_value=np.nan)
        few = np.flatnonzero(pixels < least_pixels)
        account.close(few, NOT_A_CANDIDATE, f"fewer than {least_pixels} pixels (S2Pix)")
    account.close(np.flatnonzero(row < 0), NOT_CLASSIFIED, "not in the series: outside the images, or without a marker")
    _leave_out_unseen(account, data, layout, season, least_looks)
    return account


def _leave_out_crops(account: Account, fields: Parcels, crops: Crops | None) -> None:
    if crops is None:
        return
    codes: list[NDArray[np.object_] | None] = []
    for field in (crops.before, crops.after):
        if field is not None and field not in fields.frame:
            names = ", ".join(str(name) for name in fields.frame.columns if name != "geometry")
            raise BadInput(fields.path, f"has no field {field}, only {names}", do="correct --crop-before, --crop-after")
        codes.append(None if field is None else crop_codes(fields.frame[field]))
    found = find_candidates(codes[0], codes[1], read_roles(crops.path))
    for reason in np.unique(found.reason[found.reason != ""].astype(str)):
        account.close(np.flatnonzero(found.reason == reason), NOT_A_CANDIDATE, str(reason))
    if found.unknown:
        named = ", ".join(f"{code or '(none)'} ({count})" for code, count in list(found.unknown.items())[:10])
        more = f" and {len(found.unknown) - 10} more" if len(found.unknown) > 10 else ""
        say(
            f"{crops.path}: {len(found.unknown)} crop codes of {sum(found.unknown.values())} parcels are not in the"
            f" table; they count as role other: {named}{more}"
        )


def _leave_out_unseen(account: Account, data: xr.Dataset, layout: Layout, season: int, least_looks: int) -> None:
    start, end = layout.start(season), layout.end(season)
    gap = data[GAP].to_numpy()
    places = account.open
    looks = np.empty(len(places), np.int64)
    winter = np.empty(len(places), np.int64)
    span = column_of(data, start), column_of(data, end) + 1
    cold = (
        column_of(data, datetime.date.fromisoformat(f"{season}-{WINTER_LOOKS[0]}")),
        column_of(data, datetime.date.fromisoformat(f"{season + 1}-{WINTER_LOOKS[1]}")) + 1,
    )
    for first in range(0, len(places), BLOCK):
        some = slice(first, first + BLOCK)
        block = gap[account.row[places[some]]]
        looks[some] = looks_within(block, start=span[0], stop=span[1])
        winter[some] = looks_within(block, start=cold[0], stop=cold[1])
    unseen = "no clear look at all: outside the images, too small to hold a pixel, or always under cloud"
    account.close(places[looks == 0], NOT_CLASSIFIED, unseen)
    for count in range(1, least_looks):
        text = f"{count} clear look{'s' if count > 1 else ''} from {start} to {end}, fewer than {least_looks}"
        account.close(places[looks == count], NOT_CLASSIFIED, text)
    account.close(places[winter == 0], NOT_CLASSIFIED, "no clear look from October to March")


def column_of(data: xr.Dataset, day: datetime.date) -> int:
    """Column of a day in the series; outside of it where the series does not hold the day."""
    return (day - datetime.date.fromisoformat(data.attrs["start"])).days
