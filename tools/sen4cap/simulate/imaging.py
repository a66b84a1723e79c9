"""One acquisition: what Sentinel-2 and Sen2Cor would have made of the landscape on that day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .canopy import CanopyModel, ground_reflectance
from .clouds import Sky, draw_sky
from .kernel import blur, coarser, finer, mix_pixels
from .orbits import Look
from .scenery import Scenery, state_on
from .spectra import BANDS, CLOUD, COARSE, FINE, SHADOW_DIFFUSE, SNOW

Floats = NDArray[np.float32]
MULTIPLES = np.array([0.15, 0.4, 0.65, 0.85, 1.0, 1.15, 1.35, 1.6, 2.0, 2.6])
COVERS_AT_ONCE = 2048
NODATA, DARK, SHADOW, GREEN, BARE, WATER, UNSURE, CLOUD_MEDIUM, CLOUD_HIGH, CIRRUS, SNOWY = (
    0,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
)
LOW_SUN = (22.0, 28.0)
"""Sun elevations below which Sen2Cor hardly ever calls a bare field bare, and above which it does (seen in Flanders)."""
_FINE = [BANDS.index(name) for name in FINE]
_COARSE = [BANDS.index(name) for name in COARSE]


@dataclass(frozen=True)
class Scene:
    """A finished acquisition.

    Attributes
    ----------
    fine : (4, row, column)
        `FINE` bands, uint16, reflectance x 10000, 0 is no data.
    coarse : (6, row / 2, column / 2)
        `COARSE` bands.
    scl : (row / 2, column / 2)
        Scene classification, uint8.
    cloud_cover : float
        Per cent of classes 8, 9 and 10.
    """

    fine: NDArray[np.uint16]
    coarse: NDArray[np.uint16]
    scl: NDArray[np.uint8]
    cloud_cover: float


def observe(scenery: Scenery, look: Look, canopy: CanopyModel, *, regime: str, seed: int) -> Scene:
    """Simulate one acquisition; it depends on its own day and orbit alone, not on the others."""
    random = np.random.default_rng([seed, 12, look.day.toordinal(), look.orbit])
    day = np.datetime64(look.day, "D")
    weather = scenery.landscape.weather
    at = weather.index(look.day)
    sky = draw_sky(
        scenery.grid.shape,
        regime=regime,
        unsettled=float(weather.unsettled[at]),
        winter=_winter(look),
        sun_zenith=look.geometry.sun_zenith,
        sun_azimuth=look.sun_azimuth,
        random=random,
    )
    ground = clear_reflectance(scenery, day, look, canopy)
    if weather.snow[at] > 0.5:
        _snow(ground, float(weather.snow[at]), random)
    seen = _through_atmosphere(blur(ground, side=0.05), sky, look, random)
    fine = _noisy(seen[_FINE], random)
    coarse = _noisy(coarser(seen[_COARSE]), random)
    scl = classify_scene(fine, coarse, sky, sun_elevation=90 - look.geometry.sun_zenith, random=random)
    cloudy = float(np.isin(scl, (CLOUD_MEDIUM, CLOUD_HIGH, CIRRUS)).mean())
    return Scene(_numbers(fine), _numbers(coarse), scl, round(100 * cloudy, 4))


def clear_reflectance(scenery: Scenery, day: np.datetime64, look: Look, canopy: CanopyModel) -> Floats:
    """Reflectance of the surface in all bands at 10 m, (band, row, column), without clouds, blur and noise."""
    state = state_on(scenery, day)
    shape = (len(state.soil), len(MULTIPLES), len(BANDS))
    tables = [np.empty(shape, dtype=np.float32) for _ in range(4)]
    for low in range(0, shape[0], COVERS_AT_ONCE):
        some = slice(low, low + COVERS_AT_ONCE)
        stand = type(state.stand)(
            state.stand.green[some], state.stand.brown[some], state.stand.chlorophyll[some], state.stand.flatness[some]
        )
        found = canopy.coefficients(stand, look.geometry, MULTIPLES)
        for table, values in zip(tables, (found.black, found.joint, found.through, found.back), strict=True):
            table[some] = values
    ground = ground_reflectance(state.soil, state.moisture, state.residue, state.weathering).astype(np.float32)
    out = np.empty((len(BANDS), *scenery.grid.shape), dtype=np.float32)
    mix_pixels(
        scenery.first, scenery.cover, scenery.weight, scenery.vigour, scenery.brightness,
        MULTIPLES, *tables, ground, 0, scenery.grid.shape[0], out,
    )  # fmt: skip
    return out


def classify_scene(
    fine: Floats, coarse: Floats, sky: Sky, *, sun_elevation: float, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Scene classification at 20 m with the errors of Sen2Cor.

    Clouds thinner than the day's threshold go unnoticed, a third of the shadows too. Under a low sun bare fields are
    called unclassified (7) and dark ones dark (2); so are some vegetated ones. Now and then a whole hazy scene is
    called unclassified.
    """
    green, red, near = coarser(fine[1:2])[0], coarser(fine[2:3])[0], coarse[COARSE.index("B8A")]
    swir = coarse[COARSE.index("B11")]
    ndvi = (near - red) / np.maximum(near + red, 1e-3)
    lot = random.random(near.shape, dtype=np.float32)
    low_sun = float(np.clip((LOW_SUN[1] - sun_elevation) / (LOW_SUN[1] - LOW_SUN[0]), 0, 1))
    scl = np.where(ndvi > 0.40, GREEN, BARE).astype(np.uint8)
    unsure = np.where(ndvi > 0.40, 0.01, np.where(ndvi > 0.28, 0.30, 0.05))
    unsure = np.where(scl == BARE, np.maximum(unsure, 0.96 * low_sun), unsure)
    scl[lot < unsure] = UNSURE
    scl[(near < 0.10 + 0.06 * low_sun) & (ndvi < 0.45) & (lot < 0.15 + 0.75 * low_sun)] = DARK
    scl[(ndvi < 0.0) & (near < 0.08)] = WATER
    snowy = (green - swir) / np.maximum(green + swir, 1e-3) > 0.35
    scl[snowy & (green > 0.25)] = SNOWY
    if random.random() < 0.025:
        scl[(lot < 0.9) & (scl != WATER)] = UNSURE
    shade, opacity = coarser(sky.shade[None])[0], coarser(sky.opacity[None])[0]
    noticed = random.random() < 0.67
    scl[(shade > 0.45) & (scl != WATER)] = SHADOW if noticed else DARK if random.random() < 0.4 else UNSURE
    rim = _spread(opacity > 2 * sky.seen_from)
    scl[rim & (lot < 0.6)] = UNSURE
    scl[opacity > sky.seen_from] = CIRRUS if sky.brightness < 0.85 else UNSURE
    scl[opacity > max(0.25, 1.5 * sky.seen_from)] = CLOUD_MEDIUM
    scl[opacity > 0.5] = CLOUD_HIGH
    return scl


