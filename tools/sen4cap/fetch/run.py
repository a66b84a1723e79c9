"""Fetch: a catalogue in, a folder with the items of a season over an area out."""

from __future__ import annotations

import datetime
import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Sized
from pathlib import Path
from typing import Any

import pystac

from ..angles import told_angles
from ..bands import band_assets
from ..errors import BadInput
from ..outputs import whole_folder
from ..parcels import read_parcels, report_problems
from ..progress import say, track
from ..remote import Patience, patiently
from ..stac import asset_hrefs, day_of, write_items
from ..tables import write_csv
from .area import MARGIN_M, Area
from .assets import chosen_assets
from .catalogue import LATER, Query, find_items
from .copying import Copier, Job, copy_jobs
from .items import clipped_item, folder_names, newest, reference_item
from .planetary_computer import Signer, is_planetary_computer, token_url
from .store import Store

MOST_LISTED = 10
SKIPPED = "skipped.csv"


def fetch(
    catalog: str,
    *,
    collection: str,
    start: datetime.date,
    end: datetime.date,
    parcels: Path | None,
    id_field: str,
    tile: str | None,
    bbox: tuple[float, float, float, float] | None,
    max_cloud: float | None,
    assets: Sequence[str] | None,
    by_reference: bool,
    skip_unreadable: bool,
    max_workers: int,
    retries: int,
    timeout: float,
    output: Path,
) -> None:
    """Write a STAC catalogue folder of the items over an area, clipped to it, or of references to them.

    Parameters
    ----------
    catalog
        STAC API or static catalogue, URL or path.
    parcels, bbox
        The area: one of them.
    tile
        Only items of this Sentinel-2 tile; None: of all.
    assets
        Bands; None: what the suite can use.
    """
    patience = Patience(retries=retries, timeout_s=timeout)
    area = _area(parcels, id_field, bbox)
    query = Query(collection, start, end, area, max_cloud, tile)
    items, replaced = newest(find_items(catalog, query, patience=patience, workers=max_workers))
    skipped = {old: f"replaced by {new}" for old, new in replaced.items()}
    jobs = _jobs(items, assets)
    sign = _signer(catalog, timeout)
    with whole_folder(output, keep=not by_reference) as folder:
        if by_reference:
            done = [reference_item(job.item, job.name, _hrefs(job, sign, patience)) for job in jobs]
        else:
            store = Store(folder, _request(catalog, collection, area))
            copy = Copier(area, store, patience, sign)
            ended = copy_jobs(jobs, copy, workers=max_workers, patience=patience, skip=skip_unreadable)
            done = _settle(list(track(ended, "items", total=len(jobs))), jobs, store, skipped)
        _report(done, skipped, catalog, area)
        write_items(folder, done, id=collection, description=f"{collection} from {start} to {end}")
        if skipped:
            write_csv(folder / SKIPPED, {"item": list(skipped), "reason": list(skipped.values())})


def _area(parcels: Path | None, id_field: str, bbox: tuple[float, float, float, float] | None) -> Area:
    if bbox is not None:
        return Area.of_bbox(bbox)
    if parcels is None:
        raise ValueError("an area needs parcels or a bbox")
    found = read_parcels(parcels, id_field=id_field, fields=())
    report_problems(found)
    if found.frame.empty:
        raise BadInput(parcels, "holds no usable parcel")
    return Area.of_parcels(found)


def _jobs(items: Sequence[pystac.Item], assets: Sequence[str] | None) -> list[Job]:
    names = folder_names(items)
    for item, name in zip(items, names, strict=True):
        if name != item.id:
            say(f"item {item.id}: written as {name}, because its id is taken or is no file name")
    blind = [item.id for item in items if _lacks_angles(item)]
    if blind:
        say(
            f"{_count(blind)} without sun and view angles and without granule metadata, `sen4cap lai` needs either: "
            f"{_listed(blind)}"
        )
    return [Job(item, name, chosen_assets(item, assets)) for item, name in zip(items, names, strict=True)]


def _lacks_angles(item: pystac.Item) -> bool:
    found = band_assets(item)
    return "B04" in found and "GRANULE_XML" not in found and None in told_angles(item).values()


def _signer(catalog: str, timeout: float) -> Callable[[str], str]:
    """Make references readable: Planetary Computer's get a signature, others are left alone."""
    return Signer(token_url(), timeout) if is_planetary_computer(catalog) else lambda href: href


def _hrefs(job: Job, sign: Callable[[str], str], patience: Patience) -> dict[str, str]:
    """Absolute references of a job's assets, by key."""
    hrefs = {key: asset_hrefs(job.item.assets[key])[0] for key in job.keys.values()}
    return patiently(
        lambda: {key: sign(href) for key, href in hrefs.items()}, patience, where=f"item {job.item.id}", do=LATER
    )


def _request(catalog: str, collection: str, area: Area) -> dict[str, Any]:
    """What the pixels of a copied asset depend on, its source apart."""
    ground = hashlib.sha256(area.boxes.tobytes() + area.crs.encode()).hexdigest()
    return {"catalog": catalog, "collection": collection, "ground": ground, "margin_m": MARGIN_M}


def _settle(ended: Sequence[Job], jobs: Sequence[Job], store: Store, skipped: dict[str, str]) -> list[pystac.Item]:
    """Items of the jobs that ended well, in the order of the jobs; the others are entered into `skipped`."""
    if len(ended) != len(jobs):
        raise RuntimeError(f"{len(jobs) - len(ended)} items were forgotten")
    done = []
    for job in jobs:
        if job.reason:
            store.drop(job.name)
            skipped[job.item.id] = job.reason
        else:
            kept = {key: job.copied[key] for key in job.keys.values() if job.copied[key].file}
            done.append(clipped_item(job.item, job.name, kept))
    store.close({item.id for item in done})
    return done


def _report(done: Sequence[pystac.Item], skipped: Mapping[str, str], catalog: str, area: Area) -> None:
    """Say how many items were left out, and why; refuse if none is left."""
    why: dict[str, list[str]] = defaultdict(list)
    for item, reason in skipped.items():
        why["replaced by a newer version" if reason.startswith("replaced") else reason].append(item)
    for reason, names in why.items():
        say(f"{_count(names)} left out, {reason}: {_listed(names)}")
    if not done:
        raise BadInput(catalog, f"of {_count(skipped)} none has data over {area.name}")
    say(f"{_count(done)} from {day_of(done[0])} to {day_of(done[-1])}")


def _count(items: Sized) -> str:
    return f"{len(items)} item{'' if len(items) == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(names[:MOST_LISTED]) + more
