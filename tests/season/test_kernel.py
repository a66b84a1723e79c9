"""Seasons told by hand and what must come out of each, with and without the looks that one would wish for."""

from __future__ import annotations

import numpy as np
import pytest

from sen4cap.season.detectors import Settings
from sen4cap.season.kernel import REASONS, Result, season_of
from sen4cap.season.looks import Calendar
from sen4cap.season.stands import find_stands
from sen4cap.smooth.kernel import BOUNDS, Smoothing, smooth_daily

START = np.datetime64("2021-06-15")
DAYS = 412
TIME = np.arange(DAYS, dtype=float)
SETTINGS = Settings(10, 20, 10, 0.005, 0.5)


def day(text: str) -> int:
    return int((np.datetime64(text) - START).astype(int))


CALENDAR = Calendar(day("2021-08-01"), day("2022-05-31"), day("2022-01-31"), day("2021-11-01"), day("2022-03-01"))
WEEKLY = np.arange(3, DAYS, 7)


def rise(emerged: str, top: float, *, pace: float = 9.0) -> np.ndarray:
    """Logistic growth that passes LAI 0.1 on a day."""
    return top / (1 + (top / 0.1 - 1) * np.exp(-(TIME - day(emerged)) / pace))


def until(curve: np.ndarray, end: str, left: float = 0.0) -> np.ndarray:
    return np.where(day(end) > TIME, curve, left)


def since(curve: np.ndarray, begin: str) -> np.ndarray:
    return np.where(day(begin) <= TIME, curve, 0)


def fading(curve: np.ndarray, begin: str, days: float) -> np.ndarray:
    return curve * np.exp(-np.maximum(TIME - day(begin), 0) / days)


def unseen(first: str, last: str) -> np.ndarray:
    """Weekly looks but between two days."""
    return np.array([at for at in WEEKLY if not day(first) <= at <= day(last)])


WHEAT = until(np.full(DAYS, 2.0) / (1 + np.exp((TIME - day("2021-07-10")) / 6)), "2021-07-25")
MAIZE = until(np.full(DAYS, 3.5), "2021-10-02")
NEXT = rise("2022-05-20", 4)


def look(
    lai: np.ndarray,
    *,
    at: np.ndarray = WEEKLY,
    soil: float = 0.15,
    share: np.ndarray | None = None,
    haze: float = 1.0,
) -> Result:
    """The season of one parcel whose true LAI is given, as seen on some days.

    `share` is how much of it each look shows, NaN where nothing; `haze` what a partial look reads of the truth.
    """
    share = np.ones(len(at)) if share is None else share
    at, share = at[np.isfinite(share)], share[np.isfinite(share)].astype(np.float32)[None]
    seen = np.maximum(lai[at] + soil * np.exp(-lai[at]), 0).astype(np.float32)[None]
    seen = np.where(share < 0.1, np.float32(haze) * seen, seen)
    cover = (1 - np.exp(-0.55 * seen)).astype(np.float32)
    smoothing = Smoothing("whittaker", 300, "envelope", 3, 61, 2)
    daily = {}
    for name, values in (("LAI", seen), ("FCOVER", cover)):
        low, high = BOUNDS[name]
        pixels = np.ones_like(values)
        daily[name] = smooth_daily(at, values, pixels, days=DAYS, smoothing=smoothing, low=low, high=high)
    return season_of(
        daily["LAI"], daily["FCOVER"], at, seen, cover, share,
        start=START, calendar=CALENDAR, emergence="default", termination="default", settings=SETTINGS,
    )  # fmt: skip


def near(found: np.ndarray, text: str, days: float) -> bool:
    return bool(abs(found[0] - day(text)) <= days)


def reason(code: np.ndarray) -> str:
    return REASONS[code[0]]


COVER = until(since(rise("2021-09-05", 3.5), "2021-08-25"), "2022-04-12")


