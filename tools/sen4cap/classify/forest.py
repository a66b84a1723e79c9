"""A random forest as plain arrays: predicting needs no training library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled, over_blocks

BLOCK = 512
"""Parcels of a block: their features (some 250 each) stay in a core's own cache while tree after tree asks for them."""


@dataclass(frozen=True)
class Forest:
    """Decision trees one after the other; a node's children are numbered over the whole forest.

    Attributes
    ----------
    roots : (tree,) int32
        First node of each tree.
    feature : (node,) int32
        Feature that a node asks for; -1 for a leaf.
    threshold : (node,) float32
        A value goes left where it is at most this.
    children : (node, 2) int32
        Left and right child.
    missing_left : (node,) bool
        A missing value (NaN) goes left.
    share : (node,) float32
        Share of winter cover crops among the training parcels of a node, weighted as in training.
    """

    roots: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    children: NDArray[np.int32]
    missing_left: NDArray[np.bool_]
    share: NDArray[np.float32]


def joined(forests: Sequence[Forest], /) -> Forest:
    """One forest of the trees of several, in order."""
    past = np.cumsum([0] + [len(forest.feature) for forest in forests[:-1]])
    return Forest(
        np.concatenate([forest.roots + shift for forest, shift in zip(forests, past, strict=True)]).astype(np.int32),
        np.concatenate([forest.feature for forest in forests]),
        np.concatenate([forest.threshold for forest in forests]),
        np.concatenate(
            [
                np.where(forest.feature[:, None] < 0, 0, forest.children + shift)
                for forest, shift in zip(forests, past, strict=True)
            ]
        ).astype(np.int32),
        np.concatenate([forest.missing_left for forest in forests]),
        np.concatenate([forest.share for forest in forests]),
    )


def forest_score(features: NDArray[np.float32], forest: Forest, /, *, threads: int) -> NDArray[np.float64]:
    """Score of each parcel: the mean share over the leaves it falls into (Breiman 2001).

    Parameters
    ----------
    features : (parcel, feature)
        NaN where missing.
    forest
        The trees.
    threads
        As the option `--threads`.

    Returns
    -------
    (parcel,)
        0 to 1; summed tree by tree in order, so it does not depend on `threads`.
    """
    score = np.zeros(len(features))
    features = np.ascontiguousarray(features, np.float32)

    def work(start: int, stop: int) -> None:
        _add_shares(
            features[start:stop],
            forest.roots,
            forest.feature,
            forest.threshold,
            forest.children,
            forest.missing_left,
            forest.share,
            score[start:stop],
        )

    over_blocks(work, len(features), block=BLOCK, threads=threads)
    return score / max(len(forest.roots), 1)


@compiled
def _add_shares(  # type: ignore[no-untyped-def]
    features, roots, feature, threshold, children, missing_left, share, score
):
    # Trees in the outer loop: one tree stays in the cache while a block of parcels walks through it.
    for tree in range(len(roots)):
        for parcel in range(len(features)):
            node = roots[tree]
            asked = feature[node]
            while asked >= 0:
                value = features[parcel, asked]
                if np.isnan(value):
                    right = 0 if missing_left[node] else 1
                else:
                    right = 0 if value <= threshold[node] else 1
                node = children[node, right]
                asked = feature[node]
            score[parcel] += share[node]
