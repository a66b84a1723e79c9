"""The asset table and the reflectance offset in every dialect there is."""

from __future__ import annotations

import datetime

import pystac
import pytest

from sen4cap.bands import band_assets, reflectance_scaling
from sen4cap.errors import BadInput
from sen4cap.fetch.assets import OPTICAL, chosen_assets
from servers.archive import ANGLES, DIALECTS


def item_with(keys, properties=None, **fields):
    item = pystac.Item(
        "ITEM", None, None, datetime.datetime(2022, 6, 1, tzinfo=datetime.UTC), {**(properties or {}), **fields}
    )
    for key in keys:
        item.add_asset(key, pystac.Asset(f"s3://bucket/{key}"))
    return item


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_band_is_known_in_every_dialect(dialect):
    keys = DIALECTS[dialect]
    item = item_with(keys.values())
    found = band_assets(item)
    for band, key in keys.items():
        assert found["GRANULE_XML" if band == "XML" else band] is item.assets[key]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_fetched_by_default(dialect):
    keys = DIALECTS[dialect]
    bare = item_with([*keys.values(), "thumbnail", "visual"])
    wanted = {**{band: keys[band] for band in OPTICAL}, **({"GRANULE_XML": keys["XML"]} if "XML" in keys else {})}
    assert chosen_assets(bare, None) == wanted
    told = item_with([*keys.values()], ANGLES)
    assert chosen_assets(told, None) == {band: keys[band] for band in OPTICAL}


def test_best_resolution_is_taken_where_there_are_several():
    item = item_with([f"{band}_{size}m" for band in OPTICAL for size in (10, 20, 60)], ANGLES)
    chosen = chosen_assets(item, None)
    assert chosen["B04"] == "B04_10m"
    assert chosen["B8A"] == "B8A_20m"


def test_radar_and_biophysical_items_give_what_they_hold():
    assert chosen_assets(item_with(["vv", "vh", "safe-manifest"]), None) == {"VV": "vv", "VH": "vh"}
    assert chosen_assets(item_with(["vv"]), None) == {"VV": "vv"}
    assert chosen_assets(item_with(["SLAIMONO", "MMONODFLG", "SFCOVERMONO"]), None) == {
        key: key for key in ("SLAIMONO", "SFCOVERMONO", "MMONODFLG")
    }


def test_missing_band_lists_what_was_found():
    with pytest.raises(BadInput, match=r"item ITEM: has no asset for B04 \(red or .*it holds blue, thumbnail"):
        chosen_assets(item_with(["blue", "thumbnail"]), ["B02", "B04"])
    with pytest.raises(BadInput, match=r"no asset for B03 .*, B04 .*it holds blue"):
        chosen_assets(item_with(["blue"]), None)
    with pytest.raises(BadInput, match=r"no band that this suite knows; it holds DEM"):
        chosen_assets(item_with(["DEM"]), None)


@pytest.mark.parametrize(
    ("properties", "fields", "expected"),
    [
        # Earth Search: the flag outranks what the asset says.
        (
            {"earthsearch:boa_offset_applied": True, "s2:processing_baseline": "05.09"},
            {"raster:bands": [{"scale": 0.0001, "offset": -0.1}]},
            (0.0001, 0.0),
        ),
        (
            {"earthsearch:boa_offset_applied": False, "s2:processing_baseline": "05.09"},
            {"raster:bands": [{"scale": 0.0001, "offset": -0.1}]},
            (0.0001, -0.1),
        ),
        # An asset's offset outranks the baseline, of whichever form it is.
        ({"s2:processing_baseline": "05.09"}, {"raster:bands": [{"scale": 0.0001, "offset": 0}]}, (0.0001, 0.0)),
        ({"processing:version": "05.11"}, {"raster:scale": 0.0001, "raster:offset": -0.1}, (0.0001, -0.1)),
        ({}, {"bands": [{"name": "B04", "raster:scale": 0.0001, "raster:offset": -0.1}]}, (0.0001, -0.1)),
        ({}, {"raster:bands": [{"scale": 0.0001}], "raster:offset": -0.1}, (0.0001, -0.1)),
        # Planetary Computer says nothing but the baseline.
        ({"s2:processing_baseline": "04.00"}, {}, (0.0001, -0.1)),
        ({"s2:processing_baseline": "03.01"}, {}, (0.0001, 0.0)),
        ({"s2:processing_baseline": "05.00"}, {"raster:bands": [{"nodata": 0}]}, (0.0001, -0.1)),
        ({"s2:product_uri": "S2A_MSIL2A_20220601T105031_N0400_R051_T31UES_20220601T1.SAFE"}, {}, (0.0001, -0.1)),
        # The date (2022) never decides.
        ({}, {}, (0.0001, 0.0)),
    ],
)
def test_offset_is_decided_in_the_order_of_trust(properties, fields, expected):
    item = item_with(["red"], properties)
    item.assets["red"].extra_fields = fields
    assert reflectance_scaling(item, item.assets["red"]) == expected


def test_granule_metadata_decides_last():
    item = item_with(["red"])
    assert reflectance_scaling(item, item.assets["red"], granule_baseline=lambda: 4.0) == (0.0001, -0.1)
    assert reflectance_scaling(item, item.assets["red"], granule_baseline=lambda: 2.14) == (0.0001, 0.0)
