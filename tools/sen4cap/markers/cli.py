"""Command `sen4cap markers`."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from ..options import (
    Words,
    check_span,
    clear_classes_option,
    end_option,
    existing_folder,
    id_field_option,
    network_option,
    output_option,
    parcels_option,
    start_option,
    threads_option,
)

BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
VARIABLES = ("LAI", "FCOVER", "FAPAR", "NDVI", "NBR2", "AMP", "RATIO", *BANDS)


@click.command()
@existing_folder(
    "--items",
    required=True,
    multiple=True,
    help="Images: folder of a STAC catalogue with Sentinel-2 L2A, L3B or Sentinel-1 items; repeat for several.",
)
@parcels_option
@id_field_option
@click.option(
    "--variables",
    type=Words(VARIABLES),
    default="LAI,FCOVER,NDVI,NBR2,B11",
    show_default=True,
    help=f"What to measure, out of {','.join(VARIABLES)}.",
)
@click.option(
    "--buffer",
    type=click.FloatRange(min=-1000, max=1000),
    default=-5.0,
    show_default=True,
    help="Metres by which parcels grow before optical pixels are taken; negative: shrink, so that edges are left out.",
)
@click.option(
    "--radar-buffer",
    type=click.FloatRange(min=-1000, max=1000),
    default=-10.0,
    show_default=True,
    help="The same for Sentinel-1.",
)
@network_option
@clear_classes_option
@start_option(help="First day of the images to use; if not given, from the first.", required=False)
@end_option(help="Last day of the images to use, included; if not given, to the last.", required=False)
@threads_option
@output_option("markers.ipc", help="Marker table (MDB1) to write, Arrow IPC; STEM_details.parquet goes beside it.")
def markers(
    items: tuple[Path, ...],
    parcels: Path,
    id_field: str,
    variables: tuple[str, ...],
    buffer: float,
    radar_buffer: float,
    network: str,
    clear_classes: tuple[int, ...],
    start: datetime.date | None,
    end: datetime.date | None,
    threads: int,
    output: Path,
) -> None:
    """Measure every parcel in every image: mean, deviation and count of its clear pixels.

    What the folders hold is told by the items' assets. LAI, FCOVER, FAPAR, NDVI, NBR2 and bands are computed from L2A
    scenes while they are read, no raster is written; where an L3B product of the day and tile has a variable, it is
    taken from there. AMP (VV and VH) and RATIO (VV - VH) come from Sentinel-1.

    \b
    Example: sen4cap markers --items demo/sim --parcels demo/sim/parcels.gpkg --output markers.ipc
    """
    check_span(start, end)
    from .images import Settings  # heavy imports wait until they are needed
    from .run import Buffers
    from .run import markers as run

    run(
        items,
        parcels,
        id_field=id_field,
        settings=Settings(variables, network, clear_classes),
        buffers=Buffers(buffer, radar_buffer),
        start=start,
        end=end,
        threads=threads,
        output=output,
    )
