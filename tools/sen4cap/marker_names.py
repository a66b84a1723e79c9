"""Names of marker columns: ``{YYYYMMDD}_{stat}_{TYPE}[_{pol}][_{orbit}][_{tile}][_{band}]``, and the units of each."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

STATS = ("mean", "stdev", "min", "max", "median", "p25", "p75", "valid_pixels_cnt")
SCALE = {
    "LAI": 1000.0,
    "FAPAR": 1000.0,
    "FCOVER": 1000.0,
    "NDVI": 1000.0,
    "NBR2": 1000.0,
    "NDWI": 1000.0,
    "BRIGHTNESS": 1000.0,
    "L2A": 10000.0,
    "AMP": 1.0,
    "COHE": 1.0,
    "RATIO": 1.0,
}
"""Raster units per physical unit, by type: a mean of 2500 in an LAI column is 2.5 m2/m2."""

_COLUMN = re.compile(
    rf"(?P<day>\d{{8}})_(?P<stat>{'|'.join(STATS)})_(?P<type>{'|'.join(SCALE)})"
    r"(?:_(?P<pol>VV|VH))?(?:_(?P<orbit>\d{3}))?(?:_(?P<tile>\d{2}[A-Z]{3}))?(?:_(?P<band>B\d[\dA]))?"
)


@dataclass(frozen=True, order=True)
class Marker:
    """What one column of a marker table holds."""

    day: datetime.date
    type: str
    pol: str = ""
    orbit: str = ""
    tile: str = ""
    band: str = ""
    stat: str = "mean"

    @property
    def name(self) -> str:
        """Column name."""
        parts = (f"{self.day:%Y%m%d}", self.stat, self.type, self.pol, self.orbit, self.tile, self.band)
        return "_".join(part for part in parts if part)

    @classmethod
    def parse(cls, name: str) -> Marker | None:
        """Read a column name; None where it is no marker."""
        found = _COLUMN.fullmatch(name)
        if found is None:
            return None
        parts = {key: value or "" for key, value in found.groupdict().items()}
        try:
            day = datetime.datetime.strptime(parts.pop("day"), "%Y%m%d").date()
        except ValueError:
            return None
        return cls(day, **parts)
