"""`sen4cap simulate`: options and help."""

from __future__ import annotations

import datetime
import importlib.util
from pathlib import Path

import click

from ..options import Tile, check_span, end_option, output_option, start_option, threads_option


@click.command()
@click.option("--season", type=click.IntRange(2015, 2100), required=True, help="Year of the season's autumn.")
@click.option("--parcels-count", type=click.IntRange(min=1), required=True, help="Number of parcels.")
@click.option("--seed", type=click.IntRange(min=0), required=True, help="Number that everything is drawn from.")
@start_option(help="First day of the images; 1 June of the season's year unless given.", required=False)
@end_option(help="Last day of the images, included; 15 August of the next year unless given.", required=False)
@click.option(
    "--clouds",
    type=click.Choice(["none", "clear", "ordinary", "dense"]),
    default="ordinary",
    show_default=True,
    help="Cloud regime; ordinary: Belgium, two thirds of all looks are cloudy.",
)
@click.option(
    "--canopy",
    type=click.Choice(["gap-fraction", "prosail"]),
    default="gap-fraction",
    show_default=True,
    help="Canopy reflectance: the project's own model, or PROSAIL from the extra `prosail`.",
)
@click.option(
    "--mean-area",
    type=click.FloatRange(0.5, 6.0),
    default=2.2,
    show_default=True,
    help="Mean size of a parcel, ha; sizes run from 0.3 to 10 ha.",
)
@click.option(
    "--insitu-share",
    type=click.FloatRange(0, 1),
    default=0.6,
    show_default=True,
    help="Share of the candidate parcels whose class is in insitu.csv.",
)
@click.option(
    "--label-noise",
    type=click.FloatRange(0, 1),
    default=0.05,
    show_default=True,
    help="Share of the parcels whose class is wrong in sce.tif; above 0 its dates are some days off too.",
)
@click.option("--tile", default="31UFS", show_default=True, help="Sentinel-2 tile the landscape lies in.")
@click.option(
    "--second-tile",
    type=Tile(),
    help="Neighbouring tile that shows the eastern two thirds, perhaps in the next zone; --tile shows the western.",
)
@click.option(
    "--crs", default="EPSG:31370", show_default=True, help="National coordinate reference system of the parcels."
)
@threads_option
@output_option("sim", help="Folder to write.")
def simulate(
    season: int,
    parcels_count: int,
    seed: int,
    start: datetime.date | None,
    end: datetime.date | None,
    clouds: str,
    canopy: str,
    mean_area: float,
    insitu_share: float,
    label_noise: float,
    tile: str,
    second_tile: str | None,
    crs: str,
    threads: int,
    output: Path,
) -> None:
    """Simulate a season of Sentinel-2 over parcels whose cover crops are known.

    Writes a STAC catalogue of images (catalog.json), parcels.gpkg, crops.csv, insitu.csv, sce.tif, cpmch.tif, l4c.csv,
    weather.csv and truth.csv into one folder. The same seed gives the same values.

    \b
    Example: sen4cap simulate --season 2021 --parcels-count 200 --seed 1 --output sim
    """
    start = start or datetime.date(season, 6, 1)
    end = end or datetime.date(season + 1, 8, 15)
    check_span(start, end)
    if start.year < season or end.year > season + 1:
        raise click.UsageError(
            f"{start} to {end} is not inside the two years that are simulated, {season}-01-01 to {season + 1}-12-31."
        )
    from .tiles import check_place

    try:
        for each in filter(None, (tile, second_tile)):
            check_place(each, crs)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from error
    if canopy == "prosail" and importlib.util.find_spec("prosail") is None:
        raise click.UsageError(
            "--canopy prosail needs the package prosail; install the extra: pip install 'sen4cap[prosail]'."
        )
    from .run import simulate as run

    run(
        season=season,
        parcels_count=parcels_count,
        seed=seed,
        start=start,
        end=end,
        clouds=clouds,
        canopy=canopy,
        mean_area=mean_area,
        insitu_share=insitu_share,
        label_noise=label_noise,
        tile=tile,
        second_tile=second_tile,
        crs=crs,
        threads=threads,
        output=output,
    )
