"""The first example on every tool's page and the figures of the science pages are made of what `make demo` leaves."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sen4cap.cli import TOOLS

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def beside_demo(season: Path, season_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a demo/ like that of the checkout."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "demo" / "wcc").mkdir(parents=True)
    (folder / "demo" / "sim").symlink_to(season)
    (folder / "demo" / "wcc" / "report").symlink_to(season_run)
    return folder


@pytest.mark.parametrize("tool", TOOLS)
def test_first_example_runs(tool: str, beside_demo: Path, environment: dict[str, str]) -> None:
    page = (ROOT / "docs" / "tools" / f"{tool}.md").read_text()
    example = re.search(rf"^    (sen4cap {tool} -(?:.*\\\n)*.*)$", page, flags=re.MULTILINE)
    assert example is not None
    words = shlex.split(example.group(1).replace("\\\n", " "))
    if tool == "simulate":
        words[words.index("--parcels-count") + 1] = "4"
    done = subprocess.run(words, cwd=beside_demo, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_figures_of_the_science_pages(beside_demo: Path, environment: dict[str, str]) -> None:
    seen = pd.read_csv(beside_demo / "demo" / "wcc" / "report" / "season.csv").dropna(subset=["Em_d", "Ter_d"])
    parcel = str(seen["NewID"].iloc[0])
    script = str(ROOT / "scripts" / "science_figures.py")
    command = [sys.executable, script, "demo", "images", "--dates", parcel, "--smooth", parcel]
    done = subprocess.run(command, cwd=beside_demo, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = sorted((beside_demo / "images").glob("*.png"))
    assert [path.name for path in figures] == [
        path.name for path in sorted((ROOT / "docs" / "images" / "science").glob("*.png"))
    ]
    for path in figures:
        with Image.open(path) as picture:
            assert np.ptp(np.asarray(picture)) > 200
