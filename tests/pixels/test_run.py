"""Maps against known dates, against parcels, and from scenes as from products."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pystac
import pytest
import shapely
from click.testing import CliRunner, Result
from rasterio.windows import Window

from made_products import COLUMNS, EMERGED, ENDED, EVERY, ROWS
from made_scenes import Catalogue
from sen4cap import l3b
from sen4cap.cli import main
from sen4cap.pixels.images import KEYS, Settings, image_of
from sen4cap.season.kernel import REASONS
from sen4cap.stac import open_items

Run = Callable[..., Result]
Maps = Callable[..., dict[str, np.ndarray]]


def test_dates_are_those_of_the_fields(products: Path, run_pixels: Run, maps: Maps) -> None:
    done = run_pixels("--items", products)
    assert done.exit_code == 0, done.output
    found = maps()
    emergence, termination = found["EMERGENCE"], found["TERMINATION"]
    assert emergence.shape == (ROWS, COLUMNS)
    late, early = emergence[: ROWS // 2, 1:20], emergence[ROWS // 2 :, 1:20]
    assert abs(early - EMERGED).max() <= 0.75 * EVERY
    assert abs(late - (EMERGED + 20)).max() <= 0.75 * EVERY
    assert abs(termination[:, 1:20] - ENDED).max() <= 0.75 * EVERY
    assert (found["EMERGENCE_REASON"][:, 1:20] == 0).all()
    assert found["EMERGENCE_UNCERTAINTY"][:, 1:20].max() < 15


def test_a_missing_date_has_a_reason(products: Path, run_pixels: Run, maps: Maps) -> None:
    assert run_pixels("--items", products).exit_code == 0
    found = maps()
    assert (found["EMERGENCE"][:, 20:] == -10000).all()
    assert (found["EMERGENCE_UNCERTAINTY"][:, 20:] == 255).all()
    reasons = {REASONS[code] for code in np.unique(found["TERMINATION_REASON"][:, 20:])}
    assert reasons
    assert "" not in reasons
    assert {REASONS[code] for code in np.unique(found["EMERGENCE_REASON"][:, 0])} == {"no clear look in the season"}


def test_threads_change_nothing(products: Path, run_pixels: Run, maps: Maps) -> None:
    assert run_pixels("--items", products, "--threads", 1, output="one").exit_code == 0
    assert run_pixels("--items", products, "--threads", 3, output="three").exit_code == 0
    one, three = maps("one"), maps("three")
    assert one.keys() == three.keys()
    for key, pixels in one.items():
        np.testing.assert_array_equal(pixels, three[key])


def test_only_pixels_of_parcels(products: Path, run_pixels: Run, maps: Maps, tmp_path: Path) -> None:
    box = shapely.box(500050, 5599900, 500150, 5599960)
    path = tmp_path / "parcels.gpkg"
    gpd.GeoDataFrame({"NewID": [1]}, geometry=[box], crs="EPSG:32631").to_file(path)
    assert run_pixels("--items", products, output="all").exit_code == 0
    assert run_pixels("--items", products, "--parcels", path, output="some").exit_code == 0
    everywhere, some = maps("all"), maps("some")
    inside = np.zeros((ROWS, COLUMNS), bool)
    inside[4:10, 5:15] = True
    for key, pixels in some.items():
        np.testing.assert_array_equal(pixels[inside], everywhere[key][inside])
    assert (some["EMERGENCE"][~inside] == -10000).all()
    assert (some["EMERGENCE_REASON"][~inside] == 255).all()


def test_a_catalogue_of_one_item(products: Path, run_pixels: Run, tmp_path: Path) -> None:
    assert run_pixels("--items", products).exit_code == 0
    (item,) = pystac.Catalog.from_file(str(tmp_path / "pixels/catalog.json")).get_items(recursive=True)
    assert item.id == "WCC_PIXELS_2021_T31UES"
    assert set(item.assets) == {
        *("EMERGENCE", "TERMINATION", "EMERGENCE_UNCERTAINTY", "TERMINATION_UNCERTAINTY"),
        *("EMERGENCE_REASON", "TERMINATION_REASON"),
    }
    assert all(Path(asset.get_absolute_href() or "").is_file() for asset in item.assets.values())
    record = json.loads((tmp_path / "pixels" / item.id / f"{item.id}.json").read_text())
    sources = [link["href"] for link in record["links"] if link["rel"] == "derived_from"]
    assert len(sources) == len(open_items(products))


@pytest.mark.parametrize("shape", [(40, 48), (60, 32)])
def test_scenes_give_the_codes_of_their_products(catalogue: Catalogue, tmp_path: Path, shape: tuple[int, int]) -> None:
    classes = np.full((shape[0] // 2, shape[1] // 2), 4, np.uint8)
    classes[:5], classes[5:8] = 9, 6
    catalogue.add(shape=shape, numbers={"SCL": classes})
    done = CliRunner().invoke(main, ["lai", "--items", str(catalogue.folder), "--output", str(tmp_path / "l3b")])
    assert done.exit_code == 0, done.output
    window = Window(0, 0, shape[1], shape[0])
    read = []
    for folder in (catalogue.folder, tmp_path / "l3b"):
        image = image_of(open_items(folder)[0])
        assert image is not None
        read.append(image.read(window, Settings("sen4cap-allbands", (4, 5))))
    assert read[0].shape == (len(KEYS), *shape)
    assert 0.2 < (read[0] == l3b.NODATA).mean() < 0.9
    np.testing.assert_array_equal(read[0], read[1])


def test_images_of_several_grids_are_refused(catalogue: Catalogue, run_pixels: Run) -> None:
    catalogue.add("S2A_31UDS_20210901_0_L2A")
    catalogue.add("S2A_31UDS_20210906_0_L2A", moment="2021-09-06T10:53:28Z", west=500020)
    done = run_pixels("--items", catalogue.folder)
    assert done.exit_code == 3
    assert "S2A_31UDS_20210906_0_L2A" in done.output
    assert "other pixels" in done.output


def test_a_span_without_images(products: Path, tmp_path: Path) -> None:
    words = ["pixels", "--items", str(products), "--start", "2015-07-01", "--end", "2016-06-30"]
    done = CliRunner().invoke(main, [*words, "--output", str(tmp_path / "pixels")])
    assert done.exit_code == 3
    assert not (tmp_path / "pixels").exists()


def test_parcels_elsewhere(products: Path, run_pixels: Run, tmp_path: Path) -> None:
    path = tmp_path / "parcels.gpkg"
    gpd.GeoDataFrame({"NewID": [1]}, geometry=[shapely.box(0, 0, 9, 9)], crs="EPSG:32631").to_file(path)
    done = run_pixels("--items", products, "--parcels", path)
    assert done.exit_code == 3
    assert str(path) in done.output
