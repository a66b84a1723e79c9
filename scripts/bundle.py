"""Bundle workflows/*.cwl into OGC application packages: one document each, ready to be deployed.

    python scripts/bundle.py --output dist [--digests dist/images.json] [--containers requirements|hints]

A package is one `$graph`: the workflow first, then the workflows and tools that it runs, each as it stands in
workflows/ and cwl/ but for four things: references become ids of the graph, DockerRequirement moves from `hints` to
`requirements`, image tags become digests where they are known, and an input of type [string, Directory] is narrowed to
what the platform gives. Workflows with such an input make two packages: NAME (by reference: a URL) and NAME-staged
(a folder with catalog.json that the platform has staged).

Workflows are discovered. One that is only a step of another and gives files, not a folder, is part of that package and
makes none of its own.
"""

from __future__ import annotations

import argparse
import copy
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from package_metadata import ROOT, Facts, facts, schema_org

Document = dict[str, Any]
EITHER = ["string", "Directory"]
"""Type of an input that takes a catalogue by reference or staged."""
FOLDERS = ("Directory", "Directory?", "Directory[]")
"""Types of results that a platform publishes."""
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Unbundled(ValueError):
    """A workflow cannot become a package; the text names the file and the reason."""


@dataclass(frozen=True)
class Shape:
    """How a platform hands over the images: `suffix` of the package's name, type of the input, what to say of it."""

    suffix: str
    narrowed: str | None
    doc: str


BY_REFERENCE = Shape("", "string", "STAC API or static catalogue by URL; the images are read from where they lie.")
STAGED = Shape("-staged", "Directory", "Folder with catalog.json and the images, staged by the platform.")
AS_IT_STANDS = Shape("", None, "")


@dataclass(frozen=True)
class Package:
    """One application package: its name (file stem), the workflow to run in it, and the document."""

    name: str
    entry: str
    version: str
    document: Document

    @property
    def file_name(self) -> str:
        """Name of its file, with the version."""
        return f"{self.name}.{self.version}.cwl"

    @property
    def workflow(self) -> Document:
        """The workflow to run."""
        found: Document = self.document["$graph"][0]
        return found


def workflows(folder: Path = ROOT / "workflows") -> list[Path]:
    """Workflows that make packages: all but those that hand files to a workflow above them and are only parts of it."""
    found = {path: read(path) for path in sorted(folder.glob("*.cwl"))}
    parts = {(path.parent / step["run"]).resolve() for path, document in found.items() for step in _steps(document)}
    return [path for path, document in found.items() if path.resolve() not in parts or _publishable(document)]


def read(path: Path) -> Document:
    """Read a descriptor."""
    found = yaml.safe_load(path.read_text())
    if not isinstance(found, dict) or found.get("class") not in ("Workflow", "CommandLineTool"):
        raise Unbundled(f"{path}: is no Workflow or CommandLineTool")
    return found


def _steps(document: Document) -> list[Document]:
    return list(document.get("steps", {}).values())


def _publishable(document: Document) -> bool:
    return all(entry["type"] in FOLDERS for entry in document["outputs"].values())


def shapes_of(workflow: Document) -> tuple[Shape, ...]:
    """Shapes in which a workflow is packaged."""
    either = [name for name, entry in workflow["inputs"].items() if entry["type"] == EITHER]
    return (BY_REFERENCE, STAGED) if either else (AS_IT_STANDS,)


def processes_of(path: Path) -> dict[Path, Document]:
    """A workflow and all that it runs, by file: itself, other workflows, tools, each kind in the order of use."""
    found: dict[Path, Document] = {}

    def visit(file: Path, above: tuple[Path, ...]) -> None:
        if file in above:
            raise Unbundled(f"{file}: runs itself, by {' -> '.join(p.name for p in above)}")
        if file not in found:
            if not file.is_file():
                raise Unbundled(f"{above[-1]}: runs {file}, which does not exist")
            found[file] = read(file)
        for step in _steps(found[file]):
            visit((file.parent / step["run"]).resolve(), (*above, file))

    visit(path.resolve(), ())
    ids = [document["id"] for document in found.values()]
    again = sorted({name for name in ids if ids.count(name) > 1})
    if again:
        raise Unbundled(f"{path}: the id {again[0]} stands for several of {', '.join(file.name for file in found)}")
    if "main" in ids:
        raise Unbundled(f"{path}: the id main says nothing; name the process")
    return dict(sorted(found.items(), key=lambda item: (item[0] != path.resolve(), item[1]["class"] != "Workflow")))


