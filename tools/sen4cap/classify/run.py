"""Classification: series and parcels in, a folder of classes, layer, model and accuracy out."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from pyproj import Transformer

from ..classes import NAMES, NWCC, WCC
from ..errors import BadInput
from ..harvests import read_harvests
from ..outputs import whole_folder
from ..parcels import Parcels, read_parcels, report_problems
from ..progress import say
from ..series import open_series
from .account import BLOCK, NOT_A_CANDIDATE, NOT_CLASSIFIED, Account, Crops, column_of, open_account
from .accuracy import measures
from .blocks import block_folds
from .calibration import calibrated, fit_calibration
from .forest import forest_score
from .kernel import season_features
from .labels import Labels, read_labels
from .layout import GAP, Layout
from .model import Model, read_model, write_model
from .results import say_summary, write_results
from .samples import MARGIN, Samples, read_samples, write_samples
from .thresholds import confidence_of_ratio, cover_ratio


@dataclass(frozen=True)
class Training:
    """Settings of the forest and its validation: see the options of the same names."""

    variables: tuple[str, ...]
    season_start: str
    season_end: str
    step: int
    trees: int
    leaf: int
    shift: int
    folds: int
    block_size: float
    least_samples: int
    noise: float
    by_months: bool
    seed: int


@dataclass(frozen=True)
class Thresholds:
    """Settings of the threshold method: see the options of the same names."""

    lai_level: float
    fcover_level: float
    least_days: int
    lai_margin: float
    fcover_margin: float
    longest_gap: int


@dataclass(frozen=True)
class InSitu:
    """An in-situ file and how it is read."""

    path: Path
    id_column: str
    class_column: str
    class_map: Mapping[str, int]
    skip_invalid: bool


def classify(
    series: Path,
    parcels: Path,
    *,
    id_field: str,
    method: str,
    insitu: InSitu | None,
    earlier: Sequence[Path],
    model: Path | None,
    harvest: Path | None,
    crops: Crops | None,
    least_pixels: int,
    least_looks: int,
    training: Training,
    thresholds: Thresholds,
    threads: int,
    output: Path,
) -> None:
    """Classify parcels into winter cover crop and none, and write the result folder.

    Without a model and with in-situ data a forest is trained, on samples of earlier seasons as well where they are
    given; with a model, or with the threshold method, in-situ data only measure the accuracy.
    """
    data = open_series(series)
    season = int(data.attrs["season"])
    fields = read_parcels(parcels, id_field=id_field)
    report_problems(fields)
    labels = _labels(insitu, fields)
    known = read_model(model) if model else None
    layout = known.layout if known else _layout(data, series, training)
    account = open_account(fields, data, crops, layout, season, least_pixels=least_pixels, least_looks=least_looks)
    with whole_folder(output) as folder:
        if method == "threshold":
            begin = _harvested(harvest, fields, data)
            confidence = _by_thresholds(data, series, account, begin, season, thresholds)
            report = _check_against(labels, fields, account, confidence, "thresholds")
        else:
            if known is None:
                own, counts, left_out = _own_samples(data, fields, account, labels, insitu, layout, season, training)
                seasons = [own, *(read_samples(path, layout) for path in earlier)]
                known, report = _train(seasons, layout, training, counts, data.attrs.get("method", ""), threads)
                report |= left_out
                write_samples(folder / "model_samples.npz", own)
            confidence = _by_model(data, series, account, known, model or output, season, threads)
            if model:
                made = f"model of season {known.training['season']}"
                report = _check_against(labels, fields, account, confidence, made)
            write_model(folder / "model.npz", known)
        write_results(folder, fields, account, confidence, report, data, layout, season, method)
    say_summary(account, confidence)


def _labels(insitu: InSitu | None, fields: Parcels) -> Labels | None:
    if insitu is None:
        return None
    every = fields.problems["NewID"].dropna().to_numpy(np.int64)
    return read_labels(
        insitu.path,
        np.concatenate([fields.ids, every]),
        id_column=insitu.id_column,
        class_column=insitu.class_column,
        class_map=insitu.class_map,
        skip_invalid=insitu.skip_invalid,
    )


def _layout(data: xr.Dataset, series: Path, training: Training) -> Layout:
    held = tuple(str(name) for name in data.data_vars if name != GAP)
    missing = [name for name in training.variables if name not in held]
    if missing:
        raise BadInput(
            series,
            f"has no {', '.join(missing)}, only {', '.join(held)}",
            do=f"run `sen4cap smooth --variables {','.join(training.variables)}`",
        )
    return Layout.of(
        training.variables or held,
        season_start=training.season_start,
        season_end=training.season_end,
        step=training.step,
    )


def _features(
    data: xr.Dataset, rows: NDArray[np.intp], layout: Layout, season: int, threads: int
) -> NDArray[np.float32]:
    values = {name: data[name].to_numpy() for name in layout.variables}
    first = column_of(data, layout.start(season))
    return season_features(values, data[GAP].to_numpy(), rows, layout=layout, first=first, threads=threads)


def _by_model(
    data: xr.Dataset, series: Path, account: Account, model: Model, path: Path, season: int, threads: int
) -> NDArray[np.float64]:
    """Confidence in a winter cover crop of every usable parcel; NaN where it is not classified."""
    held = [str(name) for name in data.data_vars if name != GAP]
    missing = [name for name in model.layout.variables if name not in held]
    if missing:
        raise BadInput(
            f"{path} and {series}",
            f"do not fit: the model wants {', '.join(model.layout.variables)}, the series has {', '.join(held)}",
            do=f"run `sen4cap smooth --variables {','.join(model.layout.variables)}`",
        )
    confidence = np.full(len(account.row), np.nan)
    places = account.open
    for first in range(0, len(places), BLOCK):
        some = places[first : first + BLOCK]
        features = _features(data, account.row[some], model.layout, season, threads)
        score = forest_score(features, model.forest, threads=threads)
        confidence[some] = calibrated(score, model.calibration)
    return confidence


def _harvested(harvest: Path | None, fields: Parcels, data: xr.Dataset) -> NDArray[np.int64]:
    """Column of the first day after each parcel's harvest week; -1 where it is not known."""
    if harvest is None:
        return np.full(len(fields.ids), -1)
    week, _ = read_harvests(harvest).of(fields.ids)
    after = (week - np.datetime64(data.attrs["start"], "D")).astype("timedelta64[D]") + np.timedelta64(7, "D")
    return np.where(np.isnat(week), -1, np.maximum(after.astype(np.int64), 0))


