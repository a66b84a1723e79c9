"""`sen4cap run` on the main workflow: killed on its way, gone on with, the same tables as by the runner alone."""

from __future__ import annotations

import filecmp
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
CSVS = ["wcc.csv", "season.csv", "intercrop.csv", "soil.csv"]


def test_killed_and_gone_on_with_it_gives_the_same(
    season_run: Path, season_job: dict[str, Any], environment: dict[str, str], tmp_path: Path
) -> None:
    job = tmp_path / "job.yml"
    job.write_text(yaml.safe_dump(season_job))
    command = ["sen4cap", "run", str(ROOT / "workflows" / "wcc.cwl"), str(job), "--no-container"]
    record = tmp_path / "results" / "run" / "run.json"

    running = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    while not record.exists() or [s["status"] for s in json.loads(record.read_text())["steps"]] != ["done", "running"]:
        assert running.poll() is None
        time.sleep(0.1)
    psutil.Process(json.loads(record.read_text())["attempts"][0]["runner_pid"]).kill()
    assert running.wait() == 137

    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = tmp_path / "results" / "report"
    assert done.stdout == f"results\t{results}\n"
    same, different, errors = filecmp.cmpfiles(season_run, results, CSVS, shallow=False)
    assert (sorted(same), different, errors) == (sorted(CSVS), [], [])
    steps = json.loads(record.read_text())["steps"]
    assert {s["name"]: s["attempt"] for s in steps if s["attempt"] == 1} == {"fetch": 1}
    assert {"markers", "analyse/smooth", "analyse/classify"} <= {s["name"] for s in steps}
    assert all(s["exit_code"] == 0 and s["cpu_s"] > 0 and s["peak_memory_mib"] > 20 for s in steps)
