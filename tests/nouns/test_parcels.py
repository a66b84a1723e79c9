"""Parcels files as paying agencies have them."""

from __future__ import annotations

import sqlite3
import struct
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from sen4cap.errors import BadInput
from sen4cap.parcels import Parcels, footprint, read_parcels, report_problems

SQUARE = shapely.box(500_000, 5_600_000, 500_100, 5_600_100)


def frame_of(shapes: list[shapely.Geometry | None], ids: list[object] | None = None) -> gpd.GeoDataFrame:
    columns = {"NewID": ids or list(range(1, len(shapes) + 1)), "crop": ["x"] * len(shapes)}
    return gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:32631")


def moved(k: int) -> shapely.Polygon:
    return shapely.affinity.translate(SQUARE, 200 * k)


@pytest.mark.parametrize("name", ["p.gpkg", "p.shp", "p.fgb", "p.parquet", "p.geojson"])
def test_every_format(tmp_path: Path, name: str) -> None:
    frame = frame_of([SQUARE, moved(1), moved(2)], [30, 10, 20])
    path = tmp_path / name
    frame.to_parquet(path) if name.endswith("parquet") else frame.to_file(path)
    parcels = read_parcels(path)
    order = np.argsort(parcels.ids)  # FlatGeobuf sorts its records by place
    assert parcels.ids[order].tolist() == [10, 20, 30]
    assert parcels.ids.dtype == np.int32
    assert parcels.frame.geometry.area.round().tolist() == [10_000] * 3
    assert not len(parcels.problems)
    assert list(read_parcels(path, fields=()).frame.columns) == ["NewID", "geometry"]
    assert list(read_parcels(path, fields=("crop",)).frame.columns) == ["NewID", "crop", "geometry"]


def test_every_record_is_accounted_for(tmp_path: Path) -> None:
    bow = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    flat = shapely.Polygon([(0, 0), (10, 0), (20, 0)])
    line, point = shapely.LineString([(0, 0), (1, 1)]), shapely.Point(1, 1)
    mixed = shapely.GeometryCollection([line, SQUARE, shapely.MultiPolygon([moved(1), moved(2)])])
    records = [
        (1, None, "empty geometry", False),
        (1, SQUARE, "", True),  # the first record of this identifier cannot be used, this one can
        (1, moved(3), "duplicate identifier", False),
        (2, bow, "repaired geometry", True),
        (3, flat, "invalid geometry", False),
        (4, line, "no polygon", False),
        (5, point, "no polygon", False),
        (6, mixed, "repaired geometry", True),
        (None, moved(4), "no integer identifier", False),
        (7.5, moved(5), "no integer identifier", False),
        (3e9, moved(6), "no integer identifier", False),
        (-4, moved(7), "", True),
        (8, shapely.Polygon(), "empty geometry", False),
    ]
    ids, shapes, reasons, used = zip(*records, strict=True)
    frame_of(list(shapes), list(ids)).to_file(tmp_path / "p.gpkg")
    parcels = read_parcels(tmp_path / "p.gpkg")
    told = parcels.records()
    assert told["reason"].tolist() == list(reasons)
    assert told["used"].tolist() == list(used)
    assert told["record"].tolist() == list(range(1, 14))
    assert told["NewID"].isna().tolist() == [i in (8, 9, 10) for i in range(13)]
    assert parcels.ids.tolist() == [1, 2, 6, -4]
    assert parcels.frame.geometry.is_valid.all()
    assert parcels.frame.geometry.area.round().tolist() == [10_000, 50, 30_000, 10_000]
    assert set(parcels.frame.geom_type) <= {"Polygon", "MultiPolygon"}


def test_problems_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame_of([None] * 12 + [SQUARE], [*range(11), None, 50]).to_parquet(tmp_path / "p.parquet")
    report_problems(read_parcels(tmp_path / "p.parquet"))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("p.parquet: 11 empty geometry: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1 more")
    assert lines[1].endswith("1 no integer identifier: record 12")


def test_identifiers_by_other_names_and_types(tmp_path: Path) -> None:
    frame = frame_of([SQUARE, moved(1)]).assign(FIELD_ID=["12", " 13"], NewID=[0.0, 0.0])
    frame.to_file(tmp_path / "p.gpkg")
    parcels = read_parcels(tmp_path / "p.gpkg", id_field="FIELD_ID")
    assert parcels.ids.tolist() == [12, 13]
    assert parcels.frame["NewID_"].tolist() == [0, 0]


