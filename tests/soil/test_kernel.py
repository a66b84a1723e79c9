"""Bare-soil intervals against a day-by-day plain loop, on anything hypothesis can think of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sen4cap.soil.kernel import BARE, COVERED, UNSEEN, bare_intervals, leave_out_wet, looks_after_rain, vote

SPAN = 60


@st.composite
def seasons(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    days = sorted(draw(st.sets(st.integers(0, SPAN - 1), max_size=15)))
    parcels = draw(st.integers(1, 4))
    cells = st.lists(st.sampled_from([BARE, COVERED, UNSEEN]), min_size=len(days), max_size=len(days))
    states = [draw(cells) for _ in range(parcels)]
    return np.array(states, np.int8).reshape(parcels, len(days)), np.array(days, np.int32)


def runs_by_hand(looks: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    runs: list[list[tuple[int, int]]] = []
    for look in looks:
        if runs and runs[-1][0][1] == look[1]:
            runs[-1].append(look)
        else:
            runs.append([look])
    return runs


def day_states(looks: list[tuple[int, int]]) -> list[int]:
    """State of each day: of the nearer look of a run that counts; of two the earlier."""
    return [min(looks, key=lambda look: (abs(look[0] - day), look[0]))[1] for day in range(SPAN)]


def by_hand(row: np.ndarray, days: np.ndarray, shortest: int) -> list[int] | None:
    looks = [(int(d), int(s)) for d, s in zip(days, row, strict=True) if s != UNSEEN]
    if not looks:
        return None
    while True:
        # The looks that were overruled are gone, but the runs beside one join over its days: their own edges decide.
        runs = runs_by_hand(looks)
        filled = day_states(looks)
        lengths = []
        for run in runs:
            inside = [day for day in range(SPAN) if owner(looks, day) in run]
            lengths.append(len(inside))
        short = [i for i, run in enumerate(runs) if len(run) == 1 and lengths[i] < shortest]
        if len(runs) == 1 or not short:
            return filled
        looks.remove(runs[min(short, key=lambda i: (lengths[i], i))][0])


def owner(looks: list[tuple[int, int]], day: int) -> tuple[int, int]:
    return min(looks, key=lambda look: (abs(look[0] - day), look[0]))


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
@settings(max_examples=300, deadline=None)
def test_agrees_with_a_plain_loop(season: tuple[np.ndarray, np.ndarray], shortest: int, far: int) -> None:
    states, days = season
    found = bare_intervals(states, days, span=SPAN, shortest_run=shortest, far=far)
    for parcel, row in enumerate(states):
        want = by_hand(row, days, shortest)
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
    days = np.array([0, 10, 20, 30, 40], np.int32)
    states = np.array([[0, 0, 1, 0, 0]], np.int8)
    kept = bare_intervals(states, days, span=50, shortest_run=10, far=30)
    assert kept.bare.tolist() == [False, True, False]
    assert kept.overruled.tolist() == [0]
    filtered = bare_intervals(states, days, span=50, shortest_run=11, far=30)
    assert filtered.bare.tolist() == [False]
    assert filtered.overruled.tolist() == [1]
    # Two looks that agree are never overruled, however short their run.
    pair = bare_intervals(
        np.array([[0, 0, 1, 1, 0, 0]], np.int8), np.append(days, 49), span=50, shortest_run=50, far=30
    )
    assert pair.bare.tolist() == [False, True, False]


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


@given(seasons(), st.data(), st.integers(0, 25))
@settings(max_examples=100, deadline=None)
def test_wet_looks_agree_with_a_plain_loop(season: tuple[np.ndarray, np.ndarray], data, within: int) -> None:
    states, days = season
    wet = np.array(data.draw(st.lists(st.booleans(), min_size=len(days), max_size=len(days))), bool)
    left = leave_out_wet(states, days, wet, dry_within=within)
    for row, got in zip(states, left, strict=True):
        dry = days[(row != UNSEEN) & ~wet]
        for k, day in enumerate(days):
            near = len(dry) > 0 and np.abs(dry - day).min() <= within
            assert got[k] == (UNSEEN if wet[k] and near else row[k])


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
    whole = bare_intervals(states, days, span=SPAN, shortest_run=6, far=5)
    parts = [bare_intervals(states[a : a + block], days, span=SPAN, shortest_run=6, far=5) for a in range(0, 7, block)]
    for name in ("start", "end", "bare", "looks", "overruled", "largest_gap", "bare_days", "far_start", "far_end"):
        np.testing.assert_array_equal(np.concatenate([getattr(p, name) for p in parts]), getattr(whole, name))
