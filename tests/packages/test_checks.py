"""Every package passes its validators, and a package with a fault does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from bundle import Package, bundles, write
from check_packages import main, problems
from package_metadata import facts

pytestmark = pytest.mark.slow
NAMES = [package.name for package in bundles(facts(), {})]


@pytest.mark.parametrize("name", NAMES)
def test_passes_the_validators(name: str, packages: dict[str, Package], tmp_path: Path) -> None:
    assert problems(write(packages[name], tmp_path)) == []


def changed(package: Package, folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Write a package after a change to its document."""
    document = yaml.safe_load(yaml.safe_dump(package.document))
    change(document)
    return write(Package(package.name, package.entry, package.version, document), folder)


def without(*keys: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        for key in keys[:-1]:
            document = document[int(key)] if isinstance(document, list) else document[key]
        del document[keys[-1]]

    return change


def rename_a_run(document: dict[str, Any]) -> None:
    document["$graph"][0]["steps"]["lai"]["run"] = "#gone"


def give_a_file(document: dict[str, Any]) -> None:
    document["$graph"][0]["outputs"]["products"]["type"] = "File"
    document["$graph"][2]["outputs"]["products"]["type"] = "File"


def let_lai_out(document: dict[str, Any]) -> None:
    document["$graph"][2]["requirements"]["NetworkAccess"]["networkAccess"] = True


def another_image(document: dict[str, Any]) -> None:
    document["$graph"][1]["requirements"]["DockerRequirement"]["dockerPull"] = "ghcr.io/sen4cap/tools:0.0.9"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("s:softwareVersion"), "softwareVersion"),
        (without("s:publisher"), "publisher"),
        (without("s:citation"), "ap-validator: note req-11: Missing optional metadata element"),
        (without("$graph", "0", "label"), "label"),
        (without("$graph", "0", "inputs", "start", "doc"), "doc"),
        (without("$graph", "0", "steps", "lai", "label"), "label"),
        (without("$graph", "1", "requirements", "DockerRequirement"), "DockerRequirement"),
        (without("$graph", "1", "requirements", "ResourceRequirement", "ramMax"), "ramMax"),
        (without("$graph", "0", "steps", "fetch", "in", "start"), "start"),
        (rename_a_run, "cwltool"),
        (give_a_file, "output products: is File, and a platform publishes folders only"),
        (let_lai_out, "tool lai: networkAccess is True"),
        (another_image, "the image ghcr.io/sen4cap/tools:0.0.9 is not of version"),
    ],
)
def test_faults_are_found(
    change: Callable[[dict[str, Any]], None], said: str, packages: dict[str, Package], tmp_path: Path
) -> None:
    file = changed(packages["lai"], tmp_path, change)
    found = problems(file)
    assert any(said in text for text in found), found


def test_the_command_says_what_is_wrong(
    packages: dict[str, Package], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 2
    capsys.readouterr()
    assert main([str(changed(packages["lai"], tmp_path, give_a_file))]) == 3
    assert "lai.0.1.0.cwl: output products: is File" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"), [(None, "is not readable"), ("{", "is not readable"), ("class: Workflow", "is no package")]
)
def test_what_is_no_package_is_one_line(
    text: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wcc.cwl"
    if text is not None:
        file.write_text(text)
    assert main([str(file)]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{file}: {said}")
