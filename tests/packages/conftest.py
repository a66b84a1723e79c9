"""Packages of the suite, images to run them, and a small season."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bundle import Package, bundles, images_of
from package_metadata import Facts, facts

from image_state import refrain, require

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


@pytest.fixture(scope="session")
def about() -> Facts:
    return facts()


@pytest.fixture(scope="session")
def packages(about: Facts) -> dict[str, Package]:
    """All packages, by name."""
    return {package.name: package for package in bundles(about, {})}


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="session")
def with_images(packages: dict[str, Package], environment: dict[str, str]) -> dict[str, str]:
    """Environment in which `docker` runs the images that packages name; refrains where they are not here or are old."""
    found = dict(environment)
    if shutil.which("podman"):
        # Both runners call docker by default; what they add to podman itself is not for root.
        found["PATH"] = f"{ROOT / 'images' / 'podman'}{os.pathsep}{found['PATH']}"
        if os.geteuid() == 0 and not _may_raise_limits():
            found.setdefault("CONTAINERS_CONF", str(ROOT / "images" / "podman" / "containers.conf"))
    if shutil.which("docker", path=found["PATH"]) is None:
        refrain("neither podman nor docker is here to run the packages' images")
    images = {image for package in packages.values() for image in images_of(package.document)}
    require(sorted(images), engine="docker", environment=found)
    return found


def _may_raise_limits() -> bool:
    """Whether this process holds CAP_SYS_RESOURCE, bit 24."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (effective,) = (line.split()[1] for line in lines if line.startswith("CapEff"))
    return bool(int(effective, 16) >> 24 & 1)


@pytest.fixture(scope="session")
def season(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """Simulated season of sixteen parcels, as a platform's archive may hold it."""
    folder = tmp_path_factory.mktemp("archive") / "sim"
    words = ["--season", "2021", "--parcels-count", "16", "--seed", "7", "--output", str(folder)]
    subprocess.run(["sen4cap", "simulate", *words], env=environment, check=True, capture_output=True)
    return folder
