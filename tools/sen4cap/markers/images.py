"""Images that markers are taken from: L2A scenes, L3B products and Sentinel-1 passes, all read in the same way."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

import numpy as np
import pystac
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from .. import l3b
from ..bands import REFLECTANCE, band_assets, wanted_assets
from ..coverage import Block as Pixels
from ..errors import BadInput
from ..grid import Grid
from ..lai.folded import fold
from ..lai.kernel import biophysical, statuses
from ..lai.networks import VARIABLES as ESTIMATES
from ..lai.networks import bands_of, network_for
from ..marker_names import SCALE, Marker
from ..progress import say
from ..rasters import block_shape, is_nodata, nodata_of, open_raster, read_window
from ..scene import Block, Scene
from ..stac import asset_path, day_of, orbit_of, tile_of
from .kernel import normalised_difference, polarisation_ratio

INDICES = {"NDVI": ("B08", "B04"), "NBR2": ("B11", "B12")}
"""Normalised differences by the bands they are made of."""

RADAR = ("AMP", "RATIO")


@dataclass(frozen=True)
class Settings:
    """What the user asked for.

    Attributes
    ----------
    variables : tuple of str
        LAI, FAPAR, FCOVER, `INDICES`, `RADAR` and names of bands, which become columns of type L2A.
    network : str
        Out of `lai.networks.NAMES`.
    clear_classes : tuple of int
        Scene classes that are clear land.
    """

    variables: tuple[str, ...]
    network: str
    clear_classes: tuple[int, ...]


@dataclass(frozen=True)
class Reading:
    """What an image shows of a block.

    Attributes
    ----------
    values : (variable, row, column)
        The pixels of the window, or as many of them as parcels touch.
    usable : (row, column)
    pixel : (entry,) int32
        Where each entry of the block lies in the flat pixels of `values`.
    """

    values: NDArray[Any]
    usable: NDArray[np.bool_]
    pixel: NDArray[np.int32]


class Image(Protocol):
    """One item, opened.

    Attributes
    ----------
    grid : Grid
    window_shape : (int, int)
        Rows and columns that are best read at a time.
    nodata : float
        Number that means no data in what `read` gives.
    scales, offsets : (variable,)
        Raster units = scale * value + offset.
    """

    grid: Grid
    window_shape: tuple[int, int]
    nodata: float
    scales: NDArray[np.float64]
    offsets: NDArray[np.float64]

    def read(self, block: Pixels) -> Reading:
        """Values of the block's window in the order of the source's markers; may be called by several threads."""

    def finish(self) -> None:
        """Tell the user what was strange, after all windows were read."""

    def __enter__(self) -> Image: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@dataclass(frozen=True)
class Source:
    """One item, what it is and what is taken from it.

    Attributes
    ----------
    item : pystac.Item
    kind : str
        ``L2A``, ``L3B`` or ``S1``.
    markers : tuple of Marker
        Means that it gives; empty where it has nothing that is wanted.
    """

    item: pystac.Item
    kind: str
    markers: tuple[Marker, ...]

    @property
    def is_radar(self) -> bool:
        """Whether the radar's inner buffer applies."""
        return self.kind == "S1"

    def open(self, settings: Settings) -> Image:
        """Open the item's files.

        Raises
        ------
        BadInput, RemoteFailure
            A band is missing, a file cannot be read or does not fit the others.
        """
        if self.kind == "L2A":
            return SceneImage(self.item, self.markers, settings)
        if self.kind == "L3B":
            return ProductImage(self.item, self.markers)
        return RadarImage(self.item, self.markers)


def kind_of(item: pystac.Item) -> str:
    """Tell what an item is by its assets: ``L3B``, ``S1``, ``L2A``, or nothing where it is none of them."""
    names = band_assets(item).keys()
    if names & set(l3b.VALUE_KEYS.values()):
        return "L3B"
    if names & {"VV", "VH"}:
        return "S1"
    return "L2A" if names & set(REFLECTANCE) else ""


def markers_of(item: pystac.Item, kind: str, variables: Sequence[str]) -> tuple[Marker, ...]:
    """Means that an item gives, out of the variables that are wanted."""
    names = band_assets(item).keys()
    day, tile, orbit = day_of(item), tile_of(item), orbit_of(item)
    if kind == "L3B":
        return tuple(Marker(day, name) for name in variables if l3b.VALUE_KEYS.get(name) in names)
    if kind == "S1":
        amplitudes = [Marker(day, "AMP", pol=pol, orbit=orbit) for pol in ("VV", "VH") if pol in names]
        ratio = [Marker(day, "RATIO", orbit=orbit)] if {"VV", "VH"} <= names else []
        return tuple([*(amplitudes if "AMP" in variables else []), *(ratio if "RATIO" in variables else [])])
    return tuple(
        Marker(day, "L2A", tile=tile, band=name) if name in REFLECTANCE else Marker(day, name)
        for name in variables
        if name not in RADAR
    )


