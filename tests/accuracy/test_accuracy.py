"""The harness of `make accuracy`: what it shows the suite, how it finds brackets, and how it counts."""

from __future__ import annotations

import datetime
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest

from accuracy import bare, chain, curves, gather, learning, measure, observe, page, plots, rules
from sen4cap.cli import main
from sen4cap.marker_table import MarkerTable
from sen4cap.seasons import Season


@pytest.fixture(scope="module")
def country() -> observe.Country:
    return observe.settle(40, season=Season(2021), seed=7)


def test_looks_around() -> None:
    days = np.array(["2021-09-01", "2021-09-11", "2021-09-21"], "datetime64[D]")
    seen = np.array([[True, True, True], [True, False, True], [True, True, False], [True, True, True]])
    event = np.array(["2021-09-11", "2021-09-12", "2021-09-12", "NaT"], "datetime64[D]")
    before, after = gather.looks_around(days, seen, event)
    np.testing.assert_array_equal(before, [-10, -11, np.nan, np.nan])
    np.testing.assert_array_equal(after, [0, 9, np.nan, np.nan])


def test_real_looks_cover_the_span() -> None:
    looks = observe.real_looks(datetime.date(2021, 6, 1), datetime.date(2022, 8, 15))
    assert min(looks).month == 6
    assert max(looks) > datetime.date(2022, 8, 1)
    assert looks[datetime.date(2021, 9, 23)] == pytest.approx(0.892)
    assert looks[datetime.date(2021, 6, 3)] == looks[datetime.date(2022, 6, 3)]
    assert datetime.date(2021, 8, 2) not in looks


def test_scenes_show_the_truth(country: observe.Country) -> None:
    acquisitions = observe.passes(country, "ordinary")
    look = next(look for look, _ in acquisitions if look.day >= datetime.date(2021, 6, 20))
    (village,) = country.villages
    ((_, scene, _),) = observe.scenes(country, look, "none", None)
    everywhere = np.ones(scene.scl.shape, bool)
    mean, spread, count = observe.statistics(village, scene, everywhere, look)["FCOVER"]
    at = int((np.datetime64(look.day) - country.landscape.days[0].astype("datetime64[D]")).astype(int))
    large = count > 60
    assert large.sum() > 10
    true = country.landscape.fcover[large, at]
    assert np.corrcoef(mean[large], true)[0, 1] > 0.97
    assert np.abs(mean[large] - true).mean() < 0.08
    assert (spread[large] > 0).all()


def test_the_known_share_is_clear(country: observe.Country) -> None:
    look, share = next((look, share) for look, share in observe.passes(country, "flanders") if 0.5 < share < 0.8)
    clear = [clear for _, _, clear in observe.scenes(country, look, "flanders", share)]
    assert np.concatenate([c.ravel() for c in clear]).mean() <= share + 0.01


def test_nothing_is_seen_of_the_villages_left_out(country: observe.Country, monkeypatch: pytest.MonkeyPatch) -> None:
    some = [*observe.passes(country, "dense")[::30], *observe.passes(country, "flanders")[::20]]
    kept = [len([*observe.scenes(country, look, "dense", share)]) for look, share in some]
    assert 0 < sum(kept) < len(some)
    monkeypatch.setattr(observe, "OVERCAST_MARGIN", np.inf)
    for (look, share), count in zip(some, kept, strict=True):
        ((_, _, clear),) = observe.scenes(country, look, "dense", share)
        assert count or not clear.any()


def test_perfect_observations_are_measured_as_nearly_perfect(tmp_path: Path, country: observe.Country) -> None:
    observe.write_country(tmp_path, country)
    observe.perfect_looks(tmp_path / "looks.ipc", country, every=2)
    run = chain.Run(7, "perfect", country.season, tmp_path, tmp_path / "results", threads=1)
    chain.run_chain(run)
    frame = gather.gather(run)
    known = frame[rules.which_wcc(frame)]
    assert (known["emergence_gap"] == 2).all()
    assert known["em_default_known"].mean() > 0.8
    assert known["em_default_error"].abs().median() <= 3
    ended = frame[rules.which_ended(frame)]
    assert ended["ter_default_error"].abs().median() <= 3
    assert frame["bare_error_l4c"].abs().median() <= 7
    np.testing.assert_array_equal(frame["bare_with_true_found"], frame["bare_error_l4c"])
    for name in bare.CAUSES:
        assert frame[f"bare_with_true_{name}"].abs().mean() <= frame["bare_error_l4c"].abs().mean() + 0.5
    assert frame["bare_with_true_gaps"].abs().max() <= 3
    report = {"wcc": {"perfect": [measure.read_report(run.folder / "wcc")]}}
    rows = measure.measure(frame, report)
    assert {row.quantity for row in rows} >= {"emergence, wise-published", "termination by ploughing or rolling, wist"}
    results = plots.Results(rows, rows, frame, report["wcc"], pd.DataFrame(), pd.DataFrame(), 40, 1)
    told = sum(1 for _ in (tmp_path / "insitu.csv").open()) - 1
    assert f"learn from {told} in-situ parcels" in page._told(results)
    text = page.table(rows)
    assert "WCC or not, spatial blocks" in text
    looks = MarkerTable([run.markers]).looks("LAI")
    assert len(looks.days) == (len(country.landscape.days) + 1) // 2


