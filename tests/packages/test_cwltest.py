"""The cwltest suite of the packages under both runners, in the packages' own images."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from bundle import Package, write

HERE = Path(__file__).parent
RUNNERS = {
    "cwltool": ["--tool", "cwltool", "--", "--disable-pull"],
    "toil": ["--tool", "toil-cwl-runner", "--", "--no-prepull", "--publishWorkflowMetrics", "no", "--disableProgress"],
}


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


@pytest.mark.slow
@pytest.mark.parametrize("runner", RUNNERS)
def test_suite(
    runner: str, packages: dict[str, Package], season: Path, with_images: dict[str, str], tmp_path: Path
) -> None:
    suite = shutil.copy(HERE / "cwltest.yaml", tmp_path)
    tests = yaml.safe_load(Path(suite).read_text())
    for name in {test["tool"].partition(".cwl#")[0] for test in tests}:
        write(packages[name], tmp_path).rename(tmp_path / f"{name}.cwl")
    written = jobs(season)
    assert {test["job"] for test in tests} == {f"{name}.job.yml" for name in written}
    for name, job in written.items():
        (tmp_path / f"{name}.job.yml").write_text(yaml.safe_dump(job))
    words = RUNNERS[runner]
    place = words.index("--")
    command = ["cwltest", "--test", suite, "--verbose", "--timeout", "1200", *words[:place], *words[place:]]
    done = subprocess.run(command, cwd=tmp_path, env=with_images, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    assert "All tests passed" in done.stdout + done.stderr
