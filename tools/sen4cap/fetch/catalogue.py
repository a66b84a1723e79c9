"""The items of a season: searched in a STAC API, or picked out of a static catalogue."""

from __future__ import annotations

import datetime
import difflib
import json
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pystac
from pystac_client import Client
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO

from ..errors import BadInput, RemoteFailure
from ..remote import FinalFailure, Patience, failure_of_request, is_remote, patiently, read_bytes, redacted
from ..stac import catalog_file, day_of, moment_of, tile_of
from .area import Area

PAGE = 100
MOST_NAMED = 30
QUERY = "query"
LATER = "run the same command again later"


@dataclass(frozen=True)
class Query:
    """What is looked for.

    Attributes
    ----------
    collection : str
        Identifier of the collection.
    start, end : datetime.date
        First and last day.
    area : Area
    max_cloud : float or None
        Greatest `eo:cloud_cover`, %; items that do not tell theirs pass. None: all pass.
    tile : str or None
        Sentinel-2 tile of the items; None: of any.
    """

    collection: str
    start: datetime.date
    end: datetime.date
    area: Area
    max_cloud: float | None
    tile: str | None = None

    def __str__(self) -> str:
        clear = f" with at most {self.max_cloud:g} % cloud" if self.max_cloud is not None else ""
        box = ",".join(f"{v:.4f}" for v in self.area.bbox)
        tile = f" on tile {self.tile}" if self.tile else ""
        return f"{self.collection} from {self.start} to {self.end} over {self.area.name} ({box} degrees){tile}{clear}"


def find_items(catalog: str, query: Query, *, patience: Patience, workers: int) -> list[pystac.Item]:
    """Items that a query asks for, in the order of time and id, with absolute asset references.

    Parameters
    ----------
    catalog
        STAC API or static catalogue by http(s) or s3 URL, or a local folder, catalog.json or collection.json.
    workers
        Items of a static catalogue read at the same time.

    Raises
    ------
    BadInput
        There is no such catalogue or collection, or no item matches.
    RemoteFailure
        The catalogue cannot be reached.
    """
    io = PatientIO(patience)
    href = catalog if is_remote(catalog) else str(catalog_file(Path(catalog.removeprefix("file://"))).absolute())
    root = _read(io, href)
    if any(link.get("rel") == "search" for link in root.get("links", ())):
        candidates = _search(href, io, query)
        of_collection = None
    else:
        candidates = _Static(io, query.collection, workers).items(root, href)
        of_collection = len(candidates)
    kept = [item for item in _once(candidates) if _matches(item, query)]
    if not kept:
        held = "" if of_collection is None else f"; the collection holds {of_collection} in all"
        raise BadInput(
            catalog, f"no item of {query}{held}", do="check --start and --end, the area's coordinates and --max-cloud"
        )
    return sorted(kept, key=lambda item: (moment_of(item), item.id, item.get_self_href() or ""))


class PatientIO(StacApiIO):
    """Reads STAC documents and search pages; a failure that may pass is waited for, any other is told in one line."""

    def __init__(self, patience: Patience) -> None:
        super().__init__(timeout=patience.timeout_s, max_retries=None)
        self.patience = patience

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """Send one request, again where that may help."""

        def once() -> str:
            try:
                return super(PatientIO, self).request(href, method, headers, parameters)
            except APIError as error:
                raise failure_of_request(getattr(error, "status_code", None), str(error)) from error

        return patiently(once, self.patience, where=redacted(href), do=LATER)

    def read_text(self, source: Any, *args: Any, **kwargs: Any) -> str:
        """Read a document by URL (http, https, s3), path or link."""
        if isinstance(source, str) and source.startswith("s3://"):
            timeout = self.patience.timeout_s
            return patiently(
                lambda: read_bytes(source, timeout_s=timeout), self.patience, where=source, do=LATER
            ).decode()
        return super().read_text(source, *args, **kwargs)


def _read(io: PatientIO, href: str) -> dict[str, Any]:
    try:
        found = json.loads(io.read_text(href))
    except (ValueError, OSError) as error:
        raise BadInput(href, f"is no readable STAC catalogue ({error})") from error
    if not isinstance(found, dict) or found.get("type") not in ("Catalog", "Collection", "Feature"):
        raise BadInput(href, "is no STAC catalogue", do="give its landing page or its catalog.json")
    return found


