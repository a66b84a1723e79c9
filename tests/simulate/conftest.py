"""A small simulated season, written once for all tests of this folder."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from sen4cap.cli import main
from sen4cap.seasons import Season
from sen4cap.simulate import Landscape, draw_landscape

SMALL = ("--season", "2021", "--parcels-count", "14", "--seed", "5", "--start", "2022-01-05", "--end", "2022-02-12")


def run_simulate(output: Path, *more: str) -> None:
    answer = CliRunner().invoke(main, ["simulate", *SMALL, "--label-noise", "0", "--output", str(output), *more])
    assert answer.exit_code == 0, answer.output


@pytest.fixture(scope="session")
def season_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("season") / "sim"
    run_simulate(folder)
    return folder


@pytest.fixture(scope="session")
def simulate_small():
    return run_simulate


@pytest.fixture(scope="session")
def landscape() -> Landscape:
    return draw_landscape(
        700,
        season=Season(2021),
        seed=3,
        latitude=50.9,
        start=datetime.date(2021, 1, 1),
        end=datetime.date(2022, 12, 31),
    )
