"""The truth table follows from the daily truth, whatever the span and the number of parcels."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from sen4cap.seasons import Season
from sen4cap.simulate import TRUTH_COLUMNS, Landscape, draw_landscape
from sen4cap.simulate.canopy import extinction
from sen4cap.simulate.landscape import is_bare
from sen4cap.simulate.weather import draw_weather


def on(landscape: Landscape, day: pd.Timestamp) -> int:
    return int((np.datetime64(day, "D") - landscape.days[0]).astype(int))


def span(**more: object) -> dict:
    return {"season": Season(2021), "latitude": 50.9} | more


def test_every_column_is_described_and_every_parcel_has_a_row(landscape: Landscape) -> None:
    assert list(landscape.truth.columns) == list(TRUTH_COLUMNS)
    assert landscape.truth["NewID"].tolist() == list(range(1, 701))
    assert all(TRUTH_COLUMNS.values())


def test_every_ending_and_every_fallow_is_drawn(landscape: Landscape) -> None:
    truth = landscape.truth
    kinds = truth["termination_kind"].value_counts()
    assert set(kinds.index) >= {"ploughing", "rolling", "herbicide", "mowing", "frost", "none"}
    assert set(truth["fallow"].dropna()) >= {"ploughed", "cultivated", "stubble", "winter crop"}
    assert set(truth["growth"].dropna()) == {"thermal", "logistic", "gompertz"}
    assert set(truth["flushes"].dropna()) == {1, 2}
    assert truth["cut"].notna().any()
    assert (truth["termination"] > pd.Timestamp("2022-05-31")).any()
    spontaneous = truth.loc[(truth["candidate"] == 1) & (truth["class"] == 2), "weeds_lai"]
    assert 0.1 < (spontaneous > 0.3).mean() < 0.5
    assert 0.4 < truth["candidate"].mean() < 0.8
    shares = truth.loc[truth["candidate"] == 1, "class"].value_counts(normalize=True)
    assert 0.3 < shares[1] < 0.7


def test_emergence_is_the_first_day_of_a_tenth_of_lai(landscape: Landscape) -> None:
    truth = landscape.truth
    checked = 0
    for row, record in truth[truth["class"] == 1].iterrows():
        day = on(landscape, record["emergence"])
        if landscape.lai[row, day - 1] < 0.1:
            assert landscape.lai[row, day] >= 0.1
            checked += 1
        assert landscape.lai[row, day] >= 0.1 - 1e-6
        assert record["sown"] < record["emergence"]
        assert record["emergence"] >= pd.Timestamp("2021-07-24")
    assert checked > 100


def test_dates_stand_in_order(landscape: Landscape) -> None:
    covered = landscape.truth[landscape.truth["class"] == 1]
    ended = covered[covered["termination"].notna()]
    assert (ended["emergence"] < ended["termination"]).all()
    assert (covered["harvest"] < covered["sown"]).all()
    both = ended[ended["next_emergence"].notna()]
    assert (both["termination"] < both["next_emergence"]).all()
    known = ended[ended["half_gone"].notna()]
    assert (known["half_gone"] >= known["termination"]).all()
    assert (known["half_gone"] - known["termination"]).max() <= pd.Timedelta(days=25)
    arable = landscape.truth[landscape.truth["harvest"].notna()]
    assert (arable["harvest_week"].dt.day_of_week == 0).all()
    assert ((arable["harvest"] - arable["harvest_week"]).dt.days.between(0, 6)).all()


def test_terminations_fall_as_their_kind_says(landscape: Landscape) -> None:
    truth = landscape.truth
    falls: dict[str, list[float]] = {}
    for row, record in truth[truth["termination"].notna()].iterrows():
        day = on(landscape, record["termination"])
        lai = landscape.lai[row]
        falls.setdefault(record["termination_kind"], []).append(lai[day] / max(lai[day - 1], 1e-6))
    medians = {kind: np.median(values) for kind, values in falls.items()}
    assert medians["ploughing"] < 0.1
    assert medians["mowing"] < 0.35
    assert medians["rolling"] < 0.75
    # Sprayed stands yellow: next to nothing happens on the day itself.
    assert medians["herbicide"] > 0.9


def test_no_stand_was_dead_long_before_its_end() -> None:
    """A winter so cold that it strips hardy stands, too: what did not grow again was ended by the frost."""
    whole = {"start": datetime.date(2052, 6, 1), "end": datetime.date(2053, 8, 15)}
    cold = draw_landscape(500, season=Season(2052), seed=32, latitude=50.9, **whole)
    ended = cold.truth[cold.truth["termination"].notna()]
    assert (ended["termination_kind"] == "frost").sum() > 40
    for row, record in ended.iterrows():
        emerged, day = on(cold, record["emergence"]), on(cold, record["termination"])
        last = emerged + np.flatnonzero(cold.lai[row, emerged:day] >= 0.1 - 1e-6)[-1]
        assert day - last <= 11, record


def test_lai_and_cover_of_the_table_are_those_of_the_days(landscape: Landscape) -> None:
    truth = landscape.truth
    ended = truth[truth["termination"].notna()]
    for row, record in ended.iterrows():
        days = slice(on(landscape, record["emergence"]), on(landscape, record["termination"]) + 1)
        assert record["lai_max"] == pytest.approx(landscape.lai[row, days].max(), abs=1e-3)
        assert record["fcover_max"] == pytest.approx(landscape.fcover[row, days].max(), abs=1e-3)
        assert landscape.lai[row, on(landscape, record["lai_max_date"])] == pytest.approx(record["lai_max"], abs=1e-3)
    gap = np.exp(-extinction(0.0, landscape.flatness.astype(float)) * landscape.lai)
    np.testing.assert_allclose(landscape.fcover, 1 - gap, atol=1e-5)


def test_bare_days_add_up(landscape: Landscape) -> None:
    truth = landscape.truth
    arable = truth[truth["inter_days"].notna()]
    assert (arable["bare_days"] + arable["nonbare_days"] == arable["inter_days"]).all()
    covered = truth[truth["bare_before"].notna()]
    assert len(covered) > 100
    assert (covered["bare_before"] + covered["bare_after"] <= covered["bare_days"]).all()
    for row, record in covered.iterrows():
        inside = landscape.bare[row, on(landscape, record["harvest_week"]) : on(landscape, record["inter_end"])]
        assert record["bare_days"] == inside.sum()
    np.testing.assert_array_equal(landscape.bare, is_bare(landscape.lai, landscape.brown, landscape.residue))


def test_states_stay_within_their_ranges(landscape: Landscape) -> None:
    for name, low, high in (
        ("lai", 0, 9), ("fcover", 0, 1), ("brown", 0, 9), ("residue", 0, 1), ("weathering", 0, 1),
        ("chlorophyll", 5, 65), ("flatness", 0.5, 2), ("moisture", 0, 1),
    ):  # fmt: skip
        values = getattr(landscape, name)
        assert values.dtype == np.float32
        assert np.isfinite(values).all(), name
        assert values.min() >= low, name
        assert values.max() <= high, name


def test_truth_depends_on_seed_and_parcel_alone() -> None:
    long = {"start": datetime.date(2021, 6, 1), "end": datetime.date(2022, 8, 15)}
    short = {"start": datetime.date(2021, 10, 1), "end": datetime.date(2021, 10, 31)}
    many = draw_landscape(30, seed=8, **span(**long))
    few = draw_landscape(10, seed=8, **span(**short))
    other = draw_landscape(10, seed=9, **span(**short))
    pd.testing.assert_frame_equal(many.truth[:10], few.truth)
    cut = on(many, pd.Timestamp(short["start"]))
    np.testing.assert_array_equal(many.lai[:10, cut : cut + 31], few.lai)
    assert not np.array_equal(few.lai, other.lai)


def test_weather_is_consistent_with_itself() -> None:
    years = [draw_weather(2021, latitude=50.9, seed=seed) for seed in range(8)]
    for weather in years:
        assert (weather.lowest <= weather.mean).all()
        assert (weather.mean <= weather.highest).all()
        assert (weather.precipitation >= 0).all()
        assert ((weather.moisture >= 0) & (weather.moisture <= 1)).all()
        soaked = weather.precipitation[1:] > 8
        assert weather.moisture[1:][soaked].mean() > weather.moisture.mean()
        assert np.corrcoef(weather.unsettled[1:], weather.unsettled[:-1])[0, 1] > 0.5
        wet = weather.precipitation > 0.1
        assert weather.unsettled[wet].mean() > weather.unsettled[~wet].mean() + 0.5
    yearly = np.mean([weather.precipitation.sum() / 2 for weather in years])
    assert 650 < yearly < 1000
    frosts = np.mean([(weather.lowest < 0).sum() / 2 for weather in years])
    assert 25 < frosts < 80
    clear = np.concatenate([(w.highest - w.lowest)[w.unsettled < -0.7] for w in years])
    cloudy = np.concatenate([(w.highest - w.lowest)[w.unsettled > 0.7] for w in years])
    assert clear.mean() > cloudy.mean() + 2
