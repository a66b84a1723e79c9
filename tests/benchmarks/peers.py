"""What the suite is compared with: the same work by well-known libraries, or written plainly in numpy."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray

from sen4cap.lai.networks import load


def read_whole(paths: list[str], threads: int, times: int = 1) -> int:
    """Read the first band of every file into memory and nothing more: the floor. Returns the bytes."""

    def one(path: str) -> int:
        with rasterio.open(path) as raster:
            return int(raster.read(1).nbytes)

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(one, paths * times))


def networks(side: int, bands: list[NDArray[np.float32]], cosines: tuple[float, float, float]) -> NDArray[np.float32]:
    """LAI, FAPAR and FCOVER of reflectances at 10 m by plain numpy in float32, in strips that the memory bears."""
    network = load("sen4cap-allbands")
    out = np.empty((3, side, side), np.float32)
    for low in range(0, side, 256):
        rows = slice(low, min(low + 256, side))
        inputs = np.stack([band[rows] for band in bands] + [np.full_like(bands[0][rows], c) for c in cosines], axis=-1)
        for plane, name in zip(out, ("LAI", "FAPAR", "FCOVER"), strict=True):
            part = network.variables[name]
            least, most = part.norm.astype(np.float32).T
            scaled = 2 * (inputs - least) / (most - least) - 1
            hidden = np.tanh(part.b1.astype(np.float32) + scaled @ part.w1.astype(np.float32).T)
            low_y, high_y = part.denorm
            value = 0.5 * (np.float32(part.b2) + hidden @ part.w2.astype(np.float32) + 1) * (high_y - low_y) + low_y
            beyond = (value < part.low - part.tolerance) | (value > part.high + part.tolerance)
            plane[rows] = np.where(beyond, np.clip(value, part.low, part.high), value)
    return out


def exact_means(raster: str, parcels: str) -> Any:
    """Coverage-weighted count, mean and deviation of every parcel by exactextract."""
    from exactextract import exact_extract

    return exact_extract(raster, parcels, ["count", "mean", "stdev"], output="pandas", include_cols=["NewID"])


def copy_bytes(size: int) -> float:
    """Copy so many bytes in memory: the bandwidth that no kernel can beat."""
    source = np.ones(size, np.uint8)
    target = np.empty_like(source)
    np.copyto(target, source)
    return float(target[-1])


def paths_of(folder: Path, names: list[str]) -> list[str]:
    """Files of a made scene."""
    return [str(folder / "files" / f"{name}.tif") for name in names]
