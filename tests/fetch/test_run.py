"""Fetching from a static catalogue on disk: pixels, items, choices, faults."""

from __future__ import annotations

import datetime
import hashlib
import json
import threading

import geopandas as gpd
import numpy as np
import pandas as pd
import pystac
import pytest
import rasterio
import shapely
from rasterio.windows import from_bounds

from sen4cap.errors import BadInput
from sen4cap.stac import open_items, source_of
from servers.archive import BANDS, CENTRE, DIALECTS, SEASON, SIDE_M, TEN, UTM, XML, Scene, pixels_of

CLEAR = [SEASON[0].id, SEASON[2].id]


def record_of(folder, item):
    return json.loads((folder / item / f"{item}.json").read_text())


def ids_in(folder):
    return [item.id for item in open_items(folder)]


def test_pixels_are_the_source_s(archive, run_fetch, parcels):
    output = run_fetch(archive)
    assert ids_in(output) == [scene.id for scene in SEASON[:3]]
    wanted = gpd.read_file(parcels).to_crs(UTM).total_bounds
    grounds = set()
    for scene in SEASON[:3]:
        for band in BANDS:
            with (
                rasterio.open(output / scene.id / f"{DIALECTS['earth-search'][band]}.tif") as clip,
                rasterio.open(archive / "sentinel-2-l2a" / scene.id / f"{band}.tif") as whole,
            ):
                window = from_bounds(*clip.bounds, whole.transform).round_offsets().round_lengths()
                np.testing.assert_array_equal(clip.read(1), whole.read(1, window=window))
                assert (clip.dtypes, clip.nodata, clip.crs) == (whole.dtypes, whole.nodata, whole.crs)
                assert clip.res == whole.res
                grounds.add(tuple(clip.bounds))
                assert clip.profile["tiled"]
                assert clip.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
                assert clip.shape != whole.shape
    # All bands of all items cover the same ground: the parcels', with a margin of 60 m that snapping may double.
    (ground,) = grounds
    assert ground[0] <= wanted[0] - 60
    assert ground[0] >= wanted[0] - 180
    assert ground[3] >= wanted[3] + 60
    assert ground[3] <= wanted[3] + 180


def test_items_tell_what_the_copies_are(archive, run_fetch):
    output = run_fetch(archive)
    source = json.loads((archive / "sentinel-2-l2a" / CLEAR[0] / f"{CLEAR[0]}.json").read_text())
    record = record_of(output, CLEAR[0])
    assert {k: v for k, v in record["properties"].items() if k != "datetime"} == {
        k: v for k, v in source["properties"].items() if k != "datetime"
    }
    assert set(record["assets"]) == set(DIALECTS["earth-search"].values())
    for key, asset in record["assets"].items():
        path = output / CLEAR[0] / asset["href"]
        content = path.read_bytes()
        assert asset["file:size"] == len(content)
        assert asset["file:checksum"] == "1220" + hashlib.sha256(content).hexdigest()
        assert asset["raster:bands"] == source["assets"][key]["raster:bands"]
        with rasterio.open(path) as raster:
            assert asset["proj:shape"] == list(raster.shape)
            assert asset["proj:transform"] == list(raster.transform)[:6]
            ground = raster.bounds
    degrees = gpd.GeoSeries([shapely.box(*ground)], crs=UTM).to_crs(4326)[0]
    assert shapely.geometry.shape(record["geometry"]).symmetric_difference(degrees).area < 1e-4 * degrees.area
    np.testing.assert_allclose(record["bbox"], degrees.bounds, atol=1e-6)
    assert [link["href"] for link in record["links"] if link["rel"] == "derived_from"] == [CLEAR[0]]
    assert source_of(open_items(output)[0]) == CLEAR[0]


def test_output_can_be_fetched_again(archive, run_fetch, tmp_path, tree):
    first = run_fetch(archive)
    second = run_fetch(first, output=tmp_path / "again")
    assert ids_in(second) == ids_in(first)
    rasters = {k: v for k, v in tree(first).items() if k.endswith(".tif")}
    assert rasters == {k: v for k, v in tree(second).items() if k.endswith(".tif")}


