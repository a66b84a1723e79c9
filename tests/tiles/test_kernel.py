"""Cells cover their boxes; parcels are found on every footprint that they touch."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sen4cap.tiles.kernel import cells_of, parcels_on

corners_ = arrays(np.float64, st.tuples(st.integers(1, 40), st.just(2)), elements=st.floats(-10, 10))
sizes_ = st.floats(1e-4, 3)


@given(corners_, sizes_, st.floats(0.01, 1))
@settings(max_examples=100)
def test_cells_cover_every_box_and_little_more(corners: np.ndarray, side: float, size: float) -> None:
    boxes = np.concatenate([corners, corners + side], axis=1)
    cells = cells_of(boxes, size=size)
    assert len(cells) <= len(boxes)
    covered = shapely.union_all(shapely.box(*cells.T)).buffer(1e-9)
    assert all(covered.covers(shapely.box(*box)) for box in boxes)
    grown = shapely.union_all(shapely.box(*np.add(boxes, [-size, -size, size, size]).T)).buffer(1e-9)
    assert all(grown.covers(shapely.box(*cell)) for cell in cells)


def test_a_million_parcels_fill_few_cells() -> None:
    random = np.random.default_rng(1)
    corners = random.uniform((4.0, 50.0), (6.0, 51.0), (1_000_000, 2))
    cells = cells_of(np.concatenate([corners, corners + 0.002], axis=1), size=0.05)
    assert 800 <= len(cells) <= 4 * 900  # 41 x 21 cells, each alone, with its neighbour, and in fours
    assert not len(cells_of(np.full((3, 4), np.nan), size=0.05))


@given(corners_, sizes_, arrays(np.float64, (3, 2), elements=st.floats(-10, 10)), st.floats(1e-6, 0.5))
@settings(max_examples=100)
def test_parcels_are_those_of_a_plain_loop(corners: np.ndarray, side: float, places: np.ndarray, margin: float) -> None:
    boxes = np.concatenate([corners, corners + side], axis=1)
    boxes[::5] = np.nan
    footprints = [shapely.box(x, y, x + 4, y + 3) for x, y in places]
    found = parcels_on(boxes, footprints, margin=margin)
    for at, (x, y) in zip(found, places, strict=True):
        west, south, east, north = boxes.T
        beside = (west > x + 4 + margin) | (east < x - margin) | (south > y + 3 + margin) | (north < y - margin)
        expected = np.flatnonzero(~beside & np.isfinite(west))
        # Rounding decides about boxes that touch the edge exactly.
        near = np.abs(np.stack([west - x - 4 - margin, east - x + margin, south - y - 3 - margin, north - y + margin]))
        doubtful = np.flatnonzero((near < 1e-9).any(axis=0))
        assert set(at) - set(doubtful) == set(expected) - set(doubtful)
        assert (np.diff(at) > 0).all()
