"""Array kernels of the simulator: growth of stands, litter, and the mixing of pixels. Arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

THERMAL, LOGISTIC, GOMPERTZ = 0, 1, 2
FAMILIES = ("thermal", "logistic", "gompertz")


@compiled
def grow(
    start: int,
    past: int,
    seedling: float,
    ceiling: NDArray[np.float64],
    family: int,
    speed: float,
    base: float,
    mean: NDArray[np.float64],
    light: NDArray[np.float64],
    survival: NDArray[np.float64],
    kept: NDArray[np.float64],
    dying_from: int,
    dying_days: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Grow one stand day by day.

    dL/dt = r L (1 - L / ceiling) (thermal, logistic) or r L ln(ceiling / L) / ln(ceiling / seedling) (gompertz); r is
    `speed` * `light` * max(0, T - base) in the thermal family, else `speed` * `light` * 12, half of it below 4 degree C
    and nothing in frost, so that a stand that goes by the calendar pauses in deep winter too.

    Parameters
    ----------
    start, past
        Day of emergence and the day on which nothing is left of the stand.
    seedling
        First LAI, m2/m2.
    ceiling : (day,)
        LAI that the stand tends to.
    family
        THERMAL, LOGISTIC or GOMPERTZ.
    speed
        1 / (degree C day).
    base
        Base temperature, degree C.
    mean : (day,)
        Air temperature, degree C.
    light : (day,)
        Growth that the light allows, 0 to 1.
    survival : (day,)
        Share of green leaves that are alive the next day.
    kept : (day,)
        Share of leaves that a cut leaves standing; 1 on other days.
    dying_from, dying_days
        Day from which the stand yellows and the time it takes to lose 95 %; the day past the end: never.

    Returns
    -------
    green, dead : (day,)
        Green LAI, and leaf area that died on that day.
    """
    days = len(mean)
    green, dead = np.zeros(days), np.zeros(days)
    area = 0.0
    for day in range(max(start, 0), min(past, days)):
        if day == start:
            area = seedling
        lost = area * (1 - survival[day])
        area -= lost
        area *= kept[day]
        if day >= dying_from:
            # The rate itself rises, so that little happens in the first days and half is gone after half the time.
            elapsed = (day - dying_from) / dying_days
            yellow = area * min(1.0, 5.9 / dying_days / (1 + np.exp(-5.9 * (elapsed - 0.5))))
            area -= yellow
            lost += yellow
        else:
            top = max(ceiling[day], 2 * seedling)
            if family == THERMAL:
                rate = speed * light[day] * max(0.0, mean[day] - base)
            else:
                rate = speed * light[day] * (12.0 if mean[day] >= 4 else 6.0 if mean[day] > 0 else 0.0)
            if family == GOMPERTZ:
                step = rate * np.log(top / max(area, 1e-4)) / np.log(top / seedling)
            else:
                step = rate * (1 - area / top)
            turnover = 0.0025 * area
            area = max(0.0, area * (1 + max(-0.03, min(step, 0.35))) - turnover)
            lost += turnover
        green[day], dead[day] = area, lost
    return green, dead