def test_rerun_and_other_thread_counts_give_the_same_bytes(archive, run_fetch, tmp_path, tree):
    first = tree(run_fetch(archive))
    assert tree(run_fetch(archive)) == first
    assert tree(run_fetch(archive, output=tmp_path / "one", max_workers=1)) == first


def test_radar_without_projection_fields(archive, run_fetch):
    output = run_fetch(archive, collection="sentinel-1-rtc")
    assert ids_in(output) == ["S1A_03", "S1A_15"]
    record = record_of(output, "S1A_03")
    assert record["properties"]["proj:code"] == UTM
    assert record["properties"]["sat:relative_orbit"] == 37
    with rasterio.open(output / "S1A_03" / "vv.tif") as clip:
        assert clip.dtypes == ("float32",)
        assert np.isnan(clip.nodata)
        whole = pixels_of(SEASON[3], "VV")
        row, column = (round(v) for v in ((5_700_000 - clip.bounds.top) / 20, (clip.bounds.left - 499_980) / 20))
        np.testing.assert_array_equal(clip.read(1), whole[row : row + clip.height, column : column + clip.width])


def test_days_cloud_and_bands(archive, run_fetch):
    day = datetime.date(2021, 9, 11)
    output = run_fetch(archive, start=day, end=datetime.date(2021, 9, 21), max_cloud=20.0, assets=("B04", "SCL"))
    assert ids_in(output) == [CLEAR[1]]
    assert sorted(p.name for p in (output / CLEAR[1]).glob("*.tif")) == ["red.tif", "scl.tif"]
    assert ids_in(run_fetch(archive, start=day, end=day)) == [SEASON[1].id]


def test_items_that_tell_no_cloud_cover_are_kept(archive, run_fetch):
    assert len(ids_in(run_fetch(archive, collection="sentinel-1-rtc", max_cloud=1.0))) == 2


def test_bbox_is_an_area_too(archive, run_fetch, parcels):
    west, south, east, north = gpd.read_file(parcels).to_crs(4326).total_bounds
    output = run_fetch(archive, bbox=(west, south, east, north), assets=("SCL",))
    with rasterio.open(output / CLEAR[0] / "scl.tif") as clip:
        ground = gpd.GeoSeries([shapely.box(*clip.bounds)], crs=clip.crs).to_crs(4326)[0]
        assert ground.contains(shapely.box(west, south, east, north))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialects(dialect, scenes_in, run_fetch, capsys):
    catalog = scenes_in(
        Scene("S2A_MSIL2A_20210901T105031_N0500_R051_T31UES_20210901T1", "2021-09-01T10:50:31Z", dialect, properties={})
    )
    output = run_fetch(catalog)
    (item,) = open_items(output)
    assert set(item.assets) == set(DIALECTS[dialect].values())
    for band in BANDS:
        with rasterio.open(output / item.id / f"{DIALECTS[dialect][band]}.tif") as clip:
            assert clip.driver == "GTiff"
            assert clip.nodata == 0
            size = 10 if band in TEN else 20
            row, column = (round(v / size) for v in (5_700_000 - clip.bounds.top, clip.bounds.left - 499_980))
            whole = pixels_of(Scene(item.id, ""), band)
            np.testing.assert_array_equal(clip.read(1), whole[row : row + clip.height, column : column + clip.width])
    if "XML" in DIALECTS[dialect]:
        assert (output / item.id / f"{DIALECTS[dialect]['XML']}.xml").read_bytes() == XML
    else:
        assert "1 item without sun and view angles" in capsys.readouterr().err


