"""What the error of bare days comes from: the same count with one thing at a time replaced by its truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sen4cap.marker_table import Looks
from sen4cap.tables import details_path

from .chain import Run

CAUSES = {
    "found": "nothing: as found",
    "harvest": "the harvest week",
    "next": "the emergence of the next main crop",
    "looks": "the state at every look",
    "days": "the state on every day",
    "gaps": "the state at every look and both ends: what the gaps leave",
}
"""What is replaced by its truth, by the name of its column (`bare_with_true_...`)."""


def errors_with_truth(run: Run, looks: Looks, frame: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Error of the bare days of each parcel, harvest weeks from L4C, with the truth of each of `CAUSES`.

    Parameters
    ----------
    run
        Where the results are.
    looks
        Looks of the marker table, rows as `frame`.
    frame
        Truth, by NewID.
    """
    with np.load(run.inputs / "daily.npz") as daily:
        first, true = daily["days"][0].astype("datetime64[D]"), daily["bare"].astype(bool)
    period = pd.read_parquet(details_path(run.folder / "intercrop-l4c.csv")).set_index("NewID").reindex(frame.index)
    start, end = (_position(period[name], first) for name in ("period_start", "period_end"))
    true_start, true_end = (_position(frame[name], first) for name in ("harvest_week", "inter_end"))
    found = _found_states(run, frame.index, first, true.shape[1])
    at_looks = _of_nearest(true, (looks.days - first).astype(int), looks.pixels > 0)
    counted = {
        "found": (found, start, end),
        "harvest": (found, true_start, end),
        "next": (found, start, true_end),
        "looks": (at_looks, start, end),
        "days": (true, start, end),
        "gaps": (at_looks, true_start, true_end),
    }
    bare = _count(true, true_start, true_end)
    return {name: _count(*states_and_ends) - bare for name, states_and_ends in counted.items()}


def _position(dates: pd.Series, first: np.datetime64) -> NDArray[np.float64]:
    """Days from the first one; NaN where there is no date."""
    return (pd.to_datetime(dates) - pd.Timestamp(first)).dt.days.to_numpy(float)


def _found_states(run: Run, ids: pd.Index, first: np.datetime64, days: int) -> NDArray[np.bool_]:
    """Whether the command called each day bare."""
    table = pd.read_csv(run.folder / "soil.csv")
    table = table[table["state"] == "BS"]
    states = np.zeros((len(ids), days), bool)
    rows = ids.get_indexer(table["NewID"])
    starts, ends = (_position(table[name], first).clip(0, days).astype(int) for name in ("start", "end"))
    for row, start, end in zip(rows, starts, ends, strict=True):
        states[row, start:end] = True
    return states


def _of_nearest(true: NDArray[np.bool_], at: NDArray[np.int64], seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True state of each parcel's nearest look on each day, of two at the same distance the earlier."""
    states = np.zeros(true.shape, bool)
    days = np.arange(true.shape[1])
    for row, of_parcel in enumerate(seen):
        own = at[of_parcel]
        if len(own):
            states[row] = true[row, own[np.searchsorted((own[1:] + own[:-1]) / 2, days, side="left")]]
    return states


def _count(states: NDArray[np.bool_], start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bare days of each parcel in [start, end); NaN where one of them is not known."""
    days = np.arange(states.shape[1])
    inside = (days >= start[:, None]) & (days < end[:, None])
    return np.where(np.isnan(start) | np.isnan(end), np.nan, (states & inside).sum(axis=1))
