"""The L3B product of one scene as a STAC item: names, properties, assets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pystac

from .. import l3b
from ..errors import BadInput
from ..grid import Grid, project_bounds
from ..stac import COG, PROCESSING, PROJECTION, RASTER, SOFTWARE, moment_of, source_of, tile_of

CLASSIFICATION = "https://stac-extensions.github.io/classification/v2.0.0/schema.json"

KEPT = (
    "platform",
    "constellation",
    "instruments",
    "grid:code",
    "mgrs:utm_zone",
    "mgrs:latitude_band",
    "mgrs:grid_square",
    "s2:mgrs_tile",
    "s2:product_uri",
    "s2:processing_baseline",
    "sat:relative_orbit",
    "sat:orbit_state",
    "eo:cloud_cover",
    "eo:snow_cover",
    "view:sun_elevation",
    "view:sun_azimuth",
    "view:incidence_angle",
    "view:off_nadir",
    "view:azimuth",
)
"""Properties of a scene that its product keeps."""

TITLES = {"LAI": "Green leaf area index", "FAPAR": "FAPAR", "FCOVER": "Green cover fraction", "NDVI": "NDVI"}
UNITS = {"LAI": "m2/m2"}


@dataclass(frozen=True)
class Layer:
    """One raster of the product.

    Attributes
    ----------
    key : str
        STAC asset key, also the part of the file name that tells rasters apart.
    variable : str
        ``LAI``; empty for the status flags.
    is_value : bool
        Values, otherwise flags.
    """

    key: str
    variable: str
    is_value: bool

    @property
    def dtype(self) -> str:
        """Type of the numbers."""
        return "int16" if self.is_value else "uint8"

    @property
    def nodata(self) -> int:
        """Number that means no data."""
        return l3b.NODATA if self.is_value else l3b.FLAG_NODATA

    @property
    def title(self) -> str:
        """For people."""
        if self.is_value:
            return TITLES[self.variable]
        return f"Domain flags of {self.variable}" if self.variable else "Status flags"


def layers_of(variables: Sequence[str]) -> list[Layer]:
    """Rasters of a product with these variables: values, domain flags (of networks), status flags."""
    values = [Layer(l3b.VALUE_KEYS[name], name, True) for name in variables]
    domains = [Layer(l3b.DOMAIN_KEYS[name], name, False) for name in variables if name in l3b.DOMAIN_KEYS]
    return [*values, *domains, Layer(l3b.STATUS_KEY, "", False)]


def file_name(layer: Layer, source: pystac.Item) -> str:
    """Name of a layer's file, as Sen4CAP's: ``S2AGRI_L3B_SLAIMONO_A20170804T105328_T31UDS.TIF``."""
    return l3b.product_name(layer.key, moment_of(source), tile_of(source)) + ".TIF"


def product_ids(sources: Iterable[pystac.Item]) -> list[str]:
    """Identifiers of the products, in order: the product name without layer.

    Two scenes of one tile and second (a datatake cut in two, or processed twice) both stay: the second gets ``_2``.

    Raises
    ------
    BadInput
        An item does not tell its tile.
    """
    seen: dict[str, int] = {}
    ids = []
    for source in sources:
        tile = tile_of(source)
        if not tile:
            raise BadInput(f"item {source.id}", "tells no MGRS tile, which L3B names hold", do="give it grid:code")
        name = l3b.product_name("", moment_of(source), tile)
        seen[name] = seen.get(name, 0) + 1
        ids.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return ids


def product_item(
    id: str, source: pystac.Item, grid: Grid, layers: Sequence[Layer], *, settings: dict[str, Any]
) -> pystac.Item:
    """STAC item of a product; its files lie beside it.

    Parameters
    ----------
    id
        From `product_ids`.
    source
        The scene.
    grid
        10 m grid of all layers.
    layers
        From `layers_of`.
    settings
        Properties that say how it was made.
    """
    west, south, east, north = project_bounds(grid.bounds, grid.crs, "EPSG:4326")
    box = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    item = pystac.Item(
        id=id,
        geometry=source.geometry or {"type": "Polygon", "coordinates": [box]},
        bbox=source.bbox or [west, south, east, north],
        datetime=moment_of(source),
        properties={
            **{name: source.properties[name] for name in KEPT if name in source.properties},
            "gsd": 10,
            "proj:code": grid.crs,
            "processing:level": "L3B",
            "processing:software": SOFTWARE,
            **settings,
        },
        stac_extensions=[CLASSIFICATION, PROCESSING, PROJECTION, RASTER],
    )
    for layer in layers:
        item.add_asset(layer.key, _asset(layer, source, grid))
    item.add_link(pystac.Link("derived_from", source_of(source), media_type="application/geo+json"))
    return item


def _asset(layer: Layer, source: pystac.Item, grid: Grid) -> pystac.Asset:
    band: dict[str, Any] = {"data_type": layer.dtype, "nodata": layer.nodata, "spatial_resolution": 10}
    fields: dict[str, Any] = {
        "proj:shape": list(grid.shape),
        "proj:transform": list(grid.transform)[:6],
        "raster:bands": [band],
    }
    if layer.is_value:
        band.update(scale=l3b.SCALE, offset=0, **({"unit": UNITS[layer.variable]} if layer.variable in UNITS else {}))
    else:
        meanings = l3b.DOMAIN_MEANING if layer.variable else l3b.STATUS_MEANING
        fields["classification:classes"] = [
            {"value": code, "name": text.replace(" ", "_"), "description": text} for code, text in meanings.items()
        ]
    return pystac.Asset(
        f"./{file_name(layer, source)}",
        title=layer.title,
        media_type=COG,
        roles=["data"] if layer.is_value else ["data-mask"],
        extra_fields=fields,
    )
