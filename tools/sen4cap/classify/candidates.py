"""Which parcels can have a winter cover crop at all: the crops before and after the winter tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import BadInput
from ..tables import read_csv

ROLES = ("winter", "spring", "grass", "permanent", "other")


@dataclass(frozen=True)
class Candidates:
    """Outcome of the candidate filter.

    Attributes
    ----------
    reason : (parcel,) object
        Why a parcel is no candidate; '' where it is one.
    unknown : dict of str to int
        Parcels by crop code that the table does not hold; such a crop counts as `other`, so it excludes nothing.
    """

    reason: NDArray[np.object_]
    unknown: dict[str, int]


def read_roles(path: Path) -> dict[str, str]:
    """Role of each crop code.

    Raises
    ------
    BadInput
        A column is missing, a role is none of `ROLES`, or a code has two roles.
    """
    table = read_csv(path, required=("crop_code", "role"))
    roles: dict[str, str] = {}
    codes = crop_codes(table["crop_code"])
    for line, code, said in zip(table.index, codes, table["role"], strict=True):
        role = said.casefold()
        if role not in ROLES:
            raise BadInput(f"{path}, line {line}", f"role {said!r} of crop {code} is none of {', '.join(ROLES)}")
        if not code:
            raise BadInput(f"{path}, line {line}", "has no crop_code")
        if roles.setdefault(code, role) != role:
            raise BadInput(f"{path}, line {line}", f"crop {code} is {role} here and {roles[code]} before")
    return roles


def crop_codes(column: pd.Series) -> NDArray[np.object_]:
    """Crop codes as text: blanks stripped, whole numbers without a decimal point, '' where there is none."""
    if pd.api.types.is_float_dtype(column.dtype):
        values = column.to_numpy(np.float64, na_value=np.nan)
        texts = ["" if np.isnan(v) else str(int(v)) if v == int(v) else str(v) for v in values]
    else:
        texts = ["" if v is None or v is pd.NA or v != v else str(v).strip() for v in column]
    return np.array(texts, dtype=object)


def find_candidates(
    before: NDArray[np.object_] | None, after: NDArray[np.object_] | None, roles: Mapping[str, str], /
) -> Candidates:
    """Judge parcels by their main crops: no grassland, no permanent crop, no winter-sown crop after the winter.

    Parameters
    ----------
    before, after : (parcel,)
        Crop codes before and after the winter; None where no field is given. At least one is given.
    roles
        Role by crop code.
    """
    given = [codes for codes in (before, after) if codes is not None]
    reason = np.full(len(given[0]), "", dtype=object)
    unknown: dict[str, int] = {}
    for codes, when in ((before, "before"), (after, "after")):
        if codes is None:
            continue
        names, place, counts = np.unique(codes.astype(str), return_inverse=True, return_counts=True)
        role = np.array([roles.get(name, "other") for name in names], dtype=object)[place]
        for name, count in zip(names, counts, strict=True):
            if name not in roles:
                unknown[str(name)] = unknown.get(str(name), 0) + int(count)
        for bad, text in (
            ("grass", "is grassland"),
            ("permanent", "is a permanent crop"),
            ("winter", "is sown in autumn"),
        ):
            if bad == "winter" and when == "before":
                continue
            hit = (role == bad) & (reason == "")
            reason[hit] = [f"the crop {when} the winter, {code}, {text}" for code in codes[hit]]
    return Candidates(reason, unknown)
