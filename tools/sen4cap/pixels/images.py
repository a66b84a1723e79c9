"""LAI and FCOVER codes of one date, from an L3B product or straight from an L2A scene: both give the same numbers."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np
import pystac
from numpy.typing import NDArray
from rasterio.windows import Window

from .. import l3b
from ..bands import band_assets, is_optical, wanted_assets
from ..errors import BadInput
from ..grid import Grid
from ..lai.folded import fold
from ..lai.kernel import biophysical, coded, statuses
from ..lai.networks import bands_of, network_for
from ..rasters import open_raster, read_window
from ..scene import Scene
from ..stac import asset_path, day_of

VARIABLES = ("LAI", "FCOVER")
KEYS = tuple(l3b.VALUE_KEYS[name] for name in VARIABLES)


@dataclass(frozen=True)
class Settings:
    """Network and clear scene classes, for L2A scenes."""

    network: str
    clear_classes: tuple[int, ...]


@dataclass(frozen=True)
class Image:
    """One item.

    Attributes
    ----------
    item : pystac.Item
    day : date
    is_product : bool
        L3B; otherwise L2A.
    """

    item: pystac.Item
    day: datetime.date
    is_product: bool

    def grid(self) -> Grid:
        """10 m grid; nothing but headers is read."""
        if self.is_product:
            with open_raster(self._path(KEYS[0]), item=self.item) as raster:
                return Grid.of(raster)
        with Scene.open(self.item, ["B04"], angles=False) as scene:
            return scene.grid

    def read(self, window: Window, settings: Settings) -> NDArray[np.int16]:
        """Codes (2, row, column) of LAI and FCOVER; `l3b.NODATA` where the pixel is no clear land."""
        return self._of_product(window) if self.is_product else self._of_scene(window, settings)

    def _of_product(self, window: Window) -> NDArray[np.int16]:
        held = band_assets(self.item)
        codes = np.stack([self._pixels(key, window) for key in KEYS]).astype(np.int16)
        if l3b.STATUS_KEY in held:
            codes[:, self._pixels(l3b.STATUS_KEY, window) != l3b.LAND] = l3b.NODATA
        return codes

    def _of_scene(self, window: Window, settings: Settings) -> NDArray[np.int16]:
        platform = str(self.item.properties.get("platform", ""))
        network = network_for(settings.network, platform, where=f"item {self.item.id}")
        with Scene.open(self.item, bands_of(settings.network)) as scene:
            block = scene.read(window)
            folded = fold(network, VARIABLES, fine=scene.fine, coarse=scene.coarse, scaling=scene.scaling)
        values = biophysical(block.fine, block.coarse, block.cosines, folded)
        status = statuses(block.fine, block.coarse, block.scl, l3b.status_table(settings.clear_classes))
        codes = np.stack([coded(value, status) for value in values])
        codes[:, status != l3b.LAND] = l3b.NODATA
        return codes

    def _pixels(self, key: str, window: Window) -> NDArray[Any]:
        with open_raster(self._path(key), item=self.item) as raster:
            return read_window(raster, window, item=self.item)

    def _path(self, key: str) -> str:
        return asset_path(wanted_assets(self.item, [key])[key])


def image_of(item: pystac.Item) -> Image | None:
    """Make an item readable; None where it holds neither LAI and FCOVER nor reflectance."""
    held = band_assets(item).keys()
    product = set(KEYS) <= held
    return Image(item, day_of(item), product) if product or is_optical(item) else None


def without_twins(images: list[Image]) -> list[Image]:
    """Images without the L2A scenes of days that a product tells."""
    days = {image.day for image in images if image.is_product}
    return [image for image in images if image.is_product or image.day not in days]


def check_grids(images: list[Image], grids: list[Grid]) -> Grid:
    """Return the one grid of all images.

    Raises
    ------
    BadInput
        They lie on several.
    """
    for image, grid in zip(images, grids, strict=True):
        if grid != grids[0]:
            raise BadInput(
                f"item {image.item.id}",
                f"has other pixels ({grid.crs}, {grid.shape}) than {images[0].item.id} "
                f"({grids[0].crs}, {grids[0].shape})",
                do="give the items of one tile, fetched over one area",
            )
    return grids[0]
