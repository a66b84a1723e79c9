"""The story of parcels that nobody ploughs: grassland and orchards."""

from __future__ import annotations

import datetime

import numpy as np
from numpy.typing import NDArray

from .crops import GRASS, ORCHARD
from .kernel import THERMAL, grow, litter
from .story import NEVER, Story, blend
from .weather import Weather

Array = NDArray[np.float64]


def meadow(random: np.random.Generator, weather: Weather, soil: str, brightness: float) -> Story:
    """Permanent grassland: grows with the weather, cut or grazed from April to October."""
    story = Story(GRASS, GRASS, soil, brightness)
    days = len(weather.days)
    kept = np.ones(days)
    year = np.datetime64(weather.days[0], "Y").astype(int) + 1970
    for each in (year, year + 1):
        day = weather.index(datetime.date(each, 4, 20)) + int(random.integers(0, 30))
        while day < weather.index(datetime.date(each, 10, 20)):
            kept[day] = random.uniform(0.25, 0.6)
            day += int(random.integers(28, 60))
    green, dead = grow(
        0, days, random.uniform(1.0, 2.0), np.full(days, random.uniform(3.0, 4.8)), THERMAL,
        random.uniform(0.005, 0.009), 2.5, weather.mean, weather.light, np.ones(days), kept, NEVER, 1.0,
    )  # fmt: skip
    _still(story, weather, dead * 0.5, random)
    blend(story, [(green, np.full(days, random.uniform(36, 50)), GRASS.flatness)], weather)
    return story


def orchard(random: np.random.Generator, weather: Weather, soil: str, brightness: float) -> Story:
    """Fruit trees in leaf from April to November above grass strips."""
    story = Story(ORCHARD, ORCHARD, soil, brightness)
    days = len(weather.days)
    time = np.arange(days) % 365.25
    trees = random.uniform(1.2, 2.0) / (1 + np.exp(-(time - 115) / 7)) / (1 + np.exp((time - 312) / 7))
    grass = random.uniform(0.8, 1.5) * (0.75 + 0.25 * np.sin(2 * np.pi * (time - 80) / 365.25))
    _still(story, weather, np.full(days, 0.002), random)
    blend(story, [(trees, np.full(days, 48.0), 1.0), (grass, np.full(days, 42.0), 0.9)], weather)
    return story


def _still(story: Story, weather: Weather, dead: Array, random: np.random.Generator) -> None:
    """Fill what does not change much where nobody ploughs."""
    days = len(weather.days)
    story.brown, _, _ = litter(
        dead, np.zeros(days), np.zeros(days), np.full(days, -1.0), weather.mean, weather.moisture, 30.0
    )
    story.residue, story.weathering = np.full(days, 0.12), np.ones(days)
    story.moisture = np.clip(weather.moisture * random.uniform(0.85, 1.1), 0, 1)
    story.stand = story.weeds = np.zeros(days)
