"""A weather that is consistent with itself: spells of cloud bring rain, clear winter nights bring frost."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Weather:
    """Daily weather of two calendar years.

    Attributes
    ----------
    days : (day,)
        datetime64[D].
    precipitation : (day,)
        mm.
    mean, lowest, highest : (day,)
        Air temperature, degree C.
    unsettled : (day,)
        How cloudy the spell is: standard normal, correlated from day to day.
    light : (day,)
        Growth that daylight allows, 0.08 in the darkest week to 1.
    moisture : (day,)
        Of the topmost soil, 0 dry to 1 saturated, in the middle of the morning.
    snow : (day,)
        Depth of the snow cover as water, mm.
    """

    days: NDArray[np.datetime64]
    precipitation: Array
    mean: Array
    lowest: Array
    highest: Array
    unsettled: Array
    light: Array
    moisture: Array
    snow: Array

    def index(self, day: datetime.date) -> int:
        """Position of a day."""
        return int((np.datetime64(day, "D") - self.days[0]).astype(int))


def draw_weather(year: int, *, latitude: float, seed: int) -> Weather:
    """Weather of `year` and the year after, in a temperate maritime climate (ours, after Uccle 1991 to 2020).

    Mean temperature 11 degree C with the coldest days around 20 January, less by 0.7 per degree of latitude north of
    50.7; departures last about five days. Rain falls on every other day, about 840 mm a year.
    """
    random = np.random.default_rng([seed, 1])
    first, past = np.datetime64(f"{year}-01-01", "D"), np.datetime64(f"{year + 2}-01-01", "D")
    days = np.arange(first, past)
    count = len(days)
    season = 2 * np.pi * ((days - first).astype(float) - 20) / 365.25
    winter = (1 + np.cos(season)) / 2
    unsettled = _departures(random, count, memory=0.72)
    warm = _departures(random, count, memory=0.82)
    mean = 11.0 - 0.7 * (latitude - 50.7) - 7.6 * np.cos(season) + 3.3 * warm
    # A cloudy winter is mild, a cloudy summer is cool.
    mean = mean + 1.1 * unsettled * (2 * winter - 1)
    rain_chance = 1 / (1 + np.exp(-(0.05 + 1.5 * unsettled)))
    raining = random.random(count) < rain_chance
    precipitation = np.where(raining, random.gamma(0.75, 4.9, count) * np.exp(0.25 * unsettled), 0.0)
    spread = np.maximum(2.0, (4.2 + 6.0 * (1 - winter)) * np.exp(-0.35 * unsettled) + random.normal(0, 0.8, count) + 1)
    # Height of the sun at noon: below 10 degrees hardly anything grows, above 40 light is no limit.
    noon = 90 - latitude + 23.44 * -np.cos(2 * np.pi * ((days - first).astype(float) + 10) / 365.25)
    light = np.clip((noon - 10) / 30, 0.08, 1.0)
    lowest, highest = mean - 0.52 * spread, mean + 0.48 * spread
    precipitation = np.round(precipitation, 2).astype(np.float64)
    moisture, snow = _ground(precipitation, mean, 1 - winter)
    return Weather(
        days,
        precipitation,
        np.round(mean, 2),
        np.round(lowest, 2),
        np.round(highest, 2),
        unsettled,
        light,
        moisture,
        snow,
    )


def _departures(random: np.random.Generator, count: int, *, memory: float) -> Array:
    """Standard normal numbers, each correlated with the one before."""
    fresh = random.standard_normal(count) * np.sqrt(1 - memory**2)
    values = np.empty(count)
    last = random.standard_normal()
    for position in range(count):
        last = memory * last + fresh[position]
        values[position] = last
    return values


def _ground(precipitation: Array, mean: Array, summer: Array) -> tuple[Array, Array]:
    """Moisture of the topmost two centimetres (a bucket of 10 mm) and snow (a degree-day melt of 3 mm)."""
    moisture, snow = np.empty(len(mean)), np.empty(len(mean))
    water, pack = 5.0, 0.0
    for day, rain in enumerate(precipitation):
        fall = rain if mean[day] < -0.3 else 0.0
        melt = min(pack, max(0.0, 3.0 * mean[day]))
        pack += fall - melt
        drying = 0.35 + 3.2 * summer[day] * max(0.0, mean[day] + 4) / 22
        water = min(10.0, max(0.0, (water + rain - fall + melt) * 0.97 - drying * (0.25 + 0.75 * water / 10)))
        moisture[day], snow[day] = water / 10, pack
    return moisture, snow