def test_a_plain_cover_crop_between_two_main_crops() -> None:
    found = look(WHEAT + COVER + since(NEXT, "2022-04-20"))
    assert near(found.emergence, "2021-09-05", 4)
    assert near(found.termination, "2022-04-12", 4)
    assert near(found.next_emergence, "2022-05-20", 6)
    assert found.em_around[0, 0] <= found.emergence[0] < found.em_around[1, 0]
    assert found.ter_around[0, 0] <= found.termination[0] < found.ter_around[1, 0]
    assert abs(found.lai_most[0] - 3.5) < 0.2
    assert found.emergence[0] <= found.lai_day[0] <= found.termination[0]
    assert 0.8 < found.cover_most[0] < 0.95


def test_the_standing_maize_is_no_cover_crop() -> None:
    found = look(MAIZE + since(rise("2021-10-20", 2.5, pace=12), "2021-10-05"))
    assert near(found.emergence, "2021-10-20", 6)
    found = look(MAIZE + until(since(rise("2021-10-20", 2.5, pace=12), "2021-10-05"), "2022-04-25"))
    assert near(found.termination, "2022-04-25", 5)


def test_maize_and_then_nothing() -> None:
    found = look(MAIZE + since(NEXT, "2022-05-01"))
    assert reason(found.em_reason) == reason(found.ter_reason) == "no growth of a winter stand seen"
    assert np.isnan(found.lai_most[0])
    assert near(found.next_emergence, "2022-05-20", 6)


def test_bare_from_harvest_to_a_main_crop_that_is_cut_before_the_series_ends() -> None:
    found = look(WHEAT + until(since(rise("2022-03-25", 4), "2022-03-15"), "2022-07-15"))
    assert np.isnan(found.emergence[0])
    assert np.isnan(found.termination[0])
    assert near(found.next_emergence, "2022-03-25", 6)


def test_volunteers_that_tillage_ends_in_september_are_not_the_stand() -> None:
    volunteers = until(since(rise("2021-08-08", 1.0), "2021-07-30"), "2021-09-10")
    sown = until(since(rise("2021-09-28", 3, pace=10), "2021-09-15"), "2022-03-20")
    found = look(WHEAT + volunteers + sown + since(NEXT, "2022-05-01"))
    assert near(found.emergence, "2021-09-28", 5)
    assert near(found.termination, "2022-03-20", 5)


def test_volunteers_alone_are_gone_before_the_winter() -> None:
    found = look(WHEAT + until(since(rise("2021-08-08", 1.0), "2021-07-30"), "2021-09-10") + since(NEXT, "2022-05-01"))
    assert np.isnan(found.emergence[0])
    assert reason(found.em_reason) == "no growth of a winter stand seen"


def test_two_flushes_with_bare_soil_between_give_the_one_that_winters() -> None:
    first = until(since(rise("2021-08-12", 2.5, pace=6), "2021-08-01"), "2021-09-25")
    second = until(since(rise("2021-10-10", 2.5, pace=10), "2021-09-28"), "2022-04-01")
    found = look(WHEAT + first + second + since(NEXT, "2022-05-01"))
    assert near(found.emergence, "2021-10-10", 6)
    assert near(found.termination, "2022-04-01", 5)


def test_two_flushes_of_one_stand_give_the_first_emergence_and_the_last_fall() -> None:
    grown = rise("2021-09-01", 3)
    hurt = grown * np.where(day("2021-12-20") > TIME, 1, 0.5)
    again = hurt * (1 + 1 / (1 + np.exp(-(TIME - day("2022-03-25")) / 8)))
    found = look(WHEAT + until(since(again, "2021-08-20"), "2022-05-05"))
    assert near(found.emergence, "2021-09-01", 5)
    assert near(found.termination, "2022-05-05", 5)


def test_frost_kill() -> None:
    found = look(
        WHEAT + fading(since(rise("2021-08-25", 3.5), "2021-08-15"), "2021-12-15", 8) + since(NEXT, "2022-05-01")
    )
    assert near(found.emergence, "2021-08-25", 5)
    # Less than half is left from 21 December on.
    assert near(found.termination, "2021-12-21", 4)


