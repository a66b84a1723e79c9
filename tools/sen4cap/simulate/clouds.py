"""Clouds: one random field a day, cut at a height that the weather sets, with its shadow and what nobody detects."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
FIELD_M = 40.0
LEAST_DOMAIN_M = 20_480.0
"""Cell of the cloud field and least side of its domain."""
SHEET, HEAP = (25_000.0, 3.7), (2_500.0, 3.0)
"""Distance over which clouds hang together (m) and the power with which finer detail fades: sheets and heaps (ours)."""
HEAP_SHARE = 0.25

REGIMES: dict[str, tuple[float, float] | None] = {
    "none": None,
    "clear": (0.18, 0.30),
    "ordinary": (0.50, 0.71),
    "dense": (0.66, 0.82),
}
"""Mean cloud cover in high summer and in deep winter. Ordinary is Belgium's, as the looks of Sentinel-2 see it."""

SPELL_SHARE = 0.62
"""Correlation of a place's clouds with the weather spell of the day; the rest is where the clouds happen to be."""


@dataclass(frozen=True)
class Sky:
    """Clouds over a scene on its 10 m pixels.

    Attributes
    ----------
    opacity : (row, column)
        Share of the light from the ground that cloud replaces, 0 to 1.
    shade : (row, column)
        Share of the direct sunlight that clouds take, 0 to 1.
    brightness : float
        Of this day's clouds, relative to thick ones.
    seen_from : float
        Opacity from which the scene classification notices a cloud on this day.
    """

    opacity: Floats
    shade: Floats
    brightness: float
    seen_from: float


def draw_sky(
    shape: tuple[int, int],
    *,
    regime: str,
    unsettled: float,
    winter: float,
    sun_zenith: float,
    sun_azimuth: float,
    random: np.random.Generator,
) -> Sky:
    """Clouds of one day over `shape` 10 m pixels.

    Parameters
    ----------
    regime
        Out of `REGIMES`.
    unsettled
        Weather spell of the day, standard normal: days close together are alike.
    winter
        0 in high summer to 1 in deep winter.
    sun_zenith, sun_azimuth
        Degrees; shadows fall away from the sun by the height of the clouds.
    """
    means = REGIMES[regime]
    if means is None:
        nothing = np.zeros(shape, dtype=np.float32)
        return Sky(nothing, nothing, 1.0, 1.0)
    cover = means[0] + (means[1] - means[0]) * winter
    cells = 1 << int(np.ceil(np.log2(max(LEAST_DOMAIN_M, 3 * 10.0 * max(shape)) / FIELD_M)))
    kind = HEAP if random.random() < HEAP_SHARE else SHEET
    height = _field(cells, kind, random)
    height *= np.float32(np.sqrt(1 - SPELL_SHARE**2))
    height += np.float32(SPELL_SHARE * unsettled + NormalDist().inv_cdf(cover))
    thickness = random.lognormal(np.log(4.0), 0.8)
    # Rims fade out softly: a thin veil reaches past the edge that anybody would draw.
    rim = random.uniform(0.03, 0.10)
    base_m = float(np.clip(random.lognormal(np.log(1400), 0.5), 400, 6000))
    reach = base_m * np.tan(np.radians(min(sun_zenith, 80.0))) / FIELD_M
    # Rows run south, columns east; a shadow lies on the side away from the sun.
    down, right = reach * np.cos(np.radians(sun_azimuth)), -reach * np.sin(np.radians(sun_azimuth))
    corner = cells // 4 + random.uniform(0, 1, 2)
    opacity, shade = (
        _opacity(_window(height, place, shape), thickness, rim) for place in (corner, corner - np.array([down, right]))
    )
    return Sky(opacity, shade, float(random.uniform(0.75, 1.2)), float(random.uniform(0.06, 0.20)))


def _opacity(height: Floats, thickness: float, rim: float) -> Floats:
    """Opacity of cloud whose top stands `height` above the level of condensation, in standard deviations."""
    depth = np.float32(rim) * np.logaddexp(np.float32(0), height / np.float32(rim))
    opacity = -np.expm1(-np.float32(thickness) * depth)
    opacity[opacity < 0.004] = 0
    return np.asarray(opacity, dtype=np.float32)


def _field(cells: int, kind: tuple[float, float], random: np.random.Generator) -> NDArray[np.float32]:
    """Gaussian random field of unit variance: flat beyond the outer scale, falling with a power below it."""
    amplitude = _amplitude(cells, *kind)
    spectrum = np.fft.rfft2(random.standard_normal((cells, cells), dtype=np.float32)) * amplitude
    return np.asarray(np.fft.irfft2(spectrum, s=(cells, cells)), dtype=np.float32)


@functools.lru_cache(maxsize=4)
def _amplitude(cells: int, outer_m: float, steepness: float) -> NDArray[np.float32]:
    along = np.fft.fftfreq(cells, FIELD_M)[:, None]
    across = np.fft.rfftfreq(cells, FIELD_M)[None]
    power = (along**2 + across**2 + (1 / outer_m) ** 2) ** (-steepness / 2)
    # Every inner column of a real transform stands for two frequencies.
    twice = np.full(power.shape[1], 2.0)
    twice[0] = twice[-1] = 1.0
    return np.asarray(np.sqrt(power / (power * twice).sum() * cells**2), dtype=np.float32)


def _window(field: NDArray[np.float32], corner: NDArray[np.float64], shape: tuple[int, int]) -> Floats:
    """Bilinear reading of the periodic field on 10 m pixels from `corner` (row, column) on."""
    parts = []
    for start, count in zip(corner, shape, strict=True):
        place = start + np.arange(count) * (10.0 / FIELD_M)
        low = np.floor(place)
        parts.append((low.astype(np.int64) % len(field), (low.astype(np.int64) + 1) % len(field), place - low))
    (top, bottom, down), (left, right, across) = parts
    rows = field[top] * (1 - down)[:, None] + field[bottom] * down[:, None]
    return np.asarray(rows[:, left] * (1 - across) + rows[:, right] * across, dtype=np.float32)
