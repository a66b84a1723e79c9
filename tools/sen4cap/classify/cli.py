"""Command `sen4cap classify`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..options import (
    existing_file,
    id_field_option,
    output_option,
    parcels_option,
    season_end_option,
    season_start_option,
    series_option,
    threads_option,
)


class ClassMap(click.ParamType):
    """Which text stands for which class, such as ``wcc=1,none=2``."""

    name = "map"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, int]:
        """Split and check: only the classes 1 and 2, and both of them."""
        if isinstance(value, dict):
            return value
        pairs = [part.split("=") for part in str(value).split(",") if part.strip()]
        if any(len(pair) != 2 or pair[1].strip() not in ("1", "2") for pair in pairs):
            self.fail(f"{value!r} is no class map; write for example wcc=1,none=2.", param, ctx)
        found = {text.strip().casefold(): int(code) for text, code in pairs}
        if set(found.values()) != {1, 2} or len(found) < len(pairs):
            self.fail(f"{value!r} must name both classes, 1 and 2, and each text once.", param, ctx)
        return found


class Names(click.ParamType):
    """A comma-separated list of names; empty for none."""

    name = "list"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Split; the order is kept, repetitions are dropped."""
        if isinstance(value, tuple):
            return value
        return tuple(dict.fromkeys(word.strip() for word in str(value).split(",") if word.strip()))


@click.command()
@series_option
@parcels_option
@id_field_option
@existing_file("--insitu", help="CSV of parcels whose class is known: trains the forest, or measures the accuracy.")
@existing_file(
    "--samples",
    multiple=True,
    help="Training samples of an earlier season (its model_samples.npz), learnt from as well; repeat for several.",
)
@existing_file("--model", help="Saved model (model.npz of an earlier run), used instead of training.")
@click.option(
    "--method",
    type=click.Choice(["forest", "threshold"]),
    default="forest",
    show_default=True,
    help="Random forest (needs --insitu or --model), or thresholds on LAI and FCOVER.",
)
@click.option("--id-column", default="NewID", show_default=True, help="Column of the in-situ CSV with the identifier.")
@click.option("--class-column", default="class", show_default=True, help="Column of the in-situ CSV with the class.")
@click.option(
    "--class-map",
    type=ClassMap(),
    default="1=1,2=2",
    show_default=True,
    help="Which text in the class column means winter cover crop (1) and none (2), such as wcc=1,none=2.",
)
@click.option(
    "--skip-invalid",
    is_flag=True,
    default=False,
    help="Leave out faulty rows of the in-situ CSV, and say which, instead of refusing it.",
)
@existing_file("--crops", help="CSV crop_code,role (winter, spring, grass, permanent, other): chooses the candidates.")
@click.option("--crop-before", help="Field of the parcels with the crop code before the winter.")
@click.option("--crop-after", help="Field of the parcels with the crop code after the winter.")
@existing_file(
    "--harvest", help="Harvest weeks (harvest.csv or L4C): the threshold method looks at the days after them only."
)
@click.option(
    "--min-pixels",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="Parcels with fewer Sentinel-2 pixels are no candidates, where the parcels have the field S2Pix.",
)
@click.option(
    "--min-looks",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Parcels with fewer clear looks in the season are not classified.",
)
@click.option(
    "--variables",
    type=Names(),
    default="",
    show_default=True,
    help="Variables of the series to train on, such as LAI,FCOVER; empty: all it has.",
)
@season_start_option(help="First day the forest looks at, MM-DD.")
@season_end_option(help="Last day the forest looks at, MM-DD.")
@click.option(
    "--step", type=click.IntRange(min=1, max=60), default=10, show_default=True, help="Days of one grid value."
)
@click.option("--trees", type=click.IntRange(min=1), default=300, show_default=True, help="Trees of the forest.")
@click.option(
    "--min-leaf", type=click.IntRange(min=1), default=3, show_default=True, help="Fewest training parcels in a leaf."
)
@click.option(
    "--shift",
    type=click.IntRange(0, 30),
    default=8,
    show_default=True,
    help="Train on each series shifted by so many days to either side as well, against years that differ; 0: not.",
)
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    default=5,
    show_default=True,
    help="Folds of the cross-validation over spatial blocks.",
)
@click.option(
    "--block-size",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="Edge of a spatial block, m; 0: a tenth of the extent, at most 10 km. Smaller where folds would be uneven.",
)
@click.option(
    "--min-samples",
    type=click.IntRange(min=2),
    default=5,
    show_default=True,
    help="Fewest usable in-situ parcels of each class to train on.",
)
@click.option(
    "--label-noise",
    type=click.FloatRange(0, 0.45),
    default=0.0,
    show_default=True,
    help="Share of the in-situ classes that are wrong (HRL layer: about 0.1); the confidence is corrected for it.",
)
@click.option(
    "--by-months",
    is_flag=True,
    default=False,
    help="Measure as well how accurate the classes are where the season is known up to the end of each month only.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of every random draw.")
