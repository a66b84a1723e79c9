"""`sen4cap fetch`."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from ..bands import BANDS
from ..options import (
    Bounds,
    Catalog,
    Tile,
    Words,
    check_span,
    end_option,
    existing_file,
    id_field_option,
    output_option,
    start_option,
)


@click.command()
@click.option(
    "--catalog",
    type=Catalog(),
    required=True,
    help="STAC API or static catalogue: URL (http, https, s3), or a local folder or catalog.json.",
)
@click.option("--collection", required=True, help="Identifier of the collection, such as sentinel-2-l2a.")
@start_option(help="First day, UTC.")
@end_option(help="Last day, UTC, included.")
@existing_file("--parcels", help="Area: the parcels of this file (GeoPackage, Shapefile, GeoParquet, FlatGeobuf).")
@id_field_option
@click.option("--tile", type=Tile(), help="Only items of this Sentinel-2 tile, such as 31UFS.")
@click.option("--bbox", type=Bounds(), help="Area: west,south,east,north in degrees, instead of --parcels.")
@click.option(
    "--max-cloud",
    type=click.FloatRange(min=0, max=100),
    help="Greatest cloud cover of an item, percent; items that do not tell theirs are kept.",
)
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
@click.option(
    "--max-workers", type=click.IntRange(min=1), default=24, show_default=True, help="Files read at the same time."
)
@click.option(
    "--retries",
    type=click.IntRange(min=0),
    default=6,
    show_default=True,
    help="Repetitions of a request that failed for a reason that may pass.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Time limit of one request, seconds.",
)
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
