"""Command `sen4cap insitu`."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import existing_file, id_field_option, output_option, parcels_option, threads_option


@click.command()
@existing_file(
    "--sce", required=True, multiple=True, help="Secondary crop emergence (CPSCE) raster; repeat for several tiles."
)
@parcels_option
@id_field_option
@click.option(
    "--season",
    type=click.IntRange(2000, 2099),
    required=True,
    help="The autumn of the winter season; it is the product's year.",
)
@existing_file(
    "--main-harvest",
    multiple=True,
    help="Main crop harvest (CPMCH) raster on the grid of each --sce; the emergence must come after it.",
)
@click.option(
    "--buffer",
    type=float,
    default=-10.0,
    show_default=True,
    help="Buffer around each parcel, m; negative: only its inside counts.",
)
@click.option(
    "--min-pixels",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Parcels with fewer pixels get no label.",
)
@click.option(
    "--purity",
    type=click.FloatRange(min=0.5, max=1),
    default=0.75,
    show_default=True,
    help="Least share of a parcel's pixels that must agree on its label.",
)
@threads_option
@output_option("insitu.csv", help="CSV to write: NewID,class,pixels,purity,emergence.")
def insitu(
    sce: tuple[Path, ...],
    parcels: Path,
    id_field: str,
    season: int,
    main_harvest: tuple[Path, ...],
    buffer: float,
    min_pixels: int,
    purity: float,
    threads: int,
    output: Path,
) -> None:
    """Make in-situ data from the HRL croplands layer of secondary crop emergence.

    The Copernicus HRL VLCC croplands product says for each 10 m pixel when a secondary crop emerged. Parcels whose
    pixels agree become training data for `sen4cap classify`: 1 with a winter cover crop, 2 without.

    \b
    Example: sen4cap insitu --sce sce.tif --main-harvest cpmch.tif --parcels parcels.gpkg --season 2021
    """
    from .run import insitu as run

    run(
        sce,
        parcels,
        id_field=id_field,
        season=season,
        main_harvest=main_harvest,
        buffer=buffer,
        least_pixels=min_pixels,
        purity=purity,
        threads=threads,
        output=output,
    )
