"""Numbers of the canopy model: what leaves, soils and residues do in the bands of Sentinel-2.

Bands are in the order of `BANDS`. Leaf constants are means over the bands (boxes of the nominal centre and width of
Sentinel-2A) of the PROSPECT-D tables of refractive index and specific absorption: Feret, Gitelson, Noble and Jacquemoud
2017, Remote Sens. Environ. 193, 204-215. Soil, residue and cloud levels are ours: soils lie where bare fields lie in
clear Sentinel-2 scenes of Flanders (NDVI 0.15 to 0.20, NBR2 0.03 to 0.08); residue and moisture raise NBR2 as described
by Hively et al. 2021 (Remote Sens. 13, 3718).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
FINE = ("B02", "B03", "B04", "B08")
COARSE = ("B05", "B06", "B07", "B8A", "B11", "B12")

REFRACTION = np.array([1.4889, 1.4700, 1.4466, 1.4440, 1.4379, 1.4341, 1.4345, 1.4345, 1.3541, 1.2935])

ABSORPTION = np.array(
    [
        [0.025001, 0.011427, 0.056315, 0.0093893, 0.00056151, 3.0413e-06, 0, 0, 0, 0],
        [0.10713, 0.0023243, 0, 0, 0, 0, 0, 0, 0, 0],
        [0.42568, 0.33702, 0.17016, 0.12009, 0.081733, 0.051255, 0.030093, 0.019198, 0, 0],
        [0.00023083, 0.00067828, 0.0039034, 0.0063722, 0.024905, 0.025973, 0.034992, 0.046207, 6.7485, 20.107],
        [2.8154, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 5.3997, 20.811],
    ]
)
"""(constituent, band): chlorophyll a+b (cm2/ug), carotenoids (cm2/ug), brown pigment (1), water (cm2/g), dry matter
(cm2/g)."""


@dataclass(frozen=True)
class Leaf:
    """What a leaf is made of.

    Attributes
    ----------
    structure : float
        Number of elementary plates.
    chlorophyll, carotenoids : float
        ug/cm2.
    brown : float
        Brown pigment, arbitrary units.
    water, dry_matter : float
        g/cm2.
    """

    structure: float
    chlorophyll: float
    carotenoids: float
    brown: float
    water: float
    dry_matter: float


BROWN_LEAF = Leaf(structure=1.8, chlorophyll=2.0, carotenoids=4.0, brown=0.9, water=0.002, dry_matter=0.006)
"""A dead leaf: brown, dry (ours, inside the ranges of Jacquemoud and Ustin 2019, Leaf Optical Properties)."""

GREEN_STRUCTURE, GREEN_WATER, GREEN_DRY_MATTER, CAROTENOIDS_PER_CHLOROPHYLL = 1.5, 0.014, 0.0045, 0.22
"""A living leaf of a crop; its chlorophyll is drawn (ours, the medians of the BV-NET training ranges)."""

SOILS: dict[str, NDArray[np.float64]] = {
    "silt loam": np.array([0.090, 0.122, 0.158, 0.172, 0.184, 0.196, 0.206, 0.214, 0.284, 0.264]),
    "loam": np.array([0.075, 0.103, 0.138, 0.150, 0.160, 0.170, 0.180, 0.187, 0.248, 0.229]),
    "sandy loam": np.array([0.098, 0.136, 0.182, 0.198, 0.211, 0.224, 0.236, 0.244, 0.322, 0.298]),
    "clay": np.array([0.062, 0.084, 0.112, 0.122, 0.131, 0.140, 0.149, 0.155, 0.208, 0.190]),
}
"""Reflectance of dry, smooth, bare topsoil."""

WET_FRACTION = np.array([0.62, 0.62, 0.63, 0.63, 0.63, 0.64, 0.64, 0.64, 0.56, 0.54])
"""Reflectance of saturated soil as a share of that of dry soil. Water darkens all bands, 2.2 um most (Lobell and Asner
2002, Soil Sci. Soc. Am. J. 66, 722-727): NBR2 rises with moisture, from 0.04 to about 0.06."""

STRAW = np.array([0.105, 0.150, 0.205, 0.232, 0.255, 0.275, 0.296, 0.312, 0.385, 0.290])
"""Fresh dry residue: cellulose and lignin absorb at 2.1 to 2.3 um, NBR2 about 0.14."""

WEATHERED = np.array([0.072, 0.100, 0.138, 0.158, 0.176, 0.193, 0.210, 0.224, 0.295, 0.248])
"""Residue after a wet winter: NBR2 about 0.09."""

ASPHALT = np.array([0.085, 0.098, 0.112, 0.118, 0.124, 0.130, 0.136, 0.140, 0.165, 0.158])
ROOFS = np.array([0.105, 0.120, 0.145, 0.155, 0.165, 0.175, 0.185, 0.190, 0.225, 0.205])
WATER = np.array([0.045, 0.048, 0.036, 0.032, 0.022, 0.020, 0.018, 0.016, 0.009, 0.006])
SNOW = np.array([0.86, 0.86, 0.85, 0.84, 0.83, 0.82, 0.80, 0.78, 0.13, 0.10])
CLOUD = np.array([0.72, 0.71, 0.71, 0.71, 0.71, 0.71, 0.71, 0.71, 0.52, 0.42])
"""Thick cloud above a dark ground."""

SHADOW_DIFFUSE = np.array([0.46, 0.38, 0.30, 0.28, 0.26, 0.24, 0.22, 0.21, 0.13, 0.10])
"""Share of the clear-sky reflectance that Sen2Cor still reports in the full shadow of a cloud: skylight alone."""
