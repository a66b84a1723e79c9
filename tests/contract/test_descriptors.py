"""Every command and its CWL descriptor say the same, and every tool has all its parts, by discovery."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from sen4cap import __version__
from sen4cap.cli import AROUND, COMMANDS, TOOLS, main
from sen4cap.options import Catalog

ROOT = Path(__file__).parents[2]
DESCRIPTORS = sorted(path.stem for path in (ROOT / "cwl").glob("*.cwl"))


def command_of(tool: str) -> click.Command:
    command = main.get_command(click.Context(main), tool)
    assert command is not None
    return command


def descriptor_of(tool: str) -> dict:
    return yaml.safe_load((ROOT / "cwl" / f"{tool}.cwl").read_text())


def cwl_type(option: click.Option) -> object:
    """CWL type of an option; optional ones (no default, not required) end with ``?``."""
    kind = option.type
    if isinstance(kind, Catalog):
        name: object = ("string", "Directory")
    elif isinstance(kind, click.Choice):
        name = ("enum", *kind.choices)
    elif isinstance(kind, click.Path):
        kinds = [found for found, allowed in (("File", kind.file_okay), ("Directory", kind.dir_okay)) if allowed]
        name = "string" if not kind.exists else kinds[0] if len(kinds) == 1 else tuple(kinds)
    elif isinstance(kind, click.types.IntParamType):
        name = "int"
    elif isinstance(kind, click.types.FloatParamType):
        name = "double"
    elif option.is_flag:
        name = "boolean"
    else:
        name = "string"
    if option.multiple:
        name = ("array", name)
    return name


def written_type(said: object) -> tuple[object, bool]:
    """Type that a descriptor's input says, and whether it is optional."""
    optional = False
    if isinstance(said, list):
        optional = "null" in said
        said = [t for t in said if t != "null"]
        said = said[0] if len(said) == 1 else tuple(said)
    if isinstance(said, str) and said.endswith("?"):
        said, optional = said[:-1], True
    if isinstance(said, dict) and said["type"] == "enum":
        said = ("enum", *said["symbols"])
    elif isinstance(said, dict):
        said = ("array", said["items"])
    return said, optional


def prefix_of(entry: dict) -> str:
    said = entry["type"]
    parts = said if isinstance(said, list) else [said]
    for part in parts:
        if isinstance(part, dict) and "inputBinding" in part:
            return part["inputBinding"]["prefix"]
    return entry["inputBinding"]["prefix"]


def default_of(option: click.Option) -> str | None:
    """Default as text; None where there is none. Flags are off by default."""
    default = option.to_info_dict()["default"]
    if option.required or option.multiple or default is None:
        return None
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(option.type, click.types.FloatParamType):
        return str(float(default))
    return str(default)


def written_default(entry: dict) -> str | None:
    if entry.get("default", []) == []:
        return None
    default = entry["default"]
    if isinstance(default, bool):
        return str(default).lower()
    kind, _ = written_type(entry["type"])
    return str(float(default)) if kind == "double" else str(default)


@pytest.mark.parametrize("tool", TOOLS)
def test_descriptor_equals_command(tool: str) -> None:
    options = [p for p in command_of(tool).params if isinstance(p, click.Option)]
    said = {}
    for option in options:
        default = default_of(option)
        optional = not option.required and default is None
        said[option.opts[0]] = (cwl_type(option), optional, default, option.help)
    written = {}
    for entry in descriptor_of(tool)["inputs"].values():
        kind, optional = written_type(entry["type"])
        # A list that may be left out is empty by default: ap-validator cannot read a null beside a list.
        optional = optional or entry.get("default") == []
        written[prefix_of(entry)] = (kind, optional, written_default(entry), entry["doc"])
    assert written == said


