"""Labels of pixels and parcels against plain loops and by hand."""

from __future__ import annotations

import calendar
import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sen4cap.insitu.kernel import (
    CODES,
    MEANINGS,
    NWCC,
    OUTSIDE_SEASON,
    UNKNOWN,
    WCC,
    coded_days,
    median_days,
    parcel_labels,
    pixel_labels,
    tally,
)

SPAN = {"earliest": datetime.date(2021, 7, 1), "latest": datetime.date(2022, 5, 31)}
EPOCH = datetime.date(1970, 1, 1)


def day_by_hand(value: int) -> int:
    year, day = 2000 + value // 1000, value % 1000
    if not (2010 <= year < 2065 and 1 <= day <= 365 + calendar.isleap(year)):
        return -1
    return (datetime.date(year, 1, 1) - EPOCH).days + day - 1


def test_days_of_all_values() -> None:
    values = np.arange(65536).astype(np.uint16)
    assert coded_days(values).tolist() == [day_by_hand(int(value)) for value in values]


@pytest.mark.parametrize(
    ("emergence", "harvest", "expected"),
    [
        (21267, None, WCC),
        (21182, None, WCC),
        (21181, None, OUTSIDE_SEASON),
        (21060, None, OUTSIDE_SEASON),
        (22151, None, WCC),
        (22152, None, OUTSIDE_SEASON),
        (21170, 21160, WCC),
        (21170, 21170, OUTSIDE_SEASON),
        (21250, 21270, OUTSIDE_SEASON),
        (21250, 65531, WCC),
        (21170, 65531, OUTSIDE_SEASON),
        (21250, 20200, WCC),
        (65530, 21200, NWCC),
        (65530, None, NWCC),
        (21000, None, UNKNOWN),
        (21366, None, UNKNOWN),
        (70, None, UNKNOWN),
    ],
)
def test_one_pixel(emergence: int, harvest: int | None, expected: int) -> None:
    other = None if harvest is None else np.array([harvest], np.uint16)
    assert pixel_labels(np.array([emergence], np.uint16), other, **SPAN).tolist() == [expected]


@pytest.mark.parametrize("code", [code for code in CODES if code != 65530])
def test_codes_give_no_label(code: int) -> None:
    assert MEANINGS[pixel_labels(np.array([code], np.uint16), None, **SPAN)[0]] == CODES[code]


@given(
    arrays(np.uint8, 30, elements=st.integers(0, len(MEANINGS) - 1)),
    st.lists(st.lists(st.tuples(st.integers(0, 29), st.floats(0, 1, width=32)), max_size=8), min_size=1, max_size=5),
)
def test_tally_agrees_with_a_plain_loop(labels: np.ndarray, pixels: list[list[tuple[int, float]]]) -> None:
    days = np.arange(100, 130, dtype=np.int32)
    parcels = np.arange(len(pixels), dtype=np.int32) * 2
    first = np.concatenate([[0], np.cumsum([len(part) for part in pixels])]).astype(np.int64)
    flat = [entry for part in pixels for entry in part]
    counts = np.zeros((2 * len(pixels), len(MEANINGS)), np.int32)
    own, day = tally(
        labels,
        days,
        parcels,
        first,
        np.array([pixel for pixel, _ in flat], np.int32),
        np.array([fraction for _, fraction in flat], np.float32),
        counts,
    )
    expected = np.zeros_like(counts)
    pairs = []
    for parcel, part in zip(parcels, pixels, strict=True):
        for pixel, fraction in part:
            if fraction >= 0.5:
                expected[parcel, labels[pixel]] += 1
                if labels[pixel] == WCC:
                    pairs.append((int(parcel), int(days[pixel])))
    assert counts.tolist() == expected.tolist()
    assert list(zip(own.tolist(), day.tolist(), strict=True)) == pairs
    for parcel, median in enumerate(median_days(own, day, len(counts))):
        mine = [d for p, d in pairs if p == parcel]
        assert np.isnan(median) if not mine else median == np.median(mine)


def counted(**pixels: int) -> np.ndarray:
    row = np.zeros((1, len(MEANINGS)), np.int32)
    for name, count in pixels.items():
        row[0, {"wcc": WCC, "nwcc": NWCC, "few": 6, "unknown": UNKNOWN}[name]] = count
    return row


@pytest.mark.parametrize(
    ("pixels", "label", "words"),
    [
        ({"wcc": 8, "nwcc": 2}, 1, ""),
        ({"wcc": 2, "nwcc": 8}, 2, ""),
        ({"wcc": 6, "nwcc": 4}, 0, "mixed"),
        ({"wcc": 5, "nwcc": 5}, 0, "mixed"),
        ({"wcc": 3}, 0, "fewer than 5 pixels"),
        ({"wcc": 5}, 1, ""),
        ({"wcc": 3, "few": 7}, 0, "mostly too few observations"),
        ({"wcc": 7, "few": 3}, 0, "mixed"),
        ({}, 0, "outside the raster"),
    ],
)
def test_majority(pixels: dict[str, int], label: int, words: str) -> None:
    got, share, reason = parcel_labels(counted(**pixels), least_pixels=5, purity=0.75)
    assert MEANINGS[6] == "too few observations"
    assert got[0] == label
    assert (words in reason[0]) if words else reason[0] == ""
    total = sum(pixels.values())
    if total:
        assert share[0] == max(pixels.get("wcc", 0), pixels.get("nwcc", 0)) / total


@given(
    arrays(np.int32, st.tuples(st.integers(0, 6), st.just(len(MEANINGS))), elements=st.integers(0, 40)),
    st.integers(1, 30),
    st.floats(0.5, 1),
)
def test_every_parcel_has_a_label_or_a_reason(counts: np.ndarray, least: int, purity: float) -> None:
    label, share, reason = parcel_labels(counts, least_pixels=least, purity=purity)
    for row, code, part, text in zip(counts, label, share, reason, strict=True):
        assert (code > 0) != bool(text)
        if code:
            assert row[code - 1] == row[[WCC, NWCC]].max()
            assert row.sum() >= least
            assert part >= purity
