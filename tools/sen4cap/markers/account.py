"""What became of every parcel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import BadInput
from ..parcels import Parcels
from .kernel import PIXELS

VANISHED, VANISHED_RADAR = "vanished by the buffer", "vanished by the radar buffer"
OUTSIDE, NEVER_CLEAR = "outside the images", "never clear"


class Account:
    """Pixels and looks of every parcel, and a reason for each that has none.

    Parameters
    ----------
    parcels
        Usable parcels and the records that are none.
    """

    def __init__(self, parcels: Parcels) -> None:
        self._parcels = parcels
        count = len(parcels.frame)
        self._pixels = np.zeros((2, count))
        self._vanished = np.zeros((2, count), bool)
        self._seen = np.zeros(count, bool)

    def lay(self, radar: bool, areas: NDArray[np.float64], vanished: NDArray[np.intp]) -> None:
        """Note the parcels' pixels on one grid, and those of which the buffer left nothing."""
        np.maximum(self._pixels[int(radar)], areas, out=self._pixels[int(radar)])
        self._vanished[int(radar), vanished] = True

    def see(self, parcels: NDArray[np.intp], stats: NDArray[np.float32]) -> None:
        """Note the parcels that one image shows."""
        self._seen[parcels[(stats[PIXELS] > 0).any(axis=0)]] = True

    def check(self, images: int) -> None:
        """Refuse a table without a single pixel.

        Raises
        ------
        BadInput
            No parcel lies on any image.
        """
        if self._pixels.any():
            return
        count = len(self._seen)
        what = f"none of its {count} parcels lies on any of the {images} images"
        if self._vanished.any():
            what = f"of its {count} parcels the buffer leaves nothing that lies on any of the {images} images"
        raise BadInput(self._parcels.path, what, do="check the area that was fetched and --buffer")

    def details(self) -> dict[str, Any]:
        """A row for every record of the parcels file.

        `NewID`; `record`, from 1; `pixels`, the largest area inside any grid, in pixels of that grid; `used`, whether
        the parcel has a row in the table; `reason`, empty where all is well.
        """
        records = self._records()
        pixels = np.zeros(len(records))
        pixels[records["used"].to_numpy()] = self._pixels.max(axis=0)
        return {
            "NewID": records["NewID"],
            "record": records["record"].to_numpy(),
            "pixels": pixels.astype(np.float32),
            "used": records["used"].to_numpy(),
            "reason": records["reason"].to_numpy(),
        }

    def problems(self) -> pd.DataFrame:
        """Records with a reason, as `Parcels.problems`."""
        records = self._records()
        return records[records["reason"] != ""]

    def _records(self) -> pd.DataFrame:
        records = self._parcels.records()
        used = records["used"].to_numpy()
        told = records.loc[used, "reason"].to_numpy()
        records.loc[used, "reason"] = [
            "; ".join(filter(None, pair)) for pair in zip(told, self._reasons(), strict=True)
        ]
        return records

    def _reasons(self) -> NDArray[np.object_]:
        """Why a used parcel has no look, or none in the radar images."""
        optical, radar = self._pixels > 0
        nowhere = ~(optical | radar)
        return np.select(
            [
                nowhere & self._vanished.any(axis=0),
                nowhere,
                ~self._seen,
                optical & ~radar & self._vanished[1],
            ],
            [VANISHED, OUTSIDE, NEVER_CLEAR, VANISHED_RADAR],
            default="",
        ).astype(object)
