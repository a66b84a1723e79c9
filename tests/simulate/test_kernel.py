"""Array kernels against plain loops and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sen4cap.simulate import kernel


def grow(*, family: int, ceiling: float = 4.0, days: int = 300, mean: float = 12.0, **changes: object) -> np.ndarray:
    settings: dict = {"survival": np.ones(days), "kept": np.ones(days), "dying_from": 9999, "dying_days": 1.0} | changes
    green, dead = kernel.grow(
        10,
        days,
        0.03,
        np.full(days, ceiling),
        family,
        0.01,
        2.0,
        np.full(days, mean),
        np.ones(days),
        *settings.values(),
    )
    assert (dead >= 0).all()
    return green


def test_thermal_growth_follows_the_logistic_curve() -> None:
    green = grow(family=kernel.THERMAL)
    # Turnover of 0.25 % a day takes its share of rate and ceiling.
    rate = 0.01 * 10 - 0.0025
    ceiling = 4.0 * rate / 0.1
    day = np.arange(300) - 9
    expected = ceiling / (1 + (ceiling / 0.03 - 1) * np.exp(-rate * day))
    assert np.abs(green - expected)[11:].max() < 0.12 * ceiling
    assert green[-1] == pytest.approx(ceiling, rel=0.01)
    assert (green[:10] == 0).all()


@pytest.mark.parametrize("family", [kernel.THERMAL, kernel.LOGISTIC, kernel.GOMPERTZ])
def test_stands_stay_below_their_ceiling(family: int) -> None:
    green = grow(family=family)
    assert (green <= 4.0).all()
    assert green.max() > 3.0
    assert (np.diff(green[10:60]) > 0).all()


def test_nothing_grows_in_the_cold() -> None:
    assert grow(family=kernel.THERMAL, mean=1.0).max() <= 0.03


def test_cuts_frosts_and_yellowing_take_leaves() -> None:
    kept, survival = np.ones(300), np.ones(300)
    kept[100], survival[150] = 0.2, 0.5
    green = grow(family=kernel.THERMAL, kept=kept, survival=survival, dying_from=200, dying_days=20.0)
    assert green[100] < 0.35 * green[99]
    assert green[140] > 2 * green[100]
    assert green[150] < 0.6 * green[149]
    half = 200 + int(np.argmax(green[200:] < 0.5 * green[199]))
    assert 205 <= half <= 215
    assert green[222] < 0.1 * green[199]


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_litter_keeps_within_bounds(seed: int) -> None:
    random = np.random.default_rng(seed)
    died = random.gamma(0.2, 0.2, 200)
    buried = np.where(random.random(200) < 0.02, random.random(200), 0.0)
    laid = np.where(random.random(200) < 0.01, random.random(200), -1.0)
    standing, cover, weathering = kernel.litter(
        died, buried, np.zeros(200), laid, random.normal(8, 6, 200), random.random(200), 30.0
    )
    for values, most in ((standing, died.sum()), (cover, 1.0), (weathering, 1.0)):
        assert (values >= 0).all()
        assert (values <= most + 1e-9).all()


def test_ploughing_buries_everything() -> None:
    buried = np.zeros(50)
    buried[30] = 1.0
    standing, cover, _ = kernel.litter(
        np.full(50, 0.05), buried, np.zeros(50), np.full(50, -1.0), np.full(50, 5.0), np.full(50, 0.5), 30.0
    )
    assert standing[29] > 0.3
    assert cover[29] > 0.05
    assert standing[30] == cover[30] == 0


def test_pixels_mix_as_a_plain_loop_does() -> None:
    random = np.random.default_rng(1)
    rows, columns, covers, bands, top = 5, 4, 6, 3, 2
    counts = random.integers(1, 4, rows * columns)
    first = np.concatenate([[0], np.cumsum(counts)])
    cover = random.integers(0, covers, counts.sum()).astype(np.int32)
    weight = random.random(counts.sum()).astype(np.float32)
    vigour = random.uniform(0.1, 3, counts.sum()).astype(np.float32)
    brightness = random.uniform(0.8, 1.2, rows * columns).astype(np.float32)
    multiples = np.array([0.2, 1.0, 2.0])
    tables = [random.random((covers, 3, bands)).astype(np.float32) for _ in range(4)]
    ground = random.uniform(0, 0.4, (covers, bands)).astype(np.float32)
    out = np.empty((bands, rows - top, columns), dtype=np.float32)
    kernel.mix_pixels(first, cover, weight, vigour, brightness, multiples, *tables, ground, top, out)
    expected = np.zeros((bands, rows, columns))
    for pixel in range(rows * columns):
        for part in range(first[pixel], first[pixel + 1]):
            black, joint, through, back = (
                np.array([np.interp(vigour[part], multiples, table[cover[part], :, band]) for band in range(bands)])
                for table in tables
            )
            g = ground[cover[part]] * brightness[pixel]
            value = black + joint * g + through * g / (1 - back * g)
            expected[:, pixel // columns, pixel % columns] += weight[part] * value
    np.testing.assert_allclose(out, expected[:, top:], rtol=2e-5)


def test_blur_keeps_the_light_and_spreads_it() -> None:
    values = np.zeros((2, 9, 9), dtype=np.float32)
    values[:, 4, 4] = 1
    spread = kernel.blur(values, side=0.05)
    assert spread.sum() == pytest.approx(2, rel=1e-5)
    assert spread[0, 4, 4] == pytest.approx(0.81)
    assert spread[0, 4, 5] == pytest.approx(0.045)
    np.testing.assert_allclose(kernel.blur(np.ones((1, 4, 6), dtype=np.float32), side=0.05), 1, rtol=1e-6)


def test_coarser_is_the_mean_of_blocks() -> None:
    values = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    np.testing.assert_array_equal(kernel.coarser(values), [[[2.5, 4.5], [10.5, 12.5]]])
