"""Smooth daily series of every parcel from the irregular clear looks of marker tables.

Public names: `kernel.smooth_daily`, `kernel.Smoothing`, `run.smooth`.
"""
