"""Report: the result folder of a run with its page, maps, curves, summary and catalogue."""

from __future__ import annotations

from . import figures  # first of all: it tells matplotlib where to keep its cache
from .run import report

__all__ = ["figures", "report"]
