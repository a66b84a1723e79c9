"""Tools that may hold less than they read and write give the same answers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from benchmarks import made
from made_scenes import COARSE, FINE
from sen4cap.series import open_series

from .conftest import END, FEW, PARCELS, START

pytestmark = pytest.mark.slow
LIMIT = 480
"""MiB. Of these the interpreter and its libraries take some 230; the marker table and the series are larger."""
SIDE, RASTER_LIMIT = 10980, 1100
"""A whole tile: 2.4 GB in float32, of which two threads hold their blocks."""


def run_chain(table: Path, run: Callable[..., None], folder: str, mib: int) -> None:
    span = ("--start", START, "--end", END)
    run("smooth", "--markers", table, *span, "--threads", 2, "--output", f"{folder}/series.arrow", mib=mib)
    series = ("--series", f"{folder}/series.arrow")
    run("season", *series, "--markers", table, "--threads", 2, "--output", f"{folder}/season.csv", mib=mib)
    run("soil", "--markers", table, *span, "--threads", 2, "--output", f"{folder}/soil.csv", mib=mib)
    run("harvest", *series, "--threads", 2, "--output", f"{folder}/harvest.csv", mib=mib)
    given = [word for name in ("season", "harvest", "soil") for word in (f"--{name}", f"{folder}/{name}.csv")]
    run("intercrop", *given, "--output", f"{folder}/intercrop.csv", mib=mib)


def test_series_larger_than_the_limit(tables: tuple[Path, Path], limited: Callable[..., None], tmp_path: Path) -> None:
    many, few = tables
    run_chain(many, limited, "many", LIMIT)
    run_chain(few, limited, "few", 0)
    assert min(many.stat().st_size, (tmp_path / "many/series.arrow").stat().st_size) > LIMIT << 20
    with open_series(tmp_path / "many/series.arrow") as large, open_series(tmp_path / "few/series.arrow") as small:
        for name in small:
            np.testing.assert_array_equal(large[name].to_numpy()[:FEW], small[name].to_numpy())
    for name in ("season", "soil", "harvest", "intercrop"):
        with (tmp_path / f"many/{name}.csv").open() as large, (tmp_path / f"few/{name}.csv").open() as small:
            expected = small.read().splitlines()
            assert len(expected) > FEW / 2
            assert list(map(str.rstrip, itertools.islice(large, len(expected)))) == expected
    dated = [line for line in (tmp_path / "many/season.csv").read_text().splitlines() if line.split(",")[1][:2] == "20"]
    assert len(dated) > 0.8 * PARCELS / 25


def flat_scene(folder: Path, side: int) -> Path:
    """Catalogue of one scene whose bands hold one number each: large in memory, small on disk."""
    place = folder / "files"
    place.mkdir(parents=True)
    for name in (*FINE, *COARSE):
        size = 10 if name in FINE else 20
        number, dtype = (4, "uint8") if name == "SCL" else (made.LEVEL[name], "uint16")
        with rasterio.open(
            place / f"{name}.tif", "w", driver="GTiff", width=side * 10 // size, height=side * 10 // size, count=1,
            dtype=dtype, crs=made.CRS, transform=Affine(size, 0, made.WEST, 0, -size, made.NORTH), nodata=0,
            tiled=True, blockxsize=1024, blockysize=1024, compress="zstd",
        ) as sink:  # fmt: skip
            for _, window in sink.block_windows(1):
                sink.write(np.full((window.height, window.width), number, dtype), 1, window=window)
    return made.catalogue_of(folder, made.dates(1))


def test_images_larger_than_the_limit(limited: Callable[..., None], tmp_path: Path) -> None:
    large, small = flat_scene(tmp_path / "large", SIDE), flat_scene(tmp_path / "small", 64)
    for name, items, mib in (("large", large, RASTER_LIMIT), ("small", small, 0)):
        limited("lai", "--items", items, "--threads", 2, "--output", f"l3b-{name}", mib=mib)
    for path in sorted((tmp_path / "l3b-small").rglob("*.TIF")):
        with rasterio.open(path) as source:
            expected = np.unique(source.read(1))
        with rasterio.open(tmp_path / "l3b-large" / path.relative_to(tmp_path / "l3b-small")) as source:
            assert source.shape == (SIDE, SIDE)
            for _, window in source.block_windows(1):
                np.testing.assert_array_equal(np.unique(source.read(1, window=window)), expected)


def test_parcels_of_an_image_larger_than_the_limit(limited: Callable[..., None], tmp_path: Path) -> None:
    large = flat_scene(tmp_path / "large", SIDE)
    fields = made.parcels(tmp_path / "parcels.gpkg", 3000, SIDE)
    words = ("markers", "--items", large, "--parcels", fields, "--threads", 2)
    limited(*words, "--output", "limited.ipc", mib=RASTER_LIMIT)
    limited(*words, "--output", "free.ipc", mib=0)
    assert (tmp_path / "limited.ipc").read_bytes() == (tmp_path / "free.ipc").read_bytes()
