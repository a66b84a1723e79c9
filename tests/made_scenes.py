"""Small catalogues of made-up Sentinel-2 scenes, for tests of whatever reads scenes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine

FINE = {"B02": "blue", "B03": "green", "B04": "red", "B08": "nir"}
COARSE = {
    "B05": "rededge1",
    "B06": "rededge2",
    "B07": "rededge3",
    "B8A": "nir08",
    "B11": "swir16",
    "B12": "swir22",
    "SCL": "scl",
}
ANGLES = {
    "view:sun_elevation": 30.0,
    "view:sun_azimuth": 170.0,
    "view:incidence_angle": 6.0,
    "view:azimuth": 110.0,
}


class Catalogue:
    """A catalogue folder that grows by `add`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.links: list[dict[str, str]] = []
        folder.mkdir(parents=True, exist_ok=True)

    def add(
        self,
        id: str = "S2A_31UDS_20210901_0_L2A",
        *,
        moment: str = "2021-09-01T10:53:28Z",
        shape: tuple[int, int] = (40, 48),
        west: float = 500000,
        north: float = 5600000,
        coarse_west: float | None = None,
        coarse_north: float | None = None,
        coarse_shape: tuple[int, int] | None = None,
        numbers: dict[str, np.ndarray] | None = None,
        properties: dict[str, Any] | None = None,
        without: tuple[str, ...] = (),
        seed: int = 0,
        profile: dict[str, Any] | None = None,
    ) -> dict[str, np.ndarray]:
        """Write an item; return the numbers of its bands. Values not given are drawn: a canopy with some noise."""
        rng = np.random.default_rng(seed)
        place = self.folder / id
        place.mkdir()
        coarse_shape = coarse_shape or (-(-shape[0] // 2), -(-shape[1] // 2))
        written, assets = {}, {}
        for name, key in {**FINE, **COARSE}.items():
            if name in without:
                continue
            fine = name in FINE
            size = 10 if fine else 20
            corner = (west, north) if fine else (coarse_west or west, coarse_north or north)
            drawn = rng.integers(200, 4500, shape if fine else coarse_shape).astype(np.uint16)
            if name == "SCL":
                drawn = np.full(coarse_shape, 4, np.uint8)
            array = (numbers or {}).get(name, drawn)
            written[name] = array
            with rasterio.open(
                place / f"{name}.tif",
                "w",
                driver="GTiff",
                height=array.shape[0],
                width=array.shape[1],
                count=1,
                dtype=array.dtype,
                crs="EPSG:32631",
                transform=Affine(size, 0, corner[0], 0, -size, corner[1]),
                nodata=0,
                compress="deflate",
                **(profile or {}),
            ) as sink:
                sink.write(array, 1)
            assets[key] = {"href": f"./{name}.tif", "raster:bands": [{"scale": 0.0001, "offset": 0, "nodata": 0}]}
        self._write(id, moment, assets, {**ANGLES, "grid:code": "MGRS-31UDS", **(properties or {})})
        return written

    def _write(self, id: str, moment: str, assets: dict[str, Any], properties: dict[str, Any]) -> None:
        record = {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": id,
            "geometry": {"type": "Polygon", "coordinates": [[[3, 50], [3.1, 50], [3.1, 50.1], [3, 50.1], [3, 50]]]},
            "bbox": [3, 50, 3.1, 50.1],
            "properties": {
                "datetime": moment,
                "platform": "sentinel-2a",
                **{name: value for name, value in properties.items() if value is not None},
            },
            "links": [],
            "assets": assets,
        }
        (self.folder / id / f"{id}.json").write_text(json.dumps(record))
        self.links.append({"rel": "item", "href": f"./{id}/{id}.json"})
        catalog = {"type": "Catalog", "stac_version": "1.0.0", "id": "l2a", "description": "test", "links": self.links}
        (self.folder / "catalog.json").write_text(json.dumps(catalog))
