"""Growing a forest and judging a country's parcels by it, beside scikit-learn."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from sen4cap.classify.forest import forest_score
from sen4cap.classify.training import as_arrays, grow

from .plan import THREADS, Plan
from .rows import Bound, Findings, Row
from .timing import apart

FEATURES, TREES, LEAF = 90, 100, 3
CHUNK = 100_000


def measure(plan: Plan) -> Findings:
    """Train and predict by both, in turns."""
    sample = apart(forests, plan.train, plan.predict, max(1, plan.rounds - 1))
    answer = sample.answer
    if answer["worst"] > 1e-5:
        raise AssertionError(f"the suite and scikit-learn differ by {answer['worst']}")
    whole = [a + b for a, b in zip(answer["train"], answer["predict"], strict=True)]
    peer = [a + b for a, b in zip(answer["peer_train"], answer["peer_predict"], strict=True)]
    return Findings(
        rows=[
            Row(
                f"classify: train on {plan.train:,} parcels, predict {plan.predict:,}; {TREES} trees, "
                f"{FEATURES} features",
                "scikit-learn's RandomForestClassifier as it comes, two jobs",
                [a / b for a, b in zip(peer, whole, strict=True)],
                bound=Bound(least=1),
                note=f"training {np.median(answer['train']):.1f} s against {np.median(answer['peer_train']):.1f} s, "
                f"predicting {np.median(answer['predict']):.1f} s against {np.median(answer['peer_predict']):.1f} s; "
                f"of one forest both give the same scores within {answer['worst']:.0e}",
            ),
            Row("classify: the same", "", [sample.peak_mib], "MiB", Bound(most=6144), note="peak memory of both"),
        ],
        numbers={"predict_s_per_million": 1e6 * float(np.median(answer["predict"])) / plan.predict},
    )


def forests(train: int, predict: int, rounds: int) -> dict[str, Any]:
    """Seconds of both, and how far their scores of one forest differ."""
    from sklearn.ensemble import RandomForestClassifier

    rng = np.random.default_rng(7)
    features, wcc = _drawn(rng, train)
    fresh = _drawn(rng, predict)[0]
    times: dict[str, Any] = {name: [] for name in ("train", "predict", "peer_train", "peer_predict")}
    small = RandomForestClassifier(n_estimators=5, random_state=1).fit(features[:500], wcc[:500])
    forest_score(fresh[:100], as_arrays(small), threads=THREADS)
    for _ in range(rounds):
        begun = time.perf_counter()
        forest, _ = grow([features], wcc, trees=TREES, leaf=LEAF, seed=1, threads=THREADS)
        times["train"].append(time.perf_counter() - begun)
        begun = time.perf_counter()
        forest_score(fresh, forest, threads=THREADS)
        times["predict"].append(time.perf_counter() - begun)
        begun = time.perf_counter()
        peer = RandomForestClassifier(n_estimators=TREES, n_jobs=THREADS, random_state=1).fit(features, wcc)
        times["peer_train"].append(time.perf_counter() - begun)
        begun = time.perf_counter()
        for low in range(0, predict, CHUNK):
            peer.predict_proba(fresh[low : low + CHUNK])
        times["peer_predict"].append(time.perf_counter() - begun)
    some = fresh[:5000]
    worst = np.abs(forest_score(some, as_arrays(peer), threads=1) - peer.predict_proba(some)[:, 1]).max()
    return times | {"worst": float(worst)}


def _drawn(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Features of parcels, a third of them telling, one in 50 missing; and what the parcels are."""
    wcc = rng.random(count) < 0.4
    features = rng.standard_normal((count, FEATURES), np.float32)
    features[:, : FEATURES // 3] += 0.5 * wcc[:, None].astype(np.float32)
    features[rng.random((count, FEATURES), np.float32) < 0.02] = np.nan
    return features, wcc
