"""Emergence, termination and growth of the winter stand of every parcel."""

from __future__ import annotations

from .detectors import EMERGENCE, TERMINATION, Block, Dates, Detector, Settings
from .kernel import REASONS, Result, season_of
from .stands import Calendar

__all__ = [
    "EMERGENCE",
    "REASONS",
    "TERMINATION",
    "Block",
    "Calendar",
    "Dates",
    "Detector",
    "Result",
    "Settings",
    "season_of",
]