def test_layers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "decl.gpkg"
    gpd.GeoDataFrame({"NewID": [1]}, geometry=[shapely.Point(0, 0)], crs=32631).to_file(path, layer="points")
    frame_of([SQUARE.buffer(-5)]).to_file(path, layer="decl_be_2021_buf_5m")
    frame_of([SQUARE]).to_file(path, layer="decl_be_2021")
    assert read_parcels(path).frame.geometry.area[0] == pytest.approx(10_000)
    assert "the parcels are read from decl_be_2021" in capsys.readouterr().err


def test_a_layer_of_any_geometry(tmp_path: Path) -> None:
    frame_of([SQUARE]).to_file(tmp_path / "p.gpkg", geometry_type="Unknown")
    assert len(read_parcels(tmp_path / "p.gpkg").ids) == 1


def test_heights_are_dropped(tmp_path: Path) -> None:
    frame_of([shapely.force_3d(SQUARE, 7.0)]).to_file(tmp_path / "p.gpkg")
    parcels = read_parcels(tmp_path / "p.gpkg")
    assert not parcels.frame.geometry.has_z.any()


def test_arcs_become_chords(tmp_path: Path) -> None:
    path = tmp_path / "p.gpkg"
    frame_of([SQUARE, moved(1)]).to_file(path, layer="p")
    arcs = [(0.0, 0.0), (50.0, 50.0), (100.0, 0.0), (50.0, -50.0), (0.0, 0.0)]
    circle = struct.pack("<BII", 1, 8, len(arcs)) + b"".join(struct.pack("<dd", *xy) for xy in arcs)
    blob = b"GP\0\1" + struct.pack("<i", 32631) + struct.pack("<BII", 1, 10, 1) + circle
    with sqlite3.connect(path) as file:
        for (name,) in file.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            file.execute(f'drop trigger "{name}"')
        file.execute("update p set geom = ? where fid = 1", (blob,))
    file.close()
    parcels = read_parcels(path)
    assert not len(parcels.problems)
    assert parcels.frame.geometry.area.tolist() == pytest.approx([np.pi * 2500, 10_000], rel=1e-3)


def test_no_parcel(tmp_path: Path) -> None:
    frame_of([SQUARE]).iloc[:0].to_file(tmp_path / "p.gpkg", geometry_type="Polygon")
    parcels = read_parcels(tmp_path / "p.gpkg")
    assert len(parcels.ids) == 0
    assert len(parcels.records()) == 0


def make_table(path: Path) -> None:
    pd.DataFrame({"NewID": [1]}).to_parquet(path)


def make_points(path: Path) -> None:
    gpd.GeoDataFrame({"NewID": [1]}, geometry=[shapely.Point(0, 0)], crs=32631).to_file(path)


def make_truncated(path: Path) -> None:
    frame_of([moved(k) for k in range(500)]).to_file(path)
    path.write_bytes(path.read_bytes()[:20_000])


def make_without_crs(path: Path) -> None:
    frame_of([SQUARE]).set_crs(None, allow_override=True).to_file(path)
    path.with_suffix(".prj").unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("name", "make", "what"),
    [
        ("none.gpkg", lambda path: None, "cannot be read as parcels"),
        (
            "text.gpkg",
            lambda path: path.write_text("no parcels"),
            "a format that GDAL does not read here; give a GeoPack",
        ),
        ("text.parquet", lambda path: path.write_text("no parcels"), "cannot be read as parcels"),
        ("table.parquet", make_table, "cannot be read as parcels"),
        ("points.gpkg", make_points, "no layer of polygons, only points"),
        ("short.gpkg", make_truncated, "cannot be read as parcels"),
        ("nowhere.shp", make_without_crs, "no coordinate reference system"),
    ],
)
def test_bad_files(tmp_path: Path, name: str, make: object, what: str) -> None:
    path = tmp_path / name
    make(path)  # type: ignore[operator]
    with pytest.raises(BadInput, match=what) as error:
        read_parcels(path)
    assert str(path) in str(error.value)


def test_missing_fields(tmp_path: Path) -> None:
    frame_of([SQUARE]).to_file(tmp_path / "p.gpkg")
    with pytest.raises(BadInput, match="has no field ID, only NewID, crop"):
        read_parcels(tmp_path / "p.gpkg", id_field="ID")
    with pytest.raises(BadInput, match="has no field owner"):
        read_parcels(tmp_path / "p.gpkg", fields=("crop", "owner"))


def test_footprint() -> None:
    frame = frame_of([SQUARE, moved(9)])
    found = shapely.geometry.shape(footprint(Parcels(frame, pd.DataFrame(), Path("p"))))
    assert found.contains(frame.to_crs(4326).union_all())
    assert found.area < 1e-3
