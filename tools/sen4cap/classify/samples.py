"""Training samples: parcels whose class is known, with their series, of this season or an earlier one."""

from __future__ import annotations

import datetime
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..errors import BadInput
from ..outputs import whole_file
from .kernel import season_features
from .layout import Layout

FORMAT = "sen4cap winter cover crop samples 1"
MARGIN = 31
"""Days of the series kept on either side of the season, so that it can be shifted."""


@dataclass(frozen=True)
class Samples:
    """Parcels whose class is known, of one season.

    Attributes
    ----------
    season : int
        Autumn of the season.
    start : date
        Day of the first column.
    values : dict of (parcel, day) float32
        Daily series by variable; NaN outside the observed span.
    gap : (parcel, day) int16
        Days to the nearest clear look.
    wcc : (parcel,) bool
        What they are.
    longitude, latitude : (parcel,) float64
        A point in each parcel, degrees.
    """

    season: int
    start: datetime.date
    values: dict[str, NDArray[np.float32]]
    gap: NDArray[np.int16]
    wcc: NDArray[np.bool_]
    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]

    def features(self, layout: Layout, /, *, shift: int, threads: int) -> NDArray[np.float32]:
        """Features, (parcel, feature), of the series as they are or `shift` days earlier."""
        first = (layout.start(self.season) - self.start).days + shift
        every = np.arange(len(self.wcc))
        return season_features(self.values, self.gap, every, layout=layout, first=first, threads=threads)


def write_samples(path: Path, samples: Samples) -> None:
    """Write samples as NPZ; series as float16, which rounds an LAI of 4 to 0.002."""
    about = {
        "format": FORMAT,
        "software": f"sen4cap {__version__}",
        "season": samples.season,
        "start": samples.start.isoformat(),
    }
    arrays: dict[str, Any] = {name: getattr(samples, name) for name in ("gap", "wcc", "longitude", "latitude")}
    arrays |= {f"series_{name}": values.astype(np.float16) for name, values in samples.values.items()}
    with whole_file(path) as scratch, open(scratch, "wb") as sink:  # noqa: PTH123
        np.savez(sink, about=json.dumps(about), **arrays)


def read_samples(path: Path, layout: Layout, /) -> Samples:
    """Read samples that hold the variables of a layout.

    Raises
    ------
    BadInput
        It holds no samples, is damaged, or lacks a variable.
    """
    do = "give the model_samples.npz that `sen4cap classify --insitu` wrote in an earlier season"
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            if about["format"] != FORMAT:
                raise BadInput(path, f"holds no samples but {about['format']!r}", do=do)
            held = [name.removeprefix("series_") for name in file.files if name.startswith("series_")]
            lacking = [name for name in layout.variables if name not in held]
            if lacking:
                raise BadInput(
                    path,
                    f"has no {', '.join(lacking)}, only {', '.join(held)}",
                    do=f"choose the variables that all seasons have: --variables {','.join(held)}",
                )
            samples = Samples(
                int(about["season"]),
                datetime.date.fromisoformat(about["start"]),
                {name: file[f"series_{name}"].astype(np.float32) for name in layout.variables},
                *(file[name] for name in ("gap", "wcc", "longitude", "latitude")),
            )
    except BadInput:
        raise
    except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise BadInput(path, f"holds no readable samples ({error})", do=do) from error
    shape = samples.gap.shape
    columns = (samples.wcc, samples.longitude, samples.latitude)
    if (
        len(shape) != 2
        or any(column.shape != shape[:1] for column in columns)
        or any(values.shape != shape for values in samples.values.values())
    ):
        raise BadInput(path, "is damaged: its arrays do not fit together", do=do)
    return samples
