"""In-situ data: parcels whose class is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import BadInput
from ..progress import say
from ..tables import read_csv

SHOWN = 5


@dataclass(frozen=True)
class Labels:
    """What is known of parcels.

    Attributes
    ----------
    ids : (parcel,) int32
        NewID, ascending, unique.
    classes : (parcel,) int
        1 winter cover crop, 2 none.
    faults : dict of str to int
        Rows that were left out, by reason.
    """

    ids: NDArray[np.int32]
    classes: NDArray[np.int64]
    faults: dict[str, int]


def read_labels(
    path: Path,
    known: NDArray[np.integer],
    /,
    *,
    id_column: str,
    class_column: str,
    class_map: Mapping[str, int],
    skip_invalid: bool,
) -> Labels:
    """Read an in-situ CSV: comma or semicolon, with or without a BOM.

    Parameters
    ----------
    known
        Every NewID of the parcels file, usable or not.
    id_column, class_column
        Names of the two columns.
    class_map
        Class by the text that stands for it.
    skip_invalid
        Leave faulty rows out and say so, instead of refusing the file. Of duplicates that disagree all rows go.

    Raises
    ------
    BadInput
        A column is missing; or rows are faulty and `skip_invalid` is off: identifiers that are no whole number or not
        among the parcels, classes outside the map, duplicates that disagree; or no row is left, or only one class.
    """
    table = read_csv(path, required=(id_column, class_column))
    lines = table.index.to_numpy()
    ids = pd.to_numeric(table[id_column], errors="coerce").to_numpy(np.float64)
    classes = np.array([class_map.get(_plain(text), 0) for text in table[class_column]], np.int64)
    odd = ~np.isfinite(ids) | (ids != np.floor(ids))
    stranger = ~odd & ~np.isin(ids, known)
    outside = ~odd & ~stranger & (classes == 0)
    good = ~(odd | stranger | outside)
    frame = pd.DataFrame({"id": ids[good], "class": classes[good]}, index=np.flatnonzero(good))
    several = frame.groupby("id")["class"].transform("nunique") > 1
    torn = np.zeros(len(table), bool)
    torn[several[several].index] = True
    faults = {
        f"{id_column} that is no whole number": (odd, table[id_column]),
        f"{id_column} unknown to the parcels": (stranger, table[id_column]),
        f"{class_column} outside the class map": (outside, table[class_column]),
        "duplicates that disagree": (torn, table[id_column]),
    }
    _report(path, lines, faults, skip_invalid=skip_invalid)
    frame = frame[~several].drop_duplicates("id").sort_values("id")
    found = Labels(
        frame["id"].to_numpy(np.int32),
        frame["class"].to_numpy(np.int64),
        {what: int(rows.sum()) for what, (rows, _) in faults.items() if rows.any()},
    )
    if len(np.unique(found.classes)) < 2:
        held = f"only class {found.classes[0]}" if len(found.classes) else "no class at all"
        raise BadInput(path, f"holds {held} ({len(found.classes)} usable rows); both 1 and 2 are needed")
    return found


def _plain(text: str) -> str:
    """Class text as the map has it: lower case, whole numbers without a decimal point."""
    text = text.casefold()
    return text.removesuffix(".0") if text.removesuffix(".0").isdigit() else text


def _report(
    path: Path,
    lines: NDArray[np.int64],
    faults: Mapping[str, tuple[NDArray[np.bool_], pd.Series]],
    *,
    skip_invalid: bool,
) -> None:
    parts = []
    for what, (rows, cells) in faults.items():
        if not rows.any():
            continue
        at = np.flatnonzero(rows)
        shown = ", ".join(f"line {lines[k]}: {cells.iloc[k]!r}" for k in at[:SHOWN])
        parts.append(f"{len(at)} {what} ({shown}{' ...' if len(at) > SHOWN else ''})")
    if not parts:
        return
    if not skip_invalid:
        raise BadInput(path, "; ".join(parts), do="correct the rows, or leave them out with --skip-invalid")
    for part in parts:
        say(f"{path}: left out: {part}")
