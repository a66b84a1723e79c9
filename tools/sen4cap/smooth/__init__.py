"""Smooth daily series of every parcel from the irregular clear looks of marker tables."""

from __future__ import annotations

from .kernel import BOUNDS, METHODS, ROBUST, Smoothing, nearest_look, smooth_daily

__all__ = ["BOUNDS", "METHODS", "ROBUST", "Smoothing", "nearest_look", "smooth_daily"]
