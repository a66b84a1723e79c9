"""Maps of emergence and termination, pixel by pixel.

Public names: `kernel.season_days` (arrays in, arrays out), `run.pixels` (files in, files out).
"""
