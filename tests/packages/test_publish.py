"""Pushed images give the digests that packages are pinned to."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from bundle import Package, images_of, read_digests

ROOT = Path(__file__).parents[2]


def checkout(folder: Path) -> Path:
    """What the script needs of a checkout, so that its dist/ is not this one's."""
    for name in ("scripts", "cwl", "images"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


@pytest.mark.slow
def test_every_image_gets_its_digest(packages: dict[str, Package], with_images: dict[str, str], tmp_path: Path) -> None:
    if shutil.which("podman", path=with_images["PATH"]) is None:
        pytest.skip("only podman pushes into a folder")
    own = checkout(tmp_path / "checkout")
    environment = {**with_images, "PUSH_TO": f"dir:{tmp_path / 'registry'}"}
    subprocess.run(["bash", "scripts/publish-images.sh"], cwd=own, env=environment, check=True, capture_output=True)
    digests = read_digests(own / "dist" / "images.json")
    assert sorted(digests) == sorted({image for p in packages.values() for image in images_of(p.document)})
    for image, digest in digests.items():
        manifest = tmp_path / "registry" / image.rpartition("/")[2].partition(":")[0] / "manifest.json"
        assert json.loads(manifest.read_text())["layers"]
        said = subprocess.run(["sha256sum", manifest], capture_output=True, text=True, check=True).stdout.split()[0]
        assert digest == f"sha256:{said}"


def test_an_image_that_is_missing_is_one_line(environment: dict[str, str], tmp_path: Path) -> None:
    if not any(map(shutil.which, ("podman", "docker"))):
        pytest.skip("neither podman nor docker is here")
    own = checkout(tmp_path / "checkout")
    for file in (own / "cwl").glob("*.cwl"):
        file.write_text(file.read_text().replace("ghcr.io/sen4cap/tools:", "ghcr.io/sen4cap/gone:"))
    command = ["bash", "scripts/publish-images.sh"]
    done = subprocess.run(
        command, cwd=own, env={**environment, "RUNTIME": "podman"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("publish-images: ghcr.io/sen4cap/gone:")
    assert not (own / "dist" / "images.json").exists()
