"""Maps of parcels: exact outlines of some thousands, a grid of a whole country's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio.features
import shapely
from affine import Affine
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PathCollection
from matplotlib.colors import Colormap, Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Polygon, Rectangle
from matplotlib.path import Path as Outline
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray
from pyproj import CRS

from ..classes import COLOURS, NWCC, OTHER, OUTLINE, WCC, label
from .figures import DPI, INK, MONTHS, QUIET, day_number, new_figure
from .kernel import EMPTY, date_quantiles, dominant_classes, map_extent, mean_values, nice_length

MOST_OUTLINES = 20_000
"""More parcels than this are drawn as a grid, in time that hardly depends on their number."""
WIDTH = 8.6
MARGIN, TOP, LEGEND = 0.62, 0.62, 1.25
STRAY_REACH, STRAY_SHARE = 5.0, 0.005
SMALL_PIXELS, LARGE_PIXELS = 0.25, 16.0
"""On a grid, a parcel of fewer pixels than the first is drawn by its centre and area alone, another by its shape."""
DATES = "viridis"
NO_DATE = "#d9d9d9"
ALONE = "#f4f4f4"


@dataclass(frozen=True)
class Sheet:
    """Parcels prepared to be drawn in several maps.

    Attributes
    ----------
    extent : (4,)
        West, south, east, north of the map, in units of the CRS.
    outside : int
        Parcels that lie far outside and are left out of the picture.
    crs : CRS
    aspect : float
        Height on paper of one unit northwards over the width of one unit eastwards.
    metres : float
        Metres per unit eastwards.
    outlines : list of Outline, or None
        Paths of the parcels; None where they are drawn as a grid.
    pixel : (parcel,) int64
        For a grid: flat index of the pixel of each parcel's centre; -1 outside.
    large : (rows, cols) int32
        For a grid: row of the parcel that covers a pixel's centre; -1 where none of some size does.
    area : (parcel,)
        In square units.
    """

    extent: NDArray[np.float64]
    outside: int
    crs: CRS
    aspect: float
    metres: float
    outlines: list[Outline] | None
    pixel: NDArray[np.int64]
    large: NDArray[np.int32]
    area: NDArray[np.float64]

    @classmethod
    def of(cls, frame: gpd.GeoDataFrame, *, most_outlines: int) -> Sheet:
        """Prepare parcels; more than `most_outlines` become a grid."""
        shapes = frame.geometry.to_numpy()
        extent, outside = map_extent(shapely.bounds(shapes), reach=STRAY_REACH, most=STRAY_SHARE)
        crs = CRS(frame.crs)
        middle = np.radians((extent[1] + extent[3]) / 2)
        aspect = 1.0 if crs.is_projected else float(1 / np.cos(middle))
        metres = crs.axis_info[0].unit_conversion_factor if crs.is_projected else float(111_320 * np.cos(middle))
        extent = _with_margin(extent, aspect)
        area = shapely.area(shapes)
        if len(shapes) <= most_outlines:
            none = np.zeros(0, np.int64)
            return cls(extent, outside, crs, aspect, metres, _outlines(shapes), none, np.zeros((0, 0), np.int32), area)
        shape = _pixels(extent, aspect)
        pixel, large = _grid(shapes, area, extent, shape)
        return cls(extent, outside, crs, aspect, metres, None, pixel, large, area)

    @property
    def tall(self) -> float:
        """Height of the map over its width, on paper."""
        west, south, east, north = self.extent
        return float((north - south) * self.aspect / (east - west))

    def draw_classes(self, axes: Axes, codes: NDArray[np.uint8]) -> None:
        """Draw parcels in the colour of their class, cover crops on top."""
        if self.outlines is None:
            self._draw_image(axes, self._class_image(codes))
            return
        for code in (OTHER, NWCC, WCC):
            self._draw_outlines(axes, self.outlines, codes == code, [COLOURS[code]])

    def draw_values(
        self, axes: Axes, values: NDArray[np.float64], colours: Colormap, norm: Normalize, *, among: NDArray[np.bool_]
    ) -> None:
        """Draw numbers by colour; parcels of `among` without a number grey, all others almost white."""
        known = np.isfinite(values)
        if self.outlines is None:
            self._draw_image(axes, self._value_image(values, colours, norm, among=among))
            return
        self._draw_outlines(axes, self.outlines, ~among & ~known, [ALONE])
        self._draw_outlines(axes, self.outlines, among & ~known, [NO_DATE], hatch="....")
        self._draw_outlines(axes, self.outlines, known, colours(norm(values[known])))

    def _draw_outlines(
        self,
        axes: Axes,
        outlines: Sequence[Outline],
        chosen: NDArray[np.bool_],
        colours: Sequence[object] | NDArray,
        *,
        hatch: str = "",
    ) -> None:
        rows = np.flatnonzero(chosen)
        if not len(rows):
            return
        # Outlines thinner than the parcels they surround; where parcels are specks, their own colour widens them.
        inches = np.sqrt(np.median(self.area)) * (WIDTH - 2 * MARGIN) / (self.extent[2] - self.extent[0])
        edge: object = OUTLINE if inches > 0.08 else "face"
        width = float(np.clip(6 * inches, 0.25, 0.8)) if inches > 0.08 else 0.7
        axes.add_collection(
            PathCollection(
                [outlines[row] for row in rows.tolist()],
                facecolors=list(colours),
                edgecolors=edge,
                linewidths=width,
                hatch=hatch or None,
            )
        )

    def _draw_image(self, axes: Axes, image: NDArray[np.float64]) -> None:
        west, south, east, north = self.extent
        axes.imshow(image, extent=(west, east, south, north), interpolation="nearest", aspect=self.aspect)

    def _class_image(self, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
        grid = dominant_classes(self.pixel, self.area, codes, pixels=self.large.size).reshape(self.large.shape)
        grid = np.where(self.large >= 0, codes[self.large], grid)
        table = np.ones((256, 4))
        for code, colour in COLOURS.items():
            table[code] = to_rgba(colour)
        table[EMPTY] = (1, 1, 1, 1)
        return table[grid]

    def _value_image(
        self, values: NDArray[np.float64], colours: Colormap, norm: Normalize, *, among: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        large = self.large
        some = dominant_classes(self.pixel, self.area, among.astype(np.uint8), pixels=large.size).reshape(large.shape)
        some = np.where(large >= 0, among[large].astype(np.uint8), some)
        grid = mean_values(self.pixel, self.area, values, pixels=large.size).reshape(large.shape)
        grid = np.where(large >= 0, values[large], grid)
        image = np.ones((*large.shape, 4))
        image[some == 0] = to_rgba(ALONE)
        image[some == 1] = to_rgba(NO_DATE)
        known = np.isfinite(grid)
        image[known] = colours(norm(grid[known]))
        return image


def draw_class_map(path: Path, sheet: Sheet, codes: NDArray[np.uint8], *, year: int, note: str) -> None:
    """Draw the map of classes with counts in its legend."""
    title = f"Winter cover crops, season {year}/{(year + 1) % 100:02d}"
    with _new_map(path, sheet, title, note) as (figure, axes):
        sheet.draw_classes(axes, codes)
        entries = [
            Patch(
                facecolor=COLOURS[code],
                edgecolor=OUTLINE,
                lw=0.6,
                label=f"{label(code, year)}: {spaced(int((codes == code).sum()))}",
            )
            for code in (WCC, NWCC, OTHER)
        ]
        _legend(figure, entries, left=MARGIN)


def draw_date_map(
    path: Path,
    sheet: Sheet,
    dates: NDArray[np.datetime64],
    *,
    among: NDArray[np.bool_],
    title: str,
    note: str,
) -> None:
    """Draw dates of the parcels of `among`, (parcel,), by a colour that grows lighter with time; NaT is grey."""
    known = among & ~np.isnat(dates)
    values = np.where(known, dates.astype("datetime64[D]").astype(float), np.nan)
    low, high = _whole_months(dates[known])
    norm, colours = Normalize(day_number(low), day_number(high)), colormaps[DATES]
    with _new_map(path, sheet, title, note) as (figure, axes):
        sheet.draw_values(axes, values, colours, norm, among=among)
        tall = figure.get_figheight()
        bar_axes = figure.add_axes((MARGIN / WIDTH, 0.92 / tall, 4.6 / WIDTH, 0.15 / tall))
        beyond = (bool((dates[known] < low).any()), bool((dates[known] > high).any()))
        extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[beyond]
        bar = figure.colorbar(ScalarMappable(norm, colours), cax=bar_axes, orientation="horizontal", extend=extend)
        ticks = _date_ticks(low, high)
        bar.set_ticks([day_number(day) for day in ticks], labels=[_day_name(day) for day in ticks])
        bar.outline.set_visible(False)
        entries = [
            Patch(
                facecolor=NO_DATE,
                edgecolor=OUTLINE,
                hatch="....",
                lw=0.6,
                label=f"no date found: {spaced(int((among & ~known).sum()))}",
            ),
            Patch(facecolor=ALONE, edgecolor=OUTLINE, lw=0.6, label=f"other parcels: {spaced(int((~among).sum()))}"),
        ]
        _legend(figure, entries, left=MARGIN, columns=2)


def spaced(number: int) -> str:
    """Whole number with a narrow space between thousands: 12 345."""
    return f"{number:,}".replace(",", "\u202f")


@contextmanager
def _new_map(path: Path, sheet: Sheet, title: str, note: str) -> Iterator[tuple[Figure, Axes]]:
    """Yield a figure and its axes with frame, title and coordinates; scale bar and north arrow come below."""
    across = WIDTH - 2 * MARGIN
    height = TOP + across * sheet.tall + LEGEND
    with new_figure(path, width=WIDTH, height=height) as figure:
        axes = figure.add_axes((MARGIN / WIDTH, LEGEND / height, across / WIDTH, across * sheet.tall / height))
        west, south, east, north = sheet.extent
        axes.set_xlim(west, east)
        axes.set_ylim(south, north)
        axes.set_aspect(sheet.aspect)
        _draw_frame(axes, sheet)
        figure.text(MARGIN / WIDTH, 1 - 0.14 / height, title, fontsize=13, fontweight="bold", va="top")
        outside = f"; {sheet.outside} far outside the frame" if sheet.outside else ""
        figure.text(MARGIN / WIDTH, 1 - 0.4 / height, note + outside, fontsize=8.5, color=QUIET, va="top")
        yield figure, axes
        _draw_scale(figure, sheet)


def _draw_frame(axes: Axes, sheet: Sheet) -> None:
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(True)
        axes.spines[side].set_linewidth(0.8)
    unit = "°" if sheet.crs.is_geographic else ""
    places = 0 if not unit else max(0, int(np.ceil(-np.log10((sheet.extent[2] - sheet.extent[0]) / 4))))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.{places}f}{unit}".replace(",", "\u202f")))
    axes.tick_params(labelsize=7.5, colors=QUIET, length=3, pad=2)
    axes.tick_params(axis="y", labelrotation=90)
    for text in axes.get_yticklabels():
        text.set_verticalalignment("center")


def _draw_scale(figure: Figure, sheet: Sheet) -> None:
    """Scale bar and north arrow in the strip below the map, on the right; nothing lies on the parcels."""
    height = figure.get_figheight()
    per_inch = (sheet.extent[2] - sheet.extent[0]) * sheet.metres / (WIDTH - 2 * MARGIN)
    length = nice_length(1.9 * per_inch)
    inches = length / per_inch
    right = WIDTH - MARGIN - 0.45
    left, low = right - inches, 0.42
    for at, colour in ((left, "white"), (left + inches / 2, INK)):
        figure.add_artist(
            Rectangle(
                (at / WIDTH, low / height),
                *(inches / 2 / WIDTH, 0.08 / height),
                facecolor=colour,
                edgecolor=INK,
                linewidth=0.9,
                transform=figure.transFigure,
            )
        )
    named = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    figure.text(left / WIDTH, (low + 0.13) / height, "0", fontsize=8.5, ha="center")
    figure.text(right / WIDTH, (low + 0.13) / height, named, fontsize=8.5, ha="center")
    at = WIDTH - MARGIN - 0.06
    arrow = [(at, low + 0.42), (at - 0.09, low), (at, low + 0.1), (at + 0.09, low)]
    figure.add_artist(
        Polygon([(x / WIDTH, y / height) for x, y in arrow], color=INK, lw=0, transform=figure.transFigure)
    )
    figure.text(at / WIDTH, (low + 0.45) / height, "N", fontsize=9, ha="center", fontweight="bold")
    code = sheet.crs.to_epsg()
    known = f"{sheet.crs.name} (EPSG:{code})" if code else sheet.crs.name
    figure.text((WIDTH - MARGIN) / WIDTH, 0.16 / height, known, fontsize=8, color=QUIET, ha="right")


def _legend(figure: Figure, entries: list[Patch], *, left: float, columns: int = 1) -> None:
    figure.legend(
        handles=entries,
        loc="lower left",
        bbox_to_anchor=((left - 0.08) / WIDTH, 0.06 / figure.get_figheight()),
        fontsize=9.5,
        ncols=columns,
        borderaxespad=0.0,
        labelspacing=0.45,
    )


def _with_margin(extent: NDArray[np.float64], aspect: float) -> NDArray[np.float64]:
    """Widen an extent by a margin, and further until the map is neither a ribbon nor a tower."""
    west, south, east, north = extent
    across, up = max(east - west, 1e-9), max((north - south) * aspect, 1e-9)
    longest = max(across, up)
    across, up = max(across, longest * 0.7) * 1.05, max(up, longest * 0.45) * 1.05
    middle = np.array([(west + east) / 2, (south + north) / 2])
    half = np.array([across / 2, up / 2 / aspect])
    return np.concatenate([middle - half, middle + half])


def _outlines(shapes: NDArray[np.object_]) -> list[Outline]:
    """One path a parcel, with its holes: normalised rings of opposite sense, filled by the non-zero rule."""
    paths = []
    for shape in shapely.normalize(shapes):
        rings, of_ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(shape)), return_index=True)
        codes = np.full(len(rings), Outline.LINETO, Outline.code_type)
        starts = np.flatnonzero(np.diff(of_ring, prepend=-1))
        codes[starts] = Outline.MOVETO
        codes[np.append(starts[1:] - 1, len(rings) - 1)] = Outline.CLOSEPOLY
        paths.append(Outline(rings, codes))
    return paths


def _pixels(extent: NDArray[np.float64], aspect: float) -> tuple[int, int]:
    """Rows and columns of a grid with one pixel a pixel of the picture."""
    columns = round((WIDTH - 2 * MARGIN) * DPI)
    return max(1, round(columns * (extent[3] - extent[1]) * aspect / (extent[2] - extent[0]))), columns


def _grid(
    shapes: NDArray[np.object_], area: NDArray[np.float64], extent: NDArray[np.float64], shape: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Pixel of each parcel's centre, and the parcel of some size that covers each pixel's centre."""
    rows, columns = shape
    west, south, east, north = extent
    across, up = (east - west) / columns, (north - south) / rows
    boxes = shapely.bounds(shapes)
    column = np.floor(((boxes[:, 0] + boxes[:, 2]) / 2 - west) / across).astype(np.int64)
    row = np.floor((north - (boxes[:, 1] + boxes[:, 3]) / 2) / up).astype(np.int64)
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    pixel = np.where(inside, row * columns + column, -1)
    grid = np.full(shape, -1, np.int32)
    middling = np.flatnonzero((area > SMALL_PIXELS * across * up) & (area <= LARGE_PIXELS * across * up))
    _cover(grid, shapes, middling, (boxes - (west, north, west, north)) / (across, -up, across, -up), extent)
    large = np.flatnonzero(area > LARGE_PIXELS * across * up)
    if len(large):
        rasterio.features.rasterize(
            zip(shapely.simplify(shapes[large], min(across, up) / 4), large, strict=True),
            out=grid,
            transform=Affine(across, 0.0, west, 0.0, -up, north),
        )
    return pixel, grid


