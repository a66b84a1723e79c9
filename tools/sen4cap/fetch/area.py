"""The area that is fetched: the ground of some parcels, or a box."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np
import pystac
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from shapely.geometry import shape

from ..grid import Grid
from ..parcels import Parcels
from .kernel import clip_bounds

MARGIN_M = 60.0
"""Ground around the parcels that is fetched too, m: resampling and edge pixels look a little beyond a parcel."""

CELL_DEGREES = 0.25
MOST_CELLS = 200
METRES_PER_DEGREE = 111_320.0
WGS84 = "EPSG:4326"
BLOCK = 65_536
"""Boxes that are projected at a time: the points of their edges take ten times their memory."""


@dataclass(frozen=True, eq=False)
class Area:
    """Boxes of ground in one CRS.

    Attributes
    ----------
    name : str
        What the user gave, for messages.
    boxes : (box, 4)
        West, south, east, north; one for every parcel.
    crs : str
        Of the boxes.
    """

    name: str
    boxes: NDArray[np.float64]
    crs: str
    _projected: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of_parcels(cls, parcels: Parcels) -> Area:
        """Boxes of all usable parcels of a file."""
        return cls(str(parcels.path), parcels.frame.geometry.bounds.to_numpy(np.float64), parcels.frame.crs.to_wkt())

    @classmethod
    def of_bbox(cls, bbox: tuple[float, float, float, float]) -> Area:
        """One box in degrees, WGS 84."""
        return cls(f"bbox {','.join(f'{v:g}' for v in bbox)}", np.array([bbox], np.float64), WGS84)

    def boxes_in(self, crs: str) -> NDArray[np.float64]:
        """Boxes around the boxes in another CRS."""
        with self._guard:
            if crs not in self._projected:
                self._projected[crs] = _project(self.boxes, self.crs, crs)
            return self._projected[crs]

    @cached_property
    def bbox(self) -> tuple[float, float, float, float]:
        """West, south, east, north of all, degrees."""
        return _around(self._degrees)

    @cached_property
    def geometry(self) -> dict[str, Any] | None:
        """The boxes as one GeoJSON multipolygon of coarse cells, where that is much smaller than `bbox`; else None.

        One parcel with wrong coordinates, or farms at both ends of a country, would make the search for items in
        `bbox` return half a continent.
        """
        west, south, east, north = (self._degrees[:, i] / CELL_DEGREES for i in range(4))
        span = np.maximum(np.ceil(east) - np.floor(west), np.ceil(north) - np.floor(south))
        if span.max() > 8:
            return None
        corners = {
            (column, row)
            for x, y in ((west, south), (west, north), (east, south), (east, north))
            for column, row in np.unique(np.floor(np.stack([x, y], axis=1)).astype(int), axis=0).tolist()
        }
        if not 1 < len(corners) <= MOST_CELLS:
            return None
        cells = shapely.union_all([shapely.box(c, r, c + 1, r + 1) for c, r in corners])
        if cells.area > 0.5 * shapely.box(*cells.bounds).area:
            return None
        found: dict[str, Any] = shapely.geometry.mapping(shapely.transform(cells, lambda xy: xy * CELL_DEGREES))
        return found

    @cached_property
    def _degrees(self) -> NDArray[np.float64]:
        """Boxes in degrees, without those that have no place on the globe."""
        boxes = self.boxes_in(WGS84)
        return boxes[np.isfinite(boxes).all(axis=1)]

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(shapely.box(*self._degrees.T))

    def touches(self, item: pystac.Item) -> bool:
        """Whether an item's footprint shares ground with any box; an item without a footprint may."""
        footprint = footprint_of(item)
        return footprint is None or len(self._tree.query(footprint, predicate="intersects")) > 0

    def clip(self, grid: Grid) -> tuple[float, float, float, float] | None:
        """Bounds to cut out of a raster, in its CRS; None where no box lies on it."""
        margin = MARGIN_M / METRES_PER_DEGREE if is_geographic(grid.crs) else MARGIN_M
        return clip_bounds(self.boxes_in(grid.crs), bounds=grid.bounds, margin=margin)


@cache
def is_geographic(crs: str) -> bool:
    """Whether a CRS counts in degrees."""
    return bool(CRS.from_user_input(crs).is_geographic)


def footprint_of(item: pystac.Item) -> shapely.Geometry | None:
    """Footprint of an item in degrees: its geometry, else its bbox, else None."""
    geometry: dict[str, Any] | None = item.geometry
    if geometry:
        found = shape(geometry)
        return found if found.is_valid else shapely.make_valid(found)
    if item.bbox:
        flat = item.bbox if len(item.bbox) == 4 else [item.bbox[i] for i in (0, 1, 3, 4)]
        return shapely.box(*flat)
    return None


def _project(boxes: NDArray[np.float64], source: str, target: str) -> NDArray[np.float64]:
    """Boxes around projected boxes; their edges are densified, finely where there are few (and they may be large)."""
    share = np.linspace(0, 1, 21 if len(boxes) < 100 else 2)
    across = Transformer.from_crs(source, target, always_xy=True)
    blocks = (boxes[first : first + BLOCK] for first in range(0, len(boxes), BLOCK))
    return np.concatenate([np.empty((0, 4)), *(_around_edges(block, share, across) for block in blocks)])


def _around_edges(boxes: NDArray[np.float64], share: NDArray[np.float64], across: Transformer) -> NDArray[np.float64]:
    """Boxes around points of the edges of boxes, these at shares of an edge's length."""
    west, south, east, north = (boxes[:, [i]] for i in range(4))
    x, y = west + (east - west) * share, south + (north - south) * share
    flat = np.ones(len(share))
    xs = np.concatenate([x, x, west * flat, east * flat], axis=1)
    ys = np.concatenate([south * flat, north * flat, y, y], axis=1)
    tx, ty = across.transform(xs.ravel(), ys.ravel())
    tx, ty = np.reshape(tx, xs.shape), np.reshape(ty, ys.shape)
    # Coordinates that the target has no place for come as infinite: such a box must touch nothing.
    tx[~np.isfinite(tx)], ty[~np.isfinite(ty)] = np.nan, np.nan
    return np.stack([tx.min(axis=1), ty.min(axis=1), tx.max(axis=1), ty.max(axis=1)], axis=1)


def _around(boxes: NDArray[np.float64]) -> tuple[float, float, float, float]:
    west, south = boxes[:, :2].min(axis=0)
    east, north = boxes[:, 2:].max(axis=0)
    return float(west), float(south), float(east), float(north)
