"""Harvest of the main crop, estimated from the fall of its leaf area where no L4C product exists.

Public names: `kernel.main_harvest`, `run.harvest`.
"""
