"""Pixel fractions against exactextract, on anything hypothesis can draw."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from sen4cap.area_fractions import cover
from sen4cap.coverage import Block
from sen4cap.grid import Grid
from sen4cap.parcel_shapes import ParcelShapes

ROWS, COLUMNS = 12, 9
GRID = Grid("EPSG:32631", Affine(10, 0, 500_000, 0, -10, 5_600_000), (ROWS, COLUMNS))

# Corners on quarter pixels often fall on pixel edges and corners; the others fall anywhere, also outside the grid.
corner = st.one_of(st.integers(-8, 60).map(lambda q: q / 4), st.floats(-2, 14))
ring = st.lists(st.tuples(corner, corner), min_size=3, max_size=9)
CENTIMETRE = 2.0**-10
"""In pixels, about. exactextract loses its way among points that are closer together than rounding."""


def polygonal(shape: shapely.Geometry) -> shapely.Geometry:
    parts = shapely.get_parts(shape)
    return shapely.union_all(parts[np.isin(shapely.get_type_id(parts), (3, 6))])


@st.composite
def shapes(draw: st.DrawFn, *, precision: float = 0.0) -> shapely.Geometry:
    """Valid polygons with holes and multipolygons, their rings in any direction."""
    drawn = [(draw(ring), draw(st.booleans())) for _ in range(draw(st.integers(1, 3)))]
    shape = shapely.Polygon()
    try:
        for corners, adds in drawn:
            other = shapely.make_valid(shapely.Polygon(corners))
            shape = polygonal(shape.union(other) if adds or shape.is_empty else shape.difference(other))
        with np.errstate(all="ignore"):
            shape = polygonal(shapely.set_precision(shape, precision))
    except shapely.GEOSException:  # overlay fails on nearly coincident lines
        reject()
    turned = draw(st.booleans())
    on_map = shapely.transform(shape, lambda xy: xy * [10, -10] + [500_000, 5_600_000])
    if not on_map.is_valid:
        reject()
    return shapely.reverse(on_map) if turned else on_map


@dataclass
class Whole:
    """Pixels of every parcel on a grid: of the one window that holds it all."""

    grid: Grid
    parcels: int
    blocks: list[Block]

    @property
    def first(self) -> np.ndarray:
        counts = np.zeros(self.parcels, np.int64)
        for block in self.blocks:
            counts[block.parcels] = np.diff(block.first)
        return np.concatenate([[0], np.cumsum(counts)])

    @property
    def pixel(self) -> np.ndarray:
        return np.concatenate([np.empty(0, np.int32), *(block.pixel for block in self.blocks)])

    @property
    def fraction(self) -> np.ndarray:
        return np.concatenate([np.empty(0, np.float32), *(block.fraction for block in self.blocks)])

    def areas(self) -> np.ndarray:
        areas = np.zeros(self.parcels)
        for block in self.blocks:
            areas[block.parcels] = block.areas()
        return areas

    def __len__(self) -> int:
        return self.parcels


def whole(drawn, grid: Grid, *, threads: int = 1) -> Whole:
    rows, columns = grid.shape
    return Whole(grid, len(drawn), cover(drawn, grid, height=rows, width=columns, threads=threads))


def laid(parcels: gpd.GeoSeries, shapes: ParcelShapes, grid: Grid, *, buffer: float) -> tuple[Whole, np.ndarray]:
    rows, columns = grid.shape
    blocks, vanished = shapes.on(grid, buffer=buffer, height=rows, width=columns)
    return Whole(grid, len(parcels), blocks), vanished


def dense(found: Whole) -> np.ndarray:
    image = np.zeros((len(found), found.grid.shape[0] * found.grid.shape[1]))
    for i in range(len(found)):
        part = slice(found.first[i], found.first[i + 1])
        assert (np.diff(found.pixel[part]) > 0).all()
        image[i, found.pixel[part]] = found.fraction[part]
    return image


def by_exactextract(shape: shapely.Geometry, grid: Grid) -> np.ndarray:
    image = np.zeros(grid.shape[0] * grid.shape[1])
    if shape.is_empty:
        return image
    west, south, east, north = grid.bounds
    raster = NumPyRasterSource(np.ones(grid.shape), xmin=west, ymin=south, xmax=east, ymax=north)
    record = {"type": "Feature", "geometry": shapely.geometry.mapping(shape), "properties": {}}
    (found,) = exact_extract(raster, [record], ["cell_id", "coverage"])
    image[found["properties"]["cell_id"].astype(int)] = found["properties"]["coverage"]
    return image


@given(st.lists(shapes(precision=CENTIMETRE), min_size=1, max_size=4))
@settings(max_examples=150)
def test_agrees_with_exactextract(drawn: list[shapely.Geometry]) -> None:
    got = dense(whole(drawn, GRID))
    expected = np.array([by_exactextract(shape, GRID) for shape in drawn])
    np.testing.assert_allclose(got, expected, atol=1e-6)


@given(shapes())
@settings(max_examples=100)
def test_areas_add_up(shape: shapely.Geometry) -> None:
    inside = shapely.area(shape.intersection(shapely.box(*GRID.bounds))) / 100
    found = whole([shape], GRID)
    np.testing.assert_allclose(found.areas(), [inside], atol=1e-4)
    assert found.fraction.dtype == np.float32
    assert ((found.fraction > 0) & (found.fraction <= 1)).all()


@given(st.lists(shapes(), max_size=4), st.integers(1, 13), st.integers(1, 13))
@settings(max_examples=60)
def test_blocks_hold_the_same_pixels(drawn: list[shapely.Geometry], size: int, wide: int) -> None:
    image = np.zeros((len(drawn), ROWS, COLUMNS))
    for block in cover(drawn, GRID, height=size, width=wide, threads=1):
        window = block.window
        assert len(block.parcels)
        assert (np.diff(block.parcels) > 0).all()
        assert window.height <= size
        assert window.width <= wide
        seen = np.zeros((window.height, window.width), bool)
        for parcel, low, high in zip(block.parcels, block.first, block.first[1:], strict=False):
            rows, columns = np.divmod(block.pixel[low:high], window.width)
            seen[rows, columns] = True
            assert (image[parcel, window.row_off + rows, window.col_off + columns] == 0).all()
            image[parcel, window.row_off + rows, window.col_off + columns] = block.fraction[low:high]
        assert (seen == block.covered()).all()
    np.testing.assert_allclose(image.reshape(len(drawn), ROWS * COLUMNS), dense(whole(drawn, GRID)), atol=1e-6)


def test_a_huge_bounding_box_is_drawn_in_strips() -> None:
    grid = Grid("EPSG:32631", Affine(10, 0, 500_000, 0, -10, 5_600_000), (3000, 3000))
    far = shapely.MultiPolygon(
        [shapely.box(500_003, 5_599_900, 500_033, 5_599_990), shapely.box(529_000, 5_570_101, 529_990, 5_570_999)]
    )
    ring_ = (
        shapely.Point(515_000, 5_585_000).buffer(14_000).difference(shapely.Point(515_000, 5_585_000).buffer(13_900))
    )
    found = whole([far, ring_], grid)
    np.testing.assert_allclose(found.areas(), [far.area / 100, ring_.area / 100], rtol=1e-6)
    assert found.first[1] == 4 * 9 + 99 * 90


def test_threads_do_not_matter() -> None:
    random = np.random.default_rng(1)
    grid = Grid("EPSG:32631", Affine(10, 0, 500_000, 0, -10, 5_600_000), (1000, 1000))
    x, y = random.uniform(0, 10_000, (2, 5000))
    drawn = shapely.buffer(shapely.points(500_000 + x, 5_600_000 - y), random.uniform(1, 90, 5000), quad_segs=3)
    one, two = (whole(drawn, grid, threads=threads) for threads in (1, 2))
    np.testing.assert_array_equal(one.first, two.first)
    np.testing.assert_array_equal(one.pixel, two.pixel)
    np.testing.assert_array_equal(one.fraction, two.fraction)


def test_grids_past_two_billion_pixels() -> None:
    grid = Grid("EPSG:3035", Affine(10, 0, 0, 0, -10, 5_000_000), (50_000, 50_000))
    drawn = [shapely.box(499_985, 4_500_000, 500_000, 4_500_010)]
    (block,) = cover(drawn, grid, height=10_000, width=10_000, threads=1)
    rows, columns = np.divmod(block.pixel.astype(np.int64), block.window.width)
    position = (block.window.row_off + rows) * 50_000 + block.window.col_off + columns
    assert position.tolist() == [49_999 * 50_000 + 49_998, 49_999 * 50_000 + 49_999]
    assert block.fraction.tolist() == [0.5, 1.0]


@pytest.mark.parametrize("crs", ["EPSG:31370", "EPSG:3035", "EPSG:4326", "EPSG:32632"])
def test_parcels_of_any_crs_lie_where_they_are(crs: str) -> None:
    grid = Grid("EPSG:32631", Affine(10, 0, 500_000, 0, -10, 5_600_000), (700, 700))
    here = gpd.GeoSeries([shapely.box(500_100, 5_593_400, 506_500, 5_599_903)], crs=grid.crs)
    # A long edge reprojected by its ends alone bends by metres: the densified original tells the truth.
    moved = here.segmentize(10).to_crs(crs).simplify(0)
    found, vanished = laid(moved, ParcelShapes(moved, threads=1), grid, buffer=0.0)
    assert not len(vanished)
    np.testing.assert_allclose(dense(found), dense(whole(here.to_numpy(), grid)), atol=0.01)


def test_long_edges_stay_where_they_are() -> None:
    grid = Grid("EPSG:32631", Affine(10, 0, 500_000, 0, -10, 5_600_000), (1100, 1100))
    degrees = gpd.GeoSeries([shapely.box(3.01, 50.46, 3.12, 50.54)], crs=4326)
    truth = degrees.segmentize(0.0002).to_crs(grid.crs)
    found, _ = laid(degrees, ParcelShapes(degrees, threads=1), grid, buffer=0.0)
    np.testing.assert_allclose(dense(found), dense(whole(truth.to_numpy(), grid)), atol=0.005)


def test_inner_buffer_in_metres_on_any_grid() -> None:
    field = shapely.box(500_100, 5_599_400, 500_200, 5_599_500)
    sliver = shapely.box(500_100, 5_599_300, 500_109, 5_599_390)
    fields = gpd.GeoSeries([sliver, field], crs="EPSG:32631")
    parcels = ParcelShapes(fields, threads=1)
    grid = Grid("EPSG:32631", Affine(10, 0, 500_000, 0, -10, 5_600_000), (100, 100))
    found, vanished = laid(fields, parcels, grid, buffer=-5.0)
    assert vanished.tolist() == [0]
    np.testing.assert_allclose(found.areas(), [0, 81], rtol=1e-6)
    assert laid(fields, parcels, grid, buffer=-10.0)[0].areas()[1] == pytest.approx(64, rel=1e-6)
    degrees = Grid("EPSG:4326", Affine(1e-4, 0, 3.0, 0, -1e-4, 50.56), (200, 200))
    found, vanished = laid(fields, parcels, degrees, buffer=-5.0)
    assert vanished.tolist() == [0]
    metres = 1e-4 * 111_240 * 1e-4 * 111_320 * np.cos(np.radians(50.547))
    np.testing.assert_allclose(found.areas()[1] * metres, 8100, rtol=0.005)


def test_parcels_elsewhere_have_no_pixels() -> None:
    grid = Grid("EPSG:32631", Affine(10, 0, 500_000, 0, -10, 5_600_000), (100, 100))
    far = gpd.GeoSeries([shapely.box(0, 0, 1, 1), shapely.box(3.001, 50.546, 3.002, 50.547)], crs=4326)
    parcels = ParcelShapes(far, threads=1)
    assert parcels.near(grid).tolist() == [1]
    found, vanished = laid(far, parcels, grid, buffer=0.0)
    assert np.diff(found.first)[0] == 0
    assert np.diff(found.first)[1] > 0
    assert not len(vanished)


def test_no_parcel_at_all() -> None:
    found = whole([], GRID)
    assert len(found) == 0
    assert cover([], GRID, height=4, width=4, threads=1) == []
    assert len(whole([shapely.Polygon()], GRID).pixel) == 0
