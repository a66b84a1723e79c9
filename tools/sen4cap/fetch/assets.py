"""Which assets of an item are fetched."""

from __future__ import annotations

from collections.abc import Sequence

import pystac

from ..angles import told_angles
from ..bands import REFLECTANCE, band_assets, wanted_assets
from ..errors import BadInput

OPTICAL = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12", "SCL")
"""Inputs of all networks for LAI, FAPAR and FCOVER, of NDVI, NBR2 and the bare soil index, and the scene classes."""

RADAR = ("VV", "VH")
BIOPHYSICAL = (
    *("SNDVI", "SLAIMONO", "SFAPARMONO", "SFCOVERMONO"),
    *("MMONODFLG", "MLAIDOMFLG", "MFAPARDOMFLG", "MFCOVERDOMFLG"),
)
WHOLE = ("GRANULE_XML",)
"""Bands that are no raster: copied as they are."""


def chosen_assets(item: pystac.Item, names: Sequence[str] | None) -> dict[str, str]:
    """Keys of the assets to fetch, by band name.

    Parameters
    ----------
    names
        Bands that were asked for. None: what the suite can use of this item. Sentinel-2 reflectance: `OPTICAL`, all of
        them, and the granule metadata where the properties do not tell the angles; Sentinel-1: VV and VH; LAI, FAPAR
        and FCOVER products: what there is.

    Raises
    ------
    BadInput
        A band is missing; the message lists what the item holds.
    """
    found = band_assets(item)
    if names is None:
        names = _usable(item, found)
    key_of = {id(asset): key for key, asset in item.assets.items()}
    return {name: key_of[id(asset)] for name, asset in wanted_assets(item, tuple(names)).items()}


def _usable(item: pystac.Item, found: dict[str, pystac.Asset]) -> tuple[str, ...]:
    if any(name in found for name in REFLECTANCE):
        needs_granule = None in told_angles(item).values() and "GRANULE_XML" in found
        return (*OPTICAL, "GRANULE_XML") if needs_granule else OPTICAL
    usable = tuple(name for name in (*RADAR, *BIOPHYSICAL) if name in found)
    if not usable:
        held = ", ".join(sorted(item.assets)) or "nothing"
        raise BadInput(f"item {item.id}", f"has no band that this suite knows; it holds {held}")
    return usable
