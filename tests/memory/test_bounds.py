"""Tools that may hold less than they read and write give the same answers.

What has no limit comes first, so that kernels are compiled when the limit holds: a compiler needs memory of its own.
"""

from __future__ import annotations

import datetime
import filecmp
import itertools
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pystac
import pytest
import rasterio
import shapely
from affine import Affine

from benchmarks import made
from made_products import COLUMNS, ROWS, write_products
from made_products import END as PRODUCTS_END
from made_products import START as PRODUCTS_START
from made_scenes import COARSE, FINE
from sen4cap.series import open_series
from sen4cap.stac import write_items

from .conftest import COVERED, END, FEW, PARCELS, START

pytestmark = pytest.mark.slow
LIMIT = 480
"""MiB. Of these the interpreter and its libraries take some 230; the marker table and the series are larger."""
SIDE, RASTER_LIMIT, COPY_LIMIT = 10980, 1100, 900
"""A whole tile: 2.4 GB in float32, of which two threads hold their blocks. Of what is copied only decoded tiles are
held; the stacks of 24 threads count 192 MiB."""


PARCELS_LIMIT = 900
"""Tools that hold the parcels' outlines."""
COUNTRY, COUNTRY_LIMIT = 500_000, 620
"""Parcels that are split by tile. With a second copy of their outlines they took 740 MiB."""
MAPS_LIMIT = 640
"""A block of 1024 x 1024 pixels with 60 dates of LAI and FCOVER is 250 MB."""


def run_chain(table: Path, fields: Path, labels: Path, run: Callable[..., None], folder: str, mib: int) -> None:
    span = ("--start", START, "--end", END)
    run("smooth", "--markers", table, *span, "--threads", 2, "--output", f"{folder}/series.arrow", mib=mib)
    series = ("--series", f"{folder}/series.arrow")
    run("season", *series, "--markers", table, "--threads", 2, "--output", f"{folder}/season.csv", mib=mib)
    run("soil", "--markers", table, *span, "--threads", 2, "--output", f"{folder}/soil.csv", mib=mib)
    run("harvest", *series, "--threads", 2, "--output", f"{folder}/harvest.csv", mib=mib)
    given = [word for name in ("season", "harvest", "soil") for word in (f"--{name}", f"{folder}/{name}.csv")]
    run("intercrop", *given, "--output", f"{folder}/intercrop.csv", mib=mib)
    most = PARCELS_LIMIT if mib else 0
    parcels = ("--parcels", fields, *series)
    run("classify", *parcels, "--method", "threshold", "--threads", 2, "--output", f"{folder}/wcc", mib=most)
    forest = ("classify", *parcels, "--threads", 2, "--output")
    run(*forest, f"{folder}/trained", "--insitu", labels, mib=most)
    run(*forest, f"{folder}/forest", "--model", f"{folder}/trained/model.npz", mib=most)
    results = ("--classes", f"{folder}/wcc", *given[:2], "--intercrop", f"{folder}/intercrop.csv")
    kept = ("--markers", table, "--keep-markers")
    run("report", *parcels, *results, *kept, "--typical", 2, "--output", f"{folder}/report", mib=most)


def some_of(fields: Path, path: Path, count: int) -> Path:
    """Write the first parcels of a file."""
    pyogrio.write_dataframe(pyogrio.read_dataframe(fields, max_features=count), path)
    return path


def test_series_larger_than_the_limit(tables: tuple[Path, Path], limited: Callable[..., None], tmp_path: Path) -> None:
    many, few = tables
    fields = made.parcels(tmp_path / "parcels.gpkg", PARCELS, SIDE)
    labels = tmp_path / "insitu.csv"
    labels.write_text("NewID,class\n" + "".join(f"{k + 1},{1 if k % COVERED == 0 else 2}\n" for k in range(FEW)))
    run_chain(few, some_of(fields, tmp_path / "some.gpkg", FEW), labels, limited, "few", 0)
    run_chain(many, fields, labels, limited, "many", LIMIT)
    series = (tmp_path / "many/series.arrow").stat().st_size
    assert min(many.stat().st_size, series) > LIMIT << 20
    assert many.stat().st_size + series > PARCELS_LIMIT << 20
    with open_series(tmp_path / "many/series.arrow") as large, open_series(tmp_path / "few/series.arrow") as small:
        for name in small:
            np.testing.assert_array_equal(large[name].to_numpy()[:FEW], small[name].to_numpy())
    for name in ("season", "soil", "harvest", "intercrop", "wcc/wcc", "trained/wcc", "forest/wcc"):
        with (tmp_path / f"many/{name}.csv").open() as large, (tmp_path / f"few/{name}.csv").open() as small:
            expected = small.read().splitlines()
            assert len(expected) > FEW / 2
            assert list(map(str.rstrip, itertools.islice(large, len(expected)))) == expected
    for name in ("season.csv", "intercrop.csv", "wcc/wcc.csv", "series.arrow"):
        assert filecmp.cmp(tmp_path / "many" / name, tmp_path / "many/report" / Path(name).name, shallow=False)
    assert (tmp_path / "many/report/index.html").stat().st_size > 0
    dated = [line for line in (tmp_path / "many/season.csv").read_text().splitlines() if line.split(",")[1][:2] == "20"]
    assert len(dated) > 0.8 * PARCELS / COVERED


