"""One landscape on two tiles: what an archive keeps of an acquisition on the grid of each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import rasterio.warp
from affine import Affine
from numpy.typing import NDArray

from ..errors import BadInput
from ..grid import Grid, project_bounds
from .imaging import Scene
from .tiles import SIDE, utm_of_tile

OVERLAP_M = 9_800.0
"""Sentinel-2 tiles reach so far beyond their 100 km square to the east and the south, m."""
CELL_M = 60


def shares(grid: Grid, tile: str, second: str | None) -> dict[str, Grid]:
    """Grids of the parts of a landscape that two tiles show, by tile; without a second tile the first shows all.

    The western two thirds lie on the first tile and the eastern two thirds on the second, so that the middle third lies
    on both. A second tile in the neighbouring UTM zone has a grid that is turned by some degrees.

    Raises
    ------
    BadInput
        The second tile does not show the east of the landscape.
    """
    if second is None:
        return {tile: grid}
    columns = grid.shape[1]
    third = max(6, columns // 3 // 6 * 6)
    west = Grid(grid.crs, grid.transform, (grid.shape[0], columns - third))
    east = Grid(grid.crs, grid.transform @ Affine.translation(third, 0), (grid.shape[0], columns - third))
    code, left, bottom = utm_of_tile(second)
    x0, y0, x1, y1 = project_bounds(east.bounds, grid.crs, f"EPSG:{code}")
    room = (left, bottom - OVERLAP_M, left + SIDE + OVERLAP_M, bottom + SIDE)
    if not (room[0] <= x0 and room[1] <= y0 and x1 <= room[2] and y1 <= room[3]):
        where = f"lies at {x0 / 1000:.0f} km east and {y0 / 1000:.0f} km north in its zone"
        raise BadInput(f"tile {second}", f"does not show the landscape, which {where}", do="choose a neighbour")
    x0, y0 = (np.floor(value / CELL_M) * CELL_M for value in (x0, y0))
    rows, columns = (int(np.ceil(size / CELL_M)) * CELL_M // 10 for size in (y1 - y0, x1 - x0))
    return {tile: west, second: Grid(f"EPSG:{code}", Affine(10, 0, x0, 0, -10, y0 + 10 * rows), (rows, columns))}


def on_share(scene: Scene, grid: Grid, share: Grid) -> Scene:
    """Acquisition on the grid of a share, by the nearest pixel; 0 (no data) beyond the landscape.

    Parameters
    ----------
    scene
        As `observe` gives it on `grid`.
    """
    if share == grid:
        return scene
    return replace(
        scene,
        fine=np.stack([_resampled(band, grid, share) for band in scene.fine]),
        coarse=np.stack([_resampled(band, grid, share) for band in scene.coarse]),
        scl=_resampled(scene.scl, grid, share),
    )


def _resampled(band: NDArray, grid: Grid, share: Grid) -> NDArray:
    factor = grid.shape[0] // band.shape[0]
    out = np.zeros((share.shape[0] // factor, share.shape[1] // factor), band.dtype)
    rasterio.warp.reproject(
        band,
        out,
        src_transform=grid.transform @ Affine.scale(factor),
        src_crs=grid.crs,
        dst_transform=share.transform @ Affine.scale(factor),
        dst_crs=share.crs,
        resampling=rasterio.warp.Resampling.nearest,
    )
    return out
