"""How large the work is that is measured, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

THREADS = 2
"""Threads of every contender that can use them, the floors too."""

FULL_SIDE = 10980
"""Pixels of a Sentinel-2 tile's side at 10 m."""


@dataclass(frozen=True)
class Plan:
    """Sizes of one run of the benchmarks.

    Attributes
    ----------
    work : Path
        Folder for inputs (kept from run to run) and results.
    side : int
        Pixels of the large scene's side.
    parcels : int
        Parcels on it.
    rounds : int
        Times that contenders take turns.
    part : int
        Pixels of the side of the part on which slow peers are measured; their time is scaled to the whole.
    series : int
        Parcels of the marker table that is smoothed; two variables each.
    slow_series : int
        Parcels that slow peers smooth.
    sizes : tuple of int
        Parcels of the cost curves of season, soil and intercrop.
    train, predict : int
        Parcels of classify.
    dates : int
        Dates that fetch copies, of 11 assets each.
    pixels : int
        Pixels of the side of the area that is mapped pixel by pixel.
    """

    work: Path
    side: int
    parcels: int
    rounds: int
    part: int
    series: int
    slow_series: int
    sizes: tuple[int, ...]
    train: int
    predict: int
    dates: int
    pixels: int

    @property
    def is_full(self) -> bool:
        """Whether targets apply: they are for a whole tile."""
        return self.side == FULL_SIDE


def full(work: Path) -> Plan:
    """Return the sizes of `make bench`."""
    return Plan(
        work,
        side=FULL_SIDE,
        parcels=50_000,
        rounds=3,
        part=2048,
        series=200_000,
        slow_series=1000,
        sizes=(10_000, 100_000, 1_000_000),
        train=20_000,
        predict=1_000_000,
        dates=60,
        pixels=2048,
    )


def quick(work: Path) -> Plan:
    """Return the sizes of `make bench-quick`."""
    return Plan(
        work,
        side=4096,
        parcels=7000,
        rounds=1,
        part=1024,
        series=20_000,
        slow_series=300,
        sizes=(1000, 10_000, 50_000),
        train=2000,
        predict=50_000,
        dates=6,
        pixels=512,
    )
