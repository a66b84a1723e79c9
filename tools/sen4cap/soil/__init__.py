"""Bare soil: which days each parcel's ground lay open, as intervals from clear looks."""

from .kernel import Intervals, bare_intervals, leave_out_wet, looks_after_rain, poor_looks, vote

__all__ = ["Intervals", "bare_intervals", "leave_out_wet", "looks_after_rain", "poor_looks", "vote"]
