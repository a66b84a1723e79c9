"""The tool as a user calls it: what it writes, and one line for every fault."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pystac
import pytest
import shapely
from click.testing import CliRunner, Result

from sen4cap.cli import main
from sen4cap.parcels import read_parcels
from sen4cap.stac import write_items

SPAN = ["--collection", "sentinel-2-l2a", "--start", "2021-08-01", "--end", "2022-05-31"]
WEST, EAST = (5.0, 50.0, 6.0, 51.0), (5.9, 50.0, 7.0, 51.0)


def item(tile: str, day: str, box: tuple[float, ...], *, cloud: float = 10.0, told: bool = True) -> pystac.Item:
    return pystac.Item(
        id=f"S2A_{tile}_{day}" if told else f"scene-{day}",
        geometry=shapely.geometry.mapping(shapely.box(*box)),
        bbox=list(box),
        datetime=datetime.datetime.fromisoformat(f"{day}T10:50:00+00:00"),
        properties={"eo:cloud_cover": cloud} | ({"grid:code": f"MGRS-{tile}"} if told else {}),
    )


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    return lambda *options: CliRunner().invoke(main, ["tiles", *map(str, options)])


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """Two tiles that overlap by a tenth of a degree; a swath shows the west of the first, later ones the rest."""
    folder = tmp_path / "catalog"
    folder.mkdir()
    half = (5.0, 50.0, 5.5, 51.0)
    items = [
        item("31UGS", "2021-09-01", half),
        item("31UGS", "2021-09-04", (5.4, 50.0, 6.0, 51.0)),
        item("31UGS", "2021-09-06", WEST, cloud=100),
        item("32ULB", "2021-09-01", EAST),
        item("32ULC", "2021-09-02", (5.9, 51.5, 7.0, 52.5)),
        item("-", "2021-09-03", WEST, told=False),
    ]
    write_items(folder, items, id="made", description="made")
    return folder


@pytest.fixture
def parcels(tmp_path: Path) -> Path:
    """In the west, in the overlap, in the east, on no tile; two more records are no parcels."""
    places = [(5.2, 50.5), (5.95, 50.5), (6.5, 50.5), (8.0, 50.5), (5.3, 50.6), None]
    shapes = [place and shapely.Point(place).buffer(0.001) for place in places]
    frame = gpd.GeoDataFrame({"code": [11, 12, 13, 14, 11, 16], "crop": "x"}, geometry=shapes, crs=4326).to_crs(25832)
    frame.to_file(tmp_path / "parcels.gpkg")
    return tmp_path / "parcels.gpkg"


def test_parcels_of_every_tile(run: Callable[..., Result], catalog: Path, parcels: Path, tmp_path: Path) -> None:
    done = run("--catalog", catalog, *SPAN, "--parcels", parcels, "--id-field", "code", "--max-cloud", "95")
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    folder = tmp_path / "tiles"
    assert sorted(path.name for path in (folder / "parcels").iterdir()) == ["31UGS.parquet", "32ULB.parquet"]
    whole = read_parcels(parcels, id_field="code").frame.set_index("NewID").geometry
    for tile, ids in (("31UGS", [11, 12]), ("32ULB", [12, 13])):
        part = read_parcels(folder / "parcels" / f"{tile}.parquet").frame
        assert part["NewID"].tolist() == ids
        assert part.crs.to_epsg() == 25832
        assert (part.set_index("NewID").geometry.geom_equals_exact(whole[ids], 1e-6)).all()
    table = pd.read_csv(folder / "tiles.csv").set_index("tile")
    assert table.loc["31UGS"].tolist() == [2, 1, 2, "2021-09-01", "2021-09-04"]
    assert table.loc["32ULB"].tolist() == [2, 1, 1, "2021-09-01", "2021-09-01"]
    assert "1 of 4 items tell no Sentinel-2 tile" in done.stderr
    assert "1 on no tile of the catalogue: 14" in done.stderr


def test_every_record_is_accounted_for(
    run: Callable[..., Result], catalog: Path, parcels: Path, tmp_path: Path
) -> None:
    assert run("--catalog", catalog, *SPAN, "--parcels", parcels, "--id-field", "code").exit_code == 0
    details = pd.read_parquet(tmp_path / "tiles" / "tiles_details.parquet").set_index("record")
    assert details["NewID"].tolist() == [11, 12, 13, 14, 11, 16]
    assert details["used"].tolist() == [True, True, True, False, False, False]
    assert details["tiles"].tolist() == ["31UGS", "31UGS 32ULB", "32ULB", "", "", ""]
    assert details["reason"].tolist() == [
        *("", "", "", "on no tile of the catalogue", "duplicate identifier", "empty geometry"),
    ]


def test_the_folder_is_a_stac_catalogue(
    run: Callable[..., Result], catalog: Path, parcels: Path, tmp_path: Path
) -> None:
    assert run("--catalog", catalog, *SPAN, "--parcels", parcels, "--id-field", "code").exit_code == 0
    (found,) = pystac.Catalog.from_file(str(tmp_path / "tiles" / "catalog.json")).get_items()
    found.make_asset_hrefs_absolute()
    assert set(found.assets) == {"tiles", "account", "31UGS", "32ULB"}
    assert all(Path(asset.href).is_file() for asset in found.assets.values())


def test_a_rerun_replaces(run: Callable[..., Result], catalog: Path, parcels: Path, tmp_path: Path) -> None:
    words = ["--catalog", catalog, *SPAN, "--parcels", parcels, "--id-field", "code"]
    assert run(*words).exit_code == 0
    (tmp_path / "tiles" / "parcels" / "31UFS.parquet").touch()
    assert run(*words).exit_code == 0
    assert sorted(path.stem for path in (tmp_path / "tiles" / "parcels").iterdir()) == ["31UGS", "32ULB"]


@pytest.mark.parametrize(
    ("place", "says"),
    [((8.0, 50.5), "no item of sentinel-2-l2a"), ((5.5, 51.004), "lies on any of the 1 tiles"), (None, "no usable")],
)
def test_bad_input_is_one_line(
    run: Callable[..., Result], tmp_path: Path, place: tuple[float, float] | None, says: str
) -> None:
    shape = place and shapely.Point(place).buffer(0.0001)
    gpd.GeoDataFrame({"NewID": [1]}, geometry=[shape], crs=4326).to_file(tmp_path / "one.gpkg")
    folder = tmp_path / "one"
    folder.mkdir()
    # Cells are coarse: a parcel may lie in the cell that an item touches and yet beside the tile.
    write_items(folder, [item("31UGS", "2021-09-01", (5.0, 50.0, 6.0, 51.0))], id="one", description="one")
    done = run("--catalog", folder, *SPAN, "--parcels", tmp_path / "one.gpkg")
    assert done.exit_code == 3
    assert says in done.stderr.splitlines()[-1]
    assert not (tmp_path / "tiles").exists()


def test_items_without_a_tile_are_refused(run: Callable[..., Result], parcels: Path, tmp_path: Path) -> None:
    folder = tmp_path / "untold"
    folder.mkdir()
    write_items(folder, [item("-", "2021-09-03", WEST, told=False)], id="one", description="one")
    done = run("--catalog", folder, *SPAN, "--parcels", parcels, "--id-field", "code")
    assert done.exit_code == 3
    assert "none of its 1 items tells its Sentinel-2 tile" in done.stderr


def test_a_span_that_ends_before_it_starts_is_wrong_usage(
    run: Callable[..., Result], catalog: Path, parcels: Path
) -> None:
    span = ["--collection", "x", "--start", "2021-09-01", "--end", "2021-08-01"]
    assert run("--catalog", catalog, *span, "--parcels", parcels).exit_code == 2
