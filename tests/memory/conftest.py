"""Inputs that are larger than the memory a tool may use, and a way to limit it."""

from __future__ import annotations

import datetime
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sen4cap.marker_names import Marker
from sen4cap.marker_table import new_markers

PARCELS, FEW = 200_000, 1500
"""Parcels of the large table, and of the small one, which holds the first of them."""
COVERED = 25
"""Of so many parcels one carries a cover crop."""
LOOKS, DAYS = 60, 330
START = datetime.date(2021, 7, 1)
END = START + datetime.timedelta(days=DAYS - 1)
CLAIMS_LITTLE = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
"""Libraries claim address space that they never use, Arrow's allocator 1 GiB: a limit on claims would count it."""
KINDS = ("LAI", "FCOVER", "NDVI", "NBR2")
STATS = ("valid_pixels_cnt", "mean", "stdev")


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Marker tables of many and of few parcels: some carry a cover crop, the others lie bare after harvest."""
    folder = tmp_path_factory.mktemp("tables")
    return _table(folder / "many.ipc", PARCELS), _table(folder / "few.ipc", FEW)


def _table(path: Path, count: int) -> Path:
    days = np.linspace(0, DAYS - 1, LOOKS).round().astype(int)
    dates = [START + datetime.timedelta(days=int(day)) for day in days]
    columns = sorted(Marker(date, kind, stat=stat) for date in dates for kind in KINDS for stat in STATS)
    row = {(marker.day, marker.type, marker.stat): k for k, marker in enumerate(columns)}
    number = np.arange(count)
    rise, fall = 85 + number % 40, 200 + number % 90
    covered, most = number % COVERED == 0, 1 + number % 7 / 2
    with new_markers(path, (number + 1).astype(np.int32), columns) as table:
        for day, date in zip(days, dates, strict=True):
            main = 2.5 / (1 + np.exp((day - 45 - number % 11) / 2))
            stand = np.where(covered, most / (1 + np.exp(-(day - rise) / 6)) * (day < fall), 0)
            lai = 0.06 + 0.01 * ((number + day) % 5) + main + stand
            cover = 1 - np.exp(-0.6 * lai)
            for kind, value in {"LAI": lai, "FCOVER": cover, "NDVI": 0.14 + 0.7 * cover, "NBR2": 0.3 * cover}.items():
                table[row[date, kind, "mean"]] = 1000 * value
                table[row[date, kind, "stdev"]] = 30
                table[row[date, kind, "valid_pixels_cnt"]] = 100
    return path


@pytest.fixture
def limited(tmp_path: Path) -> Callable[..., None]:
    """Run the command line with so many MiB of data at most (RLIMIT_DATA: all that is no file)."""

    def run(*words: object, mib: int) -> None:
        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_DATA, (mib << 20, mib << 20))

        done = subprocess.run(
            [sys.executable, "-m", "sen4cap", *map(str, words)],
            cwd=tmp_path,
            preexec_fn=limit if mib else None,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | CLAIMS_LITTLE,
        )
        assert done.returncode == 0, f"{words[0]}: {done.stderr}"

    return run
