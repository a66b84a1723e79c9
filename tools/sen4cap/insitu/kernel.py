"""Labels of pixels and parcels from the HRL secondary crop emergence. Arrays in, arrays out."""

from __future__ import annotations

import datetime

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

WCC, NWCC = 0, 1
"""Places of the two labels among `MEANINGS`."""
CODES = {
    65530: "no secondary season",
    0: "no annual cropland",
    65526: "fallow land",
    65527: "no field geometry",
    65529: "a bare period outside the year",
    65531: "too few observations",
    65532: "no season",
    65533: "outside the season limits",
    65534: "no confidence",
    65535: "outside the area",
}
"""What the codes of the layer mean that are no date; the first makes a parcel one without a cover crop."""
MEANINGS = ("a secondary crop in the season", *CODES.values(), "emergence outside the season", "unknown code")
OUTSIDE_SEASON, UNKNOWN = len(MEANINGS) - 2, len(MEANINGS) - 1
LEAST_FRACTION = 0.5
"""Part of a pixel that a parcel must cover for the pixel to count."""
EPOCH = datetime.date(1970, 1, 1)
NO_DAY = np.int32(-1)


def coded_days(values: NDArray[np.uint16], /) -> NDArray[np.int32]:
    """Day of each pixel, as days since 1970-01-01; -1 where the value is no date.

    Values are YYDOY: 21267 is day 267 of 2021.
    """
    days = _DAY_OF_VALUE[values]
    return days


def pixel_labels(
    emergence: NDArray[np.uint16],
    harvest: NDArray[np.uint16] | None,
    /,
    *,
    earliest: datetime.date,
    latest: datetime.date,
) -> NDArray[np.uint8]:
    """What each pixel says, as a place in `MEANINGS`.

    A date counts as a winter cover crop where it lies after the main harvest (where that is given and a date, and not
    before the year of `earliest`), else from `earliest` on, and up to `latest`. The product of year N also holds
    secondary seasons before the main crop, in the first months of N: they fall under "outside the season".

    Parameters
    ----------
    emergence : any shape
        CPSCE.
    harvest : same shape
        CPMCH, or None.
    earliest, latest
        First and last day, included.
    """
    labels = _PLACE_OF_VALUE[emergence]
    day = _DAY_OF_VALUE[emergence]
    dated = day != NO_DAY
    first = np.full(emergence.shape, (earliest - EPOCH).days, np.int32)
    if harvest is not None:
        gone = _DAY_OF_VALUE[harvest]
        year_start = (datetime.date(earliest.year, 1, 1) - EPOCH).days
        first = np.where(gone >= year_start, gone + 1, first)
    inside = dated & (day >= first) & (day <= (latest - EPOCH).days)
    labels[inside] = WCC
    labels[dated & ~inside] = OUTSIDE_SEASON
    return labels


def tally(
    labels: NDArray[np.uint8],
    days: NDArray[np.int32],
    parcels: NDArray[np.int32],
    first: NDArray[np.int64],
    pixel: NDArray[np.int32],
    fraction: NDArray[np.float32],
    counts: NDArray[np.int32],
    /,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Add the pixels of one window to the parcels' counts.

    Parameters
    ----------
    labels, days : (pixel,)
        Of the window, row-major.
    parcels, first, pixel, fraction
        Of a `coverage.Block`. Pixels count that a parcel covers by half or more.
    counts : (all parcels, meaning) int32
        Added to in place.

    Returns
    -------
    (entry,) int32, (entry,) int32
        Parcel and day of every pixel with a secondary crop in the season.
    """
    room = np.empty((2, len(pixel)), np.int32)
    count = _tally(labels, days, parcels, first, pixel, fraction, counts, room)
    return room[0, :count].copy(), room[1, :count].copy()


def median_days(parcel: NDArray[np.int32], day: NDArray[np.int32], count: int, /) -> NDArray[np.float64]:
    """Median day of each of `count` parcels; NaN where it has no pixel with one."""
    order = np.lexsort((day, parcel))
    parcel, day = parcel[order], day[order]
    start = np.searchsorted(parcel, np.arange(count))
    stop = np.searchsorted(parcel, np.arange(count), side="right")
    median = np.full(count, np.nan)
    some = stop > start
    low = day[((start + stop - 1) // 2)[some]]
    high = day[((start + stop) // 2)[some]]
    median[some] = (low + high) / 2
    return median


def parcel_labels(
    counts: NDArray[np.int32], /, *, least_pixels: int, purity: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.object_]]:
    """Label of each parcel by its majority.

    Parameters
    ----------
    counts : (parcel, meaning)
        Pixels by `MEANINGS`.
    least_pixels
        Parcels with fewer pixels get no label.
    purity
        Least share of a parcel's pixels that must agree; pixels without a label count against it.

    Returns
    -------
    label : (parcel,)
        1 winter cover crop, 2 none, 0 no label.
    purity : (parcel,)
        Share of the more frequent label among all pixels; NaN where there is none.
    reason : (parcel,) object
        Why there is no label; ''.
    """
    pixels = counts.sum(axis=1)
    wins = np.where(counts[:, WCC] >= counts[:, NWCC], WCC, NWCC)
    most = counts[np.arange(len(counts)), wins]
    with np.errstate(invalid="ignore"):
        share = most / pixels
    others = counts[:, 2:]
    leading = others.argmax(axis=1) + 2 if len(counts) else np.zeros(0, int)
    tied = counts[:, WCC] == counts[:, NWCC]
    label = np.where((pixels >= least_pixels) & (share >= purity) & ~tied, wins + 1, 0)
    reason = np.full(len(counts), "", dtype=object)
    for place in range(2, len(MEANINGS)):
        reason[(label == 0) & (leading == place) & (others.sum(axis=1) > most)] = f"mostly {MEANINGS[place]}"
    reason[(label == 0) & (reason == "")] = f"mixed: fewer than {purity:.0%} of the pixels agree"
    reason[pixels < least_pixels] = f"fewer than {least_pixels} pixels"
    reason[pixels == 0] = "outside the raster, or too small to hold a pixel"
    return label, share, reason


def _tables() -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Day and meaning of all 65536 values."""
    day = np.full(65536, NO_DAY, np.int32)
    place = np.full(65536, UNKNOWN, np.uint8)
    for year in range(10, 65):
        start = (datetime.date(2000 + year, 1, 1) - EPOCH).days
        length = (datetime.date(2001 + year, 1, 1) - EPOCH).days - start
        day[year * 1000 + 1 : year * 1000 + length + 1] = start + np.arange(length)
    for number, code in enumerate(CODES, start=1):
        place[code] = number
    return day, place


_DAY_OF_VALUE, _PLACE_OF_VALUE = _tables()


@compiled
def _tally(labels, days, parcels, first, pixel, fraction, counts, room):  # type: ignore[no-untyped-def]
    found = 0
    for row in range(len(parcels)):
        parcel = parcels[row]
        for entry in range(first[row], first[row + 1]):
            if fraction[entry] < LEAST_FRACTION:
                continue
            label = labels[pixel[entry]]
            counts[parcel, label] += 1
            if label == WCC:
                room[0, found] = parcel
                room[1, found] = days[pixel[entry]]
                found += 1
    return found