def flat_scene(folder: Path, side: int) -> Path:
    """Catalogue of one scene whose bands hold one number each: large in memory, small on disk."""
    place = folder / "files"
    place.mkdir(parents=True)
    for name in (*FINE, *COARSE):
        size = 10 if name in FINE else 20
        number, dtype = (4, "uint8") if name == "SCL" else (made.LEVEL[name], "uint16")
        with rasterio.open(
            place / f"{name}.tif", "w", driver="GTiff", width=side * 10 // size, height=side * 10 // size, count=1,
            dtype=dtype, crs=made.CRS, transform=Affine(size, 0, made.WEST, 0, -size, made.NORTH), nodata=0,
            tiled=True, blockxsize=1024, blockysize=1024, compress="zstd",
        ) as sink:  # fmt: skip
            for _, window in sink.block_windows(1):
                sink.write(np.full((window.height, window.width), number, dtype), 1, window=window)
    return made.catalogue_of(folder, made.dates(1))


def test_images_larger_than_the_limit(limited: Callable[..., None], tmp_path: Path) -> None:
    large, small = flat_scene(tmp_path / "large", SIDE), flat_scene(tmp_path / "small", 64)
    for name, items, mib in (("small", small, 0), ("large", large, RASTER_LIMIT)):
        limited("lai", "--items", items, "--threads", 2, "--output", f"l3b-{name}", mib=mib)
    for path in sorted((tmp_path / "l3b-small").rglob("*.TIF")):
        with rasterio.open(path) as source:
            expected = np.unique(source.read(1))
        with rasterio.open(tmp_path / "l3b-large" / path.relative_to(tmp_path / "l3b-small")) as source:
            assert source.shape == (SIDE, SIDE)
            for _, window in source.block_windows(1):
                np.testing.assert_array_equal(np.unique(source.read(1, window=window)), expected)


def test_copies_larger_than_the_limit(limited: Callable[..., None], tmp_path: Path) -> None:
    """Two dates of a whole tile are 2.6 GB, which pass through files."""
    large, small = flat_scene(tmp_path / "large", SIDE), flat_scene(tmp_path / "small", 64)
    west, north, side = made.WEST, made.NORTH, 10 * SIDE
    words = ("--collection", "any", "--start", made.START, "--end", "2021-12-31")
    for name, items, count, mib in (("small", small, 64, 0), ("large", large, SIDE, COPY_LIMIT)):
        made.catalogue_of(items, made.dates(2))
        inside = shapely.box(west + 5 * count, north - 5 * count, west + 5 * count + 20, north - 5 * count + 20)
        area = shapely.box(west + 100, north - 10 * count + 100, west + 10 * count - 100, north - 100)
        frame = gpd.GeoDataFrame({"NewID": [1, 2]}, geometry=[inside, area], crs=made.CRS)
        frame.to_file(tmp_path / f"{name}.gpkg")
        parcels = ("--parcels", tmp_path / f"{name}.gpkg")
        limited("fetch", "--catalog", items, *words, *parcels, "--output", f"l2a-{name}", mib=mib)
    assert side * side // 100 * 2 * 2 * 5 > COPY_LIMIT << 20
    copies = sorted((tmp_path / "l2a-small").rglob("*.tif"))
    assert len(copies) == 2 * len({**FINE, **COARSE})
    for path in copies:
        with rasterio.open(path) as source:
            expected = np.unique(source.read(1))
        with rasterio.open(tmp_path / "l2a-large" / path.relative_to(tmp_path / "l2a-small")) as source:
            assert max(source.shape) * source.res[0] > 0.99 * side
            for _, window in source.block_windows(1):
                np.testing.assert_array_equal(np.unique(source.read(1, window=window)), expected)


