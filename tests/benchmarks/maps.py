"""Maps of a season, pixel by pixel."""

from __future__ import annotations

import rasterio

from . import made
from .plan import THREADS, Plan
from .rows import Bound, Findings, Row
from .series import SPAN
from .timing import command

DATES, LONGEST_S, WHOLE = 60, 300.0, 2048


def measure(plan: Plan) -> Findings:
    """Date every pixel of an area from its products."""
    place = plan.work / f"maps-{plan.pixels}"
    made.season_products(place / "l3b", plan.pixels, days=DATES)
    samples = [
        command("pixels", "--items", "l3b", *SPAN, "--threads", THREADS, "--output", "pixels", folder=place)
        for _ in range(max(1, plan.rounds - 1))
    ]
    (path,) = (place / "pixels").glob("*/EMERGENCE.tif")
    with rasterio.open(path) as raster:
        dated = float((raster.read(1) != raster.nodata).mean())
    if dated < 0.4:
        raise AssertionError(f"{path}: only {dated:.0%} of the pixels have a date, 60 % have a cover crop")
    work = f"pixels: emergence and termination of {plan.pixels} x {plan.pixels} pixels, {DATES} dates"
    most = LONGEST_S if plan.pixels == WHOLE else None
    return Findings(
        rows=[
            Row(
                work,
                "",
                [sample.wall for sample in samples],
                "s",
                Bound(most=most) if most else None,
                [sample.cpu for sample in samples],
                note=f"from L3B products, two threads; {dated:.0%} of the pixels have an emergence",
            ),
            Row(work, "", [sample.peak_mib for sample in samples], "MiB", note="peak memory"),
        ],
        numbers={"pixels_cpu": samples[0].cpu},
    )
