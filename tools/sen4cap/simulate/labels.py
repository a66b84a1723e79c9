"""What an agency would have beside the images: in-situ classes, HRL layers, harvest weeks, the crop table."""

from __future__ import annotations

import datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import rasterio.features
from affine import Affine
from numpy.typing import NDArray

from ..grid import project_bounds
from ..seasons import Season
from ..tables import write_csv
from .crops import CROPS, GRASS, ORCHARD

L4C_HEADER = (
    "FIELD_ID;ORIG_ID;COUNTRY;YEAR;MAIN_CROP;VEG_START;H_START;H_END;PRACTICE;P_TYPE;P_START;P_END;L_WEEK;M1;M2;M3;M4;M5;"
    "H_WEEK;H_W_START;H_W_END;H_W_S1;M6;M7;M8;M9;M10;C_INDEX;S1PIX;S1GAPS;H_S1GAPS;P_S1GAPS;H_W_S1GAPS;H_QUALITY;C_QUALITY"
)
NO_CROPLAND, NO_SECOND, FEW_LOOKS, NO_SEASON, OUTSIDE_LIMITS = 0, 65530, 65531, 65532, 65533
HRL_CRS = "EPSG:3035"


def write_crop_table(path: Path) -> None:
    """Write crop codes, roles and names."""
    crops = (*CROPS, GRASS, ORCHARD)
    write_csv(
        path,
        {"crop_code": [c.code for c in crops], "role": [c.role for c in crops], "name": [c.name for c in crops]},
    )


def write_insitu(path: Path, truth: pd.DataFrame, *, share: float, seed: int) -> None:
    """Write the class of a sample of the candidate parcels: what a survey by eye would bring."""
    random = np.random.default_rng([seed, 21])
    drawn = random.random(len(truth)) < share
    known = truth[(truth["candidate"] == 1) & truth["class"].notna() & drawn]
    write_csv(path, {"NewID": known["NewID"].to_numpy(), "class": known["class"].astype("int64").to_numpy()})


