"""Inputs of any size, drawn from a seed: scenes, products, parcels, marker tables."""

from __future__ import annotations

import datetime
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from scipy.special import expit

from made_scenes import ANGLES, COARSE, FINE
from sen4cap import l3b
from sen4cap.grid import Grid
from sen4cap.marker_names import Marker
from sen4cap.marker_table import new_markers

CRS, WEST, NORTH = "EPSG:32631", 499_980.0, 5_700_000.0
LEVEL = {"B02": 1450, "B03": 1700, "B04": 1600, "B08": 3900, "B05": 2200, "B06": 3300, "B07": 3800}
LEVEL |= {"B8A": 4000, "B11": 3000, "B12": 2200}
"""Digital numbers of a green field, the offset of baseline 04.00 included."""

FIELD, GRAIN = 36, 40
"""Pixels of a field's side; noise of a pixel, digital numbers: about seven bits that no codec can save."""


def scene(folder: Path, side: int, *, days: int = 1, seed: int = 1) -> Path:
    """Catalogue of L2A scenes of `side` x `side` pixels at 10 m, as Earth Search has them (DEFLATE, tiles of 1024).

    The items of all days share the files of the first: what the operating system does not keep in memory, it reads from
    the disk in the same way.
    """
    if (folder / "catalog.json").is_file():
        return folder
    place = folder / "files"
    place.mkdir(parents=True, exist_ok=True)
    names = [*FINE, *COARSE]

    def one(name: str) -> None:
        size, divide = (10, 1) if name in FINE else (20, 2)
        pixels = _classes(side // 2, seed) if name == "SCL" else _band(side // divide, name, FIELD // divide, seed)
        _write(place / f"{name}.tif", pixels, size, nodata=0, blockxsize=1024, compress="deflate")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, names))
    return catalogue_of(folder, dates(days))


def catalogue_of(folder: Path, moments: list[datetime.datetime]) -> Path:
    """Catalogue of L2A items that share the bands in the folder's `files`."""
    items = []
    for moment in moments:
        assets = {
            key: {"href": f"../files/{name}.tif", "raster:bands": [{"scale": 0.0001, "offset": -0.1, "nodata": 0}]}
            for name, key in {**FINE, **COARSE}.items()
        }
        items.append(_item(f"S2A_31UES_{moment:%Y%m%d}_0_L2A", moment, assets, {**ANGLES, "platform": "sentinel-2a"}))
    return _catalogue(folder, items)


def product(folder: Path, side: int, *, days: int, seed: int = 1) -> Path:
    """Catalogue of L3B products with LAI and status flags, as `sen4cap lai` codes them (ZSTD, tiles of 512)."""
    if (folder / "catalog.json").is_file():
        return folder
    place = folder / "files"
    place.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    flags = np.where(_classes(side // 2, seed) == 9, l3b.CLOUD, l3b.LAND).astype(np.uint8)
    flags = flags.repeat(2, axis=0).repeat(2, axis=1)
    values = _fields(side, FIELD, rng, 0, 6000) + rng.integers(-60, 60, (side, side), np.int16)
    values[flags == l3b.CLOUD] = l3b.NODATA
    layers = {l3b.VALUE_KEYS["LAI"]: (values.astype(np.int16), l3b.NODATA), l3b.STATUS_KEY: (flags, l3b.FLAG_NODATA)}
    for key, (pixels, nodata) in layers.items():
        _write(place / f"{key}.tif", pixels, 10, nodata=nodata, blockxsize=512, compress="zstd", zstd_level=1)
    items = []
    for day in dates(days):
        assets = {key: {"href": f"../files/{key}.tif"} for key in layers}
        assets[l3b.VALUE_KEYS["LAI"]]["raster:bands"] = [{"scale": l3b.SCALE, "nodata": l3b.NODATA}]
        items.append(_item(f"S2AGRI_L3B_A{day:%Y%m%dT%H%M%S}_T31UES", day, assets, {}))
    return _catalogue(folder, items)


def parcels(path: Path, count: int, side: int, *, seed: int = 2) -> Path:
    """Parcels spread over `side` x `side` pixels: turned oblongs of some 3 ha at the median, 0.3 to 20 ha."""
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    across = int(np.ceil(np.sqrt(count)))
    cell = 10.0 * side / across
    at = np.arange(count)
    x = WEST + (at % across + 0.5) * cell + rng.uniform(-0.1, 0.1, count) * cell
    y = NORTH - (at // across + 0.5) * cell + rng.uniform(-0.1, 0.1, count) * cell
    area = np.clip(rng.lognormal(np.log(30_000), 0.7, count), 3000, min(200_000, 0.5 * cell**2))
    ratio, turn = rng.uniform(0.4, 1, count), rng.uniform(0, np.pi, count)
    corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.55, 0.4], [0.1, 0.5], [-0.5, 0.5], [-0.5, -0.5]])
    local = corners * np.sqrt(np.stack([area / ratio, area * ratio], axis=1))[:, None, :]
    turned = np.stack(
        [
            local[..., 0] * np.cos(turn)[:, None] - local[..., 1] * np.sin(turn)[:, None] + x[:, None],
            local[..., 0] * np.sin(turn)[:, None] + local[..., 1] * np.cos(turn)[:, None] + y[:, None],
        ],
        axis=-1,
    )
    frame = gpd.GeoDataFrame(
        {"NewID": np.arange(1, count + 1, dtype=np.int32)}, geometry=shapely.polygons(turned), crs=CRS
    )
    frame.to_file(path, layer="parcels", engine="pyogrio")
    return path


