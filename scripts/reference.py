"""Compare results with the reference by value, and write the reference anew.

    python scripts/reference.py run [--update] [--containers] [--packages dist] [--work build/reference]
    python scripts/reference.py compare RESULTS
    python scripts/reference.py files --output dist [--work build/reference]

`run` simulates the benchmark's season, runs the package wcc-staged on it as a platform would, then wcc-from-markers on
what that left, and compares both; with --update the first becomes the reference. `compare` takes the result folder of
any run of the benchmark, such as a platform's, and compares it with packages/reference/. `files` gathers what a release
publishes for the benchmark, after a run. Exit code 0: equal within the
tolerances; 3: not, with a line for each difference that names file, record, column and how far it is off.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from bundle import bundle, read, shapes_of, write
from package_metadata import ROOT, facts

REFERENCE = ROOT / "packages" / "reference"
SEASON, PARCELS, SEED = 2021, 60, 1
STAGED_INPUTS = {"catalog": {"folder": "sim"}, "keep_markers": True}
MOST_LINES = 50


class Unmade(RuntimeError):
    """The benchmark could not be run; the text says which command failed and how."""


def differences(results: Path, reference: Path = REFERENCE) -> Iterator[str]:
    """Lines that say where a result folder differs from the reference by more than is allowed."""
    for name, columns in yaml.safe_load((reference / "tolerances.yaml").read_text()).items():
        if not (results / name).is_file():
            yield f"{name}: is missing in {results}"
            continue
        yield from _table_differences(name, _read(results / name), _read(reference / name), columns)


def _read(path: Path) -> pd.DataFrame:
    """Read a table as text; empty cells are empty texts."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _table_differences(
    name: str, found: pd.DataFrame, reference: pd.DataFrame, columns: dict[str, Any]
) -> Iterator[str]:
    if list(found) != list(columns):
        yield f"{name}: has the columns {','.join(found)}, reference {','.join(columns)}"
        return
    key = next(column for column, allowed in columns.items() if allowed == "key")
    for again in found.loc[found[key].duplicated(), key]:
        yield f"{name}, {key} {again}: stands twice"
    ours = found.drop_duplicates(key).set_index(key)
    theirs = reference.set_index(key)
    for missing in theirs.index.difference(ours.index):
        yield f"{name}, {key} {missing}: is missing in the result"
    for unknown in ours.index.difference(theirs.index):
        yield f"{name}, {key} {unknown}: is not in the reference"
    both = [record for record in theirs.index if record in ours.index]
    for column, allowed in columns.items():
        if allowed == "key":
            continue
        cells, references = ours[column].to_dict(), theirs[column].to_dict()
        for record in both:
            text, expected = cells[record], references[record]
            wrong = _apart(text, expected, allowed)
            if wrong:
                yield f"{name}, {key} {record}, {column}: {text or 'empty'}, reference {expected or 'empty'}{wrong}"


def _apart(text: str, expected: str, allowed: float | str) -> str:
    """What to say of a cell that is too far from its reference; empty where it is not."""
    if text == expected:
        return ""
    if allowed == "exact" or "" in (text, expected):
        return ", must be equal"
    days = "-" in expected[1:] and not _number(expected)
    try:
        off = abs((pd.Timestamp(text) - pd.Timestamp(expected)).days) if days else abs(float(text) - float(expected))
    except ValueError:
        return ", is no date" if days else ", is no number"
    if math.isnan(off) or off > float(allowed) * (1 + 1e-9):
        return f", {off:g}{' days' if days else ''} apart (allowed {allowed})"
    return ""


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def run_benchmark(work: Path, *, containers: bool, packages: Path | None = None) -> dict[str, Path]:
    """Simulate the season and run both packages on it; result folders by package.

    Parameters
    ----------
    work
        Folder for the season, the runs and their logs.
    containers
        Run each tool in its image.
    packages
        Folder of the packages to run; otherwise those of this checkout are made.
    """
    work.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(work / "sim", ignore_errors=True)
    options = {"--season": SEASON, "--parcels-count": PARCELS, "--seed": SEED, "--output": work / "sim"}
    _call(["sen4cap", "simulate", *(str(word) for pair in options.items() for word in pair)], work / "simulate.log")
    inputs = _benchmark()
    common = {key: value for key, value in inputs.items() if key != "markers"}
    first = _run(_package("wcc", containers, packages, work), common | STAGED_INPUTS, work, containers)
    (work / "results").mkdir(exist_ok=True)
    shutil.copyfile(first / "markers.ipc", work / "results" / "markers.ipc")
    second = _run(_package("wcc-from-markers", containers, packages, work), inputs, work, containers)
    return {"wcc-staged": first, "wcc-from-markers": second}


