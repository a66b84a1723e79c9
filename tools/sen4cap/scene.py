"""One Sentinel-2 L2A scene, opened for reading in blocks at the bands' own resolutions."""

from __future__ import annotations

import contextlib
import datetime
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any

import numpy as np
import pystac
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from .angles import Angles, angles_of
from .bands import reflectance_scaling, wanted_assets
from .compiled import compiled
from .errors import BadInput
from .granule import granule_of
from .grid import Grid
from .progress import say
from .rasters import BLOCK, open_raster, read_window
from .remote import GDAL_CACHE
from .scene_files import COARSE_M, FINE_M, BandFile, band_files
from .stac import asset_path, moment_of, tile_of

NODATA = 0
"""Digital number without data, in every band and in SCL."""

VEGETATION = 4
"""Scene class of clear vegetation."""

GDAL_OPTIONS = {
    "GDAL_CACHEMAX": GDAL_CACHE,
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MAX_RETRY": 4,
    "GDAL_HTTP_RETRY_DELAY": 1,
}


@dataclass(frozen=True, eq=False)
class Block:
    """A part of a scene, as digital numbers; 0 is nodata.

    Attributes
    ----------
    window : Window
        Its pixels in the scene's 10 m grid.
    grid : Grid
        Its own 10 m grid; an even number of rows and columns.
    fine : (fine band, row, column)
        Bands stored at 10 m, in the order of `Scene.fine`; uint16 (int32 where a file holds negative numbers).
    coarse : (coarse band, row / 2, column / 2)
        Bands stored at 20 m, in the order of `Scene.coarse`.
    scl : (row / 2, column / 2)
        Scene classification, uint8.
    cosines : (3,) or (3, row / 2, column / 2)
        `angles.COSINES`, float32, where the scene was opened with angles; otherwise empty.
    """

    window: Window
    grid: Grid
    fine: NDArray[Any]
    coarse: NDArray[Any]
    scl: NDArray[np.uint8]
    cosines: NDArray[np.float32]

    def strips(self, height: int) -> Iterator[Block]:
        """Cut into parts of so many rows (an even number), from north to south: small enough for the caches."""
        left, top, width, rows = (
            int(part) for part in (self.window.col_off, self.window.row_off, self.window.width, self.window.height)
        )
        for low in range(0, rows, height):
            past = min(low + height, rows)
            half = slice(low // 2, past // 2)
            yield Block(
                Window(left, top + low, width, past - low),
                Grid(self.grid.crs, self.grid.transform @ Affine.translation(0, low), (past - low, width)),
                np.ascontiguousarray(self.fine[:, low:past]),
                np.ascontiguousarray(self.coarse[:, half]),
                self.scl[half],
                np.ascontiguousarray(self.cosines[:, half]) if self.cosines.ndim > 1 else self.cosines,
            )


class Scene:
    """A Sentinel-2 L2A item, opened; may be read by several threads at once. Close it, or use it in a `with`.

    Attributes
    ----------
    item : pystac.Item
    grid : Grid
        10 m. It covers the ground that all bands cover, widened to whole 20 m pixels: where a 10 m band ends within a
        20 m pixel, the missing half is nodata.
    fine, coarse : tuple of str
        Bands whose files have 10 m and 20 m pixels, in the order of the arrays of a block.
    scaling : mapping of str to (float, float)
        Scale and offset by band: reflectance = scale * DN + offset. Negative reflectance (dark targets after the
        offset) is left as it is: clipping it would bias the networks' inputs.
    angles : Angles or None
    day, moment, tile
        Of the acquisition.
    """

    def __init__(
        self,
        item: pystac.Item,
        grid: Grid,
        rasters: Mapping[str, BandFile],
        dtype: np.dtype,
        scaling: Mapping[str, tuple[float, float]],
        angles: Angles | None,
    ) -> None:
        self.item = item
        self.grid = grid
        self.scaling = scaling
        self.angles = angles
        self.moment: datetime.datetime = moment_of(item)
        self.day: datetime.date = self.moment.date()
        self.tile: str = tile_of(item)
        self.fine = tuple(name for name, raster in rasters.items() if raster.size == FINE_M and name != "SCL")
        self.coarse = tuple(name for name, raster in rasters.items() if raster.size == COARSE_M and name != "SCL")
        self._rasters = rasters
        self._dtype = dtype
        self._handles = threading.local()
        self._opened: list[DatasetReader] = []

    @classmethod
    def open(cls, item: pystac.Item, bands: Sequence[str], *, angles: bool = True) -> Scene:
        """Open an item's bands and its scene classification.

        Parameters
        ----------
        item
            With absolute asset references (`stac.open_items`).
        bands
            As ``B04``; SCL comes without asking.
        angles
            Whether sun and view angles are needed.

        Raises
        ------
        BadInput
            A band or the angles are missing, a file cannot be read, has pixels other than 10 m or 20 m, or does not
            fit the others. The message names the item or the file.
        """
        assets = wanted_assets(item, [*dict.fromkeys(bands), "SCL"])
        granule = cache(lambda: granule_of(item))

        def granule_baseline() -> float | None:
            found = granule()
            return found.baseline if found else None

        with contextlib.ExitStack() as stack:
            opened = {
                name: stack.enter_context(open_raster(asset_path(asset), item=item)) for name, asset in assets.items()
            }
            grid, rasters = band_files(opened)
            kinds = {str(raster.dtypes[0]) for name, raster in opened.items() if name != "SCL"}
            for name, raster in opened.items():
                if np.dtype(raster.dtypes[0]).kind not in "ui":
                    raise BadInput(raster.name, f"holds {raster.dtypes[0]} where {name} has whole digital numbers")
            dtype = np.dtype(np.uint16 if kinds <= {"uint8", "uint16"} else np.int32)
            scaling = {
                name: reflectance_scaling(item, asset, granule_baseline=granule_baseline)
                for name, asset in assets.items()
                if name != "SCL"
            }
            found = angles_of(item, granule) if angles else None
            _check_granule_crs(item, granule() if found and found.transform else None, grid)
            scene = cls(item, grid, rasters, dtype, scaling, found)
            scene._keep(opened)
            stack.pop_all()
        return scene

    def windows(self) -> list[Window]:
        """Windows that cover the scene, row by row; at most twice `BLOCK` rows and columns, edges at its multiples.

        They hold whole tiles of the 20 m bands too, so that no tile is decompressed twice. Files stored in whole rows
        are not read in squares: their windows are as wide as the scene.
        """
        files = self._rasters.values()
        if any(file.wide for file in files):
            return self.grid.windows(BLOCK // 2, self.grid.shape[1])
        side = 2 * BLOCK if any(BLOCK < file.tile <= 2 * BLOCK for file in files) else BLOCK
        return self.grid.windows(side, side)

    def read(self, window: Window, *, passing: bool = False) -> Block:
        """Read a block.

        Parameters
        ----------
        window
            In pixels of `grid`; offsets and sizes are even.
        passing
            Whether the block is done with when this thread reads the next one, which then takes its room.

        Raises
        ------
        BadInput
            A file is truncated or damaged.
        RemoteFailure
            A remote file cannot be read.
        """
        rows, columns = _even(window)
        shapes = (len(self.fine), rows, columns), (len(self.coarse), rows // 2, columns // 2)
        sizes = [math.prod(shape) for shape in shapes]
        room = self._room(sum(sizes)) if passing else np.empty(sum(sizes), self._dtype)
        fine, coarse = room[: sizes[0]].reshape(shapes[0]), room[sizes[0] :].reshape(shapes[1])
        for out, name in [*zip(fine, self.fine, strict=True), *zip(coarse, self.coarse, strict=True)]:
            self._read(name, window, out)
        grid, cosines = self._grid_and_cosines(window)
        return Block(window, grid, fine, coarse, self._classes(window), cosines)

    def read_cells(self, window: Window, cells: NDArray[np.int32]) -> Block:
        """Read a window, but keep only some of its 20 m pixels, side by side in a block two rows high.

        Parameters
        ----------
        window
            As for `read`.
        cells : (cell,)
            Row-major positions of the 20 m pixels within the window.

        Returns
        -------
        Block
            `fine` (band, 2, 2 x cell), `coarse` (band, 1, cell), `scl` (1, cell), `cosines` (3,) or (3, 1, cell): what
            works on blocks works on this one. `window` and `grid` are those of the window that was read.
        """
        rows, columns = _even(window)
        # Band by band, so that the pixels are still near when the cells are taken from them.
        whole = self._room(rows * columns).reshape(rows, columns)
        fine = np.empty((len(self.fine), 2, 2 * len(cells)), self._dtype)
        for out, name in zip(fine, self.fine, strict=True):
            self._read(name, window, whole)
            _gather_fine(whole, cells, out)
        half = whole.reshape(-1)[: whole.size // 4].reshape(rows // 2, columns // 2)
        coarse = np.empty((len(self.coarse), 1, len(cells)), self._dtype)
        for out, name in zip(coarse, self.coarse, strict=True):
            self._read(name, window, half)
            out[0] = half.reshape(-1).take(cells)
        grid, cosines = self._grid_and_cosines(window)
        if cosines.ndim > 1:
            cosines = cosines.reshape(len(cosines), 1, -1).take(cells, axis=-1)
        return Block(window, grid, fine, coarse, self._classes(window).reshape(1, -1)[:, cells], cosines)

    def reflectance(self, block: Block, band: str) -> NDArray[np.float32]:
        """Reflectance of one band of a block, at 10 m (20 m pixels repeated); NaN without data."""
        values = self.stored_reflectance(block, band)
        return values if band in self.fine else values.repeat(2, axis=0).repeat(2, axis=1)

    def stored_reflectance(self, block: Block, band: str) -> NDArray[np.float32]:
        """Reflectance of one band of a block, at the band's own 10 m or 20 m; NaN without data."""
        numbers = self._numbers(block, band)
        scale, offset = self.scaling[band]
        values = numbers * np.float32(scale)
        values += np.float32(offset)
        values[numbers == NODATA] = np.nan
        return values.astype(np.float32, copy=False)

    def negative_vegetation(self, block: Block) -> NDArray[np.int64]:
        """Count clear vegetation pixels (20 m) of a block, and those of them whose red reflectance is negative.

        Sum the answers of all blocks for `warn_of_offset`.

        Returns
        -------
        (2,)
            Negative ones and all; zeros where red was not opened or nothing can be negative.
        """
        if "B04" not in self.scaling or self.scaling["B04"][1] >= 0:
            return np.zeros(2, np.int64)
        numbers = self._numbers(block, "B04")
        numbers = numbers[::2, ::2] if "B04" in self.fine else numbers
        scale, offset = self.scaling["B04"]
        vegetation = (block.scl == VEGETATION) & (numbers != NODATA)
        # A whole number, so that the pixels are compared as they are.
        negative = vegetation & (numbers < math.ceil(-offset / scale))
        return np.array([negative.sum(), vegetation.sum()], np.int64)

    def warn_of_offset(self, counts: NDArray[np.int64]) -> None:
        """Tell the user where most clear vegetation is negative in red: the catalogue's offset flag must be wrong."""
        negative, seen = counts.tolist()
        if seen >= 20 and negative > seen / 2:
            say(
                f"item {self.item.id}: {negative} of {seen} clear vegetation pixels have negative red reflectance with "
                f"offset {self.scaling['B04'][1]:g}; the catalogue probably says wrongly whether the offset is applied"
            )

    def close(self) -> None:
        """Close all files."""
        for raster in self._opened:
            raster.close()
        self._opened.clear()
        self._handles = threading.local()

    def __enter__(self) -> Scene:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _numbers(self, block: Block, band: str) -> NDArray[Any]:
        if band in self.fine:
            return block.fine[self.fine.index(band)]
        return block.coarse[self.coarse.index(band)]

    def _grid_and_cosines(self, window: Window) -> tuple[Grid, NDArray[np.float32]]:
        """Grid of a window, and its cosines where the scene was opened with angles."""
        shape = int(window.height), int(window.width)
        grid = Grid(self.grid.crs, self.grid.transform @ Affine.translation(window.col_off, window.row_off), shape)
        if not self.angles:
            return grid, np.zeros(0, np.float32)
        half = Grid(grid.crs, grid.transform @ Affine.scale(2), (shape[0] // 2, shape[1] // 2))
        return grid, self.angles.cosines(half)

    def _classes(self, window: Window) -> NDArray[np.uint8]:
        step = COARSE_M // self._rasters["SCL"].size
        rows, columns = int(window.height) // 2, int(window.width) // 2
        classes = np.empty((rows * step, columns * step), np.uint8)
        self._read("SCL", window, classes)
        # A classification at 10 m is the 20 m one, repeated.
        return np.ascontiguousarray(classes[::step, ::step])

    def _read(self, name: str, window: Window, out: NDArray[Any]) -> None:
        """Fill `out` with the window's pixels of one band; nodata where the file holds none."""
        raster = self._rasters[name]
        step = raster.size // FINE_M
        top, left = raster.row + int(window.row_off) // step, raster.column + int(window.col_off) // step
        first_row, first_column = max(0, -top), max(0, -left)
        rows = min(out.shape[0], raster.shape[0] - top) - first_row
        columns = min(out.shape[1], raster.shape[1] - left) - first_column
        whole = (rows, columns) == out.shape
        if not whole:
            out[...] = NODATA
        if rows <= 0 or columns <= 0:
            return
        inside = out[first_row : first_row + rows, first_column : first_column + columns]
        part = Window(left + first_column, top + first_row, columns, rows)
        target = out if whole else np.empty_like(inside)
        read_window(self._reader(name), part, item=self.item, out=target)
        if raster.nodata not in (None, NODATA):
            target[target == raster.nodata] = NODATA
        if not whole:
            inside[...] = target

    def _room(self, size: int) -> NDArray[Any]:
        """Room for some pixels, the same for each thread: new pages would be cleared by the system every time."""
        room = self._handles.__dict__.get("room")
        if room is None or len(room) < size:
            room = self._handles.room = np.empty(size, self._dtype)
        return room[:size]

    def _keep(self, opened: Mapping[str, DatasetReader]) -> None:
        """Go on using the files that were opened to look at them, in the thread that did so."""
        self._handles.readers = dict(opened)
        self._opened.extend(opened.values())

    def _reader(self, name: str) -> DatasetReader:
        """File of a band, opened once by each thread: GDAL's handles must not be shared."""
        readers: dict[str, DatasetReader] = self._handles.__dict__.setdefault("readers", {})
        if name not in readers:
            readers[name] = open_raster(self._rasters[name].path, item=self.item)
            self._opened.append(readers[name])
        return readers[name]


def _even(window: Window) -> tuple[int, int]:
    """Rows and columns of a window of whole 20 m pixels."""
    rows, columns = int(window.height), int(window.width)
    if any(int(part) % 2 for part in (window.row_off, window.col_off, rows, columns)):
        raise ValueError(f"window {window} is not of whole 20 m pixels")
    return rows, columns


@compiled
def _gather_fine(fine: Any, cells: Any, out: Any) -> None:
    half = fine.shape[1] // 2
    for i in range(len(cells)):
        row = cells[i] // half
        column = cells[i] - row * half
        for r in range(2):
            out[r, 2 * i] = fine[2 * row + r, 2 * column]
            out[r, 2 * i + 1] = fine[2 * row + r, 2 * column + 1]


def _check_granule_crs(item: pystac.Item, granule: Any, grid: Grid) -> None:
    if granule is not None and granule.crs != grid.crs:
        raise BadInput(f"item {item.id}", f"has granule metadata in {granule.crs} but bands in {grid.crs}")


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Set GDAL's options for reading scenes in blocks (`GDAL_OPTIONS`)."""
    with rasterio.Env(**GDAL_OPTIONS):
        yield
