"""Fetching by search in a real STAC API: stac-fastapi-pgstac on PostgreSQL, the files on an S3 server."""

from __future__ import annotations

import datetime

import pytest

from sen4cap.errors import BadInput
from sen4cap.stac import open_items
from servers.archive import SEASON
from servers.flaky import Faults, FlakyProxy

pytestmark = pytest.mark.slow


def ids_in(folder):
    return [item.id for item in open_items(folder)]


def test_search_gives_what_the_files_give(api, archive, run_apart, run_fetch, tmp_path, tree):
    found = tree(run_apart(api.url))
    local = tree(run_fetch(archive, output=tmp_path / "local"))
    assert {k: v for k, v in found.items() if k.endswith(".tif")} == {
        k: v for k, v in local.items() if k.endswith(".tif")
    }
    item = open_items(tmp_path / "l2a")[0]
    (link,) = item.get_links("derived_from")
    assert link.target == f"{api.url}/collections/sentinel-2-l2a/items/{item.id}"


def test_days_and_cloud_are_searched_for(api, run_apart):
    first, cloudy, last = (scene.id for scene in SEASON[:3])
    by_day = {"start": datetime.date(2021, 9, 11), "end": datetime.date(2021, 9, 21), "by_reference": True}
    assert ids_in(run_apart(api.url, **by_day)) == [cloudy, last]
    assert ids_in(run_apart(api.url, **by_day, max_cloud=20.0)) == [last]
    assert ids_in(run_apart(api.url, max_cloud=95.0, by_reference=True)) == [first, cloudy, last]


def test_radar_items_tell_no_cloud_and_are_kept(api, run_apart):
    output = run_apart(api.url, collection="sentinel-1-rtc", max_cloud=10.0)
    assert ids_in(output) == ["S1A_03", "S1A_15"]


def test_references_are_absolute(api, run_apart):
    output = run_apart(api.url, by_reference=True, assets=("B04",))
    item = open_items(output)[0]
    assert item.assets["red"].href == f"s3://eodata/sentinel-2-l2a/{item.id}/B04.tif"


def test_nothing_found(api, run_apart):
    with pytest.raises(
        BadInput, match=r"no item of sentinel-2-l2a from 2021-08-01 to 2022-05-31 over bbox 30,10,31,11"
    ):
        run_apart(api.url, bbox=(30.0, 10.0, 31.0, 11.0))
    with pytest.raises(BadInput, match=r"no item of landsat-c2-l2"):
        run_apart(api.url, collection="landsat-c2-l2")
    with pytest.raises(BadInput, match=r"has no collection sentinel-2-l1c, only sentinel-2-l2a, "):
        run_apart(api.url, collection="sentinel-2-l1c")


def test_search_survives_a_shaky_service(api, run_apart, monkeypatch):
    # Pages of one item: several requests, each of which may fail.
    with FlakyProxy(api.url, Faults(seed=2, unavailable=0.25, cut=0.25, reset=0.25)) as proxy:
        assert len(ids_in(run_apart(proxy.url, by_reference=True))) == 3
    assert sum(proxy.faults.seen[fault] for fault in ("unavailable", "cut", "reset")) > 0
