"""What tests of several tools share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the shared test data; SEN4CAP_SHARED names it, else it lies beside the checkout."""
    folder = Path(os.environ.get("SEN4CAP_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no shared test data at {folder}; set SEN4CAP_SHARED to the folder that holds data/")
    return folder
