"""A second truth, of another make than the simulator's: leaf area drawn as curves, and looks at it with noise.

No canopy, no scene, no network lies between truth and looks, so that what is measured is what smoothing and dating do.
Of the suite, how wide uncertainties are (season.detectors) and how slowly sprayed stands die (season.fall) were chosen
on this truth and the simulator's together, nothing else. Its distributions, all uniform unless told otherwise:

- Main crop: harvested from 12 July to 20 August (65 %), ripening over 45 days from LAI 2.5 to 5.5 as a power (0.4 to
  1.2) of the days left, or from 5 September to 19 October, still green at a third and more.
- Cover crop: emerges (LAI 0.1) 10 to 40 days after an early harvest, 8 to 25 after a late one; grows to LAI 0.6 to 5
  as a Gompertz or a logistic curve of the calendar, or a logistic one of warmth above 0 to 4 degree C; 25 to 75 days
  from a tenth to nine tenths. Cold wears down up to 35 % of it from December to February; half of those that no frost
  kills grow by 10 to 80 % in April.
- Ends: ploughed at once, rolled (half to nine tenths at once, the rest with a time constant of 3 to 10 days), sprayed
  (nothing for 2 to 6 days, then a straight line over 12 to 28), mown (10 to 30 % left, which grows again by up to 0.8 %
  a day, by warmth, to at most 55 %, and is ploughed after 20 to 40 days), killed by frost (December to mid February,
  time constant 3 to 10 days; the day on which less than half is left), or none. One operation in five falls between 20
  November and the end of January, the others between 1 February and 12 May; nobody sprays before 15 February.
- No cover crop: bare, or volunteers up to LAI 0.25 to 1.3 until tillage 30 to 90 days after harvest.
- Next main crop: LAI 0.1 from 11 to 57 days after the end, from 23 March on, 18 to 60 days from a tenth to nine tenths.
- Looks: every 2 to 3 days; clear shares of a day follow a beta distribution (mean 0.33 or 0.18, less in winter), or
  those of the Flanders winter; parcels share them by fifteen, one look in five is the parcel's own. Noise of 6 % of the
  LAI and 0.03, soil that reads as LAI 0.05 to 0.3 and varies by a quarter; cloud that nobody noticed takes 15 to 90 %
  of 3 looks in 100.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sen4cap.marker_names import SCALE, Marker
from sen4cap.marker_table import new_markers
from sen4cap.outputs import whole_folder
from sen4cap.seasons import Season
from sen4cap.simulate.story import EMERGED_LAI

from .chain import Run, run_dates
from .gather import gather_dates
from .observe import real_looks, season_of, span_of

VARIABLES = ("LAI", "FCOVER")
STATS = ("mean", "valid_pixels_cnt")
EXTINCTION = 0.5
"""FCOVER = 1 - exp(-0.5 LAI)."""
KINDS = {
    "ploughing": 6, "rolling": 3, "herbicide": 4, "mowing": 3, "frost": 3, "none": 1, "bare": 5, "volunteers": 3,
}  # fmt: skip
"""Ends of cover crops, and parcels without one: weights."""
OPERATIONS = ("ploughing", "rolling", "herbicide", "mowing")
GROWTHS = ("gompertz", "logistic", "thermal")
CLEAR_SHARE = {"ordinary": 0.33, "dense": 0.18}
NEIGHBOURS, OWN_SKY = 15, 0.2
PIXELS = 120
"""Of every parcel."""

Curve = NDArray[np.float64]


@dataclass(frozen=True)
class Calendar:
    """The days of a season's looks, from June to August of the next year.

    Attributes
    ----------
    season : Season
        Its autumn.
    first : date
        Day 0.
    t : (day,)
        Days since then.
    """

    season: Season
    first: datetime.date
    t: Curve

    @classmethod
    def of(cls, season: Season) -> Calendar:
        """Lay out a season."""
        start, end = span_of(season)
        return cls(season, start, np.arange((end - start).days + 1, dtype=float))

    def at(self, month_day: str) -> int:
        """Day of MM-DD: until May in the year after the autumn."""
        month, day = map(int, month_day.split("-"))
        return (datetime.date(self.season.year + (month < 6), month, day) - self.first).days

    @property
    def warmth(self) -> Curve:
        """Mean temperature of each day of an average year, degree C."""
        of_year = (self.t + self.first.timetuple().tm_yday) % 365
        return 10.8 - 8.5 * np.cos(2 * np.pi * (of_year - 18) / 365)


@dataclass
class Parcel:
    """Truth of a parcel; days as indices, -1: none."""

    kind: str
    growth: str
    harvest: int
    lai: Curve
    stand: Curve
    emergence: int = -1
    termination: int = -1
    next_emergence: int = -1
    weeds: float = 0.0


def growth(
    random: np.random.Generator, family: str, calendar: Calendar, first: float, top: float, days: float
) -> Curve:
    """Leaf area that passes LAI 0.1 on day `first`, tends to `top`, and takes `days` from a tenth to nine tenths."""
    clock = calendar.t - first
    if family == "gompertz":
        rate = 2.9 / days
        return top * np.exp(-np.exp(-rate * clock + np.log(np.log(top / EMERGED_LAI))))
    if family == "thermal":
        warm = np.cumsum(np.maximum(calendar.warmth - random.uniform(0, 4), 0)) / 9
        clock = warm - np.interp(first, calendar.t, warm)
    return top / (1 + (top / EMERGED_LAI - 1) * np.exp(-4.2 / days * clock))


def draw(random: np.random.Generator, kind: str, calendar: Calendar) -> Parcel:
    """Draw one parcel's two years."""
    t, at = calendar.t, calendar.at
    early = random.random() < 0.65
    if early:
        harvest = at("07-12") + int(random.integers(0, 40))
        left = np.clip((harvest - 8 - t) / 45, 0, 1)
        main = random.uniform(2.5, 5.5) * left ** random.uniform(0.4, 1.2)
    else:
        harvest = at("09-05") + int(random.integers(0, 45))
        main = growth(random, "logistic", calendar, -15.0 + random.uniform(0, 20), random.uniform(2.5, 5), 45)
        main *= np.clip((harvest + 15 - t) / 60, 0.3, 1)
    parcel = Parcel(kind, "", harvest, np.where(t < harvest, main, 0), np.zeros(len(t)))
    free = at("03-15") + int(random.integers(0, 50))
    if kind == "volunteers":
        top = random.uniform(0.25, 1.3)
        weeds = growth(random, "logistic", calendar, harvest + random.uniform(8, 25), top, random.uniform(25, 45))
        parcel.lai += np.where((t > harvest) & (t < harvest + random.integers(30, 90)), weeds, 0)
        parcel.weeds = float(parcel.lai[harvest:].max())
    elif kind != "bare":
        parcel.growth = str(random.choice(GROWTHS))
        _stand(random, parcel, calendar, harvest + random.uniform(10, 40) if early else harvest + random.uniform(8, 25))
        _end(random, parcel, calendar)
        free = max(free, parcel.termination + int(random.integers(3, 35)))
        parcel.lai += parcel.stand
    if kind != "none":
        parcel.next_emergence = free + int(random.integers(8, 22))
        crop = growth(random, "logistic", calendar, parcel.next_emergence, random.uniform(2, 6), random.uniform(18, 60))
        parcel.lai += np.where(t >= parcel.next_emergence - 12, crop, 0)
    return parcel


