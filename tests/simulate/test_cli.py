"""The command line: spans, tiles, systems, and the extra that PROSAIL needs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner, Result

from sen4cap.cli import main

TINY = ("--season", "2021", "--parcels-count", "4", "--seed", "1", "--start", "2021-09-01", "--end", "2021-09-09")


def call(output: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *TINY, *more, "--output", str(output)])


def test_start_after_end_is_wrong_usage(tmp_path: Path) -> None:
    answer = call(tmp_path / "sim", "--end", "2021-08-01")
    assert answer.exit_code == 2
    assert "after" in answer.output
    assert not list(tmp_path.iterdir())


def test_a_span_beyond_the_simulated_years_is_wrong_usage(tmp_path: Path) -> None:
    answer = call(tmp_path / "sim", "--end", "2023-03-01")
    assert answer.exit_code == 2
    assert "2022-12-31" in answer.output


@pytest.mark.parametrize("tile", ["31UF", "99XYZ", "31IOS"])
def test_no_such_tile(tmp_path: Path, tile: str) -> None:
    answer = call(tmp_path / "sim", "--tile", tile)
    assert answer.exit_code == 2
    assert tile in answer.output


def test_parcels_system_of_another_country(tmp_path: Path) -> None:
    answer = call(tmp_path / "sim", "--tile", "33UUP")
    assert answer.exit_code == 2
    assert "EPSG:31370" in answer.output
    assert call(tmp_path / "sim", "--crs", "EPSG:nonsense").exit_code == 2


def test_another_place(tmp_path: Path) -> None:
    answer = call(tmp_path / "sim", "--tile", "33UUP", "--crs", "EPSG:31258", "--clouds", "none")
    assert answer.exit_code == 0, answer.output
    with rasterio.open(next((tmp_path / "sim").glob("*/B04.tif"))) as raster:
        assert raster.crs.to_epsg() == 32633
    for path in (tmp_path / "sim").glob("*/SCL.tif"):
        with rasterio.open(path) as raster:
            assert not np.isin(raster.read(1), (3, 8, 9, 10)).any()


def test_prosail_is_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "prosail" else real(name, *rest)
    )
    answer = call(tmp_path / "sim", "--canopy", "prosail")
    assert answer.exit_code == 2
    assert "sen4cap[prosail]" in answer.output


def test_prosail_gives_nearly_the_same_images(tmp_path: Path) -> None:
    pytest.importorskip("prosail", reason="the extra `prosail` is not installed")
    for name in ("gap-fraction", "prosail"):
        answer = call(tmp_path / name, "--canopy", name, "--clouds", "none", "--end", "2021-09-04")
        assert answer.exit_code == 0, answer.output
    for path in (tmp_path / "prosail").glob("*/B*.tif"):
        with rasterio.open(path) as one, rasterio.open(tmp_path / "gap-fraction" / path.parent.name / path.name) as two:
            apart = (one.read(1).astype(float) - two.read(1)) / 1e4
        assert np.sqrt((apart**2).mean()) < 0.02


def test_nothing_but_results_on_standard_output(tmp_path: Path) -> None:
    assert call(tmp_path / "sim").stdout == ""
