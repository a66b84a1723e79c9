"""Measure the suite beside its peers: `make bench`.

Prints the table of targets and writes a page with plots. Inputs stay in the work folder for the next run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from . import country, forest, imagery, maps, network, page, series, stages, start, whole
from .plan import Plan, full, quick
from .rows import Findings

PARTS: dict[str, Callable[[Plan], Findings]] = {
    "start": start.measure,
    "imagery": imagery.measure,
    "network": network.measure,
    "series": series.measure,
    "maps": maps.measure,
    "forest": forest.measure,
    "stages": stages.measure,
    "whole": whole.measure,
    "country": country.measure,
}


def main(words: list[str] | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller sizes, one round")
    parser.add_argument("--only", action="append", choices=list(PARTS), help="one part; repeat for several")
    parser.add_argument("--work", type=Path, default=Path("build/benchmarks"), help="folder for inputs and results")
    parser.add_argument("--output", type=Path, help="page to write, its plots beside it in images/performance")
    options = parser.parse_args(words)
    options.work.mkdir(parents=True, exist_ok=True)
    plan = (quick if options.quick else full)(options.work.resolve())
    found = Findings()
    first = time.monotonic()
    for name in options.only or PARTS:
        begun = time.monotonic()
        found.extend(PARTS[name](plan))
        sys.stderr.write(f"{name}: {time.monotonic() - begun:.0f} s\n")
    sys.stdout.write(page.table(found.rows) + "\n")
    if options.output:
        page.write(options.output, found, plan, time.monotonic() - first)
    return 0


if __name__ == "__main__":
    sys.exit(main())
