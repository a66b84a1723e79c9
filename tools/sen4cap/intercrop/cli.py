"""sen4cap intercrop."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import classes_option, existing_file, output_option, season_end_option


@click.command()
@existing_file(
    "--season", required=True, help="Cover-crop dates, season.csv from `sen4cap season`, its details beside it."
)
@existing_file(
    "--harvest", required=True, help="Harvest weeks: harvest.csv from `sen4cap harvest`, or the L4C CSV or GeoPackage."
)
@existing_file("--soil", required=True, help="Bare-soil intervals, soil.csv from `sen4cap soil`.")
@classes_option
@season_end_option(help="Day on which the period ends where the next main crop's emergence is not seen.")
@output_option("intercrop.csv", help="CSV to write: one row per parcel with its bare and non-bare days.")
def intercrop(season: Path, harvest: Path, soil: Path, classes: Path | None, season_end: str, output: Path) -> None:
    """Count each parcel's bare and non-bare days between two main crops.

    The period runs from the Monday of the harvest week to the emergence of the next main crop, or to the season end.
    For winter cover crops the bare days before emergence and after termination are told too. With --classes there is
    a row for each classified parcel, without it for each parcel of the series. intercrop_details.parquet beside the
    CSV says where a period ends, how well it was seen, and why cells are empty.

    \b
    Example: sen4cap intercrop --season season.csv --harvest harvest.csv --soil soil.csv --classes wcc.csv
    """
    from .run import intercrop as run

    run(season, harvest=harvest, soil=soil, classes=classes, season_end=season_end, output=output)