def season_products(folder: Path, side: int, *, days: int, seed: int = 4) -> Path:
    """Catalogue of L3B products of a season: fields that grow and fall, grain in every pixel, clouds that wander."""
    if (folder / "catalog.json").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    count = -(-side // FIELD)
    at = np.linspace(0, DAYS - 1, days).round().astype(np.int64)
    curves = lai_looks(at, count * count, rng)
    field = np.arange(count * count).reshape(count, count).repeat(FIELD, axis=0).repeat(FIELD, axis=1)[:side, :side]
    vigour = rng.uniform(0.7, 1.3, (side, side)).astype(np.float32)
    items = []
    for k, day in enumerate(at):
        moment = datetime.datetime.combine(START + datetime.timedelta(days=int(day)), datetime.time(10, 50, 31))
        name = f"S2AGRI_L3B_A{moment:%Y%m%dT%H%M%S}_T31UES"
        place = folder / name
        place.mkdir(exist_ok=True)
        lai = curves[field, k] * vigour + 0.03 * rng.standard_normal((side, side), np.float32)
        flags = np.where(_classes(side // 2, 1000 + k) == 9, l3b.CLOUD, l3b.LAND).astype(np.uint8)
        flags = flags.repeat(2, axis=0).repeat(2, axis=1)
        layers: dict[str, tuple[NDArray, int]] = {
            l3b.VALUE_KEYS["LAI"]: ((1000 * lai).astype(np.int16), l3b.NODATA),
            l3b.VALUE_KEYS["FCOVER"]: ((1000 * (1 - np.exp(-0.6 * lai))).astype(np.int16), l3b.NODATA),
            l3b.STATUS_KEY: (flags, l3b.FLAG_NODATA),
        }
        for key, (pixels, nodata) in layers.items():
            _write(place / f"{key}.tif", pixels, 10, nodata=nodata, blockxsize=512, compress="zstd", zstd_level=1)
        items.append(_item(name, moment, {key: {"href": f"./{key}.tif"} for key in layers}, {}))
    return _catalogue(folder, items)


LOOKS, DAYS = 70, 300
"""Looks of a season's marker table and days of its series."""

START = datetime.date(2021, 8, 1)
STATS = ("valid_pixels_cnt", "mean", "stdev")
_CHUNK = 20_000


def marker_table(path: Path, count: int, *, variables: tuple[str, ...], seed: int = 3) -> Path:
    """Marker table of a season over so many parcels: 70 looks, one in 20 missing, 60 % with a winter cover crop."""
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    days = look_days()
    columns = sorted(
        Marker(START + datetime.timedelta(days=int(day)), name, stat=stat)
        for day in days
        for name in variables
        for stat in STATS
    )
    rows = {(marker.day, marker.type, marker.stat): row for row, marker in enumerate(columns)}
    with new_markers(path, np.arange(1, count + 1, dtype=np.int32), columns) as table:
        for low in range(0, count, _CHUNK):
            past = min(low + _CHUNK, count)
            rng = np.random.default_rng([seed, low])
            lai = lai_looks(days, past - low, rng)
            missing = rng.random(lai.shape) < 0.05
            cover = cover_of(lai)
            quantities = {"LAI": lai, "FCOVER": cover, "NDVI": 0.14 + 0.72 * cover, "NBR2": 0.04 + 0.28 * cover}
            for name in variables:
                noisy = quantities[name] + rng.normal(0, 0.01, lai.shape).astype(np.float32)
                noisy[missing] = np.nan
                for k, day in enumerate(days):
                    when = START + datetime.timedelta(days=int(day))
                    table[rows[when, name, "mean"], low:past] = 1000 * noisy[:, k]
                    table[rows[when, name, "stdev"], low:past] = np.where(missing[:, k], np.nan, 40)
                    table[rows[when, name, "valid_pixels_cnt"], low:past] = np.where(missing[:, k], np.nan, 250)
    return path


def look_days() -> NDArray[np.int64]:
    """Days of the looks, spread evenly."""
    return np.linspace(0, DAYS - 1, LOOKS).round().astype(np.int64)


def lai_looks(days: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """LAI of parcels on the days: a main crop harvested, perhaps a cover crop, the next crop's spring."""
    t = days.astype(np.float32)[None]

    def draw(middle: float, spread: float) -> NDArray[np.float32]:
        return rng.normal(middle, spread, (count, 1)).astype(np.float32)

    harvest, spring = draw(12, 6), draw(255, 10)
    rise, fall = draw(60, 14), draw(150, 30)
    most = rng.uniform(0.8, 4.0, (count, 1)).astype(np.float32) * (rng.random((count, 1)) < 0.6)
    main = 2.5 * expit((harvest - t) / 2)
    cover = most * expit((t - rise) / 7) * expit((fall - t) / 3)
    after = 2.0 * expit((t - spring) / 8)
    looks: NDArray[np.float32] = (0.08 + main + cover + after).astype(np.float32)
    return looks


def cover_of(lai: NDArray[np.float32]) -> NDArray[np.float32]:
    """FCOVER of a leaf area."""
    return 1 - np.exp(-0.6 * lai)


def grid(side: int) -> Grid:
    """Grid of the scenes."""
    return Grid(CRS, Affine(10, 0, WEST, 0, -10, NORTH), (side, side))


def dates(count: int) -> list[datetime.datetime]:
    """Moments of so many scenes, five days apart."""
    first = datetime.datetime(2021, 8, 3, 10, 50, 31)
    return [first + datetime.timedelta(days=5 * k) for k in range(count)]


def _band(side: int, name: str, field: int, seed: int) -> NDArray[np.uint16]:
    rng = np.random.default_rng([seed, int(name[1:].replace("A", "9"), 10)])
    pixels = _fields(side, field, rng, int(0.6 * LEVEL[name]), int(1.4 * LEVEL[name])).astype(np.int16)
    pixels += (GRAIN * rng.standard_normal((side, side), np.float32)).astype(np.int16)
    return np.maximum(pixels, 1).astype(np.uint16)


def _fields(side: int, field: int, rng: np.random.Generator, low: int, high: int) -> NDArray[np.int16]:
    count = -(-side // field)
    drawn = rng.integers(low, high, (count, count), np.int16)
    return drawn.repeat(field, axis=0).repeat(field, axis=1)[:side, :side].copy()


def _classes(side: int, seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng([seed, 99])
    patch = 150
    count = -(-side // patch)
    drawn = rng.choice(np.array([4, 5, 9], np.uint8), (count, count), p=[0.5, 0.25, 0.25])
    return drawn.repeat(patch, axis=0).repeat(patch, axis=1)[:side, :side].copy()


def _write(path: Path, pixels: NDArray, size: int, *, nodata: int, blockxsize: int, compress: str, **more: int) -> None:
    rows, columns = pixels.shape
    block = min(blockxsize, max(16, columns // 16 * 16))
    with rasterio.open(
        path, "w", driver="GTiff", height=rows, width=columns, count=1, dtype=pixels.dtype, crs=CRS,
        transform=Affine(size, 0, WEST, 0, -size, NORTH), nodata=nodata, tiled=True, blockxsize=block, blockysize=block,
        compress=compress, predictor=2 if pixels.dtype.itemsize == 2 else 1, **more,
    ) as sink:  # fmt: skip
        sink.write(pixels, 1)


def _item(name: str, day: datetime.datetime, assets: dict, properties: dict) -> dict:
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "geometry": {"type": "Polygon", "coordinates": [[[3, 50], [4.5, 50], [4.5, 51.5], [3, 51.5], [3, 50]]]},
        "bbox": [3, 50, 4.5, 51.5],
        "properties": {"datetime": f"{day:%Y-%m-%dT%H:%M:%SZ}", "grid:code": "MGRS-31UES", **properties},
        "links": [],
        "assets": assets,
    }


def _catalogue(folder: Path, items: list[dict]) -> Path:
    for item in items:
        place = folder / item["id"]
        place.mkdir(exist_ok=True)
        (place / f"{item['id']}.json").write_text(json.dumps(item))
    links = [{"rel": "item", "href": f"./{item['id']}/{item['id']}.json"} for item in items]
    record = {"type": "Catalog", "stac_version": "1.0.0", "id": "made", "description": "Benchmark", "links": links}
    (folder / "catalog.json").write_text(json.dumps(record))
    return folder


def some_days(source: Path, folder: Path, days: int) -> Path:
    """Catalogue of the first so many items of another one beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    record = json.loads((source / "catalog.json").read_text())
    record["links"] = [
        {"rel": "item", "href": str((source / link["href"]).resolve())} for link in record["links"][:days]
    ]
    (folder / "catalog.json").write_text(json.dumps(record))
    return folder
