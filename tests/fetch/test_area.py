"""Areas: boxes in other reference systems, and where an item or a raster meets them."""

from __future__ import annotations

import threading
import time

import geopandas as gpd
import numpy as np
import pystac
import shapely
from affine import Affine

from sen4cap.fetch.area import MARGIN_M, METRES_PER_DEGREE, Area
from sen4cap.fetch.copying import LARGE, Scratch
from sen4cap.grid import Grid
from sen4cap.parcels import read_parcels
from servers.archive import CENTRE, UTM


def box_item(*bounds):
    shape = shapely.geometry.mapping(shapely.box(*bounds))
    return pystac.Item("ITEM", shape, list(bounds), None, {"start_datetime": "2021-01-01T00:00:00Z",
                                                           "end_datetime": "2021-01-02T00:00:00Z"})  # fmt: skip


def test_parcels_in_another_system_agree_with_geopandas(parcels):
    area = Area.of_parcels(read_parcels(parcels))
    frame = gpd.read_file(parcels)
    for crs, near in ((UTM, 3.0), ("EPSG:3035", 15.0), ("EPSG:4326", 1e-4)):
        found, truth = area.boxes_in(crs), frame.to_crs(crs).total_bounds
        found = np.concatenate([found.min(axis=0)[:2], found.max(axis=0)[2:]])
        np.testing.assert_allclose(found, truth, atol=near, rtol=0)
        # A box around a turned box is the larger one.
        assert (found[:2] <= truth[:2] + near / 100).all()
        assert (found[2:] >= truth[2:] - near / 100).all()


def test_large_box_is_densified():
    # In a conic system a parallel bends away from the line between its ends.
    area = Area.of_bbox((0.0, 50.0, 20.0, 55.0))
    west, south, east, north = area.boxes_in("EPSG:3035")[0]
    truth = gpd.GeoSeries([shapely.segmentize(shapely.box(0, 50, 20, 55), 0.05)], crs=4326).to_crs(3035).total_bounds
    np.testing.assert_allclose([west, south, east, north], truth, atol=2_000)


def test_item_meets_the_parcels_not_their_box():
    x, y = CENTRE
    two = [shapely.box(x, y, x + 100, y + 100), shapely.box(x + 90_000, y, x + 90_100, y + 100)]
    boxes = np.array([box.bounds for box in two])
    area = Area("two farms", boxes, UTM)
    west, south, east, north = area.bbox
    assert area.touches(box_item(west - 0.01, south - 0.01, west + 0.01, north))
    assert not area.touches(box_item(west + 0.3, south - 0.1, west + 0.6, north + 0.1))
    bare = box_item(0, 0, 1, 1)
    bare.geometry = bare.bbox = None
    assert area.touches(bare)
    lists = box_item(0, 0, 1, 1)
    lists.geometry, lists.bbox = None, [west, south, 0.0, east, north, 500.0]
    assert area.touches(lists)


def test_clip_in_degrees_has_its_margin_in_metres():
    area = Area.of_bbox((3.0, 51.0, 3.1, 51.1))
    grid = Grid("EPSG:4326", Affine(0.001, 0, 2, 0, -0.001, 52), (2_000, 2_000))
    margin = MARGIN_M / METRES_PER_DEGREE
    np.testing.assert_allclose(area.clip(grid), (3 - margin, 51 - margin, 3.1 + margin, 51.1 + margin))
    assert Area.of_bbox((10.0, 51.0, 10.1, 51.1)).clip(grid) is None


def test_search_geometry_leaves_out_the_ground_between():
    near = np.array([[3.0, 51.0, 3.01, 51.01], [3.3, 51.0, 3.31, 51.01]])
    assert Area("near", near, "EPSG:4326").geometry is None
    lost = np.vstack([near, [[-20.0, 0.0, -19.99, 0.01]]])
    found = shapely.geometry.shape(Area("lost", lost, "EPSG:4326").geometry)
    assert found.area < 1
    for box in shapely.box(*lost.T):
        assert found.contains(box)


def test_coordinates_without_a_place_are_no_hindrance():
    boxes = np.array([[3.0, 51.0, 3.01, 51.01], [1e30, 1e30, 1e30, 1e30]])
    area = Area("odd", boxes, "EPSG:4326")
    assert np.isfinite(area.boxes_in(UTM)[0]).all()
    assert np.isnan(area.boxes_in(UTM)[1]).all()


def test_room_on_disk_is_shared_and_given_back(tmp_path):
    scratch = Scratch(10 * LARGE)
    most, held, guard = 0, 0, threading.Lock()

    def work(size: int) -> None:
        nonlocal most, held
        with scratch.array(tmp_path / "any", (size, LARGE), "uint8") as pixels:
            assert pixels.shape == (size, LARGE)
            with guard:
                held += min(size, 10)
                most = max(most, held)
            time.sleep(0.01)
            with guard:
                held -= min(size, 10)

    threads = [threading.Thread(target=work, args=(size,)) for size in (6, 6, 3, 20, 1, 6, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    assert most <= 10
