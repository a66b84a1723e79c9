"""Parcels: reading them from whatever a paying agency has, and accounting for every one of them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import shapely

from .errors import BadInput
from .progress import say

PARQUET_SUFFIXES = (".parquet", ".geoparquet", ".pq")
BUFFERED = re.compile(r"_buf_\d+m$")
"""Layers of Sen4CAP that hold the parcels shrunk already."""

POLYGONAL = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
REPAIRED = "repaired geometry"


@dataclass(frozen=True)
class Parcels:
    """Parcels of one file.

    Attributes
    ----------
    frame : GeoDataFrame
        Usable parcels in the order of the file: column `NewID` (int32, unique, whatever the field was called), the
        other fields as they are, and polygon geometry in the file's CRS.
    problems : DataFrame
        Columns `NewID` (Int64, NA where the record has none), `record` (1-based position in the file), `reason`, and
        `used` (whether the parcel is in `frame` all the same, as a repaired one is).
    path : Path
        Where they were read from.
    """

    frame: gpd.GeoDataFrame
    problems: pd.DataFrame
    path: Path

    @property
    def ids(self) -> np.ndarray:
        """NewID of the usable parcels, int32."""
        ids: np.ndarray = self.frame["NewID"].to_numpy()
        return ids

    def records(self) -> pd.DataFrame:
        """Every record of the file in order: `NewID` (Int64), `record` (from 1), `used`, `reason` ('' if all is well).

        The rows with `used` stand in the order of `frame`.
        """
        unused = int((~self.problems["used"]).sum())
        every = pd.DataFrame({"record": np.arange(1, len(self.frame) + unused + 1)})
        every = every.merge(self.problems, on="record", how="left")
        every["used"] = every["used"].isna() | (every["used"] == True)  # noqa: E712
        every["reason"] = every["reason"].fillna("")
        every.loc[every["used"], "NewID"] = self.ids
        every["NewID"] = every["NewID"].astype("Int64")
        return every[["NewID", "record", "used", "reason"]]


def read_parcels(path: Path, *, id_field: str = "NewID", fields: tuple[str, ...] | None = None) -> Parcels:
    """Read parcels; geometries that cannot be used are listed, never fatal and never dropped in silence.

    Records without an identifier, without a geometry or with one that is no polygon are listed and left out; of several
    records with one identifier the first with a polygon is kept and the others are listed; self-intersecting polygons
    are repaired, listed and used. Heights are dropped, arcs become chords.

    Parameters
    ----------
    path
        GeoPackage, Shapefile, GeoParquet or GeoJSON. Of several layers the first with polygons that is not one of
        Sen4CAP's buffered copies (``_buf_5m``).
    id_field
        Integer identifier of a parcel.
    fields
        Further fields to read; all of them by default.

    Raises
    ------
    BadInput
        The file is unreadable, has no CRS, no identifier field, or a field that was asked for is missing.
    """
    frame = _read(Path(path), id_field, fields)
    if frame.crs is None:
        raise BadInput(path, "has no coordinate reference system")
    return _account(frame, id_field, Path(path))


def report_problems(parcels: Parcels, *, most: int = 10) -> None:
    """Say on standard error how many parcels have which problem, with the first identifiers."""
    for reason, rows in parcels.problems.groupby("reason", sort=True):
        names = [str(v) if pd.notna(v) else f"record {r}" for v, r in zip(rows["NewID"], rows["record"], strict=True)]
        more = f" and {len(names) - most} more" if len(names) > most else ""
        say(f"{parcels.path}: {len(names)} {reason}: {', '.join(names[:most])}{more}")


def footprint(parcels: Parcels) -> dict[str, object]:
    """Bounding rectangle of all parcels as a GeoJSON polygon in WGS 84."""
    box = parcels.frame.geometry.total_bounds
    area = gpd.GeoSeries([shapely.box(*box)], crs=parcels.frame.crs).to_crs(4326)
    found: dict[str, object] = shapely.geometry.mapping(shapely.box(*area.total_bounds))
    return found


def _read(path: Path, id_field: str, fields: tuple[str, ...] | None) -> gpd.GeoDataFrame:
    """Read the identifier, the fields that were asked for and the geometry; a country's other fields fill memory."""
    try:
        if path.suffix.lower() in PARQUET_SUFFIXES:
            names, geometry = _parquet_fields(path)
            wanted = _wanted(path, names, id_field, fields)
            return gpd.read_parquet(path, columns=None if wanted is None else [*wanted, *geometry])
        layer = _layer(path)
        names = [str(name) for name in pyogrio.read_info(path, layer=layer)["fields"]]
        wanted = _wanted(path, names, id_field, fields)
        how = {"layer": layer, "columns": wanted, "engine": "pyogrio", "on_invalid": "ignore"}
        try:
            return gpd.read_file(path, **how, use_arrow=True)
        except NotImplementedError:  # arcs: only the slower way makes chords of them
            return gpd.read_file(path, **how, use_arrow=False)
    except BadInput:
        raise
    except (RuntimeError, ValueError, OSError) as error:  # pyogrio's errors are RuntimeErrors, Arrow's ValueErrors
        if "not recognized as being in a supported" in str(error):
            what = "cannot be read as parcels: it is damaged, or of a format that GDAL does not read here"
            raise BadInput(path, what, do="give a GeoPackage, Shapefile, GeoParquet or GeoJSON") from error
        raise BadInput(path, f"cannot be read as parcels ({error})") from error


