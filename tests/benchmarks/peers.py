"""What the suite is compared with: the same work by well-known libraries, or written plainly in numpy."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from scipy.signal import savgol_filter
from whittaker_eilers import WhittakerSmoother

from sen4cap.lai.networks import Perceptron, load


def read_whole(paths: list[str], threads: int, times: int = 1) -> int:
    """Read the first band of every file into memory and nothing more: the floor. Returns the bytes."""

    def one(path: str) -> int:
        with rasterio.open(path) as raster:
            return int(raster.read(1).nbytes)

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(one, paths * times))


VARIABLES = ("LAI", "FAPAR", "FCOVER")
Cosines = tuple[float, float, float]


def networks(bands: list[NDArray[np.float64]], cosines: Cosines) -> NDArray[np.float64]:
    """LAI, FAPAR and FCOVER of reflectances at 10 m, a matrix product a layer, in strips that the memory bears."""
    network = load("sen4cap-allbands")
    out = np.empty((3, *bands[0].shape))
    for low in range(0, len(bands[0]), 256):
        rows = slice(low, low + 256)
        inputs = np.stack([band[rows] for band in bands] + [np.full_like(bands[0][rows], c) for c in cosines], axis=-1)
        for plane, name in zip(out, VARIABLES, strict=True):
            part = network.variables[name]
            least, most = part.norm.T
            hidden = np.tanh(part.b1 + (2 * (inputs - least) / (most - least) - 1) @ part.w1.T)
            plane[rows] = _clamped(part, part.b2 + hidden @ part.w2)
    return out


def networks_by_neuron(bands: list[NDArray[np.float64]], cosines: Cosines) -> NDArray[np.float64]:
    """As `networks`, band by band and neuron by neuron, which leaves the numbers where they are."""
    network = load("sen4cap-allbands")
    out = np.empty((3, *bands[0].shape))
    for low in range(0, len(bands[0]), 256):
        rows = slice(low, low + 256)
        inputs = [*(band[rows] for band in bands), *cosines]
        for plane, name in zip(out, VARIABLES, strict=True):
            part = network.variables[name]
            scaled = [
                2 * (value - least) / (most - least) - 1 for value, (least, most) in zip(inputs, part.norm, strict=True)
            ]
            value = part.b2
            for weights, bias, weight in zip(part.w1, part.b1, part.w2, strict=True):
                value = value + weight * np.tanh(bias + sum(w * x for w, x in zip(weights, scaled, strict=True)))
            plane[rows] = _clamped(part, value)
    return out


def _clamped(part: Perceptron, output: NDArray[np.float64]) -> NDArray[np.float64]:
    """Units of the variable, and Sen4CAP's rule of the output."""
    low, high = part.denorm
    value = 0.5 * (output + 1) * (high - low) + low
    beyond = (value < part.low - part.tolerance) | (value > part.high + part.tolerance)
    return np.where(beyond, np.clip(value, part.low, part.high), value)


def whittaker_daily(at: NDArray, values: NDArray, weights: NDArray, days: int, roughness: float) -> NDArray[np.float32]:
    """Daily series by whittaker-eilers: a smoother built for each series with its weights, one pass, no reweighting."""
    out = np.full((len(values), days), np.nan, np.float32)
    for row, looks, given in zip(out, values, weights, strict=True):
        seen = np.isfinite(looks)
        first, last = int(at[seen][0]), int(at[seen][-1])
        weight, target = np.zeros(last - first + 1), np.zeros(last - first + 1)
        weight[at[seen] - first], target[at[seen] - first] = given[seen], looks[seen]
        smoother = WhittakerSmoother(lmbda=roughness, order=2, data_length=len(target), weights=list(weight))
        row[first : last + 1] = smoother.smooth(list(target))
    return out


