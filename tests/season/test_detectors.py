"""Every detector through the one interface: on simulated truth, beside independent versions, where there is nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sen4cap.season.baselines import last_below, steepest_fall
from sen4cap.season.cli import season
from sen4cap.season.detectors import EMERGENCE, TERMINATION, Block, Settings, bracket
from sen4cap.season.fall import fall_days, falls
from sen4cap.season.kernel import allowed_days
from sen4cap.season.looks import CELL, CELLS, FADES, SOIL, Calendar, clean, green_of, lai_table
from sen4cap.season.stands import NO_GROWTH, SEEN, _noise, find_stands
from sen4cap.season.templates import BEFORE, ORIGIN, TICKS, clocks, templates
from sen4cap.season.wise import macd_div
from sen4cap.season.wist import fastest_decrease
from sen4cap.smooth.kernel import BOUNDS, Smoothing, smooth_daily

SETTINGS = Settings(10, 20, 10, 0.005, 0.5)
SMOOTHING = Smoothing("whittaker", 300, "envelope", 3, 61, 2)


def day(text: str) -> int:
    return int((np.datetime64(text) - np.datetime64("2021-06-15")).astype(int))


CALENDAR = Calendar(day("2021-08-01"), day("2022-05-31"), day("2022-01-31"), day("2021-11-01"), day("2022-03-01"))


def block_of(drawn) -> Block:
    pixels = np.isfinite(drawn.look_lai).astype(np.float32)
    daily = {}
    for name, values in (("LAI", drawn.look_lai), ("FCOVER", drawn.look_fcover)):
        low, high = BOUNDS[name]
        daily[name] = smooth_daily(drawn.looks, values, pixels, days=412, smoothing=SMOOTHING, low=low, high=high)
    green = clean(drawn.looks, green_of(drawn.look_lai, drawn.look_fcover), calendar=CALENDAR)
    stands = find_stands(drawn.looks, green, calendar=CALENDAR)
    ticks = clocks(np.datetime64("2021-06-15"), 412)
    allowed = allowed_days(stands, CALENDAR, 412)
    return Block(
        daily["LAI"],
        daily["FCOVER"],
        drawn.looks,
        drawn.look_lai,
        green,
        stands,
        ticks,
        allowed,
        (CALENDAR.winter, CALENDAR.spring),
    )


@pytest.fixture(scope="module")
def quick(draw):
    """Stands that end at once, under ordinary clouds: the block and its truth."""
    drawn = draw(300, seed=21, kinds=("plough",), growths=("gompertz", "logistic"))
    return block_of(drawn), drawn


@pytest.fixture(scope="module")
def bare(draw):
    drawn = draw(200, seed=22, kinds=("none",))
    return block_of(drawn), drawn


def errors(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    there = (truth >= CALENDAR.first) & (truth <= CALENDAR.last)
    known = np.isfinite(found) & there
    assert known.sum() > 0.8 * there.sum()
    return np.abs(found - truth)[known]


EM_LIMITS = {"default": (7, 15), "wise": (14, 32), "wise-published": (17, 32), "threshold": (12, 25)}
TER_LIMITS = {"default": (7, 15), "wist": (13, 22), "slope": (9, 15)}


def test_every_detector_has_its_limits() -> None:
    assert set(EM_LIMITS) == set(EMERGENCE)
    assert set(TER_LIMITS) == set(TERMINATION)
    options = {option.name: option.type for option in season.params}
    assert tuple(options["emergence_method"].choices) == tuple(EMERGENCE)
    assert tuple(options["termination_method"].choices) == tuple(TERMINATION)


@pytest.mark.parametrize("name", EMERGENCE)
def test_emergence_on_simulated_truth(name: str, quick) -> None:
    block, drawn = quick
    dates = EMERGENCE[name](block, SETTINGS)
    error = errors(dates.day, drawn.emergence)
    mean, ninth = EM_LIMITS[name]
    assert error.mean() < mean
    assert np.quantile(error, 0.9) < ninth
    assert (np.isfinite(dates.spread) | np.isnan(dates.day)).all()


@pytest.mark.parametrize("name", TERMINATION)
def test_termination_on_simulated_truth(name: str, quick) -> None:
    block, drawn = quick
    dates = TERMINATION[name](block, SETTINGS)
    error = errors(dates.day, drawn.termination)
    mean, ninth = TER_LIMITS[name]
    assert error.mean() < mean
    assert np.quantile(error, 0.9) < ninth


def test_the_default_wins(draw) -> None:
    """Over all kinds of ends: nobody knows beforehand which it was."""
    drawn = draw(300, seed=21, kinds=("plough", "roll", "herbicide", "mow", "frost"))
    block = block_of(drawn)
    emergence = {n: errors(d(block, SETTINGS).day, drawn.emergence).mean() for n, d in EMERGENCE.items()}
    termination = {n: errors(d(block, SETTINGS).day, drawn.termination).mean() for n, d in TERMINATION.items()}
    assert min(emergence, key=emergence.get) == "default", emergence
    assert min(termination, key=termination.get) == "default", termination


def test_about_two_thirds_of_true_dates_lie_inside_the_uncertainty(draw) -> None:
    for regime in ("ordinary", "flanders"):
        drawn = draw(400, seed=23, regime=regime, kinds=("plough", "roll", "herbicide", "frost"))
        block = block_of(drawn)
        for found, truth in (
            (EMERGENCE["default"](block, SETTINGS), drawn.emergence),
            (TERMINATION["default"](block, SETTINGS), drawn.termination),
        ):
            known = np.isfinite(found.day) & (truth >= CALENDAR.first)
            inside = np.abs(np.round(found.day) - truth)[known] <= np.ceil(found.spread)[known]
            assert 0.55 < inside.mean() < 0.82, (regime, inside.mean(), len(inside))


@pytest.mark.parametrize("name", [*EMERGENCE, *(f"end {n}" for n in TERMINATION)])
def test_nothing_is_found_where_nothing_grew(name: str, bare) -> None:
    block, _ = bare
    detector = TERMINATION[name[4:]] if name.startswith("end ") else EMERGENCE[name]
    assert (block.stands.state == NO_GROWTH).mean() > 0.98
    assert np.isfinite(detector(block, SETTINGS).day).mean() <= 0.02


@pytest.mark.parametrize("name", [*EMERGENCE, *(f"end {n}" for n in TERMINATION)])
def test_a_parcel_does_not_depend_on_its_neighbours(name: str, quick) -> None:
    block, drawn = quick
    detector = TERMINATION[name[4:]] if name.startswith("end ") else EMERGENCE[name]
    together = detector(block, SETTINGS)
    for p in (0, 17, 133):
        one = drawn.__class__(
            *(
                value[p : p + 1] if field != "looks" else value
                for field, value in ((f, getattr(drawn, f)) for f in drawn.__dataclass_fields__)
            )
        )
        alone = detector(block_of(one), SETTINGS)
        np.testing.assert_array_equal(alone.day[0], together.day[p])
        np.testing.assert_array_equal(alone.spread[0], together.spread[p])


@settings(max_examples=30)
@given(
    values=st.lists(st.floats(0, 6), min_size=1, max_size=80),
    before=st.integers(0, 5),
    spans=st.tuples(st.integers(2, 12), st.integers(13, 30), st.integers(2, 12)),
)
def test_macd_against_a_plain_loop(values: list[float], before: int, spans: tuple[int, int, int]) -> None:
    series = np.array([[np.nan] * before + values + [np.nan] * 3])
    short, long, signal = spans
    macd, div = macd_div(series, short=short, long=long, signal=signal)

    def ema(v: list[float], n: int) -> list[float]:
        b, last, out = 2 / (n + 1), float(np.mean(v[:n])), []
        for x in v:
            last = b * x + (1 - b) * last
            out.append(last)
        return out

    expected = np.array(ema(values, short)) - np.array(ema(values, long))
    np.testing.assert_allclose(macd[0, before : before + len(values)], expected, atol=1e-9)
    np.testing.assert_allclose(
        div[0, before : before + len(values)], expected - np.array(ema(list(expected), signal)), atol=1e-9
    )
    assert np.isnan(macd[0, :before]).all()
    assert np.isnan(div[0, before + len(values) :]).all()


def test_macd_forgets_its_seed_and_then_equals_pandas() -> None:
    v = 2 + np.sin(np.arange(400) / 30)
    macd, _ = macd_div(v[None], short=5, long=10, signal=5)
    series = pd.Series(v)
    peer = series.ewm(span=5, adjust=False).mean() - series.ewm(span=10, adjust=False).mean()
    np.testing.assert_allclose(macd[0, 150:], peer[150:], atol=1e-9)


def test_wist_by_hand() -> None:
    at = np.array([0, 10, 14, 30, 35, 60])
    lai = np.array([[3.0, 3.2, 3.0, 2.0, 0.4, 0.2], [3.0, np.nan, 2.9, 0.5, np.nan, 0.2]], np.float32)
    top, after = np.array([10, 14], np.int32), np.array([60, 60], np.int32)
    found, spread = fastest_decrease(at, lai, top, after)
    assert found.tolist() == [32.5, 22.0]
    assert spread.tolist() == [2.5, 8.0]
    none, _ = fastest_decrease(at, lai, np.array([-1, -1], np.int32), after)
    assert np.isnan(none).all()


def test_baselines_by_hand() -> None:
    v = np.array([[0.2, 0.2, 0.3, 0.4, 0.9, 2.0, 2.2, 2.2, 1.9, 0.5, 0.3]], np.float32)
    low, top, after = (np.array([i], np.int32) for i in (0, 7, 10))
    assert last_below(v, low, top, share=0.1)[0] == 4  # level 0.4
    assert steepest_fall(v, top, after)[0] == 8.5


def test_templates_begin_at_their_origin_and_are_inverted_rightly() -> None:
    table, inverse = templates()
    np.testing.assert_allclose(table[:, BEFORE], ORIGIN, atol=1e-9)
    steepest = np.diff(table, axis=1).max()
    assert (np.diff(table, axis=1) >= 0).all()
    shares = (np.arange(inverse.shape[1]) + 0.5) / (2 * inverse.shape[1])
    x = np.arange(-BEFORE, table.shape[1] - BEFORE)
    for curve, back in zip(table, inverse, strict=True):
        middle = (shares > 0.02) & (shares < 0.45)
        np.testing.assert_allclose(np.interp(back, x, curve)[middle], shares[middle], atol=steepest)


def test_warmth_stands_still_in_winter_and_runs_in_autumn() -> None:
    calendar, *warmths = clocks(np.datetime64("2021-06-15"), 412)
    assert (np.diff(calendar) == TICKS).all()
    for warmth in warmths:
        assert (np.diff(warmth) >= 0).all()
        autumn = warmth[day("2021-10-20")] - warmth[day("2021-09-20")]
        winter = warmth[day("2022-02-10")] - warmth[day("2022-01-10")]
        assert autumn > 25 * TICKS
        assert winter < 0.35 * autumn


def test_fall_shapes_start_whole_and_end_bare() -> None:
    shapes = falls()
    np.testing.assert_allclose(shapes[:, 0], 1)
    assert (np.diff(shapes, axis=1) <= 0).all()
    assert (shapes[:, -1] < 0.01).all()


def test_greenness_goes_back_to_lai() -> None:
    lai = np.array([0.0, 0.1, 0.5, 2.0, 5.0])
    cover = 1 - np.exp(-0.55 * lai)
    green = green_of(lai.astype(np.float32), cover.astype(np.float32)) + SOIL * (np.exp(-FADES * lai) - 1)
    np.testing.assert_allclose(np.interp(green, np.arange(CELLS) * CELL, lai_table()), lai, atol=2e-3)


def test_bracket_is_the_looks_around_a_day() -> None:
    at = np.array([2, 5, 9])
    green = np.array([[1, np.nan, 1], [1, 1, 1], [1, 1, 1], [np.nan] * 3], np.float32)
    around = bracket(at, green, np.array([6.0, 5.0, 11.0, 4.0]))
    assert around.T.tolist() == [[2, 9], [5, 9], [9, -1], [-1, -1]]


def test_noise_of_low_looks_is_their_own_whatever_the_days_between_them() -> None:
    random = np.random.default_rng(3)
    at = np.cumsum(random.choice([2, 3, 5, 10, 30, 45], 4000)).astype(np.int64)
    soil = 0.2 + random.normal(0, 0.04, len(at))
    assert _noise(at, soil, len(at), 0.13) == pytest.approx(0.04, rel=0.06)
    # A thin stand that grows and goes is no noise.
    slow = 0.2 + 0.3 * np.abs((at / 300.0) % 2 - 1)
    assert _noise(at, slow, len(at), 0.13) < 0.005


def test_frost_counts_from_the_day_on_which_less_than_half_is_left() -> None:
    at = np.arange(0, 330, 3)
    noise = np.array([0.04], np.float32)
    for begin, frost in ((day("2021-12-20"), True), (day("2022-04-01"), False)):
        green = np.float32(0.2) + 2 * np.exp(-np.maximum(at - begin, 0) / 10).astype(np.float32)[None]
        top, after = np.array([[at[at <= begin][-1]], [329 // 3 * 3]], np.int32)
        found, _ = fall_days(at, green, top, after, green.min(axis=1), noise, cold=(CALENDAR.winter, CALENDAR.spring))
        assert found[0] == pytest.approx(begin + (7 if frost else 0), abs=2.5)


def test_single_bad_looks_do_not_move_the_dates(draw) -> None:
    drawn = draw(150, seed=24, kinds=("plough",), growths=("gompertz",), residue=0.0)
    before = block_of(drawn)
    random = np.random.default_rng(1)
    hit = random.random(drawn.look_lai.shape) < 0.04
    drawn.look_lai[hit] *= 0.3
    drawn.look_fcover[hit] *= 0.5
    after = block_of(drawn)
    both = (before.stands.state == SEEN) & (after.stands.state == SEEN)
    assert both.mean() > 0.97
    for detector in (EMERGENCE["default"], TERMINATION["default"]):
        moved = np.abs(detector(before, SETTINGS).day - detector(after, SETTINGS).day)
        assert np.nanmedian(moved) < 1
        assert np.nanmean(moved > 10) < 0.06