def test_items_without_data_or_outside_are_left_out_and_listed(scenes_in, run_fetch, capsys):
    catalog = scenes_in(
        Scene("GOOD", "2021-09-01T10:50:00Z"),
        Scene("EMPTY", "2021-09-11T10:50:00Z", empty=True),
        Scene("BESIDE", "2021-09-21T10:50:00Z", east=SIDE_M),
    )
    path = catalog / "sentinel-2-l2a" / "BESIDE" / "BESIDE.json"
    record = json.loads(path.read_text())
    # Its footprint claims the neighbour's ground, as loose footprints do.
    record["geometry"] = json.loads((path.parents[1] / "GOOD" / "GOOD.json").read_text())["geometry"]
    path.write_text(json.dumps(record))
    output = run_fetch(catalog)
    assert ids_in(output) == ["GOOD"]
    skipped = pd.read_csv(output / "skipped.csv").set_index("item")["reason"].to_dict()
    assert skipped == {"EMPTY": "no data in the area", "BESIDE": "outside the area"}
    said = capsys.readouterr().err
    assert "1 item left out, no data in the area: EMPTY" in said
    assert "1 item left out, outside the area: BESIDE" in said
    assert sorted(p.name for p in output.iterdir()) == ["GOOD", "catalog.json", "skipped.csv"]


def test_newest_baseline_of_a_look_is_kept(scenes_in, run_fetch, capsys):
    def version(name, second, baseline):
        return Scene(name, f"2021-09-01T10:50:{second}Z", properties={"s2:processing_baseline": baseline})

    catalog = scenes_in(
        version("A_OLD", "01", "02.14"), version("B_NEW", "03", "05.00"), version("C_OLD", "02", "03.01")
    )
    output = run_fetch(catalog)
    assert ids_in(output) == ["B_NEW"]
    assert open_items(output)[0].properties["s2:processing_baseline"] == "05.00"
    assert "2 items left out, replaced by a newer version: A_OLD, C_OLD" in capsys.readouterr().err


def test_two_items_of_one_id_and_ids_that_are_no_names(scenes_in, run_fetch, tmp_path):
    catalog = scenes_in(Scene("SAME", "2021-09-01T10:50:00Z"), Scene("OTHER", "2021-09-11T10:50:00Z"))
    path = catalog / "sentinel-2-l2a" / "OTHER" / "OTHER.json"
    path.write_text(path.read_text().replace('"id": "OTHER"', '"id": "SAME"'))
    output = run_fetch(catalog)
    first, second = open_items(output)
    assert (first.id, second.id) == ("SAME", "SAME_2")
    for item, scene in ((first, "SAME"), (second, "OTHER")):
        with rasterio.open(output / item.id / "red.tif") as clip:
            row, column = (round(v / 10) for v in (5_700_000 - clip.bounds.top, clip.bounds.left - 499_980))
            whole = pixels_of(Scene(scene, ""), "B04")
            np.testing.assert_array_equal(clip.read(1), whole[row : row + clip.height, column : column + clip.width])
    path.write_text(path.read_text().replace('"id": "SAME"', '"id": "../../escaped"'))
    assert ids_in(run_fetch(catalog)) == ["SAME", "_.._escaped"]
    assert not (tmp_path.parent / "escaped").exists()


def test_by_reference(archive, run_fetch):
    output = run_fetch(archive, by_reference=True, assets=("B04", "SCL"))
    assert not list(output.rglob("*.tif"))
    for item in open_items(output):
        assert set(item.assets) == {"red", "scl"}
        assert item.assets["red"].href == str(archive / "sentinel-2-l2a" / item.id / "B04.tif")
        assert item.assets["red"].extra_fields["file:size"] == 12345


def test_catalogue_without_collections_gives_all_its_items(archive, run_fetch, tmp_path):
    loose = tmp_path / "loose"
    loose.mkdir()
    source = archive / "sentinel-2-l2a" / CLEAR[0]
    record = json.loads((source / f"{CLEAR[0]}.json").read_text())
    record.pop("collection")
    for asset in record["assets"].values():
        asset["href"] = str(source / asset["href"])
    (loose / "item.json").write_text(json.dumps(record))
    links = [{"rel": "item", "href": "item.json"}]
    catalog = {"type": "Catalog", "id": "mine", "stac_version": "1.0.0", "description": "x", "links": links}
    (loose / "catalog.json").write_text(json.dumps(catalog))
    assert ids_in(run_fetch(loose, collection="mine")) == [CLEAR[0]]
    assert ids_in(run_fetch(loose)) == [CLEAR[0]]


