"""Maps: what is drawn where, by outlines and on a grid."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from matplotlib.colors import to_rgb
from PIL import Image
from rasterio.features import rasterize

from sen4cap.classes import COLOURS, NWCC, OTHER, WCC
from sen4cap.report.maps import Sheet, draw_class_map, draw_date_map


def fields(
    side: int, size: float, crs: str = "EPSG:31370", origin: tuple[float, float] = (1e5, 1e5)
) -> gpd.GeoDataFrame:
    row, column = np.divmod(np.arange(side * side), side)
    west, south = origin[0] + column * size, origin[1] + row * size
    return gpd.GeoDataFrame(geometry=shapely.box(west, south, west + size, south + size), crs=crs)


def share_of(path: Path, colour: str) -> float:
    """Share of the coloured pixels of a picture that have a class colour."""
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)[100:-220]
    near = {
        code: (np.abs(pixels - np.round(np.array(to_rgb(c)) * 255)).max(axis=2) <= 2).sum()
        for code, c in COLOURS.items()
    }
    code = next(code for code, c in COLOURS.items() if c == colour)
    return float(near[code] / sum(near.values()))


@pytest.mark.parametrize("most", [0, 10_000], ids=["grid", "outlines"])
def test_colours_have_the_shares_of_the_classes(tmp_path: Path, most: int) -> None:
    frame = fields(20, 200.0)
    codes = np.array([WCC, WCC, NWCC, OTHER] * 100, np.uint8)
    sheet = Sheet.of(frame, most_outlines=most)
    assert (sheet.outlines is None) == (most == 0)
    draw_class_map(tmp_path / "map.png", sheet, codes, year=2021, note="")
    for code, share in ((WCC, 0.5), (NWCC, 0.25), (OTHER, 0.25)):
        assert share_of(tmp_path / "map.png", COLOURS[code]) == pytest.approx(share, abs=0.02)


def test_parcels_smaller_than_a_pixel_are_seen_on_a_grid(tmp_path: Path) -> None:
    frame = fields(60, 5.0)
    corner = fields(1, 5.0, origin=(1e5 + 70_000, 1e5 + 60_000))
    frame = gpd.GeoDataFrame(geometry=[*frame.geometry, *[corner.geometry[0]] * 40], crs=frame.crs)
    sheet = Sheet.of(frame, most_outlines=10)
    assert sheet.outside == 0
    assert (sheet.large == -1).all()
    codes = np.full(len(frame), WCC, np.uint8)
    codes[:1800] = NWCC
    codes[-1] = NWCC
    draw_class_map(tmp_path / "map.png", sheet, codes, year=2021, note="")
    pixels = np.asarray(Image.open(tmp_path / "map.png").convert("RGB"))[100:-195]
    seen = {code: (pixels == np.round(np.array(to_rgb(COLOURS[code])) * 255)).all(axis=2) for code in (WCC, NWCC)}
    middle = pixels.shape[1] // 2
    assert seen[WCC][:, middle:].any()
    assert not seen[NWCC][:, middle:].any()
    assert seen[NWCC][:, :middle].any()


def test_a_hole_in_a_parcel_stays_open(tmp_path: Path) -> None:
    frame = fields(2, 300.0)
    shapes = frame.geometry.to_numpy()
    shapes[0] = shapes[0].difference(shapely.affinity.scale(shapes[0], 0.5, 0.5))
    sheet = Sheet.of(gpd.GeoDataFrame(geometry=shapes, crs=frame.crs), most_outlines=10)
    codes = np.array([WCC, NWCC, NWCC, NWCC], np.uint8)
    draw_class_map(tmp_path / "map.png", sheet, codes, year=2021, note="")
    assert share_of(tmp_path / "map.png", COLOURS[WCC]) == pytest.approx(0.75 / 3.75, abs=0.01)


@pytest.mark.parametrize("most", [0, 100], ids=["grid", "outlines"])
def test_dates_are_drawn_even_where_none_is_known(tmp_path: Path, most: int) -> None:
    sheet = Sheet.of(fields(3, 100.0), most_outlines=most)
    among = np.arange(9) < 6
    for name, dates in (
        ("none", np.full(9, "NaT", "datetime64[D]")),
        ("same", np.full(9, "2021-09-14", "datetime64[D]")),
        ("some", np.datetime64("2021-09-01") + np.arange(9) * 20),
    ):
        path = tmp_path / f"{name}.png"
        draw_date_map(path, sheet, dates, among=among, title="Emergence", note="")
        assert len(Image.open(path).convert("RGB").getcolors(maxcolors=1 << 24)) > 10


def test_degrees_are_drawn_in_shape() -> None:
    metres = Sheet.of(fields(4, 100.0), most_outlines=100)
    degrees = Sheet.of(fields(4, 100.0).to_crs(4326), most_outlines=100)
    assert degrees.tall == pytest.approx(metres.tall, rel=0.05)
    across = (degrees.extent[2] - degrees.extent[0]) * degrees.metres
    assert across == pytest.approx(metres.extent[2] - metres.extent[0], rel=0.05)


def test_parcels_of_a_few_pixels_are_covered_as_a_rasteriser_does() -> None:
    rng = np.random.default_rng(4)
    west, south = rng.uniform(0, 4000, (2, 300))
    shapes = shapely.convex_hull(
        shapely.multipoints(
            np.stack(
                [west[:, None] + rng.uniform(0, 14, (300, 6)), south[:, None] + rng.uniform(0, 14, (300, 6))], axis=2
            )
        )
    )
    sheet = Sheet.of(gpd.GeoDataFrame(geometry=shapes, crs="EPSG:31370"), most_outlines=0)
    rows, columns = sheet.large.shape
    west, south, east, north = sheet.extent
    transform = Affine((east - west) / columns, 0, west, 0, (south - north) / rows, north)
    wanted = rasterize(
        zip(shapes, np.arange(300), strict=True), (rows, columns), fill=-1, transform=transform, dtype="int32"
    )
    some = shapely.area(shapes) > 0.26 * abs(transform.a * transform.e)
    assert some.sum() > 200
    wanted[~some[wanted]] = -1
    sure = sheet.large >= 0
    assert (sheet.large[some[sheet.large] & sure] == wanted[some[sheet.large] & sure]).mean() > 0.98
    assert abs((wanted >= 0).sum() - (sure & some[sheet.large]).sum()) < 0.02 * (wanted >= 0).sum()
