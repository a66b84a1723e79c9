"""Bare soil: marker tables in, intervals out."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from .. import __version__
from ..compiled import over_blocks, thread_count
from ..errors import BadInput
from ..marker_table import MarkerTable
from ..progress import say, track
from ..soil_intervals import COLUMNS, STATES
from ..tables import new_csv, read_csv, write_details
from .kernel import (
    UNSEEN,
    Intervals,
    bare_intervals,
    leave_out,
    level_nbr2,
    looks_after_rain,
    own_limits,
    poor_looks,
    vote,
)

BLOCK = 8192
"""Parcels a thread works on at a time."""
FAR_DAYS = 30
"""Days farther from any look than this are told in the details."""
NEVER_SEEN = "no clear look in the span"
BSI_BANDS = ("B02", "B04", "B08", "B11")


Floats = NDArray[np.float32]


class Thresholds(NamedTuple):
    """When a look is bare: see `kernel.vote`, `kernel.level_nbr2` and `kernel.own_limits`."""

    ndvi_below: float
    nbr2_below: float
    bsi_above: float
    darkening: float
    own_share: float


class Choice(NamedTuple):
    """Which looks are left out, and which runs: see `kernel.poor_looks`, `leave_out` and `bare_intervals`."""

    clear_share: float
    better_within: int
    shortest_run: int


class Weather(NamedTuple):
    """Daily precipitation, mm, and when it counts: see `kernel.looks_after_rain`."""

    days: NDArray[np.datetime64]
    precipitation: NDArray[np.float64]
    rain: float
    rain_days: int


class Observed(NamedTuple):
    """One quantity: its days, and mean and clear pixels, (parcel, look)."""

    days: NDArray[np.datetime64]
    mean: Floats
    pixels: Floats


class Block(NamedTuple):
    """Result of consecutive parcels."""

    ids: NDArray[np.int32]
    found: Intervals
    limits: Floats
    poor: NDArray[np.int32]
    after_rain: NDArray[np.int32]
    left_out: NDArray[np.int32]
    without_weather: NDArray[np.int32]


def soil(
    markers: Sequence[Path],
    *,
    start: datetime.date,
    end: datetime.date,
    thresholds: Thresholds,
    choice: Choice,
    weather: Path | None,
    rain: float,
    rain_days: int,
    threads: int,
    output: Path,
) -> None:
    """Write bare-soil intervals of every parcel that was seen, and the details of every parcel of the tables."""
    table = MarkerTable(markers)
    if not len(table.ids):
        raise BadInput(table.where, "holds no parcel")
    if thresholds.darkening and not _holds_b11(table):
        say(f"{table.where}: no B11, so wet soil is not told from residue by its brightness")
    record = _weather_of(weather, rain=rain, rain_days=rain_days) if weather else None
    first = np.datetime64(start, "D")
    details: list[dict[str, pa.Array]] = []
    with new_csv(output, COLUMNS) as append:
        for block in _blocks(table, start, end, thresholds, choice, record, threads):
            found = block.found
            append(block.ids[found.parcel], first + found.start, first + found.end, STATES[found.bare.astype(int)])
            details.append(_details_of(block, first))
        about = {"start": f"{start}", "end": f"{end}", "far_days": f"{FAR_DAYS}", "software": f"sen4cap {__version__}"}
        columns = _joined(details)
        write_details(
            output, columns, metadata=about | {k: f"{v}" for k, v in (thresholds._asdict() | choice._asdict()).items()}
        )
    _account(columns)


def _weather_of(path: Path, *, rain: float, rain_days: int) -> Weather:
    """Read daily precipitation."""
    frame = read_csv(path, required=("date", "precipitation_mm"))
    days = pd.to_datetime(frame["date"], format="%Y-%m-%d", errors="coerce")
    amounts = pd.to_numeric(frame["precipitation_mm"], errors="coerce")
    for column, values in (("date", days), ("precipitation_mm", amounts)):
        bad = values.isna() & ((frame[column] != "") | (column == "date"))
        if bad.any():
            line = bad.idxmax()
            raise BadInput(f"{path}, line {line}", f"{column} {frame.loc[line, column]!r} is no {_kind_of(column)}")
    if days.duplicated().any():
        line = days.duplicated().idxmax()
        raise BadInput(f"{path}, line {line}", f"has {frame.loc[line, 'date']} a second time")
    order = np.argsort(days.to_numpy())
    ordered = days.to_numpy()[order].astype("datetime64[D]")
    return Weather(ordered, amounts.to_numpy(np.float64)[order], rain, rain_days)


def _kind_of(column: str) -> str:
    return "date (YYYY-MM-DD)" if column == "date" else "number"


def _blocks(
    table: MarkerTable,
    start: datetime.date,
    end: datetime.date,
    thresholds: Thresholds,
    choice: Choice,
    weather: Weather | None,
    threads: int,
) -> Iterator[Block]:
    """Work on blocks of parcels, some at a time so that memory stays bounded, and yield them in order."""
    span = (end - start).days + 1
    with_bsi = all(any((m.type, m.band, m.stat) == ("L2A", b, "mean") for m in table.markers) for b in BSI_BANDS)

    def work(first: int, past: int) -> Block:
        rows = slice(first, past)
        days, ndvi, nbr2, bsi, pixels = _indices(table, rows, start, end, with_bsi, thresholds.darkening)
        poor = poor_looks(pixels, clear_share=choice.clear_share)
        limits = own_limits(
            ndvi,
            nbr2,
            ~poor,
            ndvi_below=thresholds.ndvi_below,
            nbr2_below=thresholds.nbr2_below,
            own_share=thresholds.own_share,
        )
        states = vote(
            ndvi, nbr2, bsi, ndvi_below=thresholds.ndvi_below, nbr2_below=limits, bsi_above=thresholds.bsi_above
        )
        seen = states != UNSEEN
        wet, unknown = _after_rain(days, weather)
        offsets = (days - np.datetime64(start, "D")).astype(np.int32)
        states = leave_out(states, offsets, poor | wet, within=choice.better_within)
        found = bare_intervals(
            states,
            ndvi,
            offsets,
            ndvi_below=thresholds.ndvi_below,
            span=span,
            shortest_run=choice.shortest_run,
            far=FAR_DAYS,
        )
        counts = (seen & poor, seen & wet, seen & (states == UNSEEN), seen & unknown)
        return Block(table.ids[rows], found, limits, *(which.sum(axis=1, dtype=np.int32) for which in counts))

    group = BLOCK * 2 * thread_count(threads)
    firsts = range(0, len(table.ids), group)
    for low in track(firsts, "blocks of parcels"):
        size = min(group, len(table.ids) - low)
        shifted = functools.partial(_shifted, work, low)
        yield from over_blocks(shifted, size, block=BLOCK, threads=threads)


def _after_rain(days: NDArray[np.datetime64], weather: Weather | None) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Looks that follow rain, and those before which a day is missing in the record; none without a record."""
    if weather is None:
        return np.zeros(len(days), bool), np.zeros(len(days), bool)
    return looks_after_rain(days, weather.days, weather.precipitation, rain=weather.rain, rain_days=weather.rain_days)


