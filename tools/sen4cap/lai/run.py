"""LAI: a catalogue of Sentinel-2 L2A scenes in, a catalogue of L3B products out."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pystac
from numpy.typing import NDArray
from rasterio.windows import Window

from .. import l3b
from ..bands import band_assets, is_optical
from ..cog import TILE, Cog, Encoded
from ..compiled import in_order, thread_count
from ..errors import BadInput
from ..outputs import whole_file, whole_folder
from ..progress import say, track
from ..scene import Block, Scene, reading
from ..stac import asset_path, item_record, open_items, write_items
from .folded import Folded, fold
from .kernel import biophysical_with_domain, coded, domain_flags, ndvi, statuses
from .networks import bands_of, network_for
from .product import Layer, file_name, layers_of, product_ids, product_item


@dataclass(frozen=True)
class Settings:
    """What the user asked for."""

    network: str
    variables: tuple[str, ...]
    clear_classes: tuple[int, ...]

    @property
    def estimated(self) -> tuple[str, ...]:
        """Variables that the network gives."""
        return tuple(name for name in self.variables if name != "NDVI")

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands to read."""
        wanted = [*(bands_of(self.network) if self.estimated else ()), *(("B04", "B08") if self._has_ndvi else ())]
        return tuple(dict.fromkeys(wanted))

    @property
    def _has_ndvi(self) -> bool:
        return "NDVI" in self.variables


@dataclass(frozen=True)
class Task:
    """One scene to work on, and the identifier of its product."""

    id: str
    source: pystac.Item


def lai(
    items: Path,
    *,
    network: str,
    variables: tuple[str, ...],
    clear_classes: tuple[int, ...],
    threads: int,
    output: Path,
) -> None:
    """Write the L3B product of every Sentinel-2 scene of a catalogue.

    An interrupted run leaves its finished products in ``.OUTPUT.partial``; the next run with the same settings goes on
    from there.

    Parameters
    ----------
    items
        Folder of the STAC catalogue.
    network, variables, clear_classes, threads
        As the options of `sen4cap lai`.
    output
        Folder to write.

    Raises
    ------
    BadInput
        There is no Sentinel-2 scene, one lacks a band or angles, or a file is damaged.
    """
    settings = Settings(network, variables, clear_classes)
    scenes = _sentinel2(items, open_items(items))
    tasks = [Task(id, source) for id, source in zip(product_ids(scenes), scenes, strict=True)]
    with whole_folder(output, keep=True) as folder, reading():
        _remove_strangers(folder, tasks)
        products = _products(folder, tasks, settings, threads)
        done = list(track(products, "scenes", total=len(tasks)))
        write_items(folder, done, id="l3b", description=f"L3B products: {', '.join(variables)} by {network}")


def _sentinel2(path: Path, found: list[pystac.Item]) -> list[pystac.Item]:
    """Leave out what holds no reflectance at all, such as Sentinel-1 in the same catalogue."""
    scenes = [item for item in found if is_optical(item)]
    if not scenes:
        raise BadInput(path, f"holds no Sentinel-2 scene among {len(found)} items")
    if len(scenes) < len(found):
        say(f"{path}: {len(found) - len(scenes)} items without reflectance bands are left out")
    return scenes


def _remove_strangers(folder: Path, tasks: Sequence[Task]) -> None:
    """Remove what an interrupted run with other items left."""
    wanted = {task.id for task in tasks}
    for path in folder.iterdir():
        if path.name not in wanted:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _products(folder: Path, tasks: Sequence[Task], settings: Settings, threads: int) -> Iterator[pystac.Item]:
    """Make the products: many small scenes side by side, or the blocks of one large scene after the other."""
    with Scene.open(tasks[0].source, settings.bands, angles=bool(settings.estimated)) as scene:
        small = len(scene.windows()) <= 2 * thread_count(threads)
    if small:
        return in_order(lambda task: _product(folder, task, settings, threads=1), tasks, threads=threads)
    return (_product(folder, task, settings, threads=threads) for task in tasks)


def _product(folder: Path, task: Task, settings: Settings, *, threads: int) -> pystac.Item:
    """Write the rasters of one scene, then its item; skip it where an earlier run did both."""
    layers = layers_of(settings.variables)
    with Scene.open(task.source, settings.bands, angles=bool(settings.estimated)) as scene:
        network = network_for(settings.network, str(task.source.properties.get("platform", "")), where=task.source.id)
        said = {
            **({"sen4cap:network": network.name} if settings.estimated else {}),
            "sen4cap:clear_classes": list(settings.clear_classes),
        }
        item = product_item(task.id, task.source, scene.grid, layers, settings=said)
        place = folder / task.id
        if not _is_finished(place, item, task.source):
            if place.exists():
                shutil.rmtree(place)
            folded = (
                fold(network, settings.estimated, fine=scene.fine, coarse=scene.coarse, scaling=scene.scaling)
                if settings.estimated
                else None
            )
            _write_layers(place, scene, layers, folded, settings, threads)
            _write_record(place, item)
        _tell_sizes(place, item)
    return item


