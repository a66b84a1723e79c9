"""Simulated seasons seen parcel by parcel: truth, marker tables and all that an agency would have, without any image.

Every pixel goes the way of a real one: the simulator's scenes (canopy, ground, clouds, shadows, atmosphere, noise,
scene classification), the network, the means of each parcel's clear pixels. Only the files in between are left out.

A season's parcels lie in villages far enough from each other for skies of their own under one weather; so a season of
some hundred parcels holds many patterns of gaps. The seed sets weather, rotations, growth, clouds and noise.
"""

from __future__ import annotations

import csv
import datetime
import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import NormalDist

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

import sen4cap.lai
import sen4cap.simulate
from sen4cap.lai.folded import fold
from sen4cap.lai.kernel import biophysical
from sen4cap.lai.networks import load
from sen4cap.marker_names import SCALE, Marker
from sen4cap.marker_table import new_markers
from sen4cap.outputs import whole_folder
from sen4cap.seasons import Season
from sen4cap.simulate.canopy import GapFractionModel, Geometry
from sen4cap.simulate.clouds import REGIMES, SPELL_SHARE, Sky, draw_sky
from sen4cap.simulate.imaging import SNOWY, Scene, look_random, see_through, sky_over
from sen4cap.simulate.labels import write_crop_table, write_hrl, write_insitu, write_l4c
from sen4cap.simulate.landscape import Landscape, draw_landscape
from sen4cap.simulate.orbits import TRACKS, Look, looks, sun_position
from sen4cap.simulate.plots import draw_plots
from sen4cap.simulate.run import parcel_frame, place_in_tile, write_truth, write_weather
from sen4cap.simulate.scenery import Scenery, make_scenery
from sen4cap.simulate.spectra import COARSE, FINE

HERE = Path(__file__).parent
FLANDERS = HERE / "flanders-looks.csv"
REGIMES_SEEN = ("dense", "ordinary", "flanders")
"""Cloud regimes: two of the simulator's, and the dates and clear shares of a real winter."""
VILLAGE_PARCELS, VILLAGE_APART_M = 100, 7_000.0
MEAN_HA = 2.2
"""The simulator's own default: smaller parcels see more of their neighbours in the 20 m bands."""
TILE, NATIONAL_CRS = "31UFS", "EPSG:31370"
CLEAR = (4, 5)
OVERCAST_MARGIN = 1e-3
"""Murk is averaged in another order here than by the scene classification."""
STATS = ("mean", "stdev", "valid_pixels_cnt")
INSITU_SHARE, LABEL_NOISE = 0.6, 0.10
QUANTITIES = {
    "LAI": ("LAI", "", ""),
    "FCOVER": ("FCOVER", "", ""),
    "NDVI": ("NDVI", "", ""),
    "NBR2": ("NBR2", "", ""),
    "B11": ("L2A", "B11", TILE),
}
"""What `sen4cap markers` measures by default: type, band and tile of each."""


@dataclass(frozen=True)
class Village:
    """Parcels that share a sky.

    Attributes
    ----------
    scenery : Scenery
        Pixels.
    members : (parcel,)
        Their positions among all parcels.
    owner : (pixel,)
        Member that owns each 10 m pixel alone, -1 where none does.
    """

    scenery: Scenery
    members: NDArray[np.intp]
    owner: NDArray[np.int64]


@dataclass(frozen=True)
class Country:
    """A season's parcels, their truth and their villages."""

    season: Season
    seed: int
    landscape: Landscape
    villages: list[Village]
    frame: gpd.GeoDataFrame
    place: tuple[float, float]


def span_of(season: Season) -> tuple[datetime.date, datetime.date]:
    """First and last day looked at: before the harvest, and past the emergence of the next main crop."""
    return datetime.date(season.year, 6, 1), datetime.date(season.year + 1, 8, 15)


