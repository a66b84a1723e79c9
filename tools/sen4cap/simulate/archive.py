"""Acquisitions as an archive keeps them: cloud-optimised GeoTIFFs and STAC items of the shape of Earth Search v1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pystac
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer

from ..bands import BANDS as KNOWN_BANDS
from ..grid import Grid
from ..stac import COG, PROJECTION, RASTER
from .imaging import Scene
from .orbits import OFFSET_SINCE, Look
from .spectra import COARSE, FINE

EO = "https://stac-extensions.github.io/eo/v1.1.0/schema.json"
VIEW = "https://stac-extensions.github.io/view/v1.0.0/schema.json"
GRID = "https://stac-extensions.github.io/grid/v1.1.0/schema.json"
SAT = "https://stac-extensions.github.io/sat/v1.0.0/schema.json"
KEY_OF_BAND = {band.name: band.keys[0] for band in KNOWN_BANDS}
NEEDS_NO_OVERVIEW = 512


def item_id(look: Look, tile: str) -> str:
    """Identifier of an item, as Earth Search forms it: ``S2A_31UFS_20211009_0_L2A``."""
    return f"S2{look.platform[-1].upper()}_{tile}_{look.day:%Y%m%d}_0_L2A"


def write_scene(folder: Path, scene: Scene, grid: Grid) -> None:
    """Write the bands of an acquisition, one file each, named by band."""
    folder.mkdir(parents=True, exist_ok=True)
    coarse = Affine(20, 0, grid.transform.c, 0, -20, grid.transform.f)
    for name, values in zip(FINE, scene.fine, strict=True):
        write_cog(folder / f"{name}.tif", values, crs=grid.crs, transform=grid.transform)
    for name, values in zip(COARSE, scene.coarse, strict=True):
        write_cog(folder / f"{name}.tif", values, crs=grid.crs, transform=coarse)
    write_cog(folder / "SCL.tif", scene.scl, crs=grid.crs, transform=coarse)


def write_cog(path: Path, values: NDArray, *, crs: str, transform: Affine) -> None:
    """Write one band as a cloud-optimised GeoTIFF; a small one needs no overviews."""
    profile = {
        "width": values.shape[1],
        "height": values.shape[0],
        "count": 1,
        "dtype": values.dtype.name,
        "crs": crs,
        "transform": transform,
        "nodata": 0,
        "compress": "deflate",
        "zlevel": 4,
        "predictor": 2,
    }
    if max(values.shape) <= NEEDS_NO_OVERVIEW:
        profile |= {"driver": "GTiff", "tiled": True, "blockxsize": 256, "blockysize": 256}
    else:
        del profile["zlevel"], profile["predictor"]
        profile |= {
            "driver": "COG",
            "blocksize": 512,
            "level": 4,
            "predictor": 2,
            "overview_resampling": "nearest" if path.stem == "SCL" else "average",
        }
    with rasterio.open(path, "w", **profile) as sink:
        sink.write(values, 1)


def scene_item(look: Look, scene: Scene, grid: Grid, *, tile: str) -> pystac.Item:
    """STAC item of an acquisition, shaped like one of Earth Search v1; its assets lie beside it."""
    shifted = look.day >= OFFSET_SINCE
    outline = _outline(grid)
    item = pystac.Item(
        id=item_id(look, tile),
        geometry=shapely.geometry.mapping(outline),
        bbox=list(outline.bounds),
        datetime=look.moment,
        properties={
            "platform": look.platform,
            "constellation": "sentinel-2",
            "instruments": ["msi"],
            "eo:cloud_cover": scene.cloud_cover,
            "proj:code": grid.crs,
            "grid:code": f"MGRS-{tile}",
            "mgrs:utm_zone": int(tile[:-3]),
            "mgrs:latitude_band": tile[-3],
            "mgrs:grid_square": tile[-2:],
            "view:sun_azimuth": round(look.sun_azimuth, 6),
            "view:sun_elevation": round(90 - look.geometry.sun_zenith, 6),
            "view:azimuth": round(look.view_azimuth, 6),
            "view:incidence_angle": round(look.geometry.view_zenith, 6),
            "sat:relative_orbit": look.orbit,
            "sat:orbit_state": "descending",
            "s2:product_uri": _product(look, tile),
            "s2:processing_baseline": look.baseline,
            "s2:product_type": "S2MSI2A",
            "s2:nodata_pixel_percentage": 0.0,
            "earthsearch:boa_offset_applied": shifted,
            "sen4cap:simulated": True,
        },
        stac_extensions=[EO, VIEW, PROJECTION, GRID, RASTER, SAT],
    )
    # Archives that shift the numbers back still declare the offset of the baseline; readers must know.
    offset = -0.1 if shifted else 0
    for name in FINE:
        item.add_asset(KEY_OF_BAND[name], _asset(name, grid.transform, grid.shape, 10, "uint16", offset))
    half = (grid.shape[0] // 2, grid.shape[1] // 2)
    coarse = Affine(20, 0, grid.transform.c, 0, -20, grid.transform.f)
    for name in COARSE:
        item.add_asset(KEY_OF_BAND[name], _asset(name, coarse, half, 20, "uint16", offset))
    item.add_asset(KEY_OF_BAND["SCL"], _asset("SCL", coarse, half, 20, "uint8", None))
    return item


def _product(look: Look, tile: str) -> str:
    baseline = look.baseline.replace(".", "")
    stamp = f"{look.moment:%Y%m%dT%H%M%S}"
    return f"S2{look.platform[-1].upper()}_MSIL2A_{stamp}_N{baseline}_R{look.orbit:03d}_T{tile}_{stamp}.SAFE"


def _asset(
    name: str, transform: Affine, shape: tuple[int, int], resolution: int, kind: str, offset: float | None
) -> pystac.Asset:
    band: dict[str, object] = {"nodata": 0, "data_type": kind, "spatial_resolution": resolution}
    if offset is not None:
        band |= {"bits_per_sample": 15, "scale": 0.0001, "offset": offset}
    fields: dict[str, object] = {
        "gsd": resolution,
        "proj:shape": list(shape),
        "proj:transform": list(transform)[:6],
        "raster:bands": [band],
    }
    if offset is not None:
        fields["eo:bands"] = [{"name": name}]
    roles = ["data", "reflectance"] if offset is not None else ["data"]
    return pystac.Asset(f"./{name}.tif", title=name, media_type=COG, roles=roles, extra_fields=fields)


def _outline(grid: Grid) -> shapely.Polygon:
    to_globe = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    corners = np.array(shapely.box(*grid.bounds).exterior.coords)
    return shapely.Polygon(np.round(np.column_stack(to_globe.transform(*corners.T)), 7))
