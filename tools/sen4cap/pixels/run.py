"""Maps of emergence and termination: a catalogue in, COGs with their STAC item out."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pystac
from numpy.typing import NDArray
from rasterio.windows import Window

from .. import l3b
from ..cog import Cog
from ..compiled import in_order, over_blocks
from ..errors import BadInput
from ..grid import Grid, project_bounds
from ..lai.product import CLASSIFICATION
from ..outputs import whole_file, whole_folder
from ..parcel_shapes import ParcelShapes
from ..parcels import read_parcels, report_problems
from ..progress import say, track
from ..rasters import BLOCK
from ..scene import reading
from ..season.kernel import REASONS
from ..season.looks import Calendar
from ..seasons import Season
from ..stac import COG, PROCESSING, PROJECTION, RASTER, SOFTWARE, open_items, source_of, tile_of, write_items
from .images import Image, Settings, check_grids, image_of, without_twins
from .kernel import NODATA_DAY, NODATA_SPREAD, OUTSIDE, season_days

CHUNK = 8192
"""Pixels worked on at a time by each thread."""
LEAST_FRACTION = 0.5
"""A pixel is a parcel's where the parcel covers at least this share of it."""


@dataclass(frozen=True)
class Layer:
    """One raster of the result: its asset key, file type, nodata and what it tells."""

    key: str
    dtype: str
    nodata: int
    title: str


LAYERS = (
    Layer("EMERGENCE", "int16", int(NODATA_DAY), "Emergence, day of the autumn's year (1 = 1 January, runs past 365)"),
    Layer("TERMINATION", "int16", int(NODATA_DAY), "Termination, day of the autumn's year, runs past 365"),
    Layer("EMERGENCE_UNCERTAINTY", "uint8", int(NODATA_SPREAD), "Uncertainty of emergence, days"),
    Layer("TERMINATION_UNCERTAINTY", "uint8", int(NODATA_SPREAD), "Uncertainty of termination, days"),
    Layer("EMERGENCE_REASON", "uint8", int(OUTSIDE), "Why there is no emergence"),
    Layer("TERMINATION_REASON", "uint8", int(OUTSIDE), "Why there is no termination"),
)


@dataclass(frozen=True)
class Span:
    """The season and the days that are looked at.

    Attributes
    ----------
    start, end : date
        First and last day of the looks.
    season : Season
    latest_emergence : str
        MM-DD; growth that begins later is the next main crop's.
    """

    start: datetime.date
    end: datetime.date
    season: Season
    latest_emergence: str

    def calendar(self) -> Calendar:
        """The season as indices of the days from `start` on."""
        return Calendar.of(self.season, self.start, latest_emergence=self.latest_emergence)

    @property
    def origin(self) -> int:
        """Day of the autumn's year that `start` is."""
        return (self.start - datetime.date(self.season.year, 1, 1)).days + 1


def pixels(
    items: Path,
    *,
    parcels: Path | None,
    id_field: str,
    span: Span,
    settings: Settings,
    threads: int,
    output: Path,
) -> None:
    """Write maps of the season of every pixel.

    Memory holds one block of 1024 x 1024 pixels with all its dates.

    Parameters
    ----------
    items
        Folder of a STAC catalogue: L3B products or L2A scenes of one tile.
    parcels
        Only pixels of these parcels; None: all.
    output
        Folder to write: a STAC catalogue of one item.

    Raises
    ------
    BadInput
        There is no image in the span, or the images lie on several grids.
    """
    images = _images(items, span)
    with reading():
        grid = check_grids(images, list(in_order(Image.grid, images, threads=threads)))
        wanted = _mask(parcels, id_field, grid, threads)
        with whole_folder(output) as folder:
            item = _item(images, grid, span, settings)
            _write(folder / item.id, images, grid, wanted, span, settings, threads)
            write_items(folder, [item], id="pixels", description=f"Season {span.season.year}, pixel by pixel")


def _images(items: Path, span: Span) -> list[Image]:
    found = open_items(items, start=span.start, end=span.end)
    images = without_twins([image for image in map(image_of, found) if image])
    if not images:
        raise BadInput(
            items,
            f"holds no L3B product with LAI and FCOVER and no Sentinel-2 scene from {span.start} to {span.end}",
            do="check --start and --end",
        )
    say(f"{len(images)} images from {images[0].day} to {images[-1].day}")
    return images


def _mask(parcels: Path | None, id_field: str, grid: Grid, threads: int) -> NDArray[np.bool_] | None:
    """Pixels that parcels cover, (row, column); None: all."""
    if parcels is None:
        return None
    found = read_parcels(parcels, id_field=id_field, fields=())
    report_problems(found)
    wanted = np.zeros(grid.shape, bool)
    if len(found.frame):
        shapes = ParcelShapes(found.frame.geometry, threads=threads)
        for block in shapes.on(grid, buffer=0.0, height=BLOCK, width=BLOCK)[0]:
            rows, columns = np.divmod(block.pixel[block.fraction >= LEAST_FRACTION], block.window.width)
            wanted[block.window.row_off + rows, block.window.col_off + columns] = True
    if not wanted.any():
        raise BadInput(parcels, "none of its parcels lies on the images", do="check the area that was fetched")
    return wanted


