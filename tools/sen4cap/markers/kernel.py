"""Statistics of parcels over rasters. Arrays in, arrays out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled, compiled_fast

PIXELS, MEAN, STDEV = 0, 1, 2
"""Planes of an array of statistics."""


def moments(
    values: NDArray[Any],
    usable: NDArray[np.bool_],
    *,
    nodata: float,
    first: NDArray[np.int64],
    pixel: NDArray[np.int32],
    fraction: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Coverage-weighted sums of several variables over parcels, in one block of a raster.

    Each pixel counts with the fraction of it that the parcel covers. Sums of several blocks are added.

    Parameters
    ----------
    values : (variable, row, column)
        Of any number type; `nodata` and NaN are left out, each variable by itself.
    usable : (row, column)
        False where no variable counts, such as under cloud.
    nodata
        Number that means no data; NaN where there is none.
    first, pixel, fraction : (parcel + 1,), (entry,), (entry,)
        Pixels of each parcel inside the block, as `coverage.Block` has them.

    Returns
    -------
    (3, variable, parcel)
        float64: sum of fractions, of fraction x value, and of fraction x value squared.
    """
    count, pixels = len(values), usable.size
    # Whole numbers of 16 bits are exact in single precision, those of 32 bits in double.
    found = np.empty((count, pixels), np.result_type(values.dtype, np.float32))
    _pick(values.reshape(count, pixels), usable.reshape(pixels), nodata, found)
    sums = np.zeros((3, count, len(first) - 1))
    _add_moments(found, first, pixel, fraction, sums)
    return sums


def statistics(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixel count, mean and standard deviation from the sums of `moments`.

    The standard deviation is that of the covered area itself (weights not reduced by one), as exactextract has it.

    Parameters
    ----------
    sums : (3, ...)

    Returns
    -------
    (3, ...)
        Pixels (sum of fractions), mean, standard deviation; the last two NaN where there is no pixel.
    """
    pixels, total, squares = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / pixels
        variance = squares / pixels - mean**2
    # What rounding leaves of equal values is no spread.
    variance = np.where(variance > 1e-13 * mean**2, variance, np.where(np.isnan(variance), np.nan, 0.0))
    return np.stack([pixels, mean, np.sqrt(variance)])


def normalised_difference(high: NDArray[np.float32], low: NDArray[np.float32]) -> NDArray[np.float32]:
    """(high - low) / (high + low) of two reflectances: NDVI of B08 and B04, NBR2 of B11 and B12.

    Returns
    -------
    Same shape
        float32, -1 to 1 (negative reflectance would lead beyond: clipped); NaN where one is NaN or the sum is not
        positive.
    """
    out = np.empty(high.shape, np.float32)
    _normalise(high.reshape(-1), low.reshape(-1), out.reshape(-1))
    return out


def polarisation_ratio(vv: NDArray[np.float32], vh: NDArray[np.float32], *, decibel: bool) -> NDArray[np.float32]:
    """VV over VH in dB: the difference where the inputs are in dB, 10 log10 of the quotient where they are power.

    Returns
    -------
    Same shape
        float32; NaN where one is NaN or, for power, not positive.
    """
    if decibel:
        return vv - vh
    with np.errstate(invalid="ignore", divide="ignore"):
        quotient = np.where((vv > 0) & (vh > 0), vv / vh, np.nan)
        return (10 * np.log10(quotient)).astype(np.float32)


@compiled
def _normalise(high, low, out):  # type: ignore[no-untyped-def]
    least, most, nothing = np.float32(-1), np.float32(1), np.float32(np.nan)
    for i in range(len(out)):
        total = high[i] + low[i]
        out[i] = min(max((high[i] - low[i]) / total, least), most) if total > 0 else nothing


@compiled_fast
def _pick(values, usable, nodata, found):  # type: ignore[no-untyped-def]
    """Write the pixels that count, NaN for the others.

    In the order of memory, so that it streams: parcel by parcel each line of a raster would be waited for.
    """
    for variable in range(len(values)):
        row, out = values[variable], found[variable]
        for i in range(len(usable)):
            counts = usable[i] & (np.float64(row[i]) != nodata)
            out[i] = row[i] if counts else np.nan


@compiled_fast
def _add_moments(values, first, pixel, fraction, sums):  # type: ignore[no-untyped-def]
    """Add the sums of one block; without branches on the pixels, so that sums run side by side in vector lanes."""
    for parcel in range(len(first) - 1):
        # Unsigned, so that no index is checked for being negative.
        low, past = np.uint64(first[parcel]), np.uint64(first[parcel + 1])
        for variable in range(len(values)):
            row = values[variable]
            pixels = total = squares = 0.0
            for k in range(low, past):
                found = np.float64(row[np.uint32(pixel[k])])
                counts = found == found
                weight = np.float64(fraction[k]) if counts else 0.0
                value = found if counts else 0.0
                weighted = weight * value
                pixels += weight
                total += weighted
                squares += weighted * value
            sums[0, variable, parcel] += pixels
            sums[1, variable, parcel] += total
            sums[2, variable, parcel] += squares
