"""LAI, FAPAR and FCOVER, NDVI, status and codes from blocks of digital numbers. Arrays in, arrays out.

The networks themselves are evaluated in one compiled pass, see `folded`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import l3b
from ..compiled import compiled_fast
from .folded import Folded, contiguous, evaluate, mark_zeros

# As numbers of the arrays' own types, so that the compiled loops stay in narrow lanes.
_SNOW, _CLOUD, _NO_DATA, _FLAG_NODATA = (np.uint8(code) for code in (l3b.SNOW, l3b.CLOUD, l3b.NO_DATA, l3b.FLAG_NODATA))
_NODATA = np.int16(l3b.NODATA)


def biophysical(
    fine: NDArray[Any], coarse: NDArray[Any], cosines: NDArray[np.float32], folded: Folded
) -> NDArray[np.float32]:
    """LAI, FAPAR, FCOVER of a block at 10 m, 20 m bands repeated (nearest neighbour).

    Parameters
    ----------
    fine : (fine band, row, column)
        Digital numbers at 10 m, 0 nodata; an even number of rows and columns. Integers.
    coarse : (coarse band, row / 2, column / 2)
        Digital numbers at 20 m, of the same type. May hold no band.
    cosines : (3,) or (3, row / 2, column / 2)
        Cosines of view zenith, sun zenith and relative azimuth, for the block or for each 20 m pixel.
    folded
        From `fold`, for the same order of bands.

    Returns
    -------
    (variable, row, column)
        float32 in units of the variable after its output rule; NaN where a band that the network reads has no data or,
        for SNAP's networks, the output lies beyond the tolerance. Clouds are not looked at. Within 1e-4 of
        `Perceptron.raw` and `bounded` in float64.

    Notes
    -----
    Equations: `Perceptron.raw`.
    """
    rows, columns = _shape(fine, coarse)
    out = np.empty((len(folded.variables), rows, columns), np.float32)
    codes = np.empty((0, rows, columns), np.uint8)
    evaluate(fine, coarse, cosines, folded, out, codes)
    return out


def biophysical_with_domain(
    fine: NDArray[Any], coarse: NDArray[Any], cosines: NDArray[np.float32], folded: Folded
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """As `biophysical`, and the domain code of every value.

    Returns
    -------
    (variable, row, column), (variable, row, column)
        Values; codes, uint8: 0 inside, 1 a reflectance outside the range of the training (where published), 2 and 3
        output too low and too high, beyond the tolerance (wins over 1), 255 no data.
    """
    rows, columns = _shape(fine, coarse)
    out = np.empty((len(folded.variables), rows, columns), np.float32)
    codes = np.empty(out.shape, np.uint8)
    evaluate(fine, coarse, cosines, folded, out, codes)
    return out, codes


def ndvi(red: NDArray[np.float32], nir: NDArray[np.float32]) -> NDArray[np.float32]:
    """Normalised difference vegetation index (B08 - B04) / (B08 + B04).

    Parameters
    ----------
    red, nir : (row, column)
        Reflectance, NaN without data.

    Returns
    -------
    (row, column)
        float32, clipped to -1 .. 1 (negative reflectance would lead beyond); NaN without data or where the sum is not
        positive.
    """
    total = nir + red
    with np.errstate(divide="ignore", invalid="ignore"):
        index = np.clip((nir - red) / total, -1, 1)
    index[~(total > 0)] = np.nan
    return index.astype(np.float32)


def statuses(
    fine: NDArray[Any], coarse: NDArray[Any], scl: NDArray[np.uint8], table: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Status of every 10 m pixel.

    Parameters
    ----------
    fine, coarse
        As for `biophysical`; any of the two may hold no band.
    scl : (row / 2, column / 2)
        Scene classes.
    table : (256,)
        Status by scene class, `l3b.status_table`.

    Returns
    -------
    (row, column)
        uint8; `l3b.NO_DATA` where one of the bands has none.
    """
    out = np.empty((2 * scl.shape[0], 2 * scl.shape[1]), np.uint8)
    _statuses(*contiguous(fine, coarse, scl), table, out)
    return out


def coded(values: NDArray[np.float32], status: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Integer codes of the L3B product: x 1000, truncated towards zero.

    Parameters
    ----------
    values : (row, column)
        NaN invalid; at most 32 in size.
    status : (row, column)
        From `statuses`.

    Returns
    -------
    (row, column)
        int16; `l3b.NODATA` where invalid, and under cloud, snow and no data.
    """
    out = np.empty(values.shape, np.int16)
    _code(*contiguous(values, status), np.float32(round(1 / l3b.SCALE)), out)
    return out


def domain_flags(codes: NDArray[np.uint8], status: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Domain codes as the L3B product holds them: `l3b.FLAG_NODATA` under cloud, snow and no data."""
    out = np.empty(codes.shape, np.uint8)
    _cover(*contiguous(codes, status), out)
    return out


def _shape(fine: NDArray[Any], coarse: NDArray[Any]) -> tuple[int, int]:
    rows, columns = fine.shape[1:]
    if rows % 2 or columns % 2 or coarse.shape[1:] != (rows // 2, columns // 2) or fine.dtype != coarse.dtype:
        raise ValueError(
            f"10 m bands {fine.shape} {fine.dtype} and 20 m bands {coarse.shape} {coarse.dtype} do not fit"
        )
    return rows, columns


@compiled_fast
def _code(values: Any, status: Any, factor: Any, out: Any) -> None:
    for row in range(values.shape[0]):
        line, given, codes = values[row], status[row], out[row]
        for i in range(len(line)):
            value = line[i] * factor
            bad = (value != value) | (given[i] == _SNOW) | (given[i] == _CLOUD) | (given[i] == _NO_DATA)
            codes[i] = _NODATA if bad else np.int16(value)


@compiled_fast
def _cover(codes: Any, status: Any, out: Any) -> None:
    for row in range(codes.shape[0]):
        line, given, flags = codes[row], status[row], out[row]
        for i in range(len(line)):
            bad = (given[i] == _SNOW) | (given[i] == _CLOUD) | (given[i] == _NO_DATA)
            flags[i] = _FLAG_NODATA if bad else line[i]


@compiled_fast
def _statuses(fine: Any, coarse: Any, scl: Any, table: Any, out: Any) -> None:
    half = scl.shape[1]
    line = np.empty(half, np.uint8)
    empty = np.empty(2 * half, np.uint8)
    empty_coarse = np.empty(half, np.uint8)
    for row in range(scl.shape[0]):
        empty_coarse[:] = 0
        for band in range(coarse.shape[0]):
            mark_zeros(coarse[band, row], empty_coarse)
        for i in range(half):
            line[i] = _NO_DATA if empty_coarse[i] else table[scl[row, i]]
        for r in range(2 * row, 2 * row + 2):
            empty[:] = 0
            for band in range(fine.shape[0]):
                mark_zeros(fine[band, r], empty)
            _spread(line, out[r])
            for i in range(2 * half):
                out[r, i] = _NO_DATA if empty[i] else out[r, i]


@compiled_fast
def _spread(coarse: Any, out: Any) -> None:
    """Repeat every 20 m value for its two 10 m columns."""
    for i in range(len(coarse)):
        out[2 * i] = coarse[i]
        out[2 * i + 1] = coarse[i]
