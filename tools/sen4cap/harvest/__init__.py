"""Harvest of the main crop, estimated from the fall of its leaf area where no L4C product exists."""

from .kernel import REASONS, Falls, main_harvest

__all__ = ["REASONS", "Falls", "main_harvest"]
