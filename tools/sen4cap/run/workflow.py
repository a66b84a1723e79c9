"""A CWL document as it is known before anything runs: inputs, steps, images, files."""

from __future__ import annotations

import hashlib
import logging
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cwltool.context import LoadingContext
from cwltool.load_tool import load_tool
from cwltool.process import Process, shortname
from cwltool.resolver import tool_resolver
from cwltool.workflow import Workflow as CwlWorkflow
from cwltool.workflow import default_make_tool

from ..errors import BadInput


@dataclass(frozen=True)
class Step:
    """A step that starts a tool, at any depth."""

    path: str
    """Names of the steps that lead to it: ``analyse/intercropping/season``."""
    tool: str
    """Name of its tool."""
    parent: str
    """Name of the workflow whose step it is."""
    scattered: bool
    image: str | None


@dataclass(frozen=True)
class Workflow:
    """A document that can be run, and what has to be known of it beforehand."""

    location: str
    inputs: tuple[dict[str, Any], ...]
    steps: tuple[Step, ...]
    documents: dict[str, str]
    """SHA-256 of every local document that it is made of."""


def load(location: str) -> Workflow:
    """Load a workflow or a single tool with all that it refers to.

    Raises
    ------
    BadInput
        It does not exist or is no valid CWL.
    """
    path = location.partition("#")[0]
    if "://" not in path and not Path(path).is_file():
        raise BadInput(path, "does not exist" if not Path(path).exists() else "is no CWL document")
    logging.getLogger("cwltool").setLevel(logging.CRITICAL)
    logging.getLogger("salad").setLevel(logging.CRITICAL)
    context = LoadingContext({"construct_tool_object": default_make_tool, "resolver": tool_resolver})
    try:
        process = load_tool(location, context)
    except Exception as error:  # The loader raises what its parsers raise; all of it is about the document.
        raise BadInput(location, f"is no valid CWL: {first_reason(str(error))}") from error
    steps = tuple(steps_of(process))
    return Workflow(location, tuple(process.tool["inputs"]), steps, checksums(process))


def steps_of(process: Process, path: tuple[str, ...] = (), scattered: bool = False) -> Iterator[Step]:
    """Walk down to the steps that start tools; expressions start nothing."""
    for step in process.steps if isinstance(process, CwlWorkflow) else ():
        tool, here = step.embedded_tool, (*path, shortname(step.id))
        many = scattered or "scatter" in step.tool
        if isinstance(tool, CwlWorkflow):
            yield from steps_of(tool, here, many)
        elif tool.tool["class"] == "CommandLineTool":
            parent, name = shortname(process.tool["id"]), shortname(tool.tool["id"])
            yield Step("/".join(here), name, parent, many, image_of(tool))
    if process.tool["class"] == "CommandLineTool":
        name = shortname(process.tool["id"])
        yield Step(name, name, "", False, image_of(process))


def image_of(tool: Process) -> str | None:
    """Image that the tool asks for."""
    wanted, _ = tool.get_requirement("DockerRequirement")
    return str(wanted.get("dockerImageId") or wanted.get("dockerPull") or "") or None if wanted else None


def checksums(process: Process) -> dict[str, str]:
    """SHA-256 of the documents of a process and of all that it embeds."""
    found: dict[str, str] = {}
    waiting = [process]
    while waiting:
        one = waiting.pop()
        path = local_path(str(one.tool["id"]).partition("#")[0])
        if path and path.is_file() and str(path) not in found:
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
        if isinstance(one, CwlWorkflow):
            waiting += [step.embedded_tool for step in one.steps]
    return dict(sorted(found.items()))


def local_path(location: str) -> Path | None:
    """Path of a location on this machine; None of a remote one."""
    parts = urllib.parse.urlsplit(location)
    if parts.scheme == "file":
        return Path(urllib.parse.unquote(parts.path))
    return None if parts.scheme and "://" in location else Path(location)


def first_reason(text: str) -> str:
    """The innermost line of what the validator says: the others only lead there."""
    lines = [line.strip(" *") for line in text.splitlines() if line.strip(" *")]
    return lines[-1] if lines else "no reason given"
