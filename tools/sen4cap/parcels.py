"""Parcels: reading them from whatever a paying agency has, and accounting for every one of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from .errors import BadInput
from .progress import say

PARQUET_SUFFIXES = (".parquet", ".geoparquet", ".pq")


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

    Empty geometries are listed and left out; self-intersecting ones are repaired, listed and used; of several records
    with one identifier the first is kept and the others are listed; so are records without an identifier.

    Parameters
    ----------
    path
        GeoPackage, Shapefile, FlatGeobuf or GeoParquet. Of a GeoPackage with several layers the first with polygons.
    id_field
        Integer identifier of a parcel.
    fields
        Further fields to read; all of them by default.

    Raises
    ------
    BadInput
        The file is unreadable, has no CRS, no identifier field, or a field that was asked for is missing.
    """
    frame = _read(Path(path))
    if id_field not in frame.columns:
        names = [str(name) for name in frame.columns if name != frame.geometry.name]
        raise BadInput(
            path, f"has no field {id_field}, only {', '.join(names)}", do="name the identifier with --id-field"
        )
    missing = [name for name in fields or () if name not in frame.columns]
    if missing:
        raise BadInput(path, f"has no field {', '.join(missing)}, only {', '.join(map(str, frame.columns))}")
    if frame.crs is None:
        raise BadInput(path, "has no coordinate reference system")
    if fields is not None:
        frame = frame[[*dict.fromkeys([id_field, *fields]), frame.geometry.name]]
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


def _read(path: Path) -> gpd.GeoDataFrame:
    try:
        if path.suffix.lower() in PARQUET_SUFFIXES:
            return gpd.read_parquet(path)
        layer = next(name for name, kind in pyogrio.list_layers(path) if kind is not None and "Polygon" in kind)
        return gpd.read_file(path, layer=layer, engine="pyogrio", use_arrow=True, on_invalid="ignore")
    except StopIteration as error:
        raise BadInput(path, "has no layer of polygons") from error
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError, OSError) as error:
        raise BadInput(path, f"cannot be read as parcels ({error})") from error


def _account(frame: gpd.GeoDataFrame, id_field: str, path: Path) -> Parcels:
    frame = frame.reset_index(drop=True)
    numbers = pd.to_numeric(frame[id_field], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    limit = np.iinfo(np.int32).max
    no_id = ~np.isfinite(numbers) | (numbers != np.floor(numbers)) | (np.abs(numbers) > limit)
    ids = np.where(no_id, 0, numbers).astype(np.int32)
    duplicate = pd.Series(numbers).duplicated().to_numpy() & ~no_id
    shapes = frame.geometry.to_numpy()
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    invalid = ~empty & ~shapely.is_valid(shapes)
    if invalid.any():
        shapes = shapes.copy()
        shapes[invalid] = _polygons_only(shapely.make_valid(shapes[invalid]))
    vanished = invalid & (shapely.area(shapes) == 0)
    used = ~(no_id | duplicate | empty | vanished)
    reasons = np.select(
        [no_id, duplicate, empty, vanished, invalid],
        ["no integer identifier", "duplicate identifier", "empty geometry", "invalid geometry", "repaired geometry"],
        default="",
    )
    listed = np.flatnonzero(reasons != "")
    problems = pd.DataFrame(
        {
            "NewID": pd.array(np.where(no_id, 0, ids)[listed], dtype="Int64"),
            "record": listed + 1,
            "reason": reasons[listed],
            "used": used[listed],
        }
    )
    problems.loc[no_id[listed], "NewID"] = pd.NA
    whole = frame.drop(columns=[id_field]).set_geometry(gpd.GeoSeries(shapes, crs=frame.crs))
    whole.insert(0, "NewID", ids)
    return Parcels(whole[used].reset_index(drop=True), problems, path)


def _polygons_only(shapes: np.ndarray) -> np.ndarray:
    """Drop the lines and points that repairing may leave beside the polygons."""

    def polygons(shape: shapely.Geometry) -> shapely.Geometry:
        parts = shapely.get_parts(shape)
        return shapely.union_all(parts[np.isin(shapely.get_type_id(parts), (3, 6))])

    return np.array([polygons(shape) for shape in shapes], dtype=object)
