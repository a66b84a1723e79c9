"""Copy what a season needs out of a STAC catalogue: the items over some parcels, clipped, checked, resumable.

Public names: `run.fetch`.
"""
