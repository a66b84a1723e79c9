"""sen4cap report"""

from __future__ import annotations

from pathlib import Path

import click

from ..options import (
    Numbers,
    existing_file,
    existing_folder,
    id_field_option,
    output_option,
    parcels_option,
    series_option,
)


@click.command()
@parcels_option
@id_field_option
@series_option
@existing_folder("--classes", required=True, help="Folder of the classes, from `sen4cap classify`.")
@existing_file(
    "--season",
    required=True,
    help="Characteristics, from `sen4cap season`; season_details.parquet must lie beside it.",
)
@existing_file("--intercrop", required=True, help="Intercropping periods, from `sen4cap intercrop`.")
@existing_file("--harvest", help="Harvest weeks, harvest.csv or an L4C product; drawn on the curves.")
@existing_file("--soil", help="Bare-soil intervals, from `sen4cap soil`; drawn below the curves.")
@existing_file(
    "--markers",
    multiple=True,
    help="Marker table (MDB1), Arrow or CSV, whose looks are drawn as dots on the curves; repeat for several.",
)
@click.option("--curves", type=Numbers(), help="NewIDs of parcels whose curves are drawn, for example 1919,1920.")
@click.option(
    "--typical",
    type=click.IntRange(0, 50),
    default=6,
    show_default=True,
    help="Number of typical parcels, chosen by the tool, whose curves are drawn too.",
)
@click.option("--crop-before", help="Field of the parcels with the main crop before the winter, named on the curves.")
@click.option("--crop-after", help="Field of the parcels with the main crop after the winter, named on the curves.")
@click.option(
    "--most-outlines",
    type=click.IntRange(min=0),
    default=20000,
    show_default=True,
    help="Maps of more parcels than this are drawn on a grid of pixels instead of by outlines.",
)
@click.option("--keep-markers", is_flag=True, help="Copy the series and the marker tables into the result folder too.")
@output_option("report", help="Folder to write: all result files, index.html, maps, curves, catalog.json.")
def report(
    parcels: Path,
    id_field: str,
    series: Path,
    classes: Path,
    season: Path,
    intercrop: Path,
    harvest: Path | None,
    soil: Path | None,
    markers: tuple[Path, ...],
    curves: tuple[int, ...] | None,
    typical: int,
    crop_before: str | None,
    crop_after: str | None,
    most_outlines: int,
    keep_markers: bool,
    output: Path,
) -> None:
    """Gather a run's results in one folder, with maps, curves, a summary and a page to read.

    The folder is a STAC catalogue, and index.html in it needs nothing else: pictures and styles are inside. The
    summary is printed.

    \b
    Example: sen4cap report --parcels parcels.gpkg --series series.arrow --classes wcc --season season.csv \\
      --intercrop intercrop.csv --harvest harvest.csv --soil soil.csv --markers markers.ipc --output report
    """
    inputs = (parcels, series, classes, season, intercrop, harvest, soil, *markers)
    inside = [path for path in inputs if path and path.resolve().is_relative_to(output.resolve())]
    if inside:
        raise click.UsageError(f"--output {output} holds {inside[0]}, which is read; choose another --output.")

    from .run import Inputs, Wanted  # heavy imports wait until they are needed
    from .run import report as run

    run(
        Inputs(parcels, series, classes, season, intercrop, harvest, soil, markers),
        id_field=id_field,
        wanted=Wanted(
            curves=curves or (),
            typical=typical,
            crop_before=crop_before,
            crop_after=crop_after,
            most_outlines=most_outlines,
            keep_markers=keep_markers,
        ),
        output=output,
    )
