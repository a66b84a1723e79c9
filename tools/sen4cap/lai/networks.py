"""The neural networks that turn Sentinel-2 reflectance into LAI, FAPAR and FCOVER."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput

VARIABLES = ("LAI", "FAPAR", "FCOVER")
ANGLES = ("cos(view_zenith)", "cos(sun_zenith)", "cos(sun_azimuth-view_azimuth)")
"""Inputs of every network after its bands, in this order."""

DEFAULT = "sen4cap-allbands"
TABLES = (
    "sen4cap-allbands",
    "sen4cap-rededge",
    "snap-3.0-s2a-20m",
    "snap-3.0-s2b-20m",
    "snap-3.0-s2a-10m",
    "snap-3.0-s2b-10m",
    "snap-2.1-20m",
)
PER_PLATFORM = ("snap-3.0-20m", "snap-3.0-10m")
"""Names that stand for the table of the platform that took the scene."""
NAMES = (*TABLES, *PER_PLATFORM)


@dataclass(frozen=True, eq=False)
class Perceptron:
    """The network of one variable: normalised inputs, five tanh neurons, a linear output.

    Attributes
    ----------
    variable : str
        ``LAI`` (m2/m2), ``FAPAR`` or ``FCOVER`` (0 to 1).
    norm : (input, 2)
        Minimum and maximum that normalise each input to -1 .. 1.
    w1, b1 : (neuron, input), (neuron,)
        Hidden layer.
    w2, b2 : (neuron,), float
        Output layer.
    denorm : (float, float)
        Minimum and maximum of the output before normalisation.
    low, high, tolerance : float
        Range of the variable, and how far outside it an output may lie.
    domain : (band, 2) or None
        Least and greatest reflectance the network was trained for, where published.
    clamps : bool
        Sen4CAP's rule (`bounded`), otherwise SNAP's.
    """

    variable: str
    norm: NDArray[np.float64]
    w1: NDArray[np.float64]
    b1: NDArray[np.float64]
    w2: NDArray[np.float64]
    b2: float
    denorm: tuple[float, float]
    low: float
    high: float
    tolerance: float
    domain: NDArray[np.float64] | None
    clamps: bool

    def raw(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Output before `bounded`, in float64: the plain reference that the compiled kernel is held against.

        Parameters
        ----------
        inputs : (..., input)
            Reflectances 0 to 1 in the network's band order, then the three cosines (`ANGLES`).

        Returns
        -------
        (...)

        Notes
        -----
        ATBD S2ToolBox Level 2 products (Weiss and Baret 2016), section 3: x* = 2 (x - min) / (max - min) - 1;
        h = tanh(b1 + W1 x*); y = 0.5 (b2 + W2 h + 1) (max - min) + min.
        """
        low, high = self.norm.T
        hidden = np.tanh(self.b1 + (2 * (inputs - low) / (high - low) - 1) @ self.w1.T)
        least, most = self.denorm
        return 0.5 * (self.b2 + hidden @ self.w2 + 1) * (most - least) + least

    def bounded(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Apply the output rule.

        Sen4CAP (`clamps`): below `low` - `tolerance` becomes `low`, above `high` + `tolerance` becomes `high`, all else
        stays as it is. SNAP: inside the tolerance clipped to [`low`, `high`], beyond it invalid (NaN).
        """
        beyond = (values < self.low - self.tolerance) | (values > self.high + self.tolerance)
        clipped = np.clip(values, self.low, self.high)
        return np.where(beyond, clipped, values) if self.clamps else np.where(beyond, np.nan, clipped)


@dataclass(frozen=True, eq=False)
class Network:
    """The networks of one name, one for each variable, all on the same inputs.

    Attributes
    ----------
    name : str
        Such as ``sen4cap-allbands``; never mix two in one series, they differ by up to 0.3 LAI.
    bands : tuple of str
        Inputs before the cosines, as ``B03``.
    clamps : bool
        Sen4CAP's output rule, otherwise SNAP's.
    variables : mapping of str to Perceptron
    """

    name: str
    bands: tuple[str, ...]
    clamps: bool
    variables: Mapping[str, Perceptron]


def network_for(name: str, platform: str, *, where: object) -> Network:
    """Network by name; names of `PER_PLATFORM` stand for the table made for the platform.

    Parameters
    ----------
    name
        One of `NAMES`.
    platform
        As a STAC item says it: ``sentinel-2a``; any case, ``S2A`` too. Only looked at for `PER_PLATFORM`.
    where
        What to name in a message: the item.

    Raises
    ------
    BadInput
        There is no table for the platform.
    """
    if name not in PER_PLATFORM:
        return load(name)
    letter = platform.strip().lower().removeprefix("sentinel-").removeprefix("s").removeprefix("2")
    if letter not in ("a", "b"):
        raise BadInput(
            where,
            f"is of platform {platform or 'unknown'!r}, and {name} has tables for sentinel-2a and sentinel-2b only",
            do="choose a network by its full name, the same for all items",
        )
    family, resolution = name.rsplit("-", 1)
    return load(f"{family}-s2{letter}-{resolution}")


def bands_of(name: str) -> tuple[str, ...]:
    """Bands that a network of `NAMES` reads, whatever the platform."""
    return load(name if name in TABLES else name.replace("snap-3.0-", "snap-3.0-s2a-")).bands


@cache
def load(name: str) -> Network:
    """Network of one of the `TABLES`.

    Raises
    ------
    KeyError
        No network has that name.
    """
    record = json.loads(files(__package__).joinpath("networks.json").read_text())["networks"][name]
    clamps = record["rule"] == "clamp"
    variables = {key: _perceptron(key, numbers, clamps) for key, numbers in record["variables"].items()}
    return Network(name, tuple(record["bands"]), clamps, MappingProxyType(variables))


def _perceptron(variable: str, numbers: Mapping[str, object], clamps: bool) -> Perceptron:
    def array(key: str) -> NDArray[np.float64]:
        return np.array(numbers[key], np.float64)

    least, most = array("denorm")
    has_domain = "domain_min" in numbers
    return Perceptron(
        variable,
        norm=array("norm"),
        w1=array("W1"),
        b1=array("b1"),
        w2=array("W2"),
        b2=float(array("b2")),
        denorm=(float(least), float(most)),
        low=float(array("out_min")),
        high=float(array("out_max")),
        tolerance=float(array("tolerance")),
        domain=np.stack([array("domain_min"), array("domain_max")], axis=1) if has_domain else None,
        clamps=clamps,
    )
