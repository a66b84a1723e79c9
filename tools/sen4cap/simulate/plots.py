"""Where parcels lie: a plane cut up by roads and field edges, bent a little, without overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

ROAD_M, TRACK_M, EDGE_M = 3.5, 1.7, 0.6
"""Half the width of what separates two plots: a road, a farm track, a field edge."""
USED_SHARE = 0.86
"""Share of the plots that are farmed; the others are woods, hamlets and ponds."""
SMALLEST_HA, LARGEST_HA = 0.3, 10.0


@dataclass(frozen=True)
class Plots:
    """Plots of a landscape.

    Attributes
    ----------
    parcels : (parcel,)
        Polygons of farmed parcels.
    others : (other,)
        Polygons of what is not farmed.
    kinds : (other,)
        ``wood``, ``hamlet`` or ``pond``.
    side : float
        Side of the square that holds them, m; its lower left corner is (0, 0).
    """

    parcels: NDArray[np.object_]
    others: NDArray[np.object_]
    kinds: NDArray[np.str_]
    side: float


def draw_plots(count: int, *, mean_ha: float, seed: int) -> Plots:
    """Cut a square into `count` parcels and what lies between them.

    Sizes follow a lognormal distribution with `mean_ha` as its mean, cut at 0.3 and 10 ha before edges are taken off.
    """
    random = np.random.default_rng([seed, 2])
    others = max(1, round(count * (1 / USED_SHARE - 1)))
    sizes = _sizes(random, count + others, mean_ha)
    farmed = np.ones(count + others, dtype=bool)
    farmed[random.permutation(count + others)[:others]] = False
    side = float(np.sqrt(sizes.sum() * 1e4))
    square = np.array([[0, 0], [side, 0], [side, side], [0, side]], dtype=float)
    order = random.permutation(count + others)
    shapes: list[shapely.Polygon | None] = [None] * (count + others)
    bend = _Bend(random, side)
    waiting = [(square, order, 0)]
    while waiting:
        polygon, members, depth = waiting.pop()
        if len(members) == 1:
            shapes[members[0]] = bend.apply(polygon)
            continue
        cut = max(1, min(len(members) - 1, round(len(members) * random.uniform(0.38, 0.62))))
        left, right = members[:cut], members[cut:]
        gap = ROAD_M if len(members) > 60 else TRACK_M if random.random() < 0.25 else EDGE_M
        share = sizes[left].sum() / sizes[members].sum()
        one, two = _split(polygon, share, gap, random)
        waiting += [(one, left, depth + 1), (two, right, depth + 1)]
    polygons = np.array(shapes, dtype=object)
    kinds = random.choice(["wood", "hamlet", "pond"], size=others, p=[0.5, 0.42, 0.08])
    return Plots(polygons[farmed], polygons[~farmed], kinds, side)


def _sizes(random: np.random.Generator, count: int, mean_ha: float) -> NDArray[np.float64]:
    spread = 0.75
    raw = random.lognormal(np.log(mean_ha) - spread**2 / 2, spread, count)
    return np.clip(raw, SMALLEST_HA * 1.15, LARGEST_HA)


def _split(
    polygon: NDArray[np.float64], share: float, gap: float, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cut a convex polygon across its long axis so that one piece holds `share` of the area, `gap` off both."""
    centred = polygon - polygon.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    turn = random.normal(0, 0.13)
    axis = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ axes[0]
    along = polygon @ axis
    low, high = along.min(), along.max()
    whole = _area(polygon)
    for _ in range(40):
        middle = (low + high) / 2
        if _area(_below(polygon, axis, middle)) < share * whole:
            low = middle
        else:
            high = middle
    # Thin leftovers cannot spare the full gap.
    spare = 0.2 * min(middle - along.min(), along.max() - middle)
    gap = min(gap, spare)
    return _below(polygon, axis, middle - gap), _below(polygon, -axis, -(middle + gap))


def _below(polygon: NDArray[np.float64], axis: NDArray[np.float64], limit: float) -> NDArray[np.float64]:
    """Part of a convex polygon where `point . axis <= limit` (Sutherland and Hodgman)."""
    inside: list[NDArray[np.float64]] = []
    height = polygon @ axis - limit
    for position in range(len(polygon)):
        here, there = position, (position + 1) % len(polygon)
        if height[here] <= 0:
            inside.append(polygon[here])
        if (height[here] <= 0) != (height[there] <= 0):
            step = height[here] / (height[here] - height[there])
            inside.append(polygon[here] + step * (polygon[there] - polygon[here]))
    return np.array(inside)


def _area(polygon: NDArray[np.float64]) -> float:
    x, y = polygon.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


class _Bend:
    """A smooth displacement of the plane: neighbours bend alike, so nothing overlaps."""

    def __init__(self, random: np.random.Generator, side: float) -> None:
        waves = 14
        self._length = random.uniform(350.0, 1400.0, waves)
        direction = random.uniform(0, 2 * np.pi, waves)
        self._vector = np.stack([np.cos(direction), np.sin(direction)]) * 2 * np.pi / self._length
        self._phase = random.uniform(0, 2 * np.pi, (2, waves))
        self._height = 0.011 * self._length
        self._side = side

    def apply(self, polygon: NDArray[np.float64]) -> shapely.Polygon:
        """Bent polygon, with a corner every 25 m or so."""
        ring = shapely.get_coordinates(shapely.segmentize(shapely.Polygon(polygon), 25.0))
        angle = ring @ self._vector
        # The displacement fades towards the rim of the square, which stays straight.
        rim = np.minimum(ring, self._side - ring).min(axis=1)
        fade = np.clip(rim / 120.0, 0, 1)[:, None]
        shift = np.stack([(np.sin(angle + phase) * self._height).sum(axis=1) for phase in self._phase], axis=1)
        return shapely.Polygon(np.round(ring + fade * shift, 2))
