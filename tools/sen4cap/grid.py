"""Raster grids: where a raster's pixels lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from affine import Affine
from pyproj import CRS, Transformer
from rasterio.io import DatasetReader
from rasterio.windows import Window

from .errors import BadInput


@dataclass(frozen=True)
class Grid:
    """A north-up raster grid.

    Attributes
    ----------
    crs : str
        As ``EPSG:32631``, or WKT where it has no code.
    transform : Affine
        From (column, row) to (x, y) in the units of `crs`.
    shape : (int, int)
        Rows, columns.
    """

    crs: str
    transform: Affine
    shape: tuple[int, int]

    @classmethod
    def of(cls, raster: DatasetReader) -> Grid:
        """Grid of an open raster.

        Raises
        ------
        BadInput
            The raster has no CRS or is rotated.
        """
        if raster.crs is None:
            raise BadInput(raster.name, "has no coordinate reference system")
        if raster.transform.b or raster.transform.d or raster.transform.e >= 0:
            raise BadInput(raster.name, f"is not north-up: {tuple(raster.transform)[:6]}")
        code = raster.crs.to_epsg()
        return cls(f"EPSG:{code}" if code else raster.crs.to_wkt(), raster.transform, raster.shape)

    @property
    def resolution(self) -> float:
        """Pixel size in the units of the CRS."""
        return float(self.transform.a)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in the grid's CRS."""
        rows, columns = self.shape
        west, north = self.transform.c, self.transform.f
        return (west, north + rows * self.transform.e, west + columns * self.transform.a, north)

    def finer(self, factor: int) -> Grid:
        """Return the grid whose pixels are `factor` times smaller, over the same area (20 m to 10 m: 2)."""
        rows, columns = self.shape
        return Grid(self.crs, self.transform @ Affine.scale(1 / factor), (rows * factor, columns * factor))

    def windows(self, height: int, width: int) -> list[Window]:
        """Windows of so many rows and columns that cover the grid, row by row; less at its right and lower edge."""
        rows, columns = self.shape
        return [
            Window(left, top, min(width, columns - left), min(height, rows - top))
            for top in range(0, rows, height)
            for left in range(0, columns, width)
        ]

    def window_of(self, bounds: tuple[float, float, float, float], *, snap: float = 60.0) -> Window | None:
        """Window of the pixels that `bounds` touches, widened to multiples of `snap`, cut at the grid's edge.

        Windows on the 10 m and 20 m grids of one tile snapped to 60 m cover the same ground.

        Parameters
        ----------
        bounds : west, south, east, north
            In the grid's CRS.
        snap
            Multiple in CRS units to which edges are moved outwards, counted from the grid's own corner.

        Returns
        -------
        Window or None
            None where the bounds lie outside.
        """
        step = max(1, round(snap / self.resolution))
        west, south, east, north = bounds
        rows, columns = self.shape
        left = max(0, int(np.floor((west - self.transform.c) / self.resolution / step)) * step)
        right = min(columns, int(np.ceil((east - self.transform.c) / self.resolution / step)) * step)
        top = max(0, int(np.floor((self.transform.f - north) / self.resolution / step)) * step)
        bottom = min(rows, int(np.ceil((self.transform.f - south) / self.resolution / step)) * step)
        if left >= right or top >= bottom:
            return None
        return Window(left, top, right - left, bottom - top)


def project_bounds(
    bounds: tuple[float, float, float, float], source: str | CRS, target: str | CRS
) -> tuple[float, float, float, float]:
    """Bounds in another CRS, edges densified; (x, y) order whatever the authority says."""
    transformer = Transformer.from_crs(source, target, always_xy=True)
    west, south, east, north = transformer.transform_bounds(*bounds, densify_pts=21)
    return float(west), float(south), float(east), float(north)
