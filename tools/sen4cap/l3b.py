"""The L3B product: LAI, FAPAR, FCOVER and NDVI at 10 m with flags, as Sen4CAP names and codes them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

VALUE_KEYS = {"LAI": "SLAIMONO", "FAPAR": "SFAPARMONO", "FCOVER": "SFCOVERMONO", "NDVI": "SNDVI"}
"""STAC asset key of each variable's values: int16, value = `SCALE` * code, `NODATA` under cloud, snow and no data."""

DOMAIN_KEYS = {"LAI": "MLAIDOMFLG", "FAPAR": "MFAPARDOMFLG", "FCOVER": "MFCOVERDOMFLG"}
"""STAC asset key of each variable's domain flags: uint8, 0 inside, 1 input outside, 2 output too low, 3 too high."""

STATUS_KEY = "MMONODFLG"
"""STAC asset key of the status flags: uint8, the codes below. Only `LAND` is clear land."""

SCALE = 0.001
NODATA = -10000
LAND, WATER, SHADOW, SNOW, CLOUD, SATURATED, NO_DATA = 0, 1, 2, 3, 4, 5, 255
FLAG_NODATA = 255

STATUS_MEANING = {LAND: "land", WATER: "water", SHADOW: "shadow", SNOW: "snow", CLOUD: "cloud", SATURATED: "saturated"}
DOMAIN_MEANING = {0: "inside", 1: "input outside", 2: "output too low", 3: "output too high"}
WITHOUT_VALUE = (SNOW, CLOUD, NO_DATA)
"""Status under which every value is nodata."""

CLEAR_CLASSES = (4, 5)
"""Scene classes that Sen4CAP takes for clear land: vegetation and bare soil."""

SCL_CLASSES = range(1, 12)
"""Scene classes of Sen2Cor that hold data; 0 is nodata."""

_STATUS_OF_CLASS = {1: SATURATED, 6: WATER, 11: SNOW}


def status_table(clear_classes: Iterable[int]) -> NDArray[np.uint8]:
    """Status by scene class: index it with an SCL array.

    Sen4CAP's mapping: 1 saturated, 6 water, 11 snow, 0 nodata; 2, 3, 7, 8, 9, 10 count as cloud, 4 and 5 as land.

    Parameters
    ----------
    clear_classes
        Classes that count as land, whatever else they mean; a class that is not named and would be land by Sen4CAP's
        mapping counts as cloud: not usable.

    Returns
    -------
    (256,)
        Codes; classes that do not exist are nodata.
    """
    table = np.full(256, NO_DATA, np.uint8)
    for code in SCL_CLASSES:
        table[code] = _STATUS_OF_CLASS.get(code, CLOUD)
    table[list(clear_classes)] = LAND
    return table


def product_name(key: str, moment: datetime.datetime, tile: str) -> str:
    """File name without suffix: ``S2AGRI_L3B_SLAIMONO_A20170804T105328_T31UDS``.

    Parameters
    ----------
    key
        An asset key; empty for the name of the item that holds them all.
    moment
        Of the acquisition, UTC.
    tile
        MGRS tile without T.
    """
    return "_".join(part for part in ("S2AGRI_L3B", key, f"A{moment:%Y%m%dT%H%M%S}", f"T{tile}") if part)


def variable_of(key: str) -> str | None:
    """Variable whose values an asset key stands for, or None."""
    return next((variable for variable, known in VALUE_KEYS.items() if known == key), None)
