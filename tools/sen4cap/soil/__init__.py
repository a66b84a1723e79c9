"""Bare soil: which days each parcel's ground lay open, as intervals from clear looks.

Public names: `kernel.vote`, `kernel.bare_intervals`, `run.soil`.
"""
