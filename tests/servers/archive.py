"""Small archives in the dialects of the catalogues there are."""

from __future__ import annotations

import datetime
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import rasterio
import shapely
from pyproj import Transformer

UTM = "EPSG:32631"
WEST, NORTH, SIDE_M = 499_980.0, 5_700_000.0, 2_400.0
CENTRE = (WEST + 1_200, NORTH - 1_200)
TEN, TWENTY = ("B02", "B03", "B04", "B08"), ("B05", "B06", "B07", "B8A", "B11", "B12", "SCL")
BANDS = (*TEN, *TWENTY)
# Written out here, not taken from the tool's table, from the catalogues' own documentation.
EARTH_SEARCH = {
    **{"B02": "blue", "B03": "green", "B04": "red", "B08": "nir"},
    **{"B05": "rededge1", "B06": "rededge2", "B07": "rededge3", "B8A": "nir08"},
    **{"B11": "swir16", "B12": "swir22", "SCL": "scl"},
}
DIALECTS: dict[str, dict[str, str]] = {
    "earth-search": EARTH_SEARCH,
    "cdse": {band: f"{band}_{10 if band in TEN else 20}m" for band in BANDS} | {"XML": "granule_metadata"},
    "planetary-computer": {band: band for band in BANDS} | {"XML": "granule-metadata"},
    "sen4cap": {band: band for band in BANDS},
}
ANGLES = {
    "view:sun_azimuth": 160.0,
    "view:sun_elevation": 40.0,
    "view:azimuth": 105.0,
    "view:incidence_angle": 8.0,
}
XML = b"<?xml version='1.0'?><Level-2A_Tile_ID><Tile_Angles/></Level-2A_Tile_ID>\n"


@dataclass
class Scene:
    """One item to make.

    `numbers` may hold the value of all pixels; `seed` draws them otherwise.
    """

    id: str
    when: str
    dialect: str = "earth-search"
    cloud: float | None = 10.0
    properties: dict[str, Any] = field(default_factory=lambda: dict(ANGLES))
    bands: tuple[str, ...] = BANDS
    empty: bool = False
    east: float = 0.0
    collection: str = "sentinel-2-l2a"


def write_raster(path: Path, pixels: np.ndarray, size: float, *, east: float, nodata: float | None = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    jp2 = path.suffix == ".jp2"
    options: dict[str, Any] = {"driver": "GTiff", "tiled": True, "blockxsize": 128, "blockysize": 128}
    if jp2:
        options = {"driver": "JP2OpenJPEG", "quality": 100, "reversible": "yes"}
    with rasterio.open(
        path,
        "w",
        count=1,
        height=pixels.shape[0],
        width=pixels.shape[1],
        dtype=pixels.dtype,
        crs=UTM,
        transform=rasterio.Affine(size, 0, WEST + east, 0, -size, NORTH),
        nodata=None if jp2 else nodata,
        **options,
    ) as raster:
        raster.write(pixels, 1)


def pixels_of(scene: Scene, band: str) -> np.ndarray:
    size = 10 if band in TEN else 20
    side = int(SIDE_M / size)
    seed = int.from_bytes(hashlib.sha256(f"{scene.id} {band}".encode()).digest()[:4], "big")
    rng = np.random.default_rng(seed)
    if band in ("VV", "VH"):
        return rng.normal(-12, 3, (side, side)).astype(np.float32)
    if scene.empty:
        return np.zeros((side, side), np.uint8 if band == "SCL" else np.uint16)
    if band == "SCL":
        return rng.integers(1, 12, (side, side)).astype(np.uint8)
    return rng.integers(1, 10_000, (side, side)).astype(np.uint16)


def footprint(east: float) -> dict[str, Any]:
    box = shapely.box(WEST + east, NORTH - SIDE_M, WEST + east + SIDE_M, NORTH)
    across = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)
    return shapely.geometry.mapping(shapely.transform(box, across.transform, interleaved=False))


