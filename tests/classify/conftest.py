"""A small landscape at the level of parcels: series with known classes, and the files that classify reads."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from sen4cap.series import new_series

START = datetime.date(2021, 6, 15)
DAYS = 412


@dataclass(frozen=True)
class Landscape:
    """Truth and files of a made-up season."""

    series: Path
    parcels: Path
    insitu: Path
    wcc: np.ndarray
    ids: np.ndarray
    folder: Path


def lai_of(wcc: bool, draw: np.random.Generator, *, shift: float) -> np.ndarray:
    """A main crop that is harvested, then a cover crop or none, then the next main crop; LAI a day."""
    day = np.arange(DAYS, dtype=float)
    harvest = draw.normal(60, 20)
    main = draw.uniform(2, 5) / (1 + np.exp((day - harvest) / 3))
    bare = draw.uniform(0.0, 0.25) + 0.1 * np.sin(day / draw.uniform(20, 60))
    rise, fall = harvest + draw.normal(40, 8) + shift, draw.normal(290, 12) + shift
    top = draw.uniform(0.9, 4) if wcc else draw.uniform(0.0, 0.5)
    cover = top / (1 + np.exp(-(day - rise) / 7)) / (1 + np.exp((day - fall) / 4))
    after = draw.uniform(2, 5) / (1 + np.exp(-(day - draw.normal(360, 10)) / 6))
    return np.clip(main + bare + cover + after + draw.normal(0, 0.05, DAYS), 0, 8).astype(np.float32)


def _make_series(
    path: Path,
    ids: np.ndarray,
    wcc: np.ndarray,
    *,
    seed: int,
    year: int,
    looks: int = 70,
    until: int = DAYS,
    variables: Sequence[str] = ("LAI", "FCOVER"),
) -> None:
    draw = np.random.default_rng(seed)
    start = START.replace(year=year)
    shift = draw.normal(0, 6)
    with new_series(
        path, ids, start=start, days=DAYS, variables=variables, season=year, method="made up", sources=["item"]
    ) as series:
        for k, is_wcc in enumerate(wcc):
            lai = lai_of(bool(is_wcc), draw, shift=shift)
            seen = np.sort(draw.choice(np.arange(10, DAYS - 10), looks, replace=False))
            seen = seen[seen < until]
            gap = np.abs(np.arange(DAYS)[:, None] - seen).min(axis=1)
            inside = (np.arange(DAYS) >= seen[0]) & (np.arange(DAYS) <= seen[-1])
            smooth = np.where(inside, np.interp(np.arange(DAYS), seen, lai[seen]), np.nan)
            both = {"LAI": smooth, "FCOVER": 1 - np.exp(-0.5 * smooth)}
            series.write(k, {name: both[name][None] for name in variables}, gap[None])


def _make_parcels(ids: np.ndarray) -> gpd.GeoDataFrame:
    side = int(np.ceil(np.sqrt(len(ids))))
    east, north = 150_000 + 200 * (np.arange(len(ids)) % side), 170_000 + 200 * (np.arange(len(ids)) // side)
    crop = np.where(ids % 7 == 0, "312", "201")
    shapes = shapely.box(east, north, east + 150, north + 120)
    return gpd.GeoDataFrame({"NewID": ids, "ori_crop": crop}, geometry=shapes, crs=31370)


@pytest.fixture(scope="session")
def landscape(tmp_path_factory: pytest.TempPathFactory) -> Landscape:
    folder = tmp_path_factory.mktemp("landscape")
    draw = np.random.default_rng(7)
    ids = np.arange(1001, 1241, dtype=np.int32)
    wcc = draw.random(len(ids)) < 0.5
    _make_series(folder / "series.arrow", ids, wcc, seed=1, year=2021)
    _make_parcels(ids).to_file(folder / "parcels.gpkg")
    some = draw.permutation(len(ids))[:120]
    rows = "".join(f"{ids[k]},{1 if wcc[k] else 2}\n" for k in some)
    (folder / "insitu.csv").write_text("NewID,class\n" + rows)
    return Landscape(folder / "series.arrow", folder / "parcels.gpkg", folder / "insitu.csv", wcc, ids, folder)


@pytest.fixture(scope="session")
def make_series() -> Callable[..., None]:
    """Function that writes a series file of given classes."""
    return _make_series
