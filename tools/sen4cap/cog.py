"""Cloud-optimised GeoTIFFs, written block by block as they are computed.

GDAL makes a COG by copying a finished raster, which takes longer than computing one here. This writer compresses tiles
on the threads that compute them and needs no second pass over the pixels: full-resolution tiles go to a scratch file,
overviews are kept (a third of the raster), and the file is put together at the end in the order that the format asks
for: directories, overviews from small to large, full resolution.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from .compiled import compiled_fast
from .grid import Grid

TILE = 512
_SMALLEST_TILE = 16
_ZSTD, _LEVEL = 50000, 1
_LARGEST = 2**32 - 2**24
_SHORT, _LONG, _ASCII = 3, 4, 2
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 12: 8}

_GHOST = (
    "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n"
    "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n "
)
"""What the format lets a reader rely on: every tile is preceded by its size and followed by its last four bytes."""

Tag = tuple[int, int, int, bytes]
"""Tag, type, count, values."""


@dataclass(frozen=True)
class Encoded:
    """A block of pixels, ready to be written: made by `Cog.encode` on any thread.

    Attributes
    ----------
    first : (int, int)
        Row and column of its first tile.
    tiles : sequence of sequence of bytes
        Compressed tiles by row and column.
    half : (row / 2, column / 2)
        The block on the first overview; empty where the raster has none.
    """

    first: tuple[int, int]
    tiles: Sequence[Sequence[bytes]]
    half: NDArray[Any]


class Cog:
    """A cloud-optimised GeoTIFF of one band under way.

    Call `encode` for every block on any thread and `add` the answers on one thread, row by row, then `finish`.

    Parameters
    ----------
    path
        File to write; ``PATH.tiles`` lies beside it meanwhile.
    grid
        Its pixels.
    dtype
        ``int16`` or ``uint8``.
    nodata
        Number that means no data.
    mean
        Whether overviews are the mean of the four pixels (those with data), for quantities; otherwise the first of
        them, for codes.
    scale
        Quantity = scale * number, for readers; None for codes.
    description
        Of the band.
    metadata
        Further items for GDAL's metadata.
    """

    def __init__(
        self,
        path: Path,
        grid: Grid,
        *,
        dtype: str,
        nodata: int,
        mean: bool,
        scale: float | None,
        description: str,
        metadata: Mapping[str, str],
    ) -> None:
        self._path = Path(path)
        self._grid = grid
        self._dtype = np.dtype(dtype)
        self._nodata = nodata
        self._mean = mean
        self._tile = _tile_size(grid.shape)
        self._shapes = _levels(grid.shape)
        if 1.4 * grid.shape[0] * grid.shape[1] * self._dtype.itemsize > _LARGEST:
            raise ValueError(f"a raster of {grid.shape} needs BigTIFF, which this writer does not make")
        self._tags = [*_geo_tags(grid), *_gdal_tags(nodata, scale, description, metadata)]
        self._half = np.empty(self._shapes[1], self._dtype) if len(self._shapes) > 1 else None
        self._sizes: list[int] = []
        self._waiting: dict[int, bytes] = {}
        self._scratch = self._path.with_name(self._path.name + ".tiles")
        self._stream = self._scratch.open("wb+")

    def encode(self, block: NDArray[Any], *, row: int, column: int) -> Encoded:
        """Compress a block; may be called by several threads at once.

        Parameters
        ----------
        block : (row, column)
            Its size is a multiple of the tile size but at the right and lower edge.
        row, column
            Of its first pixel; multiples of the tile size (512, or anything where the raster is smaller).
        """
        tiles = _tiles(block, self._tile, self._nodata)
        half = _halved(block, self._nodata, self._mean) if self._half is not None else np.zeros((0, 0), block.dtype)
        return Encoded((row // self._tile, column // self._tile), _compressed(tiles), half)

    def add(self, block: Encoded) -> None:
        """Write a block. Tiles go to the file in row order; those that come early wait."""
        across = _tiles_across(self._shapes[0], self._tile)[1]
        for r, line in enumerate(block.tiles, start=block.first[0]):
            for c, tile in enumerate(line, start=block.first[1]):
                self._waiting[r * across + c] = tile
        while len(self._sizes) in self._waiting:
            tile = self._waiting.pop(len(self._sizes))
            self._stream.writelines(_framed(tile))
            self._sizes.append(len(tile))
        if self._half is not None:
            row, column = (index * self._tile // 2 for index in block.first)
            rows, columns = block.half.shape
            self._half[row : row + rows, column : column + columns] = block.half

    def finish(self) -> None:
        """Make the overviews and put the file together.

        Raises
        ------
        ValueError
            A block is missing.
        """
        rows, columns = _tiles_across(self._shapes[0], self._tile)
        if len(self._sizes) != rows * columns:
            raise ValueError(f"{self._path}: {len(self._sizes)} of {rows * columns} tiles were written")
        overviews: list[list[bytes]] = []
        level = self._half
        while level is not None:
            overviews.append(self._encoded(level))
            level = _halved(level, self._nodata, self._mean) if len(overviews) < len(self._shapes) - 1 else None
        self._half = None
        sizes = [self._sizes, *([len(tile) for tile in tiles] for tiles in overviews)]
        with self._path.open("wb") as sink:
            sink.write(self._head(sizes))
            for overview in reversed(overviews):
                for tile in overview:
                    sink.writelines(_framed(tile))
            sink.flush()
            self._stream.flush()
            _append(self._stream.fileno(), sink.fileno())
        self.discard()

    def discard(self) -> None:
        """Remove the scratch file; call this where `finish` is not reached."""
        with contextlib.suppress(OSError):  # closing writes what is buffered, and the disk may be full
            self._stream.close()
        self._scratch.unlink(missing_ok=True)

    def _encoded(self, level: NDArray[Any]) -> list[bytes]:
        """Compressed tiles of an overview, row by row of them, so that no second copy of it is held."""
        lines = (level[top : top + self._tile] for top in range(0, len(level), self._tile))
        return [tile for line in lines for tile in _compressed(_tiles(line, self._tile, self._nodata))[0]]

    def _head(self, sizes: list[list[int]]) -> bytes:
        """Everything before the first tile: header, ghost area, one directory for each level."""
        ghost = f"GDAL_STRUCTURAL_METADATA_SIZE={len(_GHOST):06d} bytes\n{_GHOST}".encode()
        start = 8 + len(ghost)
        start += start % 2
        # The directories' length does not depend on the offsets in them: a first round finds where tiles begin.
        blank = [self._directory(level, start, len_of, [0] * len(len_of)) for level, len_of in enumerate(sizes)]
        end = start + sum(len(part) for part in blank)
        offsets: list[list[int]] = [[] for _ in sizes]
        for level in reversed(range(len(sizes))):
            for size in sizes[level]:
                offsets[level].append(end + 4)
                end += size + 8
        if end > _LARGEST:
            raise ValueError(f"{self._path}: {end} bytes are too many for a TIFF")
        parts, at = [], start
        for level, of in enumerate(sizes):
            last = level == len(sizes) - 1
            part = self._directory(level, at, of, offsets[level], following=not last)
            parts.append(part)
            at += len(part)
        head = b"II*\0" + struct.pack("<I", start) + ghost
        return head + bytes(start - len(head)) + b"".join(parts)

    def _directory(self, level: int, at: int, sizes: list[int], offsets: list[int], *, following: bool = True) -> bytes:
        rows, columns = self._shapes[level]
        signed = self._dtype.kind == "i"
        tags: list[Tag] = [
            _number(254, _LONG, 1 if level else 0),
            _number(256, _LONG, columns),
            _number(257, _LONG, rows),
            _number(258, _SHORT, 8 * self._dtype.itemsize),
            _number(259, _SHORT, _ZSTD),
            _number(262, _SHORT, 1),
            _number(277, _SHORT, 1),
            _number(284, _SHORT, 1),
            _number(317, _SHORT, 2 if self._dtype.itemsize == 2 else 1),
            _number(322, _SHORT, self._tile),
            _number(323, _SHORT, self._tile),
            (324, _LONG, len(offsets), np.array(offsets, "<u4").tobytes()),
            (325, _LONG, len(sizes), np.array(sizes, "<u4").tobytes()),
            _number(339, _SHORT, 2 if signed else 1),
            *(self._tags if level == 0 else [tag for tag in self._tags if tag[0] == 42113]),
        ]
        return _packed(sorted(tags), at, following=following)


def _tile_size(shape: tuple[int, int]) -> int:
    return min(TILE, -(-max(shape) // _SMALLEST_TILE) * _SMALLEST_TILE)


def _levels(shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Shapes of the raster and its overviews, each half as large, until one tile holds it."""
    shapes = [shape]
    while max(shapes[-1]) > TILE:
        shapes.append((-(-shapes[-1][0] // 2), -(-shapes[-1][1] // 2)))
    return shapes


def _tiles_across(shape: tuple[int, int], tile: int) -> tuple[int, int]:
    return -(-shape[0] // tile), -(-shape[1] // tile)


def _number(tag: int, kind: int, value: int) -> Tag:
    return (tag, kind, 1, struct.pack("<H" if kind == _SHORT else "<I", value))


def _packed(tags: list[Tag], at: int, *, following: bool) -> bytes:
    """One directory at offset `at`, its long values behind it; the next directory follows directly."""
    room = 2 + 12 * len(tags) + 4
    entries, values = [], b""
    for tag, kind, count, data in tags:
        if len(data) <= 4:
            field = data.ljust(4, b"\0")
        else:
            field = struct.pack("<I", at + room + len(values))
            values += data + bytes(len(data) % 2)
        entries.append(struct.pack("<HHI", tag, kind, count) + field)
    after = at + room + len(values) if following else 0
    return struct.pack("<H", len(tags)) + b"".join(entries) + struct.pack("<I", after) + values


def _geo_tags(grid: Grid) -> list[Tag]:
    """GeoTIFF tags of a grid, taken from a one-pixel file that GDAL writes in memory: any CRS comes out right."""
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff", width=1, height=1, count=1, dtype="uint8", crs=grid.crs, transform=grid.transform
        ):
            pass
        data = bytes(memory.getbuffer())
    at = struct.unpack_from("<I", data, 4)[0]
    tags = []
    for index in range(struct.unpack_from("<H", data, at)[0]):
        entry = at + 2 + 12 * index
        tag, kind, count = struct.unpack_from("<HHI", data, entry)
        if tag in (33550, 33922, 34264, 34735, 34736, 34737):
            size = _SIZES[kind] * count
            start = entry + 8 if size <= 4 else struct.unpack_from("<I", data, entry + 8)[0]
            tags.append((tag, kind, count, data[start : start + size]))
    return tags


def _gdal_tags(nodata: int, scale: float | None, description: str, metadata: Mapping[str, str]) -> list[Tag]:
    items = [f"<Item name={quoteattr(name)}>{escape(text)}</Item>" for name, text in metadata.items()]
    items.append(f'<Item name="DESCRIPTION" sample="0" role="description">{escape(description)}</Item>')
    if scale is not None:
        items.append('<Item name="OFFSET" sample="0" role="offset">0</Item>')
        items.append(f'<Item name="SCALE" sample="0" role="scale">{scale!r}</Item>')
    texts = {42112: f"<GDALMetadata>{''.join(items)}</GDALMetadata>", 42113: str(nodata)}
    coded = {tag: text.encode() + b"\0" for tag, text in texts.items()}
    return [(tag, _ASCII, len(data), data) for tag, data in coded.items()]


def _compressed(tiles: NDArray[Any]) -> list[list[bytes]]:
    codec = pa.Codec("zstd", compression_level=_LEVEL)
    return [[codec.compress(pa.py_buffer(tile), asbytes=True) for tile in line] for line in tiles]


def _framed(tile: bytes) -> tuple[bytes, bytes, bytes]:
    return struct.pack("<I", len(tile)), tile, tile[-4:]


def _append(source: int, sink: int) -> None:
    """Copy all of one file behind the end of another, inside the kernel where it can."""
    os.lseek(source, 0, os.SEEK_SET)
    left = os.fstat(source).st_size
    os.lseek(sink, 0, os.SEEK_END)
    while left:
        done = os.sendfile(sink, source, None, min(left, 1 << 30))
        if not done:
            raise OSError(f"file ended {left} bytes early")
        left -= done


def _tiles(block: NDArray[Any], tile: int, nodata: int) -> NDArray[Any]:
    """Cut a block into tiles (row, column, tile, tile), filled up with nodata; 16 bit: differences along the row."""
    rows, columns = _tiles_across(block.shape, tile)
    out = np.empty((rows, columns, tile, tile), block.dtype)
    _cut(block, block.dtype.type(nodata), block.dtype.itemsize == 2, out)
    return out


def _halved(block: NDArray[Any], nodata: int, mean: bool) -> NDArray[Any]:
    """Half-size block: the mean of the four pixels that have data, or the first of the four."""
    if not mean:
        return np.ascontiguousarray(block[::2, ::2])
    out = np.empty((-(-block.shape[0] // 2), -(-block.shape[1] // 2)), block.dtype)
    _average(block, block.dtype.type(nodata), out)
    return out


@compiled_fast
def _cut(block: Any, nodata: Any, differences: Any, out: Any) -> None:
    rows, columns = block.shape
    tile = out.shape[2]
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            left = c * tile
            for i in range(tile):
                right = min(left + tile, columns) if r * tile + i < rows else left
                _fill(block[min(r * tile + i, rows - 1), left:right], nodata, differences, out[r, c, i])


@compiled_fast
def _fill(source: Any, nodata: Any, differences: Any, line: Any) -> None:
    """A line of a tile: the pixels there are, nodata behind them; as differences along the line, or as they are."""
    within = len(source)
    if differences and within:
        line[0] = source[0]
        for k in range(1, within):
            line[k] = source[k] - source[k - 1]
    else:
        for k in range(within):
            line[k] = source[k]
    for k in range(within, len(line)):
        line[k] = 0 if differences else nodata
    if differences and within < len(line):
        line[within] = nodata - source[within - 1] if within else nodata


@compiled_fast
def _average(block: Any, nodata: Any, out: Any) -> None:
    rows, columns = block.shape
    total = np.empty(out.shape[1], np.float32)
    count = np.empty(out.shape[1], np.float32)
    for r in range(out.shape[0]):
        total[:] = 0
        count[:] = 0
        for i in range(2 * r, min(2 * r + 2, rows)):
            line = block[i]
            for k in range(2):
                for c in range((columns + 1 - k) // 2):
                    value = line[2 * c + k]
                    seen = np.float32(value != nodata)
                    total[c] += seen * np.float32(value)
                    count[c] += seen
        for c in range(out.shape[1]):
            mean = np.rint(total[c] / max(count[c], np.float32(1)))
            out[r, c] = np.int16(mean) if count[c] > 0 else nodata