def _is_finished(place: Path, item: pystac.Item, source: pystac.Item) -> bool:
    """Tell whether an earlier run wrote this very product, whole, after its source last changed."""
    record = place / f"{item.id}.json"
    if not record.is_file():
        return False
    written = json.loads(record.read_text())
    sizes = {asset["href"]: asset.pop("file:size", -1) for asset in written["assets"].values()}
    if written != json.loads(json.dumps(item_record(item))):
        return False
    paths = [Path(asset_path(asset)) for asset in band_assets(source).values()]
    changed = max((path.stat().st_mtime for path in paths if path.is_file()), default=0.0)
    whole = all((place / href).is_file() and (place / href).stat().st_size == size for href, size in sizes.items())
    return whole and record.stat().st_mtime >= changed


def _write_record(place: Path, item: pystac.Item) -> None:
    """Write the item last: where it stands, its rasters are whole."""
    record = item_record(item)
    for asset in record["assets"].values():
        asset["file:size"] = (place / asset["href"]).stat().st_size
    with whole_file(place / f"{item.id}.json") as scratch:
        scratch.write_text(json.dumps(record, indent=1) + "\n")


def _tell_sizes(place: Path, item: pystac.Item) -> None:
    for asset in item.assets.values():
        asset.extra_fields["file:size"] = (place / asset.href).stat().st_size


def _write_layers(
    place: Path, scene: Scene, layers: Sequence[Layer], folded: Folded | None, settings: Settings, threads: int
) -> None:
    """Read, estimate and compress blocks on threads, write them in order."""
    table = l3b.status_table(settings.clear_classes)
    with contextlib.ExitStack() as stack:
        cogs = [stack.enter_context(_cog(place, layer, scene, settings)) for layer in layers]

        def work(window: Window) -> tuple[list[list[Encoded]], NDArray[np.int64]]:
            block = scene.read(window, passing=True)
            return [encoded(strip) for strip in block.strips(TILE)], scene.negative_vegetation(block)

        def encoded(block: Block) -> list[Encoded]:
            rasters = _rasters(block, scene, layers, folded, table)
            row, column = int(block.window.row_off), int(block.window.col_off)
            return [cog.encode(raster, row=row, column=column) for cog, raster in zip(cogs, rasters, strict=True)]

        negative = np.zeros(2, np.int64)
        for strips, counts in in_order(work, scene.windows(), threads=threads):
            for strip in strips:
                for cog, part in zip(cogs, strip, strict=True):
                    cog.add(part)
            negative += counts
        for _ in in_order(Cog.finish, cogs, threads=threads):
            pass
    scene.warn_of_offset(negative)


@contextlib.contextmanager
def _cog(place: Path, layer: Layer, scene: Scene, settings: Settings) -> Iterator[Cog]:
    """One layer's file, which appears when it is finished."""
    with whole_file(place / file_name(layer, scene.item)) as scratch:
        cog = Cog(
            scratch,
            scene.grid,
            dtype=layer.dtype,
            nodata=layer.nodata,
            mean=layer.is_value,
            scale=l3b.SCALE if layer.is_value else None,
            description=layer.title,
            metadata={"SOURCE": scene.item.id, "NETWORK": settings.network}
            if layer.variable in settings.estimated
            else {"SOURCE": scene.item.id},
        )
        try:
            yield cog
        finally:
            cog.discard()


def _rasters(
    block: Block, scene: Scene, layers: Sequence[Layer], folded: Folded | None, table: NDArray[np.uint8]
) -> list[NDArray[Any]]:
    """Pixels of every layer of a block."""
    status = statuses(block.fine, block.coarse, block.scl, table)
    values: dict[str, NDArray[np.float32]] = {}
    domains: dict[str, NDArray[np.uint8]] = {}
    if folded:
        estimates, codes = biophysical_with_domain(block.fine, block.coarse, block.cosines, folded)
        values.update(zip(folded.variables, estimates, strict=True))
        domains.update(zip(folded.variables, codes, strict=True))
    if any(layer.variable == "NDVI" for layer in layers):
        values["NDVI"] = ndvi(scene.reflectance(block, "B04"), scene.reflectance(block, "B08"))
    rasters: list[NDArray[Any]] = []
    for layer in layers:
        if layer.is_value:
            rasters.append(coded(values[layer.variable], status))
        else:
            rasters.append(domain_flags(domains[layer.variable], status) if layer.variable else status)
    return rasters