def test_frost_that_kills_in_a_gap_is_dated_about_its_middle() -> None:
    """What dies slowly in winter is no spraying that must have come weeks before the field was brown."""
    at = unseen("2021-11-25", "2022-01-16")
    found = look(WHEAT + until(since(rise("2021-08-25", 3.5), "2021-08-15"), "2021-12-26", 0.03), at=at)
    assert near(found.termination, "2021-12-22", 6)
    assert found.ter_spread[0] > 0.28 * (found.ter_around[1] - found.ter_around[0])[0]


def test_slow_herbicide() -> None:
    sprayed = COVER.max() * 0 + since(rise("2021-09-05", 3.5), "2021-08-25")
    dying = sprayed / (1 + np.exp((TIME - day("2022-03-29")) / 5)) * (1 + np.exp(-14 / 5))
    found = look(WHEAT + dying + since(NEXT, "2022-05-05"))
    assert near(found.termination, "2022-03-15", 12)
    assert abs(found.termination[0] - day("2022-03-15")) <= 1.5 * found.ter_spread[0]


def test_a_mown_stand_that_grows_again_and_is_ploughed() -> None:
    stand = since(rise("2021-09-05", 3), "2021-08-25")
    mown = np.where(day("2022-03-10") <= TIME, 0.45 + 0.015 * np.maximum(TIME - day("2022-03-10"), 0), stand)
    found = look(WHEAT + until(mown, "2022-04-05") + since(NEXT, "2022-05-05"))
    assert near(found.termination, "2022-03-10", 7)


def test_still_standing_at_the_season_end() -> None:
    found = look(WHEAT + until(since(rise("2021-09-05", 3.5), "2021-08-25"), "2022-06-20"))
    assert near(found.emergence, "2021-09-05", 4)
    assert np.isnan(found.termination[0])
    assert reason(found.ter_reason) == "still standing at the end of the season"
    assert found.lai_day[0] <= CALENDAR.last
    assert found.lai_most[0] > 3


def test_no_fall_up_to_the_last_look() -> None:
    early = WEEKLY[day("2022-02-20") >= WEEKLY]
    found = look(WHEAT + COVER, at=early)
    assert near(found.emergence, "2021-09-05", 4)
    assert reason(found.ter_reason) == "no fall seen up to the last look"


@pytest.mark.parametrize("since_day", ["2022-02-20", "2022-03-15"])
@pytest.mark.parametrize("tilled", ["2022-04-18", "2022-05-01"])
def test_weeds_before_the_seedbed_are_not_the_next_main_crop(since_day: str, tilled: str) -> None:
    weeds = until(since(rise(since_day, 0.3), since_day), tilled)
    found = look(WHEAT + weeds + since(NEXT, "2022-05-05"))
    assert np.isnan(found.emergence[0])
    assert near(found.next_emergence, "2022-05-20", 6)


def test_a_low_main_crop_is_dated_where_nothing_follows_it() -> None:
    found = look(WHEAT + until(since(rise("2022-03-20", 0.4), "2022-03-10"), "2022-06-20"))
    assert near(found.next_emergence, "2022-03-20", 15)


def test_green_when_first_seen() -> None:
    late = WEEKLY[day("2021-11-15") <= WEEKLY]
    found = look(WHEAT + COVER, at=late)
    assert np.isnan(found.emergence[0])
    assert reason(found.em_reason) == "green when first seen: no look at low vegetation before the stand"
    assert near(found.termination, "2022-04-12", 4)
    assert np.isfinite(found.lai_most[0])


def test_a_cover_crop_that_came_up_before_the_season() -> None:
    found = look(until(WHEAT, "2021-07-05") + until(since(rise("2021-07-15", 3), "2021-07-08"), "2022-03-10"))
    assert reason(found.em_reason) == "emerged before the season started"
    assert near(found.termination, "2022-03-10", 5)