def make_item(folder: Path, scene: Scene) -> dict[str, Any]:
    """Write a scene's files below `folder`; return its item, with references relative to it."""
    suffix = ".jp2" if scene.dialect == "cdse" else ".tif"
    keys = DIALECTS[scene.dialect] if scene.collection == "sentinel-2-l2a" else {"VV": "vv", "VH": "vh"}
    assets: dict[str, Any] = {}
    for band in scene.bands:
        pixels = pixels_of(scene, band)
        radar = band in ("VV", "VH")
        size = 10 if band in TEN else 20
        write_raster(
            folder / scene.id / f"{band}{suffix}", pixels, size, east=scene.east, nodata=np.nan if radar else 0
        )
        assets[keys[band]] = {"href": f"./{band}{suffix}", "type": "image/tiff", "roles": ["data"]}
        if not radar:
            assets[keys[band]] |= {
                "proj:shape": list(pixels.shape),
                "proj:transform": [size, 0, WEST + scene.east, 0, -size, NORTH],
                "raster:bands": [{"nodata": 0, "data_type": str(pixels.dtype)}],
                "file:size": 12345,
            }
            if band != "SCL" and scene.dialect != "planetary-computer":
                assets[keys[band]]["raster:bands"][0] |= {"scale": 0.0001, "offset": -0.1}
    if "XML" in keys:
        (folder / scene.id / "MTD_TL.xml").write_bytes(XML)
        assets[keys["XML"]] = {"href": "./MTD_TL.xml", "type": "application/xml", "roles": ["metadata"]}
    assets["thumbnail"] = {"href": "./preview.jpg", "type": "image/jpeg"}
    geometry = footprint(scene.east)
    cloud = {} if scene.cloud is None else {"eo:cloud_cover": scene.cloud}
    projected = {} if scene.collection != "sentinel-2-l2a" else {"proj:code": UTM, "grid:code": "MGRS-31UES"}
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": ["https://stac-extensions.github.io/projection/v2.0.0/schema.json"],
        "id": scene.id,
        "geometry": geometry,
        "bbox": list(shapely.geometry.shape(geometry).bounds),
        "properties": {"datetime": scene.when, "platform": "sentinel-2a"} | cloud | projected | scene.properties,
        "links": [],
        "assets": assets,
        "collection": scene.collection,
    }


def collection_record(name: str) -> dict[str, Any]:
    extent = pystac.Extent(
        pystac.SpatialExtent([[-180, -90, 180, 90]]),
        pystac.TemporalExtent([[datetime.datetime(2015, 1, 1, tzinfo=datetime.UTC), None]]),
    )
    record = pystac.Collection(name, f"Test {name}", extent, license="other").to_dict()
    record["links"] = []
    return record


def make_catalogue(folder: Path, scenes: list[Scene]) -> Path:
    """Write a static catalogue: a collection for each that the scenes name."""
    children = []
    for name in dict.fromkeys(scene.collection for scene in scenes):
        links = []
        for scene in (s for s in scenes if s.collection == name):
            record = make_item(folder / name, scene)
            (folder / name / scene.id / f"{scene.id}.json").write_text(json.dumps(record))
            links.append({"rel": "item", "href": f"./{scene.id}/{scene.id}.json"})
        record = collection_record(name) | {"links": links}
        (folder / name / "collection.json").write_text(json.dumps(record))
        children.append({"rel": "child", "href": f"./{name}/collection.json"})
    record = {"type": "Catalog", "stac_version": "1.1.0", "id": "archive", "description": "Test", "links": children}
    (folder / "catalog.json").write_text(json.dumps(record))
    return folder


SEASON = [
    Scene("S2A_31UES_20210901_0_L2A", "2021-09-01T10:50:00Z", cloud=5),
    Scene("S2A_31UES_20210911_0_L2A", "2021-09-11T10:50:00Z", cloud=95),
    Scene("S2A_31UES_20210921_0_L2A", "2021-09-21T10:50:00Z", cloud=20),
    *(
        Scene(f"S1A_{day}", f"2021-09-{day}T05:50:00Z", bands=("VV", "VH"), collection="sentinel-1-rtc", cloud=None,
              properties={"sat:relative_orbit": 37})
        for day in ("03", "15")
    ),
]  # fmt: skip