def _stand(random: np.random.Generator, parcel: Parcel, calendar: Calendar, first: float) -> None:
    """Let a cover crop grow, wear down in winter and grow on in spring."""
    t, at = calendar.t, calendar.at
    stand = growth(random, parcel.growth, calendar, first, random.uniform(0.6, 5), random.uniform(25, 75))
    stand *= 1 - random.uniform(0, 0.35) * np.clip((t - at("12-01")) / 70, 0, 1)
    if random.random() < 0.5 and parcel.kind != "frost":
        stand *= 1 + random.uniform(0.1, 0.8) / (1 + np.exp(-(t - at("04-05")) / 12))
    up = stand[: at("02-01")] >= EMERGED_LAI
    parcel.emergence = int(np.argmax(up)) if up.any() else -1
    parcel.stand = stand


def _end(random: np.random.Generator, parcel: Parcel, calendar: Calendar) -> None:
    """End a cover crop by what its kind names."""
    t, at, kind = calendar.t, calendar.at, parcel.kind
    if kind == "none":
        return
    if kind == "frost":
        begin = int(random.integers(at("12-01"), at("02-15")))
        fading = random.uniform(3, 10)
        left = 0.05 + 0.95 * np.exp(-np.maximum(t - begin, 0) / fading)
        gone = begin + int(random.integers(30, 70))
        parcel.stand = np.where(t >= gone, 0, parcel.stand * left)
        parcel.termination = begin + int(np.ceil(np.log(2) * fading))
        return
    in_winter = random.random() < 0.2 and kind != "herbicide"
    first = "02-15" if kind == "herbicide" else "02-01"
    end = int(random.integers(at("11-20"), at("01-31")) if in_winter else random.integers(at(first), at("05-12")))
    since = np.maximum(t - end, 0)
    share = np.zeros(len(t))
    if kind == "rolling":
        share = random.uniform(0.5, 0.9) * np.exp(-since / random.uniform(3, 10))
    elif kind == "herbicide":
        share = np.clip(1 - (since - random.uniform(2, 6)) / random.uniform(12, 28), 0, 1)
    elif kind == "mowing":
        warmth = np.clip((calendar.warmth - 3) / 7, 0, 1)
        again = np.minimum(random.uniform(0.1, 0.3) + 0.008 * np.cumsum(np.where(t > end, warmth, 0)), 0.55)
        share = np.where(since < random.integers(20, 40), again, 0)
    parcel.stand = np.where(t >= end, parcel.stand[end] * share, parcel.stand)
    parcel.termination = end


