"""Clouds hang together in space and in time, cast shadows away from the sun, and some go unnoticed."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from sen4cap.simulate.clouds import Sky, draw_sky
from sen4cap.simulate.imaging import SHADOW, Conditions, classify_scene
from sen4cap.simulate.orbits import looks, sun_position
from sen4cap.simulate.tiles import utm_of_tile
from sen4cap.simulate.weather import draw_weather


def sky(
    seed: int, *, regime: str = "ordinary", unsettled: float = 0.0, shape: tuple[int, int] = (120, 120), **more: float
) -> Sky:
    where = {"winter": 0.5, "sun_zenith": 55.0, "sun_azimuth": 165.0} | more
    return draw_sky(shape, regime=regime, unsettled=unsettled, random=np.random.default_rng(seed), **where)


def cover(one: Sky) -> float:
    return float((one.opacity > 0.2).mean())


def test_regimes_are_ordered() -> None:
    means = [
        np.mean([cover(sky(seed, regime=name)) for seed in range(60)])
        for name in ("none", "clear", "ordinary", "dense")
    ]
    assert means[0] == 0
    assert means == sorted(means)
    assert means[1] < 0.45
    assert means[3] > 0.6


def test_clouds_are_correlated_in_space() -> None:
    fields = [sky(seed).opacity > 0.2 for seed in range(80)]
    mixed = [field for field in fields if 0.1 < field.mean() < 0.9]
    assert len(mixed) > 15
    # A strip at the rim may be all clear.
    with np.errstate(invalid="ignore"):
        near = np.nanmean([np.corrcoef(f[:, :-1].ravel(), f[:, 1:].ravel())[0, 1] for f in mixed])
        far = np.nanmean([np.corrcoef(f[:, :-60].ravel(), f[:, 60:].ravel())[0, 1] for f in mixed])
    assert near > 0.85
    assert far < 0.5
    # A small landscape is mostly all clear or all cloudy.
    assert len(mixed) < 45


def test_clouds_are_correlated_in_time() -> None:
    weather = draw_weather(2021, latitude=50.9, seed=2)
    days = np.arange(200, 350)
    covers = np.array([cover(sky(int(day), unsettled=weather.unsettled[day])) for day in days])
    assert np.corrcoef(covers[1:], covers[:-1])[0, 1] > 0.15
    assert np.corrcoef(covers, weather.unsettled[days])[0, 1] > 0.35


def test_shadows_fall_away_from_the_sun() -> None:
    moved = []
    for seed in range(30):
        one = sky(seed, unsettled=-0.4, shape=(420, 120), sun_azimuth=180.0, sun_zenith=60.0)
        if not 0.05 < cover(one) < 0.8:
            continue
        # Sun in the south: the shade is the cloud moved north, to lower rows, by its height times tan 60.
        with np.errstate(invalid="ignore"):
            fits = [
                np.corrcoef(one.opacity[n:].ravel(), one.shade[: len(one.shade) - n].ravel())[0, 1]
                for n in range(60, 340, 4)
            ]
        best = int(np.argmax(np.nan_to_num(fits)))
        if fits[best] > 0.95:
            moved.append(60 + 4 * best)
    assert len(moved) >= 5
    assert len(set(moved)) > 2


def test_the_classification_errs_as_sen2cor_does() -> None:
    random = np.random.default_rng(0)
    bare = np.array([0.09, 0.12, 0.15, 0.19], dtype=np.float32)
    fine = np.broadcast_to(bare[:, None, None], (4, 80, 80)).copy()
    rest = np.array([0.16, 0.18, 0.19, 0.20, 0.28, 0.26], dtype=np.float32)
    coarse = np.broadcast_to(rest[:, None, None], (6, 40, 40)).copy()
    clear = Sky(np.zeros((80, 80), np.float32), np.zeros((80, 80), np.float32), 1.0, 0.1)

    def classes(one: Sky, elevation: float) -> np.ndarray:
        nothing = np.zeros(10, np.float32)
        state = Conditions(nothing + 1, nothing, 0.0, elevation, False, SHADOW)
        return np.bincount(classify_scene(fine, coarse, one, state, random=random).ravel(), minlength=12) / 1600

    summer, winter = classes(clear, 55.0), classes(clear, 16.0)
    assert summer[5] > 0.85
    assert winter[7] > 0.85
    thin = Sky(np.full((80, 80), 0.05, np.float32), clear.shade, 1.0, 0.1)
    assert classes(thin, 55.0)[[8, 9, 10]].sum() == 0
    thick = Sky(np.full((80, 80), 0.9, np.float32), clear.shade, 1.0, 0.1)
    assert classes(thick, 55.0)[9] == 1


def test_sun_stands_where_almanacs_say() -> None:
    noon = datetime.datetime(2022, 6, 21, 12, 2, tzinfo=datetime.UTC)
    zenith, azimuth = sun_position(noon, latitude=50.0, longitude=0.0)
    assert zenith == pytest.approx(50 - 23.44, abs=0.05)
    assert azimuth == pytest.approx(180, abs=0.6)
    equinox = datetime.datetime(2022, 3, 20, 15, 33, tzinfo=datetime.UTC)
    # The sun is over the equator; the equation of time is -7.5 minutes.
    zenith, _ = sun_position(equinox, latitude=0.0, longitude=-15 * (3 + 33 / 60 - 7.5 / 60))
    assert zenith == pytest.approx(0, abs=0.1)


def test_two_orbits_pass_two_and_three_days_apart() -> None:
    found = looks(datetime.date(2021, 6, 1), datetime.date(2022, 8, 15), latitude=50.9, longitude=5.0, seed=1)
    assert 155 < len(found) < 178
    gaps = np.diff([look.day.toordinal() for look in found])
    assert set(gaps) <= {2, 3, 5, 7, 8, 10}
    assert {look.orbit for look in found} == {8, 51}
    zeniths = [look.geometry.sun_zenith for look in found]
    assert min(zeniths) < 30
    assert max(zeniths) > 73


@pytest.mark.parametrize(
    ("tile", "expected"),
    [
        ("31UFS", (32631, 600_000, 5_600_000)),
        ("31UDS", (32631, 400_000, 5_600_000)),
        ("32TMT", (32632, 400_000, 5_200_000)),
        ("30TYN", (32630, 700_000, 4_700_000)),
        ("33UUP", (32633, 300_000, 5_300_000)),
        ("21HUB", (32721, 300_000, 6_100_000)),
    ],
)
def test_tiles_lie_where_sentinel_2_puts_them(tile: str, expected: tuple[int, int, int]) -> None:
    assert utm_of_tile(tile) == expected
