"""One raster's pixels over the area, and the small cloud-optimised GeoTIFF made of them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rasterio
import rasterio.shutil
from affine import Affine
from numpy.typing import NDArray
from rasterio.dtypes import dtype_rev
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.session import DummySession
from rasterio.windows import Window

from ..errors import BadInput
from ..grid import Grid
from ..outputs import FULL_BELOW_BYTES, disk_full_told
from ..rasters import BLOCK
from ..remote import gdal_failure, gdal_path
from .area import Area, is_geographic
from .kernel import all_nodata

SNAP_M = 60.0
"""Windows start and end at multiples of the coarsest pixel of Sentinel-2, so that all bands cover the same ground."""

TILE = 256

Room = Callable[[tuple[int, ...], str], NDArray[Any]]
"""Gives an array of this shape and type; may wait for it."""


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
        """Whether no pixel holds data; looked at some rows at a time."""
        rows = range(0, self.pixels.shape[1], BLOCK)
        return all(all_nodata(self.pixels[:, top : top + BLOCK], nodata=self.nodata) for top in rows)


def read_clip(
    path: str,
    area: Area,
    *,
    nodata: float | None,
    where: str,
    room: Room,
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
    room
        Called once with the shape (band, row, column) and type of the pixels; GDAL reads into what it gives.

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
            return _read(raster, grid, window, nodata, room)
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


def _read(raster: DatasetReader, grid: Grid, window: Window, nodata: float | None, room: Room) -> Clip:
    shape = (int(window.height), int(window.width))
    pixels = room((raster.count, *shape), raster.dtypes[0])
    raster.read(window=window, out=pixels)
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


def write_cog(clip: Clip, path: Path) -> None:
    """Write a clip as tiled, compressed, cloud-optimised GeoTIFF: same numbers, same type, same nodata."""
    # A disk that was full has room again when GDAL fails: it removes the file and the overviews it made beside it.
    with disk_full_told(path, below=max(FULL_BELOW_BYTES, 2 * clip.pixels.nbytes)):
        with _dataset(clip) as raster:
            rasterio.shutil.copy(
                raster,
                path,
                driver="COG",
                blocksize=TILE,
                compress="DEFLATE",
                predictor="YES",
                # Overviews of classes must stay classes.
                overview_resampling="NEAREST",
            )
        _check_end(path)


def _check_end(path: Path) -> None:
    """Refuse a file without its end: of the last bytes that it cannot write GDAL says nothing."""
    with path.open("rb") as stream:
        stream.seek(-8, os.SEEK_END)
        end = stream.read()
    if end[:4] != end[4:]:  # the last tile stands at the end, and GDAL repeats the last four bytes of every tile
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))


@contextmanager
def _dataset(clip: Clip) -> Iterator[DatasetWriter]:
    """A clip as GDAL's dataset, which takes the pixels from where they lie."""
    count, rows, columns = clip.pixels.shape
    name = ",".join(
        (
            f"MEM:::DATAPOINTER={clip.pixels.ctypes.data}",
            f"BANDS={count}",
            f"LINES={rows}",
            f"PIXELS={columns}",
            f"DATATYPE={dtype_rev[clip.pixels.dtype.name]}",
            f"GEOTRANSFORM={'/'.join(map(repr, clip.grid.transform.to_gdal()))}",
        )
    )
    # GDAL opens such names only where it is told to, lest a reference in a catalogue reads what lies in memory.
    with (
        rasterio.Env(session=DummySession(), GDAL_MEM_ENABLE_OPEN="YES"),
        rasterio.open(name, "r+", driver="MEM") as raster,
    ):
        raster.crs = clip.grid.crs
        raster.nodata = clip.nodata
        raster.scales = clip.scales
        raster.offsets = clip.offsets
        raster.update_tags(**clip.tags)
        for band in range(count):
            if clip.descriptions[band]:
                raster.set_band_description(band + 1, clip.descriptions[band])
            if clip.units[band]:
                raster.set_band_unit(band + 1, clip.units[band])
        yield raster