def _benchmark() -> dict[str, Any]:
    """Inputs of the benchmark."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "packages" / "benchmarks.yaml").read_text())
    inputs: dict[str, Any] = found["wcc-from-markers"]["inputs"]
    return inputs


def _package(stem: str, containers: bool, packages: Path | None, work: Path) -> tuple[str, Path, str]:
    """Name, file and workflow of a package; images are hints where no container is used."""
    path = ROOT / "workflows" / f"{stem}.cwl"
    shape = shapes_of(read(path))[-1]
    wanted = "requirements" if containers else "hints"
    package = bundle(path, shape, about=facts(), digests={}, containers=wanted)
    if packages is None:
        return package.name, write(package, work), package.entry
    given = packages / package.file_name
    if not given.is_file():
        raise Unmade(f"{given} is missing; run `make packages`")
    return package.name, given, package.entry


def _run(package: tuple[str, Path, str], inputs: dict[str, Any], work: Path, containers: bool) -> Path:
    """Run a package with cwltool; returns its result folder."""
    name, file, entry = package
    job = work / f"{name}.job.yml"
    job.write_text(yaml.safe_dump({key: _located(value, work) for key, value in inputs.items()}))
    out = work / name
    shutil.rmtree(out, ignore_errors=True)
    # An image by digest is pulled; one by tag is the one that was built here.
    how = [] if "@sha256:" in file.read_text() else ["--disable-pull"]
    options = ["--tmpdir-prefix", f"{work}/tmp/", "--outdir", str(out)]
    _call(
        ["cwltool", *(how if containers else ["--no-container"]), *options, f"{file}#{entry}", str(job)],
        work / f"{name}.log",
    )
    return out / "report"


def gather_files(work: Path, output: Path) -> None:
    """Copy what the benchmark hands over, under the names by which its scenario asks for it."""
    values = [each for value in _benchmark().values() for each in (value if isinstance(value, list) else [value])]
    output.mkdir(parents=True, exist_ok=True)
    for name in [value["file"] for value in values if isinstance(value, dict)]:
        if not (work / name).is_file():
            raise Unmade(f"{work / name} is missing; run the benchmark first")
        print(shutil.copyfile(work / name, output / f"benchmark-{Path(name).name}"))


def _located(value: Any, work: Path) -> Any:
    if isinstance(value, dict):
        kind, name = ("File", value["file"]) if "file" in value else ("Directory", value["folder"])
        return {"class": kind, "location": (work / name).resolve().as_uri()}
    return [_located(each, work) for each in value] if isinstance(value, list) else value


def _call(command: list[str], log: Path) -> None:
    with log.open("w") as sink:
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(command, env=environment, stdout=sink, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        last = log.read_text().strip().splitlines()[-3:]
        raise Unmade(f"{command[0]} failed with exit code {done.returncode}: {' | '.join(last)}; its log is {log}")


def update(results: Path, reference: Path = REFERENCE) -> None:
    """Make a result folder the reference."""
    for name in yaml.safe_load((reference / "tolerances.yaml").read_text()):
        shutil.copyfile(results / name, reference / name)
        print(reference / name)


def report(results: dict[str, Path]) -> int:
    """Print the differences of result folders; returns the exit code."""
    code = 0
    for name, folder in results.items():
        found = list(differences(folder))
        for line in found[:MOST_LINES]:
            print(f"{name}: {line}", file=sys.stderr)
        if len(found) > MOST_LINES:
            print(f"{name}: and {len(found) - MOST_LINES} more", file=sys.stderr)
        if found:
            code = 3
        else:
            print(f"{name}: equals the reference within its tolerances")
    return code


def main(words: list[str] | None = None) -> int:
    """Run, compare, update; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    kinds = parser.add_subparsers(dest="what", required=True)
    run = kinds.add_parser("run", help="run the benchmark and compare")
    run.add_argument("--work", type=Path, default=ROOT / "build" / "reference")
    run.add_argument("--containers", action="store_true", help="run the images, which must be here")
    run.add_argument("--packages", type=Path, help="folder of the packages to run, instead of making them")
    run.add_argument("--update", action="store_true", help="make the results the reference")
    compare = kinds.add_parser("compare", help="compare a result folder")
    compare.add_argument("results", type=Path)
    files = kinds.add_parser("files", help="gather what a release publishes for the benchmark")
    files.add_argument("--work", type=Path, default=ROOT / "build" / "reference")
    files.add_argument("--output", type=Path, required=True)
    asked = parser.parse_args(words)
    if asked.what == "compare":
        return report({str(asked.results): asked.results})
    try:
        if asked.what == "files":
            gather_files(asked.work, asked.output)
            return 0
        results = run_benchmark(asked.work, containers=asked.containers, packages=asked.packages)
    except Unmade as error:
        print(f"reference: {error}", file=sys.stderr)
        return 1
    if asked.update:
        update(results["wcc-staged"])
    return report(results)


if __name__ == "__main__":
    sys.exit(main())
