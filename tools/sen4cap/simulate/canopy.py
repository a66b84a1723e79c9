"""Reflectance of a canopy by the gap-fraction model: the project's own.

Leaves are stacked plates that absorb (Allen et al. 1969, J. Opt. Soc. Am. 59, 1376; Jacquemoud and Baret 1990, Remote
Sens. Environ. 34, 75). A canopy is a turbid layer whose leaf angles follow an ellipsoid (Campbell 1986, Agric. For.
Meteorol. 36, 317): gaps follow Beer and Lambert; light scattered once is integrated over depth with the joint gap
probability of sun and view (Ross 1981; Kuusk 1991, hot spot); all further scattering is an upward and a downward
diffuse flux, solved in closed form and integrated along the view (the two-stream equations with the coefficients of
Verhoef 1984, Remote Sens. Environ. 16, 125). Soil and canopy bounce light between them.

Every model of a canopy gives the same four coefficients, so that one pixel kernel serves all of them: over a ground of
reflectance g a canopy has

    R = black + joint * g + through * g / (1 - back * g)

black : what it scatters to the sensor over a black ground; through : share of the sunlight that comes to the ground and
of the ground's light that comes out, multiplied; back : share of the ground's light that it throws back; joint : excess
of the ground that is both sunlit and seen, over chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .spectra import (
    ABSORPTION,
    BROWN_LEAF,
    CAROTENOIDS_PER_CHLOROPHYLL,
    GREEN_DRY_MATTER,
    GREEN_STRUCTURE,
    GREEN_WATER,
    REFRACTION,
    SOILS,
    STRAW,
    WEATHERED,
    WET_FRACTION,
)

Array = NDArray[np.float64]
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_UNIT, _UNIT_WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2


@dataclass(frozen=True)
class Geometry:
    """Where sun and sensor stand; degrees.

    Attributes
    ----------
    sun_zenith, view_zenith : float
        From the vertical.
    azimuth_difference : float
        Between sun and sensor; 0: the sensor has the sun at its back.
    """

    sun_zenith: float
    view_zenith: float
    azimuth_difference: float


@dataclass(frozen=True)
class Stand:
    """State of canopies, one number each.

    Attributes
    ----------
    green, brown : (canopy,)
        Area index of living and of dead standing leaves, m2/m2.
    chlorophyll : (canopy,)
        Of the living leaves, ug/cm2.
    flatness : (canopy,)
        Ratio of the axes of the leaf-angle ellipsoid: 1 spherical, above 1 flatter leaves.
    """

    green: Array
    brown: Array
    chlorophyll: Array
    flatness: Array


@dataclass(frozen=True)
class Coefficients:
    """What a canopy does to light over any ground; see the head of this module. Each (canopy, multiple, band)."""

    black: Array
    joint: Array
    through: Array
    back: Array


class CanopyModel(Protocol):
    """A model that simulates canopies: this project's own, or PROSAIL."""

    def coefficients(self, stand: Stand, geometry: Geometry, multiples: Array) -> Coefficients:
        """Coefficients of each canopy with its leaf area multiplied by each of `multiples`."""