def _by_thresholds(
    data: xr.Dataset,
    series: Path,
    account: Account,
    begin: NDArray[np.int64],
    season: int,
    thresholds: Thresholds,
) -> NDArray[np.float64]:
    """Confidence of every usable parcel by the threshold rule; NaN where it is not classified."""
    missing = [name for name in ("LAI", "FCOVER") if name not in data]
    if missing:
        raise BadInput(
            series, f"has no {', '.join(missing)}; the threshold method wants LAI and FCOVER", do="run `sen4cap smooth`"
        )
    confidence = np.full(len(account.row), np.nan)
    places = account.open
    for first in range(0, len(places), BLOCK):
        some = places[first : first + BLOCK]
        rows = account.row[some]
        ratio = cover_ratio(
            data["LAI"].to_numpy()[rows],
            data["FCOVER"].to_numpy()[rows],
            data[GAP].to_numpy()[rows],
            begin[some],
            first=column_of(data, datetime.date(season, 8, 1)),
            autumn_end=column_of(data, datetime.date(season, 12, 1)),
            winter_end=column_of(data, datetime.date(season + 1, 1, 1)),
            peak_end=column_of(data, datetime.date(season + 1, 4, 1)),
            lai_level=thresholds.lai_level,
            fcover_level=thresholds.fcover_level,
            least_days=thresholds.least_days,
            lai_margin=thresholds.lai_margin,
            fcover_margin=thresholds.fcover_margin,
            longest_gap=thresholds.longest_gap,
        )
        confidence[some] = confidence_of_ratio(ratio)
    account.close(places[np.isnan(confidence[places])], NOT_CLASSIFIED, "no series from August to March")
    return confidence


def _usable(
    labels: Labels, fields: Parcels, account: Account
) -> tuple[NDArray[np.intp], NDArray[np.bool_], dict[str, int]]:
    """Places of the in-situ parcels that can be used, what they are, and why the others cannot be used."""
    place = pd.Index(fields.ids).get_indexer(labels.ids)
    there = place >= 0
    left_out = {"no usable geometry": int((~there).sum())}
    status = np.where(there, account.status[place], "")
    for name in (NOT_A_CANDIDATE, NOT_CLASSIFIED):
        left_out[name] = int((status == name).sum())
    good = there & (status == "")
    left_out = {name: count for name, count in left_out.items() if count}
    if left_out:
        what = ", ".join(f"{count} {name}" for name, count in left_out.items())
        say(f"in-situ data: {sum(left_out.values())} of {len(labels.ids)} parcels cannot be used: {what}")
    return place[good], labels.classes[good] == WCC, left_out


def _check_against(
    labels: Labels | None, fields: Parcels, account: Account, confidence: NDArray[np.float64], what: str
) -> dict[str, Any]:
    """Accuracy report of a classification that was not trained here."""
    if labels is None:
        return {"evaluation": None, "classified_by": what}
    places, wcc, left_out = _usable(labels, fields, account)
    report = {"evaluation": "in-situ parcels, none of them used for training", "classified_by": what}
    return {**report, "insitu_left_out": left_out, "insitu_faults": labels.faults, **measures(wcc, confidence[places])}