def test_a_cereal_reaped_and_a_cover_crop_up_while_nobody_looked() -> None:
    """The field is never seen bare: it ripens in July, and is half green again two months later."""
    wheat = until(3.3 / (1 + np.exp((TIME - day("2021-07-24")) / 6)), "2021-08-12")
    grown = until(since(rise("2021-08-31", 1.8, pace=7), "2021-08-15"), "2022-01-10")
    at = unseen("2021-08-04", "2021-09-20")
    found = look(wheat + grown, at=at)
    assert near(found.emergence, "2021-08-31", 12)
    assert near(found.termination, "2022-01-10", 5)


def test_maize_that_is_reaped_in_a_gap_is_no_stand_that_frost_strips() -> None:
    """Nobody looks from September to the end of November, and then the next stand is up."""
    at = unseen("2021-10-01", "2021-11-20")
    grown = until(since(rise("2021-11-01", 2.2, pace=18), "2021-10-15"), "2022-04-20")
    found = look(MAIZE + grown, at=at)
    assert near(found.emergence, "2021-11-01", 12)
    assert near(found.termination, "2022-04-20", 5)


def test_grass_that_is_mown_in_a_gap_has_not_come_up() -> None:
    cut = day("2021-08-02")
    grass = np.where(cut > TIME, 3.2, 3.2 - 2.4 * np.exp(-np.maximum(TIME - cut, 0) / 14))
    at = unseen("2021-08-06", "2021-09-10")
    found = look(until(grass, "2022-04-10"), at=at)
    assert np.isnan(found.emergence[0])


def test_maxima_do_not_overshoot_in_a_gap() -> None:
    """Between a rise that ends and a fall that begins in a gap, a smooth curve passes above all that grew."""
    stand = until(np.minimum(since(rise("2021-09-05", 9, pace=11), "2021-08-25"), 2.6), "2022-01-24")
    at = unseen("2021-10-14", "2022-01-17")
    found = look(WHEAT + stand, at=at)
    assert found.lai_most[0] < 3.2
    assert found.cover_most[0] < 0.94


def test_a_stand_that_a_mower_halves_in_october_came_up_in_august() -> None:
    grown = since(rise("2021-08-20", 2.4, pace=6), "2021-08-10")
    cut = np.maximum(TIME - day("2021-10-05"), 0)
    grown = np.where(day("2021-10-05") <= TIME, 0.6 + 1.4 * (1 - np.exp(-cut / 40)), grown)
    found = look(WHEAT + until(grown, "2022-04-10"))
    assert near(found.emergence, "2021-08-20", 5)
    assert near(found.termination, "2022-04-10", 5)


def test_growth_after_the_winter_is_the_next_main_crop() -> None:
    found = look(WHEAT + until(since(rise("2022-02-20", 3), "2022-02-10"), "2022-05-15"))
    assert np.isnan(found.emergence[0])
    assert np.isnan(found.termination[0])
    assert reason(found.em_reason).startswith("growth began too late")
    assert near(found.next_emergence, "2022-02-20", 7)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_a_look_in_the_season(count: int) -> None:
    at = np.array([10, day("2021-10-10"), day("2022-02-01"), 405])
    at = np.concatenate([at[:1], at[1 : 1 + count], at[3:]])
    found = look(WHEAT + COVER, at=at)
    assert np.isnan(found.emergence[0])
    assert np.isnan(found.termination[0])
    assert np.isnan(found.lai_most[0])
    assert found.looks[0] == count
    expected = "no clear look in the season" if count == 0 else "fewer than 3 clear looks in the season"
    assert reason(found.em_reason) == reason(found.ter_reason) == expected


@pytest.mark.parametrize("hidden", [("2021-08-25", "2021-11-01"), ("2022-03-01", "2022-05-05")])
def test_a_date_that_nobody_saw_is_unsure(hidden: tuple[str, str]) -> None:
    truth = WHEAT + COVER
    at = WEEKLY[(day(hidden[0]) > WEEKLY) | (day(hidden[1]) < WEEKLY)]
    seen, blind = look(truth), look(truth, at=at)
    emergence = hidden[0] < "2022"
    spread = "em_spread" if emergence else "ter_spread"
    found, true = (blind.emergence, "2021-09-05") if emergence else (blind.termination, "2022-04-12")
    assert getattr(blind, spread)[0] > 1.5 * getattr(seen, spread)[0]
    assert abs(found[0] - day(true)) <= 1.6 * getattr(blind, spread)[0]
    assert blind.longest_gap[0] >= 60
    assert seen.longest_gap[0] <= 7


