"""One raster's pixels over the area, and the small cloud-optimised GeoTIFF made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, MemoryFile
from rasterio.windows import Window

from ..errors import BadInput
from ..grid import Grid
from ..remote import gdal_failure, gdal_path
from .area import Area, is_geographic
from .kernel import all_nodata

SNAP_M = 60.0
"""Windows start and end at multiples of the coarsest pixel of Sentinel-2, so that all bands cover the same ground."""

TILE = 256
BYTES_PER_PIXEL_BYTE = 4
"""Memory that a clip takes at its peak, in multiples of its pixels: the pixels, GDAL's copy, the file, its bytes."""


@dataclass(frozen=True, eq=False)
class Clip:
    """Pixels of a raster over the area.

    Attributes
    ----------
    pixels : (band, row, column)
    grid : Grid
    nodata : float or None
    scales, offsets, descriptions, units
        One for every band, as in the source.
    tags : dict
        Of the source.
    """

    pixels: NDArray[Any]
    grid: Grid
    nodata: float | None
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    descriptions: tuple[str | None, ...]
    units: tuple[str | None, ...]
    tags: dict[str, str]

    @property
    def empty(self) -> bool:
        """Whether no pixel holds data."""
        return all_nodata(self.pixels, nodata=self.nodata)


def read_clip(
    path: str,
    area: Area,
    *,
    nodata: float | None,
    where: str,
    claim: Callable[[int], None],
) -> Clip | None:
    """Read what lies over the area; None where the raster lies elsewhere.

    Parameters
    ----------
    path
        As GDAL opens it.
    nodata
        For a raster that does not tell its own.
    where
        Item and asset, for messages.
    claim
        Called with the bytes of memory this clip takes, before they are taken; may wait.

    Raises
    ------
    PassingFailure, FinalFailure
        A remote raster could not be read.
    BadInput
        A local raster is missing or damaged; the raster is on no map grid.
    """
    try:
        with rasterio.open(gdal_path(path)) as raster:
            grid = _grid(raster, where)
            window = _window(grid, area)
            if window is None:
                return None
            size = int(window.width) * int(window.height) * sum(np.dtype(kind).itemsize for kind in raster.dtypes)
            claim(BYTES_PER_PIXEL_BYTE * size)
            return _read(raster, grid, window, nodata)
    except RasterioError as error:
        raise gdal_failure(error, path, where=where) from error


def _grid(raster: DatasetReader, where: str) -> Grid:
    if raster.crs is None and raster.gcps[0]:
        raise BadInput(
            where,
            "is in radar geometry (ground control points), on no map grid",
            do="fetch a terrain-corrected collection, such as sentinel-1-rtc",
        )
    if raster.crs is None:
        raise BadInput(where, "has no coordinate reference system")
    return Grid.of(raster)


def _window(grid: Grid, area: Area) -> Window | None:
    bounds = area.clip(grid)
    if bounds is None:
        return None
    return grid.window_of(bounds, snap=6 * grid.resolution if is_geographic(grid.crs) else SNAP_M)


def _read(raster: DatasetReader, grid: Grid, window: Window, nodata: float | None) -> Clip:
    pixels = raster.read(window=window)
    shape = (int(window.height), int(window.width))
    if pixels.shape != (raster.count, *shape):
        raise RasterioError(f"read {pixels.shape} where {(raster.count, *shape)} was asked for")
    return Clip(
        pixels=pixels,
        grid=Grid(grid.crs, grid.transform @ Affine.translation(window.col_off, window.row_off), shape),
        nodata=raster.nodata if raster.nodata is not None else nodata,
        scales=raster.scales,
        offsets=raster.offsets,
        descriptions=raster.descriptions,
        units=raster.units,
        tags={key: value for key, value in raster.tags().items() if key == "AREA_OR_POINT"},
    )


def cog_bytes(clip: Clip) -> bytes:
    """Return a tiled, compressed, cloud-optimised GeoTIFF of a clip: same numbers, same type, same nodata."""
    count, rows, columns = clip.pixels.shape
    with MemoryFile() as memory:
        with memory.open(
            driver="COG",
            count=count,
            height=rows,
            width=columns,
            dtype=clip.pixels.dtype,
            crs=clip.grid.crs,
            transform=clip.grid.transform,
            nodata=clip.nodata,
            blocksize=TILE,
            compress="DEFLATE",
            predictor="YES",
            # Overviews of classes must stay classes.
            overview_resampling="NEAREST",
        ) as raster:
            raster.write(clip.pixels)
            raster.scales = clip.scales
            raster.offsets = clip.offsets
            raster.update_tags(**clip.tags)
            for band in range(count):
                if clip.descriptions[band]:
                    raster.set_band_description(band + 1, clip.descriptions[band])
                if clip.units[band]:
                    raster.set_band_unit(band + 1, clip.units[band])
        return bytes(memory.read())
