"""Measure the accuracy of the suite on simulated truth: `make accuracy`.

Prints the table of targets, writes a page with plots, and leaves every parcel's truth and results in the work folder
(parcels.parquet), so that an error can be followed to the parcel it comes from.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from . import chain, curves, gather, learning, measure, page, plots
from .observe import REGIMES_SEEN, season_folder, season_of

AS_OF_STEP = 5


def main(words: list[str] | None = None) -> int:
    """Simulate, run, measure, write."""
    options = _options(words)
    options.work.mkdir(parents=True, exist_ok=True)
    seeds = list(range(options.first_seed, options.first_seed + options.seeds))
    # Numba's and the simulator's threads would fight with the other process.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    seasons = [(options.work, options.parcels, seed, regime) for seed in seeds for regime in REGIMES_SEEN]
    with ProcessPoolExecutor(options.processes) as pool:
        runs = list(pool.map(_first, seasons))
        curve = pd.concat(pool.map(learning.learning_curve, [run for run in runs if run.regime in learning.REGIMES]))
        list(pool.map(chain.run_hrl, runs))
        list(pool.map(_with_others, runs, [_others(runs, run) for run in runs]))
        lags = [
            lag
            for lag in pool.map(_lag, [run for run in runs if run.seed < options.first_seed + options.lag_seeds])
            if lag
        ]
        frame = pd.concat(pool.map(gather.gather, runs), ignore_index=True)
        second = pd.concat(pool.map(_curves, seasons), ignore_index=True)
    frame.to_parquet(options.work / "parcels.parquet")
    second.to_parquet(options.work / "curves.parquet")
    reports = {
        name: {
            regime: [measure.read_report(run.folder / name) for run in runs if run.regime == regime]
            for regime in REGIMES_SEEN
        }
        for name in ("wcc", *(("wcc-seasons",) if len(seeds) > 1 else ()))
    }
    rows = measure.measure(frame, reports)
    rows_second = measure.measure_dates(second)
    results = plots.Results(
        rows, rows_second, frame, reports["wcc"], pd.DataFrame(lags), curve, options.parcels, len(seeds)
    )
    sys.stdout.write(page.table(rows) + f"\n\nsecond truth\n{page.table(rows_second)}\n")
    sys.stdout.write(f"\n{curve.to_string(index=False)}\n")
    if options.output:
        page.write(options.output, results)
    missed = [row for row in rows if "missed" in {row.mark(regime) for regime in row.bounds}]
    sys.stdout.write(
        f"\n{len(missed)} of {sum(bool(row.bounds) for row in rows)} rows with a target miss it somewhere\n"
    )
    return 0


def _options(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m accuracy", description=__doc__.splitlines()[0])
    parser.add_argument("--parcels", type=int, default=3000, help="parcels a season")
    parser.add_argument("--seeds", type=int, default=3, help="seasons, each with a weather of its own")
    parser.add_argument(
        "--first-seed", type=int, default=1, help="seed of the first season; another one is unseen data"
    )
    parser.add_argument("--lag-seeds", type=int, default=1, help="seasons that the detection lag is measured on")
    parser.add_argument("--work", type=Path, default=Path("build/accuracy"), help="folder for seasons and results")
    parser.add_argument("--output", type=Path, help="page to write, its plots beside it in images/accuracy")
    parser.add_argument("--processes", type=int, default=chain.cores(), help="processes to use")
    return parser.parse_args(words)


def _first(what: tuple[Path, int, int, str]) -> chain.Run:
    work, count, seed, regime = what
    inputs = season_folder(work, count=count, seed=seed, regime=regime)
    run = chain.Run(seed, regime, season_of(seed), inputs, work / f"{seed}-{count}-{regime}", threads=1)
    chain.run_chain(run)
    return run


def _curves(what: tuple[Path, int, int, str]) -> pd.DataFrame:
    work, count, seed, regime = what
    return curves.dated(work, count, seed, regime)


def _others(runs: list[chain.Run], run: chain.Run) -> list[chain.Run]:
    """Runs of other years under the same regime, the next one first."""
    others = [other for other in runs if other.regime == run.regime and other.seed != run.seed]
    return sorted(others, key=lambda other: (other.seed < run.seed, other.seed))


def _with_others(run: chain.Run, others: list[chain.Run]) -> None:
    if others:
        chain.run_other_year(run, others[0])
        chain.run_seasons(run, others)


def _lag(run: chain.Run) -> dict[str, Any]:
    if run.regime == "dense":
        return {}
    first = pd.Timestamp(run.season.year, 12, 1)
    days = [
        str(day.date()) for day in pd.date_range(first, first + pd.DateOffset(months=6, days=20), freq=f"{AS_OF_STEP}D")
    ]
    # Only what season reads is needed: the dates alone, not the classes.
    chain.run_as_of(replace(run), days)
    return {"regime": run.regime, "seed": run.seed} | measure.detection_lag(
        gather.gather(run), gather.read_as_of(run, days)
    )


if __name__ == "__main__":
    sys.exit(main())