def test_items_are_made_by_one_thread(archive, run_fetch, monkeypatch):
    """Pystac finds its extensions when the first item is made, and a second thread in it at that moment fails."""
    makers = set()
    make = pystac.Item.from_dict.__func__

    def noted(cls, *given, **named):
        makers.add(threading.get_ident())
        return make(cls, *given, **named)

    monkeypatch.setattr(pystac.Item, "from_dict", classmethod(noted))
    run_fetch(archive, assets=("SCL",))
    assert makers == {threading.get_ident()}


def test_unknown_collection_lists_the_known(archive, run_fetch):
    with pytest.raises(BadInput, match=r"has no collection sentinel2, only sentinel-2-l2a, sentinel-1-rtc"):
        run_fetch(archive, collection="sentinel2")


def test_no_item_matches(archive, run_fetch):
    with pytest.raises(BadInput, match=r"no item of sentinel-2-l2a from 2019-08-01 to 2020-05-31 over .*parcels.gpkg"):
        run_fetch(archive, start=datetime.date(2019, 8, 1), end=datetime.date(2020, 5, 31))
    with pytest.raises(BadInput, match=r"over bbox 30,10,31,11 .* with at most 5 % cloud; the collection holds 3"):
        run_fetch(archive, bbox=(30.0, 10.0, 31.0, 11.0), max_cloud=5.0)


def test_wanted_band_is_missing(scenes_in, run_fetch, tmp_path):
    catalog = scenes_in(Scene("POOR", "2021-09-01T10:50:00Z", bands=("B04", "SCL")))
    with pytest.raises(BadInput, match=r"item POOR: has no asset for B02 .*it holds red, scl, thumbnail"):
        run_fetch(catalog)
    assert not (tmp_path / "l2a").exists()
    assert ids_in(run_fetch(catalog, assets=("B04",))) == ["POOR"]


def test_truncated_and_missing_files(scenes_in, run_fetch, tmp_path):
    catalog = scenes_in(Scene("GOOD", "2021-09-01T10:50:00Z"), Scene("CUT", "2021-09-11T10:50:00Z"))
    path = catalog / "sentinel-2-l2a" / "CUT" / "B08.tif"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(BadInput, match=r"item CUT, asset nir: .*B08.tif: is damaged or no raster"):
        run_fetch(catalog)
    assert not (tmp_path / "l2a").exists()
    assert ids_in(run_fetch(catalog, skip_unreadable=True)) == ["GOOD"]
    assert "unreadable: item CUT, asset nir" in (tmp_path / "l2a" / "skipped.csv").read_text()
    path.unlink()
    with pytest.raises(BadInput, match=r"item CUT, asset nir: .*B08.tif: is missing"):
        run_fetch(catalog)
    path.write_bytes(whole)
    assert ids_in(run_fetch(catalog)) == ["GOOD", "CUT"]


def test_truncated_granule_metadata(scenes_in, run_fetch):
    catalog = scenes_in(Scene("CUT", "2021-09-11T10:50:00Z", "planetary-computer", properties={}))
    (catalog / "sentinel-2-l2a" / "CUT" / "MTD_TL.xml").write_bytes(XML[:40])
    with pytest.raises(BadInput, match=r"asset granule-metadata: .*MTD_TL.xml: is no whole XML document"):
        run_fetch(catalog)


def test_radar_geometry_is_refused(scenes_in, run_fetch):
    catalog = scenes_in(
        Scene("GRD", "2021-09-11T10:50:00Z", bands=("VV", "VH"), collection="sentinel-1-grd", properties={})
    )
    gcps = [
        rasterio.control.GroundControlPoint(row, column, 3 + column / 1e4, 51 - row / 1e4)
        for row, column in ((0, 0), (0, 50), (50, 0), (50, 50))
    ]
    for path in (catalog / "sentinel-1-grd" / "GRD").glob("*.tif"):
        with rasterio.open(
            path, "w", driver="GTiff", width=50, height=50, count=1, dtype="uint16", gcps=gcps, crs="EPSG:4326"
        ) as raster:
            raster.write(np.ones((1, 50, 50), np.uint16))
    with pytest.raises(BadInput, match=r"item GRD, asset vv: .* radar geometry .* sentinel-1-rtc"):
        run_fetch(catalog, collection="sentinel-1-grd")


