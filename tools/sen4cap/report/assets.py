"""What the files of a result folder are: titles, media types, roles, columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pystac

from ..stac import CSV, GEOPACKAGE, PARQUET, result_asset

HTML, PNG, JSON, BINARY = "text/html", "image/png", "application/json", "application/octet-stream"

WCC_COLUMNS = {
    "NewID": "Unique identifier of the agricultural parcel",
    "Pred_class": "Predicted class: 1 winter cover crop (WCC), 2 no winter cover crop (NWCC)",
    "Conf_pred1": "Confidence in class 1, 0 to 1",
    "Conf_pred2": "Confidence in class 2, 0 to 1",
}
SEASON_COLUMNS = {
    "NewID": "Unique identifier of the agricultural parcel",
    "Em_d": "Date of emergence",
    "Ter_d": "Date of termination",
    "S_length": "Days from emergence to termination",
    "Uncert_em": "Uncertainty of the emergence date, days (+/-)",
    "Uncert_ter": "Uncertainty of the termination date, days (+/-)",
    "M_gro_d": "Date of the maximum leaf area index (LAI)",
    "M_gro_val": "Maximum LAI, m2/m2",
    "M_gro_t": "Days from emergence to the maximum LAI",
    "M_cov_d": "Date of the maximum green cover (FCOVER)",
    "M_co_val": "Maximum FCOVER, 0 to 1",
    "M_co_t": "Days from emergence to the maximum FCOVER",
}
INTERCROP_COLUMNS = {
    "NewID": "Unique identifier of the agricultural parcel",
    "Inter_d": "Length of the intercropping period, days",
    "BS_d": "Days of bare soil in the period",
    "NBS_d": "Days of non-bare soil in the period",
    "BS_b": "Bare days before emergence of the cover crop",
    "BS_a": "Bare days after termination of the cover crop",
    "BS_per": "Bare days, percent of the period",
    "NBS_per": "Non-bare days, percent of the period",
    "BS_b_per": "Bare days before emergence, percent of the period",
    "BS_a_per": "Bare days after termination, percent of the period",
}
SOIL_COLUMNS = {
    "NewID": "Unique identifier of the agricultural parcel",
    "start": "First day of the interval",
    "end": "Day after the last day of the interval",
    "state": "BS bare soil, NBS non-bare soil",
}
HARVEST_COLUMNS = {
    "NewID": "Unique identifier of the agricultural parcel",
    "harvest_start": "First day of the week in which the main crop was harvested",
}
SUMMARY_COLUMNS = {
    "quantity": "Name of the quantity",
    "value": "Number or date; empty where nothing is known",
    "unit": "Unit of the value",
    "description": "What the quantity is",
}
ACCOUNT_COLUMNS = {
    "status": "classified, not a candidate or not classified",
    "reason": "Why",
    "records": "Number of records of the parcels file",
    "first": "First identifiers, or record numbers where a record has none",
}


@dataclass(frozen=True)
class Kind:
    """What one file is: title, media type, roles, columns where it is a table."""

    title: str
    media_type: str
    roles: tuple[str, ...]
    columns: Mapping[str, str] | None = None


KINDS = {
    "index.html": Kind("Report of the season", HTML, ("overview", "metadata")),
    "summary.csv": Kind("Summary of the season", CSV, ("data",), SUMMARY_COLUMNS),
    "account.csv": Kind("Account of all parcels by status and reason", CSV, ("metadata",), ACCOUNT_COLUMNS),
    "wcc.csv": Kind("Classes of the parcels", CSV, ("data",), WCC_COLUMNS),
    "wcc.gpkg": Kind("Classes of the parcels with geometry and style", GEOPACKAGE, ("data",)),
    "wcc.parquet": Kind("Classes of the parcels with geometry, GeoParquet", PARQUET, ("data",)),
    "wcc_details.parquet": Kind("Status and reason of every record of the parcels file", PARQUET, ("metadata",)),
    "accuracy.json": Kind("Accuracy of the classes, cross-validated", JSON, ("metadata",)),
    "model_samples.npz": Kind("Training samples, to be learnt from in later seasons", BINARY, ("metadata",)),
    "season.csv": Kind("Characteristics of the cover crops", CSV, ("data",), SEASON_COLUMNS),
    "season_details.parquet": Kind("Quality and method of the characteristics", PARQUET, ("metadata",)),
    "intercrop.csv": Kind("Intercropping period of the parcels", CSV, ("data",), INTERCROP_COLUMNS),
    "intercrop_details.parquet": Kind("Quality of the intercropping period", PARQUET, ("metadata",)),
    "soil.csv": Kind("Intervals of bare and non-bare soil", CSV, ("data",), SOIL_COLUMNS),
    "soil_details.parquet": Kind("Quality of the bare-soil intervals", PARQUET, ("metadata",)),
    "harvest.csv": Kind("Harvest week of the main crop", CSV, ("data",), HARVEST_COLUMNS),
    "harvest_details.parquet": Kind("Quality of the harvest weeks", PARQUET, ("metadata",)),
    "map_classes.png": Kind("Map of the classes", PNG, ("overview", "visual")),
    "map_emergence.png": Kind("Map of the emergence dates", PNG, ("visual",)),
    "map_termination.png": Kind("Map of the termination dates", PNG, ("visual",)),
    "hist_dates.png": Kind("Emergence and termination by week", PNG, ("visual",)),
    "bare_soil.png": Kind("Share of bare soil in the intercropping period", PNG, ("visual",)),
    "confidence.png": Kind("Confidence of the classes", PNG, ("visual",)),
    "reliability.png": Kind("Reliability of the confidence", PNG, ("visual",)),
    "months.png": Kind("Accuracy by the months that are known", PNG, ("visual",)),
}
"""Every file whose name is fixed, in the order in which the page lists them."""

BY_SUFFIX = {".csv": CSV, ".json": JSON, ".parquet": PARQUET, ".png": PNG, ".gpkg": GEOPACKAGE, ".html": HTML}


def kind_of(name: str) -> Kind:
    """What a file of a result folder is, by its name."""
    if name in KINDS:
        return KINDS[name]
    path = Path(name)
    if path.stem.startswith("curve_") and path.suffix == ".png":
        return Kind(f"LAI and FCOVER of parcel {path.stem.removeprefix('curve_')}", PNG, ("visual",))
    if "l4c" in path.stem.lower():
        return Kind(
            "Agricultural practices (L4C) with the harvest weeks", BY_SUFFIX.get(path.suffix, BINARY), ("data",)
        )
    if path.stem.startswith("model"):
        return Kind("Model of the classification, to be used again", BY_SUFFIX.get(path.suffix, BINARY), ("model",))
    return Kind(name, BY_SUFFIX.get(path.suffix, BINARY), ("data",))


def files_of(folder: Path) -> dict[str, Kind]:
    """Files of a result folder by name, the known ones first, without hidden ones and without a catalogue."""
    order = {name: place for place, name in enumerate(KINDS)}
    names = [path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    names = sorted(
        (name for name in names if name != "catalog.json"), key=lambda name: (order.get(name, len(order)), name)
    )
    return {name: kind_of(name) for name in names}


def assets_of(folder: Path) -> dict[str, pystac.Asset]:
    """STAC assets of a result folder, by file name."""
    return {
        name: result_asset(name, title=kind.title, media_type=kind.media_type, roles=kind.roles, columns=kind.columns)
        for name, kind in files_of(folder).items()
    }
