"""How much of each pixel a parcel covers: exact area fractions of polygons on a raster grid, as a sparse structure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.windows import Window

from .compiled import compiled, over_blocks
from .grid import Grid, project_bounds

LEAST_FRACTION = 1e-9
"""Fractions up to this are rounding, not area."""

LONGEST_EDGE_M = 500.0
"""Edges are split to at most this length before they are reprojected: the bend that is lost stays below 1 cm."""

_PARCELS_A_CHUNK = 2000
_SEGMENTS = 16  # of a quarter circle where a buffer rounds a corner: within 1 cm for 5 m, as geopandas has it
_CELLS_A_STRIP = 1 << 20


@dataclass(frozen=True)
class Block:
    """The part of a coverage that lies in one window of the grid.

    Attributes
    ----------
    window : Window
        Of the grid; never empty of parcels.
    parcels : (parcel,) int32
        Positions of the parcels that touch it, ascending.
    first : (parcel + 1,) int64
        Where each parcel's pixels begin in `pixel`, and where the last one's end.
    pixel : (entry,) int32
        Row-major position inside the window.
    fraction : (entry,) float32
        Covered part of the pixel, 0 to 1.
    """

    window: Window
    parcels: NDArray[np.int32]
    first: NDArray[np.int64]
    pixel: NDArray[np.int32]
    fraction: NDArray[np.float32]

    @cached_property
    def cells(self) -> NDArray[np.int32]:
        """Squares of two by two pixels that any parcel touches (the 20 m pixels of a 10 m grid), (cell,) ascending.

        Row-major positions among the squares of the window, which has an even number of rows and columns.
        """
        return self._packed[0]

    @cached_property
    def packed(self) -> NDArray[np.int32]:
        """Position of each entry where only the `cells` are kept, side by side: row-major in (2, 2 x cell)."""
        return self._packed[1]

    @cached_property
    def _packed(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        width = int(self.window.width)
        if width % 2 or int(self.window.height) % 2:
            raise ValueError(f"{self.window} is not of whole squares of two by two pixels")
        rank = np.full(int(self.window.height) // 2 * (width // 2), -1, np.int32)
        _mark(self.pixel, width, rank)
        cells = np.flatnonzero(rank >= 0).astype(np.int32)
        rank[cells] = np.arange(len(cells), dtype=np.int32)
        packed = np.empty_like(self.pixel)
        _pack(self.pixel, width, rank, len(cells), packed)
        return cells, packed

    def covered(self) -> NDArray[np.bool_]:
        """Pixels of the window that any parcel touches, (row, column)."""
        mask = np.zeros(self.window.height * self.window.width, bool)
        mask[self.pixel] = True
        return mask.reshape(self.window.height, self.window.width)


@dataclass(frozen=True)
class Coverage:
    """Pixels of every parcel on one grid, parcel after parcel (compressed sparse rows).

    Parcels may overlap: each has its own pixels. Those of parcel i are ``pixel[first[i]:first[i + 1]]``, ascending.

    Attributes
    ----------
    grid : Grid
    first : (parcel + 1,) int64
        Where each parcel's pixels begin; a parcel outside the grid has none.
    pixel : (entry,) int32, or int64 on grids of more than 2**31 pixels
        Row-major position on the grid: row * columns + column.
    fraction : (entry,) float32
        Part of the pixel's area that the parcel covers, above 0 and up to 1.
    """

    grid: Grid
    first: NDArray[np.int64]
    pixel: NDArray[np.signedinteger]
    fraction: NDArray[np.float32]

    def __len__(self) -> int:
        """Count the parcels."""
        return len(self.first) - 1

    def areas(self) -> NDArray[np.float64]:
        """Area of each parcel on the grid in pixels: the sum of its fractions."""
        return _sums(self.first, self.fraction)

    def blocks(self, height: int, width: int) -> list[Block]:
        """Split into windows of `height` x `width` pixels, counted from the grid's corner; only those with parcels.

        They come row by row; a raster is read in them so that memory is bounded by one window.
        """
        rows, columns = self.grid.shape
        across = -(-columns // width)
        counts = np.zeros(across * -(-rows // height), np.int64)
        _count(self.pixel, columns, height, width, counts)
        bounds = np.concatenate([[0], np.cumsum(counts)])
        parcel, local, fraction = _split(
            self.first, self.pixel, self.fraction, columns, height, width, bounds[:-1].copy()
        )
        found = []
        for number in np.flatnonzero(counts):
            part = slice(bounds[number], bounds[number + 1])
            top, left = int(number) // across * height, int(number) % across * width
            window = Window(left, top, min(width, columns - left), min(height, rows - top))
            start = np.flatnonzero(np.diff(parcel[part], prepend=np.int32(-1)))
            first = np.append(start, part.stop - part.start).astype(np.int64)
            found.append(Block(window, parcel[part][start], first, local[part], fraction[part]))
        return found


class ParcelShapes:
    """Parcels as they lie on rasters: reprojected, and shrunk or grown by a buffer.

    What was made for one CRS and buffer is kept until another is asked for, so ask grid by grid in that order.

    Parameters
    ----------
    geometry : GeoSeries
        Polygons in any CRS.
    threads
        As the option `--threads`.
    """

    def __init__(self, geometry: gpd.GeoSeries, *, threads: int) -> None:
        self._shapes: NDArray[np.object_] = geometry.to_numpy()
        self._bounds = shapely.bounds(self._shapes).reshape(-1, 4)
        self._crs = CRS(geometry.crs)
        self._threads = threads
        self._key: tuple[str, float] | None = None
        self._made: NDArray[np.object_] = np.empty(0, object)
        self._done: NDArray[np.bool_] = np.empty(0, bool)

    def near(self, grid: Grid) -> NDArray[np.intp]:
        """Positions of the parcels whose bounding box touches that of the grid."""
        west, south, east, north = project_bounds(grid.bounds, grid.crs, self._crs)
        box = self._bounds
        touches = (box[:, 0] <= east) & (box[:, 2] >= west) & (box[:, 1] <= north) & (box[:, 3] >= south)
        return np.flatnonzero(touches)

    def on(self, grid: Grid, *, buffer: float) -> tuple[Coverage, NDArray[np.intp]]:
        """Coverage of all parcels on a grid.

        Parameters
        ----------
        buffer
            Metres by which parcels grow; negative: shrink. Applied in the grid's CRS where that is in metres, else in
            the UTM zone of the grid's centre.

        Returns
        -------
        Coverage
            Of every parcel, in the order of the geometries.
        vanished : (parcel,) int
            Positions of parcels near the grid of which the buffer leaves nothing.
        """
        near = self.near(grid)
        if self._key != (grid.crs, buffer):
            self._key = (grid.crs, buffer)
            self._made = np.full(len(self._shapes), None, object)
            self._done = np.zeros(len(self._shapes), bool)
        fresh = near[~self._done[near]]
        self._made[fresh] = self._project(self._shapes[fresh], grid, buffer)
        self._done[fresh] = True
        empty = shapely.is_empty(self._made[near])
        part = cover(self._made[near[~empty]], grid, threads=self._threads)
        counts = np.zeros(len(self._shapes), np.int64)
        counts[near[~empty]] = np.diff(part.first)
        first = np.concatenate([[0], np.cumsum(counts)])
        return Coverage(grid, first, part.pixel, part.fraction), near[empty]

    def _project(self, shapes: NDArray[np.object_], grid: Grid, buffer: float) -> NDArray[np.object_]:
        target = CRS(grid.crs)
        middle = target if _is_metric(target) or buffer == 0 else _utm_of(grid)
        made = _reproject(shapes, self._crs, middle)
        if buffer != 0:
            chunks = over_blocks(
                lambda low, high: shapely.buffer(made[low:high], buffer, quad_segs=_SEGMENTS),
                len(made),
                block=_PARCELS_A_CHUNK,
                threads=self._threads,
            )
            made = np.concatenate([np.empty(0, object), *chunks])
        return _reproject(made, middle, target)


def cover(shapes: NDArray[np.object_] | Sequence[shapely.Geometry], grid: Grid, *, threads: int) -> Coverage:
    """Exact area fractions of polygons on a grid, whatever the direction of their rings.

    Every edge adds, to each pixel it crosses, the area between itself and the pixel's right side, signed by its
    direction, and its height to all pixels further right; a running sum along the row then is the covered area
    (signed-area accumulation, as font rasterisers do it). No pixel is tested against a polygon.

    Parameters
    ----------
    shapes : (parcel,)
        Polygons and multipolygons, valid, in the grid's CRS; empty ones cover nothing.
    grid
        Where the pixels lie; what is outside is cut off.
    threads
        As the option `--threads`; the result does not depend on it.
    """
    shapes = np.asarray(shapes, object)
    filled = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))
    rows, columns = grid.shape
    position = np.int32 if rows * columns < 2**31 else np.int64

    def work(low: int, high: int) -> tuple[NDArray, NDArray, NDArray]:
        xy, rings, parts, wholes = _rings(shapes[filled[low:high]])
        xy = np.column_stack(
            [(xy[:, 0] - grid.transform.c) / grid.transform.a, (xy[:, 1] - grid.transform.f) / grid.transform.e]
        )
        room = np.empty(1 << 16, position), np.empty(1 << 16, np.float32)
        found: tuple[NDArray, NDArray, NDArray] = _cover(xy, rings, parts, wholes, rows, columns, *room)
        return found

    done = over_blocks(work, len(filled), block=_PARCELS_A_CHUNK, threads=threads)
    counts = np.zeros(len(shapes), np.int64)
    counts[filled] = np.concatenate([np.empty(0, np.int64), *(each[0] for each in done)])
    return Coverage(
        grid,
        np.concatenate([[0], np.cumsum(counts)]),
        np.concatenate([np.empty(0, position), *(each[1] for each in done)]),
        np.concatenate([np.empty(0, np.float32), *(each[2] for each in done)]),
    )


def _is_metric(crs: CRS) -> bool:
    return crs.is_projected and all(axis.unit_name == "metre" for axis in crs.axis_info[:2])


def _utm_of(grid: Grid) -> CRS:
    west, south, east, north = project_bounds(grid.bounds, grid.crs, "EPSG:4326")
    zone = int(((west + east) / 2 + 180) // 6) % 60 + 1
    return CRS.from_epsg((32600 if south + north >= 0 else 32700) + zone)


def _reproject(shapes: NDArray[np.object_], source: CRS, target: CRS) -> NDArray[np.object_]:
    """Shapes in another CRS, flat, their edges where they were; what cannot be projected comes back empty."""
    if source == target or not len(shapes):
        return shapely.force_2d(shapes)
    longest = LONGEST_EDGE_M / (source.axis_info[0].unit_conversion_factor if source.is_projected else 111_000)
    split = shapely.segmentize(shapely.force_2d(shapes), longest)
    transformer = Transformer.from_crs(source, target, always_xy=True)
    moved = shapely.transform(split, lambda x, y: transformer.transform(x, y), interleaved=False)
    lost = ~np.isfinite(shapely.bounds(moved)).all(axis=1)
    moved[lost] = shapely.Polygon()
    return moved


def _rings(shapes: NDArray[np.object_]) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Coordinates of polygons with where rings, parts (polygons) and wholes (multipolygons) begin."""
    kind, xy, offsets = shapely.to_ragged_array(shapes, include_z=False)
    if kind == shapely.GeometryType.POLYGON:
        rings, parts = offsets
        wholes = np.arange(len(parts))
    else:
        rings, parts, wholes = offsets
    return xy, rings.astype(np.int64), parts.astype(np.int64), wholes.astype(np.int64)