def test_no_item_has_data(scenes_in, run_fetch):
    catalog = scenes_in(Scene("EMPTY", "2021-09-11T10:50:00Z", empty=True))
    with pytest.raises(BadInput, match=r"of 1 item none has data over"):
        run_fetch(catalog)


def test_damaged_catalogues(archive, run_fetch, tmp_path):
    with pytest.raises(BadInput, match=r"holds no catalog.json"):
        run_fetch(tmp_path)
    (tmp_path / "catalog.json").write_text("{ not json")
    with pytest.raises(BadInput, match=r"is no readable STAC catalogue"):
        run_fetch(tmp_path)
    (tmp_path / "catalog.json").write_text('{"hello": 1}')
    with pytest.raises(BadInput, match=r"is no STAC catalogue"):
        run_fetch(tmp_path)
    bad = {"type": "Feature", "id": "BAD", "geometry": None, "properties": {"datetime": "yesterday"}, "links": []}
    (tmp_path / "item.json").write_text(json.dumps(bad))
    links = [{"rel": "item", "href": "item.json"}]
    catalog = {"type": "Catalog", "id": "sentinel-2-l2a", "stac_version": "1.0.0", "description": "", "links": links}
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    with pytest.raises(BadInput, match=r"item.json: is no readable STAC item"):
        run_fetch(tmp_path)


def test_parcels_of_two_tiles_do_not_widen_each_other_s_clip(scenes_in, run_fetch, tmp_path):
    x, y = CENTRE
    far = SIDE_M
    squares = [shapely.box(x + dx, y, x + dx + 100, y + 100) for dx in (0, far)]
    lost = shapely.box(x + 5e6, y, x + 5e6 + 100, y + 100)
    path = tmp_path / "two.gpkg"
    gpd.GeoDataFrame({"NewID": [1, 2, 3]}, geometry=[*squares, lost], crs=UTM).to_file(path)
    catalog = scenes_in(
        Scene("WEST", "2021-09-01T10:50:00Z"),
        Scene("EAST", "2021-09-01T10:50:00Z", east=far, properties={"grid:code": "MGRS-31UFS"}),
    )
    output = run_fetch(catalog, parcels=path, assets=("SCL",))
    for item in ("WEST", "EAST"):
        with rasterio.open(output / item / "scl.tif") as clip:
            assert clip.width <= 360 / 20
    assert ids_in(run_fetch(catalog, parcels=path, assets=("SCL",), tile="31UFS")) == ["EAST"]
    with pytest.raises(BadInput, match="on tile 31UGS"):
        run_fetch(catalog, parcels=path, assets=("SCL",), tile="31UGS")


def test_flanders_both_collections(shared, run_fetch, tmp_path):
    data = shared / "data" / "flanders"
    span = {"start": datetime.date(2018, 4, 1), "end": datetime.date(2018, 4, 30), "parcels": data / "parcels.gpkg"}
    optical = run_fetch(data, **span)
    radar = run_fetch(data, collection="sentinel-1-grd", output=tmp_path / "s1", **span)
    assert len(ids_in(optical)) == len(list((data / "sentinel-2-l2a").glob("S2_31UDS_201804*")))
    assert len(ids_in(radar)) == len(list((data / "sentinel-1-grd").glob("S1_31UDS_201804*")))
    item = open_items(optical)[0]
    with (
        rasterio.open(optical / item.id / "red.tif") as clip,
        rasterio.open(data / "sentinel-2-l2a" / item.id / "B04.tif") as whole,
    ):
        window = from_bounds(*clip.bounds, whole.transform).round_offsets().round_lengths()
        np.testing.assert_array_equal(clip.read(1), whole.read(1, window=window))
