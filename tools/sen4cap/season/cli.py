"""Command `sen4cap season`."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from ..options import (
    Date,
    classes_option,
    latest_emergence_option,
    markers_option,
    output_option,
    season_end_option,
    season_start_option,
    series_option,
    threads_option,
)


@click.command()
@series_option
@markers_option
@classes_option
@season_start_option()
@season_end_option()
@latest_emergence_option
@click.option(
    "--emergence-method",
    type=click.Choice(["default", "wise", "wise-published", "threshold"]),
    default="default",
    show_default=True,
    help="How to date emergence: growth curves fitted to the looks, WISE, WISE as published, or 10 % of the amplitude.",
)
@click.option(
    "--termination-method",
    type=click.Choice(["default", "wist", "slope"]),
    default="default",
    show_default=True,
    help="How to date termination: fall curves fitted to the looks, WIST as published, or the steepest smooth slope.",
)
@click.option("--as-of", type=Date(), help="Leave out what was seen after this day, and smooth again from --markers.")
@click.option(
    "--wise-short", type=click.IntRange(min=2, max=60), default=10, show_default=True, help="WISE: days of EMA_S."
)
@click.option(
    "--wise-long", type=click.IntRange(min=2, max=120), default=20, show_default=True, help="WISE: days of EMA_L."
)
@click.option(
    "--wise-signal", type=click.IntRange(min=2, max=60), default=10, show_default=True, help="WISE: days of EMA_K."
)
@click.option(
    "--wise-threshold",
    type=click.FloatRange(min=0, max=1),
    default=0.005,
    show_default=True,
    help="WISE: least MACD_div at green-up, as a share of the range of the series.",
)
@click.option(
    "--wise-rise",
    type=click.FloatRange(min=0, max=1),
    default=0.5,
    show_default=True,
    help="WISE: least rise that must follow, as a share of the range of the series.",
)
@threads_option
@output_option("season.csv", help="Table to write, one row a parcel; season_details.parquet goes beside it.")
def season(
    series: Path,
    markers: tuple[Path, ...],
    classes: Path | None,
    season_start: str,
    season_end: str,
    latest_emergence: str,
    emergence_method: str,
    termination_method: str,
    as_of: datetime.date | None,
    wise_short: int,
    wise_long: int,
    wise_signal: int,
    wise_threshold: float,
    wise_rise: float,
    threads: int,
    output: Path,
) -> None:
    """Date emergence and termination of winter cover crops and measure their growth.

    One row for each parcel classified as winter cover crop (--classes), else for each parcel of the series. A date that
    cannot be known stays empty; season_details.parquet, with a row for every parcel of the series, says why.

    \b
    Example: sen4cap season --series demo/wcc/report/series.arrow --markers demo/wcc/report/markers.ipc \\
      --classes demo/wcc/report/wcc.csv
    """
    if wise_short >= wise_long:
        raise click.UsageError(f"--wise-short {wise_short} must be less than --wise-long {wise_long}.")
    from .detectors import Settings
    from .run import Plan
    from .run import season as run  # heavy imports wait until they are needed

    plan = Plan(
        season_start=season_start,
        season_end=season_end,
        latest_emergence=latest_emergence,
        emergence=emergence_method,
        termination=termination_method,
        settings=Settings(wise_short, wise_long, wise_signal, wise_threshold, wise_rise),
        as_of=as_of,
    )
    run(series, markers, classes=classes, plan=plan, threads=threads, output=output)
