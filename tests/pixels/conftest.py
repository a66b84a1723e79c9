"""A catalogue of products over fields with known dates, and a way to run the command on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner, Result

from made_products import END, START, write_products
from sen4cap.cli import main


@pytest.fixture
def products(tmp_path: Path) -> Path:
    """L3B catalogue with a look every few days; the first column is under cloud on all."""
    return write_products(tmp_path / "l3b")


@pytest.fixture
def run_pixels(tmp_path: Path) -> Callable[..., Result]:
    """Run the command; the span is the season's."""

    def run(*words: object, output: str = "pixels") -> Result:
        span = ("--start", START.isoformat(), "--end", END.isoformat(), "--output", str(tmp_path / output))
        return CliRunner().invoke(main, ["pixels", *map(str, words), *span])

    return run


@pytest.fixture
def maps(tmp_path: Path) -> Callable[..., dict[str, np.ndarray]]:
    """Read the maps of a finished run, by asset."""

    def read(output: str = "pixels") -> dict[str, np.ndarray]:
        found = {}
        for path in sorted((tmp_path / output).glob("*/*.tif")):
            with rasterio.open(path) as raster:
                found[path.stem] = raster.read(1)
        return found

    return read
