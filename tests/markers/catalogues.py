"""Small catalogues with known pixels."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import rasterio
import shapely
from affine import Affine

from sen4cap.bands import BANDS, RESOLUTION
from sen4cap.stac import write_items

KEYS = {band.name: band.keys[0] for band in BANDS}
L2A_BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
ANGLES = {"view:sun_elevation": 40.0, "view:sun_azimuth": 160.0, "view:incidence_angle": 6.0, "view:azimuth": 100.0}
WEST, NORTH = 500_040.0, 5_600_040.0


def write_raster(
    path: Path, values: np.ndarray, *, size: float, crs: str, west: float, north: float, nodata: float | None
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=values.shape[1],
        height=values.shape[0],
        count=1,
        dtype=values.dtype,
        crs=crs,
        transform=Affine(size, 0, west, 0, -size, north),
        nodata=nodata,
        tiled=True,
        blockxsize=64,
        blockysize=64,
    ) as sink:
        sink.write(values, 1)


def new_item(name: str, day: str, properties: dict[str, Any]) -> pystac.Item:
    box = shapely.box(3.0, 50.5, 3.1, 50.6)
    moment = datetime.datetime.fromisoformat(f"{day}T10:54:00+00:00")
    return pystac.Item(name, shapely.geometry.mapping(box), list(box.bounds), moment, properties)


class Archive:
    """Writes items into one folder, then its catalogue."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.items: list[pystac.Item] = []

    def add(
        self,
        name: str,
        day: str,
        rasters: dict[str, np.ndarray],
        *,
        properties: dict[str, Any],
        crs: str = "EPSG:32631",
        west: float = WEST,
        north: float = NORTH,
        size: float | None = None,
        nodata: float | None = 0,
        fields: dict[str, Any] | None = None,
    ) -> Path:
        """Add an item; `rasters` by band name, at 10 m or 20 m as the band is, or `size`."""
        item = new_item(name, day, properties)
        for band, values in rasters.items():
            path = self.folder / name / f"{band}.tif"
            write_raster(
                path, values, size=size or RESOLUTION[band] or 20, crs=crs, west=west, north=north, nodata=nodata
            )
            item.add_asset(KEYS[band], pystac.Asset(f"./{band}.tif", extra_fields=fields or {}))
        self.items.append(item)
        return self.folder / name

    def close(self) -> Path:
        write_items(self.folder, self.items, id="test", description="test")
        return self.folder


def scene(
    random: np.random.Generator, *, rows: int = 60, columns: int = 80, clear: float = 0.8
) -> dict[str, np.ndarray]:
    """Digital numbers of vegetation with noise; SCL with some clouds; some pixels without data."""
    level = {"B02": 400, "B03": 700, "B04": 500, "B05": 1100, "B06": 2300, "B07": 2800, "B08": 3000}
    level |= {"B8A": 3100, "B11": 1900, "B12": 1100}
    found = {}
    for band in L2A_BANDS:
        shape = (rows, columns) if RESOLUTION[band] == 10 else (rows // 2, columns // 2)
        found[band] = (level[band] * random.uniform(0.7, 1.3, shape)).astype(np.uint16)
    for band in ("B04", "B8A"):
        found[band][random.random(found[band].shape) < 0.02] = 0
    half = (rows // 2, columns // 2)
    found["SCL"] = np.where(random.random(half) < clear, 4, 9).astype(np.uint8)
    return found
