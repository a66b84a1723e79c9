"""What the images read and write with the one GDAL that rasterio and pyogrio share in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import rasterio.warp
import shapely
from rasterio.transform import from_origin

from images.callers import SPAN
from servers.files import FileServer

LIBRARIES = """
import json, pyogrio, rasterio
loaded = {line.split()[-1] for line in open("/proc/self/maps") if "libgdal" in line}
print(json.dumps({"gdal": [rasterio.__gdal_version__, pyogrio.__gdal_version_string__],
                  "loaded": sorted(loaded), "drivers": sorted(pyogrio.list_drivers())}))
"""

REWRITE = """
import sys, json, geopandas as gpd, rasterio.warp
from pathlib import Path
from sen4cap.parcels import read_parcels
told = {}
for name in sys.argv[1:]:
    frame = read_parcels(Path("in") / name).frame
    told[name] = [str(frame.crs.to_epsg()), frame["NewID"].tolist()]
    there = frame.to_crs(3035)
    path = Path("out") / name
    there.to_parquet(path) if name.endswith("parquet") else there.to_file(path, engine="pyogrio")
told["warped"] = rasterio.warp.transform("EPSG:32631", "EPSG:3035", [500_000.0], [5_600_000.0])
print(json.dumps(told))
"""

CONSISTENT = """
import importlib.metadata as m
from packaging.requirements import Requirement
here = {d.metadata["Name"].lower().replace("_", "-"): d.version for d in m.distributions()}
for d in m.distributions():
    for text in d.requires or ():
        r = Requirement(text)
        if r.marker and not r.marker.evaluate({"extra": ""}):
            continue
        found = here.get(r.name.lower().replace("_", "-").replace(".", "-"))
        if found is None or not r.specifier.contains(found, prereleases=True):
            print(d.metadata["Name"], "wants", text, "and finds", found)
"""

READ = """
import sys, numpy as np, rasterio
with rasterio.open("/vsicurl/" + sys.argv[1]) as image:
    print(image.crs.to_epsg(), int(image.read(1).astype("int64").sum()))
"""


@pytest.fixture(scope="module")
def fields() -> gpd.GeoDataFrame:
    squares = [shapely.box(500_000 + 200 * k, 5_600_000, 500_100 + 200 * k, 5_600_100) for k in range(3)]
    return gpd.GeoDataFrame({"NewID": [7, 8, 9], "crop": ["a", "b", "ä"]}, geometry=squares, crs="EPSG:32631")


def test_one_gdal_serves_both_libraries(inside: Any) -> None:
    told = json.loads(inside("python", "-c", LIBRARIES).stdout)
    assert told["gdal"][0] == told["gdal"][1]
    assert len(told["loaded"]) == 1
    assert {"ESRI Shapefile", "GPKG", "GeoJSON", "SQLite"} <= set(told["drivers"])


def test_parcels_of_every_format_are_read_reprojected_and_written(
    inside: Any, tmp_path: Path, fields: gpd.GeoDataFrame
) -> None:
    names = ["p.gpkg", "p.shp", "p.geojson", "p.parquet"]
    for folder in ("in", "out"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder).chmod(0o777)
    for name in names:
        path = tmp_path / "in" / name
        fields.to_parquet(path) if name.endswith("parquet") else fields.to_file(path, engine="pyogrio")
    told = json.loads(inside("python", "-c", REWRITE, *names).stdout)
    wanted = fields.to_crs(3035)
    for name in names:
        assert told[name] == ["32631", [7, 8, 9]]
        path = tmp_path / "out" / name
        found = gpd.read_parquet(path) if name.endswith("parquet") else gpd.read_file(path, engine="pyogrio")
        assert found.crs.to_epsg() == 3035
        assert found["crop"].tolist() == ["a", "b", "ä"]
        apart = found.geometry.hausdorff_distance(wanted.geometry)
        assert apart.max() < 1e-3, name
    np.testing.assert_allclose(
        told["warped"], rasterio.warp.transform("EPSG:32631", "EPSG:3035", [500_000.0], [5_600_000.0]), atol=1e-3
    )


@pytest.mark.parametrize(("name", "driver"), [("p.fgb", "FlatGeobuf"), ("p.kml", "KML")])
def test_other_formats_end_in_one_line(
    name: str, driver: str, inside: Any, tmp_path: Path, fields: gpd.GeoDataFrame
) -> None:
    where = fields.to_crs(4326) if driver == "KML" else fields
    where.to_file(tmp_path / name, driver=driver, engine="pyogrio")
    done = inside("sen4cap", "tiles", "--catalog", "c.json", "--collection", "c", *SPAN, "--parcels", name, code=3)
    (line,) = done.stderr.strip().splitlines()
    assert line.endswith("a format that GDAL does not read here; give a GeoPackage, Shapefile, GeoParquet or GeoJSON")


def test_images_are_read_over_the_network(inside: Any, tmp_path: Path) -> None:
    values = np.arange(512 * 512, dtype=np.uint16).reshape(512, 512)
    profile = {"driver": "GTiff", "width": 512, "height": 512, "count": 1, "dtype": "uint16", "tiled": True}
    profile |= {"crs": "EPSG:32631", "transform": from_origin(500_000, 5_600_000, 10, 10), "compress": "deflate"}
    with rasterio.open(tmp_path / "a.tif", "w", **profile) as image:
        image.write(values, 1)
    with FileServer(tmp_path) as server:
        done = inside("python", "-c", READ, f"{server.url}/a.tif", options=("--network", "host"))
    assert done.stdout.split() == ["32631", str(int(values.astype("int64").sum()))]


@pytest.mark.parametrize("image", ["tools", "train"])
def test_every_distribution_finds_what_it_wants(image: str, inside: Any) -> None:
    assert inside("python", "-c", CONSISTENT, image=image).stdout == ""
