"""A job file: read, and held against the inputs of its workflow before anything starts."""

from __future__ import annotations

import difflib
import hashlib
import json
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cwltool.process import shortname
from ruamel.yaml.error import MarkedYAMLError
from schema_salad.utils import yaml_no_ts

from ..errors import BadInput
from .workflow import local_path

SPECIAL = ("cwl:tool", "cwl:requirements", "cwltool:overrides", "$namespaces", "$schemas")
"""Keys that speak to the runner, not to the workflow."""
NAMES = {
    "int": "a whole number",
    "long": "a whole number",
    "float": "a number",
    "double": "a number",
    "string": "a text",
    "boolean": "true or false",
    "File": "a file, {class: File, location: PATH}",
    "Directory": "a folder, {class: Directory, location: PATH}",
    "null": "nothing",
}
ANYTHING = "Any"


def load(path: Path) -> dict[str, Any]:
    """Read a job file, YAML or JSON.

    Raises
    ------
    BadInput
        It does not exist, is no YAML, or no mapping.
    """
    try:
        found = yaml_no_ts().load(path.read_text())
    except FileNotFoundError as error:
        raise BadInput(path, "does not exist") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(path, f"cannot be read: {error}") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise BadInput(f"{path}{line}", f"is no YAML: {error.problem or error.context}") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BadInput(path, f"holds {kind_of(found)}", do="write one `input: value` a line")
    return dict(found)


