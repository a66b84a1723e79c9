"""From a forest's score to a confidence that means what it says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EDGE = 0.005
NONE = np.array([1.0, 0.0])
"""The calibration that changes nothing but scores next to 0 and 1."""


def calibrated(score: NDArray[np.float64], calibration: NDArray[np.float64], /) -> NDArray[np.float64]:
    """Confidence in a winter cover crop: ``sigmoid(a logit(score) + b)``.

    Parameters
    ----------
    score : any shape
        0 to 1.
    calibration : (2,)
        a and b, from `fit_calibration`.

    Returns
    -------
    same shape
        0 to 1, rising with the score.
    """
    confidence: NDArray[np.float64] = 1 / (1 + np.exp(-(calibration[0] * _logit(score) + calibration[1])))
    return confidence


def fit_calibration(
    score: NDArray[np.float64], wcc: NDArray[np.bool_], /, *, noise: float = 0.0
) -> NDArray[np.float64]:
    """Fit the sigmoid that turns scores into frequencies, by the log-likelihood with a weak prior (after Platt 1999).

    The targets are Platt's ((n1 + 1) / (n1 + 2) and 1 / (n0 + 2)), so that a perfect separation does not become
    certainty. The log-odds of the score are used instead of the score, because the forest's bias towards the middle is
    a slope there.

    Where a share of the labels is known to be wrong, a label says cover crop with the chance
    ``q = noise + (1 - 2 noise) p`` of a parcel whose confidence is p (Natarajan et al. 2013, with one rate for both
    classes); the likelihood is that of the labels, the sigmoid that of what parcels are.

    Parameters
    ----------
    score : (parcel,)
        Scores of parcels that the forest was not trained on.
    wcc : (parcel,)
        What their labels say.
    noise
        Share of the labels that are wrong, below 0.5.

    Returns
    -------
    (2,)
        a (at least 0.05, so that the order is kept) and b; `NONE` where one class is missing.
    """
    many, few = int(wcc.sum()), int((~wcc).sum())
    if not many or not few:
        return NONE.copy()
    target = np.where(wcc, (many + 1) / (many + 2), 1 / (few + 2))
    x = np.column_stack([_logit(score), np.ones(len(score))])
    prior = np.diag([1e-2, 1e-6])
    found = NONE.copy()
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ found, -30, 30)))
        q = np.clip(noise + (1 - 2 * noise) * p, 1e-12, 1 - 1e-12)
        steep = (1 - 2 * noise) * p * (1 - p)
        weight = steep / (q * (1 - q))
        slope = x.T @ (weight * (target - q)) - prior @ (found - NONE)
        curve = (x * (weight * steep)[:, None]).T @ x + prior
        step = np.linalg.solve(curve, slope)
        found = found + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            break
    return np.array([max(found[0], 0.05), found[1]])


def _logit(score: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(score, EDGE, 1 - EDGE)
    odds: NDArray[np.float64] = np.log(inside / (1 - inside))
    return odds
