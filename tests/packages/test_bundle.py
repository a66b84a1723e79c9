"""Packages hold what the descriptors say, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from bundle import BY_REFERENCE, STAGED, Package, Unbundled, bundle, images_of, main, processes_of, workflows, write
from package_metadata import Facts
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
DIGEST = "sha256:" + "0123456789abcdef" * 4


def originals() -> dict[str, dict[str, Any]]:
    files = [*(ROOT / "cwl").glob("*.cwl"), *(ROOT / "workflows").glob("*.cwl")]
    return {document["id"]: document for document in (yaml.safe_load(file.read_text()) for file in files)}


def test_every_workflow_is_in_a_package(packages: dict[str, Package]) -> None:
    inside = {process["id"].removesuffix("-staged") for p in packages.values() for process in p.document["$graph"]}
    everything = {yaml.safe_load(file.read_text())["id"] for file in (ROOT / "workflows").glob("*.cwl")}
    assert everything <= inside
    assert {"wcc", "wcc-staged", "wcc-from-markers", "lai", "intercrop"} <= set(packages)


def test_descriptors_are_unchanged_but_for_what_a_package_needs(packages: dict[str, Package]) -> None:
    sources = originals()
    for package in packages.values():
        staged = package.name.endswith("-staged")
        for process in package.document["$graph"]:
            source = sources[process["id"].removesuffix("-staged") if process["class"] == "Workflow" else process["id"]]
            here = yaml.safe_load(yaml.safe_dump(process)) | {"id": source["id"], "cwlVersion": "v1.2"}
            for name, entry in source["inputs"].items():
                if entry["type"] == ["string", "Directory"]:
                    assert here["inputs"][name]["type"] == ("Directory" if staged else "string")
                    here["inputs"][name] = entry
            for step in here.get("steps", {}).values():
                assert step["run"].startswith("#")
            if process["class"] == "Workflow":
                runs = {name: step["run"] for name, step in source["steps"].items()}
                here["steps"] = {name: step | {"run": runs[name]} for name, step in here["steps"].items()}
            else:
                assert "hints" not in here
                here["hints"] = {"DockerRequirement": here["requirements"].pop("DockerRequirement")}
                here["requirements"]["NetworkAccess"] = source["requirements"]["NetworkAccess"]
            assert here == source, (package.name, process["id"])


def test_the_graph_is_closed_and_begins_with_the_workflow(packages: dict[str, Package]) -> None:
    for package in packages.values():
        ids = [process["id"] for process in package.document["$graph"]]
        assert ids[0] == package.entry
        assert len(set(ids)) == len(ids)
        runs = {step["run"] for process in package.document["$graph"] for step in process.get("steps", {}).values()}
        assert {f"#{name}" for name in ids[1:]} == runs - {f"#{package.entry}"}


def test_staged_images_need_no_network_and_referred_ones_do(packages: dict[str, Package]) -> None:
    for name, wanted in (("wcc", True), ("wcc-staged", False)):
        tools = {p["id"]: p for p in packages[name].document["$graph"] if p["class"] == "CommandLineTool"}
        networks = {tool: p["requirements"]["NetworkAccess"]["networkAccess"] for tool, p in tools.items()}
        assert networks.pop("fetch") is wanted
        assert not any(networks.values())


def test_both_versions_of_yaml_read_the_same(packages: dict[str, Package], tmp_path: Path) -> None:
    for package in packages.values():
        file = write(package, tmp_path)
        assert yaml.safe_load(file.read_text()) == package.document
        assert json.dumps(YAML(typ="safe", pure=True).load(file)) == json.dumps(package.document)


def test_known_digests_take_the_place_of_tags(about: Facts) -> None:
    image = f"ghcr.io/sen4cap/tools:{about.version}"
    path = ROOT / "workflows" / "wcc.cwl"
    pinned = images_of(bundle(path, STAGED, about=about, digests={image: DIGEST}).document)
    assert f"ghcr.io/sen4cap/tools@{DIGEST}" in pinned
    assert image not in pinned
    assert f"ghcr.io/sen4cap/train:{about.version}" in pinned


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("[]", "is no JSON object of image:tag"),
        ('{"a:1": "latest"}', "'latest' is no digest"),
    ],
)
def test_bad_digests_are_one_line(text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "images.json").write_text(text)
    assert main(["--output", str(tmp_path), "--digests", str(tmp_path / "images.json")]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert not list(tmp_path.glob("*.cwl"))


def made(folder: Path, name: str, steps: dict[str, str], **more: Any) -> Path:
    """Write a workflow of steps that run files."""
    document = {
        **{"cwlVersion": "v1.2", "class": "Workflow", "id": name, "label": name, "doc": name},
        **{"inputs": {}, "outputs": {"out": {"type": "Directory"}}},
        "steps": {step: {"run": run} for step, run in steps.items()},
        **more,
    }
    (folder / f"{name}.cwl").write_text(yaml.safe_dump(document))
    return folder / f"{name}.cwl"


def test_a_workflow_that_runs_itself_is_refused(tmp_path: Path) -> None:
    made(tmp_path, "one", {"a": "two.cwl"})
    with pytest.raises(Unbundled, match=r"runs itself, by one\.cwl -> two\.cwl"):
        processes_of(made(tmp_path, "two", {"a": "one.cwl"}).with_name("one.cwl"))


def test_what_is_missing_doubled_or_nameless_is_refused(tmp_path: Path, about: Facts) -> None:
    with pytest.raises(Unbundled, match="which does not exist"):
        processes_of(made(tmp_path, "one", {"a": "gone.cwl"}))
    made(tmp_path, "two", {})
    (tmp_path / "three.cwl").write_text((tmp_path / "two.cwl").read_text())
    with pytest.raises(Unbundled, match="the id two stands for several"):
        processes_of(made(tmp_path, "one", {"a": "two.cwl", "b": "three.cwl"}))
    with pytest.raises(Unbundled, match="the id main says nothing"):
        processes_of(made(tmp_path, "main", {}))
    tool = {"class": "CommandLineTool", "cwlVersion": "v1.2", "id": "tool", "inputs": {}, "outputs": {}}
    (tmp_path / "tool.cwl").write_text(yaml.safe_dump(tool))
    with pytest.raises(Unbundled, match="has no DockerRequirement"):
        bundle(made(tmp_path, "one", {"a": "tool.cwl"}), BY_REFERENCE, about=about, digests={})


def test_a_part_that_gives_files_makes_no_package(tmp_path: Path) -> None:
    made(tmp_path, "whole", {"a": "part.cwl", "b": "folder.cwl"})
    made(tmp_path, "part", {}, outputs={"table": {"type": "File"}})
    made(tmp_path, "folder", {})
    made(tmp_path, "alone", {}, outputs={"table": {"type": "File"}})
    assert [path.stem for path in workflows(tmp_path)] == ["alone", "folder", "whole"]
