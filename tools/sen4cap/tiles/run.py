"""Tiles: a catalogue and parcels in, a parcels file for every tile out."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pystac
import shapely
from numpy.typing import NDArray

from ..errors import BadInput
from ..fetch.area import WGS84, Area, footprint_of
from ..fetch.catalogue import Query, find_items
from ..outputs import whole_folder
from ..parcels import Parcels, footprint, read_parcels, report_problems
from ..progress import say, track
from ..remote import Patience
from ..stac import CSV, PARQUET, day_of, result_asset, tile_of, write_result
from ..tables import details_path, write_csv, write_details
from .kernel import cells_of, parcels_on

CELL_DEGREES = 0.05
"""Size of the cells that the catalogue is searched by."""
MARGIN_DEGREES = 0.003
"""By which a tile's footprint grows: some 300 m, more than archives simplify their footprints by."""
ON_NO_TILE = "on no tile of the catalogue"
TABLE = "tiles.csv"
COLUMNS = {
    "tile": "Sentinel-2 tile",
    "parcels": "Parcels on the tile",
    "shared": "Of them, parcels that other tiles show too",
    "items": "Items of the tile in the span, below the cloud limit",
    "first_day": "Day of the first item",
    "last_day": "Day of the last item",
}
FOLDER = "parcels"


@dataclass(frozen=True)
class Tile:
    """What the catalogue holds of one tile.

    Attributes
    ----------
    name : str
        Such as ``31UFS``.
    footprint : shapely.Geometry
        Ground that any of its items shows, degrees.
    days : list of date
        A day for each item, ascending.
    """

    name: str
    footprint: shapely.Geometry
    days: list[datetime.date]


def tiles(
    catalog: str,
    *,
    collection: str,
    start: datetime.date,
    end: datetime.date,
    parcels: Path,
    id_field: str,
    max_cloud: float | None,
    max_workers: int,
    retries: int,
    timeout: float,
    output: Path,
) -> None:
    """Write a folder with the parcels of every tile, a table of the tiles, and what became of every parcel.

    Parameters
    ----------
    catalog, collection, start, end, max_cloud
        As for `sen4cap fetch`: a tile counts where the catalogue holds an item of it.
    output
        Folder to write.

    Raises
    ------
    BadInput
        No usable parcel, no item, or no parcel on any tile.
    RemoteFailure
        The catalogue cannot be reached.
    """
    found = read_parcels(parcels, id_field=id_field, fields=())
    report_problems(found)
    if found.frame.empty:
        raise BadInput(parcels, "holds no usable parcel")
    boxes = Area.of_parcels(found).boxes_in(WGS84)
    area = Area(str(parcels), cells_of(boxes, size=CELL_DEGREES), WGS84)
    patience = Patience(retries=retries, timeout_s=timeout)
    query = Query(collection, start, end, area, max_cloud)
    known = tiles_of(find_items(catalog, query, patience=patience, workers=max_workers), catalog)
    places = parcels_on(boxes, [tile.footprint for tile in known], margin=MARGIN_DEGREES)
    held = {tile.name: at for tile, at in zip(known, places, strict=True) if len(at)}
    if not held:
        raise BadInput(parcels, f"none of its {len(boxes)} parcels lies on any of the {len(known)} tiles of {catalog}")
    with whole_folder(output) as folder:
        (folder / FOLDER).mkdir()
        for name, at in track(held.items(), "tiles"):
            found.frame.iloc[at].reset_index(drop=True).to_parquet(folder / FOLDER / f"{name}.parquet")
        _write_tables(folder, found, [tile for tile in known if tile.name in held], held)
        write_result(
            folder,
            id=f"tiles-{start}-{end}",
            description=f"Parcels by Sentinel-2 tile, {collection} from {start} to {end}",
            geometry=footprint(found),
            start=start,
            end=end,
            assets=_assets(list(held)),
        )


def tiles_of(items: Sequence[pystac.Item], catalog: str) -> list[Tile]:
    """Tiles that items belong to, by name; items of no tile are told and left out.

    Raises
    ------
    BadInput
        No item tells its tile.
    """
    shapes: dict[str, dict[bytes, shapely.Geometry]] = defaultdict(dict)
    days: dict[str, list[datetime.date]] = defaultdict(list)
    for item in items:
        footprint = footprint_of(item)
        if (name := tile_of(item)) and footprint is not None:
            shapes[name][footprint.wkb] = footprint
            days[name].append(day_of(item))
    left_out = len(items) - sum(map(len, days.values()))
    if not shapes:
        raise BadInput(catalog, f"none of its {len(items)} items tells its Sentinel-2 tile and its footprint")
    if left_out:
        say(f"{catalog}: {left_out} of {len(items)} items tell no Sentinel-2 tile or no footprint and are left out")
    return [Tile(name, shapely.union_all(list(shapes[name].values())), sorted(days[name])) for name in sorted(shapes)]


def _assets(names: Sequence[str]) -> dict[str, pystac.Asset]:
    details = details_path(Path(TABLE)).name
    table = result_asset(TABLE, title="Tiles", media_type=CSV, roles=["data"], columns=COLUMNS)
    account = result_asset(details, title="Tiles of every parcel", media_type=PARQUET, roles=["metadata"])
    files = {
        name: result_asset(f"{FOLDER}/{name}.parquet", title=f"Parcels on {name}", media_type=PARQUET, roles=["data"])
        for name in names
    }
    return {"tiles": table, "account": account, **files}


def _write_tables(folder: Path, parcels: Parcels, known: Sequence[Tile], held: Mapping[str, NDArray[np.intp]]) -> None:
    names = np.full(len(parcels.frame), "", object)
    times = np.zeros(len(parcels.frame), np.int32)
    for name, at in held.items():
        names[at] = [f"{before} {name}".lstrip() for before in names[at]]
        times[at] += 1
    write_csv(
        folder / TABLE,
        {
            "tile": [tile.name for tile in known],
            "parcels": [len(held[tile.name]) for tile in known],
            "shared": [int((times[held[tile.name]] > 1).sum()) for tile in known],
            "items": [len(tile.days) for tile in known],
            "first_day": [tile.days[0].isoformat() for tile in known],
            "last_day": [tile.days[-1].isoformat() for tile in known],
        },
    )
    records = parcels.records()
    used = records["used"].to_numpy()
    on = np.full(len(records), "", object)
    on[used] = names
    lost = used & (on == "")
    reasons = records["reason"].to_numpy(object)
    reasons[lost] = [f"{reason}; {ON_NO_TILE}".removeprefix("; ") for reason in reasons[lost]]
    columns = {"NewID": records["NewID"], "record": records["record"].to_numpy(), "used": used & ~lost}
    write_details(folder / TABLE, columns | {"tiles": on, "reason": reasons})
    if lost.any():
        some = ", ".join(map(str, records.loc[lost, "NewID"].head(10)))
        say(f"{parcels.path}: {int(lost.sum())} {ON_NO_TILE}: {some}")
    say(f"{len(known)} tiles: {len(times) - int(lost.sum())} parcels, {int((times > 1).sum())} of them on several")
