"""One acquisition: what Sentinel-2 and Sen2Cor would have made of the landscape on that day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .canopy import CanopyModel, Stand, ground_reflectance
from .clouds import Sky, draw_sky
from .kernel import blur, coarser, mix_pixels
from .orbits import Look
from .scenery import Scenery, state_on
from .spectra import BANDS, CLOUD, COARSE, FINE, SHADOW_DIFFUSE, SNOW

Floats = NDArray[np.float32]
MULTIPLES = np.array([0.15, 0.4, 0.65, 0.85, 1.0, 1.15, 1.35, 1.6, 2.0, 2.6])
COVERS_AT_ONCE = 2048
STRIP = 512
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
"""Sun elevations below which Sen2Cor calls hardly any bare field bare, and above which it does (seen in Flanders)."""
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


@dataclass(frozen=True)
class Conditions:
    """What holds for a whole acquisition.

    Attributes
    ----------
    gain, haze : (band,)
        Errors of the correction of the atmosphere: a factor, and a reflectance that is added.
    snow : float
        Share of the ground under snow.
    sun_elevation : float
        Degrees.
    confused : bool
        Whether the scene classification gives up on most of the scene.
    shadows_as : int
        Class that shadows get.
    """

    gain: Floats
    haze: Floats
    snow: float
    sun_elevation: float
    confused: bool
    shadows_as: int


def observe(scenery: Scenery, look: Look, canopy: CanopyModel, *, regime: str, seed: int) -> Scene:
    """Simulate one acquisition; it depends on its own day and orbit alone, not on the others."""
    random = look_random(look, seed)
    sky = sky_over(scenery, look, regime=regime, random=random)
    return see_through(sky, scenery, look, canopy, random=random)


def look_random(look: Look, seed: int) -> np.random.Generator:
    """Generator of all that is drawn for one acquisition: sky first, then atmosphere and noise."""
    return np.random.default_rng([seed, 12, look.day.toordinal(), look.orbit])


def sky_over(scenery: Scenery, look: Look, *, regime: str, random: np.random.Generator) -> Sky:
    """Draw the clouds of one acquisition."""
    weather = scenery.landscape.weather
    return draw_sky(
        scenery.grid.shape,
        regime=regime,
        unsettled=float(weather.unsettled[weather.index(look.day)]),
        winter=_winter(look),
        sun_zenith=look.geometry.sun_zenith,
        sun_azimuth=look.sun_azimuth,
        random=random,
    )


def see_through(sky: Sky, scenery: Scenery, look: Look, canopy: CanopyModel, *, random: np.random.Generator) -> Scene:
    """Simulate one acquisition under a given sky.

    Works through strips of rows, so that a large landscape needs no more memory than its finished bands.
    """
    weather = scenery.landscape.weather
    rows, columns = scenery.grid.shape
    conditions = _conditions(look, float(weather.snow[weather.index(look.day)]), random)
    optics = day_optics(scenery, np.datetime64(look.day, "D"), look, canopy)
    fine = np.empty((len(FINE), rows, columns), dtype=np.uint16)
    coarse = np.empty((len(COARSE), rows // 2, columns // 2), dtype=np.uint16)
    scl = np.empty((rows // 2, columns // 2), dtype=np.uint8)
    for top in range(0, rows, STRIP):
        bottom = min(top + STRIP, rows)
        above, below = max(0, top - 1), min(rows, bottom + 1)
        ground = clear_reflectance(scenery, optics, above, below)
        blurred = blur(ground, side=0.05)[:, top - above : bottom - above]
        here = Sky(sky.opacity[top:bottom], sky.shade[top:bottom], sky.brightness, sky.seen_from)
        seen = _through_atmosphere(blurred, here, conditions, random)
        ten, twenty = _noisy(seen[_FINE], random), _noisy(coarser(seen[_COARSE]), random)
        half = slice(top // 2, bottom // 2)
        fine[:, top:bottom], coarse[:, half] = _numbers(ten), _numbers(twenty)
        scl[half] = classify_scene(ten, twenty, here, conditions, random=random)
    cloudy = float(np.isin(scl, (CLOUD_MEDIUM, CLOUD_HIGH, CIRRUS)).mean())
    return Scene(fine, coarse, scl, round(100 * cloudy, 4))


@dataclass(frozen=True)
class Optics:
    """Canopies and ground of all covers on one day, ready for `mix_pixels`."""

    black: Floats
    joint: Floats
    through: Floats
    back: Floats
    ground: Floats


def day_optics(scenery: Scenery, day: np.datetime64, look: Look, canopy: CanopyModel) -> Optics:
    """Canopy coefficients of all covers on a day, (cover, multiple, band), and reflectance of their ground."""
    state = state_on(scenery, day)
    shape = (len(state.soil), len(MULTIPLES), len(BANDS))
    black, joint, through, back = (np.empty(shape, dtype=np.float32) for _ in range(4))
    for low in range(0, shape[0], COVERS_AT_ONCE):
        some = slice(low, low + COVERS_AT_ONCE)
        stand = Stand(
            state.stand.green[some], state.stand.brown[some], state.stand.chlorophyll[some], state.stand.flatness[some]
        )
        found = canopy.coefficients(stand, look.geometry, MULTIPLES)
        black[some], joint[some], through[some], back[some] = found.black, found.joint, found.through, found.back
    ground = ground_reflectance(state.soil, state.moisture, state.residue, state.weathering)
    return Optics(black, joint, through, back, ground.astype(np.float32))


def clear_reflectance(scenery: Scenery, optics: Optics, top: int, bottom: int) -> Floats:
    """Reflectance of the surface in all bands at 10 m, (band, row, column), without clouds, blur and noise."""
    out = np.empty((len(BANDS), bottom - top, scenery.grid.shape[1]), dtype=np.float32)
    mix_pixels(
        scenery.first, scenery.cover, scenery.weight, scenery.vigour, scenery.brightness, MULTIPLES,
        optics.black, optics.joint, optics.through, optics.back, optics.ground, top, out,
    )  # fmt: skip
    return out


def classify_scene(
    fine: Floats, coarse: Floats, sky: Sky, conditions: Conditions, *, random: np.random.Generator
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
    low_sun = float(np.clip((LOW_SUN[1] - conditions.sun_elevation) / (LOW_SUN[1] - LOW_SUN[0]), 0, 1))
    scl = np.where(ndvi > 0.40, GREEN, BARE).astype(np.uint8)
    unsure = np.where(ndvi > 0.40, 0.01, np.where(ndvi > 0.28, 0.30, 0.05))
    unsure = np.where(scl == BARE, np.maximum(unsure, 0.96 * low_sun), unsure)
    scl[lot < unsure] = UNSURE
    scl[(near < 0.10 + 0.06 * low_sun) & (ndvi < 0.45) & (lot < 0.15 + 0.75 * low_sun)] = DARK
    scl[(ndvi < 0.0) & (near < 0.08)] = WATER
    snowy = (green - swir) / np.maximum(green + swir, 1e-3) > 0.35
    scl[snowy & (green > 0.25)] = SNOWY
    if conditions.confused:
        scl[(lot < 0.9) & (scl != WATER)] = UNSURE
    shade, opacity = coarser(sky.shade[None])[0], coarser(sky.opacity[None])[0]
    scl[(shade > 0.45) & (scl != WATER)] = conditions.shadows_as
    rim = _spread(opacity > 2 * sky.seen_from)
    scl[rim & (lot < 0.6)] = UNSURE
    scl[opacity > sky.seen_from] = CIRRUS if sky.brightness < 0.85 else UNSURE
    scl[opacity > max(0.25, 1.5 * sky.seen_from)] = CLOUD_MEDIUM
    scl[opacity > 0.5] = CLOUD_HIGH
    return scl


def _winter(look: Look) -> float:
    return float((1 + np.cos(2 * np.pi * (look.day.timetuple().tm_yday - 10) / 365.25)) / 2)


def _conditions(look: Look, snow_mm: float, random: np.random.Generator) -> Conditions:
    """Draw what holds for a whole acquisition; the atmosphere is hardest to correct in blue and under a low sun."""
    path = 1 / np.cos(np.radians(min(look.geometry.sun_zenith, 78.0)))
    haze = random.normal(0, 0.0022 * path) * (0.49 / WAVELENGTHS) ** 1.5
    gain = 1 + random.normal(0, 0.012) + random.normal(0, 0.006, len(BANDS))
    noticed = random.random() < 0.67
    return Conditions(
        gain.astype(np.float32),
        haze.astype(np.float32),
        snow=float(-np.expm1(-snow_mm / 3)) if snow_mm > 0.5 else 0.0,
        sun_elevation=90 - look.geometry.sun_zenith,
        confused=bool(random.random() < 0.025),
        shadows_as=SHADOW if noticed else DARK if random.random() < 0.4 else UNSURE,
    )


def _through_atmosphere(ground: Floats, sky: Sky, conditions: Conditions, random: np.random.Generator) -> Floats:
    """Snow, shadow, cloud, and what an imperfect correction of the atmosphere leaves."""
    if conditions.snow:
        share = np.clip(conditions.snow + random.normal(0, 0.05, ground.shape[1:]), 0, 1).astype(np.float32)
        ground = ground * (1 - share) + share * _column(SNOW)
    seen = ground * (1 - sky.shade * (1 - _column(SHADOW_DIFFUSE)))
    # Half of the cloud's brightness follows its thickness: thin parts are grey.
    seen = seen * (1 - sky.opacity) + _column(CLOUD * sky.brightness) * sky.opacity * (0.5 + 0.5 * sky.opacity)
    return np.asarray(seen * conditions.gain[:, None, None] + conditions.haze[:, None, None], dtype=np.float32)


def _column(values: NDArray[np.float64]) -> Floats:
    return values.astype(np.float32)[:, None, None]


WAVELENGTHS = np.array([0.492, 0.560, 0.665, 0.704, 0.741, 0.783, 0.833, 0.865, 1.614, 2.202])
"""Centres of `BANDS`, um."""


def _noisy(values: Floats, random: np.random.Generator) -> Floats:
    """Sensor noise: 0.0012 and 0.8 % of the signal."""
    noise = random.standard_normal(values.shape, dtype=np.float32)
    return np.asarray(values + noise * np.sqrt(0.0012**2 + (0.008 * values) ** 2), dtype=np.float32)


def _numbers(values: Floats) -> NDArray[np.uint16]:
    return np.clip(np.rint(values * 10000), 1, 20000).astype(np.uint16)


def _spread(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Grow a mask by one pixel to each side."""
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    return grown
