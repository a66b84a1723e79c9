"""Scenes read in blocks give the numbers of their files, wherever the files begin."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from made_scenes import Catalogue
from sen4cap.errors import BadInput
from sen4cap.remote import Patience, gdal_settings
from sen4cap.scene import Scene, reading
from sen4cap.stac import open_items

BANDS = ("B04", "B08", "B05", "B11")


def open_scene(catalogue: Catalogue, bands: tuple[str, ...] = BANDS, **settings: bool) -> Scene:
    return Scene.open(open_items(catalogue.folder)[0], bands, **settings)


def whole(scene: Scene) -> Window:
    return Window(0, 0, scene.grid.shape[1], scene.grid.shape[0])


def test_a_block_holds_the_numbers_of_the_files(catalogue: Catalogue) -> None:
    written = catalogue.add()
    with open_scene(catalogue) as scene:
        assert (scene.fine, scene.coarse) == (("B04", "B08"), ("B05", "B11"))
        assert scene.grid.shape == (40, 48)
        assert scene.tile == "31UDS"
        assert scene.day.isoformat() == "2021-09-01"
        block = scene.read(Window(4, 8, 20, 10))
        assert block.fine.dtype == np.uint16
        np.testing.assert_array_equal(block.fine, [written[name][8:18, 4:24] for name in scene.fine])
        np.testing.assert_array_equal(block.coarse, [written[name][4:9, 2:12] for name in scene.coarse])
        assert block.scl.shape == (5, 10)
        assert block.grid.bounds == (500040, 5600000 - 180, 500240, 5600000 - 80)
        expected = np.cos(np.radians([6.0, 60.0, 60.0]))
        np.testing.assert_allclose(block.cosines, expected, atol=1e-6)
        with pytest.raises(ValueError, match="20 m"):
            scene.read(Window(1, 0, 20, 10))


def test_windows_hold_whole_tiles_of_every_band(catalogue: Catalogue) -> None:
    tiles = {"tiled": True, "blockxsize": 1024, "blockysize": 1024}
    catalogue.add(shape=(2060, 2060), profile=tiles)
    with open_scene(catalogue, ("B04", "B11"), angles=False) as scene:
        corners = [(window.row_off, window.col_off, window.height, window.width) for window in scene.windows()]
    assert corners == [(0, 0, 2048, 2048), (0, 2048, 2048, 12), (2048, 0, 12, 2048), (2048, 2048, 12, 12)]


def test_windows_cover_the_scene_once(catalogue: Catalogue) -> None:
    catalogue.add(shape=(1100, 2060), profile={"tiled": True, "blockxsize": 256, "blockysize": 256})
    with open_scene(catalogue, ("B04",)) as scene:
        seen = np.zeros(scene.grid.shape, int)
        for window in scene.windows():
            assert window.height <= 1024
            assert window.width <= 1024
            seen[window.toslices()] += 1
        assert (seen == 1).all()


def test_files_in_strips_are_read_in_whole_rows(catalogue: Catalogue) -> None:
    written = catalogue.add(shape=(1100, 2060))
    with open_scene(catalogue, ("B04",)) as scene:
        assert {int(window.width) for window in scene.windows()} == {2060}
        parts = [scene.read(window).fine[0] for window in scene.windows()]
        np.testing.assert_array_equal(np.concatenate(parts), written["B04"])


@pytest.mark.parametrize(("west", "north"), [(500010, 5600000), (500000, 5599990), (500010, 5599990)])
def test_a_clip_that_begins_within_a_20_m_pixel_loses_nothing(catalogue: Catalogue, west: int, north: int) -> None:
    written = catalogue.add(
        shape=(17, 19), west=west, north=north, coarse_west=500000, coarse_north=5600000, coarse_shape=(10, 11)
    )
    with open_scene(catalogue) as scene:
        block = scene.read(whole(scene))
        top, left = (5600000 - north) // 10, (west - 500000) // 10
        assert scene.grid.transform.c == 500000
        assert scene.grid.transform.f == 5600000
        np.testing.assert_array_equal(block.fine[0, top : top + 17, left : left + 19], written["B04"])
        # What the 10 m band does not reach has no data.
        assert np.count_nonzero(block.fine[0]) == np.count_nonzero(written["B04"])
        rows, columns = block.coarse.shape[1:]
        np.testing.assert_array_equal(block.coarse[0], written["B05"][:rows, :columns])


def test_cells_of_a_window_are_those_of_its_block(catalogue: Catalogue) -> None:
    # Bands that begin and end elsewhere: what one holds must not be left where the next one holds nothing.
    catalogue.add(
        shape=(17, 19), west=500010, north=5599990, coarse_west=500000, coarse_north=5600000, coarse_shape=(10, 11)
    )
    with open_scene(catalogue, (*BANDS, "B12")) as scene:
        window = whole(scene)
        block = scene.read(window)
        rows, columns = block.scl.shape
        cells = np.flatnonzero(np.arange(rows * columns) % 3 != 1).astype(np.int32)
        found = scene.read_cells(window, cells)
    squares = block.fine.reshape(-1, rows, 2, columns, 2).transpose(0, 2, 1, 3, 4)
    expected = squares.reshape(-1, 2, rows * columns, 2)[:, :, cells].reshape(-1, 2, 2 * len(cells))
    np.testing.assert_array_equal(found.fine, expected)
    np.testing.assert_array_equal(found.coarse, block.coarse.reshape(-1, 1, rows * columns)[..., cells])
    np.testing.assert_array_equal(found.scl, block.scl.reshape(1, -1)[:, cells])
    np.testing.assert_array_equal(found.cosines, block.cosines)
    assert found.grid == block.grid


def test_a_passing_block_is_what_is_read_in_its_place(catalogue: Catalogue) -> None:
    catalogue.add(
        shape=(17, 19), west=500010, north=5599990, coarse_west=500000, coarse_north=5600000, coarse_shape=(10, 11)
    )
    with open_scene(catalogue) as scene:
        windows = [whole(scene), Window(2, 4, 8, 6), Window(0, 0, 4, 4), whole(scene)]
        kept = [scene.read(window) for window in windows]
        for window, expected in zip(windows, kept, strict=True):
            found = scene.read(window, passing=True)
            np.testing.assert_array_equal(found.fine, expected.fine)
            np.testing.assert_array_equal(found.coarse, expected.coarse)


def test_bands_of_other_extent_are_cut_to_what_all_share(catalogue: Catalogue) -> None:
    written = catalogue.add(shape=(40, 48), coarse_west=500100, coarse_north=5599960, coarse_shape=(30, 10))
    with open_scene(catalogue) as scene:
        assert scene.grid.bounds == (500100, 5599600, 500300, 5599960)
        block = scene.read(whole(scene))
        np.testing.assert_array_equal(block.fine[0], written["B04"][4:40, 10:30])
        np.testing.assert_array_equal(block.coarse[0], written["B05"][:18])


def test_a_20_m_file_of_a_10_m_band_is_taken_as_it_is(catalogue: Catalogue) -> None:
    written = catalogue.add()
    path = catalogue.folder / "S2A_31UDS_20210901_0_L2A" / "B04.tif"
    half = written["B04"][::2, ::2]
    with rasterio.open(path) as raster:
        profile = {
            **raster.profile,
            "height": 20,
            "width": 24,
            "transform": raster.transform @ raster.transform.scale(2),
        }
    with rasterio.open(path, "w", **profile) as sink:
        sink.write(half, 1)
    with open_scene(catalogue) as scene:
        assert scene.coarse == ("B04", "B05", "B11")
        block = scene.read(whole(scene))
        np.testing.assert_array_equal(block.coarse[0], half)
        red = scene.reflectance(block, "B04")
        np.testing.assert_allclose(red, half.repeat(2, axis=0).repeat(2, axis=1) * 1e-4, rtol=1e-6)


def test_reflectance_applies_scale_and_offset(catalogue: Catalogue) -> None:
    numbers = np.array([[0, 500], [1000, 3500]], np.uint16).repeat(4, axis=0).repeat(4, axis=1)
    catalogue.add(shape=(8, 8), numbers={"B04": numbers}, properties={"s2:processing_baseline": "04.00"})
    item = open_items(catalogue.folder)[0]
    del item.assets["red"].extra_fields["raster:bands"][0]["offset"]
    with Scene.open(item, ("B04",)) as scene:
        red = scene.reflectance(scene.read(whole(scene)), "B04")
    np.testing.assert_allclose(red[::4, ::4], [[np.nan, -0.05], [0.0, 0.25]], atol=1e-6)


def test_threads_read_the_same_numbers(catalogue: Catalogue) -> None:
    written = catalogue.add(shape=(200, 200))
    found: dict[int, np.ndarray] = {}
    with open_scene(catalogue) as scene:

        def read(top: int) -> None:
            for _ in range(5):
                found[top] = scene.read(Window(0, top, 200, 20)).fine[0]

        threads = [threading.Thread(target=read, args=(top,)) for top in range(0, 200, 20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    np.testing.assert_array_equal(np.concatenate([found[top] for top in sorted(found)]), written["B04"])


def test_most_vegetation_negative_in_red_is_told(catalogue: Catalogue, capsys: pytest.CaptureFixture[str]) -> None:
    red = np.full((40, 48), 300, np.uint16)
    catalogue.add(numbers={"B04": red})
    item = open_items(catalogue.folder)[0]
    item.assets["red"].extra_fields["raster:bands"][0]["offset"] = -0.1
    with Scene.open(item, ("B04",)) as scene:
        counts = scene.negative_vegetation(scene.read(whole(scene)))
        assert counts.tolist() == [480, 480]
        scene.warn_of_offset(counts)
        scene.warn_of_offset(np.array([100, 480]))
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "480 of 480 clear vegetation pixels" in told


def test_a_missing_band_is_named_with_what_is_there(catalogue: Catalogue) -> None:
    catalogue.add(without=("B11",))
    with pytest.raises(BadInput, match=r"item S2A_31UDS_20210901_0_L2A: has no asset for B11 \(swir16 or .*blue"):
        open_scene(catalogue)


def test_a_damaged_file_is_named(catalogue: Catalogue) -> None:
    catalogue.add(shape=(600, 600))
    path = catalogue.folder / "S2A_31UDS_20210901_0_L2A" / "B08.tif"
    path.write_bytes(path.read_bytes()[:-2000])
    with open_scene(catalogue) as scene, pytest.raises(BadInput, match=r"B08\.tif: is missing, truncated"):
        scene.read(whole(scene))
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(BadInput, match=r"B08\.tif: is missing, truncated"):
        open_scene(catalogue)
    path.unlink()
    with pytest.raises(BadInput, match=r"B08\.tif: is missing, truncated"):
        open_scene(catalogue)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"coarse_west": 500005}, "does not lie on the pixels"),
        ({"coarse_west": 600000}, "shares no ground"),
        ({"numbers": {"B05": np.ones((20, 24), np.float32)}}, "holds float32"),
    ],
)
def test_files_that_do_not_fit_are_refused(catalogue: Catalogue, settings: dict, reason: str) -> None:
    catalogue.add(**settings)
    with pytest.raises(BadInput, match=reason):
        open_scene(catalogue)


def test_other_crs_and_pixel_sizes_are_refused(catalogue: Catalogue) -> None:
    catalogue.add()
    path = catalogue.folder / "S2A_31UDS_20210901_0_L2A" / "B05.tif"
    with rasterio.open(path, "r+") as raster:
        raster.crs = "EPSG:32632"
    with pytest.raises(BadInput, match=r"B05\.tif: is in EPSG:32632, but"):
        open_scene(catalogue)
    with rasterio.open(path, "r+") as raster:
        raster.transform = raster.transform @ raster.transform.scale(3)
    with pytest.raises(BadInput, match="has pixels of 60 units"):
        open_scene(catalogue)


def test_an_item_without_angles_is_named(catalogue: Catalogue) -> None:
    catalogue.add(properties={"view:azimuth": None})
    with pytest.raises(BadInput, match=r"item S2A_31UDS_20210901_0_L2A: has no angles.*lack view:azimuth"):
        open_scene(catalogue)
    with open_scene(catalogue, angles=False) as scene:
        assert scene.read(whole(scene)).cosines.size == 0


def test_off_nadir_stands_in_for_the_incidence_angle(catalogue: Catalogue) -> None:
    catalogue.add(properties={"view:incidence_angle": None, "view:off_nadir": 8.0})
    with open_scene(catalogue) as scene:
        assert scene.read(whole(scene)).cosines[0] == pytest.approx(np.cos(np.radians(8)), abs=1e-6)


@pytest.mark.parametrize("settings", [reading, lambda: gdal_settings(Patience(retries=0, timeout_s=1))])
def test_gdal_keeps_a_row_of_tiles(settings) -> None:
    with settings():
        assert int(rasterio.env.getenv()["GDAL_CACHEMAX"]) > 2 * 1024 * 10980
