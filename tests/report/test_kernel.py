"""The report's numbers against plain loops."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sen4cap.classes import NWCC, OTHER, WCC
from sen4cap.report.kernel import (
    EMPTY,
    date_quantiles,
    dominant_classes,
    gap_spans,
    longest_gaps,
    map_extent,
    mean_values,
    nice_length,
    summarise,
    typical_rows,
    week_counts,
)
from sen4cap.series import NEVER_SEEN

gaps = arrays(np.int16, st.tuples(st.integers(0, 6), st.integers(1, 30)), elements=st.sampled_from([0, 0, 1, 2, 9]))
days = st.dates(datetime.date(2021, 6, 1), datetime.date(2022, 8, 1))
NEVER = np.datetime64("NaT", "D")


def unseen_runs(row: np.ndarray) -> list[str]:
    return "".join("." if value else " " for value in row).split()


@given(gaps, st.integers(1, 4))
def test_longest_gap_agrees_with_splitting_text(gap: np.ndarray, block: int) -> None:
    got = longest_gaps(gap, block=block)
    assert got.tolist() == [max((len(run) for run in unseen_runs(row)), default=0) for row in gap]


def test_a_parcel_never_seen_has_no_longest_gap() -> None:
    gap = np.array([[0, 1, 2], [NEVER_SEEN] * 3], np.int16)
    assert longest_gaps(gap, block=10).tolist() == [2, -1]


@given(gaps, st.integers(1, 8))
def test_gap_spans_are_the_long_runs(gap: np.ndarray, least: int) -> None:
    for row in gap:
        spans = gap_spans(row, least=least)
        assert [past - first for first, past in spans] == [len(r) for r in unseen_runs(row) if len(r) >= least]
        assert all((row[first:past] > 0).all() for first, past in spans)


@given(st.lists(st.one_of(st.none(), days), max_size=30))
def test_weeks_count_every_date_once(dates: list[datetime.date | None]) -> None:
    array = np.array([np.datetime64(d, "D") if d else NEVER for d in dates], "datetime64[D]")
    first, past = np.datetime64("2021-08-01"), np.datetime64("2022-06-01")
    mondays, counts = week_counts(array, first=first, past=past)
    known = [d for d in dates if d]
    assert counts.sum() == len(known)
    assert all(day.astype(object).weekday() == 0 for day in mondays)
    assert mondays[0] <= first
    assert mondays[-1] + 7 >= past
    for monday, count in zip(mondays.astype(object), counts, strict=True):
        assert count == sum(0 <= (d - monday).days < 7 for d in known)


@given(st.lists(days, min_size=1, max_size=31), st.floats(0, 1))
def test_date_quantiles_are_dates_that_occur(dates: list[datetime.date], quantile: float) -> None:
    array = np.array([*dates, None], "datetime64[D]")
    (got,) = date_quantiles(array, quantiles=(quantile,))
    (wanted,) = np.quantile(np.array(sorted(dates), "datetime64[D]").astype(int), [quantile], method="lower")
    assert got == np.datetime64(int(wanted), "D")
    assert np.isnat(date_quantiles(array[-1:], quantiles=(0.5,))[0])


parcels = st.lists(
    st.tuples(st.integers(-1, 5), st.integers(1, 9), st.sampled_from([WCC, NWCC, OTHER]), st.floats(-5, 5)), max_size=40
)


@given(parcels)
def test_pixels_show_the_class_with_the_largest_area(found: list[tuple[int, int, int, float]]) -> None:
    pixel, area, code, value = (np.array([row[k] for row in found]) for k in range(4))
    pixel, code = pixel.astype(np.int64), code.astype(np.uint8)
    classes = dominant_classes(pixel, area.astype(float), code, pixels=6)
    means = mean_values(pixel, area.astype(float), value.astype(float), pixels=6)
    for each in range(6):
        own = [row for row in found if row[0] == each]
        if not own:
            assert classes[each] == EMPTY
            assert np.isnan(means[each])
            continue
        totals = [(sum(row[1] for row in own if row[2] == c), c) for c in (WCC, NWCC, OTHER)]
        assert classes[each] == max(totals, key=lambda total: total[0])[1]
        weight = sum(row[1] for row in own)
        assert means[each] == pytest.approx(sum(row[1] * row[3] for row in own) / weight, abs=1e-9)


def test_a_stray_does_not_blow_up_the_map() -> None:
    west = np.arange(300) * 100.0
    boxes = np.stack([west, west * 0.5, west + 90, west * 0.5 + 90], axis=1)
    far = np.array([[9e6, 9e6, 9e6 + 90, 9e6 + 90]])
    extent, outside = map_extent(np.concatenate([boxes, far]), reach=5, most=0.005)
    assert outside == 1
    assert extent.tolist() == [0, 0, boxes[-1, 2], boxes[-1, 3]]
    many = np.repeat(far, 30, axis=0)
    extent, outside = map_extent(np.concatenate([boxes, many]), reach=5, most=0.005)
    assert outside == 0
    assert extent[2] == far[0, 2]


@given(st.floats(1e-3, 1e7))
def test_scale_bars_are_round_and_fit(span: float) -> None:
    length = nice_length(span)
    assert length <= span * (1 + 1e-12)
    assert length > span / 2.5 * (1 - 1e-12)
    assert round(length / 10 ** np.floor(np.log10(length) + 1e-9), 6) in (1, 2, 5)


def invented(count: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    emergence = np.datetime64("2021-09-01") + rng.integers(0, 60, count)
    termination = np.datetime64("2022-03-01") + rng.integers(0, 60, count)
    emergence[rng.random(count) < 0.1] = NEVER
    return {
        "ids": rng.permutation(np.arange(5000, 5000 + count)).astype(np.int32),
        "codes": rng.choice([0, 1, 2], count).astype(np.uint8),
        "confidence": rng.choice([0.5, 0.7, 0.9, np.nan], count),
        "emergence": emergence,
        "termination": termination,
        "gaps": rng.integers(-1, 60, count).astype(np.int32),
        "candidate": rng.random(count) < 0.8,
    }


@given(st.integers(0, 60), st.integers(0, 1000), st.integers(0, 20))
def test_typical_parcels_do_not_depend_on_the_order(count: int, seed: int, wanted: int) -> None:
    columns = invented(count, seed)
    chosen = typical_rows(**columns, count=wanted)
    rows = [row for row, _ in chosen]
    assert len(set(rows)) == len(rows) <= wanted
    order = np.random.default_rng(seed + 1).permutation(count)
    again = typical_rows(**{name: values[order] for name, values in columns.items()}, count=wanted)
    assert [(columns["ids"][row], why) for row, why in chosen] == [(columns["ids"][order][r], why) for r, why in again]


def test_typical_parcels_are_what_they_are_said_to_be() -> None:
    columns = invented(200, 3)
    chosen = {why: row for row, why in typical_rows(**columns, count=10)}
    codes, sure = columns["codes"], columns["confidence"]
    surest = chosen["The surest parcel without a cover crop"]
    assert codes[surest] == NWCC
    assert sure[surest] == np.nanmax(sure[codes == NWCC])
    dated = (codes == WCC) & ~np.isnat(columns["emergence"]) & ~np.isnat(columns["termination"])
    taken = [chosen[why] for why in chosen if why.startswith(("A typical", "The cover crop with"))]
    early = chosen["The earliest emergence"]
    free = dated.copy()
    free[[row for row in taken if row != early]] = False
    assert columns["emergence"][early] == columns["emergence"][free].min()
    undated = chosen["A cover crop without one of its dates"]
    assert codes[undated] == WCC
    assert not dated[undated]
    assert not columns["candidate"][chosen["Not a candidate for a cover crop"]]


def test_a_season_without_any_class_has_a_summary() -> None:
    none = np.full(3, np.nan)
    table = dict.fromkeys(("S_length", "Uncert_em", "Uncert_ter", "M_gro_val", "M_co_val", "Inter_d", "BS_per"), none)
    table |= {"code": np.zeros(3, np.uint8), "area": np.ones(3), "Em_d": np.full(3, NEVER), "Ter_d": np.full(3, NEVER)}
    got = summarise(table, statuses={"classified": 0, "not a candidate": 2, "not classified": 2})
    assert (got.parcels, got.wcc, got.nwcc, got.unclassified) == (4, 0, 0, 4)
    assert np.isnat(got.emergence)
    assert np.isnan(got.wcc_share)
