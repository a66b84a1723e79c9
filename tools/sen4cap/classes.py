"""The two classes of the winter-cover-crop layer: their codes, and how every map names and colours them."""

from __future__ import annotations

from typing import Final

WCC: Final = 1
"""Code of a parcel with a winter cover crop in the season."""
NWCC: Final = 2
"""Code of a parcel without one."""
OTHER: Final = 0
"""Code, in arrays only, of a parcel that is not classified; files hold an empty cell or NULL."""

NAMES: Final[dict[int, str]] = {WCC: "WCC", NWCC: "NWCC", OTHER: "other"}
"""Short names, as in tables."""

LABELS: Final[dict[int, str]] = {
    WCC: "Winter cover crop",
    NWCC: "No winter cover crop",
    OTHER: "Other agricultural parcels (unclassified)",
}
"""What a legend says; a season is added by `label`."""

COLOURS: Final[dict[int, str]] = {WCC: "#1b7f5c", NWCC: "#e69f00", OTHER: "#d9d9d9"}
"""Fill colours: bluish green, orange and light grey, told apart by colour-blind readers and in greyscale
(after Okabe and Ito 2008; the green darkened so that lightness differs too)."""

OUTLINE: Final = "#4d4d4d"
"""Colour of parcel boundaries."""


def label(code: int, year: int) -> str:
    """Legend text of a class with its season: ``Winter cover crop during the season (2021)``."""
    return LABELS[code] if code == OTHER else f"{LABELS[code]} during the season ({year})"