def season_folder(work: Path, *, count: int, seed: int, regime: str) -> Path:
    """Folder of a season under a regime: truth.parquet and looks.ipc; made anew."""
    folder = work / f"curves-{seed}-{count}-{regime}"
    calendar = Calendar.of(season_of(seed))
    random = np.random.default_rng([seed, count])
    weights = np.array([*KINDS.values()], float)
    kinds = random.choice([*KINDS], count, p=weights / weights.sum())
    parcels = [draw(random, str(kind), calendar) for kind in kinds]
    with whole_folder(folder) as scratch:
        truth_of(parcels, calendar).to_parquet(scratch / "truth.parquet")
        _write_looks(scratch / "looks.ipc", np.stack([p.lai for p in parcels]), calendar, regime, seed)
    return folder


def truth_of(parcels: list[Parcel], calendar: Calendar) -> pd.DataFrame:
    """Truth, one row a parcel, with the columns of the simulator's that dates are judged by."""

    def dates(days: list[int]) -> pd.Series:
        of = pd.Timestamp(calendar.first) + pd.to_timedelta(days, unit="D")
        return pd.Series(of).where(np.array(days) >= 0)

    last = calendar.at("05-31")
    ends = [p.termination if p.termination >= 0 else last for p in parcels]
    tops = np.array([p.stand[: end + 1].max() for p, end in zip(parcels, ends, strict=True)])
    covered = [p.kind not in ("bare", "volunteers") for p in parcels]
    return pd.DataFrame(
        {
            "NewID": np.arange(1, len(parcels) + 1),
            "class": np.where(covered, 1, 2),
            "candidate": 1,
            "harvest": dates([p.harvest for p in parcels]),
            "emergence": dates([p.emergence for p in parcels]),
            "termination": dates([p.termination for p in parcels]),
            "termination_kind": [p.kind for p in parcels],
            "growth": [p.growth for p in parcels],
            "next_emergence": dates([p.next_emergence for p in parcels]),
            "weeds_lai": [p.weeds for p in parcels],
            "lai_max": tops,
            "fcover_max": 1 - np.exp(-EXTINCTION * tops),
        }
    )


def _write_looks(path: Path, lai: Curve, calendar: Calendar, regime: str, seed: int) -> None:
    random = np.random.default_rng([seed, len(lai), len(regime)])
    days, shares = _clear_shares(random, calendar, regime)
    true = lai[:, days]
    count = len(true)
    common = np.repeat(random.random((count // NEIGHBOURS + 1, len(days))), NEIGHBOURS, axis=0)[:count]
    own = random.random(true.shape) < OWN_SKY
    clear = np.where(own, random.random(true.shape), common) < shares
    soil = random.uniform(0.05, 0.3, (count, 1)) * np.exp(-1.2 * true) * random.normal(1, 0.25, true.shape)
    off = random.normal(0, 0.06, true.shape)
    seen = true * (1 + off) + soil + random.normal(0, 0.03, true.shape)
    cover = 1 - np.exp(-EXTINCTION * true * (1 + 0.5 * off)) + 0.15 * soil + random.normal(0, 0.012, true.shape)
    hit = np.where(random.random(true.shape) < 0.03, random.uniform(0.1, 0.85, true.shape), 1.0)
    planes = {"LAI": np.maximum(seen * hit, 0), "FCOVER": np.clip(cover * hit, 0, 1)}
    dates = [calendar.first + datetime.timedelta(days=int(day)) for day in days]
    markers = sorted(Marker(day, kind, stat=stat) for day in dates for kind in planes for stat in STATS)
    with new_markers(path, np.arange(1, count + 1, dtype=np.int32), markers) as table:
        for row, marker in enumerate(markers):
            k = dates.index(marker.day)
            values = planes[marker.type][:, k] * SCALE[marker.type] if marker.stat == "mean" else PIXELS
            table[row] = np.where(clear[:, k], values, np.nan if marker.stat == "mean" else 0)


def _clear_shares(random: np.random.Generator, calendar: Calendar, regime: str) -> tuple[NDArray[np.int64], Curve]:
    """Days of the acquisitions and the share of parcels that each shows."""
    if regime == "flanders":
        found = sorted(real_looks(*span_of(calendar.season)).items())
        return np.array([(day - calendar.first).days for day, _ in found]), np.array([share for _, share in found])
    days = np.unique(np.arange(random.integers(0, 3), len(calendar.t), 2.5).astype(np.int64))
    mean = CLEAR_SHARE[regime]
    dark = (days > calendar.at("10-27")) & (days < calendar.at("03-31"))
    return days, np.clip(random.beta(0.6, 0.6 * (1 - mean) / mean, len(days)) * np.where(dark, 0.75, 1.15), 0, 1)


def dated(work: Path, count: int, seed: int, regime: str) -> pd.DataFrame:
    """Draw a season, date it by every method, and put the results beside the truth (`gather.gather_dates`)."""
    inputs = season_folder(work, count=count, seed=seed, regime=regime)
    run = Run(seed, regime, season_of(seed), inputs, work / f"curves-{seed}-{count}-{regime}-dates", threads=1)
    run.smooth(VARIABLES)
    run_dates(run)
    return gather_dates(run)
