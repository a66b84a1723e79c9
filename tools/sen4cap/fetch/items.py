"""Items: which version of a look counts, what each is called, and what a fetched item says of itself."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pystac
import shapely
from pyproj import CRS, Transformer

from ..bands import is_optical, processing_baseline
from ..stac import COG, FILE, PROJECTION, moment_of, source_of, tile_of
from .area import WGS84, footprint_of, is_geographic
from .kernel import SAME_LOOK_S, Look, superseded
from .store import Copied

PASSING_FIELDS = ("proj:", "file:", "storage:", "auth:", "alternate", "xarray:", "table:", "msft:")
"""Fields that describe the source's file or the way to it, not what the copy holds."""

STRAIGHT_M = 10_000.0
"""So long an edge of a clip stays straight in degrees, m."""

PASSING_EXTENSIONS = re.compile(r"/(projection|file|storage|authentication|alternate-assets|xarray-assets)/")


def newest(items: Sequence[pystac.Item]) -> tuple[list[pystac.Item], dict[str, str]]:
    """Items without those that a newer version of the same look replaces.

    Returns
    -------
    items
        In the same order.
    replaced : dict
        From the id of a replaced item to the id of the one that stands in for it.
    """
    falls = superseded([_look(item) for item in items])
    kept = [item for index, item in enumerate(items) if index not in falls]
    return kept, {items[old].id: items[new].id for old, new in sorted(falls.items())}


def _look(item: pystac.Item) -> Look:
    properties = item.properties
    optical = is_optical(item)
    footprint, tile = footprint_of(item), tile_of(item)
    orbit = properties.get("sat:relative_orbit", "")
    # Without a tile and a footprint nothing tells two looks of one moment apart.
    scene = (str(properties.get("platform", "")), tile, str(orbit)) if tile or footprint else (item.id,)
    produced = next(
        (str(properties[name]) for name in ("s2:generation_time", "processing:datetime", "created", "updated")
         if properties.get(name)),
        "",
    )  # fmt: skip
    baseline = processing_baseline(item)
    sequence = str(properties.get("s2:sequence", ""))
    return Look(
        scene=scene,
        second=moment_of(item).timestamp(),
        slack_s=SAME_LOOK_S if optical else 1.0,
        version=(-1.0 if baseline is None else baseline, sequence, produced, item.id),
        footprint=footprint,
    )


def folder_names(items: Sequence[pystac.Item]) -> list[str]:
    """Names for the items' folders: their ids, made safe for a path; a number is added where two would be the same."""
    names = [re.sub(r"[^A-Za-z0-9._-]", "_", item.id).lstrip(".") or "item" for item in items]
    taken = set(names)
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        found = name
        number = seen[name]
        while number > 1 and found in taken:
            found = f"{name}_{number}"
            number += 1
        taken.add(found)
        unique.append(found)
    return unique


def clipped_item(source: pystac.Item, name: str, copied: Mapping[str, Copied]) -> pystac.Item:
    """Item of the clipped copies: the source's time and properties; its own ground, files and checksums.

    Parameters
    ----------
    name
        Its id: the source's, unless that is taken.
    copied
        By asset key; references become relative to the item's file.
    """
    item = _derived(source, name)
    rasters = [c for c in copied.values() if c.crs]
    item.properties = {k: v for k, v in item.properties.items() if not k.startswith(PASSING_FIELDS)}
    codes = {c.crs for c in rasters}
    if len(codes) == 1:
        item.properties |= _crs_fields(codes.pop())
    item.assets = {key: _copied_asset(source.assets[key], c, alone=len(codes) > 1) for key, c in copied.items()}
    kept = [url for url in item.stac_extensions if not PASSING_EXTENSIONS.search(url)]
    item.stac_extensions = [*kept, PROJECTION, FILE]
    ground = _ground(source, rasters)
    if ground is not None:
        item.geometry = _rounded(shapely.geometry.mapping(ground))
        item.bbox = [round(v, 7) for v in ground.bounds]
    return item


def reference_item(source: pystac.Item, name: str, hrefs: Mapping[str, str]) -> pystac.Item:
    """Item that refers to the source's files where they lie.

    Parameters
    ----------
    hrefs
        Absolute, by asset key.
    """
    item = _derived(source, name)
    item.assets = {key: copy.deepcopy(source.assets[key]) for key in hrefs}
    for key, asset in item.assets.items():
        asset.owner = None
        asset.href = hrefs[key]
    return item


def _derived(source: pystac.Item, name: str) -> pystac.Item:
    item = pystac.Item(
        id=name,
        geometry=copy.deepcopy(source.geometry),
        bbox=copy.copy(source.bbox),
        datetime=source.datetime,
        properties=copy.deepcopy(source.properties),
        stac_extensions=list(source.stac_extensions),
        extra_fields={},
    )
    # The source's own `derived_from` (its L1C product) is one step further back.
    own = source.get_self_href() or ""
    href = own if own.startswith(("http://", "https://", "s3://")) else source_of(source)
    item.add_link(pystac.Link("derived_from", href, media_type="application/geo+json"))
    return item


def _copied_asset(source: pystac.Asset, copied: Copied, *, alone: bool) -> pystac.Asset:
    fields = {k: copy.deepcopy(v) for k, v in source.extra_fields.items() if not k.startswith(PASSING_FIELDS)}
    for key in ("raster:bands", "bands"):
        for band in fields.get(key, ()):
            for outdated in ("statistics", "histogram", "raster:histogram"):
                band.pop(outdated, None)
    if copied.crs:
        fields |= _crs_fields(copied.crs) if alone else {}
        fields["proj:shape"] = list(copied.shape)
        fields["proj:transform"] = list(copied.transform)
    fields["file:size"] = copied.size
    fields["file:checksum"] = copied.checksum
    return pystac.Asset(
        f"./{copied.file}",
        title=source.title,
        description=source.description,
        media_type=COG if copied.crs else source.media_type,
        roles=source.roles,
        extra_fields=fields,
    )


def _crs_fields(crs: str) -> dict[str, Any]:
    return {"proj:code": crs} if crs.startswith("EPSG:") else {"proj:code": None, "proj:wkt2": CRS(crs).to_wkt()}


def _ground(source: pystac.Item, rasters: Sequence[Copied]) -> shapely.Geometry | None:
    """Ground of the clips in degrees: their rectangles, as far as the source's footprint goes."""
    outlines = []
    for crs, transform, shape in dict.fromkeys((c.crs, c.transform, c.shape) for c in rasters):
        a, _, west, _, e, north = transform
        box = shapely.box(west, north + e * shape[0], west + a * shape[1], north)
        across = Transformer.from_crs(crs, WGS84, always_xy=True)
        step = 1.0 if is_geographic(crs) else STRAIGHT_M
        outlines.append(shapely.transform(shapely.segmentize(box, step), across.transform, interleaved=False))
    if not outlines:
        return None
    whole = shapely.union_all(outlines)
    footprint = footprint_of(source)
    shared = whole.intersection(footprint) if footprint is not None else whole
    return shared if shared.area > 0 else whole


def _rounded(geometry: dict[str, Any]) -> dict[str, Any]:
    def of(value: Any) -> Any:
        return round(value, 7) if isinstance(value, float) else [of(part) for part in value]

    return {"type": geometry["type"], "coordinates": of(geometry["coordinates"])}