def write_hrl(
    sce: Path, cpmch: Path, parcels: gpd.GeoDataFrame, truth: pd.DataFrame, *, season: Season, noise: float, seed: int
) -> None:
    """Write the HRL layers of secondary crop emergence and main crop harvest: 10 m, EPSG:3035, YYDOY.

    Parameters
    ----------
    parcels
        In the order of `truth`.
    noise
        Share of the parcels whose class is wrong, and, above 0, dates that are off by some days, here and there a pixel
        without an answer.
    """
    random = np.random.default_rng([seed, 22])
    emergence, harvest = hrl_codes(truth, season=season, noise=noise, random=random)
    west, south, east, north = project_bounds(tuple(parcels.total_bounds), parcels.crs, HRL_CRS)
    left, top = np.floor(west / 10) * 10 - 50, np.ceil(north / 10) * 10 + 50
    columns, rows = int((east - left) // 10 + 6), int((top - south) // 10 + 6)
    transform = Affine(10, 0, left, 0, -10, top)
    shapes = parcels.geometry.to_crs(HRL_CRS)
    lot = random.random((rows, columns))
    for path, codes in ((sce, emergence), (cpmch, harvest)):
        raster = np.zeros((rows, columns), dtype=np.uint16)
        rasterio.features.rasterize(
            ((shape, int(code)) for shape, code in zip(shapes, codes, strict=True) if code),
            out=raster,
            transform=transform,
        )
        if noise > 0:
            raster[(raster > 0) & (lot < 0.02)] = FEW_LOOKS
        with rasterio.open(
            path, "w", driver="COG", width=columns, height=rows, count=1, dtype="uint16", crs=HRL_CRS,
            transform=transform, compress="deflate", nodata=65535,
        ) as sink:  # fmt: skip
            sink.write(raster, 1)


def hrl_codes(
    truth: pd.DataFrame, *, season: Season, noise: float, random: np.random.Generator
) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Codes of secondary crop emergence and main crop harvest for each parcel."""
    arable = truth["harvest"].notna().to_numpy()
    emergence = np.full(len(truth), NO_CROPLAND, dtype=np.uint16)
    emergence[arable] = NO_SECOND
    covered = truth["emergence"].notna().to_numpy()
    emergence[covered] = yydoy(_off(truth["emergence"], covered, 5.0 if noise else 0.0, random))
    wrong = arable & (random.random(len(truth)) < noise)
    invented = wrong & ~covered
    emergence[wrong & covered] = NO_SECOND
    if invented.any():
        days = truth["harvest"][invented] + pd.to_timedelta(random.integers(15, 60, invented.sum()), unit="D")
        emergence[invented] = yydoy(days.to_numpy())
    harvest = np.full(len(truth), NO_CROPLAND, dtype=np.uint16)
    dates = _off(truth["harvest"], arable, 4.0 if noise else 0.0, random)
    harvest[arable] = np.where(dates >= np.datetime64(f"{season.year + 1}-01-01"), OUTSIDE_LIMITS, yydoy(dates))
    return emergence, harvest


def yydoy(days: NDArray[np.datetime64]) -> NDArray[np.uint16]:
    """Dates in the coding of the HRL layers: 21267 is day 267 of 2021."""
    days = np.asarray(days).astype("datetime64[D]")
    years = days.astype("datetime64[Y]")
    of_year = (days - years.astype("datetime64[D]")).astype(int) + 1
    return ((years.astype(int) + 1970 - 2000) * 1000 + of_year).astype(np.uint16)


def _off(
    dates: pd.Series, which: NDArray[np.bool_], spread: float, random: np.random.Generator
) -> NDArray[np.datetime64]:
    days = dates.to_numpy()[which].astype("datetime64[D]")
    return days + np.rint(random.normal(0, 1, len(days)) * spread).astype("timedelta64[D]")


def write_l4c(
    path: Path, parcels: gpd.GeoDataFrame, truth: pd.DataFrame, *, season: Season, country: str, seed: int
) -> None:
    """Write the harvest weeks as Sen4CAP's L4C CSV: some are a week off, some parcels have none.

    One week in seven is late by one (the markers turn only after the field is bare), one parcel in twenty-five has
    NO-HARVEST, as many have NA; grassland and orchards have NA.
    """
    random = np.random.default_rng([seed, 23])
    lines = [L4C_HEADER]
    for record, row in zip(parcels.itertuples(index=False), truth.itertuples(index=False), strict=True):
        lot, late = random.random(), random.random()
        pixels = str(int(max(0, record.Area_meters // 100 - 12)))
        head = [str(row.NewID), record.ori_id, country, str(season.year), str(row.crop_before)]
        start = f"{season.year}-03-15"
        if pd.isna(row.harvest) or lot < 0.04:
            found = "NA"
            window = ["NA", "NA"]
        else:
            window = [f"{season.year}-06-01", f"{season.year}-12-31"]
            monday = row.harvest_week.date() + datetime.timedelta(days=7 * (late < 0.14))
            outside = row.harvest.date() > datetime.date(season.year, 12, 31)
            found = "NO-HARVEST" if lot < 0.08 or outside else monday.isoformat()
        lines.append(";".join([*head, start, *window, "NA", "NA", "NA", "NA", *_harvest_cells(found, season, pixels)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _harvest_cells(found: str, season: Season, pixels: str) -> list[str]:
    """Cells from L_WEEK to C_QUALITY."""
    last = str(datetime.date(season.year, 12, 31).isocalendar().week)
    none = ["NA"] * 6
    gaps = [pixels, "2", "0", "NA", "0"]
    if found in ("NA", "NO-HARVEST"):
        marks = ["FALSE"] * 5 if found == "NO-HARVEST" else ["NA"] * 5
        week = [found, found, found, "NA" if found == "NA" else "NR"]
        return [last, *marks, *week, *none, *gaps, "NA", "NA"]
    monday = datetime.date.fromisoformat(found)
    week = [str(monday.isocalendar().week), found, (monday + datetime.timedelta(days=6)).isoformat(), "1"]
    return [last, *["TRUE"] * 5, *week, *none, *gaps, "1", "NA"]
