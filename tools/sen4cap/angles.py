"""Sun and view angles of a Sentinel-2 scene, as the cosines that the LAI networks take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pystac
from affine import Affine
from numpy.typing import NDArray

from .errors import BadInput
from .granule import Granule
from .grid import Grid

COSINES = ("cos(view_zenith)", "cos(sun_zenith)", "cos(sun_azimuth-view_azimuth)")


@dataclass(frozen=True, eq=False)
class Angles:
    """The three `COSINES` of a scene, the same everywhere or on a coarse grid of nodes.

    Attributes
    ----------
    nodes : (3,) or (3, row, column)
        float64.
    transform : Affine or None
        From (column, row) of a node to (x, y), where `nodes` is a grid.
    """

    nodes: NDArray[np.float64]
    transform: Affine | None

    def cosines(self, grid: Grid) -> NDArray[np.float32]:
        """Cosines at the pixel centres of a grid, bilinear between nodes, constant beyond the outermost.

        Returns
        -------
        (3,) where the scene has one set of angles, otherwise (3, row, column)
            float32.
        """
        if self.transform is None:
            return self.nodes.astype(np.float32)
        rows, columns = grid.shape
        x = grid.transform.c + (np.arange(columns) + 0.5) * grid.transform.a
        y = grid.transform.f + (np.arange(rows) + 0.5) * grid.transform.e
        column, right = _between((x - self.transform.c) / self.transform.a, self.nodes.shape[2])
        row, lower = _between((y - self.transform.f) / self.transform.e, self.nodes.shape[1])
        # Along the rows of nodes first: the large array is then made in one step.
        wide = self.nodes[:, :, column] * (1 - right) + self.nodes[:, :, column + 1] * right
        lower = lower[:, None]
        return (wide[:, row] * (1 - lower) + wide[:, row + 1] * lower).astype(np.float32)


def told_angles(item: pystac.Item) -> dict[str, float | None]:
    """Sun elevation and azimuth, view zenith and azimuth from the properties of an item, degrees; None where untold."""
    properties = item.properties
    told = {
        "view:sun_elevation": properties.get("view:sun_elevation"),
        "view:sun_azimuth": properties.get("view:sun_azimuth"),
        "view:incidence_angle": properties.get("view:incidence_angle", properties.get("view:off_nadir")),
        "view:azimuth": properties.get("view:azimuth"),
    }
    return {name: float(value) if isinstance(value, int | float) else None for name, value in told.items()}


def angles_of(item: pystac.Item, granule: Callable[[], Granule | None]) -> Angles:
    """Angles of an item: its `view:` properties where they are complete, otherwise its granule metadata.

    Parameters
    ----------
    item
        With `view:sun_elevation`, `view:sun_azimuth`, `view:azimuth` and `view:incidence_angle` (or `view:off_nadir`).
    granule
        Called where the properties do not suffice.

    Raises
    ------
    BadInput
        Neither tells the angles.
    """
    told = told_angles(item)
    missing = [name for name, value in told.items() if value is None]
    if not missing:
        elevation, sun_azimuth, view_zenith, view_azimuth = map(float, told.values())  # type: ignore[arg-type]
        return Angles(_cosines(90 - elevation, sun_azimuth, view_zenith, view_azimuth), None)
    found = granule()
    if found is None:
        raise BadInput(
            f"item {item.id}",
            f"has no angles: its properties lack {', '.join(missing)} and it has no asset granule_metadata",
            do="fetch it from a catalogue that gives view:* properties, or with the asset granule_metadata",
        )
    nodes = _cosines(found.sun[0], found.sun[1], found.view[0], found.view[1])
    return Angles(np.stack([_filled(node) for node in nodes]), found.transform)


def _cosines(
    sun_zenith: NDArray[np.float64] | float,
    sun_azimuth: NDArray[np.float64] | float,
    view_zenith: NDArray[np.float64] | float,
    view_azimuth: NDArray[np.float64] | float,
) -> NDArray[np.float64]:
    radian = np.radians
    return np.stack(
        [
            np.cos(radian(view_zenith)),
            np.cos(radian(sun_zenith)),
            np.cos(radian(np.subtract(sun_azimuth, view_azimuth))),
        ]
    )


def _between(position: NDArray[np.floating], count: int) -> tuple[NDArray[np.intp], NDArray[np.floating]]:
    """Node before each position, and the share of the node after it."""
    position = np.clip(position, 0, count - 1)
    before = np.minimum(position.astype(np.intp), count - 2)
    return before, position - before


def _filled(nodes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nodes outside the swath (NaN) take the mean of the neighbours that have a value, ring by ring."""
    nodes = nodes.copy()
    while np.isnan(nodes).any():
        wide = np.pad(nodes, 1, constant_values=np.nan)
        rows, columns = nodes.shape
        around = np.stack([wide[r : r + rows, c : c + columns] for r in range(3) for c in range(3)])
        seen = (~np.isnan(around)).sum(axis=0)
        mean = np.nansum(around, axis=0) / np.maximum(seen, 1)
        nodes = np.where(np.isnan(nodes) & (seen > 0), mean, nodes)
    return nodes