def _parquet_fields(path: Path) -> tuple[list[str], list[str]]:
    """Names of the fields of a Parquet file, and that of its geometry; none where it is no GeoParquet."""
    schema = pq.read_schema(path)
    geometry = json.loads((schema.metadata or {}).get(b"geo", b"{}")).get("primary_column")
    return [name for name in schema.names if name != geometry], [geometry] if geometry else []


def _wanted(path: Path, names: Sequence[str], id_field: str, fields: tuple[str, ...] | None) -> list[str] | None:
    """Fields to read, the identifier first; None for all of them."""
    if id_field not in names:
        raise BadInput(
            path, f"has no field {id_field}, only {', '.join(names)}", do="name the identifier with --id-field"
        )
    missing = [name for name in fields or () if name not in names]
    if missing:
        raise BadInput(path, f"has no field {', '.join(missing)}, only {', '.join(names)}")
    return None if fields is None else list(dict.fromkeys([id_field, *fields]))


def _layer(path: Path) -> str:
    """Name of the layer to read; the user is told where there is a choice."""
    kinds = {str(name): str(kind) for name, kind in pyogrio.list_layers(path) if kind is not None}
    layers = [name for name, kind in kinds.items() if "Polygon" in kind or "Surface" in kind]
    # Databases export mixed layers without a type of their own.
    layers = layers or [name for name, kind in kinds.items() if kind in ("Unknown", "GeometryCollection")]
    if not layers:
        raise BadInput(path, f"has no layer of polygons, only {', '.join(kinds) or 'none with geometries'}")
    chosen = next((name for name in layers if not BUFFERED.search(name)), layers[0])
    if len(layers) > 1:
        say(f"{path}: of the layers {', '.join(layers)} the parcels are read from {chosen}")
    return chosen


def _account(frame: gpd.GeoDataFrame, id_field: str, path: Path) -> Parcels:
    frame = frame.reset_index(drop=True)
    ids, no_id = _identifiers(frame[id_field])
    shapes, faults = _polygons(frame.geometry.to_numpy())
    unusable = ~np.isin(faults, ("", REPAIRED))
    # Of several records with one identifier the first that can be used counts.
    duplicate = np.zeros(len(frame), bool)
    candidates = np.flatnonzero(~no_id & ~unusable)
    duplicate[candidates] = pd.Series(ids[candidates]).duplicated().to_numpy()
    used = ~(no_id | unusable | duplicate)
    reasons = np.select([no_id, duplicate], ["no integer identifier", "duplicate identifier"], default=faults)
    listed = np.flatnonzero(reasons != "")
    problems = pd.DataFrame(
        {
            "NewID": pd.array(ids[listed], dtype="Int64"),
            "record": listed + 1,
            "reason": reasons[listed],
            "used": used[listed],
        }
    )
    problems.loc[no_id[listed], "NewID"] = pd.NA
    whole = frame.drop(columns=[id_field]).set_geometry(gpd.GeoSeries(shapes, crs=frame.crs))
    whole = whole.rename(columns={"NewID": "NewID_"})  # a field of that name that is not the identifier
    whole.insert(0, "NewID", ids)
    return Parcels(whole[used].reset_index(drop=True), problems, path)


def _identifiers(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers of 32 bits, and which records have none (0 there)."""
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    limit = np.iinfo(np.int32).max
    no_id = ~np.isfinite(numbers) | (numbers != np.floor(numbers)) | (np.abs(numbers) > limit)
    return np.where(no_id, 0, numbers).astype(np.int32), no_id


def _polygons(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flat, valid polygons, and what was wrong with each record's geometry ('' if nothing)."""
    shapes = shapes.copy()
    high = shapely.get_coordinate_dimension(shapes) > 2
    shapes[high] = shapely.force_2d(shapes[high])  # of those alone: a copy of a country's outlines fills memory
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    polygonal = np.isin(shapely.get_type_id(shapes), POLYGONAL)
    mixed = ~empty & (shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION)
    broken = ~empty & (mixed | ~shapely.is_valid(shapes)) & (polygonal | mixed)
    shapes[broken] = _polygons_only(shapely.make_valid(shapes[broken]))
    flat = broken & (shapely.area(shapes) == 0)
    faults = np.select(
        [empty, ~polygonal & ~mixed, flat, broken],
        ["empty geometry", "no polygon", "invalid geometry", REPAIRED],
        default="",
    )
    return shapes, faults


def _polygons_only(shapes: np.ndarray) -> np.ndarray:
    """Drop the lines and points that repairing may leave beside the polygons."""

    def polygons(shape: shapely.Geometry) -> shapely.Geometry:
        parts = shapely.get_parts(shapely.get_parts(shape))
        return shapely.union_all(parts[np.isin(shapely.get_type_id(parts), POLYGONAL)])

    return np.array([polygons(shape) for shape in shapes], dtype=object)
