"""Intercropping: how the time between two main crops was spent, bare or covered.

Public names: `kernel.BareDays`, `kernel.Periods`, `run.intercrop`.
"""
