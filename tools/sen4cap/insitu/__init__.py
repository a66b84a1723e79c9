"""In-situ data from the HRL croplands layer of secondary crop emergence."""

from __future__ import annotations
