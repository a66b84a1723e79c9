"""The cwltest suite of the packages under both runners, in the packages' own images, and a quick part of it without."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from bundle import Package, bundles, write
from package_metadata import Facts

HERE = Path(__file__).parent
RUNNERS = {
    "cwltool": ["--tool", "cwltool", "--"],
    "toil": ["--tool", "toil-cwl-runner", "--", "--publishWorkflowMetrics", "no", "--disableProgress"],
}
NO_PULL = {"cwltool": "--disable-pull", "toil": "--no-prepull"}
QUICK = "lai-staged,bad-day,no-parcels"
"""Tests of the suite that are run without containers too."""


def jobs(season: Path) -> dict[str, dict[str, Any]]:
    catalog = {"class": "Directory", "location": season.as_uri()}
    parcels = {"class": "File", "location": (season / "parcels.gpkg").as_uri()}
    wcc = {"season": 2021, "start": "2021-06-01", "end": "2022-08-15", "method": "threshold", "catalog": catalog}
    lai = {"catalog": catalog, "parcels": parcels, "start": "2021-09-01", "end": "2021-09-07"}
    return {
        "wcc-staged": wcc | {"parcels": parcels},
        "lai-staged": lai,
        "bad-day": lai | {"start": "2021-09-31"},
        "no-parcels": wcc,
    }


def run_suite(
    folder: Path, packages: dict[str, Package], season: Path, environment: dict[str, str], options: list[str]
) -> None:
    """Put packages and jobs beside the suite and run it."""
    suite = shutil.copy(HERE / "cwltest.yaml", folder)
    tests = yaml.safe_load(Path(suite).read_text())
    for name in {test["tool"].partition(".cwl#")[0] for test in tests}:
        write(packages[name], folder).rename(folder / f"{name}.cwl")
    written = jobs(season)
    assert {test["job"] for test in tests} == {f"{name}.job.yml" for name in written}
    for name, job in written.items():
        (folder / f"{name}.job.yml").write_text(yaml.safe_dump(job))
    command = ["cwltest", "--test", suite, "--verbose", "--timeout", "1200", *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    assert "All tests passed" in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("runner", RUNNERS)
def test_suite_in_images(
    runner: str, packages: dict[str, Package], season: Path, with_images: dict[str, str], tmp_path: Path
) -> None:
    run_suite(tmp_path, packages, season, with_images, [*RUNNERS[runner], NO_PULL[runner]])


@pytest.mark.parametrize("runner", RUNNERS)
def test_quick_part_without_containers(
    runner: str, about: Facts, season: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """The same documents with their images as hints."""
    packages = {package.name: package for package in bundles(about, {}, "hints")}
    run_suite(tmp_path, packages, season, environment, ["-s", QUICK, *RUNNERS[runner], "--no-container"])