@pytest.mark.parametrize("tool", TOOLS)
def test_descriptor_has_the_house_form(tool: str) -> None:
    descriptor = descriptor_of(tool)
    command = command_of(tool)
    assert descriptor["cwlVersion"] == "v1.2"
    assert descriptor["class"] == "CommandLineTool"
    assert descriptor["id"] == tool
    assert descriptor["baseCommand"] == ["sen4cap", tool]
    assert descriptor["doc"] == (command.help or "").split("\n\n")[0].replace("\n", " ")
    assert descriptor["label"]
    image = "train" if tool == "classify" else "tools"
    pull = descriptor["hints"]["DockerRequirement"]["dockerPull"]
    assert pull == f"ghcr.io/sen4cap/{image}:{__version__}"
    resources = descriptor["requirements"]["ResourceRequirement"]
    assert set(resources) == {"coresMin", "coresMax", "ramMin", "ramMax"}
    assert descriptor["requirements"]["NetworkAccess"] == {"networkAccess": tool in ("tiles", "fetch")}
    assert set(descriptor) <= {
        *("cwlVersion", "class", "id", "label", "doc", "baseCommand", "hints", "requirements", "inputs", "outputs"),
    }
    for name, entry in descriptor["inputs"].items():
        assert entry["label"], name
        assert prefix_of(entry) == "--" + name.replace("_", "-")
    for name, entry in descriptor["outputs"].items():
        assert entry["label"], name
        assert entry["doc"], name
        # A pattern would hide a wrong output; only where a tool decides how many files there are it cannot be avoided.
        assert ("*" in str(entry["outputBinding"]["glob"])) == (entry["type"] == "File[]"), name


def examples_in(text: str, tool: str) -> list[list[str]]:
    """Words of every example of a tool in a text; a backslash at the end of a line goes on."""
    joined = re.sub(r"\\\n\s*", " ", text)
    found = re.findall(rf"^\s*(?:Example:\s*|\$ )?sen4cap ({tool} -.*)$", joined, flags=re.MULTILINE)
    return [shlex.split(line, comments=True) for line in found]


def assert_parses(command: click.Command, words: list[str]) -> None:
    """Hold an example to the options that there are and that are required; its files need not exist."""
    context = click.Context(command, info_name=words[0], **command.context_settings)
    values, rest, _ = command.make_parser(context).parse_args(words[1:])
    assert rest == [], words
    required = {option.name for option in command.params if option.required}
    assert required <= set(values), (words, required - set(values))


@pytest.mark.parametrize("tool", COMMANDS)
def test_help_has_an_example_that_parses(tool: str) -> None:
    command = command_of(tool)
    examples = examples_in((command.help or "").replace("\b", ""), tool)
    assert examples
    for words in examples:
        assert_parses(command, words)
    assert tool in AROUND or all(isinstance(option, click.Option) for option in command.params)
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help, option.name


def page_of(command: str) -> Path:
    return ROOT / "docs" / f"{command}.md" if command in AROUND else ROOT / "docs" / "tools" / f"{command}.md"


@pytest.mark.parametrize("tool", COMMANDS)
def test_page_has_an_example_that_parses(tool: str) -> None:
    examples = examples_in(page_of(tool).read_text(), tool)
    assert examples
    for words in examples:
        assert_parses(command_of(tool), words)


@pytest.mark.parametrize("tool", TOOLS)
def test_tool_has_all_its_parts(tool: str) -> None:
    parts = [
        f"tools/sen4cap/{tool}/__init__.py",
        f"tools/sen4cap/{tool}/kernel.py",
        f"tools/sen4cap/{tool}/run.py",
        f"tools/sen4cap/{tool}/cli.py",
        f"cwl/{tool}.cwl",
        f"tests/{tool}",
        f"docs/tools/{tool}.md",
    ]
    assert [part for part in parts if not (ROOT / part).exists()] == []
    assert list((ROOT / "tests" / tool).glob("test_*.py"))


@pytest.mark.parametrize("command", AROUND)
def test_command_about_runs_has_all_its_parts(command: str) -> None:
    """It starts tools through workflows, so it has a page and tests, but neither kernel nor descriptor."""
    parts = [f"tools/sen4cap/{command}/cli.py", f"tests/{command}", f"docs/{command}.md"]
    assert [part for part in parts if not (ROOT / part).exists()] == []
    assert list((ROOT / "tests" / command).glob("test_*.py"))
    assert not (ROOT / "cwl" / f"{command}.cwl").exists()


def test_every_descriptor_belongs_to_a_tool() -> None:
    assert set(DESCRIPTORS) == set(TOOLS)


def test_every_tool_folder_is_collected() -> None:
    folders = {path.parent.name for path in (ROOT / "tools" / "sen4cap").glob("*/cli.py")}
    assert folders == set(COMMANDS)
