"""How much of the two years must be seen: accuracy against the months that are given."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..progress import track
from .accuracy import measures
from .layout import Layout
from .samples import Samples
from .training import judge

TREES = 100
"""Trees of the forests of each span of months, over all folds: enough to compare the spans."""
MOST_PARCELS = 1_500
"""Parcels that are learnt from, at most, drawn at random: enough to compare the spans."""


def month_ends(layout: Layout, /) -> list[str]:
    """Last day of each month that begins inside the season, MM-DD, the season's own last day at the end."""
    month, last = int(layout.season_start[:2]), int(layout.season_end[:2])
    ends = []
    while month != last:
        ends.append(f"{month:02d}-{calendar.monthrange(2021, month)[1]:02d}")
        month = month % 12 + 1
    return [*ends, layout.season_end]


def by_months(
    seasons: Sequence[Samples],
    fold: NDArray[np.int64],
    layout: Layout,
    /,
    *,
    shifts: Sequence[int],
    leaf: int,
    noise: float,
    seed: int,
    threads: int,
) -> list[dict[str, Any]]:
    """Accuracy of forests that see the season from its first day up to the end of a month, for every month.

    Parameters
    ----------
    seasons
        Training samples; the accuracy is that of the first season's parcels.
    fold : (parcel,)
        Fold of each parcel, of all seasons one after the other.
    layout
        Features of the whole season.
    shifts, leaf, noise, seed, threads
        As for the forest itself.

    Returns
    -------
    list of dict
        `until` (MM-DD), `months`, `balanced_accuracy`, `per_fold` and `ece`, a row for each month.
    """
    wcc = np.concatenate([samples.wcc for samples in seasons])
    draw = np.random.default_rng(seed)
    kept = np.sort(draw.permutation(len(wcc))[:MOST_PARCELS])
    own = kept < len(seasons[0].wcc)
    settings: dict[str, Any] = {"leaf": leaf, "noise": noise, "seed": seed, "threads": threads}
    rows = []
    for months, until in enumerate(track(month_ends(layout), "months"), start=1):
        part = Layout.of(layout.variables, season_start=layout.season_start, season_end=until, step=layout.step)
        copies = [
            np.concatenate([samples.features(part, shift=shift, threads=threads) for samples in seasons])[kept]
            for shift in shifts
        ]
        judged = judge(copies, wcc[kept], fold[kept], own, {}, trees=TREES, **settings)
        # Both classes weigh the same in the score; a confidence that knows little only says which class is commoner.
        found = measures(wcc[kept][own], judged.score[own])
        rows.append(
            {
                "until": until,
                "months": months,
                "balanced_accuracy": found["balanced_accuracy"],
                "per_fold": judged.per_fold,
                "ece": measures(wcc[kept][own], judged.confidence[own])["ece"],
            }
        )
    return rows
