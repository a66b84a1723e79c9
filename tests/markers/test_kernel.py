"""Zonal statistics against exactextract and plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from hypothesis import given, settings
from hypothesis import strategies as st

from sen4cap.area_fractions import cover
from sen4cap.grid import Grid
from sen4cap.lai.kernel import ndvi
from sen4cap.markers.kernel import (
    MEAN,
    PIXELS,
    STDEV,
    moments,
    normalised_difference,
    polarisation_ratio,
    statistics,
)

GRID = Grid("EPSG:32631", Affine(10, 0, 0, 0, -10, 300), (30, 20))
NODATA = -10000


def blocks_of(shapes: list[shapely.Geometry], height: int, width: int) -> list:
    return cover(shapes, GRID, height=height, width=width, threads=1)


def measured(
    values: np.ndarray, usable: np.ndarray, shapes: list, nodata: float, height: int, width: int
) -> np.ndarray:
    sums = np.zeros((3, len(values), len(shapes)))
    for block in blocks_of(shapes, height, width):
        rows = slice(block.window.row_off, block.window.row_off + block.window.height)
        columns = slice(block.window.col_off, block.window.col_off + block.window.width)
        sums[:, :, block.parcels] += moments(
            np.ascontiguousarray(values[:, rows, columns]),
            np.ascontiguousarray(usable[rows, columns]),
            nodata=nodata,
            first=block.first,
            pixel=block.pixel,
            fraction=block.fraction,
        )
    return statistics(sums)


@given(
    st.lists(
        st.tuples(st.floats(-20, 210), st.floats(-20, 310), st.floats(3, 60), st.integers(1, 6)), min_size=1, max_size=6
    ),
    st.integers(0, 2**32 - 1),
    st.sampled_from([np.int16, np.float32]),
    st.integers(3, 31),
    st.integers(3, 21),
)
@settings(max_examples=60)
def test_agrees_with_exactextract(circles: list, seed: int, kind: type, height: int, width: int) -> None:
    random = np.random.default_rng(seed)
    shapes = [shapely.Point(x, y).buffer(radius, quad_segs=corners) for x, y, radius, corners in circles]
    values = random.integers(-500, 7000, (2, 30, 20)).astype(kind)
    values[random.random(values.shape) < 0.2] = NODATA
    usable = random.random((30, 20)) < 0.7
    got = measured(values, usable, shapes, NODATA, height, width)
    for variable in range(2):
        raster = NumPyRasterSource(
            np.where(usable, values[variable], NODATA).astype(np.float64),
            xmin=0,
            ymin=0,
            xmax=200,
            ymax=300,
            nodata=NODATA,
        )
        records = [{"type": "Feature", "geometry": shapely.geometry.mapping(s), "properties": {}} for s in shapes]
        for parcel, found in enumerate(exact_extract(raster, records, ["count", "mean", "stdev"])):
            expected = found["properties"]
            np.testing.assert_allclose(got[PIXELS, variable, parcel], expected["count"], atol=1e-4)
            if expected["count"] > 1e-3:
                np.testing.assert_allclose(got[MEAN, variable, parcel], expected["mean"], rtol=1e-5, atol=0.01)
                np.testing.assert_allclose(got[STDEV, variable, parcel], expected["stdev"], rtol=1e-5, atol=0.05)


def test_what_is_not_seen_is_nan() -> None:
    shapes = [shapely.box(0, 200, 50, 300), shapely.box(100, 0, 150, 50)]
    values = np.full((2, 30, 20), 3.0, np.float32)
    values[1, 25:] = np.nan
    usable = np.ones((30, 20), bool)
    usable[:10] = False
    pixels, mean, stdev = measured(values, usable, shapes, np.nan, 1024, 1024)
    assert pixels.tolist() == [[0, 25], [0, 0]]
    np.testing.assert_array_equal(mean, [[np.nan, 3], [np.nan, np.nan]])
    np.testing.assert_array_equal(stdev, [[np.nan, 0], [np.nan, np.nan]])


def test_equal_values_have_no_spread() -> None:
    stats = statistics(np.array([[0.3 + 0.1], [0.3 * 0.7 + 0.1 * 0.7], [0.3 * 0.49 + 0.1 * 0.49]]))
    np.testing.assert_allclose(stats[:, 0], [0.4, 0.7, 0])
    assert stats[STDEV, 0] == 0


def test_normalised_difference() -> None:
    high = np.array([0.4, 0.1, np.nan, -0.01, 0.3, 0.0], np.float32)
    low = np.array([0.1, 0.4, 0.1, -0.02, -0.01, 0.0], np.float32)
    got = normalised_difference(high, low)
    np.testing.assert_allclose(got, [0.6, -0.6, np.nan, np.nan, 1.0, np.nan], rtol=1e-6)
    np.testing.assert_array_equal(got, ndvi(low, high))


def test_normalised_difference_is_numpy_s_to_the_last_bit() -> None:
    rng = np.random.default_rng(8)
    high, low = rng.uniform(-0.1, 1, (2, 60, 80)).astype(np.float32)
    high[rng.random(high.shape) < 0.1] = np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = np.where(high + low > 0, np.clip((high - low) / (high + low), -1, 1), np.nan)
    np.testing.assert_array_equal(normalised_difference(high, low), expected)


def test_polarisation_ratio() -> None:
    vv, vh = np.array([-9.0, np.nan, -12.5], np.float32), np.array([-16.0, -15.0, -20.0], np.float32)
    np.testing.assert_array_equal(polarisation_ratio(vv, vh, decibel=True), np.array([7, np.nan, 7.5], np.float32))
    power = polarisation_ratio(10 ** (vv / 10), 10 ** (vh / 10), decibel=False)
    np.testing.assert_allclose(power, [7, np.nan, 7.5], rtol=1e-5)
    zero = np.zeros(1, np.float32)
    assert np.isnan(polarisation_ratio(zero, zero, decibel=False))[0]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.float64])
def test_any_number_type(kind: type) -> None:
    values = np.arange(600).reshape(1, 30, 20).astype(kind)
    got = measured(values, np.ones((30, 20), bool), [shapely.box(0, 290, 100, 300)], 0, 1024, 1024)
    np.testing.assert_allclose(got[:, 0, 0], [9, 5, np.sqrt(60 / 9)])