@compiled
def _cover(xy, rings, parts, wholes, rows, columns, pixel, fraction):  # type: ignore[no-untyped-def]
    """Pixel counts, pixels and fractions of every multipolygon; `xy` in (column, row) units of the grid."""
    counts = np.zeros(len(wholes) - 1, np.int64)
    signs = _signs(xy, rings, parts)
    cells = np.zeros(1 << 12)
    n = 0
    for i in range(len(wholes) - 1):
        ring, past = parts[wholes[i]], parts[wholes[i + 1]]
        low, high = rings[ring], rings[past]
        if low == high:
            continue
        left = max(0, int(np.floor(xy[low:high, 0].min())))
        width = min(columns, int(np.ceil(xy[low:high, 0].max()))) - left
        top = max(0, int(np.floor(xy[low:high, 1].min())))
        bottom = min(rows, int(np.ceil(xy[low:high, 1].max())))
        if width <= 0 or top >= bottom:
            continue
        # A parcel of far-apart pieces has a huge bounding box: strips keep the memory small.
        step = min(bottom - top, max(1, _CELLS_A_STRIP // (width + 1)))
        if len(cells) < step * (width + 1):
            cells = np.zeros(step * (width + 1))
        for base in range(top, bottom, step):
            height = min(step, bottom - base)
            _draw(cells, xy, rings[ring : past + 1], signs[ring:past], left, base, height, width)
            if n + height * width > len(pixel):
                pixel = _grown(pixel, n, n + height * width)
                fraction = _grown(fraction, n, n + height * width)
            more = _collect(cells, height, width, base * columns + left, columns, pixel[n:], fraction[n:])
            counts[i] += more
            n += more
    return counts, pixel[:n].copy(), fraction[:n].copy()


@compiled
def _draw(cells, xy, rings, signs, left, base, height, width):  # type: ignore[no-untyped-def]
    """Add all edges of a parcel to the cells of a strip (row-major, width + 1 a row)."""
    cells[: height * (width + 1)] = 0
    for ring in range(len(signs)):
        for k in range(rings[ring], rings[ring + 1] - 1):
            x0, y0, x1, y1 = xy[k, 0] - left, xy[k, 1] - base, xy[k + 1, 0] - left, xy[k + 1, 1] - base
            _add_edge(cells, x0, y0, x1, y1, signs[ring], height, width)


@compiled
def _collect(cells, height, width, corner, columns, pixel, fraction):  # type: ignore[no-untyped-def]
    """Sum the cells of a strip along its rows; write the pixels that are covered and count them."""
    n = 0
    for row in range(height):
        running = 0.0
        for column in range(width):
            running += cells[row * (width + 1) + column]
            if running > LEAST_FRACTION:
                pixel[n] = corner + row * columns + column
                fraction[n] = min(running, 1.0)
                n += 1
    return n


@compiled
def _signs(xy, rings, parts):  # type: ignore[no-untyped-def]
    """Sign of each ring's edges: the first ring of a part adds its area, the others (holes) take theirs away."""
    signs = np.empty(len(rings) - 1)
    for part in range(len(parts) - 1):
        for ring in range(parts[part], parts[part + 1]):
            area = 0.0
            for k in range(rings[ring], rings[ring + 1] - 1):
                area += (xy[k, 0] + xy[k + 1, 0] - 2 * xy[rings[ring], 0]) * (xy[k + 1, 1] - xy[k, 1])
            adds = -1.0 if area > 0 else 1.0
            signs[ring] = adds if ring == parts[part] else -adds
    return signs


@compiled
def _add_edge(cells, x0, y0, x1, y1, sign, height, width):  # type: ignore[no-untyped-def]
    """Add one edge to the cells (row-major, width + 1 a row); coordinates in pixels from the window's corner."""
    if y0 > y1:
        x0, y0, x1, y1, sign = x1, y1, x0, y0, -sign
    if y1 <= 0 or y0 >= height or y0 == y1:
        return
    slope = (x1 - x0) / (y1 - y0)
    least, most = min(x0, x1), max(x0, x1)
    start, stop = max(y0, 0.0), min(y1, float(height))
    row = int(start)
    while row < stop:
        upper, lower = max(start, float(row)), min(stop, row + 1.0)
        xa = min(max(x0 + slope * (upper - y0), least), most)
        xb = min(max(x0 + slope * (lower - y0), least), most)
        _add_piece(cells, row * (width + 1), min(xa, xb), max(xa, xb), sign * (lower - upper), width)
        row += 1


@compiled
def _add_piece(cells, at, low, high, rise, width):  # type: ignore[no-untyped-def]
    """Add a piece of an edge inside one row, from column `low` to `high`, of signed height `rise`."""
    if high <= 0:
        cells[at] += rise
        return
    if low >= width:
        return
    if low >= 0 and high <= width and int(low) == int(high):
        column = int(low)
        middle = (low + high) / 2 - column
        cells[at + column] += rise * (1 - middle)
        cells[at + column + 1] += rise * middle
        return
    share = rise / (high - low)
    if low < 0:
        cells[at] += share * -low
        low = 0.0
    high = min(high, float(width))
    column = int(low)
    while low < high:
        edge = min(high, column + 1.0)
        part = share * (edge - low)
        middle = (low + edge) / 2 - column
        cells[at + column] += part * (1 - middle)
        cells[at + column + 1] += part * middle
        low = edge
        column += 1


@compiled
def _grown(array, used, least):  # type: ignore[no-untyped-def]
    wider = np.empty(max(2 * len(array), least), array.dtype)
    wider[:used] = array[:used]
    return wider


@compiled
def _sums(first, fraction):  # type: ignore[no-untyped-def]
    sums = np.zeros(len(first) - 1)
    for i in range(len(first) - 1):
        for k in range(first[i], first[i + 1]):
            sums[i] += fraction[k]
    return sums


@compiled
def _count(pixel, columns, height, width, counts):  # type: ignore[no-untyped-def]
    """Count the pixels of each block."""
    begin, past, block = 0, 0, 0
    for k in range(len(pixel)):
        if pixel[k] < begin or pixel[k] >= past:
            begin, past, block, _ = _run_of(pixel[k], columns, height, width)
        counts[block] += 1


@compiled
def _run_of(pixel, columns, height, width):  # type: ignore[no-untyped-def]
    """First and past pixel of the run in one row and block that a pixel is of, the block, and where there it begins.

    Asked for once a run: division is slow, and most pixels are in the run of the one before.
    """
    row = pixel // columns
    down, right = row // height, (pixel - row * columns) // width
    begin = row * columns + right * width
    past = row * columns + min(columns, (right + 1) * width)
    within = (row - down * height) * min(width, columns - right * width)
    return begin, past, down * -(-columns // width) + right, within


@compiled
def _mark(pixel, width, rank):  # type: ignore[no-untyped-def]
    """Set the rank of every touched square to 0."""
    for k in range(len(pixel)):
        row = pixel[k] // width
        rank[row // 2 * (width // 2) + (pixel[k] - row * width) // 2] = 0


@compiled
def _pack(pixel, width, rank, cells, packed):  # type: ignore[no-untyped-def]
    for k in range(len(pixel)):
        row = pixel[k] // width
        column = pixel[k] - row * width
        packed[k] = row % 2 * 2 * cells + 2 * rank[row // 2 * (width // 2) + column // 2] + column % 2


@compiled
def _split(first, pixel, fraction, columns, height, width, free):  # type: ignore[no-untyped-def]
    """Sort the entries by block; `free` says where a block's next entry goes. Blocks at the right edge are narrower."""
    parcels = np.empty(len(pixel), np.int32)
    local = np.empty(len(pixel), np.int32)
    fractions = np.empty(len(pixel), np.float32)
    begin, past, block, within = 0, 0, 0, 0
    for parcel in range(len(first) - 1):
        for k in range(first[parcel], first[parcel + 1]):
            if pixel[k] < begin or pixel[k] >= past:
                begin, past, block, within = _run_of(pixel[k], columns, height, width)
            at = free[block]
            free[block] += 1
            parcels[at] = parcel
            local[at] = within + pixel[k] - begin
            fractions[at] = fraction[k]
    return parcels, local, fractions