class GapFractionModel:
    """The project's own canopy model; see the head of this module.

    Parameters
    ----------
    hot_spot
        Leaf size over canopy height.
    """

    def __init__(self, *, hot_spot: float = 0.1) -> None:
        self.hot_spot = hot_spot

    def coefficients(self, stand: Stand, geometry: Geometry, multiples: Array) -> Coefficients:
        """Coefficients of each canopy with its leaf area multiplied by each of `multiples`."""
        total = stand.green + stand.brown
        area = np.maximum(total[:, None] * multiples, 1e-6)
        reflectance, transmittance = leaf_mixture(stand)
        sun, view = np.radians(geometry.sun_zenith), np.radians(geometry.view_zenith)
        flatness = stand.flatness[:, None]
        k_sun, k_view = extinction(sun, flatness), extinction(view, flatness)
        gap_sun, gap_view = np.exp(-k_sun * area), np.exp(-k_view * area)
        through_depth, gap_joint = self._joint_gaps(area, k_sun, k_view, geometry)
        single = _single_scattering(reflectance, transmittance, geometry, k_sun, k_view) * through_depth[..., None]
        layer = TwoStream(
            reflectance[:, None, :], transmittance[:, None, :], area[..., None], _level(flatness)[..., None]
        )
        black = single + layer.towards(k_view[..., None], k_sun[..., None])
        down_sun = layer.fluxes(k_sun[..., None], area[..., None])[0]
        down_view = layer.fluxes(k_view[..., None], area[..., None])[0]
        through = (gap_sun[..., None] + down_sun) * (gap_view[..., None] + down_view)
        joint = np.broadcast_to((gap_joint - gap_sun * gap_view)[..., None], black.shape)
        return Coefficients(black, joint, through, layer.albedo)

    def _joint_gaps(self, area: Array, k_sun: Array, k_view: Array, geometry: Geometry) -> tuple[Array, Array]:
        """Depth integral of the probability that a leaf is both sunlit and seen, and that probability at the ground."""
        sun, view = np.tan(np.radians(geometry.sun_zenith)), np.tan(np.radians(geometry.view_zenith))
        apart = np.sqrt(max(sun**2 + view**2 - 2 * sun * view * np.cos(np.radians(geometry.azimuth_difference)), 1e-12))

        def probability(depth: Array) -> Array:
            reach = apart / self.hot_spot * depth
            overlap = np.where(reach > 1e-6, -np.expm1(-reach) / np.maximum(reach, 1e-6), 1.0)
            exponent = k_sun[..., None] + k_view[..., None] - np.sqrt(k_sun * k_view)[..., None] * overlap
            return np.exp(-exponent * area[..., None] * depth)

        through_depth = area * (probability(_UNIT) * _UNIT_WEIGHTS).sum(axis=-1)
        return through_depth, probability(np.ones(1))[..., 0]


def extinction(zenith: float | Array, flatness: Array) -> Array:
    """Extinction coefficient of an ellipsoidal distribution towards a zenith angle in radians (Campbell 1986)."""
    return np.sqrt(flatness**2 + np.tan(zenith) ** 2) / (flatness + 1.774 * (flatness + 1.182) ** -0.733)


def green_cover(green: Array, flatness: Array) -> Array:
    """Share of the ground that living leaves hide from above: 1 - gap fraction at nadir. The truth of FCOVER."""
    return 1 - np.exp(-extinction(0.0, flatness) * green)


def _level(flatness: Array) -> Array:
    """Mean squared cosine of the leaf inclination of an ellipsoidal distribution: 1/3 where spherical."""
    projected = extinction(0.0, flatness)
    return np.clip(1 / 3 + 4 / 3 * (projected - 0.5), 0.02, 0.98)


class TwoStream:
    """Diffuse fluxes in a layer of leaves over a black ground.

    With E- down and E+ up at depth l (leaf area from the top) under a sunbeam of unit irradiance,

        dE-/dl = -(1 - f) E- + b E+ + s_f exp(-k l),    dE+/dl = (1 - f) E+ - b E- - s_b exp(-k l)

    where f and b are forward and backward scattering of diffuse light, s_f and s_b of the beam.

    Parameters
    ----------
    reflectance, transmittance
        Of the leaves.
    area
        Leaf area index of the layer.
    level
        Mean squared cosine of the leaf inclination.
    """

    def __init__(self, reflectance: Array, transmittance: Array, area: Array, level: Array) -> None:
        self._sum, self._excess, self._area = reflectance + transmittance, level * (reflectance - transmittance), area
        self._backward = (self._sum + self._excess) / 2
        self._loss = 1 - (self._sum - self._excess) / 2
        self._root = np.sqrt(np.maximum(self._loss**2 - self._backward**2, 1e-8))
        self._deep = self._backward / (self._loss + self._root)
        self._fade = np.exp(-self._root * area)
        self._closed = 1 - self._deep**2 * self._fade**2

    @property
    def albedo(self) -> Array:
        """Share of diffuse light from one side that comes back on that side."""
        return self._deep * (1 - self._fade**2) / self._closed

    def fluxes(self, k: Array, depth: Array) -> tuple[Array, Array]:
        """Downward and upward diffuse flux at a depth, under a beam of extinction `k`."""
        forward, backward = (k * self._sum - self._excess) / 2, (k * self._sum + self._excess) / 2
        apart = self._root**2 - k**2
        apart = np.where(np.abs(apart) < 1e-6, 1e-6, apart)
        down = ((self._loss + k) * forward + self._backward * backward) / apart
        up = ((self._loss - k) * backward + self._backward * forward) / apart
        beam_below = np.exp(-k * self._area)
        from_top = (-down + up * beam_below * self._deep * self._fade) / self._closed
        from_below = (-up * beam_below + down * self._deep * self._fade) / self._closed
        falling, rising = np.exp(-self._root * depth), np.exp(self._root * (depth - self._area))
        beam = np.exp(-k * depth)
        return (
            from_top * falling + from_below * self._deep * rising + down * beam,
            from_top * self._deep * falling + from_below * rising + up * beam,
        )

    def towards(self, k_view: Array, k_sun: Array) -> Array:
        """Reflectance factor of light scattered more than once, seen at extinction `k_view`."""
        from_down = (k_view * self._sum + self._excess) / 2
        from_up = (k_view * self._sum - self._excess) / 2
        seen: Array = np.zeros(())
        for node, weight in zip(_UNIT, _UNIT_WEIGHTS, strict=True):
            down, up = self.fluxes(k_sun, self._area * node)
            seen = seen + weight * np.exp(-k_view * self._area * node) * (from_down * down + from_up * up)
        return seen * self._area


