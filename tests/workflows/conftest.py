"""Running workflows as a user would, with either runner."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
Run = Callable[..., Path]


def a_file(path: Path) -> dict[str, str]:
    return {"class": "File", "location": path.as_uri()}


def a_folder(path: Path) -> dict[str, str]:
    return {"class": "Directory", "location": path.as_uri()}


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="session")
def run_workflow(environment: dict[str, str]) -> Run:
    """Run a workflow of the suite; returns the folder of its outputs. Fails the test with the end of the log."""

    def run(name: str, job: dict[str, Any], room: Path, *, runner: str = "cwltool") -> Path:
        room.mkdir(parents=True, exist_ok=True)
        job_file = room / "job.yml"
        job_file.write_text(yaml.safe_dump(job))
        out = room / "out"
        command = {
            "cwltool": ["cwltool", "--no-container", "--tmpdir-prefix", f"{room}/tmp/", "--outdir", str(out)],
            "toil": [
                *("toil-cwl-runner", "--no-container", "--jobStore", str(room / "store"), "--workDir", str(room)),
                *("--publishWorkflowMetrics", "no", "--disableProgress", "--outdir", str(out)),
            ],
        }[runner]
        done = subprocess.run(
            [*command, str(ROOT / "workflows" / f"{name}.cwl"), str(job_file)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-6000:]
        return out

    return run


@pytest.fixture(scope="session")
def season(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """Simulated season of forty parcels."""
    folder = tmp_path_factory.mktemp("season") / "sim"
    subprocess.run(
        ["sen4cap", "simulate", "--season", "2021", "--parcels-count", "40", "--seed", "7", "--output", str(folder)],
        env=environment,
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="session")
def season_job(season: Path) -> dict[str, Any]:
    """Job of the main workflow on the simulated season, with in-situ data."""
    return {
        "catalog": a_folder(season),
        "parcels": a_file(season / "parcels.gpkg"),
        "insitu": a_file(season / "insitu.csv"),
        "crops": a_file(season / "crops.csv"),
        "crop_before": "crop_before",
        "crop_after": "crop_after",
        "practices": a_file(season / "l4c.csv"),
        "weather": a_file(season / "weather.csv"),
        "season": 2021,
        "start": "2021-06-01",
        "end": "2022-08-15",
        "keep_markers": True,
    }


@pytest.fixture(scope="session")
def season_run(run_workflow: Run, season_job: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Result folder of the main workflow on the simulated season."""
    return run_workflow("wcc", season_job, tmp_path_factory.mktemp("wcc")) / "report"
