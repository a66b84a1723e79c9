"""Winter cover crop or none: a random forest on parcel series, a saved model, or thresholds."""

from __future__ import annotations
