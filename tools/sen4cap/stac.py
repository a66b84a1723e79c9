"""STAC catalogues on disk: opening the ones that are given, writing the ones that are made."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pystac

from . import __version__
from .errors import BadInput

PROCESSING = "https://stac-extensions.github.io/processing/v1.2.0/schema.json"
PROJECTION = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"
RASTER = "https://stac-extensions.github.io/raster/v1.1.0/schema.json"
TABLE = "https://stac-extensions.github.io/table/v1.2.0/schema.json"
FILE = "https://stac-extensions.github.io/file/v2.1.0/schema.json"

COG = "image/tiff; application=geotiff; profile=cloud-optimized"
CSV = "text/csv"
GEOPACKAGE = "application/geopackage+sqlite3"
PARQUET = "application/vnd.apache.parquet"

_UNREADABLE = (pystac.STACError, pystac.STACTypeError, OSError, ValueError, KeyError, TypeError, AttributeError)
"""What pystac raises for files that are damaged or no STAC."""

SOFTWARE = {"sen4cap": __version__}
MGRS = re.compile(r"(?<![A-Z0-9])T?(\d{2}[C-HJ-NP-X][A-HJ-NP-Z]{2})(?![A-Z0-9])")


def open_items(
    folder: Path, *, start: datetime.date | None = None, end: datetime.date | None = None
) -> list[pystac.Item]:
    """Items of a STAC catalogue on disk, sorted by time and id, with absolute asset references.

    Parameters
    ----------
    folder
        A folder with `catalog.json` (or `collection.json`), or that file itself.
    start, end
        Keep the items of these days, both included.

    Raises
    ------
    BadInput
        No catalogue is there, it cannot be read, an item has no time, or no item is left.
    """
    path = catalog_file(folder)
    try:
        catalog = _open_catalog(path)
        items = list(catalog.get_items(recursive=True))
        for item in items:
            item.make_asset_hrefs_absolute()
    except _UNREADABLE as error:
        raise BadInput(path, f"is no readable STAC catalogue ({error})") from error
    found = [
        item for item in items if (start is None or day_of(item) >= start) and (end is None or day_of(item) <= end)
    ]
    if not found:
        span = f" between {start or 'the beginning'} and {end or 'the end'}" if items and (start or end) else ""
        raise BadInput(path, f"holds no item{span}", do="check the dates and the collection that were fetched")
    return sorted(found, key=lambda item: (moment_of(item), item.id))


def catalog_file(folder: Path) -> Path:
    """Return the catalogue's own file, for a folder or the file itself.

    Raises
    ------
    BadInput
        There is none.
    """
    folder = Path(folder)
    if folder.is_file():
        return folder
    for name in ("catalog.json", "collection.json"):
        if (folder / name).is_file():
            return folder / name
    raise BadInput(folder, "holds no catalog.json", do="give the folder of a STAC catalogue")


def _open_catalog(path: Path) -> pystac.Catalog:
    """Open a catalogue as a root of its own: a collection's folder may have been moved away from its catalogue."""
    record = json.loads(path.read_text())
    record["links"] = [link for link in record.get("links", []) if link["rel"] not in ("root", "parent")]
    kind = pystac.Collection if record.get("type") == "Collection" else pystac.Catalog
    catalog = kind.from_dict(record, href=str(path.absolute()))
    catalog.set_root(catalog)
    return catalog


def moment_of(item: pystac.Item) -> datetime.datetime:
    """Time of an item (the start where it spans a time), in UTC.

    Raises
    ------
    BadInput
        The item has none.
    """
    moment = item.datetime or item.common_metadata.start_datetime
    if moment is None:
        raise BadInput(f"item {item.id}", "has no datetime")
    return moment.astimezone(datetime.UTC) if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def day_of(item: pystac.Item) -> datetime.date:
    """Day of an item, in UTC."""
    return moment_of(item).date()


def tile_of(item: pystac.Item) -> str:
    """MGRS tile of an item, such as ``31UDS``; empty where nothing tells it."""
    properties = item.properties
    candidates = [
        str(properties.get("grid:code", "")).removeprefix("MGRS-"),
        str(properties.get("s2:mgrs_tile", "")),
        "".join(str(properties.get(f"mgrs:{part}", "")) for part in ("utm_zone", "latitude_band", "grid_square")),
        item.id.replace("_", " "),
    ]
    for text in candidates:
        found = MGRS.search(text)
        if found:
            return found.group(1)
    return ""


def orbit_of(item: pystac.Item) -> str:
    """Relative orbit of an item in three digits; ``000`` where it is unknown."""
    orbit = item.properties.get("sat:relative_orbit")
    return f"{int(orbit):03d}" if orbit is not None else "000"


