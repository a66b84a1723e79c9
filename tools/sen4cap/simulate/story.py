"""The story of one parcel: what was grown, sown, frozen, mown and ploughed, day by day through two calendar years.

Everything about a parcel is drawn from (seed, its number) alone, so parcel 17 is the same among 50 parcels or 5000.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .crops import CoverCrop, Crop
from .weather import Weather

Array = NDArray[np.float64]
EMERGED_LAI = 0.1
"""A stand has emerged on the first day on which its LAI reaches this."""
TERMINATIONS = ("ploughing", "rolling", "herbicide", "mowing", "frost", "none")
NEVER = 10_000


@dataclass
class Story:
    """One parcel's two years. Days are positions in the weather's days; -1 where there is none.

    Attributes
    ----------
    before, after : Crop
        Main crops on either side of the winter.
    soil, brightness : str, float
        Kind of soil, and the parcel's own factor of its reflectance.
    cover : CoverCrop or None
        What was sown as a cover crop.
    harvest, sown, emergence, termination, half_gone, next_sown, next_emergence : int
        Days. `half_gone`: first day after the termination with less than half of the leaf area of its eve.
    kind : str
        Of termination, out of `TERMINATIONS`.
    family, flushes, cut, fallow
        How the stand grew: growth family, number of flushes, day of an earlier cut, management where none was sown.
    green, brown, residue, weathering, chlorophyll, flatness, moisture : (day,)
        Daily state, see `landscape.Landscape`.
    stand, weeds : (day,)
        Green LAI of the cover crop alone, and of volunteers and weeds.
    """

    before: Crop
    after: Crop
    soil: str
    brightness: float
    cover: CoverCrop | None = None
    harvest: int = -1
    sown: int = -1
    emergence: int = -1
    termination: int = -1
    half_gone: int = -1
    kind: str = ""
    next_sown: int = -1
    next_emergence: int = -1
    family: str = ""
    flushes: int = 0
    cut: int = -1
    fallow: str = ""
    green: Array = field(default_factory=lambda: np.empty(0))
    brown: Array = field(default_factory=lambda: np.empty(0))
    residue: Array = field(default_factory=lambda: np.empty(0))
    weathering: Array = field(default_factory=lambda: np.empty(0))
    chlorophyll: Array = field(default_factory=lambda: np.empty(0))
    flatness: Array = field(default_factory=lambda: np.empty(0))
    moisture: Array = field(default_factory=lambda: np.empty(0))
    stand: Array = field(default_factory=lambda: np.empty(0))
    weeds: Array = field(default_factory=lambda: np.empty(0))


def blend(story: Story, layers: list[tuple[Array, Array, float]], weather: Weather) -> None:
    """Sum the layers; chlorophyll and leaf angles by leaf area. Cold pales the leaves."""
    green = np.sum([layer[0] for layer in layers], axis=0)
    weight = np.maximum(green, 1e-6)
    chlorophyll = np.sum([layer[0] * layer[1] for layer in layers], axis=0) / weight
    flatness = np.sum([layer[0] * layer[2] for layer in layers], axis=0) / weight
    cold = np.convolve(np.pad(weather.mean, (20, 0), mode="edge"), np.full(21, 1 / 21), mode="valid")
    story.green = green
    story.chlorophyll = np.where(green > 1e-5, chlorophyll, 40.0) * (1 - 0.18 * np.clip((6 - cold) / 8, 0, 1))
    story.flatness = np.where(green > 1e-5, flatness, 1.0)


def first_day(reached: NDArray[np.bool_]) -> int:
    """First day of a run of answers that is true; -1 where none is."""
    return int(np.argmax(reached)) if reached.any() else -1
