"""A catalogue of L3B products over fields with known dates."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pystac
import rasterio
from affine import Affine

from sen4cap import l3b
from sen4cap.stac import write_items

START, END = datetime.date(2021, 7, 1), datetime.date(2022, 6, 30)
ROWS, COLUMNS, EVERY = 20, 30, 6
EMERGED, ENDED = 270.0, 400.0
"""Truth, day of 2021: the northern half is 20 days later than this in its emergence."""


def season_lai(day: np.ndarray) -> np.ndarray:
    """LAI (day, row, column) on days of 2021: a main crop, then a cover crop in all but the last ten columns."""
    t = day[:, None, None].astype(float)
    rows, columns = np.mgrid[:ROWS, :COLUMNS]
    rise = EMERGED + np.where(rows < ROWS // 2, 20.0, 0.0)
    main = 2.5 / (1 + np.exp((t - 215) / 2))
    # Gompertz: the stand passes 0.1 on the day of its emergence.
    cover = 2.5 * np.exp(-np.log(25) * np.exp(-(t - rise) / 14)) * (t < ENDED)
    after = 2.0 / (1 + np.exp(-(t - 480) / 8))
    return 0.05 + main + np.where(columns < 20, cover, 0.0) + after


def write_products(folder: Path, *, side: int = 0, apart: int = 0) -> Path:
    """Write a look every few days; the first column is under cloud on all.

    Parameters
    ----------
    side, apart
        Pixels of a side of a larger image, which shows the fields again and again, so many pixels apart, and clouds
        between them; 0: the fields alone.
    """
    first = (START - datetime.date(2021, 1, 1)).days + 1
    days = np.arange(first, first + (END - START).days, EVERY)
    items = []
    for day, lai in zip(days, season_lai(days), strict=True):
        date = datetime.date(2021, 1, 1) + datetime.timedelta(days=int(day) - 1)
        status = np.full(lai.shape, l3b.LAND, np.uint8)
        status[:, 0] = l3b.CLOUD
        planes = {
            "SLAIMONO": (1000 * lai).astype(np.int16),
            "SFCOVERMONO": (1000 * (1 - np.exp(-0.6 * lai))).astype(np.int16),
            l3b.STATUS_KEY: status,
        }
        if side:
            empty = {l3b.STATUS_KEY: l3b.CLOUD}
            planes = {key: _repeated(plane, side, apart, empty.get(key, l3b.NODATA)) for key, plane in planes.items()}
        items.append(_product(folder, date, planes))
    write_items(folder, items, id="l3b", description="test")
    return folder


def _repeated(plane: np.ndarray, side: int, apart: int, empty: int) -> np.ndarray:
    image = np.full((side, side), empty, plane.dtype)
    for top in range(0, side - ROWS, apart):
        for left in range(0, side - COLUMNS, apart):
            image[top : top + ROWS, left : left + COLUMNS] = plane
    return image


def _product(folder: Path, date: datetime.date, planes: dict[str, np.ndarray]) -> pystac.Item:
    moment = datetime.datetime.combine(date, datetime.time(10, 50), datetime.UTC)
    name = l3b.product_name("", moment, "31UES")
    place = folder / name
    place.mkdir(parents=True)
    item = pystac.Item(
        name,
        {"type": "Polygon", "coordinates": [[[3, 50], [3.1, 50], [3.1, 50.1], [3, 50.1], [3, 50]]]},
        [3, 50, 3.1, 50.1],
        moment,
        {"grid:code": "MGRS-31UES"},
    )
    for key, pixels in planes.items():
        nodata = l3b.FLAG_NODATA if key == l3b.STATUS_KEY else l3b.NODATA
        with rasterio.open(
            place / f"{key}.TIF", "w", driver="GTiff", height=pixels.shape[0], width=pixels.shape[1], count=1,
            dtype=pixels.dtype, crs="EPSG:32631", transform=Affine(10, 0, 500000, 0, -10, 5600000), nodata=nodata,
            tiled=True, compress="zstd",
        ) as sink:  # fmt: skip
            sink.write(pixels, 1)
        item.add_asset(key, pystac.Asset(f"./{key}.TIF"))
    return item