def settle(count: int, *, season: Season, seed: int) -> Country:
    """Draw parcels and lay them out in villages."""
    start, end = span_of(season)
    numbers = np.arange(count)
    parts = [numbers[low : low + VILLAGE_PARCELS] for low in range(0, count, VILLAGE_PARCELS)]
    layouts = [draw_plots(len(part), mean_ha=MEAN_HA, seed=1000 * seed + k) for k, part in enumerate(parts)]
    utm, corner, (longitude, latitude) = place_in_tile(layouts[0], TILE)
    landscape = draw_landscape(count, season=season, seed=seed, latitude=latitude, start=start, end=end)
    villages, frames = [], []
    across = int(np.ceil(np.sqrt(len(parts))))
    for k, (part, plots) in enumerate(zip(parts, layouts, strict=True)):
        here = corner[0] + VILLAGE_APART_M * (k % across), corner[1] + VILLAGE_APART_M * (k // across)
        own = subset(landscape, part)
        scenery = make_scenery(plots, own, crs=utm, corner=here, seed=1000 * seed + k)
        villages.append(Village(scenery, part, _owners(scenery, len(part))))
        frames.append(parcel_frame(plots, own, utm=utm, corner=here, crs=NATIONAL_CRS, season=season))
    return Country(season, seed, landscape, villages, pd.concat(frames, ignore_index=True), (longitude, latitude))


def subset(landscape: Landscape, rows: NDArray[np.intp]) -> Landscape:
    """Some parcels of a landscape."""
    names = ("lai", "fcover", "brown", "residue", "weathering", "chlorophyll", "flatness", "moisture", "bare", "soil")
    arrays = {name: getattr(landscape, name)[rows] for name in names}
    return replace(landscape, **arrays, truth=landscape.truth.iloc[rows].reset_index(drop=True))


def _owners(scenery: Scenery, parcels: int) -> NDArray[np.int64]:
    pixels = len(scenery.first) - 1
    alone = np.diff(scenery.first) == 1
    owner = np.full(pixels, -1, np.int64)
    cover = scenery.cover[scenery.first[:-1]]
    owner[alone & (cover >= 1) & (cover <= parcels)] = cover[alone & (cover >= 1) & (cover <= parcels)] - 1
    # The inner buffer of 5 m: a pixel at the boundary has a neighbour that another cover has a part in.
    grid = owner.reshape(scenery.grid.shape)
    inner = grid.copy()
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        inner[np.roll(grid, step, axis) != grid] = -1
    kept = np.bincount(inner[inner >= 0], minlength=parcels)
    # Slivers keep their boundary pixels, as a buffer of 5 m leaves some of them too.
    inner[(grid >= 0) & (kept[np.maximum(grid, 0)] < 4)] = grid[(grid >= 0) & (kept[np.maximum(grid, 0)] < 4)]
    return inner.ravel()


def passes(country: Country, regime: str) -> list[tuple[Look, float | None]]:
    """Acquisitions, and the clear share each is known to have, if it is."""
    start, end = span_of(country.season)
    longitude, latitude = country.place
    if regime in REGIMES:
        return [(look, None) for look in looks(start, end, latitude=latitude, longitude=longitude, seed=country.seed)]
    return [
        (_look_on(day, number, latitude=latitude, longitude=longitude), share)
        for number, (day, share) in enumerate(sorted(real_looks(start, end).items()))
    ]


def real_looks(start: datetime.date, end: datetime.date) -> dict[datetime.date, float]:
    """Dates of the real season by month and day, moved to the years of a span.

    The record begins in August and runs over a second summer: early days of the span take those of its second year.
    """
    with FLANDERS.open() as source:
        record = [
            (datetime.date.fromisoformat(row["date"]), float(row["clear_share"])) for row in csv.DictReader(source)
        ]
    found = {}
    winter_start = datetime.date(start.year, 8, 1)
    for day, share in record:
        years = [day.year - 2017 + start.year]
        if day.year == 2018 and day.month < 8:
            years.append(start.year)
        for year in years:
            try:
                moved = day.replace(year=year)
            except ValueError:
                continue
            if start <= moved <= end and (year == day.year - 2017 + start.year or moved < winter_start):
                found[moved] = share
    return found


def _look_on(day: datetime.date, number: int, *, latitude: float, longitude: float) -> Look:
    track = TRACKS[number % 2]
    moment = datetime.datetime.combine(day, datetime.time(), datetime.UTC) + datetime.timedelta(minutes=track.minute)
    zenith, azimuth = sun_position(moment, latitude=latitude, longitude=longitude)
    geometry = Geometry(zenith, track.view_zenith, azimuth - track.view_azimuth)
    return Look(moment, "sentinel-2a", track.orbit, geometry, azimuth, track.view_azimuth)


def scenes(
    country: Country, look: Look, regime: str, share: float | None
) -> Iterator[tuple[Village, Scene, NDArray[np.bool_]]]:
    """One acquisition over the villages that are not overcast: scene, and which 20 m pixels count as clear land."""
    canopy = GapFractionModel()
    villages = country.villages
    randoms = [look_random(look, 1000 * country.seed + k) for k in range(len(villages))]
    skies = [
        sky_over(village.scenery, look, regime=regime, random=random)
        if share is None
        else _sky(village, look, share, random)
        for village, random in zip(villages, randoms, strict=True)
    ]
    # Above 1 the scene classification notices cloud or shadow, and calls it neither vegetated nor bare.
    murk = [np.maximum(_coarse(sky.opacity) / sky.seen_from, _coarse(sky.shade) / 0.45) for sky in skies]
    limit = 1.0
    if share is not None:
        # At most the known share is clear: the rest was lost to cloud, or to classes that do not count as clear.
        pooled = np.concatenate([m.ravel() for m in murk])
        lost = np.sort(pooled)[max(0, min(len(pooled) - 1, round(share * len(pooled)) - 1))]
        limit = min(float(lost), 1.0) if share > 0 else -np.inf
    for village, random, sky, m in zip(villages, randoms, skies, murk, strict=True):
        # Half of all: a scene that nobody would see any ground of is not drawn.
        if m.min() > limit + OVERCAST_MARGIN:
            continue
        scene = see_through(sky, village.scenery, look, canopy, random=random)
        clear = np.isin(scene.scl, CLEAR) if share is None else (m <= limit) & (scene.scl != SNOWY)
        yield village, scene, clear


def _sky(village: Village, look: Look, share: float, random: np.random.Generator) -> Sky:
    """Sky whose mean cloud cover leaves that clear share, by the spell of weather that would."""
    cover = REGIMES["ordinary"]
    assert cover is not None
    normal = NormalDist()
    wanted = normal.inv_cdf(min(max(1 - share, 0.01), 0.99)) * np.sqrt(1 - SPELL_SHARE**2)
    spell = (wanted - normal.inv_cdf(cover[0])) / SPELL_SHARE
    return draw_sky(
        village.scenery.grid.shape,
        regime="ordinary",
        unsettled=spell,
        winter=0.0,
        sun_zenith=look.geometry.sun_zenith,
        sun_azimuth=look.sun_azimuth,
        random=random,
    )


def _coarse(values: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, columns = values.shape
    return values.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))


