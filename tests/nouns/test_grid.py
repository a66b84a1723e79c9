"""Windows on the 10 m and 20 m grids of one tile cover the same ground."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from sen4cap.grid import Grid, project_bounds

TEN = Grid("EPSG:32631", Affine(10, 0, 600000, 0, -10, 5700000), (600, 1200))
TWENTY = Grid("EPSG:32631", Affine(20, 0, 600000, 0, -20, 5700000), (300, 600))
inside = st.floats(0, 1)


@given(inside, inside, inside, inside)
def test_windows_of_both_resolutions_agree(a: float, b: float, c: float, d: float) -> None:
    west, east = sorted((600000 + 12000 * a, 600000 + 12000 * b))
    south, north = sorted((5694000 + 6000 * c, 5694000 + 6000 * d))
    ten, twenty = TEN.window_of((west, south, east, north)), TWENTY.window_of((west, south, east, north))
    if ten is None or twenty is None:
        assert ten is twenty is None
        return
    assert (ten.col_off, ten.row_off, ten.width, ten.height) == (
        2 * twenty.col_off,
        2 * twenty.row_off,
        2 * twenty.width,
        2 * twenty.height,
    )
    assert 600000 + ten.col_off * 10 <= west
    assert 600000 + (ten.col_off + ten.width) * 10 >= east
    assert 5700000 - ten.row_off * 10 >= north
    assert 5700000 - (ten.row_off + ten.height) * 10 <= south


def test_outside_is_none() -> None:
    assert TEN.window_of((0, 0, 100, 100)) is None


def test_finer_covers_the_same_area() -> None:
    assert TWENTY.finer(2) == TEN
    assert TWENTY.finer(2).bounds == TWENTY.bounds == (600000, 5694000, 612000, 5700000)


def test_bounds_are_projected_in_x_y_order() -> None:
    west, south, east, north = project_bounds((3.0, 50.8, 3.1, 50.9), "EPSG:4326", "EPSG:32631")
    assert (west, south) == pytest.approx((500000, 5627500), abs=500)
    assert np.all(np.array([east - west, north - south]) > 6000)
