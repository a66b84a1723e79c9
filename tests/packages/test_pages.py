"""docs/packages.md lists the packages there are, and its examples fit them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from bundle import Package

PAGE = (Path(__file__).parents[2] / "docs" / "packages.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_the_table_lists_every_package(packages: dict[str, Package]) -> None:
    rows = [line for line in PAGE.partition("| package |")[2].splitlines()[2:] if line.startswith("|")]
    rows = rows[: next((place for place, row in enumerate(rows) if "not valid" in row), len(rows))]
    listed = {name for row in rows for name in re.findall(r"`([\w-]+)`", row.split("|")[1])}
    assert listed == set(packages)


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_are_jobs_of_a_package(text: str, packages: dict[str, Package]) -> None:
    job = yaml.safe_load(text)
    package = packages["wcc-staged" if isinstance(job["catalog"], dict) else "wcc"]
    inputs = package.workflow["inputs"]
    assert set(job) <= set(inputs)
    needed = {name for name, entry in inputs.items() if "default" not in entry and not str(entry["type"]).endswith("?")}
    assert needed <= set(job)
    for name, value in job.items():
        kind = str(inputs[name]["type"]).removesuffix("?")
        if kind in ("File", "Directory"):
            assert value["class"] == kind, name
        elif kind == "string":
            assert isinstance(value, str), name
