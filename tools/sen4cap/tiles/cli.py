"""Command `sen4cap tiles`."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from ..options import (
    catalog_option,
    check_span,
    collection_option,
    end_option,
    id_field_option,
    max_cloud_option,
    max_workers_option,
    output_option,
    parcels_option,
    retries_option,
    start_option,
    timeout_option,
)


@click.command()
@catalog_option
@collection_option
@start_option(help="First day, UTC.")
@end_option(help="Last day, UTC, included.")
@parcels_option
@id_field_option
@max_cloud_option
@max_workers_option
@retries_option
@timeout_option
@output_option("tiles", help="Folder to write: parcels/TILE.parquet for every tile, tiles.csv and its details.")
def tiles(
    catalog: str,
    collection: str,
    start: datetime.date,
    end: datetime.date,
    parcels: Path,
    id_field: str,
    max_cloud: float | None,
    max_workers: int,
    retries: int,
    timeout: float,
    output: Path,
) -> None:
    """Split parcels by the Sentinel-2 tiles that a catalogue holds images of.

    A parcel on several tiles goes into the file of each; its looks come together again when the tiles' marker tables
    are read as one. Nothing but the catalogue's items is read, no image.

    \b
    Example: sen4cap tiles --catalog https://earth-search.aws.element84.com/v1 \\
      --collection sentinel-2-l2a --start 2021-06-15 --end 2022-07-31 --parcels parcels.gpkg
    """
    check_span(start, end)
    from .run import tiles as run  # heavy imports wait until they are needed

    run(
        catalog,
        collection=collection,
        start=start,
        end=end,
        parcels=parcels,
        id_field=id_field,
        max_cloud=max_cloud,
        max_workers=max_workers,
        retries=retries,
        timeout=timeout,
        output=output,
    )
