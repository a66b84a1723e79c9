"""How many in-situ parcels a season needs: balanced accuracy over spatial blocks against their number."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sen4cap.classify.accuracy import measures
from sen4cap.classify.blocks import block_folds
from sen4cap.classify.calibration import calibrated, fit_calibration
from sen4cap.classify.forest import forest_score
from sen4cap.classify.layout import Layout
from sen4cap.classify.samples import read_samples
from sen4cap.classify.training import grow
from sen4cap.simulate.labels import write_insitu

from .chain import VARIABLES, Run

REGIMES = ("ordinary", "flanders")
NUMBERS = (50, 100, 200, 400, 800, 1600)
"""In-situ parcels that are drawn from the candidates of a season."""
FEW, DRAWS = 200, 2
"""Up to so many are drawn so often: which parcels happen to be among a few matters much."""
FOLDS, TREES, LEAF, SHIFT, STEP = 5, 300, 3, 8, 10
SEASON = ("08-01", "05-31")
"""Defaults of `sen4cap classify`; a test holds them together."""


@dataclass(frozen=True)
class Known:
    """Parcels whose class is known.

    Attributes
    ----------
    copies : list of (parcel, feature)
        As `training.grow` takes them.
    wcc : (parcel,) bool
        What they are.
    x, y : (parcel,)
        Where they lie, m.
    """

    copies: list[NDArray[np.float32]]
    wcc: NDArray[np.bool_]
    x: NDArray[np.float64]
    y: NDArray[np.float64]


def learning_curve(run: Run) -> pd.DataFrame:
    """Balanced accuracy and calibration error by number of in-situ parcels: regime, seed, parcels, balanced, ece.

    The series of the run must be there.
    """
    insitu = run.folder / "insitu-all.csv"
    # The class of every candidate is known here: how many of them are told is what is varied.
    write_insitu(insitu, pd.read_parquet(run.inputs / "truth.parquet"), share=1.0, seed=run.seed)
    # One tree a fold is enough here: only the samples that the command writes are wanted.
    run.classify("wcc-all", "--insitu", insitu, "--trees", FOLDS)
    known = _known(run.folder / "wcc-all" / "model_samples.npz")
    fold, _, _ = block_folds(known.x, known.y, known.wcc, size=0.0, folds=FOLDS, seed=1)
    rows = []
    for number in NUMBERS:
        if number > len(known.wcc):
            break
        found = [
            measures(known.wcc, told_by(known, fold, number, draw=draw))
            for draw in range(DRAWS if number <= FEW else 1)
        ]
        balanced, ece = (float(np.mean([one[key] for one in found])) for key in ("balanced_accuracy", "ece"))
        rows.append({"regime": run.regime, "seed": run.seed, "parcels": number, "balanced": balanced, "ece": ece})
    return pd.DataFrame(rows)


def told_by(known: Known, fold: NDArray[np.int64], number: int, *, draw: int) -> NDArray[np.float64]:
    """Confidence of all parcels, each by trees that know some in-situ parcels, but none of its own fold."""
    random = np.random.default_rng([number, draw])
    told = np.zeros(len(fold), bool)
    told[random.permutation(len(fold))[:number]] = True
    score = np.empty(len(fold))
    for k in range(FOLDS):
        apart = told & (fold != k)
        forest, _ = grow([copy[apart] for copy in known.copies], known.wcc[apart], trees=TREES // FOLDS, leaf=LEAF,
                         seed=FOLDS * draw + k, threads=1)  # fmt: skip
        score[fold == k] = forest_score(known.copies[0][fold == k], forest, threads=1)
    confidence = np.empty(len(fold))
    for k in range(FOLDS):
        apart = told & (fold != k)
        confidence[fold == k] = calibrated(score[fold == k], fit_calibration(score[apart], known.wcc[apart]))
    return confidence


def _known(path: Path) -> Known:
    layout = Layout.of(VARIABLES, season_start=SEASON[0], season_end=SEASON[1], step=STEP)
    samples = read_samples(path, layout)
    metres = 111_200.0
    east = metres * samples.longitude * np.cos(np.radians(samples.latitude.mean()))
    copies = [samples.features(layout, shift=shift, threads=1) for shift in (0, -SHIFT, SHIFT)]
    return Known(copies, samples.wcc, east, metres * samples.latitude)
