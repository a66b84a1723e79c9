"""Results of a run beside the truth: one row a parcel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sen4cap.marker_table import Looks, MarkerTable
from sen4cap.series import open_series
from sen4cap.smooth.kernel import BOUNDS, Smoothing, smooth_daily
from sen4cap.tables import details_path

from .bare import errors_with_truth
from .chain import PAIRS, Run

EVENTS = ("emergence", "termination")
LOOK_NOISE, SOIL_NOISE, LOOK_NOISE_SEED = 0.08, 0.04, 17
"""Of true looks: standard deviation as a share of the LAI and beside it."""
ABRUPT, SLOW = ("ploughing", "rolling"), ("herbicide", "mowing")


def gather(run: Run) -> pd.DataFrame:
    """Truth, looks around its events, and every result of a run; columns of results begin with the tool's name."""
    looks, details = _looks(run), _details(run)
    frame = _dated(run, looks, details)
    frame["look_bias_high"], frame["look_bias_bare"] = _look_bias(run.inputs / "daily.npz", looks)
    frame["true_looks_lai"] = _maximum_of_true_looks(run, looks, details.reindex(frame.index))
    for name in ("wcc", "thresholds", "wcc-other-year", "wcc-hrl-other-year"):
        path = run.folder / name / "wcc.csv"
        if path.exists():
            frame[f"confidence_{name}"] = _read(path)["Conf_pred1"].reindex(frame.index)
    weeks = _read(run.folder / "harvest.csv")["harvest_start"]
    frame["harvest_error"] = _days(_dates(weeks).reindex(frame.index), frame["harvest_week"])
    for name, file in (("own", "intercrop.csv"), ("l4c", "intercrop-l4c.csv")):
        table = _read(run.folder / file).reindex(frame.index)
        frame[f"bare_error_{name}"] = table["BS_d"] - frame["bare_days"].astype(float)
        frame[f"period_error_{name}"] = table["Inter_d"] - frame["inter_days"].astype(float)
        frame[f"bare_before_error_{name}"] = table["BS_b"] - frame["bare_before"].astype(float)
        frame[f"bare_after_error_{name}"] = table["BS_a"] - frame["bare_after"].astype(float)
    for name, error in errors_with_truth(run, looks, frame).items():
        # A period that was not given has no error.
        frame[f"bare_with_true_{name}"] = np.where(frame["bare_error_l4c"].notna(), error, np.nan)
    return frame.reset_index(drop=True)


def gather_dates(run: Run) -> pd.DataFrame:
    """Truth, looks around its events, and the dates and maxima of every method."""
    return _dated(run, _looks(run), _details(run)).reset_index(drop=True)


def _dated(run: Run, looks: Looks, details: pd.DataFrame) -> pd.DataFrame:
    """What `gather_dates` gives, by NewID."""
    frame = pd.read_parquet(run.inputs / "truth.parquet")
    frame.insert(0, "seed", run.seed)
    frame.insert(1, "regime", run.regime)
    frame["season_end"] = pd.Timestamp(run.season.end)
    frame = frame.set_index("NewID", drop=False)
    for event in EVENTS:
        before, after = looks_around(looks.days, looks.pixels > 0, frame[event].to_numpy().astype("datetime64[D]"))
        frame[f"{event}_gap"] = after - before
        frame[f"{event}_bracket"] = np.abs((before + after) / 2)
    for emergence, termination in PAIRS:
        table = _read(run.folder / f"season-{emergence}-{termination}.csv")
        _add_dates(frame, f"em_{emergence}", table, "Em_d", "Uncert_em")
        if f"ter_{termination}_error" not in frame:
            _add_dates(frame, f"ter_{termination}", table, "Ter_d", "Uncert_ter")
    details = details.reindex(frame.index)
    for name in ("M_gro_val", "M_co_val", "longest_gap", "em_reason", "ter_reason"):
        frame[f"season_{name}"] = details[name]
    frame["next_error"] = _days(_dates(details["next_emergence"]), frame["next_emergence"])
    return frame


def _looks(run: Run) -> Looks:
    return MarkerTable([run.markers]).looks("LAI")


def _details(run: Run) -> pd.DataFrame:
    return pd.read_parquet(details_path(run.folder / "season-default-default.csv")).set_index("NewID")


