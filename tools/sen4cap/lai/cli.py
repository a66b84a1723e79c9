"""sen4cap lai."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import Words, clear_classes_option, existing_folder, network_option, output_option, threads_option

VARIABLES = ("LAI", "FAPAR", "FCOVER", "NDVI")


@click.command()
@existing_folder("--items", required=True, help="Sentinel-2 L2A scenes: folder of a STAC catalogue.")
@network_option
@click.option(
    "--variables",
    type=Words(VARIABLES),
    default="LAI,FCOVER",
    show_default=True,
    help="What to estimate, out of LAI,FAPAR,FCOVER,NDVI.",
)
@clear_classes_option
@threads_option
@output_option("l3b", help="Folder to write: a STAC catalogue of L3B products.")
def lai(
    items: Path,
    network: str,
    variables: tuple[str, ...],
    clear_classes: tuple[int, ...],
    threads: int,
    output: Path,
) -> None:
    """Estimate LAI, FAPAR, FCOVER and NDVI of Sentinel-2 scenes: the L3B product.

    One COG for each scene and variable at 10 m, with status and domain flags, named and coded as Sen4CAP does. A run
    that was interrupted goes on where it stopped.

    \b
    Example: sen4cap lai --items demo/sim --variables LAI,FCOVER --output l3b
    """
    from .run import lai as run

    run(items, network=network, variables=variables, clear_classes=clear_classes, threads=threads, output=output)
