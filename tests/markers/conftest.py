"""What the tests of markers share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from click.testing import CliRunner, Result

from markers.catalogues import NORTH, WEST, Archive
from sen4cap.cli import main


@pytest.fixture
def archive(tmp_path: Path) -> Callable[[str], Archive]:
    return lambda name: Archive(tmp_path / name)


@pytest.fixture
def fields_file(tmp_path: Path) -> Path:
    """Parcels in the Belgian CRS, one overlapping another."""
    random = np.random.default_rng(5)
    x, y = WEST + random.uniform(60, 740, 12), NORTH - random.uniform(60, 540, 12)
    drawn = [
        shapely.Point(a, b).buffer(40 + 4 * i, quad_segs=2 + i % 3) for i, (a, b) in enumerate(zip(x, y, strict=True))
    ]
    drawn[1] = shapely.affinity.translate(drawn[0], 15, 5)
    frame = gpd.GeoDataFrame({"NewID": np.arange(101, 113)}, geometry=drawn, crs="EPSG:32631").to_crs(31370)
    frame.to_file(tmp_path / "parcels.gpkg")
    return tmp_path / "parcels.gpkg"


@pytest.fixture
def sen4cap() -> Callable[..., Result]:
    """Run the command line; fail on anything but the exit code expected."""

    def run(*words: object, code: int = 0) -> Result:
        result = CliRunner().invoke(main, [str(word) for word in words])
        assert result.exit_code == code, result.output + repr(result.exception)
        return result

    return run


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder of the test's own: the default --output lies in the current one."""
    monkeypatch.chdir(tmp_path)