@click.option(
    "--lai-level",
    type=click.FloatRange(min=0, min_open=True),
    default=0.3,
    show_default=True,
    help="Thresholds: LAI that is kept, m2/m2.",
)
@click.option(
    "--fcover-level",
    type=click.FloatRange(min=0, min_open=True),
    default=0.15,
    show_default=True,
    help="Thresholds: FCOVER that is kept, 0 to 1.",
)
@click.option(
    "--min-days",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    help="Thresholds: days on end that both are kept, up to 31 December.",
)
@click.option(
    "--lai-margin",
    type=click.FloatRange(min=0, min_open=True),
    default=0.5,
    show_default=True,
    help="Thresholds: rise of LAI from the autumn's minimum to the peak, m2/m2.",
)
@click.option(
    "--fcover-margin",
    type=click.FloatRange(min=0, min_open=True),
    default=0.25,
    show_default=True,
    help="Thresholds: rise of FCOVER from the autumn's minimum to the peak, 0 to 1.",
)
@click.option(
    "--longest-gap",
    type=click.IntRange(min=1),
    default=45,
    show_default=True,
    help="Thresholds: days without a clear look in autumn that may hide a harvest.",
)
@threads_option
@output_option("wcc", help="Folder to write: wcc.csv, wcc.gpkg, wcc.parquet, model.npz, accuracy.json, catalog.json.")
def classify(
    series: Path,
    parcels: Path,
    id_field: str,
    insitu: Path | None,
    samples: tuple[Path, ...],
    model: Path | None,
    method: str,
    id_column: str,
    class_column: str,
    class_map: dict[str, int],
    skip_invalid: bool,
    crops: Path | None,
    crop_before: str | None,
    crop_after: str | None,
    harvest: Path | None,
    min_pixels: int,
    min_looks: int,
    variables: tuple[str, ...],
    season_start: str,
    season_end: str,
    step: int,
    trees: int,
    min_leaf: int,
    shift: int,
    folds: int,
    block_size: float,
    min_samples: int,
    label_noise: float,
    by_months: bool,
    seed: int,
    lai_level: float,
    fcover_level: float,
    min_days: int,
    lai_margin: float,
    fcover_margin: float,
    longest_gap: int,
    threads: int,
    output: Path,
) -> None:
    """Classify each parcel: winter cover crop or none, with confidence.

    A random forest learns from in-situ parcels; its accuracy is measured over spatial blocks and its confidences are
    calibrated. A saved model needs no in-situ data (with --insitu its accuracy is measured), the threshold method
    neither.

    \b
    Example: sen4cap classify --series series.arrow --parcels parcels.gpkg --insitu insitu.csv
    Example: sen4cap classify --series series.arrow --parcels parcels.gpkg --model wcc/model.npz --output wcc-2022
    Example: sen4cap classify --series series.arrow --parcels parcels.gpkg --method threshold
    """
    if method == "threshold" and model:
        raise click.UsageError("--model is a forest: it does not go with --method threshold.")
    if method == "forest" and not (insitu or model):
        raise click.UsageError("Give --insitu to train a forest, --model to use a saved one, or --method threshold.")
    if samples and (model or method == "threshold" or not insitu):
        raise click.UsageError("--samples serve the training of a forest: give --insitu, and no --model.")
    if harvest and method == "forest":
        raise click.UsageError("--harvest serves --method threshold only.")
    if crops and not (crop_before or crop_after):
        raise click.UsageError("--crops needs --crop-before or --crop-after, or both.")
    if (crop_before or crop_after) and not crops:
        raise click.UsageError("--crop-before and --crop-after need --crops.")

    from .account import Crops
    from .run import InSitu, Thresholds, Training
    from .run import classify as run

    run(
        series,
        parcels,
        id_field=id_field,
        method=method,
        insitu=InSitu(insitu, id_column, class_column, class_map, skip_invalid) if insitu else None,
        earlier=samples,
        model=model,
        harvest=harvest,
        crops=Crops(crops, crop_before, crop_after) if crops else None,
        least_pixels=min_pixels,
        least_looks=min_looks,
        training=Training(
            variables=variables,
            season_start=season_start,
            season_end=season_end,
            step=step,
            trees=trees,
            leaf=min_leaf,
            shift=shift,
            folds=folds,
            block_size=block_size,
            least_samples=min_samples,
            noise=label_noise,
            by_months=by_months,
            seed=seed,
        ),
        thresholds=Thresholds(
            lai_level=lai_level,
            fcover_level=fcover_level,
            least_days=min_days,
            lai_margin=lai_margin,
            fcover_margin=fcover_margin,
            longest_gap=longest_gap,
        ),
        threads=threads,
        output=output,
    )
