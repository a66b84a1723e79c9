"""Simulated seasons: parcels with known cover crops, seen by a simulated Sentinel-2.

`draw_landscape` gives the daily truth without any raster, for as many parcels and seeds as a measurement wants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["TRUTH_COLUMNS", "Landscape", "draw_landscape"]

if TYPE_CHECKING:
    from .landscape import TRUTH_COLUMNS, Landscape, draw_landscape


def __getattr__(name: str) -> object:
    # Imported on first use: the command's help must come without the kernels.
    if name in __all__:
        from . import landscape

        return getattr(landscape, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
