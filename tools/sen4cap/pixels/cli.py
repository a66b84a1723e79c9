"""Command `sen4cap pixels`."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from ..options import (
    check_span,
    clear_classes_option,
    end_option,
    existing_file,
    existing_folder,
    id_field_option,
    latest_emergence_option,
    network_option,
    output_option,
    season_end_option,
    season_start_option,
    start_option,
    threads_option,
)
from ..seasons import Season


@click.command()
@existing_folder(
    "--items", required=True, help="Sentinel-2 L2A scenes or L3B products of one tile: folder of a STAC catalogue."
)
@existing_file("--parcels", help="Map only pixels of these parcels; if not given, all.")
@id_field_option
@start_option(help="First day of the images to use; take it before the harvest of the main crop.")
@end_option(help="Last day of the images to use, included; take it after the emergence of the next main crop.")
@season_start_option()
@season_end_option()
@latest_emergence_option
@network_option
@clear_classes_option
@threads_option
@output_option("pixels", help="Folder to write: a STAC catalogue with the maps.")
def pixels(
    items: Path,
    parcels: Path | None,
    id_field: str,
    start: datetime.date,
    end: datetime.date,
    season_start: str,
    season_end: str,
    latest_emergence: str,
    network: str,
    clear_classes: tuple[int, ...],
    threads: int,
    output: Path,
) -> None:
    """Map emergence and termination of winter cover crops at 10 m, pixel by pixel.

    Cloud-optimised GeoTIFFs of both dates, their uncertainties and why a date is missing, by the kernel of
    `sen4cap season`. From L2A scenes LAI and FCOVER are computed on the way; no raster of them is written.

    \b
    Example: sen4cap pixels --items demo/sim --start 2021-06-15 --end 2022-07-31
    """
    check_span(start, end)
    from .images import Settings  # heavy imports wait until they are needed
    from .run import Span
    from .run import pixels as run

    season = Season(Season.within(start, end).year, season_start, season_end)
    run(
        items,
        parcels=parcels,
        id_field=id_field,
        span=Span(start, end, season, latest_emergence),
        settings=Settings(network, clear_classes),
        threads=threads,
        output=output,
    )
