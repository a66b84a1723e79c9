"""What a STAC item's assets are: the one table from asset keys to Sentinel bands, and the scaling of their numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import BadInput

if TYPE_CHECKING:
    import pystac  # the command line reads this table for its options: it must stay quick to import


@dataclass(frozen=True)
class Band:
    """One band of a product and the asset keys it goes by.

    Attributes
    ----------
    name : str
        As in the product specification: ``B04``, ``SCL``, ``VV``.
    resolution : int
        Native pixel size, m; 0 where it varies or is not a raster.
    keys : tuple of str
        Asset keys by which catalogues know it, best first: Earth Search v1, Copernicus Data Space,
        Planetary Computer and Sen4CAP services.
    """

    name: str
    resolution: int
    keys: tuple[str, ...]


BANDS = (
    Band("B01", 60, ("coastal", "B01_60m", "B01_20m", "B01")),
    Band("B02", 10, ("blue", "B02_10m", "B02")),
    Band("B03", 10, ("green", "B03_10m", "B03")),
    Band("B04", 10, ("red", "B04_10m", "B04")),
    Band("B05", 20, ("rededge1", "B05_20m", "B05")),
    Band("B06", 20, ("rededge2", "B06_20m", "B06")),
    Band("B07", 20, ("rededge3", "B07_20m", "B07")),
    Band("B08", 10, ("nir", "B08_10m", "B08")),
    Band("B8A", 20, ("nir08", "B8A_20m", "B8A")),
    Band("B09", 60, ("nir09", "B09_60m", "B09")),
    Band("B11", 20, ("swir16", "B11_20m", "B11")),
    Band("B12", 20, ("swir22", "B12_20m", "B12")),
    Band("SCL", 20, ("scl", "SCL_20m", "SCL")),
    Band("GRANULE_XML", 0, ("granule_metadata", "granule-metadata", "metadata_granule")),
    Band("VV", 0, ("vv", "VV")),
    Band("VH", 0, ("vh", "VH")),
    Band("SNDVI", 10, ("SNDVI",)),
    Band("SLAIMONO", 10, ("SLAIMONO",)),
    Band("SFAPARMONO", 10, ("SFAPARMONO",)),
    Band("SFCOVERMONO", 10, ("SFCOVERMONO",)),
    Band("MMONODFLG", 10, ("MMONODFLG",)),
    Band("MLAIDOMFLG", 10, ("MLAIDOMFLG",)),
    Band("MFAPARDOMFLG", 10, ("MFAPARDOMFLG",)),
    Band("MFCOVERDOMFLG", 10, ("MFCOVERDOMFLG",)),
)
BAND_OF_KEY = {key: band.name for band in BANDS for key in band.keys}
RESOLUTION = {band.name: band.resolution for band in BANDS}
REFLECTANCE = tuple(band.name for band in BANDS if band.name.startswith("B"))

BASELINE_WITH_OFFSET = 4.0
"""From Sentinel-2 processing baseline 04.00 on, reflectance = (DN - 1000) / 10000."""


def band_assets(item: pystac.Item) -> dict[str, pystac.Asset]:
    """Assets of an item by band name; assets that are no known band are left out."""
    found: dict[str, tuple[int, pystac.Asset]] = {}
    for key, asset in item.assets.items():
        name = BAND_OF_KEY.get(key)
        if name is None:
            continue
        rank = _KEY_RANK[key]
        if name not in found or rank < found[name][0]:
            found[name] = (rank, asset)
    return {name: asset for name, (_, asset) in found.items()}


_KEY_RANK = {key: rank for band in BANDS for rank, key in enumerate(band.keys)}


def is_optical(item: pystac.Item) -> bool:
    """Whether an item holds a reflectance band of Sentinel-2 at all."""
    return not band_assets(item).keys().isdisjoint(REFLECTANCE)


def wanted_assets(item: pystac.Item, names: tuple[str, ...] | list[str]) -> dict[str, pystac.Asset]:
    """Assets of the wanted bands, in the order asked for.

    Raises
    ------
    BadInput
        A wanted band has no asset; the message lists what the item holds.
    """
    found = band_assets(item)
    missing = [name for name in names if name not in found]
    if missing:
        keys = {band.name: band.keys for band in BANDS}
        hint = ", ".join(f"{name} ({' or '.join(keys[name])})" for name in missing)
        held = ", ".join(sorted(item.assets)) or "none"
        raise BadInput(f"item {item.id}", f"has no asset for {hint}; it holds {held}")
    return {name: found[name] for name in names}


def reflectance_scaling(
    item: pystac.Item, asset: pystac.Asset, *, granule_baseline: Callable[[], float | None] = lambda: None
) -> tuple[float, float]:
    """Scale and offset that turn an asset's numbers into reflectance: scale * DN + offset.

    Decided in this order: `earthsearch:boa_offset_applied` true means that the numbers are already shifted (such items
    still say -0.1 in `raster:bands`); else the offset the asset declares (`raster:bands`, `bands` or its own `raster:`
    fields); else the processing baseline; else none. A date never decides.

    Parameters
    ----------
    granule_baseline
        Asked where the item itself does not tell its processing baseline: from the granule metadata.

    Returns
    -------
    (float, float)
        Such as (0.0001, -0.1).
    """
    declared = _declared(asset)
    scale = float(declared.get("scale", 1e-4))
    if item.properties.get("earthsearch:boa_offset_applied") is True:
        return scale, 0.0
    if "offset" in declared:
        return scale, float(declared["offset"])
    baseline = processing_baseline(item)
    if baseline is None:
        baseline = granule_baseline()
    return scale, -0.1 if baseline is not None and baseline >= BASELINE_WITH_OFFSET else 0.0


def processing_baseline(item: pystac.Item) -> float | None:
    """Sentinel-2 processing baseline as a number (04.00 is 4.0), or None where the item does not tell.

    From `s2:processing_baseline` or `processing:version`, else from the product's name (``_N0400_``).
    """
    text = item.properties.get("s2:processing_baseline") or item.properties.get("processing:version")
    try:
        if text is not None:
            return float(text)
    except ValueError:
        pass
    return baseline_in(f"{item.properties.get('s2:product_uri', '')} {item.id}")


def baseline_in(text: str) -> float | None:
    """Processing baseline in a product or tile identifier: ``_N0400``, ``_N04.00``; None where there is none."""
    found = _BASELINE.search(text)
    return float(".".join(found.groups())) if found else None


_BASELINE = re.compile(r"_N(\d\d)\.?(\d\d)(?![0-9])")


def _declared(asset: pystac.Asset) -> dict[str, float]:
    """Scale and offset as far as an asset declares them: for its first band, else for itself."""
    fields = asset.extra_fields
    places = [{name: fields.get(f"raster:{name}") for name in ("scale", "offset")}]
    for key in ("bands", "raster:bands"):
        if fields.get(key):
            band = fields[key][0]
            places.append({name: band.get(name, band.get(f"raster:{name}")) for name in ("scale", "offset")})
    return {name: value for place in places for name, value in place.items() if value is not None}