def _shifted(work: Callable[[int, int], Block], by: int, first: int, past: int) -> Block:
    return work(by + first, by + past)


def _indices(
    table: MarkerTable, rows: slice, start: datetime.date, end: datetime.date, with_bsi: bool, darkening: float
) -> tuple[NDArray[np.datetime64], Floats, Floats, Floats, Floats]:
    """Days on which both NDVI and NBR2 were observed; those two, BSI (NaN where unknown) and clear pixels.

    NBR2 is brought to the brightness of moist soil where the table holds B11.
    """

    def band(name: str) -> Observed:
        looks = table.looks("L2A", band=name, start=start, end=end, rows=rows, with_stdev=False)
        return Observed(looks.days, looks.mean, looks.pixels)

    def index(type: str, high: str, low: str) -> Observed:
        # A table of Sen4CAP's own has band means and no NBR2: the index of the means stands in for it.
        bands = {marker.band for marker in table.markers if marker.type == "L2A"}
        if type in table.types() or not {high, low} <= bands:
            looks = table.looks(type, start=start, end=end, rows=rows, with_stdev=False)
            return Observed(looks.days, looks.mean, looks.pixels)
        a, b = _together(band(high), band(low))
        with np.errstate(invalid="ignore", divide="ignore"):
            return Observed(a.days, (a.mean - b.mean) / (a.mean + b.mean), np.minimum(a.pixels, b.pixels))

    ndvi, nbr2 = _together(index("NDVI", "B08", "B04"), index("NBR2", "B11", "B12"))
    level = nbr2.mean
    if darkening and _holds_b11(table):
        level = level_nbr2(level, _on_days(band("B11"), nbr2.days), darkening=darkening)
    bsi: Floats = np.broadcast_to(np.float32(np.nan), ndvi.mean.shape)
    if with_bsi:
        bsi = bsi.copy()
        known = _together(*(band(name) for name in BSI_BANDS))
        b02, b04, b08, b11 = (observed.mean for observed in known)
        with np.errstate(invalid="ignore", divide="ignore"):
            values = ((b11 + b04) - (b08 + b02)) / (b11 + b04 + b08 + b02)
        _, at, found = np.intersect1d(ndvi.days, known[0].days, assume_unique=True, return_indices=True)
        bsi[:, at] = values[:, found]
    return ndvi.days, ndvi.mean, level, bsi, np.minimum(ndvi.pixels, nbr2.pixels)


