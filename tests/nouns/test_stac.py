"""Catalogues are opened wherever they lie."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from made_scenes import Catalogue
from sen4cap.errors import BadInput
from sen4cap.stac import item_record, open_items, write_items


def test_a_collection_moved_away_from_its_catalogue_opens(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.add()
    path = catalogue.folder / "catalog.json"
    catalog = json.loads(path.read_text())
    path.unlink()
    catalog["links"] += [{"rel": rel, "href": "../catalog.json"} for rel in ("root", "parent")]
    collection = {
        **catalog,
        "type": "Collection",
        "license": "other",
        "extent": {"spatial": {"bbox": [[3, 50, 4, 51]]}},
    }
    collection["extent"]["temporal"] = {"interval": [["2021-01-01T00:00:00Z", None]]}
    (catalogue.folder / "collection.json").write_text(json.dumps(collection))
    record = catalogue.folder / "S2A_31UDS_20210901_0_L2A" / "S2A_31UDS_20210901_0_L2A.json"
    item = json.loads(record.read_text())
    item["links"] = [{"rel": "root", "href": "../../catalog.json"}, {"rel": "parent", "href": "../collection.json"}]
    record.write_text(json.dumps(item))
    shutil.move(catalogue.folder, tmp_path / "elsewhere")
    (found,) = open_items(tmp_path / "elsewhere")
    assert Path(found.assets["red"].href) == tmp_path / "elsewhere" / found.id / "B04.tif"


def test_items_written_are_read_back(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.add(properties={"eo:cloud_cover": 3})
    (item,) = open_items(catalogue.folder)
    write_items(tmp_path / "out", [item], id="out", description="out")
    (again,) = open_items(tmp_path / "out")
    assert item_record(again) == item_record(item)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"type": "Catalog"}', '{"type": "Catalog", "id": "a", "links": [1]}']
)
def test_what_is_no_catalogue_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "catalog.json").write_text(text)
    with pytest.raises(BadInput, match=r"catalog\.json"):
        open_items(tmp_path)
