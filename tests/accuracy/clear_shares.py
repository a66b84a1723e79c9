"""Count the clear share of each acquisition of a real season: the plain numbers of the regime `flanders`.

Usage: python clear_shares.py CATALOGUE > flanders-looks.csv, where CATALOGUE is a folder whose items hold SCL.tif. The
file in this folder was made from 118 Sentinel-2 L2A acquisitions of 640 m x 640 m in West Flanders (tile 31UDS, 2017-08
to 2018-11; test resources of WorldCereal/worldcereal-classification, MIT; contains modified Copernicus Sentinel data).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import rasterio

CLEAR = (4, 5)


def clear_shares(catalogue: Path) -> dict[str, float]:
    """Share of pixels with a clear class by date, the better of two acquisitions on a day."""
    shares: dict[str, float] = {}
    for path in sorted(catalogue.rglob("SCL.tif")):
        found = re.search(r"_(\d{4})(\d{2})(\d{2})_", path.parent.name)
        if found is None:
            raise SystemExit(f"{path.parent.name} has no date in its name")
        with rasterio.open(path) as source:
            share = float(np.isin(source.read(1), CLEAR).mean())
        day = "-".join(found.groups())
        shares[day] = max(share, shares.get(day, 0.0))
    return shares


if __name__ == "__main__":
    print("date,clear_share")
    for day, share in clear_shares(Path(sys.argv[1])).items():
        print(f"{day},{share:.3f}")