def source_of(item: pystac.Item) -> str:
    """Reference of the item that this one was made from, for `derived_from` links: its own where it is a source."""
    for link in item.get_links("derived_from"):
        return str(link.target if isinstance(link.target, str) else link.href)
    own = item.get_self_href() or ""
    return own if own.startswith(("http://", "https://", "s3://")) else item.id


def asset_hrefs(asset: pystac.Asset) -> list[str]:
    """Where an asset lies: its own reference, then its `alternate.s3.href`.

    A reference of its own that nothing here can open (an API's scheme) stands last.
    """
    href = asset.get_absolute_href() or asset.href
    alternate = asset.extra_fields.get("alternate", {}).get("s3", {}).get("href")
    if not alternate or alternate == href:
        return [href]
    opens = href.startswith(("http://", "https://", "s3://", "/", "file://"))
    return [href, alternate] if opens else [alternate, href]


def asset_path(asset: pystac.Asset) -> str:
    """Where an asset lies, as GDAL opens it: the first of `asset_hrefs`, as a path or a /vsi path."""
    return vsi_path(asset_hrefs(asset)[0])


def vsi_path(href: str) -> str:
    """Path by which GDAL opens a reference."""
    if href.startswith("s3://"):
        return "/vsis3/" + href.removeprefix("s3://")
    if href.startswith(("http://", "https://")):
        return "/vsicurl/" + href
    return href.removeprefix("file://")


def write_items(folder: Path, items: Iterable[pystac.Item], *, id: str, description: str) -> None:
    """Write a self-contained static catalogue of items whose assets already lie in `folder`.

    An item's own file goes to ``ITEM-ID/ITEM-ID.json``; its assets' references are taken as they are, so write them
    relative to that file.
    """
    folder = Path(folder)
    links: list[dict[str, str]] = []
    for item in items:
        target = folder / item.id / f"{item.id}.json"
        record = item_record(item)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(record, indent=1) + "\n")
        links.append({"rel": "item", "href": f"./{item.id}/{item.id}.json", "type": "application/geo+json"})
    catalog = {
        "type": "Catalog",
        "stac_version": pystac.get_stac_version(),
        "id": id,
        "description": description,
        "links": [{"rel": "root", "href": "./catalog.json", "type": "application/json"}, *links],
    }
    (folder / "catalog.json").write_text(json.dumps(catalog, indent=1) + "\n")


def item_record(item: pystac.Item) -> dict[str, Any]:
    """Item as it stands in its own file in a catalogue that `write_items` makes."""
    record = item.to_dict(include_self_link=False, transform_hrefs=False)
    structural = ("root", "parent", "self", "collection")
    record["links"] = [
        {"rel": "root", "href": "../catalog.json", "type": "application/json"},
        {"rel": "parent", "href": "../catalog.json", "type": "application/json"},
        *(link for link in record["links"] if link["rel"] not in structural),
    ]
    record.pop("collection", None)
    return record


def result_asset(
    href: str, *, title: str, media_type: str, roles: Sequence[str], columns: Mapping[str, str] | None = None
) -> pystac.Asset:
    """Asset of a result file, `href` relative to the catalogue folder.

    Parameters
    ----------
    columns
        Description by column name, for tables.
    """
    fields: dict[str, Any] = {}
    if columns:
        fields["table:columns"] = [{"name": name, "description": text} for name, text in columns.items()]
    return pystac.Asset(f"../{href}", title=title, media_type=media_type, roles=list(roles), extra_fields=fields)


def write_result(
    folder: Path,
    *,
    id: str,
    description: str,
    geometry: Mapping[str, Any],
    start: datetime.date,
    end: datetime.date,
    assets: Mapping[str, pystac.Asset],
    derived_from: Iterable[str] = (),
    properties: Mapping[str, Any] | None = None,
) -> None:
    """Make a result folder a STAC catalogue: `catalog.json` with one Item that holds all result files.

    Parameters
    ----------
    geometry
        GeoJSON geometry in WGS 84 that the result covers.
    start, end
        First and last day the result is about.
    assets
        By key, from `result_asset`.
    derived_from
        References of the source items.
    """
    from shapely.geometry import shape

    item = pystac.Item(
        id=id,
        geometry=dict(geometry),
        bbox=list(shape(geometry).bounds),
        datetime=None,
        start_datetime=datetime.datetime.combine(start, datetime.time(), datetime.UTC),
        end_datetime=datetime.datetime.combine(end, datetime.time(23, 59, 59), datetime.UTC),
        properties={"processing:software": SOFTWARE, **(properties or {})},
        stac_extensions=[PROCESSING, TABLE],
    )
    for key, asset in assets.items():
        item.add_asset(key, asset)
    for href in derived_from:
        item.add_link(pystac.Link("derived_from", href, media_type="application/geo+json"))
    write_items(folder, [item], id=id, description=description)
