"""Emergence, termination and growth of the winter stand of every parcel.

Public names: `detectors.EMERGENCE` and `detectors.TERMINATION` (all methods by name), `kernel.season_of`,
`run.season`.
"""
