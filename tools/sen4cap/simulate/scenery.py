"""What lies in which pixel: parcels and everything between them on the grid of a scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import rasterio.features
import shapely
from affine import Affine
from numpy.typing import NDArray

from ..grid import Grid
from .canopy import Stand
from .landscape import Landscape
from .plots import Plots
from .spectra import ASPHALT, ROOFS, SOILS, WATER

Floats = NDArray[np.float32]
FINER = 4
"""Boundary pixels are cut into 4 x 4 to weigh what is in them."""
STRIP = 256
RIM_M = 120.0


@dataclass(frozen=True)
class Scenery:
    """The static part of a scene, 10 m pixels row by row.

    Covers are numbered: 0 the ground between plots, 1 to N the parcels, then the other plots.

    Attributes
    ----------
    grid : Grid
        Of the 10 m bands.
    first : (pixel + 1,)
        First part of each pixel.
    cover, weight, vigour : (part,)
        Cover, share of the pixel, leaf area relative to the cover's mean.
    brightness : (pixel,)
        Factor of the ground's reflectance.
    landscape : Landscape
        Daily truth of the parcels.
    kinds : (other,)
        What the other plots are.
    """

    grid: Grid
    first: NDArray[np.int64]
    cover: NDArray[np.int32]
    weight: Floats
    vigour: Floats
    brightness: Floats
    landscape: Landscape
    kinds: NDArray[np.str_]


@dataclass(frozen=True)
class State:
    """State of all covers on one day: canopy, and ground below it."""

    stand: Stand
    soil: NDArray[np.float64]
    moisture: NDArray[np.float64]
    residue: NDArray[np.float64]
    weathering: NDArray[np.float64]


def make_scenery(plots: Plots, landscape: Landscape, *, crs: str, corner: tuple[float, float], seed: int) -> Scenery:
    """Lay plots on a grid of whole 60 m cells around them.

    Parameters
    ----------
    corner
        Where the landscape's lower left corner lies in the tile's UTM, m.
    """
    random = np.random.default_rng([seed, 4])
    west, south = (np.floor((value - RIM_M) / 60) * 60 for value in corner)
    cells = int(np.ceil((plots.side + 2 * RIM_M + 60) / 60)) * 6
    grid = Grid(crs, Affine(10, 0, float(west), 0, -10, float(south + 10 * cells)), (cells, cells))
    shapes = np.concatenate([plots.parcels, plots.others])
    shapes = shapely.transform(shapes, lambda xy: xy + np.asarray(corner))
    first, cover, weight = _parts(shapes, grid)
    smooth = _smooth(random, cells, 6.0)
    fine = random.standard_normal((cells, cells)).astype(np.float32)
    pattern = (0.8 * smooth + 0.6 * fine).ravel()
    spread = random.uniform(0.10, 0.30, len(shapes) + 1).astype(np.float32)
    pixel = np.repeat(np.arange(cells * cells), np.diff(first))
    vigour = np.exp(spread[cover] * pattern[pixel])
    mean = np.bincount(cover, weight * vigour, len(spread)) / np.maximum(np.bincount(cover, weight, len(spread)), 1e-9)
    vigour = (vigour / mean[cover]).astype(np.float32)
    brightness = np.exp(0.05 * _smooth(random, cells, 10.0).ravel() + 0.02 * fine.ravel()).astype(np.float32)
    return Scenery(grid, first, cover, weight, vigour, brightness, landscape, plots.kinds)


def state_on(scenery: Scenery, day: np.datetime64) -> State:
    """State of all covers on a day of the landscape's span."""
    truth = scenery.landscape
    at = int((day - truth.days[0]).astype(int))
    year = float((day - day.astype("datetime64[Y]").astype("datetime64[D]")).astype(int))
    leafy = 1 / (1 + np.exp(-(year - 118) / 6)) / (1 + np.exp((year - 305) / 9))
    wet = float(truth.weather.moisture[truth.weather.index(day.astype(object))])
    verge = [1.3 + 0.9 * np.sin(np.pi * np.clip((year - 60) / 240, 0, 1)), 0.15, 40.0, 0.9, 0.25]
    others = {
        "wood": [0.5 + 4.0 * leafy, 0.5 + 0.3 * (1 - leafy), 34 + 10 * leafy, 1.2, 0.5],
        "hamlet": [0.25 + 0.35 * leafy, 0.05, 42.0, 1.0, 0.0],
        "pond": [0.0, 0.0, 40.0, 1.0, 0.0],
    }
    grounds = {"wood": SOILS["loam"] * 0.75, "hamlet": 0.55 * ROOFS + 0.45 * ASPHALT, "pond": WATER}
    rest = np.array([others[kind] for kind in scenery.kinds], dtype=float).reshape(-1, 5)

    def column(values: Floats, position: int) -> NDArray[np.float64]:
        return np.concatenate([[verge[position]], values[:, at].astype(float), rest[:, position]])

    stand = Stand(column(truth.lai, 0), column(truth.brown, 1), column(truth.chlorophyll, 2), column(truth.flatness, 3))
    dry = np.concatenate(
        [
            [SOILS["loam"] * 0.9],
            truth.soil,
            np.array([grounds[kind] for kind in scenery.kinds]).reshape(-1, truth.soil.shape[1]),
        ]
    )
    soaking = np.array([0.0 if kind == "pond" else 0.3 * wet if kind == "hamlet" else wet for kind in scenery.kinds])
    moisture = np.concatenate([[wet], truth.moisture[:, at].astype(float), soaking])
    weathering = np.concatenate([[0.8], truth.weathering[:, at].astype(float), np.ones(len(rest))])
    return State(stand, dry, moisture, column(truth.residue, 4), weathering)


def _parts(shapes: NDArray[np.object_], grid: Grid) -> tuple[NDArray[np.int64], NDArray[np.int32], Floats]:
    """Covers of each pixel and their shares, by supersampling strip after strip."""
    rows, columns = grid.shape
    fine = grid.finer(FINER)
    numbered = [(shape, number) for number, shape in enumerate(shapes, start=1)]
    counts, covers, weights = [], [], []
    for top in range(0, rows, STRIP):
        height = min(STRIP, rows - top)
        samples = rasterio.features.rasterize(
            numbered,
            out_shape=(height * FINER, columns * FINER),
            transform=fine.transform @ Affine.translation(0, top * FINER),
            dtype="int32",
        )
        blocks = samples.reshape(height, FINER, columns, FINER).swapaxes(1, 2).reshape(height * columns, FINER**2)
        blocks.sort(axis=1)
        starts = np.ones(blocks.shape, dtype=bool)
        starts[:, 1:] = blocks[:, 1:] != blocks[:, :-1]
        where = np.flatnonzero(starts)
        lengths = np.diff(np.append(where, blocks.size))
        counts.append(starts.sum(axis=1))
        covers.append(blocks.ravel()[where].astype(np.int32))
        weights.append((lengths / FINER**2).astype(np.float32))
    first = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64)
    return first, np.concatenate(covers), np.concatenate(weights)


def _smooth(random: np.random.Generator, cells: int, reach: float) -> Floats:
    """Unit-variance field whose correlation falls off over `reach` pixels."""
    away = np.fft.fftfreq(cells)[:, None] ** 2 + np.fft.rfftfreq(cells)[None] ** 2
    field = np.fft.irfft2(
        np.fft.rfft2(random.standard_normal((cells, cells))) * np.exp(-2 * (np.pi * reach / 2) ** 2 * away),
        s=(cells, cells),
    )
    return np.asarray(field / field.std(), dtype=np.float32)
