"""The main crop's harvest on drawn seasons with known truth, and on odd ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sen4cap.harvest.kernel import REASONS, main_harvest

BEGIN = np.datetime64("2021-06-01")
SPAN = 300


def day(text: str) -> int:
    return int((np.datetime64(text) - BEGIN).astype(int))


RULES = {
    "first": day("2021-06-15"),
    "last": day("2021-11-30"),
    "stood_by": day("2021-07-20"),
    "level": 0.8,
    "strong": 0.6,
    "ripening": 20.0,
}
TIME = np.arange(SPAN, dtype=float)


def cut(at: int, top: float, up: float = -30) -> np.ndarray:
    """A stand that is green until it is cut."""
    stand = top / (1 + np.exp(-(TIME - up) / 8))
    stand[at:] = 0
    return stand


def ripe(at: int, top: float) -> np.ndarray:
    """A cereal that has lost half of its green twenty days before harvest."""
    stand = top / (1 + np.exp((TIME - at + 20) / 4.5))
    stand[at:] = 0
    return stand


def cover(emergence: int, end: int, top: float) -> np.ndarray:
    stand = top / (1 + np.exp(-(TIME - emergence - 30) / 7))
    stand[: max(emergence, 0)] = 0
    stand[end:] = 0
    return stand


def looks(stand: np.ndarray, rng: np.random.Generator, every: float) -> tuple[np.ndarray, np.ndarray]:
    days = np.unique(np.cumsum(rng.exponential(every, 120)).astype(int) + 1)
    days = days[days < SPAN].astype(np.int32)
    return stand[days] * rng.normal(1, 0.06, len(days)) + 0.08, days


def find(values: np.ndarray, days: np.ndarray, open_ground: np.ndarray | None = None, **changed: float):
    values = np.atleast_2d(values).astype(np.float32)
    ground = np.zeros(values.shape, bool) if open_ground is None else np.atleast_2d(open_ground)
    return main_harvest(values, ground, days, **(RULES | changed))


@pytest.mark.parametrize(
    ("name", "earlier", "every", "make"),
    [
        ("maize, bare after", 0, 6, lambda at: cut(at, 4, up=35)),
        ("peas, then mustard killed in November", 60, 6, lambda at: cut(at, 4) + cover(at + 20, day("2021-11-10"), 4)),
        ("barley, then mustard killed in November", 60, 6, lambda at: ripe(at, 5) + cover(at + 20, day("2021-11-08"), 4)),  # noqa: E501
        ("wheat, volunteers", 45, 6, lambda at: ripe(at, 5) + cover(at + 25, day("2021-10-01"), 1.2)),
        ("wheat, cover crop all winter", 45, 6, lambda at: ripe(at, 5) + cover(at + 25, SPAN, 3)),
        ("beans sown in July", 0, 2, lambda at: cut(at, 3.5, up=80)),
        ("maize after a cut of rye in spring", 0, 4, lambda at: cut(4, 3) + cut(at, 4, up=40)),
    ],
)  # fmt: skip
def test_harvest_is_found_within_a_week(name: str, earlier: int, every: float, make) -> None:
    rng = np.random.default_rng(len(name))
    errors = []
    for _ in range(80):
        at = day("2021-09-15") - earlier + int(rng.integers(-10, 15))
        found = find(*looks(make(at), rng, every))
        errors.append(found.day[0] - at)
    known = np.array(errors)[np.isfinite(errors)]
    assert len(known) >= 0.9 * len(errors), name
    assert np.mean(np.abs(known) <= 8) >= 0.85, (name, known.round())
    assert np.abs(np.median(known)) <= 3, name


@pytest.mark.parametrize(("every", "least"), [(4, 1.0), (10, 0.97)])
def test_cover_crop_is_not_taken_for_the_main_crop(every: float, least: float) -> None:
    rng = np.random.default_rng(5)
    right = []
    for _ in range(200):
        harvest = day("2021-07-05") + int(rng.integers(0, 50))
        end = day("2021-10-25") + int(rng.integers(0, 30))
        main = ripe(harvest, 3) if rng.random() < 0.5 else cut(harvest, 3)
        found = find(*looks(main + cover(harvest + 15, end, 5), rng, every))
        # The cover crop's own fall is larger and later. Only where clouds hide the time between the two does one stand
        # seem to last from the one to the other.
        right.append(found.status[0] != 0 or found.day[0] < end - 25)
    assert np.mean(right) >= least


def test_stays_low_for_two_looks() -> None:
    days = np.arange(0, 150, 5, dtype=np.int32)
    stand = np.where(days < 100, 4.0, 0.1)
    cloud = stand.copy()
    cloud[8] = 0.2
    assert find(cloud, days).day[0] == find(stand, days).day[0] == 97.5
    assert find(stand, days).before[0] == 95
    assert find(stand, days).after[0] == 100
    # At the end of the data a single low look proves nothing yet.
    assert REASONS[find(stand[:21], days[:21]).status[0]] == "no fall until the end of the window"
    assert REASONS[find(stand[:22], days[:22]).status[0]] == ""


def test_harvest_is_before_a_look_at_open_ground() -> None:
    days = np.arange(0, 250, 5, dtype=np.int32)
    stand = ripe(85, 5)[days]
    assert find(stand, days).day[0] == pytest.approx(85, abs=2)
    opened = find(stand, days, days >= 75)
    assert 70 <= opened.day[0] <= 75
    assert opened.ripened[0]
    # Open at the first look after the fall: it was cut.
    maize = cut(100, 4)[days]
    assert not find(maize, days, days >= 100).ripened[0]
    assert find(maize, days, days >= 100).day[0] == 97.5


def test_long_gap_does_not_tell_cut_from_ripened_and_open_ground_does() -> None:
    days = np.array([0, 10, 20, 30, 40, 50, 90, 95, 100, 120], np.int32)
    stand = np.where(days < 60, 3.0, 0.3)
    assert find(stand, days).ripened[0]
    assert find(stand, days, days >= 90).day[0] == 70


def test_crops_of_autumn_are_not_brought_in_before_september() -> None:
    days = np.array([day(text) for text in ("2021-07-01", "2021-07-15", "2021-08-27", "2021-09-27", "2021-10-03")])
    opened = days >= days[3]
    found = find([3.0, 4.0, 4.0, 0.2, 0.2], days.astype(np.int32), opened)
    assert found.day[0] == pytest.approx((day("2021-09-08") + day("2021-09-27")) / 2)
    assert found.uncertainty[0] >= (day("2021-09-27") - day("2021-08-27")) / 2
    days[2:4] = day("2021-08-14"), day("2021-09-17")
    early = find([3.0, 4.0, 4.0, 0.2, 0.2], days.astype(np.int32), opened)
    assert early.day[0] < day("2021-09-08")
    days[2:4] = day("2021-08-21"), day("2021-09-05")
    before = find([3.0, 4.0, 4.0, 0.2, 0.2], days.astype(np.int32), opened)
    assert before.day[0] == pytest.approx((day("2021-08-21") + day("2021-09-05")) / 2)


def test_first_look_in_august() -> None:
    days = np.arange(day("2021-08-14"), 250, 5, dtype=np.int32)
    standing = np.where(days < 110, 2.5, 0.2)
    assert find(standing, days).day[0] == pytest.approx(109.5, abs=3)
    # What comes up after the first look is the cover crop.
    later = np.where((days > 90) & (days < 150), 2.5, 0.2)
    assert REASONS[find(later, days).status[0]].startswith("low at the first look")


def test_reasons() -> None:
    days = np.arange(0, 250, 5, dtype=np.int32)
    nothing = np.full(len(days), np.nan)
    bare = np.full(len(days), 0.1)
    assert REASONS[find(nothing, days).status[0]] == "no clear look"
    assert REASONS[find(np.where(days == 50, 3, np.nan), days).status[0]].startswith("fewer than three clear looks")
    assert REASONS[find(bare, days).status[0]] == "no stand above the level"
    assert REASONS[find(bare + 3, days).status[0]] == "no fall until the end of the window"
    assert REASONS[find(np.where(days < 60, 1.0, 0.7), days).status[0]] == "no strong fall"
    assert REASONS[find(np.where(days < 220, 3, 0.1), days).status[0]] == "harvest outside the window"
    # Half of the time between the last high look and the end of the window.
    assert find(np.where(days < 170, 3, np.where(days > 220, 0.1, np.nan)), days).day[0] == (165 + RULES["last"]) / 2
    assert (
        REASONS[find(np.where(days < 12, 3, 0.1), days, ripening=0.0).status[0]] == "below the level before the window"
    )


@given(
    arrays(np.float32, (3, 25), elements=st.one_of(st.just(np.nan), st.floats(0, 8, width=32))),
    st.lists(st.integers(0, 260), min_size=25, max_size=25, unique=True),
)
@settings(max_examples=200)
def test_whatever_the_looks(values: np.ndarray, days: list[int]) -> None:
    at = np.sort(np.array(days, np.int32))
    ground = np.random.default_rng(len(days)).random(values.shape) < 0.3
    found = find(values, at, ground)
    hit = found.status == 0
    assert (np.isfinite(found.day) == hit).all()
    assert ((found.day[hit] >= RULES["first"]) & (found.day[hit] <= RULES["last"])).all()
    assert (found.before[hit] < found.after[hit]).all()
    assert (found.top[hit] - found.floor[hit] >= RULES["strong"] - 1e-5).all()
    assert (found.uncertainty[hit] > 0).all()
    # Each parcel alone gives the same.
    for row in range(3):
        alone = find(values[row], at, ground[row])
        np.testing.assert_array_equal(alone.day[0], found.day[row])
        assert alone.status[0] == found.status[row]
