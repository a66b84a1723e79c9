"""The result folder: classes, details, layer, accuracy, catalogue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from .. import stac
from ..classes import NWCC, WCC
from ..outputs import whole_file
from ..parcels import Parcels, footprint
from ..progress import say
from ..tables import write_csv, write_details
from .account import CLASSIFIED, NOT_A_CANDIDATE, NOT_CLASSIFIED, Account
from .layer import with_result, write_layer
from .layout import Layout


def write_results(
    folder: Path,
    fields: Parcels,
    account: Account,
    confidence: NDArray[np.float64],
    report: dict[str, Any],
    data: xr.Dataset,
    layout: Layout,
    season: int,
    method: str,
) -> None:
    """Write classes, details, layer, accuracy and catalogue."""
    places = account.open
    account.close(places, CLASSIFIED, "")
    first = np.round(confidence[places], 4)
    result = {
        "NewID": fields.ids[places],
        "Pred_class": np.where(first >= 0.5, WCC, NWCC).astype(np.int32),
        "Conf_pred1": first,
        "Conf_pred2": np.round(1 - first, 4),
    }
    write_csv(folder / "wcc.csv", result)
    _write_details(folder, fields, account)
    columns: dict[str, Any] = {
        "Pred_class": pd.array([None] * len(fields.ids), dtype="Int32"),
        "Conf_pred1": np.full(len(fields.ids), np.nan),
        "Conf_pred2": np.full(len(fields.ids), np.nan),
    }
    for name, column in columns.items():
        column[places] = result[name]
    write_layer(folder, with_result(fields.frame, columns), season=season)
    counts = pd.Series(account.status).value_counts()
    whole = {
        "season": season,
        "method": method,
        "variables": list(layout.variables) if method == "forest" else ["LAI", "FCOVER"],
        "parcels_of_the_file": {
            **{name: int(counts.get(name, 0)) for name in (CLASSIFIED, NOT_A_CANDIDATE, NOT_CLASSIFIED)},
            "not usable": int((~fields.problems["used"]).sum()),
        },
        **report,
    }
    with whole_file(folder / "accuracy.json") as scratch:
        scratch.write_text(json.dumps(whole, indent=1) + "\n")
    _catalogue(folder, fields, data, layout, season, method)


def _write_details(folder: Path, fields: Parcels, account: Account) -> None:
    """Write a row for every record of the parcels file."""
    records = fields.records()
    used = records["used"].to_numpy()
    status = np.full(len(records), NOT_CLASSIFIED, dtype=object)
    reason = records["reason"].to_numpy(dtype=object)
    status[used] = account.status
    reason[used] = np.where(account.reason != "", account.reason, reason[used])
    write_details(
        folder / "wcc.csv",
        {"NewID": records["NewID"], "record": records["record"].to_numpy(), "status": status, "reason": reason},
    )


def _catalogue(folder: Path, fields: Parcels, data: xr.Dataset, layout: Layout, season: int, method: str) -> None:
    columns = {
        "NewID": "Identifier of the parcel",
        "Pred_class": "1 winter cover crop, 2 none; empty where not classified",
        "Conf_pred1": "Confidence in class 1, 0 to 1",
        "Conf_pred2": "Confidence in class 2, 0 to 1",
    }
    details = {
        "NewID": "Identifier of the parcel; empty where the record has none",
        "record": "Number of the record in the parcels file, from 1",
        "status": "classified, not a candidate, or not classified",
        "reason": "Why it is not classified, or what was repaired",
    }
    assets = {
        "wcc": stac.result_asset(
            "wcc.csv", title="Winter cover crops", media_type=stac.CSV, roles=["data"], columns=columns
        ),
        "layer": stac.result_asset(
            "wcc.gpkg", title="All parcels, styled", media_type=stac.GEOPACKAGE, roles=["data", "visual"]
        ),
        "geoparquet": stac.result_asset("wcc.parquet", title="All parcels", media_type=stac.PARQUET, roles=["data"]),
        "details": stac.result_asset(
            "wcc_details.parquet",
            title="What became of every record",
            media_type=stac.PARQUET,
            roles=["metadata"],
            columns=details,
        ),
        "accuracy": stac.result_asset(
            "accuracy.json", title="Accuracy and reliability", media_type="application/json", roles=["metadata"]
        ),
    }
    if (folder / "model.npz").exists():
        assets["model"] = stac.result_asset(
            "model.npz", title="Trained forest", media_type="application/octet-stream", roles=["metadata"]
        )
    if (folder / "model_samples.npz").exists():
        assets["samples"] = stac.result_asset(
            "model_samples.npz",
            title="Training samples, for later seasons",
            media_type="application/octet-stream",
            roles=["metadata"],
        )
    stac.write_result(
        folder,
        id=f"wcc-{season}",
        description=f"Winter cover crops of season {season}, by {method}",
        geometry=footprint(fields),
        start=layout.start(season),
        end=layout.end(season),
        assets=assets,
        derived_from=data.attrs["sources"],
    )


def say_summary(account: Account, confidence: NDArray[np.float64]) -> None:
    """Say how many parcels got which class, and why the others got none."""
    done = account.status == CLASSIFIED
    wcc = int((np.round(confidence[done], 4) >= 0.5).sum())
    say(
        f"classify: {wcc} WCC, {int(done.sum()) - wcc} NWCC, {int((account.status == NOT_A_CANDIDATE).sum())} not a"
        f" candidate, {int((account.status == NOT_CLASSIFIED).sum())} not classified"
    )
    counts = pd.Series(account.reason[~done]).value_counts(sort=True)
    for reason, count in list(counts.items())[:12]:
        say(f"  {count} {reason}")
