"""Which ground, which of several looks at it, which pixels: arrays and plain values in and out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ..rasters import is_nodata

SAME_LOOK_S = 60.0
"""Sentinel-2 looks at one tile from one orbit come days apart; the sensing time of one look moves by seconds between
processing baselines, because it is counted from different detectors."""

COVERED = 0.95
"""Share of a look's footprint that newer versions must cover to replace it: two strips of one pass (a data strip that
ends within the tile) share a time and a tile, and complete each other."""


def touching(boxes: NDArray[np.float64], /, *, bounds: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    """Which boxes share ground with some bounds.

    Parameters
    ----------
    boxes : (box, 4)
        West, south, east, north.
    bounds
        The same, in the boxes' CRS.
    """
    west, south, east, north = bounds
    found: NDArray[np.bool_] = (
        (boxes[:, 0] < east) & (boxes[:, 2] > west) & (boxes[:, 1] < north) & (boxes[:, 3] > south)
    )
    return found


def clip_bounds(
    boxes: NDArray[np.float64], /, *, bounds: tuple[float, float, float, float], margin: float
) -> tuple[float, float, float, float] | None:
    """Bounds of the boxes that lie on a raster, with a margin; None where none does.

    Parameters
    ----------
    boxes : (box, 4)
        West, south, east, north of every parcel, in the raster's CRS.
    bounds
        Of the raster. Parcels elsewhere (on other tiles) do not widen the clip.
    margin
        In units of the CRS.
    """
    inside = boxes[touching(boxes, bounds=bounds)]
    if not len(inside):
        return None
    west, south = inside[:, :2].min(axis=0) - margin
    east, north = inside[:, 2:].max(axis=0) + margin
    return float(west), float(south), float(east), float(north)


def all_nodata(pixels: NDArray[Any], /, *, nodata: float | None) -> bool:
    """Whether no pixel holds data.

    Parameters
    ----------
    pixels : any shape
    nodata
        The value that means none; None where the raster has no such value. NaN never is data.
    """
    return bool(is_nodata(pixels, np.nan if nodata is None else nodata).all())


@dataclass(frozen=True)
class Look:
    """What decides whether one item replaces another.

    Attributes
    ----------
    scene : tuple
        Looks can only replace one another where this is equal: platform, tile, orbit.
    second : float
        Sensing time, s since any fixed moment.
    slack_s : float
        How far the sensing times of two versions of one look may lie apart.
    version : tuple
        Comparable; the greatest is the newest.
    footprint : shapely.Geometry or None
        In any plane coordinates; None where it is unknown, which covers, and is covered by, everything.
    """

    scene: tuple[str, ...]
    second: float
    slack_s: float
    version: tuple[Any, ...]
    footprint: shapely.Geometry | None


def superseded(looks: Sequence[Look], /) -> dict[int, int]:
    """Looks that a newer version of the same look replaces.

    A look falls if newer versions of it cover `COVERED` of its footprint.

    Returns
    -------
    dict
        From the position of a look that falls to the position of the newest that stands in for it.
    """
    falls: dict[int, int] = {}
    groups: dict[tuple[str, ...], list[int]] = {}
    for index, look in enumerate(looks):
        groups.setdefault(look.scene, []).append(index)
    for members in groups.values():
        kept: list[int] = []
        for index in sorted(members, key=lambda i: (looks[i].version, -i), reverse=True):
            look = looks[index]
            newer = [k for k in kept if abs(looks[k].second - look.second) <= look.slack_s]
            if newer and _covered(look, [looks[k] for k in newer]):
                falls[index] = newer[0]
            else:
                kept.append(index)
    return falls


def _covered(look: Look, newer: Sequence[Look]) -> bool:
    if look.footprint is None or look.footprint.area == 0 or any(n.footprint is None for n in newer):
        return True
    shared = look.footprint.intersection(shapely.union_all([n.footprint for n in newer]))
    return bool(shared.area >= COVERED * look.footprint.area)
