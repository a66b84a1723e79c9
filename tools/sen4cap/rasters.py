"""Rasters of STAC items: opening and reading them, with messages that name the file and the item."""

from __future__ import annotations

from typing import Any

import numpy as np
import pystac
import rasterio
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from .errors import BadInput, RemoteFailure, Sen4capError
from .remote import is_remote

BLOCK = 1024
"""Rows and columns that are read at a time, the tile size of Sentinel-2 archives."""


def open_raster(path: str, *, item: pystac.Item) -> DatasetReader:
    """Open one file of an item.

    Raises
    ------
    BadInput, RemoteFailure
        It cannot be opened.
    """
    try:
        return rasterio.open(path)
    except rasterio.errors.RasterioError as error:
        raise _unreadable(path, item, error) from error


def read_window(
    raster: DatasetReader, window: Window, *, item: pystac.Item, out: NDArray[Any] | None = None
) -> NDArray[Any]:
    """First band of a window, (row, column), in the raster's own type, or into `out`.

    Raises
    ------
    BadInput, RemoteFailure
        The file is truncated or damaged.
    """
    try:
        values: NDArray[Any] = raster.read(1, window=window, out=out)
    except rasterio.errors.RasterioError as error:
        raise _unreadable(raster.name, item, error) from error
    return values


def block_shape(raster: DatasetReader) -> tuple[int, int]:
    """Rows and columns to read at a time: squares, but whole rows of files that are stored in rows."""
    return (BLOCK // 2, raster.width) if raster.block_shapes[0][1] > 2 * BLOCK else (BLOCK, BLOCK)


def nodata_of(raster: DatasetReader, default: float) -> float:
    """Number that means no data in the first band; the default where the file does not say."""
    nodata = raster.nodatavals[0]
    return float(default if nodata is None else nodata)


def _unreadable(path: str, item: pystac.Item, error: Exception) -> Sen4capError:
    # rasterio says "see previous exception": GDAL's own words are in the cause.
    reason = str(error.__cause__ or error)
    if is_remote(path):
        return RemoteFailure(path, f"cannot be read ({reason}), for item {item.id}")
    return BadInput(path, f"is missing, truncated or no raster ({reason}), for item {item.id}", do="fetch it again")


def is_nodata(values: NDArray[Any], nodata: float) -> NDArray[np.bool_]:
    """Pixels that hold the nodata number or NaN."""
    if values.dtype.kind == "f":
        return np.isnan(values) | (values == values.dtype.type(nodata))
    found: NDArray[np.bool_] = values == nodata
    return found
