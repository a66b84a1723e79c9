"""Military grid tiles, as Sentinel-2 names them: ``31UFS`` to its corner in UTM."""

from __future__ import annotations

import re

from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

ROWS = "ABCDEFGHJKLMNPQRSTUV"
COLUMNS = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")
BANDS = "CDEFGHJKLMNPQRSTUVWX"
SIDE = 100_000


def utm_of_tile(tile: str) -> tuple[int, float, float]:
    """UTM zone of a tile as an EPSG code, and the lower left corner of its 100 km square (east, north; m).

    Raises
    ------
    ValueError
        No tile has that name.
    """
    found = re.fullmatch(r"T?(\d{1,2})([C-HJ-NP-X])([A-HJ-NP-Z])([A-HJ-NP-V])", tile)
    zone = int(found.group(1)) if found else 0
    if not found or not 1 <= zone <= 60 or found.group(3) not in COLUMNS[(zone - 1) % 3]:
        raise ValueError(f"{tile!r} is no Sentinel-2 tile; write for example 31UFS")
    _, band, column, row = found.groups()
    east = (COLUMNS[(zone - 1) % 3].index(column) + 1) * SIDE
    north = ((ROWS.index(row) - (5 if zone % 2 == 0 else 0)) % 20) * SIDE
    south_edge = _northing(8.0 * BANDS.index(band) - 80.0)
    # Row letters repeat every 2000 km; the latitude band says which.
    while north + SIDE <= south_edge:
        north += 20 * SIDE
    hemisphere = 32600 if band >= "N" else 32700
    return hemisphere + zone, float(east), float(north)


def check_place(tile: str, crs: str) -> None:
    """Refuse a tile that does not exist, and a coordinate reference system made for another place.

    Raises
    ------
    ValueError
        With the offending value.
    """
    code, east, north = utm_of_tile(tile)
    try:
        area = CRS.from_user_input(crs).area_of_use
    except CRSError as error:
        raise ValueError(f"{crs!r} is no coordinate reference system") from error
    longitude, latitude = Transformer.from_crs(code, 4326, always_xy=True).transform(east + SIDE / 2, north + SIDE / 2)
    if area and not (area.west <= longitude <= area.east and area.south <= latitude <= area.north):
        raise ValueError(f"tile {tile} lies outside the area of {crs}, {area.name}; choose the --crs of its country")


def _northing(latitude: float) -> float:
    """Northing of a latitude on a zone's central meridian, to some km; southern ones count from 10,000 km."""
    return 110_600.0 * latitude * 0.9996 + (10_000_000.0 if latitude < 0 else 0.0)
