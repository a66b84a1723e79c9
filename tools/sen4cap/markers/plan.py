"""Which items of the catalogues give which markers."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pystac

from ..errors import BadInput
from ..l3b import VALUE_KEYS
from ..progress import say
from ..stac import day_of, open_items, tile_of
from .images import RADAR, Source, kind_of, markers_of


def plan(
    folders: Sequence[Path], variables: Sequence[str], *, start: datetime.date | None, end: datetime.date | None
) -> list[Source]:
    """Say what is taken from which item, in the order of time.

    A variable that an L3B product gives is not computed again from the L2A scene of the same day and tile. An item that
    two catalogues hold counts once.

    Raises
    ------
    BadInput
        No item is there, none is of a known kind, or no item gives one of the variables.
    """
    items = _distinct(item for folder in folders for item in open_items(folder, start=start, end=end))
    where = ", ".join(map(str, folders))
    kinds = [(item, kind_of(item)) for item in items]
    known = [(item, kind) for item, kind in kinds if kind]
    if not known:
        found = ", ".join(sorted({key for item in items for key in item.assets})) or "no asset"
        raise BadInput(where, f"holds no Sentinel-2 L2A, L3B or Sentinel-1 item among {len(items)}, only {found}")
    if len(known) < len(kinds):
        say(f"{where}: {len(kinds) - len(known)} items are no Sentinel-2 L2A, L3B or Sentinel-1 and are left out")
    sources = _share(known, variables)
    used = [source for source in sources if source.markers]
    _check(where, used, {kind for _, kind in known}, variables)
    for kind, count in sorted(Counter(source.kind for source in sources if not source.markers).items()):
        say(f"{where}: {count} {kind} items give nothing that {','.join(variables)} still needs and are not read")
    return used


def _distinct(items: Iterable[pystac.Item]) -> list[pystac.Item]:
    by_id = {item.id: item for item in items}
    return sorted(by_id.values(), key=lambda item: (day_of(item), item.id))


def _share(items: Sequence[tuple[pystac.Item, str]], variables: Sequence[str]) -> list[Source]:
    products = [Source(item, kind, markers_of(item, kind, variables)) for item, kind in items if kind == "L3B"]
    given = {(day_of(source.item), tile_of(source.item), m.type) for source in products for m in source.markers}
    sources = []
    for item, kind in items:
        found = markers_of(item, kind, variables)
        if kind == "L2A":
            found = tuple(m for m in found if (m.day, tile_of(item), m.type) not in given)
        sources.append(Source(item, kind, found))
    return sources


def _check(where: str, sources: Sequence[Source], kinds: set[str], variables: Sequence[str]) -> None:
    """Refuse variables that no item gives."""
    given = {marker.band or marker.type for source in sources for marker in source.markers}
    missing = [name for name in variables if name not in given]
    if not missing:
        return
    gives = {
        "L3B": ",".join(VALUE_KEYS),
        "S1": ",".join(RADAR),
        "L2A": "LAI,FAPAR,FCOVER,NDVI,NBR2 and bands",
    }
    raise BadInput(
        where,
        f"has no item that gives {','.join(missing)}; it holds "
        + " and ".join(f"{kind} items (which can give {gives[kind]})" for kind in sorted(kinds)),
        do="add --items that do, or name other --variables",
    )
