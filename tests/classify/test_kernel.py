"""Features against plain numpy, the forest against scikit-learn, calibration, blocks and measures by property."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.ensemble import RandomForestClassifier

from sen4cap.classify.accuracy import measures
from sen4cap.classify.blocks import block_folds
from sen4cap.classify.calibration import NONE, calibrated, fit_calibration
from sen4cap.classify.forest import forest_score, joined
from sen4cap.classify.kernel import gap_features, looks_within, season_features, variable_features
from sen4cap.classify.layout import METRICS, Layout
from sen4cap.classify.months import month_ends
from sen4cap.classify.samples import Samples, read_samples, write_samples
from sen4cap.classify.training import as_arrays, grow, judge

SEASON = {"days": 100, "step": 10, "winter": 40, "spring": 70}
LEVELS = np.array([0.5, 2.0])
RISES = np.array([0.3])
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
        return found | dict.fromkeys(("above_1", "above_2", "stand_1", "stand_2", "risen"), np.nan)
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
    found["least"] = np.nanmin(season)
    edges = np.clip(40 + np.array([-61, -30, 0, 31, 62, 90, 121]), 0, 100)
    for name, start, stop in zip(METRICS[-6:], edges[:-1], edges[1:], strict=True):
        found[name] = mean(season[start:stop]) - found["least"]
    found |= {f"above_{k + 1}": float((season > level).sum()) for k, level in enumerate(LEVELS)}
    stand = stand_by_hand(season, found) if best >= 0 else {}
    return found | dict.fromkeys(("stand_1", "stand_2", "risen"), np.nan) | stand


def stand_by_hand(season: np.ndarray, found: dict[str, float]) -> dict[str, float]:
    """What grew after the start of the greatest rise, with numpy alone; spring's first month ends at the season's."""
    low, high = int(found["rise_low_day"]), int(found["rise_high_day"])
    later = np.where(np.arange(100) >= high, season, np.nan)
    end = 99 - int(np.nanargmin(later[::-1]))
    stand, start = season[low : end + 1], season[low]
    reached = np.flatnonzero(stand > start + found["rise"] / 2)
    half = int(reached[0]) if len(reached) else end - low
    top = np.nanmax(season[low:])
    known = stand[~np.isnan(stand)]
    made = {"amplitude": top - found["least"], "stand_end": season[end], "stand_end_day": end}
    made |= {"stand_fall": top - season[end], "stand_days": end - low}
    made |= {"stand_sum": (known - start).sum(), "stand_mean": known.mean(), "half_day": low + half, "half_wait": half}
    made |= {"half_days": float((stand > start + found["rise"] / 2).sum())}
    for width in (20, 40, 60):
        windows = [season[k : k + width] for k in range(low, 100 - width + 1)]
        kept = [part.min() for part in windows if not np.isnan(part).any()]
        made[f"kept_{width}"] = max(kept) if kept else np.nan
    counts = {f"stand_{k + 1}": float((stand > level).sum()) for k, level in enumerate(LEVELS)}
    return made | counts | {"risen": float((stand > start + RISES[0]).sum())}


@settings(max_examples=200)
@given(values, st.integers(-60, 60))
def test_features_agree_with_plain_numpy(rows: np.ndarray, first: int) -> None:
    got = variable_features(rows, first=first, levels=LEVELS, rises=RISES, **SEASON)
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


def test_joined_forests_score_as_the_mean_of_both() -> None:
    draw = np.random.default_rng(6)
    x = draw.normal(size=(300, 6)).astype(np.float32)
    wcc = x[:, 1] > draw.normal(0, 0.3, 300)
    one, two = (grow([x[part]], wcc[part], trees=7, leaf=2, seed=1, threads=1)[0] for part in (slice(150), slice(90)))
    both = (forest_score(x, one, threads=1) + forest_score(x, two, threads=1)) / 2
    np.testing.assert_allclose(forest_score(x, joined([one, two]), threads=1), both, atol=1e-7)


def test_no_parcel_is_judged_by_trees_that_know_its_block() -> None:
    """Where the class follows from nothing but the parcel itself, an honest judge finds nothing."""
    draw = np.random.default_rng(8)
    x = draw.normal(size=(400, 8)).astype(np.float32)
    wcc = draw.random(400) < 0.5
    fold = draw.integers(0, 5, 400)
    settings_ = {"trees": 103, "leaf": 1, "noise": 0.0, "seed": 2, "threads": 1}
    judged = judge([x], wcc, fold, np.ones(400, bool), {"all": list(range(8))}, **settings_)
    assert len(judged.forest.roots) == 105  # the same number in each fold
    assert judged.impurity.sum() == pytest.approx(1)
    assert 0.4 < measures(wcc, judged.score)["balanced_accuracy"] < 0.6
    assert measures(wcc, forest_score(x, judged.forest, threads=1))["balanced_accuracy"] > 0.9
    half = np.arange(400) < 200
    apart = judge([x], wcc, fold, half, {}, **settings_)
    np.testing.assert_array_equal(apart.score, judged.score)
    assert apart.per_fold != judged.per_fold


def test_samples_keep_what_the_features_need(tmp_path: Path) -> None:
    draw = np.random.default_rng(9)
    days = 400
    values = {"LAI": draw.uniform(0, 6, (5, days)).astype(np.float32), "NDVI": draw.random((5, days), np.float32)}
    values["LAI"][0, :60] = np.nan
    gap = draw.integers(0, 40, (5, days)).astype(np.int16)
    points = draw.uniform(3, 5, 5), draw.uniform(50, 51, 5)
    own = Samples(2021, datetime.date(2021, 7, 1), values, gap, np.arange(5) % 2 == 0, *points)
    write_samples(tmp_path / "model_samples.npz", own)
    layout = Layout.of(("LAI", "NDVI"), season_start="08-01", season_end="05-31", step=10)
    again = read_samples(tmp_path / "model_samples.npz", layout)
    assert (again.season, again.start) == (2021, datetime.date(2021, 7, 1))
    np.testing.assert_array_equal(again.wcc, own.wcc)
    for shift in (0, -8, 8):
        expected = season_features(values, gap, np.arange(5), layout=layout, first=31 + shift, threads=1)
        np.testing.assert_array_equal(own.features(layout, shift=shift, threads=1), expected)
        near = again.features(layout, shift=shift, threads=1)[:, : layout.cells]
        np.testing.assert_allclose(near, expected[:, : layout.cells], atol=2e-3)


def test_months_of_a_season() -> None:
    whole = Layout.of(("LAI",), season_start="08-01", season_end="05-31", step=10)
    assert month_ends(whole) == [f"{end}" for end in (
        "08-31", "09-30", "10-31", "11-30", "12-31", "01-31", "02-28", "03-31", "04-30", "05-31")]  # fmt: skip
    part = Layout.of(("LAI",), season_start="09-15", season_end="11-10", step=10)
    assert month_ends(part) == ["09-30", "10-31", "11-10"]


def test_calibration_finds_the_truth() -> None:
    draw = np.random.default_rng(5)
    truth = draw.random(20000)
    score = 1 / (1 + np.exp(-(0.5 * np.log(truth / (1 - truth)) - 0.3)))  # under-confident and shifted
    wcc = draw.random(20000) < truth
    found = calibrated(score, fit_calibration(score, wcc))
    assert np.abs(found - truth).mean() < 0.02
    assert measures(wcc, found)["ece"] < 0.02
    assert measures(wcc, score)["ece"] > 0.08


@pytest.mark.parametrize("noise", [0.05, 0.1, 0.2])
def test_calibration_sees_through_wrong_labels(noise: float) -> None:
    draw = np.random.default_rng(11)
    truth = draw.random(20000)
    score = 1 / (1 + np.exp(-(0.6 * np.log(truth / (1 - truth)) + 0.2)))
    wcc = draw.random(20000) < truth
    said = wcc ^ (draw.random(20000) < noise)
    found = calibrated(score, fit_calibration(score, said, noise=noise))
    assert measures(wcc, found)["ece"] < 0.02
    assert measures(wcc, calibrated(score, fit_calibration(score, said)))["ece"] > 0.5 * noise


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


@settings(max_examples=50)
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