def _write(
    place: Path,
    images: Sequence[Image],
    grid: Grid,
    wanted: NDArray[np.bool_] | None,
    span: Span,
    settings: Settings,
    threads: int,
) -> None:
    place.mkdir()
    windows = grid.windows(BLOCK, BLOCK)
    with contextlib.ExitStack() as stack:
        cogs = []
        for layer in LAYERS:
            scratch = stack.enter_context(whole_file(place / f"{layer.key}.tif"))
            cog = Cog(
                scratch,
                grid,
                dtype=layer.dtype,
                nodata=layer.nodata,
                mean=False,
                scale=None,
                description=layer.title,
                metadata={"SEASON": str(span.season.year)},
            )
            stack.callback(cog.discard)
            cogs.append(cog)
        for window in track(windows, "blocks"):
            part = None if wanted is None else wanted[window.toslices()]
            rasters = _block(images, window, part, span, settings, threads)
            for cog, raster in zip(cogs, rasters, strict=True):
                cog.add(cog.encode(raster, row=int(window.row_off), column=int(window.col_off)))
        for cog in cogs:
            cog.finish()


def _block(
    images: Sequence[Image],
    window: Window,
    wanted: NDArray[np.bool_] | None,
    span: Span,
    settings: Settings,
    threads: int,
) -> list[NDArray[Any]]:
    """Rasters of every layer of a block, in the order of `LAYERS`."""
    shape = (int(window.height), int(window.width))
    rasters = [np.full(shape, layer.nodata, layer.dtype) for layer in LAYERS]
    where = np.flatnonzero(np.ones(shape, bool) if wanted is None else wanted)
    if not len(where):
        return rasters
    days = sorted({image.day for image in images})
    codes = np.full((2, len(days), len(where)), l3b.NODATA, np.int16)

    def read(image: Image) -> tuple[int, NDArray[np.int16]]:
        with reading():
            return days.index(image.day), image.read(window, settings).reshape(2, -1)[:, where]

    for number, seen in in_order(read, images, threads=threads):
        # A day cut in two by the archive comes as two images: one fills what the other lacks.
        empty = codes[:, number] == l3b.NODATA
        codes[:, number][empty] = seen[empty]
    at = np.array([(day - span.start).days for day in days], np.int64)

    def work(low: int, past: int) -> None:
        day, spread, reason = season_days(
            codes[0, :, low:past],
            codes[1, :, low:past],
            at,
            start=np.datetime64(span.start, "D"),
            days=(span.end - span.start).days + 1,
            calendar=span.calendar(),
            origin=span.origin,
        )
        for raster, values in zip(rasters, [*day, *spread, *reason], strict=True):
            raster.reshape(-1)[where[low:past]] = values

    over_blocks(work, len(where), block=CHUNK, threads=threads)
    return rasters


def _item(images: Sequence[Image], grid: Grid, span: Span, settings: Settings) -> pystac.Item:
    tile = tile_of(images[0].item)
    west, south, east, north = project_bounds(grid.bounds, grid.crs, "EPSG:4326")
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    moment = datetime.datetime.combine(span.season.end, datetime.time(), datetime.UTC)
    item = pystac.Item(
        id="_".join(part for part in ("WCC_PIXELS", str(span.season.year), tile and f"T{tile}") if part),
        geometry={"type": "Polygon", "coordinates": [ring]},
        bbox=[west, south, east, north],
        datetime=moment,
        start_datetime=datetime.datetime.combine(span.season.start, datetime.time(), datetime.UTC),
        end_datetime=moment,
        properties={
            "gsd": 10,
            "proj:code": grid.crs,
            "processing:software": SOFTWARE,
            "sen4cap:season": span.season.year,
            **({} if images[0].is_product else {"sen4cap:network": settings.network}),
        },
        stac_extensions=[CLASSIFICATION, PROCESSING, PROJECTION, RASTER],
    )
    for layer in LAYERS:
        item.add_asset(layer.key, _asset(layer, grid))
    for image in images:
        item.add_link(pystac.Link("derived_from", source_of(image.item), media_type="application/geo+json"))
    return item


def _asset(layer: Layer, grid: Grid) -> pystac.Asset:
    fields: dict[str, Any] = {
        "proj:shape": list(grid.shape),
        "proj:transform": list(grid.transform)[:6],
        "raster:bands": [{"data_type": layer.dtype, "nodata": layer.nodata, "spatial_resolution": 10}],
    }
    if layer.key.endswith("REASON"):
        fields["classification:classes"] = [
            {"value": code, "name": (text or "dated").replace(" ", "_"), "description": text or "there is a date"}
            for code, text in enumerate(REASONS)
        ]
    return pystac.Asset(
        f"./{layer.key}.tif",
        title=layer.title,
        media_type=COG,
        roles=["data"] if layer.dtype == "int16" else ["metadata"],
        extra_fields=fields,
    )
