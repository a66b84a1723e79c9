"""Bare days of a period against a day-by-day plain loop, on anything hypothesis can think of."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sen4cap.intercrop.kernel import BareDays, Periods

LAST = 60


@st.composite
def parcels(draw: st.DrawFn) -> dict:
    edges = sorted(draw(st.sets(st.integers(0, LAST), min_size=0, max_size=8)))
    # Some pieces are left out: before, after and in holes the nearer interval counts.
    pieces = [(a, b, draw(st.booleans())) for a, b in itertools.pairwise(edges) if draw(st.booleans())]
    start = draw(st.integers(-20, LAST + 20))
    end = start + draw(st.integers(0, LAST))
    before, after = sorted(draw(st.tuples(st.integers(-30, LAST + 30), st.integers(-30, LAST + 30))))
    return {"pieces": pieces, "start": start, "end": end, "before": before, "after": after}


def by_hand(parcel: dict) -> dict[str, int]:
    pieces = parcel["pieces"]
    if not pieces:
        return dict.fromkeys(("bare", "covered", "before", "after", "extended"), -1)
    found = dict.fromkeys(("bare", "covered", "before", "after", "extended"), 0)
    for day in range(parcel["start"], parcel["end"]):
        distances = [(max(a - day, day - (b - 1), 0), a, bare) for a, b, bare in pieces]
        distance, _, bare = min(distances)
        found["extended"] += distance > 0
        found["bare" if bare else "covered"] += 1
        found["before"] += bare and day < parcel["before"]
        found["after"] += bare and day >= parcel["after"]
    return found


@given(st.lists(parcels(), min_size=1, max_size=4), st.integers(1, 5), st.randoms())
@settings(max_examples=300)
def test_agrees_with_a_plain_loop_and_keeps_its_identities(field: list[dict], block: int, random) -> None:
    periods = {name: np.array([parcel[name] for parcel in field], np.int32) for name in ("start", "end")}
    days = BareDays(
        Periods(
            **periods,
            before_end=np.array([parcel["before"] for parcel in field], np.int32),
            after_start=np.array([parcel["after"] for parcel in field], np.int32),
        )
    )
    # The intervals of several parcels may be mixed, and may come in blocks.
    queues = [[(row, *piece) for piece in parcel["pieces"]] for row, parcel in enumerate(field)]
    queues.append([(-1, 0, 10, True), (-1, 5, 6, False)])
    mixed = []
    while any(queues):
        mixed.append(random.choice([queue for queue in queues if queue]).pop(0))
    for first in range(0, len(mixed), block):
        row, start, end, bare = (np.array(cells) for cells in zip(*mixed[first : first + block], strict=True))
        assert days.add(row, start, end, bare) == -1
    found = days.result()
    for row, parcel in enumerate(field):
        got = {name: int(values[row]) for name, values in found.items()}
        assert got == by_hand(parcel)
        if parcel["pieces"]:
            assert got["bare"] + got["covered"] == parcel["end"] - parcel["start"]
            assert got["before"] + got["after"] <= got["bare"]


def test_overlapping_intervals_are_told() -> None:
    period = np.array([0], np.int32), np.array([30], np.int32)
    days = BareDays(Periods(*period, *period))
    row = np.zeros(3, int)
    assert days.add(row, np.array([0, 10, 15]), np.array([10, 20, 25]), np.array([True, False, True])) == 2
    other = BareDays(Periods(*period, *period))
    assert other.add(row[:2], np.array([10, 0]), np.array([20, 10]), np.array([True, False])) == 1
