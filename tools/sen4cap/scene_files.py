"""The files of a Sentinel-2 scene on one grid: bands of 10 m and 20 m, wherever their first pixels lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from affine import Affine
from rasterio.io import DatasetReader

from .errors import BadInput
from .grid import Grid
from .rasters import BLOCK

FINE_M, COARSE_M = 10, 20


@dataclass(frozen=True)
class BandFile:
    """One band's file and where its first pixel lies in the scene's grid, counted in the file's own pixels.

    `wide` says that it is stored in whole rows, `tile` how wide its tiles are otherwise, in pixels of 10 m.
    """

    path: str
    size: int
    row: int
    column: int
    shape: tuple[int, int]
    nodata: float | None
    wide: bool
    tile: int


def band_files(opened: Mapping[str, DatasetReader]) -> tuple[Grid, dict[str, BandFile]]:
    """Make the 10 m grid that the ground of all bands is on, and find where each file lies in it.

    Parameters
    ----------
    opened
        By band (and `SCL`). The grid is widened to whole 20 m pixels.

    Raises
    ------
    BadInput
        Pixels are neither of 10 m nor of 20 m, or the files have several CRS, pixels that are shifted by parts of one,
        or no ground in common.
    """
    grids = {name: Grid.of(raster) for name, raster in opened.items()}
    first = next(iter(opened))
    sizes = {}
    for name, grid in grids.items():
        size = round(grid.resolution)
        if size not in (FINE_M, COARSE_M) or abs(grid.resolution - size) > 1e-6 or -grid.transform.e != grid.resolution:
            raise BadInput(opened[name].name, f"has pixels of {grid.resolution:g} units; 10 m or 20 m are needed")
        if grid.crs != grids[first].crs:
            raise BadInput(opened[name].name, f"is in {grid.crs}, but {opened[first].name} in {grids[first].crs}")
        sizes[name] = size
    # The corner that 20 m pixels are counted from: that of a 20 m file, or any where there is none.
    anchor = next((name for name in opened if sizes[name] == COARSE_M), first)
    x0, y0 = grids[anchor].transform.c, grids[anchor].transform.f
    for name, grid in grids.items():
        shift = (grid.transform.c - x0) / sizes[name], (y0 - grid.transform.f) / sizes[name]
        if any(abs(part - round(part)) > 1e-3 for part in shift):
            raise BadInput(
                opened[name].name, f"does not lie on the pixels of {opened[anchor].name} (shifted by {shift} pixels)"
            )
    west = max(np.floor(round((grid.bounds[0] - x0) / FINE_M) / 2) for grid in grids.values())
    north = max(np.floor(round((y0 - grid.bounds[3]) / FINE_M) / 2) for grid in grids.values())
    east = min(np.ceil(round((grid.bounds[2] - x0) / FINE_M) / 2) for grid in grids.values())
    south = min(np.ceil(round((y0 - grid.bounds[1]) / FINE_M) / 2) for grid in grids.values())
    if east <= west or south <= north:
        raise BadInput(opened[first].name, "shares no ground with the other bands of its item")
    x, y = x0 + COARSE_M * west, y0 - COARSE_M * north
    whole = Grid(
        grids[first].crs,
        Affine(FINE_M, 0, float(x), 0, -FINE_M, float(y)),
        (2 * int(south - north), 2 * int(east - west)),
    )
    rasters = {
        name: BandFile(
            opened[name].name,
            sizes[name],
            row=round((grid.transform.f - y) / sizes[name]),
            column=round((x - grid.transform.c) / sizes[name]),
            shape=grid.shape,
            nodata=opened[name].nodata,
            wide=opened[name].block_shapes[0][1] > 2 * BLOCK,
            tile=opened[name].block_shapes[0][1] * sizes[name] // FINE_M,
        )
        for name, grid in grids.items()
    }
    return whole, rasters
