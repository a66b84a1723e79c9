"""Marker tables: statistics of every parcel in every image, from L3B, L2A and Sentinel-1 items.

Public names: `run.markers` (files in, table out), `kernel.moments`, `kernel.statistics`.
"""
