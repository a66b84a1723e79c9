"""How much of each pixel a parcel covers, as a sparse structure, block by block as rasters are read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from .compiled import compiled


@dataclass(frozen=True)
class Block:
    """Pixels of the parcels in one window of a grid, parcel after parcel (compressed sparse rows).

    Parcels may overlap: each has its own pixels, ascending.

    Attributes
    ----------
    window : Window
        Of the grid; never empty of parcels.
    parcels : (parcel,) int32
        Positions of the parcels that touch it, ascending.
    first : (parcel + 1,) int64
        Where each parcel's pixels begin in `pixel`, and where the last one's end.
    pixel : (entry,) int32
        Row-major position inside the window.
    fraction : (entry,) float32
        Part of the pixel's area that the parcel covers, above 0 and up to 1.
    """

    window: Window
    parcels: NDArray[np.int32]
    first: NDArray[np.int64]
    pixel: NDArray[np.int32]
    fraction: NDArray[np.float32]

    @cached_property
    def cells(self) -> NDArray[np.int32]:
        """Squares of two by two pixels that any parcel touches (the 20 m pixels of a 10 m grid), (cell,) ascending.

        Row-major positions among the squares of the window, which has an even number of rows and columns.
        """
        return self._packed[0]

    @cached_property
    def packed(self) -> NDArray[np.int32]:
        """Position of each entry where only the `cells` are kept, side by side: row-major in (2, 2 x cell)."""
        return self._packed[1]

    @cached_property
    def _packed(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        width = int(self.window.width)
        if width % 2 or int(self.window.height) % 2:
            raise ValueError(f"{self.window} is not of whole squares of two by two pixels")
        rank = np.full(int(self.window.height) // 2 * (width // 2), -1, np.int32)
        _mark(self.pixel, width, rank)
        cells = np.flatnonzero(rank >= 0).astype(np.int32)
        rank[cells] = np.arange(len(cells), dtype=np.int32)
        packed = np.empty_like(self.pixel)
        _pack(self.pixel, width, rank, len(cells), packed)
        return cells, packed

    def areas(self) -> NDArray[np.float64]:
        """Area of each of its parcels inside the window in pixels: the sum of its fractions."""
        return _sums(self.first, self.fraction)

    def covered(self) -> NDArray[np.bool_]:
        """Pixels of the window that any parcel touches, (row, column)."""
        mask = np.zeros(self.window.height * self.window.width, bool)
        mask[self.pixel] = True
        return mask.reshape(self.window.height, self.window.width)


@compiled
def _sums(first, fraction):  # type: ignore[no-untyped-def]
    sums = np.zeros(len(first) - 1)
    for i in range(len(first) - 1):
        for k in range(first[i], first[i + 1]):
            sums[i] += fraction[k]
    return sums


@compiled
def _mark(pixel, width, rank):  # type: ignore[no-untyped-def]
    """Set the rank of every touched square to 0."""
    for k in range(len(pixel)):
        row = pixel[k] // width
        rank[row // 2 * (width // 2) + (pixel[k] - row * width) // 2] = 0


@compiled
def _pack(pixel, width, rank, cells, packed):  # type: ignore[no-untyped-def]
    for k in range(len(pixel)):
        row = pixel[k] // width
        column = pixel[k] - row * width
        packed[k] = row % 2 * 2 * cells + 2 * rank[row // 2 * (width // 2) + column // 2] + column % 2