class SceneImage:
    """An L2A scene: variables are computed from its bands while it is read; no raster is written."""

    def __init__(self, item: pystac.Item, markers: Sequence[Marker], settings: Settings) -> None:
        self._names = [marker.band or marker.type for marker in markers]
        estimates = [name for name in self._names if name in ESTIMATES]
        bands = [*(bands_of(settings.network) if estimates else ())]
        for name in self._names:
            bands += INDICES.get(name, (name,) if name in REFLECTANCE else ())
        self._scene = Scene.open(item, bands, angles=bool(estimates))
        self.grid = self._scene.grid
        first = self._scene.windows()[0]
        self.window_shape = int(first.height), int(first.width)
        self.nodata = np.nan
        self.scales = np.array([SCALE[marker.type] for marker in markers])
        self.offsets = np.zeros(len(markers))
        self._table = l3b.status_table(settings.clear_classes)
        self._negative: list[NDArray[np.int64]] = []
        self._folded = None
        if estimates:
            network = network_for(settings.network, str(item.properties.get("platform", "")), where=f"item {item.id}")
            scene = self._scene
            self._folded = fold(network, estimates, fine=scene.fine, coarse=scene.coarse, scaling=scene.scaling)

    def read(self, block: Pixels) -> Reading:
        """Values in physical units of the 20 m pixels that parcels touch; clear land with data in all bands is usable.

        The others are read, too, but nothing is computed for them.
        """
        numbers = self._scene.read_cells(block.window, block.cells)
        self._negative.append(self._scene.negative_vegetation(numbers))
        values = np.empty((len(self._names), 2, 2 * len(block.cells)), np.float32)
        if self._folded:
            estimates = biophysical(numbers.fine, numbers.coarse, numbers.cosines, self._folded)
            for name, estimate in zip(self._folded.variables, estimates, strict=True):
                values[self._names.index(name)] = estimate
        for index, name in enumerate(self._names):
            if name not in ESTIMATES:
                values[index] = self._from_bands(numbers, name)
        usable = statuses(numbers.fine, numbers.coarse, numbers.scl, self._table) == l3b.LAND
        return Reading(values, usable, block.packed)

    def _from_bands(self, block: Block, name: str) -> NDArray[np.float32]:
        if name not in INDICES:
            return self._scene.reflectance(block, name)
        bands = INDICES[name]
        if any(band in self._scene.fine for band in bands):
            return normalised_difference(*(self._scene.reflectance(block, band) for band in bands))
        index = normalised_difference(*(self._scene.stored_reflectance(block, band) for band in bands))
        return index.repeat(2, axis=0).repeat(2, axis=1)

    def finish(self) -> None:
        """Tell where the reflectance offset looks wrong."""
        self._scene.warn_of_offset(np.sum([np.zeros(2, np.int64), *self._negative], axis=0))

    def __enter__(self) -> SceneImage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scene.close()


