"""What both posteriors share, beside numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sen4cap.season import growth
from sen4cap.season.posterior import MOST, median_of, total_of, weight_of, weights


@given(st.floats(0, MOST))
def test_likelihoods_are_those_of_the_exponential(above: float) -> None:
    assert weight_of(above, weights()) == pytest.approx(np.exp(-0.5 * above), rel=1e-5)


def test_the_table_holds_all_that_is_looked_up() -> None:
    assert growth.UNLIKELY <= MOST


@given(arrays.arrays("f8", st.integers(1, 60), elements=st.floats(0, 10)), st.integers(0, 300))
def test_median_and_spread(mass: np.ndarray, first: int) -> None:
    mass[len(mass) // 2] += 1
    assert total_of(mass) == pytest.approx(mass.sum())
    # Strictly rising, so that what numpy looks up is one day: the median where a run of days weighs nothing is any.
    sure = np.cumsum(mass + 1e-9) / (mass + 1e-9).sum()
    low, middle, high = np.interp([0.1587, 0.5, 0.8413], np.append(0, sure), first - 0.5 + np.arange(len(mass) + 1))
    found = median_of(mass + 1e-9, len(mass), first)
    assert found == pytest.approx((middle, 0.5 * (high - low)), abs=1e-6)