def _winter(look: Look) -> float:
    return float((1 + np.cos(2 * np.pi * (look.day.timetuple().tm_yday - 10) / 365.25)) / 2)


def _snow(ground: Floats, depth: float, random: np.random.Generator) -> None:
    share = np.clip(1 - np.exp(-depth / 3) + random.normal(0, 0.05, ground.shape[1:]), 0, 1).astype(np.float32)
    ground *= 1 - share
    ground += share * SNOW.astype(np.float32)[:, None, None]


def _through_atmosphere(ground: Floats, sky: Sky, look: Look, random: np.random.Generator) -> Floats:
    """Shadow, cloud, and what an imperfect correction of the atmosphere leaves: more in blue and under a low sun."""
    dark = SHADOW_DIFFUSE.astype(np.float32)[:, None, None]
    seen = ground * (1 - sky.shade * (1 - dark))
    cloud = (CLOUD * sky.brightness).astype(np.float32)[:, None, None]
    # Half of the cloud's brightness follows its thickness: thin parts are grey.
    seen = seen * (1 - sky.opacity) + cloud * sky.opacity * (0.5 + 0.5 * sky.opacity)
    path = 1 / np.cos(np.radians(min(look.geometry.sun_zenith, 78.0)))
    haze = random.normal(0, 0.0022 * path) * (0.49 / WAVELENGTHS) ** 1.5
    gain = 1 + random.normal(0, 0.012) + random.normal(0, 0.006, len(BANDS))
    return np.asarray(seen * gain.astype(np.float32)[:, None, None] + haze.astype(np.float32)[:, None, None])


WAVELENGTHS = np.array([0.492, 0.560, 0.665, 0.704, 0.741, 0.783, 0.833, 0.865, 1.614, 2.202])
"""Centres of `BANDS`, um."""


def _noisy(values: Floats, random: np.random.Generator) -> Floats:
    """Sensor noise: 0.0012 and 0.8 % of the signal."""
    noise = random.standard_normal(values.shape, dtype=np.float32)
    return np.asarray(values + noise * np.sqrt(0.0012**2 + (0.008 * values) ** 2), dtype=np.float32)


def _numbers(values: Floats) -> NDArray[np.uint16]:
    return np.clip(np.rint(values * 10000), 1, 20000).astype(np.uint16)


def _spread(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Grow a mask by one pixel in every direction."""
    grown = mask.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            grown |= np.roll(mask, step, axis=axis)
    return grown


__all__ = ["Scene", "classify_scene", "clear_reflectance", "finer", "observe"]