def _single_scattering(
    reflectance: Array, transmittance: Array, geometry: Geometry, k_sun: Array, k_view: Array
) -> Array:
    """Reflectance factor per sunlit and seen leaf area, (canopy, 1, band): Ross 1981, leaves facing anywhere."""
    sun, view = np.radians(geometry.sun_zenith), np.radians(geometry.view_zenith)
    cosine = np.cos(sun) * np.cos(view) + np.sin(sun) * np.sin(view) * np.cos(np.radians(geometry.azimuth_difference))
    angle = np.pi - np.arccos(np.clip(cosine, -1, 1))
    albedo = reflectance + transmittance
    phase = albedo / (3 * np.pi) * (np.sin(angle) - angle * np.cos(angle)) + transmittance / 3 * np.cos(angle)
    towards = np.sqrt(k_sun * k_view) / (0.5 / np.sqrt(np.cos(sun) * np.cos(view)))
    return phase[:, None, :] * towards[..., None] / (np.cos(sun) * np.cos(view))


def leaf_mixture(stand: Stand) -> tuple[Array, Array]:
    """Reflectance and transmittance of a stand's mean leaf, each (canopy, band)."""
    chlorophyll = np.asarray(stand.chlorophyll, dtype=np.float64)[:, None]
    green = plates(
        GREEN_STRUCTURE,
        np.stack(
            [
                chlorophyll + 0 * ABSORPTION[0],
                CAROTENOIDS_PER_CHLOROPHYLL * chlorophyll + 3.0 + 0 * ABSORPTION[0],
                np.maximum(0.0, (30 - chlorophyll) / 100) + 0 * ABSORPTION[0],
                np.full_like(chlorophyll, GREEN_WATER) + 0 * ABSORPTION[0],
                np.full_like(chlorophyll, GREEN_DRY_MATTER) + 0 * ABSORPTION[0],
            ]
        ),
    )
    leaf = BROWN_LEAF
    brown = plates(
        leaf.structure,
        np.array([leaf.chlorophyll, leaf.carotenoids, leaf.brown, leaf.water, leaf.dry_matter])[:, None, None]
        + 0 * ABSORPTION[:, None],
    )
    total = stand.green + stand.brown
    share = np.divide(stand.brown, total, out=np.zeros_like(total), where=total > 1e-9)[:, None]
    return (1 - share) * green[0] + share * brown[0], (1 - share) * green[1] + share * brown[1]


