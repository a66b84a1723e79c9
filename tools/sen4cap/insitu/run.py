"""In-situ data from rasters of secondary crop emergence: rasters and parcels in, a CSV out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window

from ..errors import BadInput
from ..grid import Grid
from ..parcel_shapes import ParcelShapes
from ..parcels import Parcels, read_parcels, report_problems
from ..progress import say, track
from ..seasons import Season
from ..tables import write_csv, write_details
from .kernel import MEANINGS, NWCC, WCC, coded_days, median_days, parcel_labels, pixel_labels, tally

WINDOW = 1024
PARCELS = 25_000
"""Parcels whose pixels are held at a time; rasters are read anew for the next ones."""
EARLIEST = "07-01"
LABELS = {1: "WCC", 2: "NWCC"}


@dataclass
class Tally:
    """What the rasters say of each parcel.

    Attributes
    ----------
    counts : (parcel, meaning) int32
        Pixels by `kernel.MEANINGS`.
    emergence : (parcel,) float64
        Median day of emergence since 1970-01-01, from the raster with most such pixels; NaN where there is none.
    weight : (parcel,) int64
        Pixels behind `emergence`.
    vanished : (parcel,) bool
        The buffer leaves nothing of the parcel.
    autumns : (year,) int64
        Pixels with an emergence after June, by year since 2000.
    """

    counts: NDArray[np.int32]
    emergence: NDArray[np.float64]
    weight: NDArray[np.int64]
    vanished: NDArray[np.bool_]
    autumns: NDArray[np.int64]

    def of(self, parcels: slice) -> Tally:
        """The same of some parcels: what is counted there is counted here."""
        return Tally(
            self.counts[parcels], self.emergence[parcels], self.weight[parcels], self.vanished[parcels], self.autumns
        )


def insitu(
    sce: Sequence[Path],
    parcels: Path,
    *,
    id_field: str,
    season: int,
    main_harvest: Sequence[Path],
    buffer: float,
    least_pixels: int,
    purity: float,
    threads: int,
    output: Path,
) -> None:
    """Write the in-situ CSV of a season, and what became of every parcel beside it."""
    fields = read_parcels(parcels, id_field=id_field, fields=())
    report_problems(fields)
    grids = [_grid_of(path) for path in sce]
    partners = _partners(sce, grids, main_harvest)
    found = _new_tally(len(fields.ids))
    for low in range(0, len(fields.ids), PARCELS):
        part = slice(low, low + PARCELS)
        shapes = ParcelShapes(fields.frame.geometry.iloc[part], threads=threads)
        for path, grid, partner in zip(sce, grids, partners, strict=True):
            _add_raster(found.of(part), path, grid, partner, shapes, season=season, buffer=buffer)
    _check_season(sce, found, season)
    label, share, reason = parcel_labels(found.counts, least_pixels=least_pixels, purity=purity)
    reason[found.vanished & (found.counts.sum(axis=1) == 0)] = f"nothing is left inside a buffer of {buffer:g} m"
    _write(output, fields, found, label, share, reason)
    _summary(output, fields, label, reason)


def _grid_of(path: Path) -> Grid:
    with _open(path) as raster:
        if raster.dtypes[0] != "uint16":
            raise BadInput(
                path,
                f"holds {raster.dtypes[0]}, and the layer is uint16 (YYDOY and codes)",
                do="give CPSCE and CPMCH of the HRL croplands product as they are",
            )
        return Grid.of(raster)


@contextlib.contextmanager
def _open(path: Path) -> Iterator[rasterio.DatasetReader]:
    try:
        with rasterio.open(path) as raster:
            yield raster
    except RasterioError as error:
        raise BadInput(path, f"cannot be read as a raster ({error})") from error


def _partners(sce: Sequence[Path], grids: Sequence[Grid], main_harvest: Sequence[Path]) -> list[Path | None]:
    """Find the main harvest raster on the grid of each emergence raster."""
    by_grid = {_grid_of(path): path for path in main_harvest}
    if main_harvest:
        for path, grid in zip(sce, grids, strict=True):
            if grid not in by_grid:
                names = ", ".join(map(str, main_harvest))
                raise BadInput(
                    path, f"has no --main-harvest on its grid, only {names}", do="give the same tiles of both"
                )
    return [by_grid.get(grid) for grid in grids]


def _new_tally(count: int) -> Tally:
    return Tally(
        np.zeros((count, len(MEANINGS)), np.int32),
        np.full(count, np.nan),
        np.zeros(count, np.int64),
        np.zeros(count, bool),
        np.zeros(100, np.int64),
    )


def _add_raster(
    found: Tally, path: Path, grid: Grid, partner: Path | None, shapes: ParcelShapes, *, season: int, buffer: float
) -> None:
    """Count the pixels of one raster, window by window."""
    span = {"earliest": Season(season, EARLIEST).start, "latest": Season(season, EARLIEST).end}
    blocks, vanished = shapes.on(grid, buffer=buffer, height=WINDOW, width=WINDOW)
    found.vanished[vanished] = True
    parcels, days = [], []
    with contextlib.ExitStack() as stack:
        raster = stack.enter_context(_open(path))
        other = stack.enter_context(_open(partner)) if partner else None
        for block in track(blocks, path.name):
            emergence = _read(raster, block.window, path)
            harvest = _read(other, block.window, partner) if other and partner else None
            labels = pixel_labels(emergence, harvest, **span)
            day = coded_days(emergence)
            some = tally(labels, day, block.parcels, block.first, block.pixel, block.fraction, found.counts)
            parcels.append(some[0])
            days.append(some[1])
            found.autumns += _autumns(emergence[np.unique(block.pixel)])
    own, day = np.concatenate([np.empty(0, np.int32), *parcels]), np.concatenate([np.empty(0, np.int32), *days])
    weight = np.bincount(own, minlength=len(found.weight))
    better = weight > found.weight
    found.emergence[better] = median_days(own, day, len(weight))[better]
    found.weight[better] = weight[better]


def _read(raster: rasterio.DatasetReader, window: Window, path: Path) -> NDArray[np.uint16]:
    try:
        values: NDArray[np.uint16] = raster.read(1, window=window).reshape(-1)
    except RasterioError as error:
        raise BadInput(path, f"is damaged ({error})", do="fetch it again") from error
    return values


def _autumns(emergence: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Pixels with an emergence after June by year: they tell which year's product it is."""
    dated = (coded_days(emergence) >= 0) & (emergence % 1000 > 181)
    return np.bincount(emergence[dated] // 1000, minlength=100)


def _check_season(sce: Sequence[Path], found: Tally, season: int) -> None:
    """Refuse a product of another year: its codes for no secondary season would become wrong labels."""
    where = ", ".join(map(str, sce))
    do = f"give the CPSCE of {season}, or the parcels it covers"
    if found.autumns.any():
        year = 2000 + int(found.autumns.argmax())
        if year != season:
            raise BadInput(where, f"is a product of {year}, not of season {season}", do=do)
    if not found.counts.any():
        raise BadInput(where, "covers none of the parcels", do=do)
    if not found.counts[:, [WCC, NWCC]].any():
        most = MEANINGS[int(found.counts.sum(axis=0).argmax())]
        raise BadInput(where, f"holds no label of season {season} inside the parcels, mostly {most}", do=do)


def _write(
    output: Path,
    fields: Parcels,
    found: Tally,
    label: NDArray[np.int64],
    share: NDArray[np.float64],
    reason: NDArray[np.object_],
) -> None:
    pixels = found.counts.sum(axis=1)
    emergence = np.full(len(label), "NaT", "datetime64[D]")
    dated = (label == 1) & np.isfinite(found.emergence)
    emergence[dated] = np.floor(found.emergence[dated]).astype("datetime64[D]")
    share = np.round(share, 3)
    has = label > 0
    records = fields.records()
    used = records["used"].to_numpy()
    said = records["reason"].to_numpy(dtype=object)
    said[used] = np.where(reason != "", reason, said[used])

    def of_records(values: NDArray, kind: str) -> pd.Series:
        column = pd.Series(pd.NA, index=records.index, dtype=kind)
        column[used] = pd.array(values, dtype=kind)
        return column

    dates = np.full(len(records), "NaT", "datetime64[D]")
    dates[used] = emergence
    write_details(
        output,
        {
            "NewID": records["NewID"],
            "record": records["record"].to_numpy(),
            "label": of_records(label, "Int32").where(lambda column: column > 0),
            "pixels": of_records(pixels, "Int32"),
            "purity": of_records(share, "Float64"),
            "emergence": dates,
            "wcc_pixels": of_records(found.counts[:, WCC], "Int32"),
            "nwcc_pixels": of_records(found.counts[:, NWCC], "Int32"),
            "reason": said,
        },
    )
    write_csv(
        output,
        {
            "NewID": fields.ids[has],
            "class": label[has],
            "pixels": pixels[has],
            "purity": share[has],
            "emergence": emergence[has],
        },
    )


def _summary(output: Path, fields: Parcels, label: NDArray[np.int64], reason: NDArray[np.object_]) -> None:
    """Say how many parcels got which label, and why the others got none."""
    counts = {code: int((label == code).sum()) for code in LABELS}
    say(
        f"insitu: {counts[1]} WCC, {counts[2]} NWCC, {int((label == 0).sum())} of {len(fields.ids)} parcels without a"
        " label"
    )
    for text, count in pd.Series(reason[label == 0]).value_counts().items():
        say(f"  {count} {text}")
    for code, name in LABELS.items():
        if not counts[code]:
            say(f"{output}: holds no {name} parcel, so no forest can be trained on it alone")
