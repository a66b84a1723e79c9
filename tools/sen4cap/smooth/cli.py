"""Command `sen4cap smooth`."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from ..options import Words, check_span, end_option, markers_option, output_option, start_option, threads_option

VARIABLES = ("LAI", "FCOVER", "FAPAR", "NDVI", "NBR2", "NDWI", "BRIGHTNESS", "RATIO")


@click.command()
@markers_option
@start_option(help="First day of the series; take it before the harvest of the main crop.")
@end_option(help="Last day of the series, included; take it after the emergence of the next main crop.")
@click.option(
    "--variables",
    type=Words(VARIABLES),
    default="LAI,FCOVER",
    show_default=True,
    help=f"Quantities of the marker tables to smooth, out of {','.join(VARIABLES)}.",
)
@click.option(
    "--season",
    type=click.IntRange(min=1980, max=2200),
    help="Autumn that the series is about; if not given, the latest whose December begins inside the span.",
)
@click.option(
    "--method",
    type=click.Choice(["whittaker", "savitzky-golay"]),
    default="whittaker",
    show_default=True,
    help="Smoother: penalised least squares on the daily grid, or local polynomials of daily interpolated looks.",
)
@click.option(
    "--lambda",
    "roughness",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    help="Whittaker: penalty of roughness on the daily grid; larger is smoother.",
)
@click.option(
    "--robust",
    type=click.Choice(["none", "bisquare", "envelope"]),
    default="envelope",
    show_default=True,
    help="Whittaker: lower the weight of looks off the curve (bisquare), of those below it only (envelope), or none.",
)
@click.option(
    "--passes",
    type=click.IntRange(min=1, max=20),
    default=3,
    show_default=True,
    help="Whittaker: fits in all where looks are reweighted.",
)
@click.option(
    "--window",
    type=click.IntRange(min=3, max=365),
    default=61,
    show_default=True,
    help="Savitzky-Golay: window, days; an odd number.",
)
@click.option(
    "--degree",
    type=click.IntRange(min=1, max=5),
    default=2,
    show_default=True,
    help="Savitzky-Golay: degree of the polynomial.",
)
@threads_option
@output_option("series.arrow", help="Series file to write: one value a day for every parcel, Arrow IPC.")
def smooth(
    markers: tuple[Path, ...],
    start: datetime.date,
    end: datetime.date,
    variables: tuple[str, ...],
    season: int | None,
    method: str,
    roughness: float,
    robust: str,
    passes: int,
    window: int,
    degree: int,
    threads: int,
    output: Path,
) -> None:
    """Make smooth daily series of every parcel from the clear looks in marker tables.

    Days before a parcel's first look and after its last one stay empty; `gap` says how far the nearest clear look is.

    \b
    Example: sen4cap smooth --markers demo/wcc/report/markers.ipc --start 2021-06-15 --end 2022-07-31
    """
    check_span(start, end)
    if window % 2 == 0:
        raise click.BadParameter(f"{window} is even; the window is centred on a day.", param_hint="'--window'")
    if degree >= window:
        raise click.UsageError(f"--degree {degree} needs a --window of more than {degree} days, not {window}.")
    from .kernel import Smoothing
    from .run import smooth as run  # heavy imports wait until they are needed

    smoothing = Smoothing(method, roughness, robust, passes, window, degree)
    run(
        markers,
        start=start,
        end=end,
        variables=variables,
        smoothing=smoothing,
        season=season,
        threads=threads,
        output=output,
    )
