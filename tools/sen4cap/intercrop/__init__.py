"""Intercropping: how the time between two main crops was spent, bare or covered."""

from .kernel import BareDays, Periods

__all__ = ["BareDays", "Periods"]
