"""Which parcels lie on which footprint: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

BLOCK = 65_536
"""Parcels that are looked up at a time: a box as a geometry takes as much memory as a parcel's outline."""


def cells_of(boxes: NDArray[np.float64], /, *, size: float) -> NDArray[np.float64]:
    """Coarse boxes that cover all boxes, each of them once.

    A country's parcels fill a few thousand cells, so a search by cells costs the same for a thousand parcels as for
    millions.

    Parameters
    ----------
    boxes : (box, 4)
        West, south, east, north; NaN where a parcel has no place.
    size
        Edges are moved outwards to multiples of it, in the units of the boxes.

    Returns
    -------
    (cell, 4)
        Without those that are NaN.
    """
    known = boxes[np.isfinite(boxes).all(axis=1)] / size
    cells = np.concatenate([np.floor(known[:, :2]), np.ceil(known[:, 2:])], axis=1)
    return np.unique(cells, axis=0) * size


def parcels_on(
    boxes: NDArray[np.float64], footprints: Sequence[shapely.Geometry], /, *, margin: float
) -> list[NDArray[np.intp]]:
    """Parcels whose box touches each footprint.

    A parcel that only its box puts on a tile has no pixel there: that costs little, and nothing is lost.

    Parameters
    ----------
    boxes : (parcel, 4)
        West, south, east, north of each parcel; NaN where it has no place.
    footprints
        In the CRS of the boxes.
    margin
        By which footprints grow, in their units: archives round their corners.

    Returns
    -------
    list of (parcel on the footprint,)
        Positions in `boxes`, ascending, for each footprint.
    """
    known = np.flatnonzero(np.isfinite(boxes).all(axis=1))
    grown = shapely.buffer(np.asarray(footprints, object), margin, join_style="mitre")
    found: list[list[NDArray[np.intp]]] = [[] for _ in grown]
    for first in range(0, len(known), BLOCK):
        some = known[first : first + BLOCK]
        tree = shapely.STRtree(shapely.box(*boxes[some].T))
        for places, shape in zip(found, grown, strict=True):
            places.append(np.sort(some[tree.query(shape, predicate="intersects")]))
    return [np.concatenate([np.empty(0, np.intp), *places]) for places in found]