@dataclass(frozen=True)
class PlainSeasons:
    """What `plain_seasons` finds; days count from day 0 of the looks, NaN where there is none.

    Attributes
    ----------
    lai, fcover : (parcel, day)
        Series by Savitzky-Golay (61 days, degree 2).
    div : (parcel, day)
        MACD_div of LAI, (5, 10, 5).
    dates : (parcel, 5)
        Green-up, termination, maximum of LAI and of FCOVER between them, green-up of the next crop.
    most : (parcel, 2)
        Those maxima.
    """

    lai: NDArray
    fcover: NDArray
    div: NDArray
    dates: NDArray
    most: NDArray


def plain_seasons(at: NDArray, lai: NDArray, fcover: NDArray, days: int) -> PlainSeasons:
    """Smooth by scipy, WISE, WIST and maxima by numpy, parcel by parcel, as one would write them down from the papers.

    Parameters
    ----------
    at : (look,)
        Day of each look.
    lai, fcover : (parcel, look)
        NaN where not seen.
    days
        Of the daily series.
    """
    found = PlainSeasons(
        *(np.full((len(lai), days), np.nan) for _ in range(3)),
        np.full((len(lai), 5), np.nan),
        np.full((len(lai), 2), np.nan),
    )
    for p in range(len(lai)):
        seen = np.isfinite(lai[p])
        t, y = at[seen], lai[p, seen].astype(float)
        first, span = t[0], slice(t[0], t[-1] + 1)
        v, cover = (_savgol(t, values[p, seen].astype(float)) for values in (lai, fcover))
        div = _macd_div(v)
        found.lai[p, span], found.fcover[p, span], found.div[p, span] = v, cover, div
        top = int(np.argmax(v))
        end = _fastest_decrease(t, y, first + top)
        up = _last_crossing(div, 0, top)
        after = len(v) - 1 if np.isnan(end) else int(end - first)
        begin = 0 if np.isnan(up) else int(up)
        inside = slice(begin, max(after, begin) + 1)
        at_most = begin + int(np.argmax(v[inside])), begin + int(np.argmax(cover[inside]))
        following = after + int(np.argmax(v[after:]))
        found.dates[p] = first + np.array([up, end - first, *at_most, _last_crossing(div, after, following)])
        found.most[p] = v[at_most[0]], cover[at_most[1]]
    return found


def _savgol(t: NDArray, y: NDArray) -> NDArray:
    smooth: NDArray = savgol_filter(np.interp(np.arange(t[0], t[-1] + 1), t, y), 61, 2, mode="interp")
    return smooth


def _macd_div(v: NDArray) -> NDArray:
    def ema(series: NDArray, n: int) -> NDArray:
        b = 2 / (n + 1)
        smoothed = np.empty(len(series))
        level = series[:n].mean()
        for day, value in enumerate(series):
            level = b * value + (1 - b) * level
            smoothed[day] = level
        return smoothed

    macd = ema(v, 5) - ema(v, 10)
    return macd - ema(macd, 5)


def _last_crossing(div: NDArray, begin: int, end: int) -> float:
    """Last day before `end` on which MACD_div comes above zero; NaN if none."""
    inside = div[begin:end]
    crossings = np.flatnonzero((inside[:-1] <= 0) & (inside[1:] > 0)) + 1
    return float(begin + crossings[-1]) if len(crossings) else np.nan


def _fastest_decrease(t: NDArray, y: NDArray, top: int) -> float:
    """Middle of the two looks after the top between which a series falls fastest; NaN if it never falls."""
    late = t >= top
    rate = np.diff(y[late]) / np.diff(t[late])
    if not len(rate) or rate.min() >= 0:
        return np.nan
    k = int(rate.argmin())
    return float(0.5 * (t[late][k] + t[late][k + 1]))


def copy_bytes(size: int) -> float:
    """Copy so many bytes in memory: the bandwidth that no kernel can beat."""
    source = np.ones(size, np.uint8)
    target = np.empty_like(source)
    np.copyto(target, source)
    return float(target[-1])


def paths_of(folder: Path, names: list[str]) -> list[str]:
    """Files of a made scene."""
    return [str(folder / "files" / f"{name}.tif") for name in names]
