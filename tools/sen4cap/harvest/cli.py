"""sen4cap harvest."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import MonthDay, existing_file, output_option, series_option, threads_option


@click.command()
@series_option
@existing_file(
    "--markers",
    multiple=True,
    help="Marker tables the series was made from: the looks themselves date a harvest better; repeat for several.",
)
@click.option(
    "--variable",
    type=click.Choice(["LAI", "FCOVER", "NDVI"]),
    default="LAI",
    show_default=True,
    help="Measure of green whose fall is looked for; choose --level and --fall in its units.",
)
@click.option(
    "--window-start",
    type=MonthDay(),
    default="06-15",
    show_default=True,
    help="First day of the season's first year on which a harvest may lie.",
)
@click.option(
    "--window-end",
    type=MonthDay(),
    default="11-30",
    show_default=True,
    help="Last day of the season's first year on which a harvest may lie.",
)
@click.option(
    "--stood-by",
    type=MonthDay(),
    default="07-20",
    show_default=True,
    help="Day by which the main crop stands above the level; what comes up later is its cover crop.",
)
@click.option(
    "--level",
    type=click.FloatRange(min=0),
    default=0.8,
    show_default=True,
    help="A crop stands above this value and is gone below it.",
)
@click.option(
    "--fall",
    type=click.FloatRange(min=0),
    default=0.6,
    show_default=True,
    help="Least difference between the largest value before the harvest and the smallest after it.",
)
@click.option(
    "--ripening-days",
    type=click.FloatRange(min=0),
    default=20.0,
    show_default=True,
    help="Days from half of the green area gone to the harvest, for crops that ripen.",
)
@click.option(
    "--open-ground",
    type=click.FloatRange(-1, 1),
    default=0.11,
    show_default=True,
    help="NBR2 below which a look shows soil without plants, living or dead: the harvest is over; needs --markers.",
)
@click.option(
    "--clear-share",
    type=click.FloatRange(0, 1),
    default=0.3,
    show_default=True,
    help="A look that shows less of a parcel than this share of its most clear pixels is poor; needs --markers.",
)
@click.option(
    "--better-within",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="A poor look is left out where a better one of the parcel is at most so many days away; needs --markers.",
)
@threads_option
@output_option("harvest.csv", help="CSV to write: NewID, harvest_start (Monday of the harvest week).")
def harvest(
    series: Path,
    markers: tuple[Path, ...],
    variable: str,
    window_start: str,
    window_end: str,
    stood_by: str,
    level: float,
    fall: float,
    ripening_days: float,
    open_ground: float,
    clear_share: float,
    better_within: int,
    threads: int,
    output: Path,
) -> None:
    """Estimate the week in which each parcel's main crop was harvested.

    Where an L4C product exists, use that: `sen4cap intercrop --harvest` reads it as it is. Here the harvest is the fall
    of the main crop's green area in the window, down below a level where it stays for two looks; a cover crop that
    comes up after it is told apart by the day by which a main crop stands. harvest_details.parquet beside the CSV has
    each parcel's day, uncertainty, quality, and the reason of an empty cell.

    \b
    Example: sen4cap harvest --series series.arrow --markers markers.ipc
    """
    if window_start > window_end:
        raise click.UsageError(f"--window-start {window_start} is after --window-end {window_end}.")
    from .run import Rules
    from .run import harvest as run

    rules = Rules(
        window_start, window_end, stood_by, level, fall, ripening_days, open_ground, clear_share, better_within
    )
    run(series, markers=markers, variable=variable, rules=rules, threads=threads, output=output)
