"""Reflectance of a canopy by PROSAIL, from the extra `prosail` (a package under the GPL, so never the default).

Leaves by PROSPECT-D, canopies by 4SAIL. One date's geometry is tabulated over leaf area, chlorophyll, share of dead
leaves and leaf angle; stands are read from the table. The ground enters through three runs over grounds of different
reflectance, from which the coefficients of `canopy.Coefficients` follow.
"""

from __future__ import annotations

import itertools

import numpy as np
import prosail
from numpy.typing import NDArray

from .canopy import Coefficients, Geometry, Stand
from .spectra import (
    BANDS,
    BROWN_LEAF,
    CAROTENOIDS_PER_CHLOROPHYLL,
    GREEN_DRY_MATTER,
    GREEN_STRUCTURE,
    GREEN_WATER,
)

Array = NDArray[np.float64]
AREAS = np.array([0.0, 0.1, 0.3, 0.6, 1.0, 1.5, 2.2, 3.0, 4.2, 6.0, 9.0])
CHLOROPHYLL = np.array([10.0, 25.0, 40.0, 58.0])
BROWN_SHARES = np.array([0.0, 0.35, 0.7, 1.0])
FLATNESS = np.array([0.75, 1.0, 1.5])
GROUNDS = (0.0, 0.15, 0.4)
CENTRES_NM = np.array([492, 560, 665, 704, 741, 783, 833, 865, 1614, 2202])
WIDTHS_NM = np.array([66, 36, 31, 15, 15, 20, 106, 21, 91, 175])
"""Bands of Sentinel-2A, in the order of `spectra.BANDS`."""


class ProsailModel:
    """Canopies by PROSPECT-D and 4SAIL.

    Parameters
    ----------
    hot_spot
        Leaf size over canopy height.
    """

    def __init__(self, *, hot_spot: float = 0.1) -> None:
        self.hot_spot = hot_spot
        green = [_leaf(_green(chlorophyll)) for chlorophyll in CHLOROPHYLL]
        leaf = BROWN_LEAF
        brown = _leaf((leaf.structure, leaf.chlorophyll, leaf.carotenoids, leaf.brown, leaf.water, leaf.dry_matter))
        self._leaves = [
            [
                ((1 - share) * alive[0] + share * brown[0], (1 - share) * alive[1] + share * brown[1])
                for share in BROWN_SHARES
            ]
            for alive in green
        ]

    def coefficients(self, stand: Stand, geometry: Geometry, multiples: Array) -> Coefficients:
        """Coefficients of each canopy with its leaf area multiplied by each of `multiples`."""
        table = self._table(geometry)
        total = stand.green + stand.brown
        share = np.divide(stand.brown, total, out=np.zeros_like(total), where=total > 1e-9)
        read = _interpolate(
            table,
            [(FLATNESS, stand.flatness), (CHLOROPHYLL, stand.chlorophyll), (BROWN_SHARES, share)],
            (AREAS, total[:, None] * multiples),
        )
        black, through, back = np.moveaxis(read, 2, 0)
        return Coefficients(black, np.zeros_like(black), through, back)

    def _table(self, geometry: Geometry) -> Array:
        """(flatness, chlorophyll, brown share, area, coefficient, band)."""
        shape = (len(FLATNESS), len(CHLOROPHYLL), len(BROWN_SHARES), len(AREAS), 3, len(BANDS))
        table = np.empty(shape)
        for f, c, b, a in itertools.product(*(range(count) for count in shape[:4])):
            if BROWN_SHARES[b] == 1 and c:
                table[f, c, b, a] = table[f, 0, b, a]
                continue
            reflectance, transmittance = self._leaves[c][b]
            # Campbell 1990: mean leaf angle of the ellipsoid.
            angle = float(np.degrees(9.65 * (3 + FLATNESS[f]) ** -1.65))
            seen = [
                prosail.run_sail(
                    reflectance, transmittance, max(float(AREAS[a]), 1e-5), angle, self.hot_spot,
                    geometry.sun_zenith, geometry.view_zenith, geometry.azimuth_difference,
                    rsoil0=np.full(len(BANDS), ground),
                )
                for ground in GROUNDS
            ]  # fmt: skip
            table[f, c, b, a] = _coefficients(*seen)
        return table


def _coefficients(black: Array, dim: Array, bright: Array) -> Array:
    """Canopy over a black ground, what passes it twice, and what it throws back: from three grounds."""
    _, low, high = GROUNDS
    by_low, by_high = (dim - black) / low, (bright - black) / high
    rise = bright - dim
    back = np.where(rise > 1e-6, (by_high - by_low) / np.maximum(rise, 1e-6), 0.0)
    # R - black = through g / (1 - back g)  =>  (R - black) / g = through + back (R - black)
    back = np.clip(back, 0.0, 0.95)
    return np.stack([black, by_low - back * (dim - black), back])


def _green(chlorophyll: float) -> tuple[float, float, float, float, float, float]:
    return (
        GREEN_STRUCTURE,
        float(chlorophyll),
        CAROTENOIDS_PER_CHLOROPHYLL * float(chlorophyll) + 3.0,
        max(0.0, (30 - float(chlorophyll)) / 100),
        GREEN_WATER,
        GREEN_DRY_MATTER,
    )


def _leaf(parts: tuple[float, float, float, float, float, float]) -> tuple[Array, Array]:
    """Reflectance and transmittance of a leaf in the bands."""
    wavelength, reflectance, transmittance = prosail.run_prospect(*parts, prospect_version="D")
    inside = np.abs(np.asarray(wavelength)[None] - CENTRES_NM[:, None]) <= WIDTHS_NM[:, None] / 2
    count = inside.sum(axis=1)
    return (inside @ reflectance) / count, (inside @ transmittance) / count


def _interpolate(table: Array, leading: list[tuple[Array, Array]], last: tuple[Array, Array]) -> Array:
    """Multilinear reading: one value per stand in the leading axes, (stand, multiple) in the last one.

    Returns
    -------
    (stand, multiple, coefficient, band)
    """
    places = [_place(axis, values) for axis, values in leading]
    low_area, part_area = _place(*last)
    result: Array = np.zeros(())
    for corner in itertools.product((0, 1), repeat=len(places)):
        index = tuple(low + step for (low, _), step in zip(places, corner, strict=True))
        weight = np.prod([part if step else 1 - part for (_, part), step in zip(places, corner, strict=True)], axis=0)
        rows = table[index]
        stands = np.arange(len(rows))[:, None]
        below, above = rows[stands, low_area], rows[stands, low_area + 1]
        value = below + part_area[..., None, None] * (above - below)
        result = result + weight[:, None, None, None] * value
    return result


def _place(axis: Array, values: Array) -> tuple[NDArray[np.int64], Array]:
    values = np.clip(values, axis[0], axis[-1])
    low = np.clip(np.searchsorted(axis, values, side="right") - 1, 0, len(axis) - 2)
    return low, (values - axis[low]) / (axis[low + 1] - axis[low])