def _cover(
    grid: NDArray[np.int32],
    shapes: NDArray[np.object_],
    chosen: NDArray[np.intp],
    boxes: NDArray[np.float64],
    extent: NDArray[np.float64],
) -> None:
    """Mark the pixels whose centres lie in parcels of a few pixels; for so small ones faster than rasterising.

    `boxes` are (west, south, east, north) of all parcels, counted in columns and rows from the north-west corner.
    """
    rows, columns = grid.shape
    west, south, east, north = extent
    left, top = np.ceil(boxes[chosen][:, [0, 3]] - 0.5).astype(np.int64).T
    right, bottom = np.floor(boxes[chosen][:, [2, 1]] - 0.5).astype(np.int64).T
    wide, tall = np.maximum(right - left + 1, 0), np.maximum(bottom - top + 1, 0)
    count = wide * tall
    which = np.repeat(np.arange(len(chosen)), count)
    place = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    column, row = left[which] + place % wide[which], top[which] + place // wide[which]
    held = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    which, column, row = which[held], column[held], row[held]
    x = west + (column + 0.5) * (east - west) / columns
    y = north - (row + 0.5) * (north - south) / rows
    inside = shapely.contains_xy(shapes[chosen[which]], x, y)
    grid[row[inside], column[inside]] = chosen[which[inside]]


