"""Who may import whom: shared nouns no tool, kernels neither run nor cli, a tool no other tool's run or cli."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from sen4cap.cli import COMMANDS

PACKAGE = Path(__file__).parents[2] / "tools" / "sen4cap"
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def imports_of(module: Path) -> Iterator[tuple[str, ...]]:
    """Parts of every module of the suite that a module imports, from the package down."""
    here = module.parts[:-1]
    for node in ast.walk(ast.parse((PACKAGE / module).read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = here[: len(here) - (node.level - 1)]
            stem = tuple(node.module.split(".")) if node.module else ()
            for name in node.names:
                yield (*base, *stem, name.name)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "sen4cap":
            for name in node.names:
                yield (*node.module.split(".")[1:], name.name)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_keep_the_house_in_order(module: Path) -> None:
    tool = module.parts[0] if len(module.parts) > 1 else None
    for target in imports_of(module):
        if target[0] not in COMMANDS:
            continue
        assert tool is not None, f"shared noun {module} imports the tool {target[0]}"
        rooms = target[1:2]
        if target[0] != tool:
            assert rooms not in (("run",), ("cli",)), f"{module} imports {'.'.join(target)}"
        if module.name == "kernel.py":
            assert rooms not in (("run",), ("cli",)), f"{module} imports {'.'.join(target)}"


def test_nothing_is_called_utils() -> None:
    assert [str(m) for m in MODULES if m.stem in ("util", "utils", "helpers", "common", "misc")] == []
