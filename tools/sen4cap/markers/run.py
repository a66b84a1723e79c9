"""Markers: items and parcels in, a marker table out."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..compiled import in_order, thread_count
from ..coverage import Block
from ..errors import BadInput
from ..grid import Grid
from ..marker_names import Marker
from ..marker_table import new_markers, pooled, seen_twice
from ..parcel_shapes import ParcelShapes
from ..parcels import Parcels, read_parcels, report_problems
from ..progress import track
from ..scene import reading
from ..stac import source_of, tile_of
from ..tables import write_details
from .account import Account
from .images import Settings, Source
from .kernel import MEAN, PIXELS, STDEV, moments, statistics
from .looks import Looks
from .plan import plan

COLUMNS = {"valid_pixels_cnt": PIXELS, "mean": MEAN, "stdev": STDEV}
"""Statistics that are written, and their planes."""


@dataclass(frozen=True)
class Buffers:
    """Metres by which parcels grow (negative: shrink) before pixels are taken."""

    optical: float
    radar: float


@dataclass(frozen=True)
class Sheet:
    """Images that share a grid and a buffer, and with them the pixels of every parcel."""

    radar: bool
    buffer: float
    grid: Grid
    window_shape: tuple[int, int]
    sources: tuple[Source, ...]


def markers(
    items: Sequence[Path],
    parcels: Path,
    *,
    id_field: str,
    settings: Settings,
    buffers: Buffers,
    start: datetime.date | None,
    end: datetime.date | None,
    threads: int,
    output: Path,
) -> None:
    """Write the marker table of all parcels in all images, and its details.

    An interrupted run leaves what it finished in ``.STEM.looks`` beside the output; the next one goes on from there.

    Parameters
    ----------
    items
        Folders of STAC catalogues.
    id_field, start, end, threads
        As the options of `sen4cap markers`.
    output
        Marker table to write.

    Raises
    ------
    BadInput
        Nothing can be made of the items or the parcels, or a file is damaged.
    """
    found = read_parcels(parcels, id_field=id_field, fields=())
    if not len(found.frame):
        report_problems(found)
        raise BadInput(parcels, f"holds no usable parcel among {len(found.problems)} records")
    sources = plan(items, settings.variables, start=start, end=end)
    columns = sorted({replace(m, stat=stat) for source in sources for m in source.markers for stat in COLUMNS})
    account = Account(found)
    origins = [source_of(source.item) for source in sources]
    with new_markers(output, found.ids, columns, sources=origins) as table:
        looks = Looks(output.with_name(f".{output.stem}.looks"), settings)
        sheets = _sheets(sources, settings, buffers, threads)
        steps = _statistics(sheets, found, settings, looks, account, threads)
        rows = {marker: row for row, marker in enumerate(columns)}
        tiles: dict[Marker, str] = {}
        for source, parcels_there, stats in track(steps, "images", total=len(sources)):
            _merge(table, rows, tiles, source, parcels_there, stats)
        account.check(len(sources))
    write_details(output, account.details())
    report_problems(replace(found, problems=account.problems()))
    looks.remove()


def _sheets(sources: Sequence[Source], settings: Settings, buffers: Buffers, threads: int) -> list[Sheet]:
    """Sort the images by the pixels they have in common; nothing but headers is read."""

    def layout(source: Source) -> tuple[Grid, tuple[int, int]]:
        with reading(), source.open(settings) as image:
            return image.grid, image.window_shape

    layouts = in_order(layout, sources, threads=threads)
    sheets: dict[tuple[bool, Grid], list[tuple[Source, tuple[int, int]]]] = {}
    for source, (grid, shape) in zip(sources, layouts, strict=True):
        sheets.setdefault((source.is_radar, grid), []).append((source, shape))
    ordered = sorted(sheets.items(), key=lambda pair: (pair[0][0], pair[0][1].crs, tuple(pair[0][1].transform)))
    return [
        Sheet(radar, buffers.radar if radar else buffers.optical, grid, found[0][1], tuple(each for each, _ in found))
        for (radar, grid), found in ordered
    ]


def _statistics(
    sheets: Sequence[Sheet], parcels: Parcels, settings: Settings, looks: Looks, account: Account, threads: int
) -> Iterator[tuple[Source, NDArray[np.intp], NDArray[np.float32]]]:
    """Every image, the parcels on it (their positions) and their statistics (3, marker, parcel), NaN where unseen."""
    shapes = ParcelShapes(parcels.frame.geometry, threads=threads)
    for sheet in sheets:
        height, width = sheet.window_shape
        blocks, vanished = shapes.on(sheet.grid, buffer=sheet.buffer, height=height, width=width)
        areas, pixels = _passed_over(blocks, len(parcels.frame), threads)
        account.lay(sheet.radar, areas, vanished)
        there = np.flatnonzero(areas > 0)
        blocks = [replace(block, parcels=np.searchsorted(there, block.parcels).astype(np.int32)) for block in blocks]

        # Images side by side need no handles but their own; few of them would leave threads idle.
        many = len(sheet.sources) >= thread_count(threads)
        outer, inner = (threads, 1) if many else (1, threads)

        def work(
            source: Source,
            /,
            inner: int = inner,
            blocks: list[Block] = blocks,
            count: int = len(there),
            pixels: str = pixels,
        ) -> NDArray[np.float32]:
            return looks.remember(source, pixels, lambda: _measure(source, blocks, count, settings, inner))

        for source, stats in zip(sheet.sources, in_order(work, sheet.sources, threads=outer), strict=True):
            account.see(there, stats)
            yield source, there, stats


def _passed_over(blocks: Sequence[Block], count: int, threads: int) -> tuple[NDArray[np.float64], str]:
    """Areas of so many parcels on the grid, and a short text that differs where parcels, buffer or grid do."""
    areas, whole = np.zeros(count), hashlib.sha256()  # for which processors have instructions

    def work(block: Block) -> tuple[NDArray[np.float64], bytes]:
        digest = hashlib.sha256(str(block.window).encode())
        for part in (block.parcels, block.first, block.pixel, block.fraction):
            digest.update(part.data)
        return block.areas(), digest.digest()

    for block, (area, digest) in zip(blocks, in_order(work, blocks, threads=threads), strict=True):
        areas[block.parcels] += area
        whole.update(digest)
    return areas, whole.hexdigest()


def _measure(
    source: Source, blocks: Sequence[Block], count: int, settings: Settings, threads: int
) -> NDArray[np.float32]:
    """Statistics of one image in raster units, read block by block; images without parcels are not read."""
    sums = np.zeros((3, len(source.markers), count))
    if not blocks:
        return sums.astype(np.float32)
    with reading(), source.open(settings) as image:

        def work(block: Block) -> NDArray[np.float64]:
            with reading():
                seen = image.read(block)
            return moments(
                seen.values,
                seen.usable,
                nodata=image.nodata,
                first=block.first,
                pixel=seen.pixel,
                fraction=block.fraction,
            )

        # Added in the order of the blocks, so that the sums do not depend on the threads.
        for block, part in zip(blocks, in_order(work, blocks, threads=threads), strict=True):
            sums[:, :, block.parcels] += part
        image.finish()
        stats = statistics(sums)
        stats[MEAN] = stats[MEAN] * image.scales[:, None] + image.offsets[:, None]
        stats[STDEV] *= np.abs(image.scales[:, None])
    stats[PIXELS, sums[PIXELS] == 0] = np.nan
    return stats.astype(np.float32)


def _merge(
    table: NDArray[np.float32],
    rows: Mapping[Marker, int],
    tiles: dict[Marker, str],
    source: Source,
    parcels: NDArray[np.intp],
    stats: NDArray[np.float32],
) -> None:
    """Add one image's statistics to the columns of its day; what another image put there is combined with them.

    Two images of one tile show different ground, those of two tiles may show the same.
    """
    tile = tile_of(source.item)
    for marker, fresh in zip(source.markers, stats.swapaxes(0, 1), strict=True):
        combined = pooled if tiles.setdefault(marker, tile) == tile else seen_twice
        tiles[marker] = tile
        at = [rows[replace(marker, stat=stat)] for stat in COLUMNS]
        both = combined(np.stack([table[row][parcels] for row in at]), fresh)
        for row, values in zip(at, both, strict=True):
            table[row, parcels] = np.where(both[PIXELS] > 0, values, np.nan)
