"""Descriptors ask for what was measured: docs/resources.md is the measurement, cwl/*.cwl the request."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from sen4cap.cli import TOOLS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "resources.md"
ROW = re.compile(r"^\| (\w+) \| ([^|]+) \| (\d+) \| (\d+) \| ([\d.]+) \| [^|]* \| (\d+) to (\d+) \|$", re.MULTILINE)


def rows(tool: str) -> list[tuple[str, int, int, int, int]]:
    """Size, peak and own memory, least and most memory declared, of every run of a tool."""
    found = ROW.findall(PAGE.read_text())
    return [
        (size, int(peak), int(own), int(low), int(high))
        for name, size, peak, own, _, low, high in found
        if name == tool
    ]


@pytest.mark.parametrize("tool", TOOLS)
def test_memory_that_is_asked_for_is_the_measured(tool: str) -> None:
    said = yaml.safe_load((ROOT / "cwl" / f"{tool}.cwl").read_text())["requirements"]["ResourceRequirement"]
    measured = rows(tool)
    assert measured, f"{tool} was not measured: make resources"
    for size, peak, own, low, high in measured:
        assert (low, high) == (said["ramMin"], said["ramMax"]), f"{tool}: the page says other than its descriptor"
        assert own <= said["ramMin"], f"{tool} holds {own} MiB on {size}"
        assert peak <= said["ramMax"], f"{tool} peaks at {peak} MiB on {size}"


def test_every_row_is_of_a_tool() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if re.match(r"\| [a-z]+ \| .*\d", line)]
    assert len(lines) == len(ROW.findall(PAGE.read_text()))
    assert {line.split()[1] for line in lines} == set(TOOLS)


def test_sizes_are_those_of_a_tile() -> None:
    """The largest rows are a full tile and a hundred thousand parcels, or more."""
    for tool in ("fetch", "lai", "markers"):
        assert any("10980 x 10980" in size for size, *_ in rows(tool)), tool
    for tool in ("smooth", "classify", "season", "soil", "harvest", "intercrop", "report", "tiles"):
        counts = [
            int(found[1].replace(",", "")) for size, *_ in rows(tool) if (found := re.search(r"([\d,]+) parcels", size))
        ]
        assert max(counts) >= 100_000, tool
