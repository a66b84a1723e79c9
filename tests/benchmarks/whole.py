"""The whole chain of a tile and season: what it costs, and what it costs at least."""

from __future__ import annotations

import shutil
from pathlib import Path

from . import made, peers
from .estimates import NETWORK_BANDS
from .imagery import MARKERS
from .plan import FULL_SIDE, THREADS, Plan
from .rows import Bound, Findings, Row
from .series import END, FOUR, SPAN, TWO
from .timing import Sample, apart, command, middle, take_turns

DATES = 60
"""Dates of a winter season."""

TILE_PARCELS = 50_000
COUNTRY_TILES = 40
EUROS_PER_CORE_HOUR, HOSTED_EUROS = 0.05, 540.0
"""A core-hour of a cloud, and the hosted Sen4CAP services for the winter season of one tile."""


def measure(plan: Plan) -> Findings:
    """Run the chain on a small area with all dates, and its raster part on a large one with six."""
    small, large = plan.work / f"whole-{plan.part}", plan.work / f"imagery-{plan.side}"
    made.scene(small / "scene", plan.part, days=DATES)
    count = max(200, round(TILE_PARCELS * (plan.part / FULL_SIDE) ** 2))
    made.parcels(small / "parcels.gpkg", count, plan.part)
    made.scene(large / "scene", plan.side, days=6)
    made.parcels(large / "parcels.gpkg", plan.parcels, plan.side)
    made.some_days(large / "scene", large / "one", 1)
    series = plan.work / "series"
    name = f"markers-four-{plan.sizes[-2]}.ipc"
    made.marker_table(series / name, plan.sizes[-2], variables=FOUR)
    turns = take_turns(
        {
            "floor of six": lambda: apart(peers.read_whole, peers.paths_of(large / "scene", NETWORK_BANDS), THREADS, 6),
            "six": lambda: _markers(large, "scene"),
            "one": lambda: _markers(large, "one"),
            "after": lambda: _after(series, name),
            "floor of small": lambda: apart(
                peers.read_whole, peers.paths_of(small / "scene", NETWORK_BANDS), THREADS, DATES
            ),
            "small": lambda: _add(_markers(small, "scene"), _after(small, "scene.ipc")),
        },
        rounds=max(1, plan.rounds - 1),
    )
    to_tile = (FULL_SIDE / plan.side) ** 2
    tiles: dict[str, list[tuple[float, float]]] = {"wall": [], "cpu": []}
    for kind, found in tiles.items():
        for six, one, after, floor in zip(
            turns["six"], turns["one"], turns["after"], turns["floor of six"], strict=True
        ):
            a, b, c, d = (getattr(sample, kind) for sample in (six, one, after, floor))
            season = to_tile * (b + (DATES - 1) * (a - b) / 5) + c * TILE_PARCELS / plan.sizes[-2]
            found.append((season, to_tile * d / 6 * DATES))
    hours = sorted(cost for cost, _ in tiles["cpu"])[len(tiles["cpu"]) // 2] / 3600
    small_ratio = [a.cpu / b.cpu for a, b in zip(turns["small"], turns["floor of small"], strict=True)]
    return Findings(
        rows=[
            Row(
                f"the whole chain of a tile and season: {DATES} dates, {TILE_PARCELS:,} parcels",
                "reading all files once with rasterio, two threads",
                [cost / floor for cost, floor in tiles["wall"]],
                bound=Bound(most=2.5),
                cpu=[cost / floor for cost, floor in tiles["cpu"]],
                note=f"markers from L2A ({MARKERS}) of six dates of {plan.side} x {plan.side} pixels, smooth, season, "
                f"soil, harvest, intercrop of {plan.sizes[-2]:,} parcels; scaled",
            ),
            Row(
                f"the same chain run whole on {plan.part} x {plan.part} pixels, {count:,} parcels, {DATES} dates",
                "reading all files once with rasterio, two threads",
                [a.wall / b.wall for a, b in zip(turns["small"], turns["floor of small"], strict=True)],
                cpu=small_ratio,
                note="six commands' start-up included",
            ),
        ],
        numbers={
            "tile_hours": hours,
            "tile_euros": hours * EUROS_PER_CORE_HOUR,
            "country_hours": hours * COUNTRY_TILES,
            "country_euros": hours * COUNTRY_TILES * EUROS_PER_CORE_HOUR,
            "after_cpu": middle(turns["after"], "cpu") * TILE_PARCELS / plan.sizes[-2],
        },
    )


def _add(*samples: Sample) -> Sample:
    return Sample(sum(s.wall for s in samples), sum(s.cpu for s in samples), max(s.peak_mib for s in samples))


def _markers(place: Path, items: str) -> Sample:
    return command(
        *("markers", "--items", items, "--parcels", "parcels.gpkg", "--variables", MARKERS, "--threads", THREADS),
        *("--output", f"{items}.ipc"),
        folder=place,
    )


def _after(place: Path, markers: str) -> Sample:
    """Everything that follows the marker table."""
    folder = place / "after"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    table = f"../{markers}"
    steps = (
        ("smooth", "--markers", table, *SPAN, "--variables", ",".join(TWO), "--threads", THREADS),
        ("season", "--series", "series.arrow", "--markers", table, "--threads", THREADS),
        ("soil", "--markers", table, "--start", made.START, "--end", END, "--threads", THREADS),
        ("harvest", "--series", "series.arrow"),
        ("intercrop", "--season", "season.csv", "--harvest", "harvest.csv", "--soil", "soil.csv"),
    )
    return _add(*(command(*words, folder=folder) for words in steps))
