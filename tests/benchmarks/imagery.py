"""Scenes to products to parcels: lai and markers beside reading the same files."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import rasterio
from rasterio.windows import Window

from sen4cap import l3b
from sen4cap.compiled import in_order
from sen4cap.marker_table import MarkerTable
from sen4cap.markers.kernel import MEAN, PIXELS, moments, statistics
from sen4cap.parcel_shapes import ParcelShapes
from sen4cap.parcels import read_parcels

from . import made, peers
from .estimates import NETWORK_BANDS, beside_numpy, cosines, least, reflectances
from .plan import FULL_SIDE, THREADS, Plan
from .rows import Bound, Findings, Row
from .timing import Sample, apart, command, middle, ratios, take_turns

MARKERS = "LAI,FCOVER,NDVI,NBR2"
MORE, MORE_SCENES = 6, 4
"""Products and scenes that the longer run of markers reads more than the shorter, which reads two.

Two, because a single image is read by both threads, several are read side by side; even numbers, so that each thread
has as many to read.
"""


def measure(plan: Plan) -> Findings:
    """Measure lai, and markers from products and from scenes."""
    found = Findings()
    place = plan.work / f"imagery-{plan.side}"
    scene = made.scene(place / "scene", plan.side, days=6)
    for name, days in (("one", 1), ("few-scenes", 2), ("many-scenes", 2 + MORE_SCENES)):
        made.some_days(scene, place / name, days)
    made.product(place / "product", plan.side, days=2 + MORE)
    made.parcels(place / "parcels.gpkg", plan.parcels, plan.side)
    for part in (_lai, _one_more_raster, _zonal_alone, _markers_of_scenes, _one_more_scene):
        found.extend(part(plan, place))
    return found


def _whole(plan: Plan) -> str:
    return f"{plan.side} x {plan.side} pixels"


def _lai(plan: Plan, place: Path) -> Findings:
    files = peers.paths_of(place / "scene", NETWORK_BANDS)
    turns = take_turns(
        {
            "floor": lambda: apart(peers.read_whole, files, THREADS),
            "lai": lambda: _run_lai(place, "l3b", "LAI,FCOVER,FAPAR"),
        },
        rounds=plan.rounds,
    )
    worst = _against_numpy(place, plan.part)
    alone = apart(beside_numpy, str(place / "scene"), plan.part, plan.rounds).answer
    numpy_times = [Sample(wall * plan.side**2, cpu * plan.side**2, 0) for wall, cpu in alone["matrices"]]
    size = sum(path.stat().st_size for path in (place / "l3b").rglob("*.TIF"))
    work = f"lai: one date, {_whole(plan)}"
    found = Findings(
        rows=[
            Row(
                work,
                f"reading the same {len(files)} files with rasterio, two threads",
                ratios(turns["lai"], turns["floor"]),
                bound=Bound(most=2.5),
                cpu=ratios(turns["lai"], turns["floor"], "cpu"),
                note=f"LAI, FCOVER, FAPAR, their domain flags and the status flags written: {size / 1e6:.0f} MB",
            ),
            *(
                Row(
                    "lai: the three networks alone, kernel, one thread",
                    f"plain numpy, float64, one thread, {how}",
                    [peer[0] / ours[0] for peer, ours in zip(alone[name], alone["kernel"], strict=True)],
                    bound=Bound(least=12),
                    cpu=[peer[1] / ours[1] for peer, ours in zip(alone[name], alone["kernel"], strict=True)],
                    note=f"{plan.part} x {plan.part} pixels; {1e9 * least(alone['kernel']):.1f} against "
                    f"{1e9 * least(alone[name]):.0f} ns a pixel; the kernel takes digital numbers and flags the domain "
                    f"too, numpy takes reflectances of 10 m; values agree within {alone['worst']:.1e}",
                    any_size=True,
                )
                for name, how in (("matrices", "a matrix product a layer"), ("neurons", "neuron by neuron"))
            ),
            Row(
                work,
                "the three networks alone in plain numpy, float64, one thread, a matrix product a layer",
                ratios(numpy_times, turns["lai"]),
                bound=Bound(least=12),
                cpu=ratios(numpy_times, turns["lai"], "cpu"),
                note=f"the command reads, estimates and writes, numpy does neither; it is measured on {plan.part} x "
                f"{plan.part} pixels and scaled; LAI, FCOVER and FAPAR agree within {worst:.4f}, of which 0.001 is the "
                "product's step",
            ),
            Row(work, "", [s.peak_mib for s in turns["lai"]], "MiB", Bound(most=1536), note="peak memory"),
        ],
        numbers={
            "lai_cpu": middle(turns["lai"], "cpu"),
            "lai_wall": middle(turns["lai"]),
            "lai_floor_cpu": middle(turns["floor"], "cpu"),
            "lai_floor_wall": middle(turns["floor"]),
        },
    )
    return found


def _run_lai(place: Path, name: str, variables: str, *, items: str = "one") -> Sample:
    shutil.rmtree(place / name, ignore_errors=True)
    return command(
        *("lai", "--items", items, "--variables", variables, "--threads", THREADS, "--output", name), folder=place
    )


def _against_numpy(place: Path, part: int) -> float:
    """Greatest difference between the product and plain numpy, where the product has a value.

    One pixel in 100,000 may lie on the step of the output rule, where the last bit decides, and is left out.
    """
    expected = peers.networks(reflectances(place / "scene", part), cosines())
    worst = 0.0
    for plane, name in zip(expected, peers.VARIABLES, strict=True):
        (path,) = (place / "l3b").rglob(f"*{l3b.VALUE_KEYS[name]}*.TIF")
        with rasterio.open(path) as raster:
            codes = raster.read(1, window=Window(0, 0, part, part))
        seen = codes != l3b.NODATA
        if seen.mean() < 0.3:
            raise AssertionError(f"{path}: nearly no value")
        worst = max(worst, float(np.quantile(np.abs(codes[seen] * l3b.SCALE - plane[seen]), 1 - 1e-5)))
    if worst > 0.0015:
        raise AssertionError(f"lai and numpy differ by {worst}")
    return worst


def _one_more_raster(plan: Plan, place: Path) -> Findings:
    files = peers.paths_of(place / "product", [l3b.VALUE_KEYS["LAI"], l3b.STATUS_KEY])
    for name, days in (("few", 2), ("many", 2 + MORE)):
        made.some_days(place / "product", place / name, days)
    turns = take_turns(
        {
            "floor": lambda: apart(peers.read_whole, files, THREADS, MORE),
            "few": lambda: _run_markers(place, "few", "LAI"),
            "many": lambda: _run_markers(place, "many", "LAI"),
        },
        rounds=plan.rounds + 2,
    )
    more = _less(turns["many"], turns["few"])
    return Findings(
        rows=[
            Row(
                f"markers: one more product, {_whole(plan)}, {plan.parcels:,} parcels",
                "reading its two files with rasterio",
                ratios(more, turns["floor"]),
                bound=Bound(most=1.15),
                cpu=ratios(more, turns["floor"], "cpu"),
                note=f"the command with {2 + MORE} products less the command with 2; both sides on two threads",
            ),
        ],
        numbers={
            "markers_product_cpu": middle(more, "cpu") / MORE,
            "markers_product_floor_cpu": middle(turns["floor"], "cpu") / MORE,
            "markers_peak": middle(turns["many"], "peak_mib"),
        },
    )


def _less(many: Sequence[Sample], few: Sequence[Sample]) -> list[Sample]:
    """What the longer runs cost more than the shorter ones, round by round."""
    return [Sample(a.wall - b.wall, a.cpu - b.cpu, a.peak_mib) for a, b in zip(many, few, strict=True)]


def _run_markers(place: Path, items: str, variables: str, *, name: str = "") -> Sample:
    return command(
        *("markers", "--items", items, "--parcels", "parcels.gpkg", "--variables", variables, "--threads", THREADS),
        *("--output", f"{name or items}.ipc"),
        folder=place,
    )


def _zonal_alone(plan: Plan, place: Path) -> Findings:
    answer = apart(
        zonal_beside_exactextract, str(place / "product"), str(place / "parcels.gpkg"), plan.side, plan.rounds
    ).answer
    if answer["worst_mean"] > 1e-3 or answer["worst_pixels"] > 1e-3:
        raise AssertionError(f"markers and exactextract differ: {answer}")
    work = f"markers: zonal work of one raster in memory, {plan.parcels:,} parcels, two threads"
    note = (
        f"means agree within {answer['worst_mean']:.1e} of their value, pixel counts within "
        f"{answer['worst_pixels']:.1e}; exactextract from an array in memory, too"
    )
    return Findings(
        rows=[
            Row(
                work,
                "exactextract, count, mean and deviation, which has no threads",
                [a / b for a, b in zip(answer["peer"], answer["ours"], strict=True)],
                bound=Bound(least=100),
                cpu=[a / b for a, b in zip(answer["peer_cpu"], answer["ours_cpu"], strict=True)],
                note=note,
                any_size=True,
            ),
            Row(
                f"markers: set-up once, {plan.parcels:,} parcels on {_whole(plan)}",
                "",
                answer["setup"],
                "s",
                Bound(most=20),
                note="parcels read, shrunk by 5 m, laid on the grid, block by block",
            ),
        ],
        numbers={"zonal_cpu": float(np.median(answer["ours_cpu"])), "setup": float(np.median(answer["setup"]))},
    )


def zonal_beside_exactextract(product: str, parcels: str, side: int, rounds: int) -> dict[str, Any]:
    """Statistics of all parcels by both, in turns, from an array in memory."""
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    with rasterio.open(peers.paths_of(Path(product), [l3b.VALUE_KEYS["LAI"]])[0]) as raster:
        pixels, bounds, crs = raster.read(1), raster.bounds, raster.crs.to_wkt()
    frame = read_parcels(Path(parcels), fields=()).frame
    grid = made.grid(side)
    times: dict[str, list[float]] = {name: [] for name in ("setup", "ours", "ours_cpu", "peer", "peer_cpu")}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        cpu, wall = time.process_time(), time.perf_counter()
        answer = work()
        times[name].append(time.perf_counter() - wall)
        times.setdefault(f"{name}_cpu", []).append(time.process_time() - cpu)
        return answer

    def set_up() -> None:
        found = read_parcels(Path(parcels), fields=()).frame
        ParcelShapes(found.geometry, threads=THREADS).on(grid, buffer=-5.0, height=1024, width=1024)

    blocks, _ = ParcelShapes(frame.geometry, threads=THREADS).on(grid, buffer=0.0, height=1024, width=1024)
    stacks = [np.ascontiguousarray(pixels[b.window.toslices()])[None] for b in blocks]
    usable = [np.ones(stack.shape[1:], bool) for stack in stacks]

    def of_block(k: int) -> np.ndarray:
        block = blocks[k]
        return moments(
            stacks[k], usable[k], nodata=l3b.NODATA, first=block.first, pixel=block.pixel, fraction=block.fraction
        )

    def ours() -> np.ndarray:
        sums = np.zeros((3, 1, len(frame)))
        for block, part in zip(blocks, in_order(of_block, range(len(blocks)), threads=THREADS), strict=True):
            sums[:, :, block.parcels] += part
        return statistics(sums)[:, 0]

    raster = NumPyRasterSource(pixels, *bounds, nodata=l3b.NODATA, srs_wkt=crs)
    ours()
    set_up()
    times["setup"].clear()
    for _ in range(rounds):
        timed("setup", set_up)
        found = timed("ours", ours)
        expected = timed("peer", lambda: exact_extract(raster, frame, ["count", "mean", "stdev"], output="pandas"))
    seen = expected["count"].to_numpy() > 0
    mean = expected["mean"].to_numpy()[seen].astype(float)
    return times | {
        "worst_mean": float((np.abs(found[MEAN][seen] - mean) / np.maximum(np.abs(mean), 1)).max()),
        "worst_pixels": float(np.abs(found[PIXELS] - expected["count"].to_numpy()).max()),
    }


def _markers_of_scenes(plan: Plan, place: Path) -> Findings:
    files = peers.paths_of(place / "scene", NETWORK_BANDS)
    turns = take_turns(
        {
            "floor": lambda: apart(peers.read_whole, files, THREADS),
            "direct": lambda: _run_markers(place, "one", MARKERS, name="direct"),
            "two steps": lambda: _in_two_steps(place, "one"),
        },
        rounds=plan.rounds,
    )
    worst = _differences(place / "direct.ipc", place / "two-steps.ipc")
    work = f"markers from L2A: {MARKERS}, one date, {_whole(plan)}, {plan.parcels:,} parcels"
    return Findings(
        rows=[
            Row(
                work,
                f"reading the same {len(files)} files with rasterio, two threads",
                ratios(turns["direct"], turns["floor"]),
                bound=Bound(most=1.8),
                cpu=ratios(turns["direct"], turns["floor"], "cpu"),
                note="start-up, parcels and their set-up included",
            ),
            Row(
                work,
                "lai, then markers of the products",
                ratios(turns["two steps"], turns["direct"]),
                cpu=ratios(turns["two steps"], turns["direct"], "cpu"),
                note="means agree within "
                + ", ".join(f"{name} {value:.1f}" for name, value in worst.items())
                + " raster units (thousandths); the products are truncated to whole ones; start-up, set-up and reading "
                "are the same for both, so the faster lai is, the smaller this is; the target is for one more date, "
                "below",
            ),
        ],
        numbers={
            "markers_scene_cpu": middle(turns["direct"], "cpu"),
            "markers_scene_wall": middle(turns["direct"]),
            "markers_scene_floor_cpu": middle(turns["floor"], "cpu"),
        },
    )


def _one_more_scene(plan: Plan, place: Path) -> Findings:
    """What a date costs after the first: start-up, parcels and set-up are once a run and have rows of their own."""
    files = peers.paths_of(place / "scene", NETWORK_BANDS)
    few, many = "few-scenes", "many-scenes"
    turns = take_turns(
        {
            "floor": lambda: apart(peers.read_whole, files, THREADS, MORE_SCENES),
            "direct few": lambda: _run_markers(place, few, MARKERS),
            "direct many": lambda: _run_markers(place, many, MARKERS),
            "steps few": lambda: _in_two_steps(place, few),
            "steps many": lambda: _in_two_steps(place, many),
        },
        rounds=plan.rounds,
    )
    direct = _less(turns["direct many"], turns["direct few"])
    steps = _less(turns["steps many"], turns["steps few"])
    work = f"markers from L2A: {MARKERS}, one more date, {_whole(plan)}, {plan.parcels:,} parcels"
    note = f"the commands with {2 + MORE_SCENES} dates less the commands with 2; all on two threads"
    return Findings(
        rows=[
            Row(
                work,
                f"reading the same {len(files)} files with rasterio, two threads",
                ratios(direct, turns["floor"]),
                bound=Bound(most=1.8),
                cpu=ratios(direct, turns["floor"], "cpu"),
                note=note,
            ),
            Row(
                work,
                "lai, then markers of the products",
                ratios(steps, direct),
                bound=Bound(least=3),
                cpu=ratios(steps, direct, "cpu"),
                note=f"{note}; both read the same bands, so the faster lai is, the smaller this is",
            ),
            Row(
                "the same bands read with rasterio, two threads, and nothing made of them",
                "lai, then markers of the products",
                ratios(steps, turns["floor"]),
                cpu=ratios(steps, turns["floor"], "cpu"),
                note="what the row above would be if all but reading cost nothing",
            ),
        ],
    )


def _in_two_steps(place: Path, items: str) -> Sample:
    """Products first, then markers of them; NBR2, which no product has, from the scenes."""
    first = _run_lai(place, "l3b", "LAI,FCOVER,NDVI", items=items)
    second = command(
        *("markers", "--items", "l3b", "--items", items, "--parcels", "parcels.gpkg", "--variables", MARKERS),
        *("--threads", THREADS, "--output", "two-steps.ipc"),
        folder=place,
    )
    return Sample(first.wall + second.wall, first.cpu + second.cpu, max(first.peak_mib, second.peak_mib))


def _differences(one: Path, other: Path) -> dict[str, float]:
    """Greatest difference of the means of two tables, by variable; the same parcels must be seen."""
    tables = [pa.ipc.open_file(pa.memory_map(str(path))).read_all() for path in (one, other)]
    worst = {}
    for marker in (marker for marker in MarkerTable([one]).markers if marker.stat == "mean"):
        a, b = (table.column(marker.name).to_numpy(zero_copy_only=False) for table in tables)
        if not np.array_equal(np.isnan(a), np.isnan(b)):
            raise AssertionError(f"{marker.name}: not the same parcels are seen")
        worst[marker.type] = float(np.nanmax(np.abs(a - b)))
    # The product cuts off up to one unit; NDVI and NBR2 come from the same numbers.
    if max(worst.values()) > 1.1:
        raise AssertionError(f"markers from scenes and from products differ: {worst}")
    return worst


def part_of_tile(plan: Plan) -> float:
    """Share of a whole tile that the large scene is."""
    return (plan.side / FULL_SIDE) ** 2