@pytest.mark.parametrize("regime", ["ordinary", "flanders"])
def test_dates_keep_their_order_and_maxima_lie_between(draw, regime: str) -> None:
    drawn = draw(300, seed=31, regime=regime)
    smoothing = Smoothing("whittaker", 300, "envelope", 3, 61, 2)
    pixels = np.isfinite(drawn.look_lai).astype(np.float32)
    lai, cover = (
        smooth_daily(drawn.looks, values, pixels, days=DAYS, smoothing=smoothing, low=low, high=high)
        for values, (low, high) in ((drawn.look_lai, BOUNDS["LAI"]), (drawn.look_fcover, BOUNDS["FCOVER"]))
    )
    found = season_of(
        lai, cover, drawn.looks, drawn.look_lai, drawn.look_fcover, pixels,
        start=START, calendar=CALENDAR, emergence="default", termination="default", settings=SETTINGS,
    )  # fmt: skip
    em, ter = found.emergence, found.termination
    assert (np.isfinite(em) == (found.em_reason == 0)).all()
    assert (np.isfinite(ter) == (found.ter_reason == 0)).all()
    both = np.isfinite(em) & np.isfinite(ter)
    assert (em[both] < ter[both]).all()
    assert (em[np.isfinite(em)] >= CALENDAR.first).all()
    assert (ter[np.isfinite(ter)] <= CALENDAR.last).all()
    assert ((found.lai_day >= em) | ~np.isfinite(em) | ~np.isfinite(found.lai_day)).all()
    assert ((found.lai_day <= ter) | ~np.isfinite(ter) | ~np.isfinite(found.lai_day)).all()
    known = both & (drawn.termination > 0)
    true_most = np.array([drawn.lai[p, drawn.emergence[p] : drawn.termination[p]].max() for p in np.flatnonzero(known)])
    error = np.abs(found.lai_most[known] - true_most)
    assert error.mean() < (0.25 if regime == "ordinary" else 0.4)


def test_a_thin_stand_that_rests_all_winter_came_up_before_it() -> None:
    """Nothing is seen of it from November to March; but it falls in April, as no main crop does."""
    stand = since(0.12 + rise("2022-04-01", 2.5), "2021-11-20")
    at = WEEKLY[(day("2021-11-05") > WEEKLY) | (day("2022-03-01") < WEEKLY)]
    found = look(WHEAT + until(stand, "2022-04-20"), at=at)
    assert reason(found.em_reason) == ""
    assert CALENDAR.first <= found.emergence[0] <= CALENDAR.latest
    assert found.em_spread[0] >= 20
    assert near(found.termination, "2022-04-20", 6)


def test_volunteers_before_a_stand_are_no_part_of_it() -> None:
    volunteers = until(since(0.3 * rise("2021-08-05", 1), "2021-07-25"), "2021-08-28")
    stand = until(since(rise("2021-09-20", 3.5), "2021-09-05"), "2021-12-10")
    found = look(until(WHEAT, "2021-07-20") + volunteers + stand)
    assert near(found.emergence, "2021-09-20", 8)
    assert near(found.termination, "2021-12-10", 5)


def test_a_beet_crop_lifted_in_a_long_gap_is_no_winter_stand() -> None:
    beet = until(since(rise("2021-05-25", 3.5), "2021-05-10"), "2021-11-08")
    at = WEEKLY[(day("2021-10-25") > WEEKLY) | (day("2022-02-20") < WEEKLY)]
    found = look(beet, at=at)
    assert np.isnan(found.emergence[0])
    assert np.isnan(found.termination[0])


