"""The national workflow on three Slurm nodes by Toil: a worker and the leader die, nothing is lost or done twice."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyogrio
import pytest
import yaml

from image_state import fault_of
from sen4cap import __version__
from slurm.cluster import Cluster, Job, wait_for, why_no_slurm

ROOT = Path(__file__).parents[2]
IMAGES = [f"ghcr.io/sen4cap/{name}:{__version__}" for name in ("tools", "train")]
STEPS = {
    "wcc-national.split.tiles": 1,
    "tile-markers.fetch.fetch": 2,
    "tile-markers.markers.markers": 2,
    "wcc-from-markers.smooth.smooth": 1,
    "wcc-from-markers.classify.classify": 1,
    "intercropping.season.season": 1,
    "intercropping.soil.soil": 1,
    "intercropping.intercrop.intercrop": 1,
    "intercropping.report.report": 1,
}
"""Jobs of the workflow on two tiles, and how many there are of each."""


@dataclass(frozen=True)
class Run:
    """What happened.

    Attributes
    ----------
    before, after : list of Job
        Jobs that had ended when the leader was killed, and those that ended later.
    cut : Counter
        Names of the jobs that ran when the leader was killed.
    dead : str
        The node that was killed.
    """

    out: Path
    before: list[Job]
    after: list[Job]
    cut: Counter[str]
    dead: str


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if reason := why_no_slurm():
        pytest.skip(reason)
    room = tmp_path_factory.mktemp("slurm")
    started = None
    try:
        started = Cluster(room)
        yield started
    finally:
        subprocess.run(["bash", str(ROOT / "scripts/slurm/cluster.sh"), "stop", str(room)], check=False)


@pytest.fixture(scope="module")
def with_containers(cluster: Cluster) -> list[str]:
    """Options by which jobs run in the images, where podman has them as this checkout makes them; else in none."""
    script = '. scripts/containers.sh && echo "$RUNTIME ${CONTAINERS_CONF:-}"'
    told = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    runtime, _, settings = told.stdout.strip().partition(" ")
    environment = cluster.environment | ({"CONTAINERS_CONF": settings} if settings else {})
    fault = "podman is not here" if runtime != "podman" else fault_of(IMAGES, engine=runtime, environment=environment)
    if fault:
        assert not os.environ.get("REQUIRE_IMAGES"), fault
        return ["--no-container"]
    shim = ROOT / "images" / "podman"
    cluster.environment |= environment | {"PATH": f"{shim}{os.pathsep}{environment['PATH']}"}
    return ["--no-prepull"]


@pytest.fixture(scope="module")
def run(
    cluster: Cluster, with_containers: list[str], border_season: Path, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """Start the workflow, kill the node that fetches, kill the leader later on, and go on."""
    room = tmp_path_factory.mktemp("toil")
    command = cluster.toil(room, *with_containers, "--retryCount", "3")
    inputs = [str(ROOT / "workflows" / "wcc-national.cwl"), str(write_job(room / "job.yml", border_season))]
    log = room / "leader.log"
    with log.open("w") as said:
        leader = subprocess.Popen([*command, *inputs], env=cluster.environment, stderr=said, stdout=said)
        try:
            wait_for(lambda: bool(fetching(cluster)), leader, log=log)
            dead = fetching(cluster)[0]
            cluster.kill_node(dead)
            wait_for(lambda: well_on_its_way(done(cluster)), leader, log=log)
        finally:
            leader.send_signal(signal.SIGKILL)
            leader.wait()
        cut = Counter(name for _, name, _ in cluster.running())
        before = cluster.ended()
        again = subprocess.run(
            [*command, "--restart", *inputs], env=cluster.environment, stderr=said, stdout=said, check=False
        )
    assert again.returncode == 0, log.read_text()[-6000:]
    return Run(room / "out", before, cluster.ended()[len(before) :], cut, dead)


def write_job(path: Path, season: Path) -> Path:
    files = {"insitu": "insitu.csv", "crops": "crops.csv", "practices": "l4c.csv", "parcels": "parcels.gpkg"}
    job = {key: {"class": "File", "location": (season / name).as_uri()} for key, name in files.items()}
    job |= {"catalog": {"class": "Directory", "location": season.as_uri()}, "max_cloud": 20, "season": 2021}
    job |= {"start": "2021-06-01", "end": "2022-08-15", "crop_before": "crop_before", "crop_after": "crop_after"}
    path.write_text(yaml.safe_dump(job))
    return path


def fetching(cluster: Cluster) -> list[str]:
    """Nodes on which images are being fetched."""
    return [node for _, name, node in cluster.running() if "fetch" in name]


def done(cluster: Cluster) -> Counter[str]:
    return Counter(job.name for job in cluster.ended() if job.state == "COMPLETED")


def well_on_its_way(finished: Counter[str]) -> bool:
    """Whether both tiles are fetched, the lost one anew, and one is measured: work that is not to be done again."""
    return finished["tile-markers.fetch.fetch"] >= 2 and finished["tile-markers.markers.markers"] >= 1


@pytest.mark.slow
def test_the_jobs_of_the_dead_worker_are_repeated(run: Run) -> None:
    lost = [job for job in (*run.before, *run.after) if job.state == "NODE_FAIL"]
    assert (run.dead, "tile-markers.fetch.fetch") in {(job.node, job.name) for job in lost}
    good = [job for job in (*run.before, *run.after) if job.state == "COMPLETED" and "fetch" in job.name]
    assert len(good) >= STEPS["tile-markers.fetch.fetch"]
    assert all(
        any(job.name == each.name for job in (*run.before, *run.after) if job.state == "COMPLETED") for each in lost
    )


@pytest.mark.slow
def test_no_finished_job_is_done_again(run: Run) -> None:
    finished = Counter(job.name for job in run.before if job.state == "COMPLETED")
    assert finished["tile-markers.fetch.fetch"] == 2
    again = Counter(job.name for job in run.after if job.state == "COMPLETED")
    for name, count in STEPS.items():
        assert finished[name] + again[name] >= count, name
        # What ran while the leader died may end and be started anew all the same.
        assert again[name] <= count - finished[name] + run.cut[name], name


@pytest.mark.slow
def test_jobs_ask_for_what_their_descriptors_say(run: Run) -> None:
    # The first time: Toil may ask for more when it repeats a job.
    asked = {job.name: (job.cpus, job.memory) for job in (*run.after[::-1], *run.before[::-1])}
    for name in STEPS:
        tool = yaml.safe_load((ROOT / "cwl" / f"{name.rpartition('.')[2]}.cwl").read_text())
        least = tool["requirements"]["ResourceRequirement"]
        cpus, memory = asked[name]
        mib = int(memory[:-1]) * (1024 if memory.endswith("G") else 1)
        assert (cpus, mib) == (least["coresMin"], least["ramMin"]), name


@pytest.mark.slow
def test_every_parcel_is_there_once(run: Run, border_season: Path) -> None:
    records = sorted(pyogrio.read_dataframe(border_season / "parcels.gpkg", read_geometry=False)["NewID"])
    account = pd.read_parquet(run.out / "report" / "wcc_details.parquet")
    assert sorted(account["NewID"]) == records
    assert sorted(pyogrio.read_dataframe(run.out / "report" / "wcc.gpkg", layer="wcc")["NewID"]) == records
    classes = pd.read_csv(run.out / "report" / "wcc.csv")["NewID"]
    assert sorted(classes) == sorted(account.loc[account["status"] == "classified", "NewID"])
