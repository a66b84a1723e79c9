"""A simulated season: a landscape in, a folder as agencies and archives would deliver it out."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pystac
import shapely
from pyproj import Transformer

from ..compiled import thread_count
from ..errors import BadInput
from ..outputs import whole_folder
from ..progress import say, track
from ..seasons import Season
from ..stac import write_items
from ..tables import write_csv
from .archive import item_id, scene_item, write_scene
from .canopy import CanopyModel, GapFractionModel
from .imaging import observe
from .labels import write_crop_table, write_hrl, write_insitu, write_l4c
from .landscape import Landscape, draw_landscape
from .orbits import Look, looks
from .plots import Plots, draw_plots
from .scenery import make_scenery
from .shares import on_share, shares
from .tiles import utm_of_tile
from .weather import Weather

PLACE_IN_TILE_M = (41_000.0, 47_000.0)
"""Where the landscape's lower left corner lies in its tile, unless it is too large for that."""
TILE_M = 109_800.0
WEATHER_LEAD_DAYS = 31
"""The weather file begins so many days before the images: the first ones need the rain before them."""


def simulate(
    *,
    season: int,
    parcels_count: int,
    seed: int,
    start: datetime.date,
    end: datetime.date,
    clouds: str,
    canopy: str,
    mean_area: float,
    insitu_share: float,
    label_noise: float,
    tile: str,
    second_tile: str | None,
    crs: str,
    threads: int,
    output: Path,
) -> None:
    """Write a simulated season into folder `output`."""
    winter = Season(season)
    model = canopy_model(canopy)
    plots = draw_plots(parcels_count, mean_ha=mean_area, seed=seed)
    utm, corner, (longitude, latitude) = place_in_tile(plots, tile)
    landscape = draw_landscape(parcels_count, season=winter, seed=seed, latitude=latitude, start=start, end=end)
    scenery = make_scenery(plots, landscape, crs=utm, corner=corner, seed=seed)
    grids = shares(scenery.grid, tile, second_tile)
    passes = looks(start, end, latitude=latitude, longitude=longitude, seed=seed)
    if not passes:
        raise BadInput(f"{start} to {end}", "holds no pass of the satellites", do="choose a longer span")
    frame = parcel_frame(plots, landscape, utm=utm, corner=corner, crs=crs, season=winter)
    with whole_folder(output) as folder:

        def take(look: Look) -> list[pystac.Item]:
            whole = observe(scenery, look, model, regime=clouds, seed=seed)
            items = []
            for name, grid in grids.items():
                scene = on_share(whole, scenery.grid, grid)
                write_scene(folder / item_id(look, name), scene, grid)
                items.append(scene_item(look, scene, grid, tile=name))
            return items

        taken = list(track(_on_threads(take, passes, threads), "acquisitions", total=len(passes)))
        write_items(
            folder, itertools.chain.from_iterable(taken), id=f"simulated-{'-'.join(grids)}-{season}-{seed}",
            description=f"Simulated Sentinel-2 L2A, season {season}, {parcels_count} parcels, seed {seed}",
        )  # fmt: skip
        _write_tables(
            folder, frame, landscape, season=winter, seed=seed, insitu_share=insitu_share, label_noise=label_noise,
            start=start, end=end,
        )  # fmt: skip
    say(f"{output}: {parcels_count} parcels, {len(passes)} acquisitions from {passes[0].day} to {passes[-1].day}")


def canopy_model(name: str) -> CanopyModel:
    """Canopy model by its name: the project's own, or PROSAIL from its extra."""
    if name == "gap-fraction":
        return GapFractionModel()
    from .prosail_canopy import ProsailModel

    return ProsailModel()


def _on_threads(work: object, things: list[Look], threads: int) -> Iterator[list[pystac.Item]]:
    with ThreadPoolExecutor(thread_count(threads)) as pool:
        yield from pool.map(work, things)  # type: ignore[arg-type]


