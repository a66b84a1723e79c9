"""The harness counts rightly, and the peers give the suite's answers on small sizes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import country, estimates, made, page, peers, series
from benchmarks.imagery import zonal_beside_exactextract
from benchmarks.rows import Bound, Row
from benchmarks.timing import Sample, apart, command, ratios, take_turns


def burn(count: int) -> int:
    return sum(number * number for number in range(count))


def test_a_process_of_its_own_is_measured() -> None:
    little, much = apart(burn, 1000), apart(burn, 3_000_000)
    assert much.answer == burn(3_000_000)
    assert much.cpu > 10 * little.cpu
    assert much.peak_mib > 5


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    assert command("--help", folder=tmp_path).cpu > 0
    with pytest.raises(RuntimeError, match="nowhere"):
        command("smooth", "--markers", "nowhere", folder=tmp_path)


def test_turns_and_ratios() -> None:
    order: list[str] = []

    def run(name: str, seconds: float) -> Sample:
        order.append(name)
        return Sample(seconds, 2 * seconds, 1.0)

    taken = take_turns({"ours": lambda: run("ours", 2), "peer": lambda: run("peer", 6)}, rounds=2)
    assert order == ["ours", "peer", "ours", "peer"]
    assert ratios(taken["peer"], taken["ours"]) == [3, 3]


def test_marks_follow_the_median() -> None:
    row = Row("work", "peer", [1.0, 9.0, 3.0], bound=Bound(most=3))
    assert (row.value, row.mark) == (3.0, "ok")
    assert Row("work", "peer", [2.9], bound=Bound(least=3)).mark == "missed"
    assert "missed" in page.table([Row("work", "peer", [2.9], bound=Bound(least=3))])


def test_plain_seasons_agree_with_the_kernels() -> None:
    found = series.plain_beside_kernels(40)
    assert found["series"] < 1e-4
    assert found["div"] < 1e-9


def test_whittaker_eilers_agrees_with_the_kernel() -> None:
    assert series.kernel_beside_whittaker_eilers(20, 1)["worst"] < 1e-3


def test_plain_numpy_agrees_with_the_kernel(tmp_path: Path) -> None:
    """Both ways to write the networks down, on a scene with clouds and all kinds of land."""
    made.scene(tmp_path / "scene", 256)
    assert estimates.beside_numpy(str(tmp_path / "scene"), 256, 1)["worst"] < 1e-4


def test_exactextract_agrees_with_the_markers(tmp_path: Path) -> None:
    made.product(tmp_path / "product", 512, days=1)
    made.parcels(tmp_path / "parcels.gpkg", 60, 512)
    found = zonal_beside_exactextract(str(tmp_path / "product"), str(tmp_path / "parcels.gpkg"), 512, 1)
    assert found["worst_mean"] < 1e-4
    assert found["worst_pixels"] < 1e-3


def test_an_ideal_schedule_leaves_no_node_idle_without_need() -> None:
    jobs = [country.Job(2), country.Job(3, (0,)), country.Job(3, (0,)), country.Job(4, (0,)), country.Job(1, (1, 2))]
    assert country.ideal_seconds(jobs, 1) == 13
    assert country.ideal_seconds(jobs, 2) == 9
    assert country.ideal_seconds(jobs, 3) == 6


def test_a_country_has_two_jobs_a_tile_and_all_have_measured_lengths() -> None:
    lengths = country.real_lengths(40)
    assert min(lengths.values()) > 1
    jobs = country.national(40, lengths)
    assert len(jobs) == 2 * 40 + 1 + len(country.AFTER)
    # Forty chains on three nodes take fourteen rounds at most, thirteen and a third at least.
    total = country.ideal_seconds(jobs, 3)
    assert sum(job.seconds for job in jobs) / 3 < total < 1.1 * sum(job.seconds for job in jobs) / 3


def test_the_sleeping_workflow_runs_every_job(tmp_path: Path) -> None:
    country.write_workflow(tmp_path, 2, dict.fromkeys(country.real_lengths(2), 0.01))
    words = ["--outdir", tmp_path / "out", "--no-container", f"{tmp_path / 'national.cwl'}#main", tmp_path / "job.json"]
    cwltool = Path(sys.executable).with_name("cwltool")
    done = subprocess.run([cwltool, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for tool, count in {"split": 1, "fetch": 2, "markers": 2, "report": 1}.items():
        assert len(re.findall(rf"\[job {tool}(?:_\d+)?\] completed success", done.stderr)) == count


def test_a_made_scene_has_the_bytes_that_the_floor_reads(tmp_path: Path) -> None:
    scene = made.scene(tmp_path / "scene", 256, days=2)
    assert peers.read_whole(peers.paths_of(scene, ["B04", "B11", "SCL"]), 2) == 256 * 256 * 2 + 128 * 128 * 3


def test_a_large_parent_does_not_count(tmp_path: Path) -> None:
    ballast = np.ones(400 * 2**20, np.uint8)
    assert command("--version", folder=tmp_path).peak_mib < 200
    assert apart(sum, [1, 2]).peak_mib < 300
    assert ballast[-1] == 1


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no_such_option"):
        command("season", "--no_such_option", folder=tmp_path)
