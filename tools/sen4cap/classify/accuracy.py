"""How good a classification is: confusion, balanced accuracy, F1, reliability. Arrays in, plain numbers out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..classes import NAMES, NWCC, WCC

BINS = 10


def measures(wcc: NDArray[np.bool_], confidence: NDArray[np.float64], /) -> dict[str, Any]:
    """Measures of a classification against what parcels are.

    Parameters
    ----------
    wcc : (parcel,)
        Whether a parcel has a winter cover crop.
    confidence : (parcel,)
        Confidence that it has one; from 0.5 on it is classified as one.

    Returns
    -------
    dict
        Counts, confusion (rows: what is; columns: what was said), accuracy, balanced accuracy (mean of both recalls),
        recall, precision and F1 of each class, Brier score, reliability table and expected calibration error: the mean
        distance between stated confidence in a winter cover crop and its observed frequency over ten equal bins,
        weighted by the bins' counts (Naeini et al. 2015).
    """
    said = confidence >= 0.5
    table = np.array([[(wcc & said).sum(), (wcc & ~said).sum()], [(~wcc & said).sum(), (~wcc & ~said).sum()]])
    recall = [_share(table[k, k], table[k].sum()) for k in range(2)]
    precision = [_share(table[k, k], table[:, k].sum()) for k in range(2)]
    f1 = [_share(2 * table[k, k], table[k].sum() + table[:, k].sum()) for k in range(2)]
    rows = reliability(wcc, confidence)
    names = [NAMES[WCC], NAMES[NWCC]]
    error = sum(row["count"] * abs(row["confidence"] - row["observed"]) for row in rows) / max(len(wcc), 1)
    return {
        "parcels": dict(zip(names, [int(wcc.sum()), int((~wcc).sum())], strict=True)),
        "confusion": {"classes": names, "rows": "reference", "columns": "predicted", "counts": table.tolist()},
        "accuracy": _share(int(np.trace(table)), len(wcc)),
        "balanced_accuracy": None if None in recall else float(np.mean([r for r in recall if r is not None])),
        "recall": dict(zip(names, recall, strict=True)),
        "precision": dict(zip(names, precision, strict=True)),
        "f1": dict(zip(names, f1, strict=True)),
        "brier": float(np.mean((confidence - wcc) ** 2)) if len(wcc) else None,
        "ece": float(error) if len(wcc) else None,
        "reliability": rows,
    }


def reliability(wcc: NDArray[np.bool_], confidence: NDArray[np.float64], /) -> list[dict[str, float]]:
    """Stated confidence against observed frequency, in ten equal bins; bins without a parcel are left out."""
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    rows = []
    for k in range(BINS):
        inside = place == k
        if inside.any():
            rows.append(
                {
                    "from": k / BINS,
                    "to": (k + 1) / BINS,
                    "count": int(inside.sum()),
                    "confidence": float(confidence[inside].mean()),
                    "observed": float(wcc[inside].mean()),
                }
            )
    return rows


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
