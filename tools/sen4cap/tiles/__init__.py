"""Parcels split by the Sentinel-2 tiles they lie on, so that a country is worked on tile by tile.

Public names: `kernel.cells_of`, `kernel.parcels_on`, `run.tiles`.
"""