def check(job: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Hold a job against the inputs of its workflow; files and folders on this machine must exist.

    Raises
    ------
    BadInput
        The first key that is unknown, missing or of a wrong type, and why.
    """
    known = {shortname(entry["id"]): entry for entry in inputs}
    for key in job:
        if key not in known and key not in SPECIAL and "cwltool#" not in key:
            close = difflib.get_close_matches(str(key), known, n=1, cutoff=0.7)
            do = f"is {close[0]} meant?" if close else f"its inputs are {', '.join(known)}"
            raise BadInput(f"{path}, {key}", "the workflow has no such input", do=do)
    for key, entry in known.items():
        value = job.get(key)
        if value is None and "default" in entry:
            continue
        if value is None and not accepts_nothing(entry["type"]):
            meaning = f" ({entry['label']})" if "label" in entry else ""
            raise BadInput(f"{path}, {key}", f"is missing{meaning}; it takes {words(entry['type'])}")
        if value is not None:
            check_value(value, entry["type"], f"{path}, {key}", path.parent)


def check_value(value: Any, wanted: Any, where: str, base: Path) -> None:
    """Hold one value against a CWL type, and what it points to against the disk."""
    if not fits(value, wanted):
        do = ""
        for kind in ("Directory", "File"):
            if isinstance(value, str) and kind in alternatives(wanted):
                do = f"write {{class: {kind}, location: {value}}}"
        raise BadInput(where, f"{shown(value)} is {kind_of(value)}, and this input takes {words(wanted)}", do=do)
    for number, entry in enumerated(value):
        here = f"{where}{f', item {number}' if number else ''}"
        for file in files_in(entry):
            check_exists(file, here, base)


def check_exists(value: Mapping[str, Any], where: str, base: Path) -> None:
    """A File or Directory on this machine must be there and be what its class says."""
    path = place(value, base)
    if path is None:
        return
    if not path.exists():
        do = "" if Path(str(value.get("location") or value.get("path"))).is_absolute() else "a relative path starts at "
        raise BadInput(where, f"{path} does not exist", do=do and f"{do}the folder of the job file")
    if path.is_dir() != (value["class"] == "Directory"):
        is_a, should = ("folder", "Directory") if path.is_dir() else ("file", "File")
        raise BadInput(where, f"{path} is a {is_a}, not a {value['class']}", do=f"write class: {should}")


def fits(value: Any, wanted: Any) -> bool:
    """Whether a value may stand for an input of a CWL type; types with names of their own are left to the runner."""
    for kind in alternatives(wanted):
        if isinstance(kind, Mapping):
            if fits_made(value, kind):
                return True
        elif kind not in NAMES:
            return True
        elif kind in ("File", "Directory"):
            if isinstance(value, Mapping) and value.get("class") == kind and (place_of(value) or literal(value)):
                return True
        elif fits_plain(value, str(kind)):
            return True
    return False


def fits_made(value: Any, kind: Mapping[str, Any]) -> bool:
    """Whether a value fits an array, an enum or a record."""
    if kind["type"] == "array":
        return isinstance(value, list) and all(fits(each, kind["items"]) for each in value)
    if kind["type"] == "enum":
        return isinstance(value, str) and value in symbols(kind)
    if kind["type"] == "record":
        return isinstance(value, Mapping)
    return fits(value, kind["type"])


def fits_plain(value: Any, kind: str) -> bool:
    """Whether a value fits a type without parts."""
    if kind == "null":
        return value is None
    if kind == "boolean" or isinstance(value, bool):
        return kind == "boolean" and isinstance(value, bool)
    if kind in ("int", "long"):
        return isinstance(value, int)
    if kind in ("float", "double"):
        return isinstance(value, int | float)
    return isinstance(value, str)


def alternatives(wanted: Any) -> list[Any]:
    """A CWL type as a list of those it may be."""
    return list(wanted) if isinstance(wanted, list) else [wanted]


def accepts_nothing(wanted: Any) -> bool:
    """Whether an input may be left out."""
    return bool({"null", ANYTHING} & {kind for kind in alternatives(wanted) if isinstance(kind, str)})


def symbols(kind: Mapping[str, Any]) -> list[str]:
    """Values of an enum without the address that the loader puts before them."""
    return [str(symbol).rpartition("#")[2].rpartition("/")[2] for symbol in kind["symbols"]]


def words(wanted: Any) -> str:
    """A CWL type in words."""
    said = []
    for kind in alternatives(wanted):
        if isinstance(kind, Mapping) and kind["type"] == "array":
            said.append(f"a list, of each item {words(kind['items'])}")
        elif isinstance(kind, Mapping) and kind["type"] == "enum":
            said.append("one of " + ", ".join(symbols(kind)))
        elif isinstance(kind, Mapping):
            said.append("a record" if kind["type"] == "record" else words(kind["type"]))
        elif kind != "null":
            said.append(NAMES.get(kind, str(kind).rpartition("#")[2]))
    return " or ".join(said)


def kind_of(value: Any) -> str:
    """What a value of a job file is, in words."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int):
        return "a whole number"
    if isinstance(value, float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, Mapping):
        kind = value.get("class")
        return f"of class {kind}" if kind in ("File", "Directory") else "a mapping without class File or Directory"
    return "a list" if isinstance(value, list) else "nothing"


def shown(value: Any) -> str:
    """A value as the message names it."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def enumerated(value: Any) -> Iterator[tuple[int, Any]]:
    """Items of a list from 1, or the value itself as number 0."""
    if isinstance(value, list):
        yield from enumerate(value, start=1)
    else:
        yield 0, value


def files_in(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every File and Directory in a value."""
    if isinstance(value, Mapping):
        if value.get("class") in ("File", "Directory"):
            yield value
        for each in value.values():
            yield from files_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from files_in(each)


def place_of(value: Mapping[str, Any]) -> str:
    """Location or path as written; empty where neither is a text."""
    said = value.get("location") or value.get("path")
    return said if isinstance(said, str) else ""


def literal(value: Mapping[str, Any]) -> bool:
    """Whether a File or Directory brings its content with it."""
    return "contents" in value or "listing" in value


def place(value: Mapping[str, Any], base: Path) -> Path | None:
    """Path of a File or Directory on this machine; None of a remote or literal one."""
    said = place_of(value)
    path = local_path(said) if said else None
    if path is None:
        return None
    if "location" in value and not said.startswith("file:") and not (base / path).exists():
        path = Path(urllib.parse.unquote(str(path)))
    return (base / path).absolute()


def fingerprint(job: Mapping[str, Any], base: Path) -> str:
    """SHA-256 of a job and of the names, sizes and times of all local files that it names."""
    found = hashlib.sha256(json.dumps(job, sort_keys=True, default=str).encode())
    for value in files_in(dict(job)):
        path = place(value, base)
        for each in sorted(path.rglob("*")) if path and path.is_dir() else [path]:
            if each and each.is_file():
                stat = each.stat()
                found.update(f"{each} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return found.hexdigest()