def _own_samples(
    data: xr.Dataset,
    fields: Parcels,
    account: Account,
    labels: Labels | None,
    insitu: InSitu | None,
    layout: Layout,
    season: int,
    training: Training,
) -> tuple[Samples, dict[str, int], dict[str, Any]]:
    """Training samples of this season, their number by class, and what the report says of the others."""
    if labels is None or insitu is None:
        raise ValueError("training needs in-situ data")
    places, wcc, left_out = _usable(labels, fields, account)
    counts = {NAMES[WCC]: int(wcc.sum()), NAMES[NWCC]: int((~wcc).sum())}
    short = [f"{count} of class {name}" for name, count in counts.items() if count < training.least_samples]
    if short:
        raise BadInput(
            insitu.path,
            f"leaves {' and '.join(short)} to train on (in the series and candidates), fewer than"
            f" {training.least_samples}",
            do="add in-situ parcels, or classify with --model or --method threshold",
        )
    rows = account.row[places]
    margin = datetime.timedelta(days=MARGIN)
    start = max(layout.start(season) - margin, datetime.date.fromisoformat(data.attrs["start"]))
    columns = slice(column_of(data, start), max(column_of(data, layout.end(season) + margin) + 1, 0))
    points = fields.frame.geometry.iloc[places].representative_point().to_crs(4326)
    samples = Samples(
        season,
        start,
        {name: data[name].to_numpy()[rows, columns] for name in layout.variables},
        data[GAP].to_numpy()[rows, columns],
        wcc,
        points.x.to_numpy(),
        points.y.to_numpy(),
    )
    return samples, counts, {"insitu_left_out": left_out, "insitu_faults": labels.faults}


def _train(
    seasons: Sequence[Samples],
    layout: Layout,
    training: Training,
    counts: dict[str, int],
    series_method: str,
    threads: int,
) -> tuple[Model, dict[str, Any]]:
    """Train a forest on the samples of all seasons and judge it by spatial blocks on those of the first."""
    from .months import by_months
    from .training import judge

    wcc = np.concatenate([samples.wcc for samples in seasons])
    own = np.arange(len(wcc)) < len(seasons[0].wcc)
    shifts = (0, -training.shift, training.shift) if training.shift else (0,)
    copies = [
        np.concatenate([samples.features(layout, shift=shift, threads=threads) for samples in seasons])
        for shift in shifts
    ]
    folds = min(training.folds, *counts.values())
    x, y = _plane(seasons)
    fold, blocks, size = block_folds(x, y, wcc, size=training.block_size, folds=folds, seed=training.seed)
    settings: dict[str, Any] = {
        "leaf": training.leaf,
        "noise": training.noise,
        "seed": training.seed,
        "threads": threads,
    }
    judged = judge(copies, wcc, fold, own, layout.groups(), trees=training.trees, **settings)
    found = measures(wcc[own], judged.confidence[own])
    others = [samples.season for samples in seasons[1:]]
    learnt = f"; {int((~own).sum())} samples of season {', '.join(map(str, others))} as well" if others else ""
    say(
        f"forest: {counts[NAMES[WCC]]} WCC, {counts[NAMES[NWCC]]} NWCC parcels in {blocks} blocks{learnt}; balanced"
        f" accuracy {found['balanced_accuracy']:.3f}, calibration error {found['ece']:.3f}"
    )
    order = np.argsort(-judged.impurity, kind="stable")
    names = layout.names()
    report = {
        "evaluation": f"{folds}-fold cross-validation over spatial blocks",
        "classified_by": "forest",
        "blocks": blocks,
        "block_size_m": round(size, 1),
        "label_noise": training.noise,
        "earlier_seasons": {str(samples.season): len(samples.wcc) for samples in seasons[1:]},
        "balanced_accuracy_per_fold": judged.per_fold,
        **found,
        "importance": {
            "impurity": {names[k]: round(float(judged.impurity[k]), 6) for k in order[:40]},
            "impurity_by_group": {
                name: round(float(judged.impurity[places].sum()), 6) for name, places in layout.groups().items()
            },
            "balanced_accuracy_lost_when_shuffled": judged.importance,
        },
    }
    if training.by_months:
        report["by_months"] = by_months(seasons, fold, layout, shifts=shifts, **settings)
    about = {
        "season": seasons[0].season,
        "earlier_seasons": others,
        "parcels": counts,
        "trees": len(judged.forest.roots),
        "leaf": training.leaf,
        "shift": training.shift,
        "seed": training.seed,
        "series_method": series_method,
        "balanced_accuracy": found["balanced_accuracy"],
        "ece": found["ece"],
    }
    return Model(judged.forest, fit_calibration(judged.score, wcc, noise=training.noise), layout, about), report


def _plane(seasons: Sequence[Samples]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of the samples of all seasons in an equal-area projection around them, m."""
    longitude, latitude = (
        np.concatenate([getattr(samples, name) for samples in seasons]) for name in ("longitude", "latitude")
    )
    middle = (longitude.min() + longitude.max()) / 2, (latitude.min() + latitude.max()) / 2
    here = f"+proj=laea +lat_0={middle[1]:.3f} +lon_0={middle[0]:.3f} +datum=WGS84 +units=m"
    x, y = Transformer.from_crs(4326, here, always_xy=True).transform(longitude, latitude)
    return np.asarray(x), np.asarray(y)
