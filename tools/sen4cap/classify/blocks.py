"""Spatial blocks: neighbours are alike, so a parcel must not be judged by a forest that knows its neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST_BLOCKS = 6
"""Blocks a fold, at least, where the parcels' spread allows it."""


def block_folds(
    x: NDArray[np.float64], y: NDArray[np.float64], wcc: NDArray[np.bool_], /, *, size: float, folds: int, seed: int
) -> tuple[NDArray[np.int64], int, float]:
    """Fold of each parcel, whole square blocks at a time, with both classes spread over the folds.

    Parameters
    ----------
    x, y : (parcel,)
        Centroids, m, in an equal-area projection.
    wcc : (parcel,)
        What they are.
    size
        Edge of a block, m. It shrinks until there are six blocks a fold, because fewer make folds too uneven; 0
        starts from a tenth of the parcels' extent, at most 10 km.
    folds
        How many.
    seed
        Of the order in which blocks are dealt out.

    Returns
    -------
    (parcel,) int, int, float
        Fold, the number of blocks and their edge, m.
    """
    extent = max(float(np.ptp(x)), float(np.ptp(y)), 1.0)
    size = size or min(extent / 10, 10_000.0)
    wanted = min(folds * LEAST_BLOCKS, len(np.unique(np.column_stack([x, y]), axis=0)))
    while True:
        cells = np.floor(np.column_stack([x - x.min(), y - y.min()]) / size).astype(np.int64)
        _, block = np.unique(cells, axis=0, return_inverse=True)
        block = block.reshape(-1)
        count = int(block.max()) + 1
        if count >= wanted or size < extent / 1e5:
            break
        size /= 2**0.5
    of_wcc = np.bincount(block, weights=wcc, minlength=count)
    of_all = np.bincount(block, minlength=count)
    order = np.random.default_rng(seed).permutation(count)
    order = order[np.argsort(-of_all[order], kind="stable")]
    load = np.zeros((folds, 2))
    share = np.maximum([of_wcc.sum(), of_all.sum() - of_wcc.sum()], 1) / folds
    fold_of = np.zeros(count, np.int64)
    for b in order:
        new = np.array([of_wcc[b], of_all[b] - of_wcc[b]])
        full = (((load + new) / share) ** 2 - (load / share) ** 2).sum(axis=1)
        fold_of[b] = int(np.argmin(full))
        load[fold_of[b]] += new
    return fold_of[block], count, size
