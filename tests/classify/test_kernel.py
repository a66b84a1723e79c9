"""Features against plain numpy, the forest against scikit-learn, calibration, blocks and measures by property."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.ensemble import RandomForestClassifier

from sen4cap.classify.accuracy import measures
from sen4cap.classify.blocks import block_folds
from sen4cap.classify.calibration import NONE, calibrated, fit_calibration
from sen4cap.classify.forest import forest_score
from sen4cap.classify.kernel import gap_features, looks_within, season_features, variable_features
from sen4cap.classify.layout import METRICS, Layout
from sen4cap.classify.training import as_arrays, grow

SEASON = {"days": 100, "step": 10, "winter": 40, "spring": 70}
LEVELS = np.array([0.5, 2.0])
values = arrays(
    np.float32,
    st.tuples(st.integers(1, 3), st.integers(1, 130)),
    elements=st.one_of(st.just(np.nan), st.floats(0, 8, width=16)),
)


def by_hand(row: np.ndarray, first: int) -> dict[str, float]:  # noqa: C901
    """Every feature of one parcel, written with numpy alone."""
    season = np.full(100, np.nan)
    for day in range(100):
        if 0 <= first + day < len(row):
            season[day] = row[first + day]

    def mean(part: np.ndarray) -> float:
        known = part[~np.isnan(part)]
        return float(known.mean()) if len(known) else np.nan

    found = {f"day_{k * 10}": mean(season[k * 10 : k * 10 + 10]) for k in range(10)}
    found |= {name: np.nan for name in METRICS}
    if np.isnan(season).all():
        return found | {f"above_{level}": np.nan for level in LEVELS}
    found |= {"autumn_mean": mean(season[:40]), "winter_mean": mean(season[40:70]), "spring_mean": mean(season[70:])}
    if not np.isnan(season[:40]).all():
        low = int(np.nanargmin(season[:40]))
        peak = low + int(np.nanargmax(season[low:]))
        found |= {"autumn_min": season[low], "autumn_min_day": low, "peak": season[peak], "peak_day": peak}
    best = -1.0
    for high in range(70):
        before = season[: high + 1]
        if np.isnan(season[high]):
            continue
        low = int(np.nanargmin(before))
        if season[high] - season[low] > best:
            best = season[high] - season[low]
            found |= {"rise": best, "rise_low": season[low], "rise_low_day": low, "rise_high_day": high}
    if best >= 0:
        at = int(found["rise_low_day"])
        found |= {f"after_low_{k + 1}": mean(season[at + 30 * k : at + 30 * k + 30]) for k in range(4)}
    change = season[30:] - season[:-30]
    if not np.isnan(change).all():
        up, down = int(np.nanargmax(change)), int(np.nanargmin(change))
        found |= {"month_rise": change[up], "month_rise_day": up, "month_fall": change[down], "month_fall_day": down}
    return found | {f"above_{level}": float((season > level).sum()) for level in LEVELS}


@settings(deadline=None, max_examples=200)
@given(values, st.integers(-60, 60))
def test_features_agree_with_plain_numpy(rows: np.ndarray, first: int) -> None:
    got = variable_features(rows, first=first, levels=LEVELS, **SEASON)
    for row, features in zip(rows, got, strict=True):
        expected = np.array(list(by_hand(row, first).values()))
        np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-5)


def test_gaps_and_looks() -> None:
    gap = np.array([[0, 1, 2, 3, 4, 5, 6, 3, 2, 1, 0, 0], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2]], np.int16)
    got = gap_features(gap, first=2, days=10, winter=4, spring=8)
    np.testing.assert_allclose(got, [[1, 0.75, 1, 6], [0.5, 1, 1, 7]], atol=1e-6)
    assert looks_within(gap, start=0, stop=12).tolist() == [3, 1]
    assert looks_within(gap, start=1, stop=11).tolist() == [1, 1]
    assert looks_within(gap, start=-5, stop=40).tolist() == [3, 1]


def test_names_fit_the_features_and_do_not_depend_on_threads() -> None:
    layout = Layout.of(("LAI", "VV"), season_start="08-01", season_end="05-31", step=10)
    names = layout.names()
    assert len(names) == len(set(names))
    assert "LAI_days_above_0.5" in names
    assert not [name for name in names if name.startswith("VV_days_above")]
    assert (layout.days, layout.winter, layout.spring) == (304, 122, 212)
    draw = np.random.default_rng(1)
    data = {name: draw.random((5000, 400), np.float32) for name in layout.variables}
    gap = draw.integers(0, 30, (5000, 400)).astype(np.int16)
    rows = draw.permutation(5000)[:4321]
    one = season_features(data, gap, rows, layout=layout, first=47, threads=1)
    four = season_features(data, gap, rows, layout=layout, first=47, threads=4)
    assert one.shape == (4321, len(names))
    np.testing.assert_array_equal(one, four)
    grid = data["VV"][rows][:, 47:57].mean(axis=1)
    np.testing.assert_allclose(one[:, names.index("VV_day_0")], grid, rtol=1e-5)


def test_groups_cover_every_feature() -> None:
    layout = Layout.of(("LAI", "FCOVER"), season_start="08-01", season_end="05-31", step=10)
    groups = layout.groups()
    assert {"LAI", "FCOVER", "gap", "August", "May"} <= set(groups)
    assert sorted(groups["LAI"] + groups["FCOVER"] + groups["gap"]) == list(range(len(layout.names())))


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_forest_equals_scikit_learn(missing: float) -> None:
    draw = np.random.default_rng(3)
    x = draw.normal(size=(600, 12)).astype(np.float32)
    y = x[:, 0] + x[:, 3] * x[:, 5] + draw.normal(0, 0.5, 600) > 0.4
    x[draw.random(x.shape) < missing] = np.nan
    grown = RandomForestClassifier(40, random_state=0, class_weight="balanced_subsample").fit(x[:400], y[:400])
    fresh = x[400:].copy()
    fresh[:40, 2] = np.nan  # missing here even where training had no missing value
    expected = grown.predict_proba(fresh)[:, 1]
    got = forest_score(fresh, as_arrays(grown), threads=2)
    np.testing.assert_allclose(got, expected, atol=1e-6)
    threshold = as_arrays(grown).threshold
    edges = np.repeat(threshold[np.isfinite(threshold)][:200, None], 12, 1)
    for at in (edges, np.nextafter(edges, np.float32(np.inf))):
        np.testing.assert_allclose(
            forest_score(at, as_arrays(grown), threads=1), grown.predict_proba(at)[:, 1], atol=1e-6
        )


def test_growing_is_deterministic_and_balanced() -> None:
    draw = np.random.default_rng(4)
    x = draw.normal(size=(500, 5)).astype(np.float32)
    wcc = draw.random(500) < np.where(x[:, 0] > 0.5, 0.35, 0.05)
    settings_ = {"trees": 20, "leaf": 5, "seed": 9}
    one, importance = grow([x], wcc, threads=1, **settings_)
    two, _ = grow([x], wcc, threads=2, **settings_)
    np.testing.assert_array_equal(one.threshold, two.threshold)
    np.testing.assert_array_equal(one.share, two.share)
    assert importance.argmax() == 0
    assert forest_score(x, one, threads=1)[x[:, 0] > 0.6].mean() > 0.45  # though a third of them are WCC


def test_calibration_finds_the_truth() -> None:
    draw = np.random.default_rng(5)
    truth = draw.random(20000)
    score = 1 / (1 + np.exp(-(0.5 * np.log(truth / (1 - truth)) - 0.3)))  # under-confident and shifted
    wcc = draw.random(20000) < truth
    found = calibrated(score, fit_calibration(score, wcc))
    assert np.abs(found - truth).mean() < 0.02
    assert measures(wcc, found)["ece"] < 0.02
    assert measures(wcc, score)["ece"] > 0.08


@settings(deadline=None)
@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 1)), st.integers(0, 2**32 - 1))
def test_calibration_keeps_the_order(score: np.ndarray, seed: int) -> None:
    wcc = np.random.default_rng(seed).random(len(score)) < 0.5
    fitted = fit_calibration(score, wcc)
    assert np.isfinite(fitted).all()
    if wcc.all() or not wcc.any():
        np.testing.assert_array_equal(fitted, NONE)
    found = calibrated(np.sort(score), fitted)
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) >= 0).all()


@settings(deadline=None, max_examples=50)
@given(st.integers(10, 300), st.integers(2, 6), st.integers(0, 1000))
def test_blocks_stay_whole_and_folds_even(count: int, folds: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    x, y = draw.uniform(0, 20_000, count), draw.uniform(0, 8_000, count)
    wcc = draw.random(count) < 0.3
    fold, blocks, size = block_folds(x, y, wcc, size=0, folds=folds, seed=seed)
    assert set(fold) <= set(range(folds))
    cells = np.floor(np.column_stack([x - x.min(), y - y.min()]) / size).astype(int)
    whole = {}
    for cell, k in zip(map(tuple, cells), fold, strict=True):
        assert whole.setdefault(cell, k) == k
    assert len(whole) == blocks
    assert len(np.unique(fold)) == min(folds, blocks)


def test_measures_by_hand() -> None:
    wcc = np.array([True, True, True, False, False])
    found = measures(wcc, np.array([0.9, 0.8, 0.3, 0.6, 0.1]))
    assert found["confusion"]["counts"] == [[2, 1], [1, 1]]
    assert found["balanced_accuracy"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found["f1"]["WCC"] == pytest.approx(2 / 3)
    assert found["f1"]["NWCC"] == pytest.approx(1 / 2)
    assert found["ece"] == pytest.approx((0.1 + 0.2 + 0.7 + 0.6 + 0.1) / 5)
    assert sum(row["count"] for row in found["reliability"]) == 5
