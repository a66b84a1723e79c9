"""What the images hold and how they behave: any uid, read-only root, no network, nothing to compile, small."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from images.callers import IMAGES, ROOT, SPAN
from sen4cap import __version__

pytestmark = pytest.mark.slow
SPOKEN = "/usr/share/sen4cap/sbom.cdx.json"
TRAINING = {"scikit-learn", "scipy", "joblib", "threadpoolctl"}


def about(engine: dict[str, str], image: str) -> dict[str, Any]:
    done = subprocess.run(
        [engine["RUNTIME"], "image", "inspect", IMAGES[image]], env=engine, capture_output=True, text=True, check=True
    )
    (found,) = json.loads(done.stdout)
    return found


def locked(image: str) -> dict[str, str]:
    """Distributions that the lock of an image names for the Python of this test."""
    found = {}
    for line in (ROOT / "requirements" / f"{image}.lock").read_text().splitlines():
        if match := re.match(r"([\w.-]+)==([\w.]+)", line):
            found.setdefault(match[1], set()).add(match[2])
    return found


@pytest.mark.parametrize("image", IMAGES)
def test_labels_say_version_source_and_licence(image: str, engine: dict[str, str]) -> None:
    labels = about(engine, image)["Config"]["Labels"]
    spoken = {key.removeprefix("org.opencontainers.image."): value for key, value in labels.items()}
    assert spoken["version"] == __version__
    assert spoken["licenses"] == "Apache-2.0"
    assert spoken["source"].startswith("https://")
    assert re.fullmatch(r"[0-9a-f]{40}(-changed)?", spoken["revision"])
    assert labels["eu.sen4cap.sbom"] == SPOKEN


@pytest.mark.parametrize("image", IMAGES)
def test_bill_of_materials_names_what_is_installed(image: str, inside: Any) -> None:
    document = json.loads(inside("cat", SPOKEN, image=image).stdout)
    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["name"] == f"sen4cap/{image}"
    named = {part["name"]: part["version"] for part in document["components"] if ":pypi/" in part.get("purl", "")}
    script = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    installed = json.loads(inside("python", "-c", script, image=image).stdout)
    assert named == installed
    system = {
        part["name"] for part in document["components"] if part.get("purl", "").startswith(("pkg:deb", "pkg:rpm"))
    }
    assert {"ca-certificates", "bash"} <= system


@pytest.mark.parametrize("image", IMAGES)
def test_versions_are_those_of_the_lock(image: str, inside: Any) -> None:
    script = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    installed = json.loads(inside("python", "-c", script, image=image).stdout)
    assert installed.pop("sen4cap") == __version__
    allowed = locked(image)
    wrong = {n: v for n, v in installed.items() if v not in allowed.get(re.sub(r"[-_.]+", "-", n).lower(), ())}
    assert wrong == {}


def test_only_train_holds_what_trains(inside: Any) -> None:
    script = "import importlib.metadata as m; print(' '.join(d.name for d in m.distributions()))"
    assert not TRAINING & set(inside("python", "-c", script).stdout.split())
    assert set(inside("python", "-c", script, image="train").stdout.split()) >= TRAINING


def test_nothing_of_the_build_stays(inside: Any) -> None:
    script = "import os; print([k for k in os.environ if 'CERT' in k or 'PIP' in k], os.path.exists('/build'))"
    assert inside("python", "-c", script).stdout.strip() == "[] False"
    assert inside("sh", "-c", "command -v pip uv gcc strip || true").stdout == ""
    assert inside("find", "/run", "/source", "/requirements", "-name", "*ca*", code=1).stdout == ""


def test_size(engine: dict[str, str]) -> None:
    """Unpacked; docs/images.md says where it goes."""
    assert about(engine, "tools")["Size"] < 700e6
    assert about(engine, "train")["Size"] - about(engine, "tools")["Size"] < 200e6


def test_a_foreign_uid_without_network_on_a_read_only_root(inside: Any, tmp_path: Path) -> None:
    done = inside("sh", "-c", "id -u; touch /opt/x /home/x 2>/dev/null; echo $?; sen4cap --version")
    assert done.stdout.split() == ["12345", "1", "sen4cap,", "version", __version__]
    inside("sen4cap", "simulate", "--season", 2021, "--parcels-count", 2, "--seed", 1, *SPAN[:2], "--end", "2021-09-10")
    assert (tmp_path / "sim" / "catalog.json").is_file()
    assert (tmp_path / "sim" / "catalog.json").stat().st_uid == 12345


def test_the_chain_compiles_nothing(inside: Any, season_wanted: Path, season_folder: Path, tmp_path: Path) -> None:
    """All kernels come with the image: TMPDIR holds links to them and no kernel of its own."""
    for name in ("markers.ipc", "series.arrow"):
        (tmp_path / name).write_bytes((season_wanted / name).read_bytes())
    (tmp_path / "parcels.gpkg").write_bytes((season_folder / "parcels.gpkg").read_bytes())
    (tmp_path / "l4c.csv").write_bytes((season_folder / "l4c.csv").read_bytes())
    span = " ".join(SPAN)
    commands = [
        f"smooth --markers markers.ipc {span} --season 2021 --output again.arrow",
        "classify --series series.arrow --parcels parcels.gpkg --method threshold",
        "season --series series.arrow --markers markers.ipc --classes wcc/wcc.csv",
        f"soil --markers markers.ipc {span}",
        "harvest --series series.arrow",
        "intercrop --season season.csv --harvest harvest.csv --soil soil.csv --classes wcc/wcc.csv",
    ]
    script = " && ".join(f"sen4cap {command}" for command in commands)
    done = inside(
        "sh", "-ec", f"{{ {script}; }} >&2; find /tmp/sen4cap-kernels-12345 -type f; echo; find /tmp -type l | wc -l"
    )
    own, links = done.stdout.rsplit("\n\n", 1) if "\n\n" in done.stdout else ("", done.stdout)
    assert own.strip() == ""
    assert int(links) > 50


def test_a_saved_model_serves_without_what_trained_it(
    inside: Any, season_wanted: Path, season_folder: Path, tmp_path: Path
) -> None:
    for source in (season_wanted / "series.arrow", season_folder / "parcels.gpkg", season_folder / "insitu.csv"):
        (tmp_path / source.name).write_bytes(source.read_bytes())
    words = ["sen4cap", "classify", "--series", "series.arrow", "--parcels", "parcels.gpkg"]
    train = [*words, "--insitu", "insitu.csv", "--min-samples", 2, "--folds", 2]
    refused = inside(*train, "--output", "none", code=1)
    assert "scikit-learn" in refused.stderr
    assert "Traceback" not in refused.stderr
    inside(*train, "--output", "trained", image="train")
    inside(*words, "--model", "trained/model.npz", "--output", "served")
    assert (tmp_path / "served" / "wcc.csv").read_text() == (tmp_path / "trained" / "wcc.csv").read_text()


def test_a_full_tmpdir_is_no_matter_with_kernels_and_one_line_without(
    inside: Any, season_wanted: Path, tmp_path: Path
) -> None:
    (tmp_path / "markers.ipc").write_bytes((season_wanted / "markers.ipc").read_bytes())
    words = ["sen4cap", "smooth", "--markers", "markers.ipc", *SPAN, "--season", 2021]
    full = ("--tmpfs", "/tmp:mode=1777,size=4k")
    inside(*words, options=full)
    compiling = inside(*words, options=(*full, "--env", "SEN4CAP_KERNELS="), code=3)
    assert "Traceback" not in compiling.stderr
    assert "disk is full" in compiling.stderr.strip().splitlines()[-1]


def test_locks_of_the_images_are_part_of_what_is_tested() -> None:
    tested = locked("run")
    for image in IMAGES:
        chosen = locked(image)
        assert chosen.keys() <= tested.keys()
        assert {name: v for name, v in chosen.items() if not v <= tested[name]} == {}
    assert not TRAINING & locked("tools").keys()
    assert locked("tools").keys() < locked("train").keys()
    assert sys.version_info >= (3, 11)
