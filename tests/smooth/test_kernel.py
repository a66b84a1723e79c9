"""Smoothers against dense solves, whittaker-eilers and scipy; what is said of few looks and of gaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import savgol_filter
from whittaker_eilers import WhittakerSmoother

from sen4cap.series import NEVER_SEEN
from sen4cap.smooth.cli import VARIABLES, smooth
from sen4cap.smooth.kernel import BOUNDS, METHODS, ROBUST, Smoothing, nearest_look, smooth_daily
from sen4cap.smooth.whittaker import FULL_SHARE, LEAST_WEIGHT

FREE = {"low": -np.inf, "high": np.inf}


def plain(roughness: float) -> Smoothing:
    return Smoothing("whittaker", roughness, "none", 3, 61, 2)


def looks_of(seed: int, parcels: int, looks: int, days: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    at = np.sort(random.choice(days, looks, replace=False))
    values = random.normal(2, 1, (parcels, looks)).astype(np.float32)
    values[random.random(values.shape) < 0.3] = np.nan
    pixels = np.where(np.isfinite(values), random.integers(1, 60, values.shape), 0).astype(np.float32)
    return at, values, pixels


def look_weights(pixels: np.ndarray) -> np.ndarray:
    """Share of the parcel's most clear pixels, saturating at FULL_SHARE."""
    most = pixels.max(axis=1, keepdims=True, initial=0)
    return np.clip(pixels / (FULL_SHARE * np.maximum(most, 1e-6)), LEAST_WEIGHT, 1)


def dense(at: np.ndarray, values: np.ndarray, weights: np.ndarray, roughness: float) -> np.ndarray:
    """Eilers' normal equations on the daily grid from the first look to the last."""
    days = at[-1] - at[0] + 1
    weight, target = np.zeros(days), np.zeros(days)
    weight[at - at[0]], target[at - at[0]] = weights, values
    second = np.diff(np.eye(days), 2, axis=0)
    return np.linalg.solve(np.diag(weight) + roughness * second.T @ second, weight * target)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    parcels=st.integers(1, 19),
    looks=st.integers(1, 40),
    power=st.floats(-1, 5),
)
def test_equals_the_dense_daily_solution(seed: int, parcels: int, looks: int, power: float) -> None:
    days = 120
    at, values, pixels = looks_of(seed, parcels, looks, days)
    daily = smooth_daily(at, values, pixels, days=days, smoothing=plain(10**power), **FREE)
    weights = look_weights(pixels)
    for p in range(parcels):
        seen = np.isfinite(values[p])
        if not seen.any():
            assert np.isnan(daily[p]).all()
            continue
        first, last = at[seen][0], at[seen][-1]
        assert np.isnan(daily[p, :first]).all()
        assert np.isnan(daily[p, last + 1 :]).all()
        if seen.sum() > 2:
            expected = dense(at[seen], values[p, seen], weights[p, seen], 10**power)
            np.testing.assert_allclose(daily[p, first : last + 1], expected, atol=2e-4)
        else:
            expected = np.interp(np.arange(first, last + 1), at[seen], values[p, seen])
            np.testing.assert_allclose(daily[p, first : last + 1], expected, atol=1e-5)


@pytest.mark.parametrize("robust", ["bisquare", "envelope"])
def test_three_passes_equal_dense_solutions_reweighted(robust: str) -> None:
    days = 120
    at, values, pixels = looks_of(8, 37, 40, days)
    smoothing = Smoothing("whittaker", 300, robust, 3, 61, 2)
    daily = smooth_daily(at, values, pixels, days=days, smoothing=smoothing, **FREE)
    sure = look_weights(pixels).astype(float)
    for p in range(len(values)):
        seen = np.isfinite(values[p])
        first, y = at[seen][0], values[p, seen].astype(float)
        weights = sure[p, seen]
        for _ in range(2):
            off = y - dense(at[seen], y, weights, 300)[at[seen] - first]
            spread = max(1.2533 * np.average(np.abs(off), weights=weights), 0.03 * np.ptp(y))
            bisquare = (1 - np.minimum(np.abs(off) / (4.685 * spread), 1) ** 2) ** 2
            lowered = np.maximum(sure[p, seen] * bisquare, 1e-3)
            weights = np.where((off > 0) & (robust == "envelope"), sure[p, seen], lowered)
        expected = dense(at[seen], y, weights, 300)
        np.testing.assert_allclose(daily[p, first : first + len(expected)], expected, atol=1e-4)


