"""`sen4cap fetch`."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from ..bands import BANDS
from ..options import (
    Bounds,
    Tile,
    Words,
    catalog_option,
    check_span,
    collection_option,
    end_option,
    existing_file,
    id_field_option,
    max_cloud_option,
    max_workers_option,
    output_option,
    retries_option,
    start_option,
    timeout_option,
)


@click.command()
@catalog_option
@collection_option
@start_option(help="First day, UTC.")
@end_option(help="Last day, UTC, included.")
@existing_file("--parcels", help="Area: the parcels of this file (GeoPackage, Shapefile, GeoParquet, GeoJSON).")
@id_field_option
@click.option("--tile", type=Tile(), help="Only items of this Sentinel-2 tile, such as 31UFS.")
@click.option("--bbox", type=Bounds(), help="Area: west,south,east,north in degrees, instead of --parcels.")
@max_cloud_option
@click.option(
    "--assets",
    type=Words(tuple(band.name for band in BANDS)),
    help="Bands to fetch, such as B04,B08,SCL; otherwise all that the suite can use.",
)
@click.option(
    "--by-reference", is_flag=True, help="Copy no pixels: write items that refer to the files where they lie."
)
@click.option(
    "--skip-unreadable",
    is_flag=True,
    help="Leave out and list an item with a missing, forbidden or damaged file, instead of stopping.",
)
@max_workers_option
@retries_option
@timeout_option
@output_option("l2a", help="Folder to write: a STAC catalogue of the clipped items.")
def fetch(
    catalog: str,
    collection: str,
    start: datetime.date,
    end: datetime.date,
    parcels: Path | None,
    id_field: str,
    tile: str | None,
    bbox: tuple[float, float, float, float] | None,
    max_cloud: float | None,
    assets: tuple[str, ...] | None,
    by_reference: bool,
    skip_unreadable: bool,
    max_workers: int,
    retries: int,
    timeout: float,
    output: Path,
) -> None:
    """Copy the items of a season over some parcels out of a STAC catalogue, clipped to their ground.

    Interrupted, the same command goes on where it stopped. S3 credentials come from the usual AWS_* variables.

    \b
    Example: sen4cap fetch --catalog https://earth-search.aws.element84.com/v1 \\
      --collection sentinel-2-l2a --start 2021-06-15 --end 2022-07-31 --parcels parcels.gpkg
    """
    check_span(start, end)
    if (parcels is None) == (bbox is None):
        raise click.UsageError("Give the area by --parcels or by --bbox, one of the two.")
    from .run import fetch as run

    run(
        catalog,
        collection=collection,
        start=start,
        end=end,
        parcels=parcels,
        id_field=id_field,
        tile=tile,
        bbox=bbox,
        max_cloud=max_cloud,
        assets=assets,
        by_reference=by_reference,
        skip_unreadable=skip_unreadable,
        max_workers=max_workers,
        retries=retries,
        timeout=timeout,
        output=output,
    )
