"""Growing and judging a forest. The only module that needs scikit-learn (extra `train`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiled import thread_count
from ..errors import Sen4capError
from ..progress import track
from .accuracy import measures
from .calibration import NONE, calibrated, fit_calibration
from .forest import Forest, forest_score, joined

MOST_DRAWS = 8_000
"""Rows that a tree draws, at most."""
ASKED_SHARE = 0.2
"""Share of the features that a node may choose from."""


@dataclass(frozen=True)
class Judged:
    """Outcome of a cross-validation.

    Attributes
    ----------
    forest : Forest
        The forests of all folds together.
    impurity : (feature,) float64
        Share of each feature in the fall of impurity.
    score : (parcel,) float64
        Score from the forest that did not know the parcel's block.
    confidence : (parcel,) float64
        The same, calibrated on the other folds.
    per_fold : list of float
        Balanced accuracy of each fold that holds both classes.
    importance : dict of str to float
        By group of features: loss of balanced accuracy where the group is shuffled among the held-out parcels.
    """

    forest: Forest
    impurity: NDArray[np.float64]
    score: NDArray[np.float64]
    confidence: NDArray[np.float64]
    per_fold: list[float]
    importance: dict[str, float]


def grow(
    copies: Sequence[NDArray[np.float32]],
    wcc: NDArray[np.bool_],
    /,
    *,
    trees: int,
    leaf: int,
    seed: int,
    threads: int,
) -> tuple[Forest, NDArray[np.float64]]:
    """Grow a class-balanced forest of extremely randomised trees on random draws, missing values included.

    Each node draws some features and one random threshold for each, and takes the best (Geurts et al. 2006; Breiman
    2001 for the draws; scikit-learn). Thresholds that are not fitted lean less on the few parcels they would be fitted
    to.

    Parameters
    ----------
    copies : sequence of (parcel, feature)
        Features of the same parcels as they are, and as they would be in an earlier and a later year (see
        `judge`); NaN where missing.
    wcc : (parcel,)
        What they are.
    trees, leaf
        Number of trees; rows in a leaf, at least. A tree draws at most `MOST_DRAWS` rows, so that the work stays
        proportional to the number of trees.
    seed
        Decides every draw; `threads` does not change the outcome.

    Returns
    -------
    Forest, (feature,)
        And the importance of each feature: its share of the fall in impurity.

    Raises
    ------
    Sen4capError
        scikit-learn is not installed.
    """
    try:
        from sklearn.ensemble import ExtraTreesClassifier
    except ImportError as error:
        raise Sen4capError(
            "training",
            "needs scikit-learn",
            do="install sen4cap[train], or classify with --model or --method threshold",
        ) from error
    rows = np.concatenate(copies)
    grown = ExtraTreesClassifier(
        n_estimators=trees,
        min_samples_leaf=leaf,
        max_features=ASKED_SHARE,
        bootstrap=True,
        max_samples=min(len(rows), MOST_DRAWS),
        class_weight="balanced_subsample",
        random_state=seed,
        n_jobs=thread_count(threads),
    ).fit(rows, np.tile(wcc, len(copies)))
    return as_arrays(grown), np.asarray(grown.feature_importances_)


def as_arrays(grown: Any, /) -> Forest:
    """Plain arrays of a fitted scikit-learn forest of two classes, the second of which is the cover crop.

    Thresholds are rounded down to float32: features are float32, so no comparison changes.
    """
    roots, feature, threshold, children, missing, share = [], [], [], [], [], []
    past = 0
    for tree in (estimator.tree_ for estimator in grown.estimators_):
        leaf = tree.children_left < 0
        roots.append(past)
        feature.append(np.where(leaf, -1, tree.feature))
        threshold.append(_round_down(np.where(leaf, 0.0, tree.threshold)))
        children.append(np.where(leaf[:, None], 0, np.column_stack([tree.children_left, tree.children_right]) + past))
        missing.append(np.asarray(tree.missing_go_to_left, bool))
        share.append(tree.value[:, 0, 1] / tree.value[:, 0, :].sum(axis=1))
        past += tree.node_count
    return Forest(
        np.array(roots, np.int32),
        np.concatenate(feature).astype(np.int32),
        np.concatenate(threshold),
        np.concatenate(children).astype(np.int32),
        np.concatenate(missing),
        np.concatenate(share).astype(np.float32),
    )


def judge(
    copies: Sequence[NDArray[np.float32]],
    wcc: NDArray[np.bool_],
    fold: NDArray[np.int64],
    own: NDArray[np.bool_],
    groups: dict[str, list[int]],
    /,
    *,
    trees: int,
    leaf: int,
    noise: float,
    seed: int,
    threads: int,
) -> Judged:
    """Grow a forest for each fold on the parcels of the others, and judge every parcel by the one that never saw it.

    A new parcel is judged by the trees of all folds together; each of them has seen all blocks but one fold's, so no
    second forest is grown for it. The calibration of a fold is fitted on the scores of the other folds, so the
    reliability is honest too.

    Parameters
    ----------
    copies, wcc
        As for `grow`; parcels are judged as they are, by the first copy. Shifted copies make the forest less sure of
        calendar dates: growth comes earlier or later by a week or two in another year.
    fold : (parcel,)
        Fold of each parcel.
    own : (parcel,)
        Parcels that count in the accuracy of the folds and in the importance: those of the season at hand.
    groups
        Features by group, for the importance.
    trees
        Trees of all folds together.
    noise
        Share of the classes given that are wrong; the confidence is corrected for it.
    """
    features = copies[0]
    folds = [int(k) for k in np.unique(fold)]
    # A fold whose removal leaves one class only cannot be learnt without: nothing is known about its parcels.
    apt = [k for k in folds if len(np.unique(wcc[fold != k])) == 2]
    settings = {"trees": -(-trees // max(len(apt), 1)), "leaf": leaf, "threads": threads}
    score = np.empty(len(wcc))
    for k in set(folds) - set(apt):
        score[fold == k] = float(wcc[fold != k].mean()) if (fold != k).any() else 0.5
    grown, per_fold = [], []
    loss: dict[str, list[float]] = {name: [] for name in groups}
    shuffle = np.random.default_rng(seed)
    for k in track(apt, "folds"):
        out = fold == k
        forest, impurity = grow([copy[~out] for copy in copies], wcc[~out], seed=len(folds) * seed + k, **settings)
        grown.append((forest, impurity))
        score[out] = forest_score(features[out], forest, threads=threads)
        counted = out & own
        whole = measures(wcc[counted], score[counted])["balanced_accuracy"]
        if whole is None:
            continue
        per_fold.append(whole)
        for name, places in groups.items():
            mixed = features[counted]
            mixed[:, places] = mixed[shuffle.permutation(len(mixed))][:, places]
            less = measures(wcc[counted], forest_score(mixed, forest, threads=threads))["balanced_accuracy"]
            loss[name].append(whole - less)
    if not grown:
        grown.append(grow(copies, wcc, seed=seed, **settings))
    confidence = np.empty(len(wcc))
    for k in folds:
        out = fold == k
        calibration = fit_calibration(score[~out], wcc[~out], noise=noise) if (~out).any() else NONE
        confidence[out] = calibrated(score[out], calibration)
    return Judged(
        joined([forest for forest, _ in grown]),
        np.mean([impurity for _, impurity in grown], axis=0),
        score,
        confidence,
        per_fold,
        {name: float(np.mean(lost)) for name, lost in loss.items() if lost},
    )


def _round_down(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    near = threshold.astype(np.float32)
    down: NDArray[np.float32] = np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)
    return down
