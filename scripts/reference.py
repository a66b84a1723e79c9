"""Compare results with the reference by value, and write the reference anew.

    python scripts/reference.py run [--update] [--containers] [--work build/reference]
    python scripts/reference.py compare RESULTS

`run` simulates the benchmark's season, runs the package wcc-staged on it as a platform would, then wcc-from-markers on
what that left, and compares both; with --update the first becomes the reference. `compare` takes the result folder of
any run of the benchmark, such as a platform's, and compares it with packages/reference/. Exit code 0: equal within the
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
from bundle import STAGED, bundle, read, shapes_of, write
from package_metadata import ROOT, facts

REFERENCE = ROOT / "packages" / "reference"
SEASON, PARCELS, SEED = 2021, 60, 1
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


def run_benchmark(work: Path, *, containers: bool) -> dict[str, Path]:
    """Simulate the season and run both packages on it; result folders by package."""
    work.mkdir(parents=True, exist_ok=True)
    sim = work / "sim"
    shutil.rmtree(sim, ignore_errors=True)
    options = {"--season": SEASON, "--parcels-count": PARCELS, "--seed": SEED, "--output": sim}
    _call(["sen4cap", "simulate", *(str(word) for pair in options.items() for word in pair)], work / "simulate.log")
    benchmark = yaml.safe_load((ROOT / "packages" / "benchmarks.yaml").read_text())["wcc-from-markers"]["inputs"]
    common = {key: value for key, value in benchmark.items() if key != "markers"}
    first = _run_package(work, "wcc", {**common, "catalog": {"folder": "sim"}, "keep_markers": True}, containers)
    (work / "results").mkdir(exist_ok=True)
    shutil.copyfile(first / "markers.ipc", work / "results" / "markers.ipc")
    second = _run_package(work, "wcc-from-markers", benchmark, containers)
    return {"wcc-staged": first, "wcc-from-markers": second}


def _run_package(work: Path, stem: str, inputs: dict[str, Any], containers: bool) -> Path:
    """Run a package with cwltool; returns its result folder."""
    path = ROOT / "workflows" / f"{stem}.cwl"
    shape = STAGED if STAGED in shapes_of(read(path)) else shapes_of(read(path))[0]
    package = bundle(path, shape, about=facts(), digests={}, containers="requirements" if containers else "hints")
    file = write(package, work)
    job = work / f"{package.name}.job.yml"
    job.write_text(yaml.safe_dump({name: _located(value, work) for name, value in inputs.items()}))
    out = work / package.name
    shutil.rmtree(out, ignore_errors=True)
    how = ["--disable-pull"] if containers else ["--no-container"]
    options = ["--tmpdir-prefix", f"{work}/tmp/", "--outdir", str(out)]
    _call(["cwltool", *how, *options, f"{file}#{package.entry}", str(job)], work / f"{package.name}.log")
    return out / "report"


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
    run.add_argument("--update", action="store_true", help="make the results the reference")
    compare = kinds.add_parser("compare", help="compare a result folder")
    compare.add_argument("results", type=Path)
    asked = parser.parse_args(words)
    if asked.what == "compare":
        return report({str(asked.results): asked.results})
    try:
        results = run_benchmark(asked.work, containers=asked.containers)
    except Unmade as error:
        print(f"reference: {error}", file=sys.stderr)
        return 1
    if asked.update:
        update(results["wcc-staged"])
    return report(results)


if __name__ == "__main__":
    sys.exit(main())
