"""What tests of several tools share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from made_scenes import Catalogue

# The same examples in every run: a change is judged by what it changed. HYPOTHESIS_PROFILE=search draws new ones.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

ROOT = Path(__file__).parents[1]
BORDER = (
    *("--season", "2021", "--parcels-count", "60", "--mean-area", "6", "--seed", "1"),
    *("--tile", "31UGS", "--crs", "EPSG:25832"),
)
"""A landscape near the border of two UTM zones."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no process is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def simulate(folder: Path, *options: str) -> None:
    """Simulate a season as a user would."""
    command = [str(Path(sys.executable).with_name("sen4cap")), "simulate", *options, "--output", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the shared test data; SEN4CAP_SHARED names it, else it lies beside the checkout."""
    folder = Path(os.environ.get("SEN4CAP_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no shared test data at {folder}; set SEN4CAP_SHARED to the folder that holds data/")
    return folder


@pytest.fixture(scope="session")
def border_season(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated season of a landscape astride two tiles of two UTM zones."""
    folder = tmp_path_factory.mktemp("border") / "sim"
    simulate(folder, *BORDER, "--second-tile", "32ULB")
    return folder


@pytest.fixture(scope="session")
def whole_season(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the season of `border_season` as one tile shows all of it."""
    folder = tmp_path_factory.mktemp("whole") / "sim"
    simulate(folder, *BORDER)
    return folder


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """Give an empty catalogue of scenes."""
    return Catalogue(tmp_path / "l2a")


@pytest.fixture
def on_small_disk(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give a function that runs a command in a folder on a file system of so many KiB."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    script = 'mount -t tmpfs -o size="$1"k small "$0" && cd "$0" && shift && exec "$@"'
    if subprocess.run([*inside, script, str(mounted), "64", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted in a namespace of its own here")

    def run(*command: str, kib: int) -> subprocess.CompletedProcess[str]:
        whole = [*inside, script, str(mounted), str(kib), *command]
        return subprocess.run(whole, capture_output=True, text=True, check=False)

    return run
