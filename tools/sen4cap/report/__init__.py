"""Report: the result folder of a run with its page, maps, curves, summary and catalogue.

Public names: `run.report`.
"""

from __future__ import annotations

from . import settings_folder

__all__ = ["settings_folder"]