def _holds_b11(table: MarkerTable) -> bool:
    return any((marker.type, marker.band, marker.stat) == ("L2A", "B11", "mean") for marker in table.markers)


def _on_days(observed: Observed, days: NDArray[np.datetime64]) -> Floats:
    """Means on given days; NaN on days on which the quantity was not observed."""
    if np.array_equal(observed.days, days):
        return observed.mean
    values = np.full((len(observed.mean), len(days)), np.nan, np.float32)
    _, there, here = np.intersect1d(observed.days, days, assume_unique=True, return_indices=True)
    values[:, here] = observed.mean[:, there]
    return values


def _together(*observed: Observed) -> list[Observed]:
    """Keep the days that all have."""
    if all(np.array_equal(observed[0].days, other.days) for other in observed[1:]):
        return list(observed)
    days = observed[0].days
    for other in observed[1:]:
        days = np.intersect1d(days, other.days, assume_unique=True)
    picked = [(one, np.searchsorted(one.days, days)) for one in observed]
    return [Observed(days, one.mean[:, at], one.pixels[:, at]) for one, at in picked]


def _details_of(block: Block, first: np.datetime64) -> dict[str, pa.Array]:
    """Details of a block, a column each."""
    found = block.found
    count = np.bincount(found.far_parcel, minlength=len(block.ids))
    far_days = np.bincount(found.far_parcel, weights=found.far_end - found.far_start, minlength=len(block.ids))
    offsets = pa.array(np.concatenate([[0], np.cumsum(count)]), pa.int32())
    stretches = [pa.array(first + edge, pa.date32()) for edge in (found.far_start, found.far_end)]
    reason = np.where(found.looks > 0, "", NEVER_SEEN)
    return {
        "NewID": pa.array(block.ids, pa.int32()),
        "looks": pa.array(found.looks),
        "looks_poor": pa.array(block.poor),
        "looks_after_rain": pa.array(block.after_rain),
        "looks_left_out": pa.array(block.left_out),
        "looks_without_weather": pa.array(block.without_weather),
        "looks_overruled": pa.array(found.overruled),
        "largest_gap": pa.array(found.largest_gap),
        "bare_days": pa.array(found.bare_days, mask=found.bare_days < 0),
        "days_far": pa.array(far_days.astype(np.int32)),
        "far_start": pa.ListArray.from_arrays(offsets, stretches[0]),
        "far_end": pa.ListArray.from_arrays(offsets, stretches[1]),
        "nbr2_limit": pa.array(block.limits.astype(np.float64).round(4)),
        "reason": pa.array(reason, pa.string()),
    }


def _joined(details: list[dict[str, pa.Array]]) -> dict[str, pa.ChunkedArray]:
    return {name: pa.chunked_array([part[name] for part in details]) for name in details[0]}


def _account(details: dict[str, pa.ChunkedArray]) -> None:
    """Say of how many parcels nothing is known, and why."""
    without = details["NewID"].to_numpy()[details["looks"].to_numpy() == 0]
    if len(without):
        more = f" and {len(without) - 10} more" if len(without) > 10 else ""
        say(f"{len(without)} parcels without an interval, {NEVER_SEEN}: {', '.join(map(str, without[:10]))}{more}")
    left_out = int(details["looks_left_out"].to_numpy().sum())
    if left_out:
        say(f"{left_out} looks left out, they follow rain or show little of their parcel, and a better one is near")
    unsure = int((details["looks_without_weather"].to_numpy() > 0).sum())
    if unsure:
        say(f"{unsure} parcels have looks that the weather record does not cover; days without a record count as dry")
