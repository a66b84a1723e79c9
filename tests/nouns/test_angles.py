"""Angles from granule metadata, against a file made here with known angles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pystac
import pytest
from affine import Affine

from made_scenes import Catalogue
from sen4cap.angles import angles_of
from sen4cap.bands import processing_baseline, reflectance_scaling
from sen4cap.errors import BadInput
from sen4cap.granule import granule_of, mean_direction, parse_granule
from sen4cap.grid import Grid
from sen4cap.scene import Scene
from sen4cap.stac import open_items

WEST, NORTH = 499980.0, 5600040.0
NODES = 23


def values(grid: np.ndarray) -> str:
    rows = "".join(f"<VALUES>{' '.join(f'{v:.6f}' if v == v else 'NaN' for v in row)}</VALUES>" for row in grid)
    return f'<COL_STEP unit="m">5000</COL_STEP><ROW_STEP unit="m">5000</ROW_STEP><Values_List>{rows}</Values_List>'


def grids(zenith: np.ndarray, azimuth: np.ndarray) -> str:
    return f'<Zenith>{values(zenith)}</Zenith><Azimuth unit="deg">{values(azimuth)}</Azimuth>'


def xml(sun: tuple[np.ndarray, np.ndarray], views: list[tuple[np.ndarray, np.ndarray]], *, tile: str = "N04.00") -> str:
    """Granule metadata as ESA writes it, as far as this suite reads it."""
    detectors = "".join(
        f'<Viewing_Incidence_Angles_Grids bandId="{n // 2}" detectorId="{n % 2 + 1}">{grids(*view)}'
        "</Viewing_Incidence_Angles_Grids>"
        for n, view in enumerate(views)
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<n1:Level-2A_Tile_ID xmlns:n1="https://psd-15.sentinel2.eo.esa.int/PSD/S2_PDI_Level-2A_Tile_Metadata.xsd">
<n1:General_Info><TILE_ID metadataLevel="Brief">S2A_OPER_MSI_L2A_TL_2APS_20210901T1_A032343_T31UDS_{tile}</TILE_ID>
</n1:General_Info>
<n1:Geometric_Info><Tile_Geocoding metadataLevel="Brief">
<HORIZONTAL_CS_NAME>WGS84 / UTM zone 31N</HORIZONTAL_CS_NAME><HORIZONTAL_CS_CODE>EPSG:32631</HORIZONTAL_CS_CODE>
<Geoposition resolution="10"><ULX>{WEST:.0f}</ULX><ULY>{NORTH:.0f}</ULY><XDIM>10</XDIM><YDIM>-10</YDIM></Geoposition>
</Tile_Geocoding>
<Tile_Angles metadataLevel="Standard"><Sun_Angles_Grid>{grids(*sun)}</Sun_Angles_Grid>
<Mean_Sun_Angle><ZENITH_ANGLE unit="deg">1</ZENITH_ANGLE><AZIMUTH_ANGLE unit="deg">2</AZIMUTH_ANGLE></Mean_Sun_Angle>
{detectors}</Tile_Angles></n1:Geometric_Info></n1:Level-2A_Tile_ID>"""


def plane(start: float, per_row: float, per_column: float) -> np.ndarray:
    rows, columns = np.mgrid[:NODES, :NODES]
    return start + per_row * rows + per_column * columns


SUN = (plane(50, 0.02, -0.03), plane(170, 0, 0.05))
VIEW = (plane(4, 0, 0.2), plane(100, 0, 0))


def item_with(text: str, folder: Path, properties: dict | None = None) -> pystac.Item:
    (folder / "MTD_TL.xml").write_text(text)
    item = pystac.Item("scene", None, None, pystac.utils.str_to_datetime("2021-09-01T00:00:00Z"), properties or {})
    item.add_asset("granule_metadata", pystac.Asset(str(folder / "MTD_TL.xml")))
    return item


def test_angles_are_those_of_the_plane_at_every_pixel(tmp_path: Path) -> None:
    item = item_with(xml(SUN, [VIEW]), tmp_path)
    angles = angles_of(item, lambda: granule_of(item))
    grid = Grid("EPSG:32631", Affine(20, 0, WEST + 12340, 0, -20, NORTH - 45680), (300, 200))
    cosines = angles.cosines(grid)
    assert cosines.shape == (3, 300, 200)
    rows, columns = np.mgrid[:300, :200]
    row, column = (45680 + 20 * (rows + 0.5)) / 5000, (12340 + 20 * (columns + 0.5)) / 5000
    view, sun = 4 + 0.2 * column, 50 + 0.02 * row - 0.03 * column
    relative = 70 + 0.05 * column
    expected = np.cos(np.radians([view, sun, relative]))
    # The cosine between two nodes is taken as straight.
    np.testing.assert_allclose(cosines, expected, atol=2e-6)


def test_view_angles_are_means_of_bands_and_detectors_without_those_that_saw_nothing(tmp_path: Path) -> None:
    left = np.where(np.arange(NODES) < 15, 1.0, np.nan) * np.ones((NODES, 1))
    right = np.where(np.arange(NODES) >= 10, 1.0, np.nan) * np.ones((NODES, 1))
    views = [(4 * left, 350 * left), (8 * right, 20 * right)]
    granule = parse_granule(xml(SUN, views), where="x")
    assert granule.baseline == 4.0
    assert granule.view[0, 0, [0, 12, 20]].tolist() == pytest.approx([4, 6, 8])
    assert granule.view[1, 0, [0, 12, 20]].tolist() == pytest.approx([350, 5, 20])