def _whole_months(dates: NDArray[np.datetime64]) -> tuple[np.datetime64, np.datetime64]:
    """Half months that hold all dates but for the outermost two percent on either side."""
    if not len(dates):
        return np.datetime64("1970-01-01"), np.datetime64("1970-02-01")
    low, high = date_quantiles(dates, quantiles=(0.02, 0.98))
    first = low.astype("datetime64[M]").astype("datetime64[D]")
    first = first + 15 if low >= first + 15 else first
    month = high.astype("datetime64[M]")
    middle = month.astype("datetime64[D]") + 15
    last = middle if high <= middle else (month + 1).astype("datetime64[D]")
    return first, max(last, first + 15)


def _date_ticks(low: np.datetime64, high: np.datetime64) -> list[np.datetime64]:
    months = np.arange(low.astype("datetime64[M]"), high.astype("datetime64[M]") + 1)
    days = [day for month in months for day in (month.astype("datetime64[D]"), month.astype("datetime64[D]") + 15)]
    days = [day for day in days if low <= day <= high]
    if len(days) > 7:
        days = [day for day in days if day == day.astype("datetime64[M]").astype("datetime64[D]")]
    step = -(-len(days) // 9)
    return days[::step]


def _day_name(day: np.datetime64) -> str:
    when = day.astype(object)
    return f"{when.day} {MONTHS[when.month - 1]}\n{when.year}"