def place_in_tile(plots: Plots, tile: str) -> tuple[str, tuple[float, float], tuple[float, float]]:
    """CRS of the tile, corner of the landscape in it, and longitude and latitude of its middle."""
    code, east, north = utm_of_tile(tile)
    if plots.side > 0.95 * TILE_M:
        raise BadInput(
            f"{len(plots.parcels)} parcels", f"need {plots.side / 1000:.0f} km and a tile holds 109", do="ask for fewer"
        )
    room = TILE_M - plots.side - 2000
    corner = (east + min(PLACE_IN_TILE_M[0], room), north + min(PLACE_IN_TILE_M[1], room) - 9_000)
    to_globe = Transformer.from_crs(code, 4326, always_xy=True)
    longitude, latitude = to_globe.transform(corner[0] + plots.side / 2, corner[1] + plots.side / 2)
    return f"EPSG:{code}", corner, (float(longitude), float(latitude))


def parcel_frame(
    plots: Plots, landscape: Landscape, *, utm: str, corner: tuple[float, float], crs: str, season: Season
) -> gpd.GeoDataFrame:
    """Parcels with the columns of a Sen4CAP declaration table, in the national CRS."""
    truth = landscape.truth
    shapes = gpd.GeoSeries(shapely.transform(plots.parcels, lambda xy: xy + np.asarray(corner)), crs=utm).to_crs(crs)
    holdings = np.random.default_rng([len(truth), season.year]).integers(1, max(2, len(truth) // 8), len(truth))
    area, length = shapes.area.to_numpy(), shapes.length.to_numpy()
    inner = shapes.buffer(-5).area.to_numpy()
    return gpd.GeoDataFrame(
        {
            "NewID": truth["NewID"].astype("int32"),
            "ori_id": [f"{season.year}-{1_000_000 + 37 * number}" for number in truth["NewID"]],
            "ori_crop": truth["crop_before"].astype(str),
            "crop_before": truth["crop_before"].astype("int32"),
            "crop_after": truth["crop_after"].astype("int32"),
            "HoldID": [f"H{holding:05d}" for holding in holdings],
            "GeomValid": np.ones(len(truth), dtype=np.int32),
            "Duplic": np.zeros(len(truth), dtype=np.int32),
            "Overlap": np.zeros(len(truth), dtype=np.int32),
            "Area_meters": np.round(area, 1),
            "ShapeInd": np.round(length / (2 * np.sqrt(np.pi * area)), 3),
            "S1Pix": (inner / 400).astype(np.int32),
            "S2Pix": (inner / 100).astype(np.int32),
        },
        geometry=shapes,
    )


def _write_tables(
    folder: Path,
    frame: gpd.GeoDataFrame,
    landscape: Landscape,
    *,
    season: Season,
    seed: int,
    insitu_share: float,
    label_noise: float,
    start: datetime.date,
    end: datetime.date,
) -> None:
    truth = landscape.truth
    frame.to_file(folder / "parcels.gpkg", layer=f"decl_sim_{season.year}", driver="GPKG", engine="pyogrio")
    write_crop_table(folder / "crops.csv")
    write_insitu(folder / "insitu.csv", truth, share=insitu_share, seed=seed)
    write_hrl(folder / "sce.tif", folder / "cpmch.tif", frame, truth, season=season, noise=label_noise, seed=seed)
    write_l4c(folder / "l4c.csv", frame, truth, season=season, country="BEL", seed=seed)
    write_weather(folder / "weather.csv", landscape.weather, start, end)
    write_truth(folder / "truth.csv", truth)


def write_weather(path: Path, weather: Weather, start: datetime.date, end: datetime.date) -> None:
    """Write the weather of a span, beginning `WEATHER_LEAD_DAYS` before it."""
    span = slice(max(0, weather.index(start) - WEATHER_LEAD_DAYS), weather.index(end) + 1)
    write_csv(
        path,
        {
            "date": weather.days[span],
            "precipitation_mm": weather.precipitation[span],
            "temperature_mean_c": weather.mean[span],
            "temperature_min_c": weather.lowest[span],
            "temperature_max_c": weather.highest[span],
        },
    )


def write_truth(path: Path, truth: pd.DataFrame) -> None:
    """Write the truth table."""
    write_csv(path, {name: truth[name] for name in truth.columns})
