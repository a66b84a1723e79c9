"""Fetching a season from an object store that answers late."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

from made_scenes import COARSE, FINE

from . import made
from .plan import Plan
from .rows import Bound, Findings, Row
from .timing import TESTS, Sample, apart, command, middle, ratios, take_turns

LATENCY_S = 0.03
WORKERS = 32
SIDE, LEFT = 240, 1324
"""The window: pixels of its side at 10 m, and of its corner's row and column; inside one tile of every file."""

TILE = 4096
"""Pixels of the side of the scene that the window is cut from."""


def measure(plan: Plan) -> Findings:
    """Copy a season of a window, many assets at a time and one after the other."""
    place = plan.work / "network"
    scene = made.scene(plan.work / f"imagery-{TILE}" / "scene", TILE, days=6)
    parcels = _parcel(place / "parcels.gpkg")
    names = [*FINE, *COARSE]
    few = max(2, plan.dates // 10)
    with _store(scene / "files") as environment:
        catalogue = _catalogue(place / "catalogue", scene, plan.dates)

        def fetch() -> Sample:
            shutil.rmtree(place / "l2a", ignore_errors=True)
            return command(
                *("fetch", "--catalog", catalogue, "--collection", "sentinel-2-l2a", "--parcels", parcels),
                *("--start", "2021-08-01", "--end", "2022-07-31", "--max-workers", WORKERS, "--output", "l2a"),
                folder=place,
                environment=environment,
            )

        turns = take_turns(
            {
                "fetch": fetch,
                "peer": lambda: apart(one_after_the_other, environment, names, few, str(place / "plain")),
            },
            rounds=plan.rounds,
        )
    worst = _same_pixels(place, names)
    scale = plan.dates / few
    scaled = [Sample(s.wall * scale, s.cpu * scale, s.peak_mib) for s in turns["peer"]]
    return Findings(
        rows=[
            Row(
                f"fetch: {plan.dates} dates x {len(names)} assets of a window of {SIDE} x {SIDE} pixels, "
                f"{1000 * LATENCY_S:.0f} ms to every answer",
                "one asset after the other by rasterio, GDAL's settings as they come",
                ratios(scaled, turns["fetch"]),
                bound=Bound(least=10),
                note=f"{WORKERS} workers, start-up included; {few} dates by the peer, scaled; pixels are the same "
                f"({worst} differ)",
            )
        ],
        numbers={"fetch_wall": middle(turns["fetch"]), "fetch_cpu": middle(turns["fetch"], "cpu")},
    )


def one_after_the_other(environment: dict[str, str], names: list[str], dates: int, folder: str) -> None:
    """Cut the window out of every asset of so many dates, plainly."""
    os.environ.update(environment)
    for date in range(dates):
        for name in names:
            place = Path(folder) / str(date)
            place.mkdir(parents=True, exist_ok=True)
            step = 1 if name in FINE else 2
            with rasterio.open(f"s3://eodata/{date}/{name}.tif") as source:
                window = Window(LEFT // step, LEFT // step, SIDE // step, SIDE // step)
                pixels = source.read(1, window=window)
                profile = source.profile | {"height": pixels.shape[0], "width": pixels.shape[1], "tiled": False}
                profile |= {"transform": source.window_transform(window)}
                for option in ("blockxsize", "blockysize"):
                    profile.pop(option, None)
            with rasterio.open(place / f"{name}.tif", "w", **profile) as sink:
                sink.write(pixels, 1)


def _same_pixels(place: Path, names: list[str]) -> int:
    """Count pixels that differ between both copies of the first date, where both lie."""
    (first,) = sorted(place.glob("l2a/*_20210803_*"))
    keys = {**FINE, **COARSE}
    worst = 0
    for name in names:
        with (
            rasterio.open(first / f"{keys[name]}.tif") as ours,
            rasterio.open(place / "plain/0" / f"{name}.tif") as plain,
        ):
            window = plain.window(*ours.bounds).round_offsets().round_lengths()
            numbers = plain.read(1, window=window, boundless=True)
            inside = plain.read_masks(1, window=window, boundless=True) > 0
            if inside.mean() < 0.5:
                raise AssertionError(f"{name}: the windows do not overlap")
            worst += int((ours.read(1)[inside] != numbers[inside]).sum())
    if worst:
        raise AssertionError(f"fetch and rasterio differ in {worst} pixels")
    return worst


def _parcel(path: Path) -> Path:
    """One square parcel that fills the window but for the margin that fetch adds."""
    import geopandas as gpd
    import shapely

    path.parent.mkdir(parents=True, exist_ok=True)
    corner = np.array([made.WEST + 10 * LEFT, made.NORTH - 10 * (LEFT + SIDE)])
    square = shapely.box(*(corner + 200), *(corner + 10 * SIDE - 200))
    gpd.GeoDataFrame({"NewID": [1]}, geometry=[square], crs=made.CRS).to_file(path)
    return path


def _catalogue(folder: Path, scene: Path, dates: int) -> Path:
    """A static catalogue whose items refer to the store."""
    from pyproj import Transformer

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    record = json.loads((scene / "catalog.json").read_text())
    first = json.loads((scene / record["links"][0]["href"]).read_text())
    side = 10.0 * TILE
    across = Transformer.from_crs(made.CRS, "EPSG:4326", always_xy=True)
    ring = [
        list(across.transform(made.WEST + x * side, made.NORTH - y * side))
        for x, y in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))
    ]
    xs, ys = zip(*ring, strict=True)
    links = []
    for number, day in enumerate(made.dates(dates)):
        assets = {
            key: {**first["assets"][key], "href": f"s3://eodata/{number}/{name}.tif", "type": "image/tiff"}
            for name, key in {**FINE, **COARSE}.items()
        }
        item = first | {
            "id": f"S2A_31UES_{day:%Y%m%d}_0_L2A",
            "properties": first["properties"] | {"datetime": f"{day:%Y-%m-%dT%H:%M:%SZ}", "proj:code": made.CRS},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "bbox": [min(xs), min(ys), max(xs), max(ys)],
            "assets": assets,
            "collection": "sentinel-2-l2a",
        }
        (folder / f"{item['id']}.json").write_text(json.dumps(item))
        links.append({"rel": "item", "href": f"./{item['id']}.json"})
    collection = {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": "sentinel-2-l2a",
        "description": "Benchmark",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[-180, -90, 180, 90]]},
            "temporal": {"interval": [["2015-01-01T00:00:00Z", None]]},
        },
        "links": links,
    }
    (folder / "collection.json").write_text(json.dumps(collection))
    child = [{"rel": "child", "href": "./collection.json"}]
    record = {"type": "Catalog", "stac_version": "1.0.0", "id": "store", "description": "Benchmark", "links": child}
    (folder / "catalog.json").write_text(json.dumps(record))
    return folder


@contextlib.contextmanager
def _store(folder: Path) -> Iterator[dict[str, str]]:
    """The object store in a process of its own; the variables that lead to it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.slow_store", str(folder), str(LATENCY_S)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    try:
        port = process.stdout.readline().strip() if process.stdout else ""
        yield {
            "AWS_S3_ENDPOINT": f"127.0.0.1:{port}",
            "AWS_HTTPS": "NO",
            "AWS_VIRTUAL_HOSTING": "FALSE",
            "AWS_NO_SIGN_REQUEST": "YES",
            "AWS_REGION": "us-east-1",
        }
    finally:
        process.terminate()
        process.wait()