def bundle(
    path: Path, shape: Shape, *, about: Facts, digests: dict[str, str], containers: str = "requirements"
) -> Package:
    """Make one package of a workflow.

    Parameters
    ----------
    path
        The workflow.
    shape
        How the images are handed over.
    about
        Version, dates and addresses of the suite.
    digests
        Image with tag -> ``sha256:...``; other images keep their tag.
    containers
        ``requirements``: the images are part of the package. ``hints``: the same document for a run without containers,
        which both runners refuse otherwise.
    """
    processes = processes_of(path)
    ids = {file: document["id"] for file, document in processes.items()}
    source = processes[path.resolve()]
    ids[path.resolve()] = source["id"] + shape.suffix
    graph = []
    for file, original in processes.items():
        document = copy.deepcopy(original)
        document.pop("cwlVersion")
        document["id"] = ids[file]
        for step in _steps(document):
            step["run"] = "#" + ids[(file.parent / step["run"]).resolve()]
        _narrow(document, shape)
        _place_image(document, file, digests, containers)
        graph.append(document)
    title = source["label"] + (", staged" if shape is STAGED else "")
    whole = {
        "cwlVersion": source["cwlVersion"],
        "$namespaces": {"s": "https://schema.org/"},
        **schema_org(about, page=path.stem, title=title, description=source["doc"]),
        "$graph": graph,
    }
    return Package(path.stem + shape.suffix, ids[path.resolve()], about.version, whole)


def bundles(about: Facts, digests: dict[str, str], containers: str = "requirements") -> Iterator[Package]:
    """All packages of the suite."""
    for path in workflows():
        for shape in shapes_of(read(path)):
            yield bundle(path, shape, about=about, digests=digests, containers=containers)


def write(package: Package, folder: Path) -> Path:
    """Write a package; strings stay strings for readers of YAML 1.1 and 1.2 alike."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / package.file_name
    beside = target.with_name(f".{target.name}.part")
    beside.write_text(yaml.dump(package.document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True))
    beside.replace(target)
    return target


def read_digests(path: Path | None) -> dict[str, str]:
    """Digests of published images: a JSON object of ``image:tag`` -> ``sha256:...``; none where there is no file."""
    if path is None or not path.exists():
        return {}
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise Unbundled(f"{path}: is no JSON ({error})") from error
    if not isinstance(found, dict):
        raise Unbundled(f"{path}: is no JSON object of image:tag -> sha256:...")
    for image, digest in found.items():
        if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
            raise Unbundled(f"{path}, {image}: {digest!r} is no digest; write sha256: and 64 hexadecimal digits")
    return found


def images_of(document: Document) -> list[str]:
    """Images that a package or a descriptor names."""
    found = set()
    for process in document.get("$graph", [document]):
        for part in ("requirements", "hints"):
            pull = process.get(part, {}).get("DockerRequirement", {}).get("dockerPull")
            found |= {pull} if pull else set()
    return sorted(found)


def pinned(image: str, digests: dict[str, str]) -> str:
    """Image by digest where it is known. Podman takes a tag or a digest, not both."""
    return f"{image.rpartition(':')[0]}@{digests[image]}" if image in digests else image


def _narrow(document: Document, shape: Shape) -> None:
    """Narrow [string, Directory]; staged images need no network."""
    if shape.narrowed is None:
        return
    either = [entry for entry in document["inputs"].values() if entry["type"] == EITHER]
    for entry in either:
        entry["type"] = shape.narrowed
        if document["class"] == "Workflow":
            entry["doc"] = shape.doc
    if either and shape is STAGED and document["class"] == "CommandLineTool":
        document["requirements"]["NetworkAccess"] = {"networkAccess": False}


def _place_image(document: Document, file: Path, digests: dict[str, str], containers: str) -> None:
    """Move the image of a tool from its hints to its requirements, with its digest."""
    if document["class"] != "CommandLineTool":
        return
    hints = document.pop("hints", {})
    try:
        image = hints.pop("DockerRequirement")["dockerPull"]
    except KeyError as error:
        raise Unbundled(f"{file}: has no DockerRequirement with dockerPull under hints") from error
    image = {"dockerPull": pinned(image, digests)}
    if containers == "requirements":
        document["requirements"] = {"DockerRequirement": image, **document["requirements"]}
    else:
        hints = {"DockerRequirement": image, **hints}
    if hints:
        document["hints"] = hints


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key, repeats what is the same, quotes what YAML 1.2 would take for a number."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if text[:1] in "+-.0123456789" else None)


_Dumper.add_representer(str, _text)


def main(words: list[str] | None = None) -> int:
    """Write all packages; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="folder to write (dist)")
    parser.add_argument("--digests", type=Path, help="JSON of image:tag -> sha256:..., written when images are pushed")
    parser.add_argument("--containers", choices=("requirements", "hints"), default="requirements")
    asked = parser.parse_args(words)
    try:
        digests = read_digests(asked.digests)
        made = list(bundles(facts(), digests, asked.containers))
    except Unbundled as error:
        print(f"packages: {error}", file=sys.stderr)
        return 3
    for package in made:
        print(write(package, asked.output))
    tags = sorted({image for package in made for image in images_of(package.document) if "@" not in image})
    if tags:
        print(f"packages: no digest is known of {', '.join(tags)}: named by tag", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
