"""Bare-soil intervals against a day-by-day plain loop, on anything hypothesis can think of."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sen4cap.soil.kernel import (
    BARE,
    COVERED,
    LEVELS,
    MOIST_B11,
    UNSEEN,
    USUAL_LEVEL,
    bare_intervals,
    leave_out,
    level_nbr2,
    looks_after_rain,
    own_limits,
    vote,
)

SPAN = 60


GREEN = np.float32(0.3)
BARE_GROUND = 0.153


@st.composite
def seasons(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    days = sorted(draw(st.sets(st.integers(0, SPAN - 1), max_size=15)))
    parcels = draw(st.integers(1, 4))
    cells = st.lists(st.sampled_from([BARE, COVERED, UNSEEN]), min_size=len(days), max_size=len(days))
    states = [draw(cells) for _ in range(parcels)]
    # Covered by residue or by plants, which are some way up;
    # none reaches GREEN on a whole day, where rounding decides.
    cover = st.lists(st.sampled_from([0.2, 0.3, 0.3713, 0.53, 0.91]), min_size=len(days), max_size=len(days))
    ndvi = np.array([draw(cover) for _ in range(parcels)], np.float32).reshape(parcels, len(days))
    grid = np.array(states, np.int8).reshape(parcels, len(days))
    return grid, np.where(grid == BARE, np.float32(BARE_GROUND), ndvi), np.array(days, np.int32)


def runs_by_hand(looks: list[Look]) -> list[list[Look]]:
    runs: list[list[Look]] = []
    for look in looks:
        if runs and runs[-1][0][1] == look[1]:
            runs[-1].append(look)
        else:
            runs.append([look])
    return runs


Look = tuple[int, int, float]
"""Day, state and NDVI of a look."""


def reach(one: Look, other: Look) -> int:
    """Last day that the first of two looks speaks for."""
    if one[1] == BARE and other[1] == COVERED and other[2] >= GREEN:
        days = range(one[0], other[0])
        rise = [np.float32(one[2]) + (d - one[0]) / (other[0] - one[0]) * (np.float32(other[2]) - one[2]) for d in days]
        return max(day for day, value in zip(days, rise, strict=True) if value < GREEN - 1e-6 or day == one[0])
    return (one[0] + other[0]) // 2


def owner(looks: list[Look], day: int) -> Look:
    for one, other in itertools.pairwise(looks):
        if day <= reach(one, other):
            return one
    return looks[-1]


def day_states(looks: list[Look]) -> list[int]:
    """State of each day: of the look that speaks for it."""
    return [owner(looks, day)[1] for day in range(SPAN)]


def by_hand(row: np.ndarray, ndvi: np.ndarray, days: np.ndarray, shortest: int) -> list[int] | None:
    looks = [(int(d), int(s), float(v)) for d, s, v in zip(days, row, ndvi, strict=True) if s != UNSEEN]
    if not looks:
        return None
    while True:
        # The looks that were overruled are gone, but the runs beside one join over its days: their own edges decide.
        runs = runs_by_hand(looks)
        filled = day_states(looks)
        owners = [owner(looks, day) for day in range(SPAN)]
        lengths = [sum(look in run for look in owners) for run in runs]
        short = [i for i, run in enumerate(runs) if len(run) == 1 and lengths[i] < shortest]
        if len(runs) == 1 or not short:
            return filled
        looks.remove(runs[min(short, key=lambda i: (lengths[i], i))][0])


def daily(found, parcel: int) -> list[int] | None:
    at = np.flatnonzero(found.parcel == parcel)
    if not len(at):
        return None
    assert found.start[at[0]] == 0
    assert found.end[at[-1]] == SPAN
    assert (found.start[at][1:] == found.end[at][:-1]).all()
    assert (found.end[at] > found.start[at]).all()
    assert (found.bare[at][1:] != found.bare[at][:-1]).all()
    return [int(b) for k in at for b in [found.bare[k]] * (found.end[k] - found.start[k])]


@given(seasons(), st.integers(0, 20), st.integers(0, 30))
@settings(max_examples=300)
def test_agrees_with_a_plain_loop(season: tuple[np.ndarray, np.ndarray, np.ndarray], shortest: int, far: int) -> None:
    states, ndvi, days = season
    found = bare_intervals(states, ndvi, days, ndvi_below=GREEN, span=SPAN, shortest_run=shortest, far=far)
    for parcel, row in enumerate(states):
        want = by_hand(row, ndvi[parcel], days, shortest)
        assert daily(found, parcel) == want
        assert found.bare_days[parcel] == (-1 if want is None else sum(want))
        seen = days[row != UNSEEN]
        assert found.looks[parcel] == len(seen)
        if len(seen):
            gaps = [seen[0], SPAN - 1 - seen[-1], *np.diff(seen)]
            assert found.largest_gap[parcel] == max(gaps)
            distance = np.abs(np.arange(SPAN)[:, None] - seen).min(axis=1)
        else:
            assert found.largest_gap[parcel] == SPAN
            distance = np.full(SPAN, 10**6)
        told = found.far_parcel == parcel
        inside = {d for a, b in zip(found.far_start[told], found.far_end[told], strict=True) for d in range(a, b)}
        assert inside == set(np.flatnonzero(distance > far))


def test_one_odd_look_is_overruled_only_where_its_run_is_short() -> None:
    days = np.array([0, 10, 20, 30, 40, 49], np.int32)
    ndvi = np.full((1, 6), 0.2, np.float32)
    told = {"ndvi_below": GREEN, "span": 50, "far": 30}
    states = np.array([[0, 0, 1, 0, 0]], np.int8)
    kept = bare_intervals(states, ndvi[:, :5], days[:5], shortest_run=10, **told)
    assert kept.bare.tolist() == [False, True, False]
    assert kept.overruled.tolist() == [0]
    filtered = bare_intervals(states, ndvi[:, :5], days[:5], shortest_run=11, **told)
    assert filtered.bare.tolist() == [False]
    assert filtered.overruled.tolist() == [1]
    # Two looks that agree are never overruled, however short their run.
    pair = bare_intervals(np.array([[0, 0, 1, 1, 0, 0]], np.int8), ndvi, days, shortest_run=50, **told)
    assert pair.bare.tolist() == [False, True, False]


@pytest.mark.parametrize(("ndvi", "bare_until"), [(0.9, 8), (0.5, 18), (0.3, 40), (0.25, 21)])
def test_plants_come_up_as_their_ndvi_rises(ndvi: float, bare_until: int) -> None:
    """Between 0.15 and 0.9 the line passes 0.3 after a fifth of the 40 days; residue has no line."""
    states, values = np.array([[1, 0]], np.int8), np.array([[0.15, ndvi]], np.float32)
    found = bare_intervals(states, values, np.array([0, 40], np.int32), ndvi_below=0.3, span=41, shortest_run=0, far=30)
    assert found.end[0] == pytest.approx(bare_until, abs=1)
    # An operation ends a stand from one day to the next: the nearer look decides.
    after = bare_intervals(
        states[:, ::-1], values[:, ::-1], np.array([0, 40], np.int32), ndvi_below=0.3, span=41, shortest_run=0, far=30
    )
    assert after.end[0] == 21


def test_water_darkens_and_residue_does_not() -> None:
    """Soil that turns wet: B11 and B12 fall by the shares of saturated soil; its level hardly moves, NBR2 does."""
    b11, b12 = np.float32(0.284), np.float32(0.264)
    wet11, wet12 = b11 * np.float32(0.56), b12 * np.float32(0.50)
    dry, wet = (np.array([[(a - b) / (a + b)]], np.float32) for a, b in ((b11, b12), (wet11, wet12)))
    lifted = [level_nbr2(q, np.array([[a]], np.float32), darkening=0.05)[0, 0] for q, a in ((dry, b11), (wet, wet11))]
    assert wet[0, 0] - dry[0, 0] > 0.05
    assert abs(lifted[1] - lifted[0]) < 0.6 * (wet[0, 0] - dry[0, 0])
    assert level_nbr2(dry, np.array([[MOIST_B11]], np.float32), darkening=0.05)[0, 0] == pytest.approx(dry[0, 0])
    unknown = level_nbr2(dry, np.array([[np.nan]], np.float32), darkening=0.05)
    assert unknown[0, 0] == dry[0, 0]


@given(st.data(), st.floats(0, 1))
@settings(max_examples=100)
def test_own_limits_agree_with_numpy(data, share: float) -> None:
    looks = data.draw(st.integers(0, 12))
    values = st.one_of(st.just(np.nan), st.floats(0, 0.5, width=32))
    rows = [data.draw(st.lists(values, min_size=looks, max_size=looks)) for _ in range(4)]
    ndvi, nbr2 = (np.array(part, np.float32).reshape(2, looks) for part in (rows[:2], rows[2:]))
    good = np.array(data.draw(st.lists(st.booleans(), min_size=2 * looks, max_size=2 * looks)), bool).reshape(2, looks)
    got = own_limits(ndvi, nbr2, good, ndvi_below=0.3, nbr2_below=0.1, own_share=share)
    for parcel in range(2):
        kept = good[parcel] & (ndvi[parcel] < np.float32(0.3)) & np.isfinite(nbr2[parcel])
        open_looks = nbr2[parcel][kept]
        level = np.quantile(open_looks, 0.1, method="lower") if len(open_looks) >= 5 else USUAL_LEVEL
        assert got[parcel] == pytest.approx(0.1 + share * (np.clip(level, *LEVELS) - USUAL_LEVEL), abs=1e-6)


def test_votes() -> None:
    nan = np.nan
    ndvi = np.array([[0.1, 0.1, 0.3, nan, 0.1, 0.1]], np.float32)
    nbr2 = np.array([[0.05, 0.2, 0.05, 0.05, nan, 0.05]], np.float32)
    settings = {"ndvi_below": 0.25, "nbr2_below": 0.11, "bsi_above": 0.0}
    without = vote(ndvi, nbr2, np.full_like(ndvi, nan), **settings)
    assert without.tolist() == [[BARE, COVERED, COVERED, UNSEEN, UNSEEN, BARE]]
    # The third vote can refuse, and cannot overrule.
    bsi = np.array([[0.2, 0.2, 0.2, 0.2, 0.2, -0.1]], np.float32)
    assert vote(ndvi, nbr2, bsi, **settings).tolist() == [[BARE, COVERED, COVERED, UNSEEN, UNSEEN, COVERED]]
    # A limit of each parcel's own.
    own = settings | {"nbr2_below": np.array([0.11, 0.04], np.float32)}
    two = (np.repeat(plane, 2, axis=0) for plane in (ndvi, nbr2, bsi))
    assert vote(*two, **own)[:, 0].tolist() == [BARE, COVERED]


@given(seasons(), st.data(), st.integers(0, 25))
@settings(max_examples=100)
def test_doubtful_looks_agree_with_a_plain_loop(
    season: tuple[np.ndarray, np.ndarray, np.ndarray], data, within: int
) -> None:
    states, _, days = season
    cells = st.lists(st.booleans(), min_size=states.size, max_size=states.size)
    doubtful = np.array(data.draw(cells), bool).reshape(states.shape)
    left = leave_out(states, days, doubtful, within=within)
    for row, poor, got in zip(states, doubtful, left, strict=True):
        better = days[(row != UNSEEN) & ~poor]
        for k, day in enumerate(days):
            near = len(better) > 0 and np.abs(better - day).min() <= within
            assert got[k] == (UNSEEN if poor[k] and near else row[k])


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=8, unique=True),
    st.dictionaries(st.integers(0, 30), st.one_of(st.just(np.nan), st.floats(0, 5)), max_size=30),
    st.integers(1, 6),
)
def test_rain_agrees_with_a_plain_loop(looks: list[int], record: dict[int, float], rain_days: int) -> None:
    epoch = np.datetime64("2021-06-01")
    days = np.array(sorted(record), int)
    amounts = np.array([record[d] for d in days])
    wet, unknown = looks_after_rain(epoch + np.array(looks), epoch + days, amounts, rain=2.5, rain_days=rain_days)
    for k, look in enumerate(looks):
        before = [record.get(look - n, np.nan) for n in range(1, rain_days + 1)]
        total = np.nansum(before)
        if abs(total - 2.5) > 1e-9:
            assert wet[k] == (total >= 2.5)
        assert unknown[k] == np.isnan(before).any()


def test_rain_of_the_days_before_counts_and_the_look_s_own_day_does_not() -> None:
    days = np.arange(np.datetime64("2021-09-01"), np.datetime64("2021-09-12"))
    amounts = np.zeros(len(days))
    amounts[5] = 2.5
    wet, _ = looks_after_rain(days, days, amounts, rain=2.5, rain_days=4)
    assert np.flatnonzero(wet).tolist() == [6, 7, 8, 9]


@pytest.mark.parametrize("block", [1, 3, 7])
def test_blocks_do_not_matter(block: int) -> None:
    rng = np.random.default_rng(1)
    states = rng.integers(-1, 2, (7, 12)).astype(np.int8)
    days = np.arange(12, dtype=np.int32) * 5
    ndvi = rng.uniform(0.1, 0.9, states.shape).astype(np.float32)
    told = {"ndvi_below": 0.3, "span": SPAN, "shortest_run": 6, "far": 5}
    whole = bare_intervals(states, ndvi, days, **told)
    spans = [slice(a, a + block) for a in range(0, 7, block)]
    parts = [bare_intervals(states[rows], ndvi[rows], days, **told) for rows in spans]
    for name in ("start", "end", "bare", "looks", "overruled", "largest_gap", "bare_days", "far_start", "far_end"):
        np.testing.assert_array_equal(np.concatenate([getattr(p, name) for p in parts]), getattr(whole, name))