def plates(structure: float, content: Array) -> tuple[Array, Array]:
    """Reflectance and transmittance of leaves as stacked absorbing plates.

    Parameters
    ----------
    structure
        Number of plates.
    content : (constituent, leaf, band)
        Chlorophyll, carotenoids, brown pigment, water, dry matter.

    Returns
    -------
    reflectance, transmittance : (leaf, band)
    """
    depth = (content * ABSORPTION[:, None]).sum(axis=0) / structure
    inside = (1 - depth) * np.exp(-depth) + depth**2 * exponential_integral(depth)
    in_diffuse, in_near = _ENTRY_DIFFUSE, _ENTRY_NEAR
    out = in_diffuse / REFRACTION**2
    inner = 1 - out
    bounces = 1 - inner**2 * inside**2
    t_top = in_near * inside * out / bounces
    r_top = 1 - in_near + inner * inside * t_top
    t_one = in_diffuse * inside * out / bounces
    r_one = 1 - in_diffuse + inner * inside * t_one
    r_rest, t_rest = _stack(r_one, t_one, structure - 1)
    both = 1 - r_rest * r_one
    return r_top + t_top * r_rest * t_one / both, t_top * t_rest / both


def _stack(r: Array, t: Array, count: float) -> tuple[Array, Array]:
    """Pile of `count` equal plates (Stokes 1862)."""
    root = np.sqrt(np.maximum((1 + r + t) * (1 + r - t) * (1 - r + t) * (1 - r - t), 1e-18))
    a = (1 + r**2 - t**2 + root) / (2 * r)
    b = ((1 - r**2 + t**2 + root) / (2 * t)) ** count
    below = a**2 * b**2 - 1
    return a * (b**2 - 1) / below, b * (a**2 - 1) / below


def exponential_integral(x: Array) -> Array:
    """E1(x) for x > 0, to 2e-7 (Abramowitz and Stegun 5.1.53 and 5.1.56)."""
    x = np.maximum(x, 1e-12)
    small = np.minimum(x, 1.0)
    series = -np.log(small) + np.polyval(
        [0.00107857, -0.00976004, 0.05519968, -0.24991055, 0.99999193, -0.57721566], small
    )
    large = np.maximum(x, 1.0)
    above = np.polyval([1, 8.5733287401, 18.0590169730, 8.6347608925, 0.2677737343], large)
    below = np.polyval([1, 9.5733223454, 25.6329561486, 21.0996530827, 3.9584969228], large)
    return np.where(x < 1, series, np.exp(-large) / large * above / below)


def _entry(largest: float) -> Array:
    """Share of light that enters a leaf, averaged over angles of incidence up to `largest` degrees (Fresnel)."""
    top = np.radians(largest)
    angle = _UNIT_FINE * top
    inside = np.arcsin(np.sin(angle) / REFRACTION[:, None])
    outward, inward = np.cos(angle), np.cos(inside)
    n = REFRACTION[:, None]
    across = ((outward - n * inward) / (outward + n * inward)) ** 2
    along = ((inward - n * outward) / (inward + n * outward)) ** 2
    weight = np.sin(2 * angle) * _UNIT_FINE_WEIGHTS
    return ((1 - (across + along) / 2) * weight).sum(axis=1) / weight.sum()


_FINE_NODES, _FINE_WEIGHTS = np.polynomial.legendre.leggauss(64)
_UNIT_FINE, _UNIT_FINE_WEIGHTS = (_FINE_NODES + 1) / 2, _FINE_WEIGHTS / 2
_ENTRY_DIFFUSE, _ENTRY_NEAR = _entry(90.0), _entry(40.0)


def ground_reflectance(soil: Array, moisture: Array, residue: Array, weathering: Array) -> Array:
    """Reflectance of the ground below a canopy, (ground, band).

    A soil line in every band: dry soil darkens with moisture to its saturated share; residue covers a part of it.

    Parameters
    ----------
    soil : (ground, band)
        Reflectance when dry.
    moisture : (ground,)
        Of the topmost centimetre, 0 dry to 1 saturated.
    residue : (ground,)
        Share of the ground under dry residue.
    weathering : (ground,)
        Of the residue, 0 fresh to 1 after a wet winter.
    """
    wet = 1 - (1 - WET_FRACTION) * moisture[:, None]
    straw = STRAW + (WEATHERED - STRAW) * weathering[:, None]
    wet_straw = 1 - 0.6 * (1 - WET_FRACTION) * moisture[:, None]
    return (1 - residue[:, None]) * soil * wet + residue[:, None] * straw * wet_straw


__all__ = [
    "SOILS",
    "CanopyModel",
    "Coefficients",
    "GapFractionModel",
    "Geometry",
    "Stand",
    "green_cover",
    "ground_reflectance",
]