def test_a_few_pixels_after_the_plough_narrow_the_gap() -> None:
    """Between a full green look and a full bare one a partial one tells the side, unless it reads like neither."""
    truth = WHEAT + COVER + since(NEXT, "2022-05-01")
    hidden = (day("2022-03-01") < WEEKLY) & (day("2022-05-05") > WEEKLY)
    blind = look(truth, at=WEEKLY[~hidden])
    after_it = np.searchsorted(WEEKLY, day("2022-04-12"))
    share = np.where(hidden, np.nan, 1.0)
    share[after_it] = 0.03
    told = look(truth, at=WEEKLY, share=share)
    assert told.ter_spread[0] < 0.8 * blind.ter_spread[0]
    assert told.ter_around[1, 0] == WEEKLY[after_it]


def test_the_rim_of_a_cloud_over_a_green_stand_is_no_look() -> None:
    truth = WHEAT + COVER + since(NEXT, "2022-05-01")
    clear = look(truth)
    share = np.where(WEEKLY[np.searchsorted(WEEKLY, day("2022-02-10"))] == WEEKLY, 0.05, 1.0)
    assert np.isfinite(clear.termination[0])
    rimmed = look(truth, share=share, haze=0.3)
    assert rimmed.termination[0] == clear.termination[0]
    assert rimmed.emergence[0] == clear.emergence[0]


def test_a_cut_in_spring_ends_a_stand_that_grows_again_to_half() -> None:
    stand = since(rise("2021-09-05", 3.5), "2021-08-25")
    again = 0.7 + 0.9 / (1 + np.exp(-(TIME - day("2022-04-05")) / 4))
    mown = until(np.where(day("2022-03-25") <= TIME, again, stand), "2022-04-28")
    found = look(WHEAT + mown + since(NEXT, "2022-05-15"))
    assert near(found.termination, "2022-03-25", 7)
    assert not near(found.next_emergence, "2022-03-25", 20)


def test_a_stand_that_frost_wears_down_slowly_and_that_grows_on_goes_on() -> None:
    grown = since(rise("2021-09-05", 3.5), "2021-08-25")
    worn = grown * (1 - 0.6 / (1 + np.exp(-(TIME - day("2022-02-20")) / 9)))
    spring = worn + 0.9 / (1 + np.exp(-(TIME - day("2022-04-08")) / 5))
    found = look(WHEAT + until(spring, "2022-05-02") + since(NEXT, "2022-05-20"))
    assert near(found.termination, "2022-05-02", 6)


def test_a_thin_stand_of_october_is_not_dated_by_its_growth_in_spring() -> None:
    resting = 0.25 / (1 + (0.25 / 0.1 - 1) * np.exp(-(TIME - day("2021-10-20")) / 7))
    spring = 2.5 / (1 + np.exp(-(TIME - day("2022-04-05")) / 7))
    found = look(WHEAT + until(since(resting + spring, "2021-10-08"), "2022-05-05"))
    assert near(found.emergence, "2021-10-20", 10)


def test_a_stand_that_hard_frost_strips_and_that_grows_again_goes_on() -> None:
    """January's frost leaves a fifth of it, which is full again when the plough comes."""
    grown = since(rise("2021-09-05", 3.0), "2021-08-25")
    bitten = grown * (1 - 0.82 / (1 + np.exp(-(TIME - day("2022-01-29")) / 1.5)))
    spring = bitten + 2.4 / (1 + np.exp(-(TIME - day("2022-03-15")) / 7))
    found = look(WHEAT + until(spring, "2022-04-14") + since(NEXT, "2022-05-20"))
    assert near(found.emergence, "2021-09-05", 6)
    assert near(found.termination, "2022-04-14", 6)


