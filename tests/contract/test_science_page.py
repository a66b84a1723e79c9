"""docs/science.md and its pages name constants and defaults; what they say must be what the code has.

Three kinds of tables are held against the code, told by their heads:

- `| constant | value | ... |`: a dotted name under `sen4cap`, or a command with an option such as `smooth --lambda`;
- `| rows of NAME | field | ... |`: one row for each item of a tuple of dataclasses, by the names of their fields;
- a constant named in the text, such as `LEAST_SWING`, must stand in a table of the same page.
"""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from sen4cap.cli import TOOLS, main

ROOT = Path(__file__).parents[2]
INDEX = ROOT / "docs" / "science.md"
PAGES = sorted((ROOT / "docs" / "science").glob("*.md"))
PARTS = (
    "bare-soil", "classes", "emergence", "harvest", "intercropping", "lai", "markers", "maxima", "simulator",
    "smoothing", "stand", "termination",
)  # fmt: skip
NO_CONSTANTS = {"NO-HARVEST", "NA", "NA1", "BS", "NBS", "SCE", "CPSCE", "CPMCH", "WCC", "NWCC"}
"""Words in capitals and code type that are codes of files, not constants."""
WRONG = {
    "season.growth.EMERGED": "0.2",
    "smooth.whittaker.NO_SUCH": "1",
    "no_module.NAME": "1",
    "smooth --lambda": "30",
    "smooth --no-such": "1",
}


def tables(text: str) -> list[list[list[str]]]:
    """Cells of all tables of a page: rows of texts, the head first, without the line below it."""
    found: list[list[list[str]]] = []
    last = -2
    for number, line in enumerate(text.splitlines()):
        if not line.startswith("|"):
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if number > last + 1:
            found.append([])
        last = number
        if not all(set(cell) <= set("-: ") for cell in cells):
            found[-1].append(cells)
    return found


def constants(text: str) -> list[tuple[str, str]]:
    """Names and values of the tables of constants of a page."""
    rows = [row for table in tables(text) if table[0][:2] == ["constant", "value"] for row in table[1:]]
    return [(row[0].strip("`"), row[1].strip("`")) for row in rows]


def value_of(name: str) -> Any:
    """What the code has under a dotted name, or as the default of a command's option."""
    tool, _, option = name.partition(" ")
    if option:
        command = main.get_command(click.Context(main), tool) if tool in TOOLS else None
        found = [p.default for p in command.params if option in p.opts] if command else []
        if not found:
            raise LookupError(f"no command and option {name}")
        return found[0]
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(f"sen4cap.{module}"), attribute)
    except (ImportError, AttributeError) as error:
        raise LookupError(f"no constant sen4cap.{name}") from error


def plain(value: Any) -> Any:
    """Arrays and lists as tuples, numbers as Python's, so that a literal may equal them."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(plain(each) for each in value)
    return {key: plain(each) for key, each in value.items()} if isinstance(value, dict) else value


def written(text: str) -> Any:
    """Value that a cell says: yes or no, a range such as `2.0 to 5.0`, a Python literal, or the text itself."""
    if text in ("yes", "no"):
        return text == "yes"
    if " to " in text:
        return tuple(written(end) for end in text.split(" to "))
    try:
        return plain(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text


def problem(name: str, said: str) -> str:
    """What is wrong with a row of a table of constants; empty where nothing is."""
    try:
        has = plain(value_of(name))
    except LookupError as error:
        return str(error)
    return "" if has in (said, written(said)) else f"{name} is {has!r}, the page says {said}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_constants_are_those_of_the_code(page: Path) -> None:
    rows = constants(page.read_text())
    assert len(rows) >= 3, "a page of a method names what it hangs on"
    wrong = [text for name, said in rows if (text := problem(name, said))]
    assert not wrong, f"correct {page.relative_to(ROOT)}: " + "; ".join(wrong)


@pytest.mark.parametrize(("name", "said"), WRONG.items())
def test_a_wrong_row_is_found(name: str, said: str) -> None:
    assert problem(name, said)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_constants_in_the_text_stand_in_its_tables(page: Path) -> None:
    text = page.read_text()
    listed = {name.rpartition(".")[2] for name, _ in constants(text)}
    named = set(re.findall(r"`([A-Z][A-Z0-9_-]*[A-Z0-9])`", text))
    assert named - NO_CONSTANTS <= listed


def test_tables_of_crops_are_those_of_the_simulator() -> None:
    heads = [table for page in PAGES for table in tables(page.read_text()) if table[0][0].startswith("rows of ")]
    assert len(heads) == 2
    for head, *rows in heads:
        items = value_of(head[0].removeprefix("rows of ").strip("`"))
        assert [row[0] for row in rows] == [item.name for item in items]
        for row, item in zip(rows, items, strict=True):
            for field, cell in zip(head[1:], row[1:], strict=True):
                assert written(cell) == plain(getattr(item, field)), f"{field} of {item.name}"


def test_index_leads_to_every_page() -> None:
    assert tuple(page.stem for page in PAGES) == PARTS
    linked = re.findall(r"\]\(science/([\w-]+)\.md\)", INDEX.read_text())
    assert sorted(set(linked)) == sorted(PARTS)


@pytest.mark.parametrize("page", [INDEX, *PAGES], ids=lambda page: page.stem)
def test_links_and_figures_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists() or target.endswith("accuracy.md"), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_has_its_parts(page: Path) -> None:
    heads = re.findall(r"^## (.*)$", page.read_text(), re.MULTILINE)
    for part in ("The question", "Choices", "What it cannot see", "Constants", "Sources"):
        assert part in heads
