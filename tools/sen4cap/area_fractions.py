"""Exact area fractions of polygons on a raster grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window

from .compiled import compiled, in_order
from .coverage import Block
from .grid import Grid

LEAST_FRACTION = 1e-9
"""Fractions up to this are rounding, not area."""

_CELLS_A_STRIP = 1 << 20


def cover(
    shapes: NDArray[np.object_] | Sequence[shapely.Geometry], grid: Grid, *, height: int, width: int, threads: int
) -> list[Block]:
    """Exact area fractions of polygons on a grid, whatever the direction of their rings, window by window.

    Every edge adds, to each pixel it crosses, the area between itself and the pixel's right side, signed by its
    direction, and its height to all pixels further right; a running sum along the row then is the covered area
    (signed-area accumulation, as font rasterisers do it). No pixel is tested against a polygon. Each window's part of
    the polygons is drawn by itself.

    Parameters
    ----------
    shapes : (parcel,)
        Polygons and multipolygons, valid, in the grid's CRS; empty ones cover nothing.
    grid
        Where the pixels lie; what is outside is cut off.
    height, width
        Rows and columns of a window, counted from the grid's corner; fewer than 2**31 pixels.
    threads
        As the option `--threads`; the result does not depend on it.

    Returns
    -------
    list of Block
        Row by row; only those with parcels.
    """
    shapes = np.asarray(shapes, object)
    # NaN where there is no shape, which no comparison holds for.
    west, south, east, north = shapely.bounds(shapes).reshape(-1, 4).T
    left, right = (west - grid.transform.c) / grid.transform.a, (east - grid.transform.c) / grid.transform.a
    top, bottom = (north - grid.transform.f) / grid.transform.e, (south - grid.transform.f) / grid.transform.e

    def work(window: Window) -> Block | None:
        across = (left < window.col_off + window.width) & (right > window.col_off)
        down = (top < window.row_off + window.height) & (bottom > window.row_off)
        near = np.flatnonzero(across & down)
        if not len(near):
            return None
        counts, pixel, fraction = _drawn(shapes[near], grid, window)
        there = counts > 0
        first = np.concatenate([[0], np.cumsum(counts[there])])
        return Block(window, near[there].astype(np.int32), first, pixel, fraction) if len(pixel) else None

    return [block for block in in_order(work, grid.windows(height, width), threads=threads) if block]


def _drawn(
    shapes: NDArray[np.object_], grid: Grid, window: Window
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Pixel counts, pixels (positions in the window) and fractions of polygons, none of them empty."""
    xy, rings, parts, wholes = _rings(shapes)
    xy = np.column_stack(
        [(xy[:, 0] - grid.transform.c) / grid.transform.a, (xy[:, 1] - grid.transform.f) / grid.transform.e]
    )
    place = np.array([window.row_off, window.col_off, window.height, window.width], np.int64)
    room = np.empty(1 << 16, np.int32), np.empty(1 << 16, np.float32)
    found: tuple[NDArray, NDArray, NDArray] = _cover(xy, rings, parts, wholes, place, *room)
    return found


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
def _cover(xy, rings, parts, wholes, place, pixel, fraction):  # type: ignore[no-untyped-def]
    """Pixel counts, pixels and fractions of every multipolygon; `xy` in (column, row) units of the grid.

    `place` are the first row and column, the rows and the columns of the window that is drawn.
    """
    row0, column0, rows, columns = place
    counts = np.zeros(len(wholes) - 1, np.int64)
    signs = _signs(xy, rings, parts)
    cells = np.zeros(1 << 12)
    n = 0
    for i in range(len(wholes) - 1):
        ring, past = parts[wholes[i]], parts[wholes[i + 1]]
        low, high = rings[ring], rings[past]
        if low == high:
            continue
        left = max(column0, int(np.floor(xy[low:high, 0].min())))
        width = min(column0 + columns, int(np.ceil(xy[low:high, 0].max()))) - left
        top = max(row0, int(np.floor(xy[low:high, 1].min())))
        bottom = min(row0 + rows, int(np.ceil(xy[low:high, 1].max())))
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
            corner = (base - row0) * columns + left - column0
            more = _collect(cells, height, width, corner, columns, pixel[n:], fraction[n:])
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
