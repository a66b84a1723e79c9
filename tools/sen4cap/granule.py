"""The granule metadata of a Sentinel-2 scene: its XML file with sun and view angles on a coarse grid."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np
import pystac
from affine import Affine
from numpy.typing import NDArray

from .bands import band_assets, baseline_in
from .errors import BadInput


@dataclass(frozen=True, eq=False)
class Granule:
    """What this suite takes from the granule metadata.

    Attributes
    ----------
    crs : str
        As ``EPSG:32631``.
    transform : Affine
        From (column, row) of the angle grid to (x, y); whole numbers are nodes, not cells.
    sun, view : (2, row, column)
        Zenith and azimuth, degrees; 23 x 23 nodes. View angles are averaged over bands and detectors; nodes that no
        detector saw take their neighbours' mean.
    baseline : float or None
        Processing baseline, 4.0 for 04.00.
    """

    crs: str
    transform: Affine
    sun: NDArray[np.float64]
    view: NDArray[np.float64]
    baseline: float | None


def granule_of(item: pystac.Item) -> Granule | None:
    """Granule metadata of an item, or None where it has no such asset.

    Raises
    ------
    BadInput
        The file cannot be read, or lacks angles.
    """
    asset = band_assets(item).get("GRANULE_XML")
    if asset is None:
        return None
    href = asset.get_absolute_href() or asset.href
    try:
        text = pystac.StacIO.default().read_text(href)
    except Exception as error:
        # Whatever the transport raises, the user has to know the same: which file, and why.
        raise BadInput(href, f"granule metadata of item {item.id} cannot be read ({error})") from error
    return parse_granule(text, where=href)


def parse_granule(text: str, *, where: object) -> Granule:
    """Granule metadata from the text of its XML.

    Raises
    ------
    BadInput
        It is no XML, or a part is missing; `where` names the file.
    """
    try:
        root = ElementTree.fromstring(text)
        geocoding = _only(root, "Tile_Geocoding")
        corner = _only(geocoding, "Geoposition")
        angles = _only(root, "Tile_Angles")
        sun_grid = _only(angles, "Sun_Angles_Grid")
        zenith = _only(sun_grid, "Zenith")
        step = float(_text(zenith, "COL_STEP")), float(_text(zenith, "ROW_STEP"))
        sun = np.stack([_values(zenith), _values(_only(sun_grid, "Azimuth"))])
        view = _mean_view(angles)
        crs = _text(geocoding, "HORIZONTAL_CS_CODE").upper()
        transform = Affine(step[0], 0, float(_text(corner, "ULX")), 0, -step[1], float(_text(corner, "ULY")))
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise BadInput(where, f"is no Sentinel-2 granule metadata ({error})") from error
    if sun.shape != view.shape or not np.isfinite(sun).any() or not np.isfinite(view).any():
        raise BadInput(where, f"has no usable angle grids (sun {sun.shape[1:]}, view {view.shape[1:]})")
    baseline = baseline_in(" ".join(element.text or "" for element in root.iter() if _name(element) == "TILE_ID"))
    return Granule(crs, transform, sun, view, baseline)


def mean_direction(azimuth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean azimuth along the first axis, degrees 0 to 360, NaN left out: 350 and 20 average to 5, not to 185."""
    radian = np.radians(azimuth)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a node without any detector
        mean = np.arctan2(np.nanmean(np.sin(radian), axis=0), np.nanmean(np.cos(radian), axis=0))
    return np.degrees(mean) % 360


def _mean_view(angles: ElementTree.Element) -> NDArray[np.float64]:
    grids = [element for element in angles.iter() if _name(element) == "Viewing_Incidence_Angles_Grids"]
    if not grids:
        raise LookupError("Viewing_Incidence_Angles_Grids")
    zenith = np.stack([_values(_only(grid, "Zenith")) for grid in grids])
    azimuth = np.stack([_values(_only(grid, "Azimuth")) for grid in grids])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.stack([np.nanmean(zenith, axis=0), mean_direction(azimuth)])


def _values(parent: ElementTree.Element) -> NDArray[np.float64]:
    rows = [element.text or "" for element in parent.iter() if _name(element) == "VALUES"]
    return np.array([[float(word) for word in row.split()] for row in rows], np.float64)


def _only(parent: ElementTree.Element, name: str) -> ElementTree.Element:
    for element in parent.iter():
        if _name(element) == name:
            return element
    raise LookupError(f"no {name}")


def _text(parent: ElementTree.Element, name: str) -> str:
    return (_only(parent, name).text or "").strip()


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