def test_equals_whittaker_eilers_on_the_daily_grid() -> None:
    at, values, _ = looks_of(3, 5, 60, 250)
    pixels = np.isfinite(values).astype(np.float32)
    daily = smooth_daily(at, values, pixels, days=250, smoothing=plain(700), **FREE)
    for p in range(5):
        seen = np.isfinite(values[p])
        first, last = at[seen][0], at[seen][-1]
        weight, target = np.zeros(last - first + 1), np.zeros(last - first + 1)
        weight[at[seen] - first], target[at[seen] - first] = 1, values[p, seen]
        peer = WhittakerSmoother(lmbda=700, order=2, data_length=len(target), weights=list(weight))
        np.testing.assert_allclose(daily[p, first : last + 1], peer.smooth(list(target)), atol=1e-4)


@pytest.mark.parametrize("degree", [2, 3])
@pytest.mark.parametrize("window", [31, 61])
def test_savitzky_golay_equals_scipy(window: int, degree: int) -> None:
    random = np.random.default_rng(1)
    at = np.sort(random.choice(280, 70, replace=False))
    # Slow and clean, so that no look is an outlier.
    values = (2 + np.sin(at / 40.0))[None] + random.normal(0, 0.02, (3, 70))
    smoothing = Smoothing("savitzky-golay", 1, "none", 1, window, degree)
    daily = smooth_daily(at, values.astype(np.float32), np.ones((3, 70), "f4"), days=280, smoothing=smoothing, **FREE)
    for p in range(3):
        line = np.interp(np.arange(at[0], at[-1] + 1), at, values[p])
        expected = savgol_filter(line, window, degree, mode="interp")
        np.testing.assert_allclose(daily[p, at[0] : at[-1] + 1], expected, atol=1e-5)


def test_savitzky_golay_drops_a_lone_cloud_but_keeps_a_fall() -> None:
    at = np.arange(0, 200, 5)
    clean = np.where(at < 150, 3.0, 0.3)
    dirty = clean.copy()
    dirty[10] = 0.4
    smoothing = Smoothing("savitzky-golay", 1, "none", 1, 31, 2)
    pair = np.stack([clean, dirty]).astype(np.float32)
    daily = smooth_daily(at, pair, np.ones_like(pair), days=200, smoothing=smoothing, **FREE)
    np.testing.assert_allclose(daily[1], daily[0], atol=1e-5)
    assert daily[0, 190] < 0.5


def test_savitzky_golay_of_a_series_shorter_than_its_window() -> None:
    at = np.array([10, 14, 20])
    smoothing = Smoothing("savitzky-golay", 1, "none", 1, 61, 2)
    straight = np.array([[1.0, 1.4, 2.0]], np.float32)
    daily = smooth_daily(at, straight, np.ones((1, 3), "f4"), days=40, smoothing=smoothing, **FREE)
    np.testing.assert_allclose(daily[0, 10:21], np.linspace(1, 2, 11), atol=1e-5)
    assert np.isnan(daily[0, :10]).all()
    assert np.isnan(daily[0, 21:]).all()


