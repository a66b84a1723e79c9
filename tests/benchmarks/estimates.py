"""The networks' kernel beside plain numpy."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.windows import Window

from sen4cap.lai.folded import fold
from sen4cap.lai.kernel import biophysical_with_domain
from sen4cap.lai.networks import load
from sen4cap.scene import Scene, reading
from sen4cap.stac import open_items

from . import made, peers

NETWORK_BANDS = [*load("sen4cap-allbands").bands, "SCL"]
"""Files that lai reads, and markers of LAI, FCOVER, NDVI and NBR2 too."""


def beside_numpy(scene: str, part: int, rounds: int) -> dict[str, Any]:
    """Seconds a pixel, on the clock and of processor, of the kernel and of numpy in turns, on one thread.

    Both work on the upper left part of the scene, which is in memory.
    """
    from threadpoolctl import threadpool_limits

    network = load("sen4cap-allbands")
    item = open_items(Path(scene))[0]
    with reading(), Scene.open(item, network.bands) as opened:
        block = opened.read(Window(0, 0, part, part))
        folded = fold(network, peers.VARIABLES, fine=opened.fine, coarse=opened.coarse, scaling=opened.scaling)
    given = block.fine, block.coarse, block.cosines, folded
    plain = reflectances(Path(scene), part), cosines()
    work = {
        "kernel": lambda: biophysical_with_domain(*given)[0],
        "matrices": lambda: peers.networks(*plain),
        "neurons": lambda: peers.networks_by_neuron(*plain),
    }
    biophysical_with_domain(*given)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
    found = {}
    with threadpool_limits(1):
        for _ in range(rounds):
            for name, call in work.items():
                wall, cpu = time.perf_counter(), time.process_time()
                found[name] = call()
                cost = time.perf_counter() - wall, time.process_time() - cpu
                times[name].append((cost[0] / part**2, cost[1] / part**2))
    seen = np.isfinite(found["kernel"])
    worst = 0.0
    for name in ("matrices", "neurons"):
        # One pixel in 100,000 may lie on the step of the output rule, where the last bit decides.
        worst = max(worst, float(np.quantile(np.abs(found["kernel"][seen] - found[name][seen]), 1 - 1e-5)))
    if worst > 1e-4 or seen.mean() < 0.3:
        raise AssertionError(f"the kernel and numpy differ by {worst}")
    return {**times, "worst": worst}


def least(times: list[tuple[float, float]]) -> float:
    """Least seconds of processor of some rounds."""
    return min(cpu for _, cpu in times)


def reflectances(scene: Path, part: int) -> list[np.ndarray]:
    found = []
    for path in peers.paths_of(scene, NETWORK_BANDS[:-1]):
        with rasterio.open(path) as raster:
            step = round(raster.res[0] / 10)
            numbers = raster.read(1, window=Window(0, 0, part // step, part // step))
        found.append((numbers * 0.0001 - 0.1).repeat(step, axis=0).repeat(step, axis=1))
    return found


def cosines() -> tuple[float, float, float]:
    angles = made.ANGLES
    return (
        math.cos(math.radians(angles["view:incidence_angle"])),
        math.cos(math.radians(90 - angles["view:sun_elevation"])),
        math.cos(math.radians(angles["view:sun_azimuth"] - angles["view:azimuth"])),
    )