@compiled
def litter(
    died: NDArray[np.float64],
    buried: NDArray[np.float64],
    flattened: NDArray[np.float64],
    laid: NDArray[np.float64],
    mean: NDArray[np.float64],
    moisture: NDArray[np.float64],
    fall_days: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Follow dead leaves from standing to lying to gone.

    Parameters
    ----------
    died : (day,)
        Leaf area that dies standing, m2/m2.
    buried : (day,)
        Share of everything dead that tillage buries; 0 on other days.
    flattened : (day,)
        Share of the standing dead that is laid down.
    laid : (day,)
        Ground cover that a harvest leaves; negative on other days.
    mean, moisture : (day,)
        Air temperature, degree C, and soil moisture, 0 to 1: together they drive decay.
    fall_days
        Time constant of falling.

    Returns
    -------
    standing, cover, weathering : (day,)
        Area index of standing dead leaves, ground cover of residue, and its weathering from 0 fresh to 1.
    """
    days = len(mean)
    standing, cover, weathering = np.zeros(days), np.zeros(days), np.zeros(days)
    brown, residue, age = 0.0, 0.0, 0.0
    for day in range(days):
        if laid[day] >= 0:
            residue = max(residue, laid[day])
            brown, age = 0.0, 0.0
        brown += died[day]
        down = brown * min(1.0, 1 / fall_days + flattened[day])
        brown -= down
        fresh = (1 - residue) * (1 - np.exp(-0.28 * down))
        if residue + fresh > 0:
            age = age * residue / (residue + fresh)
        residue += fresh
        brown *= 1 - buried[day]
        residue *= 1 - buried[day]
        warm = max(0.0, mean[day]) / 12
        residue *= 1 - 0.006 * warm * (0.3 + 0.7 * moisture[day])
        age = min(1.0, age + 0.008 * (0.4 + 0.6 * moisture[day]))
        standing[day], cover[day], weathering[day] = brown, residue, age
    return standing, cover, weathering


@compiled
def mix_pixels(
    first: NDArray[np.int64],
    cover: NDArray[np.int32],
    weight: NDArray[np.float32],
    vigour: NDArray[np.float32],
    brightness: NDArray[np.float32],
    multiples: NDArray[np.float64],
    black: NDArray[np.float32],
    joint: NDArray[np.float32],
    through: NDArray[np.float32],
    back: NDArray[np.float32],
    ground: NDArray[np.float32],
    top: int,
    out: NDArray[np.float32],
) -> None:
    """Reflectance of pixels as the area-weighted mix of the covers in them, from row `top` on.

    Parameters
    ----------
    first : (pixel + 1,)
        First part of each pixel; pixels row by row.
    cover, weight : (part,)
        Which cover a part is, and its share of the pixel.
    vigour : (part,)
        Leaf area of the part relative to its cover's mean.
    brightness : (pixel,)
        Factor of the ground's reflectance.
    multiples : (multiple,)
        Rising; at which the canopy coefficients are tabulated.
    black, joint, through, back : (cover, multiple, band)
        As `canopy.Coefficients`.
    ground : (cover, band)
        Reflectance of the ground.
    top
        Row of the scene that the first row of `out` is.
    out : (band, row, column)
        Reflectance, 0 to 1; written in place.
    """
    bands, rows, columns = out.shape
    last = len(multiples) - 2
    for row in range(rows):
        for column in range(columns):
            pixel = (top + row) * columns + column
            for band in range(bands):
                out[band, row, column] = 0.0
            for part in range(first[pixel], first[pixel + 1]):
                here = cover[part]
                wanted = min(max(np.float64(vigour[part]), multiples[0]), multiples[last + 1])
                step = 0
                while step < last and multiples[step + 1] < wanted:
                    step += 1
                b = np.float32((wanted - multiples[step]) / (multiples[step + 1] - multiples[step]))
                a = np.float32(1.0) - b
                for band in range(bands):
                    g = ground[here, band] * brightness[pixel]
                    through_here = a * through[here, step, band] + b * through[here, step + 1, band]
                    back_here = a * back[here, step, band] + b * back[here, step + 1, band]
                    value = a * black[here, step, band] + b * black[here, step + 1, band]
                    value += (a * joint[here, step, band] + b * joint[here, step + 1, band]) * g
                    value += through_here * g / (np.float32(1.0) - back_here * g)
                    out[band, row, column] += weight[part] * value


def blur(values: NDArray[np.float32], /, *, side: float) -> NDArray[np.float32]:
    """Spread each pixel's light to its neighbours, as the optics do: [side, 1 - 2 side, side] in rows and columns.

    Parameters
    ----------
    values : (band, row, column)
    side
        Share that goes to each of two neighbours; rims repeat their own value.
    """
    for axis in (1, 2):
        before = np.roll(values, 1, axis=axis)
        after = np.roll(values, -1, axis=axis)
        if axis == 1:
            before[:, 0], after[:, -1] = values[:, 0], values[:, -1]
        else:
            before[:, :, 0], after[:, :, -1] = values[:, :, 0], values[:, :, -1]
        values = (1 - 2 * side) * values + side * (before + after)
    return values


def coarser(values: NDArray[np.float32], /) -> NDArray[np.float32]:
    """Mean of blocks of 2 x 2 pixels in the last two axes."""
    *front, rows, columns = values.shape
    return values.reshape(*front, rows // 2, 2, columns // 2, 2).mean(axis=(-3, -1), dtype=np.float32)