def _search(url: str, io: PatientIO, query: Query) -> list[pystac.Item]:
    """Items that an API finds; what it cannot filter is filtered afterwards."""
    client = Client.open(url, stac_io=io)
    days = f"{query.start}T00:00:00Z/{query.end}T23:59:59.999Z"
    where: dict[str, Any] = {"intersects": query.area.geometry} if query.area.geometry else {"bbox": query.area.bbox}

    def pages(cloud: dict[str, Any] | None) -> list[pystac.Item]:
        found = client.search(collections=[query.collection], datetime=days, limit=PAGE, query=cloud, **where)
        return list(found.items())

    try:
        items: list[pystac.Item] = []
        if query.max_cloud is not None and client.conforms_to(QUERY):
            items = pages({"eo:cloud_cover": {"lte": query.max_cloud}})
        # A server's filter also drops items that do not tell their cloud cover, as radar items do not.
        items = items or pages(None)
    except RemoteFailure as error:
        if isinstance(error.__cause__, FinalFailure):
            _refuse_unknown(url, query.collection, client)
        raise
    if not items:
        _refuse_unknown(url, query.collection, client)
    for item in items:
        item.make_asset_hrefs_absolute()
    return items


def _refuse_unknown(url: str, collection: str, client: Client) -> None:
    known = [found.id for found in client.get_collections()]
    if collection not in known:
        raise BadInput(url, f"has no collection {collection}, only {_named(known, collection)}")


class _Static:
    """A static catalogue, walked; items are read several at a time."""

    def __init__(self, io: PatientIO, collection: str, workers: int) -> None:
        self.io = io
        self.collection = collection
        self.workers = workers
        self.known: set[str] = set()
        self.inside: list[str] = []
        self.loose: list[str] = []

    def items(self, root: dict[str, Any], href: str) -> list[pystac.Item]:
        """All items of the collection."""
        self._walk(root, href, inside=False)
        inside = self._read_items(self.inside)
        loose = self._read_items(self.loose)
        self.known |= {item.collection_id for item in loose if item.collection_id}
        if not self.known:
            # A catalogue without collections, as a platform stages it or `sen4cap simulate` writes it: all its items.
            return [*inside, *loose]
        found = [*inside, *(item for item in loose if item.collection_id == self.collection)]
        if not found and self.collection not in self.known:
            raise BadInput(
                href, f"has no collection {self.collection}, only {_named(sorted(self.known), self.collection)}"
            )
        return found

    def _walk(self, node: dict[str, Any], href: str, *, inside: bool) -> None:
        if node.get("type") == "Collection":
            self.known.add(str(node.get("id")))
        inside = inside or node.get("id") == self.collection
        links = [(str(link.get("rel")), _joined(href, str(link.get("href")))) for link in node.get("links", ())]
        if node.get("type") == "Collection" and not inside:
            return
        (self.inside if inside else self.loose).extend(target for rel, target in links if rel == "item")
        for target in (target for rel, target in links if rel == "child"):
            self._walk(_read(self.io, target), target, inside=inside)

    def _read_items(self, hrefs: Sequence[str]) -> list[pystac.Item]:
        """Items of documents; those are read by several threads and made items by one, as pystac's registry asks."""
        with ThreadPoolExecutor(self.workers) as pool:
            try:
                return list(map(_item_of, pool.map(lambda href: _read(self.io, href), hrefs), hrefs))
            except BaseException:
                self.io.patience.given_up.set()
                pool.shutdown(cancel_futures=True)
                raise


def _item_of(record: dict[str, Any], href: str) -> pystac.Item:
    try:
        item = pystac.Item.from_dict(record, href=href, preserve_dict=False, migrate=True)
        item.set_self_href(href)
        item.make_asset_hrefs_absolute()
        moment_of(item)
    except (pystac.STACError, pystac.STACTypeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(href, f"is no readable STAC item ({error})") from error
    return item


def _joined(base: str, href: str) -> str:
    """Target of a link: absolute, or beside the document that holds it."""
    if is_remote(href) or href.startswith("/"):
        return href
    if base.startswith("s3://"):
        return "s3://" + urljoin("http://" + base.removeprefix("s3://"), href).removeprefix("http://")
    if is_remote(base):
        return urljoin(base, href)
    # Not `resolve`: a workflow runner stages files as links, and what they point to lies elsewhere.
    return os.path.normpath(Path(base).parent / href)


def _once(items: Iterable[pystac.Item]) -> list[pystac.Item]:
    """Drop what a search's pages repeat: the same id from the same place."""
    return list({(item.collection_id, item.id, item.get_self_href()): item for item in items}.values())


def _matches(item: pystac.Item, query: Query) -> bool:
    cloud = item.properties.get("eo:cloud_cover")
    clear = query.max_cloud is None or not isinstance(cloud, int | float) or cloud <= query.max_cloud
    here = query.tile is None or tile_of(item) == query.tile
    return clear and here and query.start <= day_of(item) <= query.end and query.area.touches(item)


def _named(known: Sequence[str], wanted: str) -> str:
    """The collections there are, those like the wanted one first."""
    near = difflib.get_close_matches(wanted, known, n=MOST_NAMED, cutoff=0.3)
    names = [*near, *(name for name in known if name not in near)]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more or "none"