def _look_bias(path: Path, looks: Looks) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean error of the LAI of each parcel's looks, where the true LAI is above 2 and where nothing grows."""
    with np.load(path) as daily:
        at = (looks.days - daily["days"][0]).astype(int)
        true = daily["lai"][:, at].astype(float)
    error = np.where(looks.pixels > 0, looks.mean - true, np.nan)
    found = []
    for which in (true > 2, true < 0.01):
        kept = which & np.isfinite(error)
        count = kept.sum(axis=1)
        found.append(np.where(count > 0, np.where(kept, error, 0).sum(axis=1) / np.maximum(count, 1), np.nan))
    return found[0], found[1]


def _maximum_of_true_looks(run: Run, looks: Looks, details: pd.DataFrame) -> NDArray[np.float64]:
    """Maximum LAI between the dates found, had every look shown true LAI with noise: all but the network."""
    with open_series(run.folder / "series.arrow") as series, np.load(run.inputs / "daily.npz") as daily:
        start, days = series.day.to_numpy()[0].astype("datetime64[D]"), series.sizes["day"]
        smoothing = Smoothing.from_text(series.attrs["smoothing"])
        true = daily["lai"][:, (looks.days - daily["days"][0]).astype(int)]
    random = np.random.default_rng([run.seed, LOOK_NOISE_SEED])
    seen = true * random.normal(1, LOOK_NOISE, true.shape) + random.normal(0, SOIL_NOISE, true.shape)
    seen = np.where(looks.pixels > 0, np.maximum(seen, 0), np.nan).astype(np.float32)
    low, high = BOUNDS["LAI"]
    at = (looks.days - start).astype(np.int64)
    smooth = smooth_daily(at, seen, looks.pixels, days=days, smoothing=smoothing, low=low, high=high)
    found = np.full(len(true), np.nan)
    begin, end = (_dates(details[name]).to_numpy().astype("datetime64[D]") for name in ("Em_d", "Ter_d"))
    end = np.where(np.isnat(end), np.datetime64(run.season.end, "D"), end)
    for row in np.flatnonzero(~np.isnat(begin)):
        first, last = int((begin[row] - start).astype(int)), int((end[row] - start).astype(int))
        found[row] = np.nanmax(smooth[row, first : last + 1])
    return found


def looks_around(
    days: NDArray[np.datetime64], seen: NDArray[np.bool_], event: NDArray[np.datetime64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Days from each parcel's event to the last look before it (negative) and the first look from it on.

    NaN where the event or one of the looks is missing.
    """
    offset = (days[None, :] - event[:, None]).astype("timedelta64[D]").astype(float)
    offset[np.isnat(event)] = np.nan
    with np.errstate(invalid="ignore"):
        before = np.where(seen & (offset < 0), offset, -np.inf).max(axis=1)
        after = np.where(seen & (offset >= 0), offset, np.inf).min(axis=1)
    none = ~(np.isfinite(before) & np.isfinite(after))
    return np.where(none, np.nan, before), np.where(none, np.nan, after)


def read_as_of(run: Run, days: list[str]) -> pd.DataFrame:
    """Termination dates as they were known on the evening of each day: NewID, day, date."""
    parts = []
    for day in days:
        table = _read(run.folder / f"as-of-{day}.csv")
        parts.append(
            pd.DataFrame({"NewID": table.index, "day": pd.Timestamp(day), "date": _dates(table["Ter_d"]).to_numpy()})
        )
    return pd.concat(parts, ignore_index=True)


def _add_dates(frame: pd.DataFrame, name: str, table: pd.DataFrame, date: str, spread: str) -> None:
    event = "emergence" if name.startswith("em_") else "termination"
    found = _dates(table[date]).reindex(frame.index)
    frame[f"{name}_known"] = found.notna()
    frame[f"{name}_error"] = _days(found, frame[event])
    frame[f"{name}_spread"] = table[spread].reindex(frame.index).astype(float)


def _days(found: pd.Series, true: pd.Series) -> pd.Series:
    return (found - true.astype("datetime64[ns]")).dt.days.astype(float)


def _dates(values: Any) -> pd.Series:
    return pd.to_datetime(pd.Series(values)).astype("datetime64[ns]")


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path).set_index("NewID")
