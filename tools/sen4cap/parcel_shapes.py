"""Parcels as they lie on rasters: reprojected, shrunk or grown, and what they cover."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from .area_fractions import cover
from .compiled import over_blocks
from .coverage import Block
from .grid import Grid, project_bounds

PARCELS_A_CHUNK = 2000
"""Parcels that a thread takes at a time."""
LONGEST_EDGE_M = 500.0
"""Edges are split to at most this length before they are reprojected: the bend that is lost stays below 1 cm."""

_SEGMENTS = 16  # of a quarter circle where a buffer rounds a corner: within 1 cm for 5 m, as geopandas has it


class ParcelShapes:
    """Parcels as they lie on rasters: reprojected, and shrunk or grown by a buffer.

    What was made for one CRS and buffer is kept until another is asked for, so ask grid by grid in that order.

    Parameters
    ----------
    geometry : GeoSeries
        Polygons in any CRS.
    threads
        As the option `--threads`.
    """

    def __init__(self, geometry: gpd.GeoSeries, *, threads: int) -> None:
        self._shapes: NDArray[np.object_] = geometry.to_numpy()
        self._bounds = shapely.bounds(self._shapes).reshape(-1, 4)
        self._crs = CRS(geometry.crs)
        self._threads = threads
        self._key: tuple[str, float] | None = None
        self._made: NDArray[np.object_] = np.empty(0, object)
        self._done: NDArray[np.bool_] = np.empty(0, bool)

    def near(self, grid: Grid) -> NDArray[np.intp]:
        """Positions of the parcels whose bounding box touches that of the grid."""
        west, south, east, north = project_bounds(grid.bounds, grid.crs, self._crs)
        box = self._bounds
        touches = (box[:, 0] <= east) & (box[:, 2] >= west) & (box[:, 1] <= north) & (box[:, 3] >= south)
        return np.flatnonzero(touches)

    def on(self, grid: Grid, *, buffer: float, height: int, width: int) -> tuple[list[Block], NDArray[np.intp]]:
        """Coverage of the parcels on a grid, window by window.

        Parameters
        ----------
        buffer
            Metres by which parcels grow; negative: shrink. Applied in the grid's CRS where that is in metres, else in
            the UTM zone of the grid's centre.
        height, width
            Rows and columns of a window, counted from the grid's corner.

        Returns
        -------
        list of Block
            Row by row, only those with parcels; these by their positions among the geometries.
        vanished : (parcel,) int
            Positions of parcels near the grid of which the buffer leaves nothing.
        """
        near = self.near(grid)
        if self._key != (grid.crs, buffer):
            self._key = (grid.crs, buffer)
            self._made = np.empty(len(self._shapes), object)
            self._done = np.zeros(len(self._shapes), bool)
        fresh = near[~self._done[near]]
        self._made[fresh] = self._project(self._shapes[fresh], grid, buffer)
        self._done[fresh] = True
        empty = shapely.is_empty(self._made[near])
        there = near[~empty]
        blocks = cover(self._made[there], grid, height=height, width=width, threads=self._threads)
        return [replace(block, parcels=there[block.parcels].astype(np.int32)) for block in blocks], near[empty]

    def _project(self, shapes: NDArray[np.object_], grid: Grid, buffer: float) -> NDArray[np.object_]:
        target = CRS(grid.crs)
        middle = target if _is_metric(target) or buffer == 0 else _utm_of(grid)
        there, back = _reprojection(self._crs, middle), _reprojection(middle, target)

        def work(low: int, high: int) -> NDArray[np.object_]:
            moved = there(shapes[low:high])
            return back(moved if buffer == 0 else shapely.buffer(moved, buffer, quad_segs=_SEGMENTS))

        done = over_blocks(work, len(shapes), block=PARCELS_A_CHUNK, threads=self._threads)
        return np.concatenate([np.empty(0, object), *done])


def _is_metric(crs: CRS) -> bool:
    return crs.is_projected and all(axis.unit_name == "metre" for axis in crs.axis_info[:2])


def _utm_of(grid: Grid) -> CRS:
    west, south, east, north = project_bounds(grid.bounds, grid.crs, "EPSG:4326")
    zone = int(((west + east) / 2 + 180) // 6) % 60 + 1
    return CRS.from_epsg((32600 if south + north >= 0 else 32700) + zone)


def _reprojection(source: CRS, target: CRS) -> Callable[[NDArray[np.object_]], NDArray[np.object_]]:
    """What brings shapes into another CRS, edges where they were; what cannot be projected comes back empty."""
    if source == target:
        return lambda shapes: shapes
    longest = LONGEST_EDGE_M / (source.axis_info[0].unit_conversion_factor if source.is_projected else 111_000)
    transformer = Transformer.from_crs(source, target, always_xy=True)

    def moved(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        split = shapely.segmentize(shapes, longest)
        found = shapely.transform(split, lambda x, y: transformer.transform(x, y), interleaved=False)
        lost = ~np.isfinite(shapely.bounds(found)).all(axis=1)
        found[lost] = shapely.Polygon()
        return found

    return moved