class _Rasters:
    """Rasters of one item on one grid."""

    def __init__(self, item: pystac.Item, names: Sequence[str]) -> None:
        self.item = item
        self._stack = contextlib.ExitStack()
        self._handles = threading.local()
        self.files: dict[str, DatasetReader] = {}
        try:
            for name, asset in wanted_assets(item, list(names)).items():
                self.files[name] = self._stack.enter_context(open_raster(asset_path(asset), item=item))
            self._handles.files = self.files
            grids = {name: Grid.of(file) for name, file in self.files.items()}
            self.grid = grids[names[0]]
            for name, grid in grids.items():
                if grid != self.grid:
                    raise BadInput(
                        self.files[name].name,
                        f"has other pixels than {self.files[names[0]].name}: {grid.shape}, {tuple(grid.transform)[:6]}",
                    )
        except BaseException:
            self._stack.close()
            raise
        self.window_shape = block_shape(self.files[names[0]])

    def window(self, name: str, window: Window) -> NDArray[Any]:
        """Numbers of one raster, by the handle that this thread has of it: GDAL's must not be shared."""
        files: dict[str, DatasetReader] = self._handles.__dict__.setdefault("files", {})
        if name not in files:
            files[name] = self._stack.enter_context(open_raster(self.files[name].name, item=self.item))
        return read_window(files[name], window, item=self.item)

    def finish(self) -> None:
        """Nothing to tell."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


class ProductImage(_Rasters):
    """An L3B product: integer codes; clear land by its status flags, or all pixels with data where it has none."""

    def __init__(self, item: pystac.Item, markers: Sequence[Marker]) -> None:
        self._keys = [l3b.VALUE_KEYS[marker.type] for marker in markers]
        self._flags = l3b.STATUS_KEY if l3b.STATUS_KEY in band_assets(item) else ""
        super().__init__(item, [*self._keys, *([self._flags] if self._flags else [])])
        self.nodata = nodata_of(self.files[self._keys[0]], l3b.NODATA)
        factors = np.array([SCALE[marker.type] for marker in markers])
        scaling = [self._scaling(key) for key in self._keys]
        self.scales = np.array([scale for scale, _ in scaling]) * factors
        self.offsets = np.array([offset for _, offset in scaling]) * factors

    def _scaling(self, key: str) -> tuple[float, float]:
        """Scale and offset of a layer: the item's, else the file's, else the product's."""
        fields = (self.item.assets[key].extra_fields.get("raster:bands") or [{}])[0]
        if "scale" in fields:
            return float(fields["scale"]), float(fields.get("offset", 0.0))
        file = self.files[key]
        return (file.scales[0], file.offsets[0]) if file.scales[0] != 1 else (l3b.SCALE, 0.0)

    def read(self, block: Pixels) -> Reading:
        """Codes of a window; pixels flagged as land are usable."""
        window = block.window
        values = np.empty((len(self._keys), window.height, window.width), self.files[self._keys[0]].dtypes[0])
        for layer, key in zip(values, self._keys, strict=True):
            layer[...] = self.window(key, window)
            own = nodata_of(self.files[key], l3b.NODATA)
            if own != self.nodata:
                layer[is_nodata(layer, own)] = self.nodata
        usable = self.window(self._flags, window) == l3b.LAND if self._flags else np.ones(values.shape[1:], bool)
        return Reading(values, usable, block.pixel)

    def __enter__(self) -> ProductImage:
        return self


class RadarImage(_Rasters):
    """A Sentinel-1 pass: VV and VH as the rasters hold them, and their ratio in dB. 0 and NaN are no data."""

    def __init__(self, item: pystac.Item, markers: Sequence[Marker]) -> None:
        self._wanted = [marker.pol for marker in markers]
        super().__init__(item, ["VV", "VH"] if "" in self._wanted else self._wanted)
        self.nodata = np.nan
        self.scales, self.offsets = np.ones(len(markers)), np.zeros(len(markers))
        self._unit = self._said_unit()
        self._decibel = self._unit in ("", "db")
        self._positive: list[NDArray[np.int64]] = []

    def _said_unit(self) -> str:
        """Unit that the assets or the files declare, in lower case; empty where none does."""
        for name, asset in band_assets(self.item).items():
            if name in self.files:
                bands = asset.extra_fields.get("raster:bands") or asset.extra_fields.get("bands") or [{}]
                said = asset.extra_fields.get("unit") or bands[0].get("unit") or self.files[name].units[0]
                if said:
                    return str(said).strip().lower()
        return ""

    def read(self, block: Pixels) -> Reading:
        """Values of a window; every pixel is usable, no data is NaN."""
        found = {}
        for name, file in self.files.items():
            numbers = self.window(name, block.window)
            values = numbers.astype(np.float32)
            values[is_nodata(numbers, nodata_of(file, 0.0)) | (numbers == 0)] = np.nan
            found[name] = values
        if "VV" in found and "VH" in found:
            found[""] = polarisation_ratio(found["VV"], found["VH"], decibel=self._decibel)
            seen = np.isfinite(found[""])
            self._positive.append(np.array([(found["VH"][seen] > 0).sum(), seen.sum()]))
        layers = np.stack([found[pol] for pol in self._wanted])
        return Reading(layers, np.ones(layers.shape[1:], bool), block.pixel)

    def finish(self) -> None:
        """Tell where numbers without a unit cannot be dB."""
        positive, seen = np.sum([np.zeros(2, np.int64), *self._positive], axis=0).tolist()
        if not self._unit and "" in self._wanted and positive > seen / 2:
            say(
                f"item {self.item.id}: VH is mostly positive and no unit is declared; RATIO takes it for dB: "
                "declare the assets' unit (dB or 1)"
            )

    def __enter__(self) -> RadarImage:
        return self
