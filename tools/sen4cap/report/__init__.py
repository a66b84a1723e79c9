"""Report: the result folder of a run with its page, maps, curves, summary and catalogue."""

from __future__ import annotations

__all__ = ["report"]

from .run import report
