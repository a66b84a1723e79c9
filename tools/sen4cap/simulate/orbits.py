"""When Sentinel-2 passes, and where sun and sensor stand then."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass

import numpy as np

from .canopy import Geometry

LATENCY = datetime.timedelta(hours=5)
OFFSET_SINCE = datetime.date(2022, 1, 25)
"""From this day on products of baseline 04.00 carry an offset of -1000 (archives that shift it back say so)."""


@dataclass(frozen=True)
class Track:
    """A relative orbit as one place sees it.

    Attributes
    ----------
    orbit : int
        Relative orbit.
    phase : int
        Days after the reference day on which Sentinel-2A passes, modulo 10; Sentinel-2B passes five days later.
    minute : float
        Passage, minutes of the day in UTC.
    view_zenith, view_azimuth : float
        Direction of the sensor, degrees.
    """

    orbit: int
    phase: int
    minute: float
    view_zenith: float
    view_azimuth: float


TRACKS = (Track(8, 1, 642.0, 8.0, 105.4), Track(51, 4, 655.5, 5.2, 280.3))
"""Two neighbouring orbits over Belgium: passes two and three days apart, from the east and from the west."""


@dataclass(frozen=True)
class Look:
    """One acquisition.

    Attributes
    ----------
    moment : datetime
        UTC.
    platform : str
        ``sentinel-2a`` or ``sentinel-2b``.
    orbit : int
        Relative orbit.
    geometry : Geometry
        Of sun and sensor.
    sun_azimuth, view_azimuth : float
        Degrees from north, clockwise, from the ground.
    """

    moment: datetime.datetime
    platform: str
    orbit: int
    geometry: Geometry
    sun_azimuth: float
    view_azimuth: float

    @property
    def day(self) -> datetime.date:
        """Day of the acquisition, UTC."""
        return self.moment.date()

    @property
    def baseline(self) -> str:
        """Processing baseline of its time."""
        return "04.00" if self.day >= OFFSET_SINCE else "03.01" if self.day >= datetime.date(2021, 3, 30) else "02.14"


def looks(start: datetime.date, end: datetime.date, *, latitude: float, longitude: float, seed: int) -> list[Look]:
    """Acquisitions of a place, both days included; one in twenty-five is missing, as in real archives."""
    found = []
    for count in range((end - start).days + 1):
        day = start + datetime.timedelta(days=count)
        for track in TRACKS:
            turn = (day.toordinal() - track.phase) % 10
            if turn not in (0, 5):
                continue
            random = np.random.default_rng([seed, 11, day.toordinal(), track.orbit])
            if random.random() < 0.04:
                continue
            # Passage times follow the place's longitude: four minutes a degree, counted from Belgium's.
            minute = track.minute + 4 * (4.7 - longitude) + random.uniform(-4, 4)
            moment = datetime.datetime.combine(day, datetime.time(), datetime.UTC) + datetime.timedelta(
                seconds=round(60 * minute)
            )
            zenith, azimuth = sun_position(moment, latitude=latitude, longitude=longitude)
            view_zenith = track.view_zenith + random.uniform(-0.08, 0.08)
            view_azimuth = track.view_azimuth + random.uniform(-1.5, 1.5)
            geometry = Geometry(zenith, view_zenith, azimuth - view_azimuth)
            platform = "sentinel-2a" if turn == 0 else "sentinel-2b"
            found.append(Look(moment, platform, track.orbit, geometry, azimuth, view_azimuth))
    return found


def sun_position(moment: datetime.datetime, *, latitude: float, longitude: float) -> tuple[float, float]:
    """Zenith and azimuth of the sun in degrees, to about 0.02 (Meeus 1998, Astronomical Algorithms, chapter 25)."""
    century = (moment - datetime.datetime(2000, 1, 1, 12, tzinfo=datetime.UTC)).total_seconds() / 86400 / 36525
    mean_longitude = 280.46646 + 36000.76983 * century
    anomaly = math.radians(357.52911 + 35999.05029 * century)
    centre = (
        (1.914602 - 0.004817 * century) * math.sin(anomaly)
        + 0.019993 * math.sin(2 * anomaly)
        + 0.000289 * math.sin(3 * anomaly)
    )
    apparent = math.radians(
        mean_longitude + centre - 0.00569 - 0.00478 * math.sin(math.radians(125.04 - 1934.136 * century))
    )
    tilt = math.radians(23.439291 - 0.0130042 * century + 0.00256 * math.cos(math.radians(125.04 - 1934.136 * century)))
    declination = math.asin(math.sin(tilt) * math.sin(apparent))
    ascension = math.atan2(math.cos(tilt) * math.sin(apparent), math.cos(apparent))
    sidereal = 280.46061837 + 360.98564736629 * century * 36525
    hour = math.radians(sidereal + longitude) - ascension
    place = math.radians(latitude)
    cosine = math.sin(place) * math.sin(declination) + math.cos(place) * math.cos(declination) * math.cos(hour)
    zenith = math.acos(max(-1.0, min(1.0, cosine)))
    azimuth = math.atan2(-math.sin(hour), math.tan(declination) * math.cos(place) - math.sin(place) * math.cos(hour))
    return math.degrees(zenith), math.degrees(azimuth) % 360
