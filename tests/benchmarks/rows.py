"""A line of the table: what was measured, against what, and what is wanted."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Bound:
    """A number wanted: at most `most`, or at least `least`."""

    most: float | None = None
    least: float | None = None

    def holds(self, value: float) -> bool:
        """Whether a measured value is as wanted."""
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)

    def __str__(self) -> str:
        return f"<= {self.most:g}" if self.most is not None else f">= {self.least:g}"


@dataclass(frozen=True)
class Row:
    """One measured quantity.

    Attributes
    ----------
    work, against : str
        What was done, and what it is compared with.
    values : sequence of float
        One a round; the median counts.
    unit : str
        ``x`` for ratios, ``s``, ``MiB`` and so on.
    bound : Bound or None
    cpu : sequence of float
        The same from processor seconds, where that makes sense: less disturbed by whatever else runs.
    note : str
        How the answers were checked, and what else there is to say.
    any_size : bool
        The bound holds for work of any size, not only for that of the full run.
    """

    work: str
    against: str
    values: Sequence[float]
    unit: str = "x"
    bound: Bound | None = None
    cpu: Sequence[float] = field(default_factory=tuple)
    note: str = ""
    any_size: bool = False

    @property
    def value(self) -> float:
        """Median of the rounds."""
        return statistics.median(self.values)

    @property
    def mark(self) -> str:
        """``ok``, ``missed``, or nothing where nothing is wanted."""
        if self.bound is None:
            return ""
        return "ok" if self.bound.holds(self.value) else "missed"


@dataclass(frozen=True)
class Part:
    """Where the time of a piece of work goes.

    Attributes
    ----------
    work, part : str
    cpu, floor : float
        Seconds of processor; those that the physical floor would take (NaN where there is none).
    floor_is : str
        What the floor is.
    """

    work: str
    part: str
    cpu: float
    floor: float
    floor_is: str


@dataclass(frozen=True)
class Curve:
    """Cost against size.

    Attributes
    ----------
    work, size_is : str
    sizes, seconds : sequence of float
    """

    work: str
    size_is: str
    sizes: Sequence[float]
    seconds: Sequence[float]


@dataclass
class Findings:
    """All that a part of the benchmarks found."""

    rows: list[Row] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def extend(self, more: Findings) -> None:
        """Add another part's."""
        self.rows += more.rows
        self.parts += more.parts
        self.curves += more.curves
        self.numbers |= more.numbers
        self.words += more.words