def statistics(
    village: Village, scene: Scene, clear: NDArray[np.bool_], look: Look
) -> dict[str, tuple[NDArray, NDArray, NDArray]]:
    """Mean, standard deviation and pixel count of each quantity over the clear pixels of each parcel."""
    angles = (look.geometry.view_zenith, look.geometry.sun_zenith, look.geometry.azimuth_difference)
    cosines = np.cos(np.radians(angles)).astype(np.float32)
    scaling = {name: (1e-4, 0.0) for name in (*FINE, *COARSE)}
    folded = fold(load("sen4cap-allbands"), ("LAI", "FCOVER"), fine=FINE, coarse=COARSE, scaling=scaling)
    lai, fcover = biophysical(scene.fine, scene.coarse, cosines, folded)
    red, near = (scene.fine[FINE.index(name)].astype(np.float32) for name in ("B04", "B08"))
    swir = [
        np.repeat(np.repeat(scene.coarse[COARSE.index(name)].astype(np.float32), 2, 0), 2, 1) for name in ("B11", "B12")
    ]
    values = {
        "LAI": lai,
        "FCOVER": fcover,
        "NDVI": (near - red) / (near + red),
        "NBR2": (swir[0] - swir[1]) / (swir[0] + swir[1]),
        "B11": swir[0] * 1e-4,
    }
    seen = np.repeat(np.repeat(clear, 2, 0), 2, 1).ravel() & (village.owner >= 0)
    owner, parcels = village.owner[seen], len(village.members)
    count = np.bincount(owner, minlength=parcels).astype(float)
    found = {}
    for name, plane in values.items():
        pixel = plane.ravel()[seen].astype(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.bincount(owner, pixel, parcels) / count
            spread = np.sqrt(np.bincount(owner, (pixel - mean[owner]) ** 2, parcels) / count)
        found[name] = (mean, spread, np.where(count > 0, count, np.nan))
    return found


def write_looks(path: Path, country: Country, regime: str) -> None:
    """Write the marker table of a season under a regime."""
    acquisitions = passes(country, regime)
    ids = country.landscape.truth["NewID"].to_numpy(np.int32)
    markers = sorted(_marker(look.day, kind, stat) for look, _ in acquisitions for kind in QUANTITIES for stat in STATS)
    row = {marker: k for k, marker in enumerate(markers)}
    with new_markers(path, ids, markers) as table:
        for look, share in acquisitions:
            for village, scene, clear in scenes(country, look, regime, share):
                for kind, stats in statistics(village, scene, clear, look).items():
                    for stat, values in zip(STATS, stats, strict=True):
                        marker = _marker(look.day, kind, stat)
                        scale = 1.0 if stat == "valid_pixels_cnt" else SCALE[marker.type]
                        table[row[marker], village.members] = values * scale


def _marker(day: datetime.date, quantity: str, stat: str) -> Marker:
    kind, band, tile = QUANTITIES[quantity]
    return Marker(day, kind, stat=stat, band=band, tile=tile)


def perfect_looks(path: Path, country: Country, every: int) -> None:
    """Write what a perfect sensor would measure every so many days: the truth itself. For tests of the harness."""
    landscape = country.landscape
    ids = landscape.truth["NewID"].to_numpy(np.int32)
    days = range(0, len(landscape.days), every)
    bare = landscape.bare
    planes = {
        "LAI": landscape.lai,
        "FCOVER": landscape.fcover,
        "NDVI": 0.18 + 0.7 * landscape.fcover,
        "NBR2": np.where(bare, 0.05, 0.2),
    }
    markers = [
        Marker(landscape.days[day].astype(object), kind, stat=stat)
        for day in days
        for kind in ("LAI", "FCOVER", "NDVI", "NBR2")
        for stat in STATS
    ]
    with new_markers(path, ids, markers) as table:
        for k, marker in enumerate(markers):
            day = int((np.datetime64(marker.day, "D") - landscape.days[0]).astype(int))
            fixed = {"valid_pixels_cnt": 50.0, "stdev": 0.0}
            table[k] = fixed.get(marker.stat, planes[marker.type][:, day] * SCALE[marker.type])


def write_country(folder: Path, country: Country) -> None:
    """Write what does not depend on the clouds: parcels, labels, harvest weeks, weather, truth."""
    truth, season, seed = country.landscape.truth, country.season, country.seed
    start, end = span_of(season)
    country.frame.to_file(folder / "parcels.gpkg", driver="GPKG", engine="pyogrio")
    write_crop_table(folder / "crops.csv")
    write_insitu(folder / "insitu.csv", truth, share=INSITU_SHARE, seed=seed)
    write_hrl(
        folder / "sce.tif", folder / "cpmch.tif", country.frame, truth, season=season, noise=LABEL_NOISE, seed=seed
    )
    write_l4c(folder / "l4c.csv", country.frame, truth, season=season, country="BEL", seed=seed)
    write_weather(folder / "weather.csv", country.landscape.weather, start, end)
    write_truth(folder / "truth.csv", truth)
    truth.to_parquet(folder / "truth.parquet")
    days = country.landscape.days.astype("datetime64[D]")
    np.savez_compressed(folder / "daily.npz", days=days, lai=country.landscape.lai, bare=country.landscape.bare)


def season_of(seed: int) -> Season:
    """Season that a seed is simulated in: 2021 for the first, later ones up to 2060, which every product can name."""
    return Season(2021 + (seed - 1) % 40)


def season_folder(work: Path, *, count: int, seed: int, regime: str) -> Path:
    """Folder of a simulated season under a regime; made if it is not there yet, in place of older ones.

    Its name ends with a fingerprint of all it depends on, so that a changed simulator is not taken for the old one.
    """
    name = f"season-{seed}-{count}-{regime}"
    folder = work / f"{name}-{fingerprint()}"
    if not folder.is_dir():
        for old in work.glob(f"{name}-*"):
            shutil.rmtree(old)
        country = settle(count, season=season_of(seed), seed=seed)
        with whole_folder(folder) as scratch:
            write_country(scratch, country)
            write_looks(scratch / "looks.ipc", country, regime)
    return folder


def fingerprint() -> str:
    """Digest of the source of whatever a season folder depends on."""
    sources = [*Path(sen4cap.simulate.__path__[0]).glob("*.py"), *Path(sen4cap.lai.__path__[0]).glob("*.json")]
    digest = hashlib.sha256()
    for path in sorted([*sources, FLANDERS, Path(__file__)]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
