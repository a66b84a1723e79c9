"""sen4cap soil."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from ..options import (
    check_span,
    end_option,
    existing_file,
    markers_option,
    output_option,
    start_option,
    threads_option,
)


@click.command()
@markers_option
@start_option(help="First day of the intervals.")
@end_option(help="Last day of the intervals, included; looks outside the span are not used.")
@click.option(
    "--ndvi",
    type=click.FloatRange(-1, 1),
    default=0.3,
    show_default=True,
    help="NDVI below which a look may be bare soil.",
)
@click.option(
    "--nbr2",
    type=click.FloatRange(-1, 1),
    default=0.097,
    show_default=True,
    help="NBR2 below which a look may be bare soil; residue stands above it.",
)
@click.option(
    "--darkening",
    type=click.FloatRange(min=0),
    default=0.05,
    show_default=True,
    help="Rise of the NBR2 of soil where water darkens its B11 to 1/e; used where the tables hold B11; 0: not at all.",
)
@click.option(
    "--own-share",
    type=click.FloatRange(0, 1),
    default=0.25,
    show_default=True,
    help="Share by which a parcel's NBR2 limit follows the NBR2 of its own barest looks; 0: one limit for all.",
)
@click.option(
    "--bsi",
    type=click.FloatRange(-1, 1),
    default=0.0,
    show_default=True,
    help="BSI above which a look may be bare soil; used where the tables hold L2A means of B02, B04, B08 and B11.",
)
@click.option(
    "--clear-share",
    type=click.FloatRange(0, 1),
    default=0.3,
    show_default=True,
    help="A look that shows less of a parcel than this share of its most clear pixels is poor: cloud is near.",
)
@existing_file(
    "--weather", help="Daily weather CSV (date,precipitation_mm): looks soon after rain give way to dry ones."
)
@click.option(
    "--rain",
    type=click.FloatRange(min=0, min_open=True),
    default=2.5,
    show_default=True,
    help="A look follows rain where the days before it brought this much, mm.",
)
@click.option(
    "--rain-days",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Days before a look in which rain counts; the look's own day does not.",
)
@click.option(
    "--better-within",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="A poor look, or one after rain, is left out where a better one of the parcel is at most so many days away.",
)
@click.option(
    "--shortest-run",
    type=click.IntRange(min=0),
    default=6,
    show_default=True,
    help="Runs of one state on a single look that last fewer days are filtered; 0: none.",
)
@threads_option
@output_option("soil.csv", help="CSV to write: NewID, start, end (exclusive), state (BS or NBS).")
def soil(
    markers: tuple[Path, ...],
    start: datetime.date,
    end: datetime.date,
    ndvi: float,
    nbr2: float,
    darkening: float,
    own_share: float,
    bsi: float,
    clear_share: float,
    weather: Path | None,
    rain: float,
    rain_days: int,
    better_within: int,
    shortest_run: int,
    threads: int,
    output: Path,
) -> None:
    """Tell on which days each parcel's soil lay bare.

    A clear look is bare soil where NDVI and NBR2 (and BSI where its bands are known) say so; every day takes the state
    of the nearer look, and plants come up between two looks as their NDVI rises. The intervals of a parcel tile the
    span from the first to the last day. Parcels without any look have no interval; soil_details.parquet beside the CSV
    lists every parcel with its looks, gaps and reason.

    \b
    Example: sen4cap soil --markers markers.ipc --start 2021-06-15 --end 2022-07-31 --weather weather.csv
    """
    check_span(start, end)
    from .run import Choice, Thresholds
    from .run import soil as run

    run(
        markers,
        start=start,
        end=end,
        thresholds=Thresholds(ndvi, nbr2, bsi, darkening, own_share),
        choice=Choice(clear_share, better_within, shortest_run),
        weather=weather,
        rain=rain,
        rain_days=rain_days,
        threads=threads,
        output=output,
    )