def test_nodes_outside_the_swath_take_their_neighbours(tmp_path: Path) -> None:
    seen = np.where(np.arange(NODES) < 12, 1.0, np.nan) * np.ones((NODES, 1))
    item = item_with(xml(SUN, [(5 * seen, 100 * seen)]), tmp_path)
    angles = angles_of(item, lambda: granule_of(item))
    grid = Grid("EPSG:32631", Affine(20000, 0, WEST, 0, -20000, NORTH), (6, 6))
    cosines = angles.cosines(grid)
    assert np.isfinite(cosines).all()
    np.testing.assert_allclose(cosines[0], np.cos(np.radians(5)), atol=1e-6)


def test_properties_win_and_the_file_is_not_read() -> None:
    told = {"view:sun_elevation": 40, "view:sun_azimuth": 170, "view:incidence_angle": 6, "view:azimuth": 100}
    item = pystac.Item("scene", None, None, pystac.utils.str_to_datetime("2021-09-01T00:00:00Z"), told)

    def never() -> None:
        raise AssertionError

    grid = Grid("EPSG:32631", Affine(20, 0, WEST, 0, -20, NORTH), (2, 2))
    np.testing.assert_allclose(angles_of(item, never).cosines(grid), np.cos(np.radians([6, 50, 70])), atol=1e-7)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no xml", "is no Sentinel-2 granule metadata"),
        ("<a/>", "no Tile_Geocoding"),
        (xml(SUN, []), "Viewing_Incidence_Angles_Grids"),
        (xml(SUN, [(VIEW[0] * np.nan, VIEW[1] * np.nan)]), "no usable angle grids"),
        (xml(SUN, [VIEW]).replace("<VALUES>50.000000", "<VALUES>fifty"), "fifty"),
    ],
)
def test_a_file_that_tells_no_angles_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    item = item_with(text, tmp_path)
    with pytest.raises(BadInput, match=reason) as error:
        angles_of(item, lambda: granule_of(item))
    assert "MTD_TL.xml" in str(error.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    item = item_with("", tmp_path)
    (tmp_path / "MTD_TL.xml").unlink()
    with pytest.raises(BadInput, match="granule metadata of item scene cannot be read"):
        granule_of(item)


def test_directions_are_averaged_round_the_circle() -> None:
    assert mean_direction(np.array([350.0, 20.0])) == pytest.approx(5)
    assert mean_direction(np.array([10.0, np.nan])) == pytest.approx(10)


def test_a_scene_takes_angles_and_baseline_from_the_file(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.add(properties={"view:azimuth": None})
    item = open_items(catalogue.folder)[0]
    for asset in item.assets.values():
        asset.extra_fields.pop("raster:bands")
    (tmp_path / "MTD_TL.xml").write_text(xml(SUN, [VIEW]))
    item.add_asset("granule_metadata", pystac.Asset(str(tmp_path / "MTD_TL.xml")))
    with Scene.open(item, ("B04", "B05")) as scene:
        assert scene.scaling == {"B04": (1e-4, -0.1), "B05": (1e-4, -0.1)}
        window = scene.windows()[0]
        assert scene.read(window).cosines.shape == (3, 20, 24)


def test_a_file_of_another_zone_is_refused(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.add(properties={"view:azimuth": None})
    item = open_items(catalogue.folder)[0]
    (tmp_path / "MTD_TL.xml").write_text(xml(SUN, [VIEW]).replace("EPSG:32631", "EPSG:32632"))
    item.add_asset("granule_metadata", pystac.Asset(str(tmp_path / "MTD_TL.xml")))
    with pytest.raises(BadInput, match="granule metadata in EPSG:32632"):
        Scene.open(item, ("B04",))


@pytest.mark.parametrize(
    ("id", "properties", "baseline"),
    [
        ("S2A_MSIL2A_20220301T105021_N0400_R051_T31UDS_20220301T141111", {}, 4.0),
        ("S2A_31UDS_20220301_0_L2A", {"s2:product_uri": "S2A_MSIL2A_20210301T105021_N0301_R051_T31UDS.SAFE"}, 3.01),
        ("S2A_31UDS_20220301_0_L2A", {"s2:processing_baseline": "05.09"}, 5.09),
        ("S2A_31UDS_20220301_0_L2A", {}, None),
    ],
)
def test_the_baseline_is_told_by_property_or_name(id: str, properties: dict, baseline: float | None) -> None:
    item = pystac.Item(id, None, None, pystac.utils.str_to_datetime("2022-03-01T00:00:00Z"), properties)
    assert processing_baseline(item) == baseline
    offset = reflectance_scaling(item, pystac.Asset("x.tif"))[1]
    assert offset == (-0.1 if baseline and baseline >= 4 else 0)
    assert reflectance_scaling(item, pystac.Asset("x.tif"), granule_baseline=lambda: 4.0)[1] == (
        0 if baseline == 3.01 else -0.1
    )
