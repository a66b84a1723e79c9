"""Workflows only chain what is there: they validate, name their parts, and repeat no parameter differently."""

from __future__ import annotations

import io
from pathlib import Path

import cwltool.main
import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / "workflows").glob("*.cwl"))


def read(path: Path) -> dict:
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize(
    "path", [*WORKFLOWS, *sorted((ROOT / "cwl").glob("*.cwl"))], ids=lambda p: f"{p.parent.name}-{p.stem}"
)
def test_validates(path: Path) -> None:
    said = io.StringIO()
    assert cwltool.main.main(["--validate", str(path)], stderr=said, stdout=io.StringIO()) == 0, said.getvalue()
    # The checker also doubts every optional secondary file and every pickValue; those doubts are no faults.
    assert "previously defined" not in said.getvalue(), said.getvalue()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_has_the_house_form(path: Path) -> None:
    workflow = read(path)
    assert workflow["cwlVersion"] == "v1.2"
    assert workflow["class"] == "Workflow"
    for part in ("inputs", "outputs", "steps"):
        for name, entry in workflow[part].items():
            assert entry["label"], name
            assert entry["doc"], name
    for step in workflow["steps"].values():
        target = (path.parent / step["run"]).resolve()
        assert target.is_file()
        assert target.parent in (ROOT / "cwl", ROOT / "workflows")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_defaults_are_those_of_the_tools(path: Path) -> None:
    """A workflow's default for an input that goes straight into a tool's option is that option's default."""
    workflow = read(path)
    for step in workflow["steps"].values():
        tool = read((path.parent / step["run"]).resolve())
        for name, source in step["in"].items():
            assert name in tool["inputs"], f"{step['run']} has no input {name}"
            if not isinstance(source, str) or source not in workflow["inputs"]:
                continue
            ours, theirs = workflow["inputs"][source], tool["inputs"][name]
            if "default" in ours and "default" in theirs:
                assert ours["default"] == theirs["default"], (path.stem, source)
        missing = [
            name
            for name, entry in tool["inputs"].items()
            if name not in step["in"] and "default" not in entry and not optional(entry["type"])
        ]
        assert missing == [], f"{step['run']} also needs {missing}"


def optional(kind: object) -> bool:
    return (isinstance(kind, str) and kind.endswith("?")) or (isinstance(kind, list) and "null" in kind)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_job_file_fits(path: Path) -> None:
    inputs, job = read(path)["inputs"], read(path.with_suffix(".job.yml"))
    assert set(job) <= set(inputs)
    needed = {name for name, entry in inputs.items() if "default" not in entry and not optional(entry["type"])}
    assert needed <= set(job)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_has_a_page_for_users(path: Path) -> None:
    page = (ROOT / "docs" / "workflows" / f"{path.stem}.md").read_text()
    assert f"workflows/{path.stem}.cwl workflows/{path.stem}.job.yml" in page
