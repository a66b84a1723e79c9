"""The folder as a whole: a valid catalogue of cloud-optimised images, the same for the same seed, and after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pystac
import pytest
import rasterio
import shapely

from sen4cap.bands import band_assets, reflectance_scaling, wanted_assets
from sen4cap.simulate.plots import draw_plots
from sen4cap.stac import open_items, orbit_of, tile_of

BANDS = ["B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12", "SCL"]


def arrays(folder: Path) -> dict[str, np.ndarray]:
    found = {}
    for path in sorted(folder.rglob("*.tif")):
        with rasterio.open(path) as raster:
            found[str(path.relative_to(folder))] = raster.read(1)
    return found


def test_items_are_shaped_like_those_of_earth_search(season_folder: Path) -> None:
    items = open_items(season_folder)
    assert len(items) >= 12
    assert len({item.id for item in items}) == len(items)
    for item in items:
        assets = wanted_assets(item, BANDS)
        assert set(band_assets(item)) == set(BANDS)
        assert set(item.assets) == {
            *("blue", "green", "red", "nir", "rededge1", "rededge2", "rededge3", "nir08", "swir16", "swir22", "scl"),
        }
        assert tile_of(item) == "31UFS"
        assert orbit_of(item) in ("008", "051")
        for name in ("view:sun_azimuth", "view:sun_elevation", "view:azimuth", "view:incidence_angle"):
            assert isinstance(item.properties[name], float)
        assert 0 <= item.properties["eo:cloud_cover"] <= 100
        assert reflectance_scaling(item, assets["B04"]) == (1e-4, 0.0)
        assert shapely.geometry.shape(item.geometry).is_valid
        # Baseline 04.00 came in on 25 January 2022; its items declare an offset that is applied already.
        shifted = item.id.split("_")[2] >= "20220125"
        assert item.properties["earthsearch:boa_offset_applied"] is shifted
        assert item.properties["s2:processing_baseline"] == ("04.00" if shifted else "03.01")
        assert assets["B04"].extra_fields["raster:bands"][0]["offset"] == (-0.1 if shifted else 0)
    assert {item.properties["earthsearch:boa_offset_applied"] for item in items} == {True, False}


def test_catalogue_is_one_for_pystac(season_folder: Path) -> None:
    catalogue = pystac.Catalog.from_file(str(season_folder / "catalog.json"))
    items = list(catalogue.get_items(recursive=True))
    assert items
    for item in items:
        assert pystac.Item.from_dict(item.to_dict()).id == item.id
        for asset in item.assets.values():
            assert Path(asset.get_absolute_href() or "").is_file()


def test_images_lie_on_the_grid_that_their_item_says(season_folder: Path) -> None:
    item = open_items(season_folder)[3]
    for name, asset in band_assets(item).items():
        with rasterio.open(asset.get_absolute_href()) as raster:
            size = 20 if name in ("SCL", "B05", "B06", "B07", "B8A", "B11", "B12") else 10
            assert raster.res == (size, size)
            assert raster.crs.to_epsg() == 32631
            assert item.properties["proj:code"] == "EPSG:32631"
            assert list(raster.shape) == asset.extra_fields["proj:shape"]
            assert list(raster.transform)[:6] == asset.extra_fields["proj:transform"]
            assert raster.dtypes == ("uint8" if name == "SCL" else "uint16",)
            assert raster.nodata == 0
            values = raster.read(1)
            assert values.min() > 0
            if name == "SCL":
                assert set(np.unique(values)) <= set(range(2, 12))


def test_images_are_cloud_optimised(season_folder: Path, tmp_path: Path) -> None:
    from affine import Affine

    from sen4cap.simulate.archive import write_cog

    large = tmp_path / "large.tif"
    write_cog(
        large,
        np.arange(1300 * 1200, dtype=np.uint16).reshape(1300, 1200),
        crs="EPSG:32631",
        transform=Affine(10, 0, 600_000, 0, -10, 5_700_000),
    )
    for path in (large, *sorted(season_folder.rglob("B04.tif"))[:3], *sorted(season_folder.rglob("SCL.tif"))[:2]):
        with rasterio.open(path) as raster:
            assert raster.profile["tiled"]
            assert raster.compression is not None
            overviews = raster.overviews(1)
            if max(raster.shape) > 512:
                assert overviews
            # Directories stand before the data, the overviews' data before that of the full image.
            directory = int(raster.get_tag_item("IFD_OFFSET", "TIFF", bidx=1))
            block = int(raster.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1))
            assert directory < 1000
            assert directory < block
        for level in range(len(overviews)):
            with rasterio.open(path, overview_level=level) as smaller:
                assert int(smaller.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1)) < block


def test_parcels_are_in_the_national_system_with_the_known_columns(season_folder: Path) -> None:
    parcels = gpd.read_file(season_folder / "parcels.gpkg")
    assert parcels.crs.to_epsg() == 31370
    assert {"NewID", "ori_id", "ori_crop", "crop_before", "crop_after", "HoldID", "Area_meters", "S2Pix"} <= set(
        parcels
    )
    assert parcels["NewID"].tolist() == list(range(1, 15))
    assert parcels.is_valid.all()
    np.testing.assert_allclose(parcels["Area_meters"], parcels.area, atol=0.1)
    inside = gpd.GeoSeries([shapely.geometry.shape(open_items(season_folder)[0].geometry)], crs=4326).to_crs(31370)
    assert parcels.within(inside.iloc[0]).all()
    truth = pd.read_csv(season_folder / "truth.csv")
    assert (truth["crop_before"] == parcels["crop_before"]).all()


def test_parcels_have_real_sizes_and_do_not_overlap() -> None:
    plots = draw_plots(400, mean_ha=2.2, seed=4)
    hectares = shapely.area(plots.parcels) / 1e4
    assert hectares.min() > 0.2
    assert hectares.max() < 10.5
    assert 1.8 < hectares.mean() < 2.5
    assert 0.75 < hectares.sum() * 1e4 / plots.side**2 < 0.95
    assert shapely.is_valid(plots.parcels).all()
    everything = np.concatenate([plots.parcels, plots.others])
    tree = shapely.STRtree(everything)
    one, two = tree.query(everything, predicate="intersects")
    pairs = one < two
    assert shapely.area(shapely.intersection(everything[one[pairs]], everything[two[pairs]])).sum() < 1.0


def test_weather_covers_the_images_and_the_month_before(season_folder: Path) -> None:
    weather = pd.read_csv(season_folder / "weather.csv")
    assert list(weather.columns) == [
        *("date", "precipitation_mm", "temperature_mean_c", "temperature_min_c", "temperature_max_c"),
    ]
    assert weather["date"].iloc[0] == "2021-12-05"
    assert weather["date"].iloc[-1] == "2022-02-12"


def test_same_seed_same_values_whatever_the_threads(season_folder: Path, tmp_path: Path, simulate_small) -> None:
    simulate_small(tmp_path / "again", "--threads", "1")
    first, second = arrays(season_folder), arrays(tmp_path / "again")
    assert list(first) == list(second)
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name], err_msg=name)
    for name in ("truth.csv", "l4c.csv", "insitu.csv", "weather.csv", "crops.csv", "catalog.json"):
        assert (season_folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_a_killed_run_leaves_nothing_and_a_rerun_gives_the_same(season_folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "sim"
    command = [
        *(sys.executable, "-m", "sen4cap", "simulate", "--season", "2021", "--parcels-count", "14", "--seed", "5"),
        *("--start", "2022-01-05", "--end", "2022-02-12", "--label-noise", "0", "--output", str(output)),
    ]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    unfinished = tmp_path / ".sim.partial"
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline and not list(unfinished.glob("*/SCL.tif")):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not output.exists()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    assert not unfinished.exists()
    first, second = arrays(season_folder), arrays(output)
    assert list(first) == list(second)
    assert all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("kind", ["self", "root"])
def test_catalogue_can_be_moved(season_folder: Path, kind: str) -> None:
    for path in season_folder.glob("*/*.json"):
        record = json.loads(path.read_text())
        assert all(not link["href"].startswith("/") for link in record["links"] if link["rel"] == kind)
        assert all(asset["href"].startswith("./") for asset in record["assets"].values())
