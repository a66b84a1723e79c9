"""The images, and callers that run workflows through them.

`make images` builds them (BASE=local where no registry is reachable); what is missing skips with its reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from image_state import refrain, require
from images.callers import IMAGES, ROOT, SPAN, Caller, an_account, chosen_runtime, simulated, with_suite

In = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def engine() -> dict[str, str]:
    """Environment with a container engine that has the images."""
    environment = chosen_runtime()
    if environment is None:
        refrain("neither podman nor a docker that answers is here")
    require(IMAGES.values(), engine=environment["RUNTIME"], environment=environment)
    return environment


@pytest.fixture
def inside(engine: dict[str, str], tmp_path: Path) -> In:
    """Run a command in an image: foreign uid, read-only root, no network, an empty TMPDIR; /work is `tmp_path`."""
    tmp_path.chmod(0o777)

    def run(*words: object, image: str = "tools", options: tuple[str, ...] = (), code: int = 0) -> Any:
        command = [engine["RUNTIME"], "run", "--rm", "--read-only", "--user", "12345:12345"]
        if "--network" not in options:
            command += ["--network", "none"]
        if not any("/tmp" in option for option in options):
            command += ["--tmpfs", "/tmp:mode=1777"]
        command += ["--volume", f"{tmp_path}:/work", "--workdir", "/work", *options, IMAGES[image]]
        done = subprocess.run(
            [*command, *map(str, words)], env=engine, capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == code, done.stderr[-4000:]
        return done

    return run


@pytest.fixture(scope="session")
def by_docker(engine: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Caller:
    """This user, by the `docker` command: the real one, or podman by the shim."""
    environment = with_suite(engine)
    if engine["RUNTIME"] != "docker":
        if os.getuid():
            pytest.skip("podman by the name of docker is for root; an ordinary user takes --podman")
        environment["PATH"] = f"{ROOT / 'images' / 'podman'}{os.pathsep}{environment['PATH']}"
    return Caller(os.getuid(), tmp_path_factory.mktemp("docker"), environment, ())


@pytest.fixture(scope="session")
def ordinary(engine: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """An ordinary user with podman: this one, or one made for the test where root runs it."""
    if not shutil.which("podman"):
        pytest.skip("podman is not installed")
    if os.getuid():
        yield Caller(os.getuid(), tmp_path_factory.mktemp("podman"), with_suite(engine), ("--podman",))
        return
    for tool in ("useradd", "runuser", "newuidmap"):
        if not shutil.which(tool):
            pytest.skip(f"no ordinary user can be made here: {tool} is missing")
    name = f"sen4cap-{os.getpid()}"
    subprocess.run(["useradd", "--create-home", name], check=True, capture_output=True)
    runtime = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    try:
        caller = an_account(name, engine, runtime)
        yield caller
        # Ends the process that holds the account's ids together; an account in use is not removed.
        caller.run("podman", "system", "migrate", capture_output=True, cwd=caller.room)
    finally:
        shutil.rmtree(runtime, ignore_errors=True)
        subprocess.run(["userdel", "--force", "--remove", name], check=False, capture_output=True)


@pytest.fixture(scope="session")
def season_folder() -> Iterator[Path]:
    """Simulated season of 24 parcels, enough of both classes to train on, readable by everyone."""
    folder = Path(tempfile.mkdtemp(prefix="sen4cap-season-")) / "sim"
    command = [
        "simulate",
        "--season",
        "2021",
        "--parcels-count",
        "24",
        "--seed",
        "1",
        "--clouds",
        "clear",
        "--insitu-share",
        "1",
        *SPAN,
    ]
    environment = with_suite(dict(os.environ))
    try:
        done = subprocess.run(
            ["sen4cap", *command, "--output", str(folder)], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        folder.parent.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder.parent)


@pytest.fixture(scope="session")
def season_wanted(by_docker: Caller, season_folder: Path) -> Path:
    """Results of the simulated season without containers."""
    return by_docker.workflow("wcc", simulated(season_folder), "wanted", runner="cwltool", containers=False)
