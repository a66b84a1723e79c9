"""The model file: everything that is needed to classify another season, in one file of plain arrays."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..errors import BadInput
from ..outputs import whole_file
from .forest import Forest
from .layout import Layout

FORMAT = "sen4cap winter cover crop forest 2"


@dataclass(frozen=True)
class Model:
    """A trained classifier.

    Attributes
    ----------
    forest
        The trees.
    calibration : (2,) float64
        From score to confidence.
    layout
        The features it wants.
    training : dict
        Where it comes from: season, parcels, options, accuracy.
    """

    forest: Forest
    calibration: NDArray[np.float64]
    layout: Layout
    training: dict[str, Any]


def write_model(path: Path, model: Model) -> None:
    """Write a model as NPZ: `about` (JSON: format, software, features, layout, training), `calibration`, the trees."""
    about = {
        "format": FORMAT,
        "software": f"sen4cap {__version__}",
        "features": model.layout.names(),
        "layout": asdict(model.layout),
        "training": model.training,
    }
    arrays = {field.name: getattr(model.forest, field.name) for field in fields(Forest)}
    with whole_file(path) as scratch, open(scratch, "wb") as sink:  # noqa: PTH123
        np.savez_compressed(sink, about=json.dumps(about), calibration=model.calibration, **arrays)


def read_model(path: Path) -> Model:
    """Read a model.

    Raises
    ------
    BadInput
        It is no model of this suite, or it is damaged.
    """
    do = "give the model.npz that `sen4cap classify --insitu` wrote"
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            if about["format"] != FORMAT:
                raise BadInput(path, f"is a model of another format, {about['format']!r}", do="train it again")
            forest = Forest(**{field.name: file[field.name] for field in fields(Forest)})
            calibration = file["calibration"]
    except BadInput:
        raise
    except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise BadInput(path, f"is no readable model ({error})", do=do) from error
    said = about["layout"]
    lists = {name: tuple(map(tuple, said[name])) for name in ("levels", "rises")}
    layout = Layout(**{**said, "variables": tuple(said["variables"]), **lists})
    model = Model(forest, calibration, layout, about["training"])
    _check(path, model, about["features"])
    return model


def _check(path: Path, model: Model, features: list[str]) -> None:
    """Hold the arrays against each other, so that no compiled loop runs past their ends."""
    forest = model.forest
    nodes = len(forest.feature)
    sound = (
        features == model.layout.names()
        and len(forest.roots) > 0
        and len(forest.threshold) == len(forest.missing_left) == len(forest.share) == nodes
        and forest.children.shape == (nodes, 2)
        and model.calibration.shape == (2,)
        and bool(((forest.roots >= 0) & (forest.roots < nodes)).all())
        and bool(((forest.children >= 0) & (forest.children < nodes)).all())
        and bool((forest.feature < len(features)).all())
        and _descends(forest)
    )
    if not sound:
        raise BadInput(path, "is a damaged model: its arrays do not fit together", do="train it again")


def _descends(forest: Forest) -> bool:
    """Whether every child comes after its parent, so that every walk ends."""
    inner = forest.feature >= 0
    return bool((forest.children[inner] > np.flatnonzero(inner)[:, None]).all())
