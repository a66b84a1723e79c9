"""Clips against shapely, replaced looks against what must hold for any of them."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sen4cap.fetch.kernel import COVERED, Look, all_nodata, clip_bounds, superseded, touching

corner = arrays(np.float64, st.tuples(st.integers(0, 12), st.just(2)), elements=st.integers(-20, 20))


@given(corner, st.integers(0, 5))
def test_clip_is_the_box_around_the_parcels_on_the_raster(corners, margin):
    boxes = np.hstack([corners, corners + 3.0])
    raster = shapely.box(-5, -5, 8, 9)
    inside = [box for box in shapely.box(*boxes.T) if raster.intersection(box).area > 0]
    found = clip_bounds(boxes, bounds=raster.bounds, margin=margin)
    if not inside:
        assert found is None
    else:
        west, south, east, north = shapely.union_all(inside).bounds
        assert found == (west - margin, south - margin, east + margin, north + margin)
    assert touching(boxes, bounds=raster.bounds).sum() == len(inside)


def test_boxes_without_a_place_touch_nothing():
    boxes = np.array([[np.nan, 0, np.nan, 1]])
    assert not touching(boxes, bounds=(-1e9, -1e9, 1e9, 1e9)).any()


@pytest.mark.parametrize(
    ("pixels", "nodata", "empty"),
    [
        (np.zeros((1, 2, 2), np.uint16), 0, True),
        (np.array([[[0, 1]]], np.uint16), 0, False),
        (np.zeros((1, 2, 2), np.uint16), None, False),
        (np.full((1, 2, 2), np.nan, np.float32), np.nan, True),
        (np.full((1, 2, 2), np.nan, np.float32), None, True),
        (np.array([[[np.nan, -32768]]], np.float32), -32768.0, True),
        (np.array([[[np.nan, -12.5]]], np.float32), -32768.0, False),
    ],
)
def test_all_nodata(pixels, nodata, empty):
    assert all_nodata(pixels, nodata=nodata) is empty


def look(version, *, second=0.0, left=0.0, width=10.0, scene=("s2a", "31UES", "8"), slack=60.0):
    return Look(scene, second, slack, (version,), shapely.box(left, 0, left + width, 10))


def test_newest_version_stands_in_for_the_older_ones():
    assert superseded([look(2), look(5, second=3), look(4, second=-3)]) == {0: 1, 2: 1}


def test_halves_of_a_cut_pass_complete_each_other():
    assert superseded([look(5, width=6), look(5.1, left=5, width=5)]) == {}


def test_reprocessed_whole_replaces_both_halves():
    assert superseded([look(2, width=6), look(2.1, left=5, width=5), look(5)]) == {0: 2, 1: 2}


def test_other_day_tile_or_satellite_is_another_look():
    assert superseded([look(2), look(5, second=86_400 * 5)]) == {}
    assert superseded([look(2), look(5, scene=("s2a", "31UFS", "8"))]) == {}
    assert superseded([look(2), look(5, scene=("s2b", "31UES", "8"))]) == {}


looks = st.builds(
    look,
    st.integers(0, 5),
    second=st.sampled_from([0.0, 20.0, 500.0]),
    left=st.integers(0, 8),
    width=st.integers(1, 10),
    scene=st.sampled_from([("a",), ("b",)]),
)


@given(st.lists(looks, max_size=8))
def test_what_falls_is_covered_by_newer_looks_that_stay(found):
    falls = superseded(found)
    for index, other in falls.items():
        fallen = found[index]
        stay = [
            kept
            for k, kept in enumerate(found)
            if k not in falls
            and kept.scene == fallen.scene
            and kept.version >= fallen.version
            and abs(kept.second - fallen.second) <= 60
        ]
        assert found[other] in stay
        shared = fallen.footprint.intersection(shapely.union_all([kept.footprint for kept in stay]))
        assert shared.area >= COVERED * fallen.footprint.area - 1e-9