def test_the_second_truth_is_what_its_looks_show(tmp_path: Path) -> None:
    frame = curves.dated(tmp_path, 120, 7, "ordinary")
    covered = frame[rules.which_wcc(frame)]
    assert len(covered) > 60
    assert set(frame["growth"]) == {"", *curves.GROWTHS}
    assert set(frame["termination_kind"]) <= set(curves.KINDS)
    ended = covered[covered["termination"].notna()]
    assert (ended["termination"] > ended["emergence"]).all()
    assert (ended["next_emergence"] > ended["termination"]).all()
    assert not frame.loc[frame["class"] == 2, "emergence"].notna().any()
    # The commands find it: what the harness says of them rests on that truth and looks belong together.
    assert covered["em_default_known"].mean() > 0.9
    assert covered["em_default_error"].abs().median() <= 5
    assert (covered["season_M_gro_val"] - covered["lai_max"]).abs().median() < 0.3
    rows = measure.measure_dates(frame)
    assert "emergence, default" in page._markdown(page._second_rows(rows))


@pytest.mark.parametrize("family", curves.GROWTHS)
def test_every_growth_of_the_second_truth_emerges_on_its_day(family: str) -> None:
    calendar = curves.Calendar.of(Season(2021))
    random = np.random.default_rng(3)
    for first in (60, 100, 140):
        lai = curves.growth(random, family, calendar, first, 3.0, 40.0)
        assert lai[first] == pytest.approx(curves.EMERGED_LAI, rel=1e-6)
        assert (np.diff(lai) >= 0).all()
        assert lai[-1] < 3.0 + 1e-9


def test_detection_lag() -> None:
    frame = pd.DataFrame(
        {
            "NewID": [1, 2, 3],
            "candidate": 1,
            "class": 1,
            "emergence": pd.Timestamp("2021-09-01"),
            "termination": pd.to_datetime(["2022-03-01", "2022-03-10", "2022-04-01"]),
            "season_end": pd.Timestamp("2022-05-31"),
        }
    )
    known = pd.DataFrame(
        {
            "NewID": [1, 1, 2, 2, 3],
            "day": pd.to_datetime(["2022-03-05", "2022-03-10", "2022-03-05", "2022-03-20", "2022-04-10"]),
            "date": pd.to_datetime([None, "2022-03-03", "2022-03-01", "2022-03-12", None]),
        }
    )
    lag = measure.detection_lag(frame, known)
    assert lag["share"] == pytest.approx(2 / 3)
    assert lag["median"] == 9.5
    assert lag["early"] == pytest.approx(1 / 3)


def test_more_in_situ_parcels_teach_more() -> None:
    random = np.random.default_rng(1)
    wcc = random.random(400) < 0.5
    features = np.column_stack([wcc + random.normal(0, 0.7, 400), random.normal(size=(400, 20))]).astype(np.float32)
    known = learning.Known([features] * 3, wcc, random.random(400), random.random(400))
    fold = random.integers(0, learning.FOLDS, 400)
    few, many = (
        np.mean([np.mean((learning.told_by(known, fold, number, draw=k) > 0.5) == wcc) for k in range(2)])
        for number in (20, 400)
    )
    assert few < many - 0.02
    assert many > 0.7
    lying = learning.Known([random.normal(size=features.shape).astype(np.float32)] * 3, wcc, known.x, known.y)
    assert abs(np.mean((learning.told_by(lying, fold, 400, draw=0) > 0.5) == wcc) - 0.5) < 0.12


def test_the_learning_curve_is_the_mean_over_the_seasons() -> None:
    curve = pd.DataFrame({"regime": "ordinary", "parcels": [50, 100, 50, 100], "balanced": [0.8, 0.9, 0.7, 0.94],
                          "ece": 0.05})  # fmt: skip
    assert "| 50 | 0.750 (0.050) |\n| 100 | 0.920 (0.050) |" in page._curve_table(curve)


def test_every_candidate_is_known_to_the_learning_curve(
    tmp_path: Path, country: observe.Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    observe.write_country(tmp_path, country)
    observe.perfect_looks(tmp_path / "looks.ipc", country, every=5)
    run = chain.Run(7, "perfect", country.season, tmp_path, tmp_path / "results", threads=1)
    run.smooth()
    candidates = int((country.landscape.truth["candidate"] == 1).sum())
    monkeypatch.setattr(learning, "NUMBERS", (candidates, candidates + 1))
    curve = learning.learning_curve(run)
    assert curve["parcels"].tolist() == [candidates]
    assert curve["balanced"].item() > 0.5


def test_targets() -> None:
    bound = measure.Bound(0.63, 0.75)
    row = measure.Measure("x", "y", "%", {"ordinary": 0.7, "flanders": 0.8}, {}, {"ordinary": bound, "flanders": bound})
    assert (row.mark("ordinary"), row.mark("flanders")) == ("ok", "missed")


def test_every_seed_has_a_year_that_products_can_name() -> None:
    years = [observe.season_of(seed).year for seed in range(1, 100)]
    assert years[:2] == [2021, 2022]
    assert {*years} == {*range(2021, 2061)}


def test_the_learning_curve_trains_as_the_command_does() -> None:
    command = main.get_command(click.Context(main), "classify")
    assert command is not None
    defaults = {name: option.default for option in command.params for name in option.opts}
    forest = [defaults[name] for name in ("--folds", "--trees", "--min-leaf", "--shift", "--step")]
    assert forest == [learning.FOLDS, learning.TREES, learning.LEAF, learning.SHIFT, learning.STEP]
    assert (defaults["--season-start"], defaults["--season-end"]) == learning.SEASON
