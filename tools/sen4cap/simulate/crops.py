"""What grows on parcels: main crops of a rotation and cover crops (ours, after Flemish and Walloon practice)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Crop:
    """A main crop.

    Attributes
    ----------
    code : int
        Crop code of the parcels file.
    name, role : str
        Role as in the crop table: winter, spring, grass, permanent, other.
    harvest : (str, str)
        Usual first and last day of harvest, MM-DD; a first day after the last one runs into the next year.
    sowing : (str, str)
        Usual days of sowing; winter crops in the autumn before.
    peak : (float, float)
        Range of the largest green LAI.
    ripens : bool
        Whether it turns brown before harvest.
    residue : (float, float)
        Ground cover of dry residue after harvest.
    share_before, share_after : float
        Weight in rotations as the crop before and after the winter.
    cover_chance : float
        Chance that a cover crop follows when a spring-sown crop comes next.
    flatness : float
        Ratio of axes of its leaf-angle ellipsoid.
    """

    code: int
    name: str
    role: str
    harvest: tuple[str, str]
    sowing: tuple[str, str]
    peak: tuple[float, float]
    ripens: bool
    residue: tuple[float, float]
    share_before: float
    share_after: float
    cover_chance: float
    flatness: float


# fmt: off
CROPS = (
    Crop(311, "winter wheat", "winter", harvest=("07-18", "08-12"), sowing=("10-08", "11-20"), peak=(4.0, 6.0),
         ripens=True, residue=(0.35, 0.8), share_before=0.24, share_after=0.21, cover_chance=0.78, flatness=0.95),
    Crop(321, "winter barley", "winter", harvest=("07-02", "07-18"), sowing=("09-24", "10-12"), peak=(3.5, 5.5),
         ripens=True, residue=(0.3, 0.7), share_before=0.09, share_after=0.07, cover_chance=0.78, flatness=0.95),
    Crop(411, "winter rapeseed", "winter", harvest=("07-12", "07-28"), sowing=("08-22", "09-10"), peak=(3.5, 5.0),
         ripens=True, residue=(0.3, 0.6), share_before=0.03, share_after=0.02, cover_chance=0.4, flatness=1.4),
    Crop(322, "spring barley", "spring", harvest=("07-24", "08-14"), sowing=("03-01", "04-05"), peak=(3.0, 5.0),
         ripens=True, residue=(0.3, 0.6), share_before=0.05, share_after=0.06, cover_chance=0.75, flatness=0.95),
    Crop(43, "peas", "spring", harvest=("06-28", "07-25"), sowing=("03-10", "05-10"), peak=(3.0, 4.5),
         ripens=False, residue=(0.2, 0.4), share_before=0.04, share_after=0.04, cover_chance=0.7, flatness=1.2),
    Crop(921, "flax", "spring", harvest=("07-12", "08-05"), sowing=("03-20", "04-15"), peak=(2.5, 4.0),
         ripens=True, residue=(0.15, 0.35), share_before=0.03, share_after=0.03, cover_chance=0.65, flatness=1.0),
    Crop(904, "early potatoes", "spring", harvest=("07-08", "08-20"), sowing=("03-10", "04-10"), peak=(3.0, 5.0),
         ripens=False, residue=(0.03, 0.12), share_before=0.04, share_after=0.03, cover_chance=0.65, flatness=1.5),
    Crop(901, "potatoes", "spring", harvest=("08-28", "10-10"), sowing=("04-05", "05-12"), peak=(3.5, 5.5),
         ripens=False, residue=(0.03, 0.12), share_before=0.1, share_after=0.13, cover_chance=0.25, flatness=1.5),
    Crop(201, "silage maize", "spring", harvest=("09-08", "10-10"), sowing=("04-20", "05-22"), peak=(3.0, 5.0),
         ripens=False, residue=(0.08, 0.25), share_before=0.16, share_after=0.18, cover_chance=0.5, flatness=1.1),
    Crop(202, "grain maize", "spring", harvest=("10-05", "11-10"), sowing=("04-20", "05-18"), peak=(3.0, 4.5),
         ripens=True, residue=(0.6, 0.9), share_before=0.05, share_after=0.05, cover_chance=0.15, flatness=1.1),
    Crop(91, "sugar beet", "spring", harvest=("09-18", "11-30"), sowing=("03-18", "04-20"), peak=(3.5, 5.5),
         ripens=False, residue=(0.2, 0.45), share_before=0.1, share_after=0.11, cover_chance=0.08, flatness=1.4),
    Crop(951, "onions", "spring", harvest=("08-12", "09-12"), sowing=("03-05", "04-10"), peak=(2.0, 3.5),
         ripens=True, residue=(0.05, 0.2), share_before=0.02, share_after=0.02, cover_chance=0.55, flatness=0.7),
    Crop(931, "beans", "spring", harvest=("08-10", "09-25"), sowing=("05-25", "06-22"), peak=(2.5, 4.0),
         ripens=False, residue=(0.1, 0.3), share_before=0.03, share_after=0.04, cover_chance=0.45, flatness=1.4),
    Crop(953, "leek and cabbage", "other", harvest=("11-25", "03-20"), sowing=("06-01", "07-05"), peak=(2.0, 3.5),
         ripens=False, residue=(0.1, 0.3), share_before=0.02, share_after=0.01, cover_chance=0.0, flatness=1.2),
)
# fmt: on
"""Arable crops. Maize and sugar beet are the late harvests, leek the main crop that stands green in winter."""

# fmt: off
GRASS = Crop(60, "permanent grassland", "grass", harvest=("05-01", "10-31"), sowing=("09-01", "09-30"), peak=(3.0, 5.0),
         ripens=False, residue=(0.0, 0.0), share_before=0, share_after=0, cover_chance=0, flatness=0.9)
ORCHARD = Crop(9716, "orchard", "permanent", harvest=("08-25", "10-15"), sowing=("11-01", "11-30"), peak=(2.0, 3.2),
           ripens=False, residue=(0.0, 0.0), share_before=0, share_after=0, cover_chance=0, flatness=1.0)
# fmt: on
GRASS_SHARE, ORCHARD_SHARE = 0.13, 0.03


@dataclass(frozen=True)
class CoverCrop:
    """A species or mixture sown as a cover crop.

    Attributes
    ----------
    name : str
        Species.
    share_early, share_late : float
        Weight when sown until mid September, and later.
    peak : (float, float)
        Range of the LAI that it tends to.
    base : float
        Temperature at which growth stops, degree C.
    speed : (float, float)
        Relative growth, per degree C and day.
    kill : (float, float)
        Night minimum at which frost takes half of the green leaves of a stand, degree C.
    regrows : bool
        Whether it grows on after frost or a cut.
    flatness : float
        Ratio of axes of its leaf-angle ellipsoid.
    chlorophyll : (float, float)
        ug/cm2.
    """

    name: str
    share_early: float
    share_late: float
    peak: tuple[float, float]
    base: float
    speed: tuple[float, float]
    kill: tuple[float, float]
    regrows: bool
    flatness: float
    chlorophyll: tuple[float, float]


COVER_CROPS = (
    CoverCrop("white mustard", 0.30, 0.05, (2.0, 5.0), 3.0, (0.012, 0.018), (-8.0, -5.0), False, 1.3, (34, 50)),
    CoverCrop("phacelia", 0.12, 0.0, (1.8, 4.2), 4.0, (0.011, 0.016), (-9.0, -6.0), False, 1.1, (36, 52)),
    CoverCrop("oats", 0.10, 0.05, (1.8, 4.5), 2.5, (0.011, 0.015), (-12.0, -8.5), False, 0.9, (34, 48)),
    CoverCrop("fodder radish", 0.08, 0.0, (2.0, 4.5), 3.0, (0.012, 0.017), (-13.0, -9.0), True, 1.5, (36, 52)),
    CoverCrop("Italian ryegrass", 0.16, 0.28, (2.0, 5.0), 1.5, (0.010, 0.014), (-25.0, -18.0), True, 0.8, (36, 52)),
    CoverCrop("rye", 0.06, 0.55, (1.8, 4.5), 0.5, (0.010, 0.014), (-32.0, -24.0), True, 0.8, (36, 52)),
    CoverCrop("vetch and oats", 0.08, 0.05, (1.8, 4.2), 2.5, (0.010, 0.015), (-13.0, -9.0), True, 1.1, (38, 54)),
    CoverCrop("clover and grass", 0.10, 0.02, (1.5, 4.0), 2.0, (0.009, 0.013), (-22.0, -15.0), True, 1.2, (40, 56)),
)
