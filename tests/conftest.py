"""What tests of several tools share."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from made_scenes import Catalogue

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the shared test data; SEN4CAP_SHARED names it, else it lies beside the checkout."""
    folder = Path(os.environ.get("SEN4CAP_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no shared test data at {folder}; set SEN4CAP_SHARED to the folder that holds data/")
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
