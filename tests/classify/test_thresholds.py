"""The threshold rule on curves whose answer a person would know."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sen4cap.classify.thresholds import confidence_of_ratio, cover_ratio

FIRST = 47
"""Column of 1 August; the series begins in mid-June."""
SETTINGS = {
    "first": FIRST,
    "autumn_end": FIRST + 122,
    "winter_end": FIRST + 153,
    "peak_end": FIRST + 243,
    "lai_level": 0.5,
    "fcover_level": 0.2,
    "least_days": 30,
    "lai_margin": 0.5,
    "fcover_margin": 0.15,
    "longest_gap": 45,
}


def curve(*points: tuple[int, float]) -> np.ndarray:
    """LAI a day from (day after 1 August, value) points."""
    days, lai = zip(*points, strict=True)
    return np.interp(np.arange(-47, 365), days, lai)


def ratio_of(lai: np.ndarray, *, seen: np.ndarray | None = None, begin: int = -1, **changed: float) -> float:
    looks = np.arange(-47, 365, 5) if seen is None else seen
    gap = np.abs(np.arange(-47, 365)[:, None] - looks).min(axis=1).astype(np.int16)
    day = np.arange(-47, 365)
    lai = np.where(
        (day >= looks.min()) & (day <= looks.max()), np.interp(day, looks, np.interp(looks, day, lai)), np.nan
    )
    fcover = 1 - np.exp(-0.5 * lai)
    rows = [a[None].astype(np.float32) for a in (lai, fcover)]
    found = cover_ratio(*rows, gap[None], np.array([begin]), **{**SETTINGS, **changed})
    return float(found[0])


CEREAL_THEN_COVER = curve((-47, 4), (-20, 3), (-10, 0.2), (20, 0.1), (60, 2.5), (240, 3), (250, 0.1), (300, 3))
CEREAL_THEN_BARE = curve((-47, 4), (-20, 3), (-10, 0.2), (100, 0.15), (260, 0.2), (300, 3))
MAIZE_THEN_BARE = curve((-47, 0.5), (0, 3.5), (30, 4.5), (60, 3), (80, 0.2), (270, 0.1), (300, 3))
MAIZE_THEN_RYE = curve((-47, 0.5), (0, 3.5), (30, 4), (55, 2.5), (60, 0.1), (75, 0.3), (110, 1.2), (230, 2.5), (250, 0))
BEET_TO_NOVEMBER = curve((-47, 3), (20, 4.5), (105, 4), (112, 0.1), (270, 0.1), (300, 3))
PLOUGHED_IN_NOVEMBER = curve((-47, 4), (-10, 0.2), (15, 0.1), (45, 2), (95, 3), (102, 0.1), (270, 0.1), (300, 3))
VOLUNTEERS = curve((-47, 4), (-10, 0.2), (40, 0.35), (80, 0.2), (270, 0.2), (300, 3))
ALWAYS_GREEN = curve((-47, 2), (100, 2.1), (300, 2))


@pytest.mark.parametrize(
    ("lai", "is_wcc"),
    [
        (CEREAL_THEN_COVER, True),
        (CEREAL_THEN_BARE, False),
        (MAIZE_THEN_BARE, False),
        (MAIZE_THEN_RYE, True),
        (BEET_TO_NOVEMBER, False),
        (PLOUGHED_IN_NOVEMBER, True),
        (VOLUNTEERS, False),
        (ALWAYS_GREEN, False),
    ],
)
def test_known_stories(lai: np.ndarray, is_wcc: bool) -> None:
    assert (ratio_of(lai) >= 1) == is_wcc


def test_a_parcel_unseen_until_late_autumn() -> None:
    late = np.arange(110, 365, 5)
    assert ratio_of(CEREAL_THEN_COVER, seen=late) >= 1
    assert ratio_of(CEREAL_THEN_BARE, seen=late) < 1
    assert ratio_of(MAIZE_THEN_RYE, seen=late) >= 1
    assert ratio_of(BEET_TO_NOVEMBER, seen=np.arange(115, 365, 5)) < 1


def test_a_parcel_unseen_until_the_new_year() -> None:
    late = np.arange(170, 365, 5)
    assert ratio_of(CEREAL_THEN_COVER, seen=late) >= 1
    assert ratio_of(CEREAL_THEN_BARE, seen=late) < 1
    assert np.isnan(ratio_of(CEREAL_THEN_COVER, seen=np.arange(250, 365, 5)))


def test_a_harvest_hidden_in_a_gap() -> None:
    """Maize before the gap and a lush stand after it, and no bare day between them was seen."""
    seen = np.r_[-40, -20, 0, 20, 90:365:5]
    lush = curve((-47, 1), (0, 2.6), (30, 2.6), (40, 0.1), (50, 0.1), (85, 2.5), (240, 2.6), (250, 0.1))
    assert ratio_of(lush, seen=seen) >= 1
    assert ratio_of(lush, seen=seen, longest_gap=120) < 1


def test_a_harvest_date_tells_a_late_main_crop_from_a_cover_crop() -> None:
    late_main = curve((-47, 0.1), (10, 0.1), (45, 3), (85, 3), (92, 0.1), (270, 0.1))
    assert ratio_of(late_main) >= 1
    assert ratio_of(late_main, begin=FIRST + 95) < 1
    assert ratio_of(MAIZE_THEN_RYE, begin=FIRST + 62) >= 1


@given(st.floats(0.1, 4), st.floats(0.1, 2))
def test_confidence_rises_with_the_stand(top: float, more: float) -> None:
    def stand(value: float) -> float:
        return ratio_of(curve((-47, 4), (-10, 0.05), (20, 0.05), (60, value), (240, value), (250, 0.05)))

    low, high = stand(top), stand(top + more)
    assert low <= high + 1e-6
    assert confidence_of_ratio(np.array([low]))[0] <= confidence_of_ratio(np.array([high]))[0] + 1e-6


def test_confidence_is_one_half_at_the_thresholds() -> None:
    assert confidence_of_ratio(np.array([0.0, 1.0, 1e9])).tolist() == pytest.approx([0, 0.5, 1], abs=1e-5)
    assert np.isnan(confidence_of_ratio(np.array([np.nan]))[0])


def by_hand(lai: np.ndarray, fcover: np.ndarray) -> bool:
    """The rule in words, for series without gaps: yes or no."""
    days = range(SETTINGS["first"], SETTINGS["autumn_end"])
    below = [d for d in days if fcover[d] < 0.2 or lai[d] < 0.5]
    low = below[0] if below else min(days, key=lambda d: fcover[d])
    run = best = 0
    for d in range(low, SETTINGS["winter_end"]):
        run = run + 1 if fcover[d] >= 0.2 and lai[d] >= 0.5 else 0
        best = max(best, run)
    after = slice(low, SETTINGS["peak_end"])
    autumn = slice(low, max(SETTINGS["autumn_end"], low + 1))
    rises = [v[after].max() - v[autumn].min() for v in (lai, fcover)]
    return best >= 30 and rises[0] >= 0.5 and rises[1] >= 0.15


@settings(max_examples=300)
@given(st.integers(0, 2**32 - 1))
def test_agrees_with_the_rule_in_words(seed: int) -> None:
    draw = np.random.default_rng(seed)
    points = np.sort(draw.choice(np.arange(-47, 365), 9, replace=False))
    lai = np.interp(np.arange(-47, 365), points, draw.choice([0.05, 0.3, 0.7, 1.5, 3.0], 9)).astype(np.float32)
    fcover = (1 - np.exp(-0.5 * lai)).astype(np.float32)
    gap = np.zeros((1, len(lai)), np.int16)
    ratio = cover_ratio(lai[None], fcover[None], gap, np.array([-1]), **SETTINGS)[0]
    if abs(ratio - 1) > 1e-4:
        assert (ratio >= 1) == by_hand(lai, fcover)
