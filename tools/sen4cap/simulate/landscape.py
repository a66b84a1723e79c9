"""The landscape's truth: what stands on every parcel on every day, and the table of dates and areas that follows.

No raster is needed for it: `draw_landscape` gives daily arrays for as many parcels and seeds as a measurement wants.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..seasons import Season
from .arable import ArableField
from .canopy import green_cover
from .crops import GRASS_SHARE, ORCHARD_SHARE
from .permanent import meadow, orchard
from .spectra import SOILS
from .story import EMERGED_LAI, Story
from .weather import Weather, draw_weather

Floats = NDArray[np.float32]
BARE_DRY = 0.30
"""Ground is bare where no stand has emerged (green LAI below 0.1, a green cover of 5 %) and dead matter hides less than
30 % of it: from there on it counts as conservation tillage (USDA)."""

TRUTH_COLUMNS = {
    "NewID": "identifier of the parcel",
    "class": "1 winter cover crop, 2 none; empty where not arable",
    "candidate": "1 where the crop table makes it a candidate, else 0",
    "role_before": "role of the main crop before the winter",
    "role_after": "role of the main crop after the winter",
    "crop_before": "crop code before the winter",
    "crop_after": "crop code after the winter",
    "soil": "kind of topsoil",
    "harvest": "day of the main crop's harvest",
    "harvest_week": "Monday of that week",
    "cover_crop": "species sown as a cover crop; empty where none was",
    "sown": "day on which it was sown",
    "emergence": "first day with a cover-crop LAI of 0.1 or more; class 1 only",
    "termination": "day of ploughing, rolling, spraying or mowing, or of the frost that left less than half of it",
    "termination_kind": "ploughing, rolling, herbicide, mowing, frost, or none where it stands at the end of the truth",
    "half_gone": "first day from the termination on with less than half of the stand's LAI on its eve",
    "growth": "growth family: thermal, logistic or gompertz",
    "flushes": "number of times the stand came up",
    "cut": "day of a cut for fodder after which the stand grew again",
    "fallow": "what was done instead: ploughed, cultivated, stubble, winter crop, or failed: sown, never emerged",
    "weeds_lai": "largest LAI of volunteers and weeds from harvest to the next sowing, m2/m2",
    "lai_max": "largest green LAI of the parcel from emergence to termination, m2/m2",
    "lai_max_date": "its first day",
    "fcover_max": "largest green cover (1 - gap fraction at nadir) from emergence to termination",
    "fcover_max_date": "its first day",
    "next_sown": "day on which the next main crop was sown",
    "next_emergence": "first day on which the next main crop has a LAI of 0.1 or more",
    "inter_end": "end (exclusive) of the intercropping period: next_emergence, or the season end where there is none",
    "inter_days": "days from harvest_week to inter_end",
    "bare_days": "days of bare soil among them",
    "nonbare_days": "the other days among them",
    "bare_before": "bare days before emergence; class 1 with both dates only",
    "bare_after": "bare days from termination on; class 1 with both dates only",
}
"""Columns of truth.csv and what they mean."""


@dataclass(frozen=True)
class Landscape:
    """Daily truth of parcels; arrays are (parcel, day) float32 unless said otherwise.

    Attributes
    ----------
    days : (day,)
        datetime64[D].
    lai, fcover
        Green leaf area index, m2/m2, and green cover seen from above, 0 to 1.
    brown
        Area index of dead standing leaves, m2/m2.
    residue, weathering
        Ground cover of dry residue, 0 to 1, and its weathering from 0 fresh to 1.
    chlorophyll
        Of the living leaves, ug/cm2.
    flatness
        Axis ratio of the leaf-angle ellipsoid.
    moisture
        Of the topsoil, 0 dry to 1 saturated.
    bare
        bool: see `is_bare`.
    soil : (parcel, band)
        Reflectance of the dry soil.
    truth : DataFrame
        A row per parcel, columns `TRUTH_COLUMNS`; dates are datetime64 with NaT.
    weather : Weather
        Of the two calendar years.
    """

    days: NDArray[np.datetime64]
    lai: Floats
    fcover: Floats
    brown: Floats
    residue: Floats
    weathering: Floats
    chlorophyll: Floats
    flatness: Floats
    moisture: Floats
    bare: NDArray[np.bool_]
    soil: NDArray[np.float64]
    truth: pd.DataFrame
    weather: Weather


def draw_landscape(
    count: int, *, season: Season, seed: int, latitude: float, start: datetime.date, end: datetime.date
) -> Landscape:
    """Draw parcels 1 to `count` and their daily truth from `start` to `end`, both included.

    The truth table does not depend on the span: it follows from the whole of the two calendar years of the season.
    """
    weather = draw_weather(season.year, latitude=latitude, seed=seed)
    first, past = weather.index(start), weather.index(end) + 1
    names = ("lai", "fcover", "brown", "residue", "weathering", "chlorophyll", "flatness", "moisture")
    arrays = {name: np.empty((count, past - first), dtype=np.float32) for name in names}
    bare = np.empty((count, past - first), dtype=bool)
    soil = np.empty((count, len(SOILS["loam"])))
    rows = []
    for parcel in range(count):
        story = tell(parcel + 1, weather, seed=seed)
        cover = green_cover(story.green, story.flatness)
        bare_days = is_bare(story.green, story.brown, story.residue)
        daily = (
            *(story.green, cover, story.brown, story.residue, story.weathering),
            *(story.chlorophyll, story.flatness, story.moisture),
        )
        for name, values in zip(names, daily, strict=True):
            arrays[name][parcel] = values[first:past]
        bare[parcel] = bare_days[first:past]
        soil[parcel] = SOILS[story.soil] * story.brightness
        rows.append(_row(parcel + 1, story, cover, bare_days, weather, season))
    truth = pd.DataFrame(rows, columns=list(TRUTH_COLUMNS))
    return Landscape(weather.days[first:past], **arrays, bare=bare, soil=soil, truth=_typed(truth), weather=weather)


def tell(number: int, weather: Weather, *, seed: int) -> Story:
    """Draw the story of parcel `number`."""
    random = np.random.default_rng([seed, 3, number])
    soil = str(random.choice(list(SOILS), p=[0.5, 0.2, 0.2, 0.1]))
    brightness = float(np.exp(random.normal(0, 0.08)))
    lot = random.random()
    if lot < GRASS_SHARE:
        return meadow(random, weather, soil, brightness)
    if lot < GRASS_SHARE + ORCHARD_SHARE:
        return orchard(random, weather, soil, brightness)
    return ArableField(random, weather, soil, brightness).tell()


def is_bare(green: NDArray, brown: NDArray, residue: NDArray) -> NDArray[np.bool_]:
    """Days on which the ground is bare: no stand has emerged, and dead matter hides less than `BARE_DRY` of it.

    Parameters
    ----------
    green
        Green LAI, m2/m2.
    brown
        Area index of standing dead leaves; half of it projects onto the ground.
    residue
        Ground cover of residue.
    """
    dry = 1 - (1 - residue) * np.exp(-0.5 * brown)
    return (green < EMERGED_LAI) & (dry < BARE_DRY)


def _row(
    number: int, story: Story, cover: NDArray, bare: NDArray[np.bool_], weather: Weather, season: Season
) -> dict[str, object]:
    """One row of the truth table."""

    def date(position: int) -> object:
        return weather.days[position] if 0 <= position < len(weather.days) else np.datetime64("NaT")

    arable = story.harvest >= 0
    wcc = story.emergence >= 0
    roles = (story.before.role, story.after.role)
    row: dict[str, object] = dict.fromkeys(TRUTH_COLUMNS)
    row |= {
        "NewID": number,
        "class": (1 if wcc else 2) if arable else None,
        "candidate": int(roles[1] != "winter" and not {"grass", "permanent"} & set(roles)),
        "role_before": roles[0],
        "role_after": roles[1],
        "crop_before": story.before.code,
        "crop_after": story.after.code,
        "soil": story.soil,
        "harvest": date(story.harvest),
        "cover_crop": story.cover.name if story.cover else None,
        "sown": date(story.sown),
        "emergence": date(story.emergence),
        "termination": date(story.termination),
        "termination_kind": story.kind or None,
        "half_gone": date(story.half_gone),
        "growth": story.family or None,
        "flushes": story.flushes or None,
        "cut": date(story.cut),
        "fallow": story.fallow or None,
        "next_sown": date(story.next_sown),
        "next_emergence": date(story.next_emergence),
    }
    if not arable:
        return row
    monday = story.harvest - int((weather.days[story.harvest].astype("datetime64[D]").astype(int) + 3) % 7)
    season_end = weather.index(season.end)
    end = max(story.next_emergence if story.next_emergence >= 0 else season_end, monday)
    row |= {
        "harvest_week": date(monday),
        "inter_end": date(end),
        "inter_days": end - monday,
        "bare_days": int(bare[monday:end].sum()),
        "nonbare_days": end - monday - int(bare[monday:end].sum()),
        "weeds_lai": round(
            float(story.weeds[story.harvest : max(min(story.next_sown, len(bare)), story.harvest + 1)].max()), 3
        ),
    }
    if wcc:
        past = story.termination + 1 if story.termination >= 0 else season_end + 1
        green, closed = story.green[story.emergence : past], cover[story.emergence : past]
        row |= {
            "lai_max": round(float(green.max()), 3),
            "lai_max_date": date(story.emergence + int(green.argmax())),
            "fcover_max": round(float(closed.max()), 4),
            "fcover_max_date": date(story.emergence + int(closed.argmax())),
        }
        if story.termination >= 0:
            row |= {
                "bare_before": int(bare[monday : min(max(story.emergence, monday), end)].sum()),
                "bare_after": int(bare[min(story.termination, end) : end].sum()),
            }
    return row


def _typed(truth: pd.DataFrame) -> pd.DataFrame:
    """Whole numbers that may be missing, and dates, in types of their own."""
    for name in ("class", "flushes", "inter_days", "bare_days", "nonbare_days", "bare_before", "bare_after"):
        truth[name] = truth[name].astype("Int64")
    for name in truth.columns:
        if name in _DATES:
            truth[name] = pd.to_datetime(truth[name]).astype("datetime64[s]")
    return truth


_DATES = {
    *("harvest", "harvest_week", "sown", "emergence", "termination", "half_gone", "cut"),
    *("lai_max_date", "fcover_max_date", "next_sown", "next_emergence", "inter_end"),
}

__all__ = ["EMERGED_LAI", "TRUTH_COLUMNS", "Landscape", "draw_landscape", "is_bare"]