def test_a_stand_that_hard_frost_left_bare_to_the_eye_and_that_is_tall_and_gone_in_spring_lived_on() -> None:
    """No main crop grows and goes before June, and weeds stay lower."""
    grown = until(since(rise("2021-09-05", 2.5), "2021-08-25"), "2021-12-12", 0.05)
    found = look(WHEAT + until(grown + since(rise("2022-03-10", 2.2, pace=6), "2022-03-01"), "2022-05-10"))
    assert near(found.emergence, "2021-09-05", 5)
    assert near(found.termination, "2022-05-10", 6)
    weeds = grown + since(rise("2022-03-20", 0.5, pace=6), "2022-03-10")
    found = look(WHEAT + until(weeds, "2022-05-10"))
    assert near(found.termination, "2021-12-12", 7)


def test_a_low_stand_that_the_cold_wears_is_ended_by_the_plough() -> None:
    grown = since(rise("2021-10-05", 0.6), "2021-09-20")
    worn = grown * np.where(day("2021-12-10") > TIME, 1, 0.45)
    found = look(WHEAT + until(worn, "2022-03-14") + since(NEXT, "2022-05-01"))
    assert near(found.termination, "2022-03-14", 7)


def test_half_of_the_leaves_lost_to_the_cold_is_no_end_as_far_as_is_known() -> None:
    grown = np.minimum(rise("2021-09-10", 2.2), 2.2)
    worn = grown * np.where(day("2022-01-05") > TIME, 1, 0.41)
    found = look(WHEAT + worn, at=WEEKLY[day("2022-01-28") > WEEKLY])
    assert near(found.emergence, "2021-09-10", 5)
    assert np.isnan(found.termination[0])


def test_what_a_mower_leaves_green_until_the_plough_is_no_part_of_the_stand() -> None:
    stand = since(rise("2021-09-05", 4.5), "2021-08-25")
    found = look(WHEAT + until(stand, "2022-04-01", 1.2) * (day("2022-04-29") > TIME) + since(NEXT, "2022-05-15"))
    assert near(found.termination, "2022-04-01", 7)


def test_a_cloud_of_midwinter_over_bare_soil_is_no_stand() -> None:
    seen = WHEAT + since(NEXT, "2022-05-01")
    at = WEEKLY[(day("2021-11-20") > WEEKLY) | (day("2022-02-10") < WEEKLY)]
    at = np.sort(np.append(at, day("2022-01-01")))
    seen[day("2022-01-01")] = 1.5
    found = look(seen, at=at)
    assert reason(found.em_reason) == "no growth of a winter stand seen"


def test_a_field_that_is_green_in_nearly_all_its_looks_was_bare_in_the_lowest() -> None:
    green = np.full((1, len(WEEKLY)), 1.8, np.float32)
    green[0, (day("2021-08-20") < WEEKLY) & (day("2021-09-05") > WEEKLY)] = 0.25
    assert find_stands(WEEKLY, green, calendar=CALENDAR).base[0] == np.float32(0.35)


def test_weeds_of_the_spring_are_no_stand() -> None:
    found = look(WHEAT + until(since(rise("2022-04-10", 0.12, pace=6), "2022-03-01"), "2022-05-10"), soil=0.1)
    assert reason(found.em_reason) == "no growth of a winter stand seen"


def test_an_emergence_in_november_is_less_sure_than_one_in_september() -> None:
    early = until(since(rise("2021-09-05", 2.5, pace=12), "2021-08-25"), "2022-04-12")
    late = until(since(rise("2021-11-10", 2.5, pace=12), "2021-11-01"), "2022-04-12")
    assert look(WHEAT + late).em_spread[0] > 1.5 * look(WHEAT + early).em_spread[0]


def test_the_lowest_look_after_weeks_without_any_may_show_the_stand_itself() -> None:
    """The main crop is brought in on 20 August; the next look, on 21 September, shows LAI 0.7, the lowest of all."""
    crop = until(np.full(DAYS, 3.0), "2021-08-20")
    stand = until(since(rise("2021-09-05", 3.5, pace=7), "2021-08-25"), "2022-04-12")
    at = WEEKLY[(day("2021-08-19") > WEEKLY) | (day("2021-09-20") < WEEKLY)]
    found = look(crop + stand + since(NEXT, "2022-04-20"), at=at)
    assert near(found.emergence, "2021-09-05", 10)
