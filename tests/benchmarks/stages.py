"""Where the time goes: the steps of lai and markers on some blocks of a scene, each beside its physical floor."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sen4cap import l3b
from sen4cap.cog import TILE, Cog
from sen4cap.lai.folded import fold
from sen4cap.lai.kernel import biophysical, biophysical_with_domain, coded, domain_flags, statuses
from sen4cap.lai.networks import load
from sen4cap.lai.product import layers_of
from sen4cap.markers.kernel import moments
from sen4cap.parcel_shapes import ParcelShapes
from sen4cap.parcels import read_parcels
from sen4cap.scene import Scene, reading
from sen4cap.stac import open_items

from . import made, peers
from .estimates import NETWORK_BANDS
from .plan import Plan
from .rows import Findings, Part
from .timing import apart

VARIABLES = ("LAI", "FCOVER", "FAPAR")
DECODE, COPY = "rasterio reading the same files, one thread", "a copy of the bytes that go in and out"


def measure(plan: Plan) -> Findings:
    """Time the steps on the scene that `imagery` made."""
    place = plan.work / f"imagery-{plan.side}"
    made.scene(place / "scene", plan.side, days=6)
    made.some_days(place / "scene", place / "one", 1)
    made.parcels(place / "parcels.gpkg", plan.parcels, plan.side)
    found = Findings()
    answer = apart(steps, str(place), plan.side).answer
    for work, parts in answer.items():
        for part, (seconds, floor, what) in parts.items():
            found.parts.append(Part(work, part, seconds, floor, what))
    return found


def steps(folder: str, side: int) -> dict[str, dict[str, tuple[float, float, str]]]:
    """Seconds of one core by work and step, for the whole scene."""
    place = Path(folder)
    decode = time.process_time()
    peers.read_whole(peers.paths_of(place / "scene", NETWORK_BANDS), 1)
    decode = time.process_time() - decode
    network = load("sen4cap-allbands")
    clock = _Clock()
    with reading(), Scene.open(open_items(place / "one")[0], network.bands) as scene:
        folded = fold(network, VARIABLES, fine=scene.fine, coarse=scene.coarse, scaling=scene.scaling)
        table = l3b.status_table(l3b.CLEAR_CLASSES)
        cogs = [
            Cog(
                place / f"steps-{number}.tif",
                scene.grid,
                dtype=layer.dtype,
                nodata=layer.nodata,
                mean=layer.is_value,
                scale=None,
                description="",
                metadata={},
            )
            for number, layer in enumerate(layers_of(VARIABLES))
        ]
        shapes = ParcelShapes(read_parcels(place / "parcels.gpkg", fields=()).frame.geometry, threads=1)
        first = scene.windows()[0]
        blocks, _ = shapes.on(scene.grid, buffer=-5.0, height=int(first.height), width=int(first.width))
        for counted in (False, True):
            clock.begin(counted)
            for window in scene.windows() if counted else [first]:
                for strip in clock.time("lai", "reading and decoding", decode, DECODE, scene.read, window).strips(TILE):
                    _lai_steps(clock, strip, folded, table, cogs)
            for block in blocks if counted else blocks[:1]:
                _marker_steps(clock, scene, block, folded, table, decode)
        for cog in cogs:
            cog.discard()
    return clock.answer()


def _lai_steps(clock: _Clock, strip: Any, folded: Any, table: np.ndarray, cogs: list[Cog]) -> None:
    row, column = int(strip.window.row_off), int(strip.window.col_off)
    status = clock.time("lai", "status flags", COPY, "", statuses, strip.fine, strip.coarse, strip.scl, table)
    values, codes = clock.time(
        "lai", "three networks", COPY, "", biophysical_with_domain, strip.fine, strip.coarse, strip.cosines, folded
    )
    rasters = [clock.time("lai", "coding as integers", COPY, "", coded, value, status) for value in values]
    rasters += [clock.time("lai", "coding as integers", COPY, "", domain_flags, code, status) for code in codes]
    for cog, raster in zip(cogs, [*rasters, status], strict=True):
        clock.time("lai", "tiles, overviews, ZSTD", COPY, "", partial(_encoded, cog, row, column), raster)


def _encoded(cog: Cog, row: int, column: int, raster: np.ndarray) -> int:
    """Compress a block; the sum of what came out."""
    return sum(len(tile) for line in cog.encode(raster, row=row, column=column).tiles for tile in line)


def _marker_steps(clock: _Clock, scene: Scene, block: Any, folded: Any, table: np.ndarray, decode: float) -> None:
    work = "markers from L2A"
    numbers = clock.time(work, "reading, decoding, keeping parcels' pixels", decode, DECODE, scene.read_cells,
                         block.window, block.cells)  # fmt: skip
    values = clock.time(work, "three networks", COPY, "", biophysical, numbers.fine, numbers.coarse, numbers.cosines,
                        folded)  # fmt: skip
    usable = clock.time(work, "status flags", COPY, "", statuses, numbers.fine, numbers.coarse, numbers.scl, table)
    clock.time(
        work, "sums of the parcels, three variables", COPY, "", partial(_sums, block), values, usable == l3b.LAND
    )


def _sums(block: Any, values: np.ndarray, usable: np.ndarray) -> np.ndarray:
    return moments(values, usable, nodata=np.nan, first=block.first, pixel=block.packed, fraction=block.fraction)


class _Clock:
    """Seconds of processor by work and step, and the floor of each."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, str], float] = {}
        self._floors: dict[tuple[str, str], tuple[float, str]] = {}
        self._counted = False
        size = 1 << 28
        source, target = np.ones(size, np.uint8), np.ones(size, np.uint8)
        cpu = time.thread_time()
        np.copyto(target, source)
        self._per_byte = (time.thread_time() - cpu) / size

    def begin(self, counted: bool) -> None:
        self._counted = counted

    def time(self, work: str, step: str, floor: float | str, what: str, call: Callable[..., Any], *given: Any) -> Any:
        """Call and count; the floor of a step without one is a copy of the arrays that it gives."""
        cpu = time.thread_time()
        answer = call(*given)
        cpu = time.thread_time() - cpu
        if self._counted:
            key = (work, step)
            self._seconds[key] = self._seconds.get(key, 0.0) + cpu
            if isinstance(floor, float):
                self._floors[key] = (floor, what)
            else:
                size = sum(array.nbytes for array in _arrays([*given, answer]))
                self._floors[key] = (self._floors.get(key, (0.0, ""))[0] + self._per_byte * size / 2, COPY)
        return answer

    def answer(self) -> dict[str, dict[str, tuple[float, float, str]]]:
        found: dict[str, dict[str, tuple[float, float, str]]] = {}
        for (work, step), seconds in self._seconds.items():
            found.setdefault(work, {})[step] = (seconds, *self._floors[work, step])
        return found


def _arrays(things: list[Any]) -> list[np.ndarray]:
    found = []
    for thing in things:
        if isinstance(thing, np.ndarray):
            found.append(thing)
        elif isinstance(thing, tuple):
            found += _arrays(list(thing))
    return found
