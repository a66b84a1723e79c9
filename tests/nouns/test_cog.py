"""COGs written block by block, read back by GDAL."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from sen4cap.cog import TILE, Cog
from sen4cap.grid import Grid


def write(path: Path, array: np.ndarray, *, nodata: int, mean: bool, step: int = 1024, crs: str = "EPSG:32631") -> Grid:
    grid = Grid(crs, Affine(10, 0, 501360, 0, -10, 5629680), array.shape)
    scale = 0.001 if mean else None
    cog = Cog(
        path,
        grid,
        dtype=array.dtype.name,
        nodata=nodata,
        mean=mean,
        scale=scale,
        description="A",
        metadata={"N": "<b>"},
    )
    corners = [(r, c) for r in range(0, array.shape[0], step) for c in range(0, array.shape[1], step)]
    for row, column in corners:
        cog.add(
            cog.encode(np.ascontiguousarray(array[row : row + step, column : column + step]), row=row, column=column)
        )
    cog.finish()
    return grid


def drawn(shape: tuple[int, int], dtype: str, nodata: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    array = rng.integers(*((-200, 8000) if dtype == "int16" else (0, 6)), shape).astype(dtype)
    array[rng.random(shape) < 0.3] = nodata
    return array


def halved(array: np.ndarray, nodata: int, mean: bool) -> np.ndarray:
    """One overview, pixel by pixel in numpy."""
    rows, columns = array.shape
    wide = np.pad(array, ((0, rows % 2), (0, columns % 2)), constant_values=nodata).astype(float)
    if not mean:
        return array[::2, ::2]
    four = np.stack([wide[r::2, c::2] for r in (0, 1) for c in (0, 1)])
    seen = four != nodata
    total = np.where(seen, four, 0).sum(axis=0)
    return np.where(seen.any(axis=0), np.round(total / np.maximum(seen.sum(axis=0), 1)), nodata).astype(array.dtype)


@settings(max_examples=25)
@given(
    st.tuples(st.integers(1, 1300), st.integers(1, 1300)),
    st.sampled_from([("int16", -10000, True), ("uint8", 255, False)]),
    st.sampled_from([512, 1024]),
    st.integers(0, 2**32 - 1),
)
def test_gdal_reads_what_was_written(tmp_path_factory: pytest.TempPathFactory, shape, kind, step, seed) -> None:
    dtype, nodata, mean = kind
    array = drawn(shape, dtype, nodata, seed)
    path = tmp_path_factory.mktemp("cog") / "a.tif"
    grid = write(path, array, nodata=nodata, mean=mean, step=step)
    level = array
    with rasterio.open(path) as raster:
        assert Grid.of(raster) == grid
        assert raster.nodata == nodata
        assert raster.dtypes == (dtype,)
        np.testing.assert_array_equal(raster.read(1), array)
        count = len(raster.overviews(1))
    for index in range(count):
        level = halved(level, nodata, mean)
        with rasterio.open(path, overview_level=index) as raster:
            np.testing.assert_array_equal(raster.read(1), level)
            assert raster.nodata == nodata
    assert max(level.shape) <= TILE
    assert [entry.name for entry in path.parent.iterdir()] == ["a.tif"]


def test_layout_is_that_of_a_cog(tmp_path: Path) -> None:
    """Directories first, overviews from small to large, then full resolution in row order; GDAL knows it for a COG."""
    array = drawn((2100, 1600), "int16", -10000)
    write(tmp_path / "a.tif", array, nodata=-10000, mean=True)
    with rasterio.open(tmp_path / "a.tif") as raster:
        structure = raster.tags(ns="IMAGE_STRUCTURE")
        assert structure["LAYOUT"] == "COG"
        assert structure["COMPRESSION"] == "ZSTD"
        assert raster.tags()["N"] == "<b>"
        assert raster.scales == (0.001,)
        assert raster.descriptions == ("A",)
        assert raster.overviews(1) == [2, 4, 8]
    data = (tmp_path / "a.tif").read_bytes()
    at = struct.unpack_from("<I", data, 4)[0]
    firsts, directories = [], []
    while at:
        directories.append(at)
        entries = struct.unpack_from("<H", data, at)[0]
        tags = {}
        for index in range(entries):
            tag, _, count, value = struct.unpack_from("<HHII", data, at + 2 + 12 * index)
            tags[tag] = (count, value)
        count, value = tags[324]
        offsets = list(struct.unpack_from(f"<{count}I", data, value)) if count > 1 else [value]
        count, value = tags[325]
        sizes = list(struct.unpack_from(f"<{count}I", data, value)) if count > 1 else [value]
        assert offsets == sorted(offsets)
        for offset, size in zip(offsets, sizes, strict=True):
            assert struct.unpack_from("<I", data, offset - 4)[0] == size
            assert data[offset + size : offset + size + 4] == data[offset + size - 4 : offset + size]
        firsts.append(offsets[0])
        at = struct.unpack_from("<I", data, at + 2 + 12 * entries)[0]
    assert directories == sorted(directories)
    assert firsts == sorted(firsts, reverse=True)
    assert directories[-1] < firsts[-1]


def test_any_crs_survives(tmp_path: Path) -> None:
    grid = write(tmp_path / "a.tif", drawn((20, 30), "uint8", 255), nodata=255, mean=False, crs="EPSG:31370")
    with rasterio.open(tmp_path / "a.tif") as raster:
        assert Grid.of(raster) == grid


def test_a_missing_block_is_noticed(tmp_path: Path) -> None:
    grid = Grid("EPSG:32631", Affine(10, 0, 0, 0, -10, 0), (600, 600))
    cog = Cog(tmp_path / "a.tif", grid, dtype="uint8", nodata=255, mean=False, scale=None, description="", metadata={})
    cog.add(cog.encode(np.zeros((512, 512), np.uint8), row=0, column=0))
    with pytest.raises(ValueError, match="1 of 4 tiles"):
        cog.finish()
    cog.discard()
    assert list(tmp_path.iterdir()) == []
