"""The posteriors of both dates: that over growth curves beside one written down plainly, in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from sen4cap.season import begins, fall, growth, templates
from sen4cap.season.looks import Calendar, clean, green_of, lai_table
from sen4cap.season.posterior import median_of
from sen4cap.season.stands import find_stands

DAYS = 412
START = np.datetime64("2021-06-15")


def day(text: str) -> int:
    return int((np.datetime64(text) - START).astype(int))


CALENDAR = Calendar(day("2021-08-01"), day("2022-05-31"), day("2022-01-31"), day("2021-11-01"), day("2022-03-01"))


def plain(
    at: np.ndarray, green: np.ndarray, low: int, top: int, base: float, ticks: np.ndarray, *, step: int
) -> tuple[float, float]:
    """Median and spread, by solving the least squares of each curve and each `step`-th begin with numpy."""
    which, t = np.zeros(len(at), np.int64), np.zeros(len(at), np.int64)
    y, w = np.zeros(len(at)), np.zeros(len(at))
    n, tall, sure, _ = growth._window(at, green, low, top, base, lai_table(), which, t, y, w)
    up = t[0] == low and y[0] > growth.EMERGED
    first = max(low - growth.REACH_BACK if up else min(t[0] - 10, low), low - growth.REACH_BACK, 0)
    begins = np.arange(-(-first // step) * step, min(sure + 11, first + growth.ROOM, DAYS), step)
    curves, inverse = templates.templates()
    chi2, emerged, weight = [], [], []
    for clock in ticks:
        for number, (curve, back) in enumerate(zip(curves, inverse, strict=True)):
            for begin in begins:
                place = np.clip(clock[t[:n]] - clock[begin], -templates.BEFORE, templates.BEYOND) + templates.BEFORE
                rows = np.column_stack([np.ones(n), curve[place]]) * np.sqrt(w[:n, None])
                priors = np.diag([1 / growth.BASE_SPREAD, 1 / (growth.HEIGHT_SPREAD * tall)])
                matrix = np.vstack([rows, priors])
                right = np.concatenate([y[:n] * np.sqrt(w[:n]), [0, 1 / growth.HEIGHT_SPREAD]])
                found = np.linalg.solve(matrix.T @ matrix, matrix.T @ right)
                share = growth.EMERGED / max(found[1], 0.3)
                tick = clock[begin] + back[min(int(2 * share * templates.RATIOS), templates.RATIOS - 1)]
                chi2.append(((matrix @ found - right) ** 2).sum())
                emerged.append(np.searchsorted(clock, tick))
                weight.append(growth.GOMPERTZ_PRIOR if number % 2 else 1)
    mass = np.zeros(DAYS + 1)
    likely = np.exp(-0.5 * (np.array(chi2) - min(chi2))) * weight
    for off in range(-(step // 2), step // 2 + 1):
        days = np.array(emerged) + off
        inside = (days >= 0) & (days <= sure)
        np.add.at(mass, days[inside], likely[inside])
    days = np.interp([0.1587, 0.5, 0.8413], np.cumsum(mass) / mass.sum(), np.arange(DAYS + 1) + 0.5)
    wide = 0.5 * (days[2] - days[0])
    return days[1], np.sqrt(max(wide**2 - (step**2 - 1) / 12, 0.0))


def test_dates_are_those_of_the_plain_posterior(draw) -> None:
    for regime in ("ordinary", "dense"):
        drawn = draw(40, seed=31, regime=regime)
        green = clean(drawn.looks, green_of(drawn.look_lai, drawn.look_fcover), calendar=CALENDAR)
        stands = find_stands(drawn.looks, green, calendar=CALENDAR)
        ticks = templates.clocks(START, DAYS)
        found, spread = growth.growth_days(drawn.looks, green, stands.low, stands.top, stands.base, ticks=ticks)
        dated = np.flatnonzero(stands.low >= 0)[:10]
        for p in dated:
            stand = drawn.looks, green[p], stands.low[p], stands.top[p], stands.base[p], ticks
            np.testing.assert_allclose((found[p], spread[p]), plain(*stand, step=begins.STEP), atol=0.05)
            # Begins on every day tell hardly anything else.
            np.testing.assert_allclose((found[p], spread[p]), plain(*stand, step=1), atol=1)
        assert len(dated) == 10


def test_a_parcel_does_not_depend_on_its_neighbours(draw) -> None:
    drawn = draw(60, seed=32, regime="ordinary")
    green = clean(drawn.looks, green_of(drawn.look_lai, drawn.look_fcover), calendar=CALENDAR)
    stands = find_stands(drawn.looks, green, calendar=CALENDAR)
    ticks = templates.clocks(START, DAYS)
    together = growth.growth_days(drawn.looks, green, stands.low, stands.top, stands.base, ticks=ticks)
    turned = [column[::-1] for column in (green, stands.low, stands.top, stands.base)]
    again = growth.growth_days(drawn.looks, *turned, ticks=ticks)
    for one, other in zip(together, again, strict=True):
        np.testing.assert_array_equal(one, other[::-1])


def test_dates_are_the_medians_of_the_posteriors(draw) -> None:
    drawn = draw(40, seed=32, regime="ordinary")
    at, green = drawn.looks, clean(drawn.looks, green_of(drawn.look_lai, drawn.look_fcover), calendar=CALENDAR)
    stands = find_stands(at, green, calendar=CALENDAR)
    ticks = templates.clocks(START, DAYS)
    emergence, _ = growth.growth_days(at, green, stands.low, stands.top, stands.base, ticks=ticks)
    cold = CALENDAR.winter, CALENDAR.spring
    end, _ = fall.fall_days(at, green, stands.last_top, stands.after, stands.base, stands.noise, cold=cold)
    dated = np.flatnonzero(np.isfinite(emergence) & np.isfinite(end))
    assert len(dated) > 20
    for p in dated:
        mass = growth.growth_posterior(at, green[p], stands.low[p], stands.top[p], stands.base[p], ticks=ticks)
        assert median_of(mass, len(mass), 0)[0] == pytest.approx(emergence[p], abs=1e-6)
        assert mass.sum() == pytest.approx(1)
        mass, begin = fall.fall_posterior(
            at, green[p], stands.last_top[p], stands.after[p], stands.base[p], stands.noise[p], cold=cold
        )
        assert median_of(mass, len(mass), begin)[0] == pytest.approx(end[p], abs=1e-6)
        assert mass.sum() == pytest.approx(1)
