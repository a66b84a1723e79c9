"""What the suite is compared with: the same work by well-known libraries, or written plainly in numpy."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray

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


def exact_means(raster: str, parcels: str) -> Any:
    """Coverage-weighted count, mean and deviation of every parcel by exactextract."""
    from exactextract import exact_extract

    return exact_extract(raster, parcels, ["count", "mean", "stdev"], output="pandas", include_cols=["NewID"])


def whittaker_daily(at: NDArray, values: NDArray, weights: NDArray, days: int, roughness: float) -> NDArray[np.float32]:
    """Daily series by whittaker-eilers: a smoother built for each series with its weights, one pass, no reweighting."""
    from whittaker_eilers import WhittakerSmoother

    out = np.full((len(values), days), np.nan, np.float32)
    for row, looks, given in zip(out, values, weights, strict=True):
        seen = np.isfinite(looks)
        first, last = int(at[seen][0]), int(at[seen][-1])
        weight, target = np.zeros(last - first + 1), np.zeros(last - first + 1)
        weight[at[seen] - first], target[at[seen] - first] = given[seen], looks[seen]
        smoother = WhittakerSmoother(lmbda=roughness, order=2, data_length=len(target), weights=list(weight))
        row[first : last + 1] = smoother.smooth(list(target))
    return out


def plain_season(at: NDArray, looks: NDArray, days: int) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Smooth by scipy, WISE and WIST by numpy, parcel by parcel, as one would write them down from the papers.

    Parameters
    ----------
    at : (look,)
        Day of each look.
    looks : (parcel, look)
        NaN where not seen.
    days
        Of the daily series.

    Returns
    -------
    (parcel, day), (parcel, day), (parcel,), (parcel,)
        Series by Savitzky-Golay (61 days, degree 2), MACD_div of (5, 10, 5), green-up, termination; NaN where there is
        none.
    """
    from scipy.signal import lfilter, savgol_filter

    def ema(v: NDArray, n: int) -> NDArray:
        b = 2 / (n + 1)
        smoothed: NDArray = lfilter([b], [1, b - 1], v, zi=[(1 - b) * v[:n].mean()])[0]
        return smoothed

    series = np.full((len(looks), days), np.nan)
    div = np.full((len(looks), days), np.nan)
    green_up, termination = np.full(len(looks), np.nan), np.full(len(looks), np.nan)
    for p, values in enumerate(looks):
        seen = np.isfinite(values)
        t, y = at[seen], values[seen].astype(float)
        grid = np.arange(t[0], t[-1] + 1)
        v = savgol_filter(np.interp(grid, t, y), 61, 2, mode="interp")
        series[p, t[0] : t[-1] + 1] = v
        macd = ema(v, 5) - ema(v, 10)
        found = macd - ema(macd, 5)
        div[p, t[0] : t[-1] + 1] = found
        top = int(np.argmax(v))
        crossings = np.flatnonzero((found[:-1] <= 0) & (found[1:] > 0)) + 1
        crossings = crossings[crossings < top]
        if len(crossings):
            green_up[p] = t[0] + crossings[-1]
        senescent = t >= t[0] + top
        rate = np.diff(y[senescent]) / np.diff(t[senescent])
        if len(rate) and rate.min() < 0:
            at_fall = t[senescent]
            k = int(rate.argmin())
            termination[p] = 0.5 * (at_fall[k] + at_fall[k + 1])
    return series, div, green_up, termination


def copy_bytes(size: int) -> float:
    """Copy so many bytes in memory: the bandwidth that no kernel can beat."""
    source = np.ones(size, np.uint8)
    target = np.empty_like(source)
    np.copyto(target, source)
    return float(target[-1])


def paths_of(folder: Path, names: list[str]) -> list[str]:
    """Files of a made scene."""
    return [str(folder / "files" / f"{name}.tif") for name in names]
