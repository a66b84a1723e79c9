"""A landscape astride two tiles: both show the same acquisitions, the middle third twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio
from pyproj import Transformer

from sen4cap.errors import BadInput
from sen4cap.grid import Grid
from sen4cap.simulate.shares import shares

AT_THE_BORDER = ("--tile", "31UGS", "--second-tile", "32ULB", "--crs", "EPSG:25832", "--clouds", "clear")


@pytest.fixture(scope="module")
def two_tiles(tmp_path_factory: pytest.TempPathFactory, simulate_small) -> Path:
    folder = tmp_path_factory.mktemp("two") / "sim"
    simulate_small(folder, *AT_THE_BORDER)
    return folder


@pytest.fixture(scope="module")
def one_tile(tmp_path_factory: pytest.TempPathFactory, simulate_small) -> Path:
    folder = tmp_path_factory.mktemp("one") / "sim"
    simulate_small(folder, *AT_THE_BORDER[:2], *AT_THE_BORDER[4:])
    return folder


def items(folder: Path) -> dict[tuple[str, str], pystac.Item]:
    """Items by day and tile."""
    found = pystac.Catalog.from_file(str(folder / "catalog.json")).get_items()
    return {(item.datetime.isoformat(), item.properties["grid:code"]): item for item in found}


def test_every_acquisition_is_on_both(two_tiles: Path, one_tile: Path) -> None:
    days = sorted(day for day, _ in items(one_tile))
    assert sorted(items(two_tiles)) == sorted((day, f"MGRS-{tile}") for day in days for tile in ("31UGS", "32ULB"))
    for name in ("truth.csv", "insitu.csv", "l4c.csv"):
        assert (two_tiles / name).read_bytes() == (one_tile / name).read_bytes()


@pytest.mark.parametrize(("tile", "zone"), [("31UGS", 32631), ("32ULB", 32632)])
@pytest.mark.parametrize(("asset", "size"), [("red", 10), ("swir16", 20), ("scl", 20)])
def test_pixels_are_those_of_the_single_tile(
    two_tiles: Path, one_tile: Path, tile: str, zone: int, asset: str, size: int
) -> None:
    """Wherever a tile has data, they are those of the nearest pixel of the whole landscape."""
    whole = items(one_tile)
    for (day, code), item in items(two_tiles).items():
        if code != f"MGRS-{tile}":
            continue
        with (
            rasterio.open(item.assets[asset].get_absolute_href()) as part,
            rasterio.open(whole[day, "MGRS-31UGS"].assets[asset].get_absolute_href()) as source,
        ):
            assert part.crs.to_epsg() == zone
            assert part.res == (size, size)
            values, pixels = part.read(1), source.read(1)
            row, column = np.nonzero(values)
            x, y = part.transform @ (column + 0.5, row + 0.5)
            x, y = Transformer.from_crs(part.crs, source.crs, always_xy=True).transform(x, y)
            column_there, row_there = ~source.transform @ (np.asarray(x), np.asarray(y))
            same = pixels[row_there.astype(int), column_there.astype(int)] == values[row, column]
            assert same.mean() > 0.98  # GDAL projects line by line, so a pixel in a hundred is its neighbour
            held = np.unique(column_there.astype(int)).size / source.width
            assert 0.6 < held < (0.7 if zone == 32631 else 0.85)  # the turned grid holds some corners more


def test_a_tile_far_away_is_refused() -> None:
    grid = Grid("EPSG:32631", rasterio.Affine(10, 0, 741_000, 0, -10, 5_640_000), (300, 300))
    assert list(shares(grid, "31UGS", "32ULB")) == ["31UGS", "32ULB"]
    with pytest.raises(BadInput, match="tile 31UDS: does not show the landscape"):
        shares(grid, "31UGS", "31UDS")
