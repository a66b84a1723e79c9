"""Marker tables from small catalogues, against a plain loop of rasterio and exactextract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import rasterio
import shapely
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource

from markers.catalogues import ANGLES, NORTH, WEST, Archive, scene
from sen4cap.marker_table import MarkerTable

S2 = {"grid:code": "MGRS-31UDS", "platform": "sentinel-2a", **ANGLES}
S1 = {"platform": "sentinel-1a", "sat:relative_orbit": 88}


def read(path: Path) -> pd.DataFrame:
    return pa.ipc.open_file(path).read_all().to_pandas().set_index("NewID")


def details(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path.with_name(f"{path.stem}_details.parquet"))


def zonal(
    values: np.ndarray, parcels: Path, *, size: float, buffer: float, west: float = WEST, north: float = NORTH
) -> pd.DataFrame:
    """Count, mean and stdev by exactextract; NaN is no data."""
    frame = gpd.read_file(parcels).to_crs(32631)
    rows, columns = values.shape
    raster = NumPyRasterSource(
        values.astype(np.float64),
        xmin=west,
        ymin=north - rows * size,
        xmax=west + columns * size,
        ymax=north,
        nodata=np.nan,
    )
    found = []
    for identifier, shape in zip(frame["NewID"], frame.geometry.buffer(buffer), strict=True):
        record = {"type": "Feature", "geometry": shapely.geometry.mapping(shape), "properties": {}}
        (answer,) = exact_extract(raster, [record], ["count", "mean", "stdev"])
        found.append({"NewID": identifier, **answer["properties"]})
    return pd.DataFrame(found).set_index("NewID")


def agree(table: pd.DataFrame, column: str, expected: pd.DataFrame, *, scale: float) -> None:
    day, type_ = column.split("_", 1)
    np.testing.assert_allclose(table[f"{day}_valid_pixels_cnt_{type_}"].fillna(0), expected["count"], atol=1e-3)
    seen = expected["count"] > 0
    assert seen.any()
    np.testing.assert_allclose(table[f"{day}_mean_{type_}"][seen], expected["mean"][seen] * scale, rtol=1e-4)
    np.testing.assert_allclose(
        table[f"{day}_stdev_{type_}"][seen], expected["stdev"][seen] * scale, rtol=1e-3, atol=1e-3
    )
    assert table[f"{day}_mean_{type_}"][~seen].isna().all()


def fine(values: np.ndarray) -> np.ndarray:
    return values.repeat(2, 0).repeat(2, 1)


@pytest.fixture
def l2a(archive: Callable[[str], Archive]) -> Path:
    random = np.random.default_rng(2)
    made = archive("l2a")
    made.add("S2A_31UDS_20210901", "2021-09-01", scene(random), properties=S2)
    made.add("S2A_31UDS_20211006", "2021-10-06", scene(random, clear=0.3), properties=S2)
    return made.close()


def reflectance(folder: Path, item: str, band: str) -> np.ndarray:
    with rasterio.open(folder / item / f"{band}.tif") as raster:
        numbers = raster.read(1)
    values = np.where(numbers == 0, np.nan, numbers * 1e-4)
    return values if band in ("B02", "B03", "B04", "B08") else fine(values)


def clear(folder: Path, item: str, bands: tuple[str, ...]) -> np.ndarray:
    """Clear land with data in all bands that are read."""
    with rasterio.open(folder / item / "SCL.tif") as raster:
        land = fine(np.isin(raster.read(1), (4, 5)))
    return land & np.all([np.isfinite(reflectance(folder, item, band)) for band in bands], axis=0)


def test_indices_and_bands_of_scenes(l2a: Path, fields_file: Path, tmp_path: Path, sen4cap: Callable) -> None:
    output = tmp_path / "markers.ipc"
    sen4cap("markers", "--items", l2a, "--parcels", fields_file, "--variables", "NDVI,NBR2,B04,B11", "--output", output)
    table = read(output)
    assert len(table.columns) == 2 * 4 * 3
    for item, day in (("S2A_31UDS_20210901", "20210901"), ("S2A_31UDS_20211006", "20211006")):
        land = clear(l2a, item, ("B04", "B08", "B11", "B12"))
        red, nir, b11, b12 = (np.where(land, reflectance(l2a, item, b), np.nan) for b in ("B04", "B08", "B11", "B12"))
        for column, values, scale in (
            (f"{day}_NDVI", (nir - red) / (nir + red), 1000),
            (f"{day}_NBR2", (b11 - b12) / (b11 + b12), 1000),
            (f"{day}_L2A_31UDS_B04", red, 10000),
            (f"{day}_L2A_31UDS_B11", b11, 10000),
        ):
            agree(table, column, zonal(values, fields_file, size=10, buffer=-5), scale=scale)


def test_scenes_directly_agree_with_l3b_products(
    l2a: Path, fields_file: Path, tmp_path: Path, sen4cap: Callable
) -> None:
    variables = "LAI,FAPAR,FCOVER,NDVI"
    sen4cap("lai", "--items", l2a, "--variables", variables, "--output", tmp_path / "l3b")
    for items, name in ((l2a, "direct.ipc"), (tmp_path / "l3b", "products.ipc")):
        sen4cap(
            "markers", "--items", items, "--parcels", fields_file, "--variables", variables, "--output", tmp_path / name
        )
    direct, products = read(tmp_path / "direct.ipc"), read(tmp_path / "products.ipc")
    assert list(direct.columns) == list(products.columns)
    for name in direct.columns:
        if "_mean_" in name:
            difference = direct[name] - products[name]
            assert difference.between(-0.01, 1.01).all(), name  # the product is truncated to whole thousandths
            assert direct[name].notna().any()
        else:
            np.testing.assert_allclose(direct[name], products[name], atol=1 if "stdev" in name else 1e-6)
    assert direct["20210901_mean_LAI"].median() > 500


def test_the_product_of_a_day_spares_the_scene(l2a: Path, fields_file: Path, tmp_path: Path, sen4cap: Callable) -> None:
    sen4cap("lai", "--items", l2a, "--variables", "LAI", "--output", tmp_path / "l3b")
    words = ("--parcels", fields_file, "--variables", "LAI,NBR2", "--output")
    sen4cap("markers", "--items", l2a, "--items", tmp_path / "l3b", *words, tmp_path / "both.ipc")
    sen4cap(
        "markers",
        "--items",
        tmp_path / "l3b",
        "--parcels",
        fields_file,
        "--variables",
        "LAI",
        "--output",
        tmp_path / "one.ipc",
    )
    both, one = read(tmp_path / "both.ipc"), read(tmp_path / "one.ipc")
    pd.testing.assert_frame_equal(both[list(one.columns)], one)
    assert "20211006_mean_NBR2" in both


def test_sentinel1(archive: Callable[[str], Archive], fields_file: Path, tmp_path: Path, sen4cap: Callable) -> None:
    random = np.random.default_rng(3)
    made = archive("s1")
    passes = {}
    for name, properties in (("a", S1), ("b", S1), ("c", {"platform": "sentinel-1b"})):
        vv, vh = (random.normal(level, 2, (30, 40)).astype(np.float32) for level in (-9, -16))
        vv[:4], vh[:, :3] = np.nan, 0
        passes[name] = vv, np.where(vh == 0, np.nan, vh)
        made.add(
            name, "2021-11-02", {"VV": vv, "VH": vh}, properties=properties, size=20, nodata=None, fields={"unit": "dB"}
        )
    output = tmp_path / "markers.ipc"
    result = sen4cap(
        "markers", "--items", made.close(), "--parcels", fields_file, "--variables", "AMP,RATIO", "--output", output
    )
    table = read(output)
    assert "unit" not in result.stderr
    vv, vh = passes["c"]
    for column, values in (("AMP_VV_000", vv), ("AMP_VH_000", vh), ("RATIO_000", vv - vh)):
        agree(table, f"20211102_{column}", zonal(values, fields_file, size=20, buffer=-10), scale=1)
    # Two passes of one orbit and day are one set of pixels.
    both = np.vstack([passes["a"][0], np.full((20, 40), np.nan), passes["b"][0]])
    one = zonal(passes["a"][0], fields_file, size=20, buffer=-10)
    other = zonal(passes["b"][0], fields_file, size=20, buffer=-10)
    pixels = one["count"] + other["count"]
    mean = (one["mean"] * one["count"] + other["mean"] * other["count"]) / pixels
    np.testing.assert_allclose(table["20211102_mean_AMP_VV_088"], mean, rtol=1e-5)
    np.testing.assert_allclose(table["20211102_valid_pixels_cnt_AMP_VV_088"].fillna(0), pixels, rtol=1e-5)
    assert both.shape == (80, 40)


def test_two_tiles_of_one_day_are_weighted_by_pixels(
    archive: Callable[[str], Archive], fields_file: Path, tmp_path: Path, sen4cap: Callable
) -> None:
    random = np.random.default_rng(4)
    made = archive("l2a")
    west, east = scene(random, columns=40), scene(random, columns=60)
    made.add("S2A_31UDS_20210901", "2021-09-01", west, properties=S2)
    made.add("S2A_31UES_20210901", "2021-09-01", east, properties={**S2, "grid:code": "MGRS-31UES"}, west=WEST + 320)
    folder = made.close()
    output = tmp_path / "markers.ipc"
    sen4cap("markers", "--items", folder, "--parcels", fields_file, "--variables", "NDVI,B04", "--output", output)
    table = read(output)
    looks = MarkerTable([output]).looks("NDVI")
    parts = []
    for item, start in (("S2A_31UDS_20210901", WEST), ("S2A_31UES_20210901", WEST + 320)):
        land = clear(folder, item, ("B04", "B08"))
        red, nir = (np.where(land, reflectance(folder, item, band), np.nan) for band in ("B04", "B08"))
        parts.append(zonal((nir - red) / (nir + red), fields_file, size=10, buffer=-5, west=start))
        tile = item.split("_")[1]
        agree(table, f"20210901_L2A_{tile}_B04", zonal(red, fields_file, size=10, buffer=-5, west=start), scale=10000)
    one, other = parts
    assert ((one["count"] > 5) & (other["count"] > 5)).any()
    pixels = one["count"] + other["count"]
    mean = (one["mean"].fillna(0) * one["count"] + other["mean"].fillna(0) * other["count"]) / pixels
    most = np.maximum(one["count"], other["count"])
    np.testing.assert_allclose(table["20210901_valid_pixels_cnt_NDVI"].fillna(0), most, rtol=1e-4)
    np.testing.assert_allclose(table["20210901_mean_NDVI"], mean * 1000, rtol=1e-4)
    np.testing.assert_allclose(looks.mean[:, 0], mean, rtol=1e-4)


def test_two_utm_zones(archive: Callable[[str], Archive], tmp_path: Path, sen4cap: Callable) -> None:
    """A parcel near the border of two zones is seen in the tiles of both, each in its own projection."""
    field = gpd.GeoSeries([shapely.Point(5.9995, 50.5).buffer(0.0012)], crs=4326)
    gpd.GeoDataFrame({"NewID": [7]}, geometry=field).to_file(tmp_path / "parcels.gpkg")
    made = archive("l2a")
    random = np.random.default_rng(8)
    for crs, tile in ((32631, "31UGS"), (32632, "32ULB")):
        x, y = field.to_crs(crs).iloc[0].centroid.coords[0]
        properties = {**S2, "grid:code": f"MGRS-{tile}"}
        corner = {"west": float(round(x / 20) * 20 - 400), "north": float(round(y / 20) * 20 + 300)}
        image = scene(random, clear=1.0)
        made.add(f"S2A_{tile}_20210901", "2021-09-01", image, properties=properties, crs=f"EPSG:{crs}", **corner)
    output = tmp_path / "markers.ipc"
    sen4cap(
        "markers",
        "--items",
        made.close(),
        "--parcels",
        tmp_path / "parcels.gpkg",
        "--variables",
        "B08,NDVI",
        "--output",
        output,
    )
    table = read(output)
    area = field.to_crs(32631).buffer(-5).area[0] / 100
    counts = [table[f"20210901_valid_pixels_cnt_L2A_{tile}_B08"][7] for tile in ("31UGS", "32ULB")]
    np.testing.assert_allclose(counts, area, rtol=0.06)  # some pixels have no data
    np.testing.assert_allclose(table["20210901_valid_pixels_cnt_NDVI"][7], max(counts), rtol=0.06)
    means = [table[f"20210901_mean_L2A_{tile}_B08"][7] for tile in ("31UGS", "32ULB")]
    assert means[0] != means[1]


def test_threads_give_the_same_bytes(l2a: Path, fields_file: Path, tmp_path: Path, sen4cap: Callable) -> None:
    # Images side by side, or with more threads than images the blocks of each.
    outputs = [tmp_path / f"{threads}.ipc" for threads in (1, 2, 40)]
    for threads, output in zip((1, 2, 40), outputs, strict=True):
        sen4cap("markers", "--items", l2a, "--parcels", fields_file, "--threads", threads, "--output", output)
    assert len({output.read_bytes() for output in outputs}) == 1
    assert not list(tmp_path.glob(".*looks"))


def test_every_record_is_accounted_for(l2a: Path, tmp_path: Path, sen4cap: Callable) -> None:
    def box(x: float, y: float, w: float = 100, h: float = 100) -> shapely.Polygon:
        return shapely.box(WEST + x, NORTH - y - h, WEST + x + w, NORTH - y)

    x, y = WEST + 300, NORTH - 300
    bow = shapely.Polygon([(x, y), (x + 100, y + 100), (x + 100, y), (x, y + 100)])
    cloudy = box(200, 200)
    records = [
        (1, box(20, 20), ""),
        (2, shapely.Polygon(), "empty geometry"),
        (3, bow, "repaired geometry"),
        (1, box(400, 20), "duplicate identifier"),
        (4, box(2000, 20), "outside the images"),
        (5, box(500, 100, 9.5, 200), "vanished by the buffer"),
        (6, box(600, 100, 19, 200), ""),
        (7, cloudy, "never clear"),
        (None, box(10, 400), "no integer identifier"),
        (8, None, "empty geometry"),
    ]
    frame = gpd.GeoDataFrame(
        {"FIELD": pd.array([r[0] for r in records], "Int64")}, geometry=[r[1] for r in records], crs=32631
    ).to_crs(3035)
    frame.to_file(tmp_path / "fields.gpkg")
    for item in ("S2A_31UDS_20210901", "S2A_31UDS_20211006"):
        with rasterio.open(l2a / item / "SCL.tif", "r+") as raster:
            classes = raster.read(1)
            classes[:] = 4
            classes[10:16, 10:16] = 9
            raster.write(classes, 1)
    output = tmp_path / "markers.ipc"
    words = ("--parcels", tmp_path / "fields.gpkg", "--id-field", "FIELD", "--variables", "NDVI", "--output", output)
    result = sen4cap("markers", "--items", l2a, *words)
    told = details(output)
    assert told["NewID"].fillna(-1).tolist() == [1, 2, 3, 1, 4, 5, 6, 7, -1, 8]
    assert told["record"].tolist() == list(range(1, 11))
    assert told["reason"].tolist() == [r[2] for r in records]
    assert told["used"].tolist() == [True, False, True, False, True, True, True, True, False, False]
    np.testing.assert_allclose(
        told["pixels"], [81, 0, told["pixels"][2], 0, 0, 0, 0.9 * 19, 81, 0, 0], rtol=1e-3, atol=1e-6
    )
    assert told["pixels"][2] > 20
    table = read(output)
    assert table.index.tolist() == [1, 3, 4, 5, 6, 7]
    assert table.loc[[4, 5, 7]].isna().all(axis=None)
    assert table.loc[[1, 3, 6]].notna().all(axis=None)
    for line in ("1 repaired geometry: 3", "1 duplicate identifier: 1", "2 empty geometry: 2, 8", "1 never clear: 7"):
        assert f"fields.gpkg: {line}\n" in result.stderr
    assert "1 no integer identifier: record 9" in result.stderr


def test_parcels_that_only_the_radar_buffer_takes(
    archive: Callable[[str], Archive], l2a: Path, tmp_path: Path, sen4cap: Callable
) -> None:
    narrow = shapely.box(WEST + 100, NORTH - 300, WEST + 115, NORTH - 100)
    wide = shapely.box(WEST + 200, NORTH - 300, WEST + 300, NORTH - 100)
    gpd.GeoDataFrame({"NewID": [1, 2]}, geometry=[narrow, wide], crs=32631).to_file(tmp_path / "p.gpkg")
    made = archive("s1")
    noise = np.random.default_rng(1).normal(-10, 1, (30, 40)).astype(np.float32)
    made.add("a", "2021-11-02", {"VV": noise}, properties=S1, size=20)
    output = tmp_path / "markers.ipc"
    words = ("--parcels", tmp_path / "p.gpkg", "--variables", "NDVI,AMP", "--output", output)
    sen4cap("markers", "--items", l2a, "--items", made.close(), *words)
    told = details(output)
    assert told["reason"].tolist() == ["vanished by the radar buffer", ""]
    assert "20211102_mean_AMP_VV_088" in read(output)
    assert "20211102_mean_AMP_VH_088" not in read(output)


def test_flanders_agrees_with_a_plain_loop(shared: Path, tmp_path: Path, sen4cap: Callable) -> None:
    data = shared / "data" / "flanders"
    output = tmp_path / "markers.ipc"
    words = ("--parcels", data / "parcels.gpkg", "--start", "2017-09-01", "--end", "2017-10-31", "--output", output)
    sen4cap("markers", "--items", data, "--variables", "NDVI,NBR2,B04,AMP,RATIO", *words)
    table = read(output)
    assert len(table) == 14
    frame = gpd.read_file(data / "parcels.gpkg").to_crs(32631)
    compared = 0
    for item in sorted((data / "sentinel-2-l2a").glob("S2_31UDS_2017*")):
        day = item.name.split("_")[2]
        if not "20170901" <= day <= "20171031":
            continue
        with rasterio.open(item / "B04.tif") as red, rasterio.open(item / "SCL.tif") as scl:
            numbers, transform = red.read(1), red.transform
            land = fine(np.isin(scl.read(1), (4, 5))) & (numbers > 0)
        raster = NumPyRasterSource(
            np.where(land, numbers, np.nan).astype(np.float64),
            xmin=transform.c,
            ymax=transform.f,
            xmax=transform.c + 640,
            ymin=transform.f - 640,
            nodata=np.nan,
        )
        for identifier, shape in zip(frame["NewID"], frame.geometry.buffer(-5), strict=True):
            record = {"type": "Feature", "geometry": shapely.geometry.mapping(shape), "properties": {}}
            (found,) = exact_extract(raster, [record], ["count", "mean", "stdev"])
            expected = found["properties"]
            row = table.loc[identifier]
            np.testing.assert_allclose(
                np.nan_to_num(row[f"{day}_valid_pixels_cnt_L2A_31UDS_B04"]), expected["count"], atol=0.01
            )
            if expected["count"]:
                np.testing.assert_allclose(row[f"{day}_mean_L2A_31UDS_B04"], expected["mean"], rtol=1e-3)
                compared += 1
    assert compared > 25
    looks = MarkerTable([output]).looks("AMP", pol="VV")
    assert np.nanmedian(looks.mean) < -5
    assert len(looks.days) > 15
