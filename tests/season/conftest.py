"""Parcel seasons with known truth: growth and fall of several families, seen through several winters' clouds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

START = np.datetime64("2021-06-15")
DAYS = 412
SEASON = 2021

FLANDERS = {
    "2021-06-25": 0.7, "2021-07-05": 0.8, "2021-07-15": 0.6, "2021-07-30": 0.5,
    "2021-08-14": 0.28, "2021-08-24": 0.46, "2021-08-27": 0.88, "2021-09-23": 0.89, "2021-09-26": 0.83,
    "2021-10-23": 0.02, "2021-11-02": 0.67, "2021-11-22": 0.68, "2021-12-17": 0.54, "2021-12-27": 0.32,
    "2022-01-16": 0.68, "2022-01-19": 0.68, "2022-01-26": 0.66, "2022-02-05": 0.62, "2022-02-08": 0.7,
    "2022-02-10": 0.7, "2022-02-18": 0.64, "2022-02-25": 0.98, "2022-02-28": 0.97, "2022-03-20": 0.93,
    "2022-03-25": 0.96, "2022-04-16": 0.22, "2022-04-19": 0.95, "2022-04-26": 0.96, "2022-05-04": 0.98,
    "2022-05-06": 0.99, "2022-05-09": 0.94, "2022-05-11": 0.99, "2022-05-21": 0.04, "2022-05-24": 0.39,
    "2022-05-26": 0.96, "2022-06-03": 0.78, "2022-06-10": 0.48, "2022-06-13": 0.38, "2022-06-23": 0.92,
    "2022-06-25": 0.88, "2022-06-28": 0.99, "2022-06-30": 0.99, "2022-07-05": 0.99, "2022-07-08": 0.99,
    "2022-07-13": 0.94, "2022-07-15": 0.99, "2022-07-18": 0.96, "2022-07-23": 1.0, "2022-07-28": 0.99,
}  # fmt: skip
"""Clear shares of the dates of a real winter in Flanders, moved to this season."""

TERMINATIONS = ("plough", "roll", "herbicide", "mow", "frost", "stands")
GROWTHS = ("gompertz", "logistic", "thermal")


@dataclass
class Drawn:
    """Simulated parcels: truth and looks.

    Days count from START; -1 is none. `lai` is the true stand, (parcel, day).
    """

    lai: np.ndarray
    emergence: np.ndarray
    termination: np.ndarray
    kind: np.ndarray
    growth: np.ndarray
    next_emergence: np.ndarray
    looks: np.ndarray
    look_lai: np.ndarray
    look_fcover: np.ndarray

    @property
    def fcover(self) -> np.ndarray:
        return 1 - np.exp(-0.55 * self.lai)


def day(text: str) -> int:
    return int((np.datetime64(text) - START).astype(int))


def temperature() -> np.ndarray:
    t = np.arange(DAYS)
    return 10.5 - 8.0 * np.cos(2 * np.pi * (t - day("2022-01-20")) / 365)


def grow(family: str, first: float, top: float, rate: float) -> np.ndarray:
    """A stand whose LAI passes 0.1 at day `first`; rate is the time from 10 to 90 % in days at autumn warmth."""
    t = np.arange(DAYS, dtype=float)
    clock = t - first
    if family == "thermal":
        warm = np.cumsum(np.maximum(temperature() - 3, 0.3) / 9.0)
        clock = np.interp(t, t, warm) - np.interp(first, t, warm)
    if family == "gompertz":
        k = 3.08 / rate
        shift = np.log(np.log(top / 0.1)) / k
        curve = top * np.exp(-np.exp(-k * (clock - shift)))
    else:
        k = 4.39 / rate
        shift = np.log(top / 0.1 - 1) / k
        curve = top / (1 + np.exp(-k * (clock - shift)))
    return curve


def draw_cover(rng: np.random.Generator, kind: str, growth: str, harvest: int) -> tuple[np.ndarray, int]:
    """A stand that grows, freezes in part, grows on in spring; and its day of emergence."""
    t = np.arange(DAYS, dtype=float)
    first = min(harvest + rng.uniform(10, 45), day("2021-11-15"))
    top = rng.uniform(0.8, 2) if rng.random() < 0.25 else rng.uniform(1.5, 5)
    stand = grow(growth, first, top, rng.uniform(30, 80))
    if rng.random() < 0.3:
        cold = day("2021-12-10") + rng.integers(0, 70)
        left = rng.uniform(0.4, 0.8)
        stand *= np.where(t < cold, 1, left + (1 - left) * np.exp(-np.maximum(t - cold, 0) / 6))
    if rng.random() < 0.4:
        stand *= 1 + rng.uniform(0.2, 1) / (1 + np.exp(-(t - day("2022-04-01")) / 12))
    return stand, int(np.argmax(stand > 0.1)) if stand[: day("2022-01-31")].max() > 0.1 else -1


def end_cover(rng: np.random.Generator, stand: np.ndarray, kind: str) -> tuple[np.ndarray, int, int]:
    """The stand with its end, the day of the operation, and the first day of the next crop."""
    t = np.arange(DAYS, dtype=float)
    end = int(rng.integers(day("2022-02-20"), day("2022-05-20")))
    free = end + int(rng.integers(10, 45))
    after = np.maximum(t - end, 0)
    if kind == "stands":
        return stand, -1, -1
    if kind == "plough":
        return np.where(t >= end, 0, stand), end, free
    if kind == "roll":
        return np.where(t >= end, stand * 0.35 * np.exp(-after / 8), stand), end, free
    if kind == "herbicide":
        slow = rng.uniform(4, 9)
        dying = stand / (1 + np.exp((t - end - 2.2 * slow) / slow)) * (1 + np.exp(-2.2))
        return np.where(t > end + 45, 0, dying), end, free
    if kind == "mow":
        again = stand * np.minimum(rng.uniform(0.12, 0.25) + 0.006 * after, 0.5)
        stand = np.where(t >= end, again, stand)
        return np.where(t >= end + rng.integers(14, 30), 0, stand), end, max(free, end + 40)
    end = int(rng.integers(day("2021-12-01"), day("2022-02-10")))
    fading = rng.uniform(5, 14)
    stand = stand * np.exp(-np.maximum(t - end, 0) / fading)
    gone = end + int(rng.integers(40, 80))
    # Frost has ended a stand once less than half of it is left.
    return np.where(t >= gone, 0, stand), end + int(np.ceil(np.log(2) * fading)), gone + 10


def draw_parcel(rng: np.random.Generator, kind: str, growth: str) -> dict:
    t = np.arange(DAYS, dtype=float)
    late = rng.random() < 0.4
    harvest = day("2021-09-10") + rng.integers(0, 40) if late else day("2021-07-10") + rng.integers(0, 35)
    main = rng.uniform(1.5, 4) / (1 + np.exp((t - harvest + rng.uniform(5, 30)) / rng.uniform(4, 12)))
    lai = np.where(t < harvest, main, rng.uniform(0, 0.08))
    sown_next = day("2022-04-01") + int(rng.integers(0, 60))
    emergence = termination = -1
    following = sown_next + int(rng.integers(8, 20))
    if kind == "weeds":
        tillage = harvest + rng.integers(20, 100)
        weeds = grow("logistic", harvest + 12, rng.uniform(0.3, 1.2), 40)
        lai += np.where((t >= harvest) & (t < tillage), weeds, 0)
    elif kind != "none":
        stand, emergence = draw_cover(rng, kind, growth, harvest)
        stand, termination, free = end_cover(rng, stand, kind)
        following = -1 if kind == "stands" else max(free, sown_next)
        lai += stand
    if following >= 0:
        crop = grow("logistic", following, rng.uniform(2, 6), rng.uniform(20, 60))
        lai += np.where(t >= following - 15, crop, 0)
    return {"lai": lai, "emergence": emergence, "termination": termination, "next": following}


def clear_days(rng: np.random.Generator, regime: str) -> tuple[np.ndarray, np.ndarray]:
    if regime == "flanders":
        days = np.array(sorted(day(d) for d in FLANDERS))
        return days, np.array([FLANDERS[str(START + d)] for d in days])
    days = np.arange(rng.integers(0, 5), DAYS, 5)
    share = {"ordinary": 0.5, "dense": 0.28, "clear": 1.0}[regime]
    sky = rng.beta(0.5, 0.5 * (1 - share) / share, len(days)) if share < 1 else np.ones(len(days))
    return days, sky


def draw_season(
    count: int, *, seed: int, regime: str = "ordinary", kinds: tuple = TERMINATIONS, growths: tuple = GROWTHS,
    noise: float = 0.08, residue: float = 0.03,
) -> Drawn:  # fmt: skip
    rng = np.random.default_rng(seed)
    kind = rng.choice(kinds, count)
    growth = rng.choice(growths, count)
    parcels = [draw_parcel(rng, k, g) for k, g in zip(kind, growth, strict=True)]
    lai = np.stack([p["lai"] for p in parcels])
    looks, sky = clear_days(rng, regime)
    # Skies are shared by neighbours: parcels come in groups that mostly see the same clouds.
    common = np.repeat(rng.random((count // 20 + 1, len(looks))), 20, axis=0)[:count]
    own = rng.random((count, len(looks)))
    clear = np.where(own < 0.25, rng.random((count, len(looks))), common) < sky
    true_lai = lai[:, looks]
    soil = rng.uniform(0.02, 0.3, (count, 1)) * np.exp(-true_lai) * rng.uniform(0.6, 1.4, true_lai.shape)
    shared = rng.normal(0, noise, true_lai.shape)
    seen = true_lai * (1 + shared) + soil + rng.normal(0, 0.04, true_lai.shape)
    cover = 1 - np.exp(-0.55 * np.maximum(true_lai * (1 + 0.6 * shared) + 0.7 * soil, 0))
    cover = cover + rng.normal(0, 0.015, cover.shape)
    bad = rng.random(clear.shape) < residue
    hit = rng.uniform(0.15, 0.8, clear.shape)
    seen = np.where(bad, seen * hit, seen)
    cover = np.where(bad, cover * (0.3 + 0.7 * hit), cover)
    seen = np.where(clear, np.maximum(seen, 0), np.nan).astype(np.float32)
    cover = np.where(clear, np.clip(cover, 0, 1), np.nan).astype(np.float32)
    return Drawn(
        lai, np.array([p["emergence"] for p in parcels]), np.array([p["termination"] for p in parcels]),
        kind, growth, np.array([p["next"] for p in parcels]), looks, seen, cover,
    )  # fmt: skip


@pytest.fixture(scope="session")
def draw():
    """`draw(count, seed=..., regime=..., kinds=..., growths=...)` gives seasons with known truth."""
    return draw_season


@pytest.fixture
def write_markers(tmp_path):
    """Write a marker table of LAI and FCOVER looks, (parcel, look), on day indices."""
    from sen4cap.marker_names import Marker
    from sen4cap.marker_table import new_markers

    def write(name: str, ids: np.ndarray, looks: np.ndarray, lai: np.ndarray, fcover: np.ndarray):
        columns = []
        for kind, values in (("LAI", lai), ("FCOVER", fcover)):
            for k, index in enumerate(looks):
                date = (START + int(index)).astype("datetime64[D]").item()
                columns.append((Marker(date, kind), values[:, k] * 1000))
                count = np.where(np.isfinite(values[:, k]), 40, 0)
                columns.append((Marker(date, kind, stat="valid_pixels_cnt"), count))
        columns.sort(key=lambda column: column[0])
        path = tmp_path / name
        with new_markers(path, np.asarray(ids, np.int32), [c[0] for c in columns], sources=("item-a",)) as table:
            for row, (_, values) in enumerate(columns):
                table[row] = values
        return path

    return write