def test_parcels_of_a_country_by_tile(limited: Callable[..., None], tmp_path: Path) -> None:
    """Outlines are held, 0.6 kB a parcel, and nothing else of that size: neither copies of them nor their boxes."""
    fields = made.parcels(tmp_path / "parcels.gpkg", COUNTRY, SIDE)
    items = []
    for k, (west, south) in enumerate(itertools.product((2.9, 3.4, 3.9, 4.4), (50.4, 50.9))):
        ground = shapely.box(west, south, west + 0.55, south + 0.55)
        items.append(
            pystac.Item(
                f"S2A_31UE{'ABCDEFGH'[k]}_20210803_0_L2A",
                geometry=shapely.geometry.mapping(ground),
                bbox=list(ground.bounds),
                datetime=datetime.datetime(2021, 8, 3, 10, 50, 31, tzinfo=datetime.UTC),
                properties={"grid:code": f"MGRS-31UE{'ABCDEFGH'[k]}"},
            )
        )
    write_items(tmp_path / "l2a", items, id="any", description="Eight tiles")
    words = ("--catalog", tmp_path / "l2a", "--collection", "any", "--start", made.START, "--end", "2021-12-31")
    for name, mib in (("free", 0), ("limited", COUNTRY_LIMIT)):
        limited("tiles", *words, "--parcels", fields, "--output", name, mib=mib)
    files = sorted(path.relative_to(tmp_path / "free") for path in (tmp_path / "free").rglob("*.*"))
    assert sum(path.suffix == ".parquet" for path in files) == 8 + 1
    for path in files:
        assert filecmp.cmp(tmp_path / "free" / path, tmp_path / "limited" / path, shallow=False)


def test_labels_of_more_parcels_than_the_limit_holds(limited: Callable[..., None], tmp_path: Path) -> None:
    """The pixels of 200,000 parcels and what is counted of them take 1.6 GB together."""
    layer = tmp_path / "sce.tif"
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint16", "crs": made.CRS, "tiled": True, "compress": "deflate"}
    place = Affine(10, 0, made.WEST, 0, -10, made.NORTH)
    with rasterio.open(layer, "w", width=SIDE, height=SIDE, transform=place, **profile) as sink:
        for _, window in sink.block_windows(1):
            row, column = np.indices((window.height, window.width))
            grown = ((row + window.row_off) // 40 + (column + window.col_off) // 40) % 3 == 0
            sink.write(np.where(grown, 21300, 0).astype(np.uint16), 1, window=window)
    fields = made.parcels(tmp_path / "many.gpkg", PARCELS, SIDE)
    some_of(fields, tmp_path / "few.gpkg", FEW)
    for name, mib in (("few", 0), ("many", PARCELS_LIMIT)):
        words = ("--sce", layer, "--parcels", tmp_path / f"{name}.gpkg", "--season", 2021, "--threads", 2)
        limited("insitu", *words, "--output", f"{name}.csv", mib=mib)
    expected = (tmp_path / "few.csv").read_text().splitlines()
    assert len(expected) > FEW / 10
    with (tmp_path / "many.csv").open() as large:
        assert list(map(str.rstrip, itertools.islice(large, len(expected)))) == expected


def test_parcels_of_an_image_larger_than_the_limit(limited: Callable[..., None], tmp_path: Path) -> None:
    large = flat_scene(tmp_path / "large", SIDE)
    fields = made.parcels(tmp_path / "parcels.gpkg", 3000, SIDE)
    words = ("markers", "--items", large, "--parcels", fields, "--threads", 2)
    limited(*words, "--output", "free.ipc", mib=0)
    limited(*words, "--output", "limited.ipc", mib=RASTER_LIMIT)
    assert (tmp_path / "limited.ipc").read_bytes() == (tmp_path / "free.ipc").read_bytes()


def test_maps_of_looks_larger_than_the_limit(limited: Callable[..., None], tmp_path: Path) -> None:
    """LAI and FCOVER of 60 dates of 2048 x 2048 pixels are 1 GB in whole numbers."""
    side, apart = 2048, 500
    large = write_products(tmp_path / "large", side=side, apart=apart)
    small = write_products(tmp_path / "small")
    span = ("--start", PRODUCTS_START, "--end", PRODUCTS_END, "--threads", 2)
    for name, items, mib in (("small", small, 0), ("large", large, MAPS_LIMIT)):
        limited("pixels", "--items", items, *span, "--output", f"maps-{name}", mib=mib)
    maps = sorted((tmp_path / "maps-small").glob("*/*.tif"))
    assert len(maps) == 6
    for path in maps:
        with rasterio.open(path) as source:
            expected = source.read(1)
        with rasterio.open(tmp_path / "maps-large" / path.relative_to(tmp_path / "maps-small")) as source:
            found = source.read(1)
        corners = range(0, side - COLUMNS, apart)
        for top, left in itertools.product(corners, corners):
            np.testing.assert_array_equal(found[top : top + ROWS, left : left + COLUMNS], expected)
            found[top : top + ROWS, left : left + COLUMNS] = expected[0, 0]
        assert (found == expected[0, 0]).all()  # what clouds hide always