@pytest.mark.parametrize("robust", ["bisquare", "envelope"])
def test_reweighting_forgets_residual_clouds(robust: str) -> None:
    random = np.random.default_rng(4)
    at = np.arange(0, 300, 6)
    truth = 2.5 + np.sin(np.arange(300) / 50)
    values = (truth[at][None] + random.normal(0, 0.05, (40, len(at)))).astype(np.float32)
    cloudy = random.random(values.shape) < 0.06
    values[cloudy] *= 0.3
    pixels = np.ones_like(values)

    def error(kind: str) -> float:
        smoothing = Smoothing("whittaker", 300, kind, 4, 61, 2)
        daily = smooth_daily(at, values, pixels, days=300, smoothing=smoothing, **FREE)
        return float(np.nanmean(np.abs(daily - truth)))

    assert error(robust) < 0.4 * error("none")


def test_a_look_of_few_pixels_weighs_less() -> None:
    at = np.arange(0, 100, 10)
    values = np.full((1, 10), 2.0, np.float32)
    values[0, 5] = 0.5
    pixels = np.full((1, 10), 50.0, np.float32)
    whole = smooth_daily(at, values, pixels, days=100, smoothing=plain(1000), **FREE)
    pixels[0, 5] = 2
    part = smooth_daily(at, values, pixels, days=100, smoothing=plain(1000), **FREE)
    assert whole[0, 50] < 1.7
    assert part[0, 50] > 1.9


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), method=st.sampled_from(METHODS), robust=st.sampled_from(ROBUST))
def test_a_series_does_not_depend_on_its_neighbours(seed: int, method: str, robust: str) -> None:
    at, values, pixels = looks_of(seed, 13, 30, 150)
    smoothing = Smoothing(method, 200, robust, 3, 41, 2)
    together = smooth_daily(at, values, pixels, days=150, smoothing=smoothing, **FREE)
    for p in (0, 7, 12):
        part = slice(p, p + 1)
        alone = smooth_daily(at, values[part], pixels[part], days=150, smoothing=smoothing, **FREE)
        np.testing.assert_array_equal(alone[0], together[p])


@pytest.mark.parametrize("method", METHODS)
def test_values_stay_inside_physical_limits(method: str) -> None:
    at = np.array([0, 5, 60, 65, 70, 100, 130])
    values = np.array([[0.0, 0.0, 0.95, 1.0, 0.9, 0.02, 0.0]], np.float32)
    smoothing = Smoothing(method, 500, "none", 1, 41, 2)
    low, high = BOUNDS["FCOVER"]
    daily = smooth_daily(at, values, np.ones_like(values), days=140, smoothing=smoothing, low=low, high=high)
    assert np.nanmin(daily) >= 0
    assert np.nanmax(daily) <= 1
    assert BOUNDS["LAI"] == (0, np.inf)


@given(st.lists(st.sets(st.integers(0, 29)), min_size=1, max_size=4))
def test_gap_is_the_distance_to_the_nearest_look(seen_days: list[set[int]]) -> None:
    at = np.arange(30)
    seen = np.array([[day in days for day in at] for days in seen_days])
    gap = np.zeros((len(seen), 40), np.int16)
    nearest_look(at, seen, gap, never=int(NEVER_SEEN))
    for row, days in zip(gap, seen_days, strict=True):
        expected = [min((abs(day - look) for look in days), default=NEVER_SEEN) for day in range(40)]
        assert row.tolist() == expected


def test_no_parcels_and_no_looks_are_no_fault() -> None:
    none = np.zeros((0, 3), np.float32)
    assert smooth_daily(np.arange(3), none, none, days=5, smoothing=plain(1), **FREE).shape == (0, 5)
    empty = np.zeros((2, 0), np.float32)
    assert np.isnan(smooth_daily(np.arange(0), empty, empty, days=5, smoothing=plain(1), **FREE)).all()


def test_settings_survive_the_series_file() -> None:
    smoothing = Smoothing("savitzky-golay", 12.5, "envelope", 4, 45, 3)
    assert Smoothing.from_text(smoothing.to_text()) == smoothing


def test_choices_of_the_command_are_those_of_the_kernel() -> None:
    options = {option.name: option.type for option in smooth.params}
    assert tuple(options["method"].choices) == METHODS
    assert tuple(options["robust"].choices) == ROBUST
    assert set(VARIABLES) == set(BOUNDS)
