"""Draw the figures of docs/science.md from the results of `make demo`.

Usage: .venv/bin/python scripts/science_figures.py; with `--help` it says what can be chosen.
"""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sen4cap.marker_table import MarkerTable
from sen4cap.season import fall, templates
from sen4cap.season.fall import fall_posterior
from sen4cap.season.growth import growth_posterior
from sen4cap.season.looks import Calendar, clean, drop_partial, green_of
from sen4cap.season.stands import Stands, find_stands
from sen4cap.seasons import Season
from sen4cap.series import open_series
from sen4cap.simulate import draw_landscape
from sen4cap.smooth.kernel import BOUNDS, Smoothing, smooth_daily

GREEN, ORANGE, BLUE, GREY, BLACK = "#1b7f5c", "#e69f00", "#0072b2", "#9a9a9a", "#222222"
DATES, SMOOTH = 55, 130
"""NewID of the parcels shown, of the season of `make demo`."""


class Demo:
    """Looks and truth of the demonstration's season."""

    def __init__(self, folder: Path) -> None:
        results = folder / "wcc" / "report"
        self.series = open_series(results / "series.arrow")
        self.table = MarkerTable([results / "markers.ipc"])
        self.truth = pd.read_csv(folder / "sim" / "truth.csv", parse_dates=["emergence", "termination", "harvest"])
        self.start = self.series.day.to_numpy()[0].astype("datetime64[D]")
        self.days = self.series.sizes["day"]

    def index(self, text: str) -> int:
        """Column of a day of the series."""
        return int((np.datetime64(text) - self.start).astype(int))

    def looks(self, parcel: int) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        """Day indices, LAI, FCOVER and clear pixels of the looks of one parcel, (1, look) each but the first."""
        row = np.flatnonzero(self.table.ids == parcel)
        end = (self.start + self.days - 1).astype(object)
        lai, fcover = (
            self.table.looks(n, start=self.start.astype(object), end=end, rows=row) for n in ("LAI", "FCOVER")
        )
        at = (lai.days - self.start).astype(np.int64)
        return at, lai.mean, fcover.mean, lai.pixels


def termination_posterior(at: NDArray, green: NDArray, stands: Stands, calendar: Calendar, days: int) -> NDArray:
    """Probability of each day of the series, of the first parcel."""
    known = stands.last_top[0], stands.after[0], stands.base[0], stands.noise[0]
    mass, begin = fall_posterior(at, green[0], *known, cold=(calendar.winter, calendar.spring))
    whole = np.zeros(days)
    whole[begin : begin + len(mass)] = mass
    return whole


def draw_dates(demo: Demo, parcel: int, path: Path) -> None:
    """Looks of one parcel, the posteriors of its dates, and the truth."""
    at, lai, fcover, pixels = demo.looks(parcel)
    year = int(demo.series.attrs["season"])
    named = (f"{year}-08-01", f"{year + 1}-05-31", f"{year + 1}-01-31", f"{year}-11-01", f"{year + 1}-03-01")
    calendar = Calendar(*(demo.index(text) for text in named))
    raw = green_of(lai, fcover)
    green = clean(at, drop_partial(raw, pixels / pixels.max()), calendar=calendar)
    stands = find_stands(at, green, calendar=calendar)
    grown, ticks = (stands.low[0], stands.top[0], stands.base[0]), templates.clocks(demo.start, demo.days)
    events = {
        "emergence": (growth_posterior(at, green[0], *grown, ticks=ticks), GREEN),
        "termination": (termination_posterior(at, green, stands, calendar, demo.days), ORANGE),
    }
    when = demo.start + np.arange(demo.days)
    figure, (above, below) = plt.subplots(
        2, 1, sharex=True, figsize=(9, 4.8), height_ratios=(2, 1), layout="constrained"
    )
    kept, out = np.isfinite(green[0]), np.isfinite(raw[0]) & ~np.isfinite(green[0])
    above.plot(when[at[kept]], green[0][kept], "o", color=BLACK, ms=4, label="joint greenness of a clear look")
    above.plot(when[at[out]], raw[0][out], "x", color=GREY, ms=6, label="look left out: only missed cloud explains it")
    daily = 0.5 * (demo.series.LAI + 3.5 * demo.series.FCOVER).to_numpy()[np.flatnonzero(demo.table.ids == parcel)[0]]
    above.plot(when, daily, "-", color=GREY, lw=1, label="smoothed; the dates do not come from it")
    above.set_ylabel("(LAI + 3.5 FCOVER) / 2")
    truth = demo.truth.set_index("NewID").loc[parcel]
    for name, (mass, colour) in events.items():
        below.fill_between(when, mass, step="mid", color=colour, alpha=0.7, label=f"posterior of {name}")
        for axis in (above, below):
            axis.axvline(truth[name], color=colour, lw=1.2, ls="--", label=f"true {name}" if axis is above else None)
    below.set_ylabel("probability a day")
    below.legend(frameon=False, fontsize=8)
    above.legend(frameon=False, fontsize=8)
    below.set_xlim(np.datetime64(f"{year}-07-15"), np.datetime64(f"{year + 1}-06-15"))
    above.set_title(f"Parcel {parcel}: {truth['cover_crop']}, ended by {truth['termination_kind']}", fontsize=10)
    _finish(figure, below, path)


def draw_smooth(demo: Demo, parcel: int, path: Path) -> None:
    """The same looks under three penalties, and with the envelope or without."""
    at, lai, _, pixels = demo.looks(parcel)
    when = demo.start + np.arange(demo.days)
    low, high = BOUNDS["LAI"]
    figure, axis = plt.subplots(figsize=(9, 3.4), layout="constrained")
    axis.scatter(when[at], lai[0], s=4 + 36 * pixels[0] / pixels[0].max(), color=BLACK, label="look; size: share seen")
    for roughness, robust, colour, style in (
        (10.0, "envelope", BLUE, "-"),
        (300.0, "envelope", GREEN, "-"),
        (300.0, "none", GREEN, ":"),
        (10000.0, "envelope", ORANGE, "-"),
    ):
        smoothing = Smoothing("whittaker", roughness, robust, 3, 61, 2)
        daily = smooth_daily(at, lai, pixels, days=demo.days, smoothing=smoothing, low=low, high=high)
        axis.plot(
            when,
            daily[0],
            style,
            color=colour,
            lw=1.3,
            label=f"lambda {roughness:g}, {robust if robust != 'none' else 'no reweighting'}",
        )
    axis.set_ylabel("LAI")
    axis.legend(frameon=False, fontsize=8, ncols=2)
    _finish(figure, axis, path)


def draw_shapes(path: Path) -> None:
    """Growth templates on the calendar and the shapes of falls."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    table, _ = templates.templates()
    x = np.arange(-templates.BEFORE, templates.BEYOND + 1) / templates.TICKS
    for s, curve in enumerate(table):
        gompertz = s % 2
        label = ("logistic", "Gompertz")[gompertz] if s < 2 else None
        left.plot(x, curve, color=(GREEN, ORANGE)[gompertz], lw=1.2, label=label)
    left.axhline(templates.ORIGIN, color=GREY, lw=0.7)
    left.set(xlim=(-30, 120), xlabel="days on the clock since 4 % of the height", ylabel="share of the height")
    left.legend(frameon=False, fontsize=8)
    kinds = [
        *(["at once"] * len(fall.STEPS)),
        *(["exponential"] * len(fall.EXPONENTIAL)),
        *(["slow beginning"] * len(fall.WEIBULL)),
    ]
    for s, (curve, kind) in enumerate(zip(fall.falls(), kinds, strict=True)):
        colour = {"at once": BLACK, "exponential": ORANGE, "slow beginning": BLUE}[kind]
        right.plot(np.arange(fall.LONGEST), curve, color=colour, lw=1.2, label=kind if kind not in kinds[:s] else None)
    right.set(xlim=(-2, 50), xlabel="days since the operation", ylabel="share of the stand that is left")
    right.legend(frameon=False, fontsize=8)
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def draw_truth(path: Path) -> None:
    """Daily truth of the first parcel of several kinds of ends, as the simulator draws it."""
    season = Season(2021)
    start, end = datetime.date(2021, 7, 1), datetime.date(2022, 7, 1)
    daily = draw_landscape(200, season=season, seed=1, latitude=50.9, start=start, end=end)
    kinds = ("ploughing", "frost", "herbicide", "mowing")
    figure, axes = plt.subplots(len(kinds), 1, sharex=True, sharey=True, figsize=(9, 6), layout="constrained")
    truth = daily.truth
    for axis, kind in zip(axes, kinds, strict=True):
        wanted = (truth["termination_kind"] == kind) & (truth["termination"] > "2021-11-15") & (truth["lai_max"] > 1.5)
        row = int(np.flatnonzero(wanted & (truth["termination"] < "2022-05-15"))[0])
        parcel = truth.iloc[row]
        axis.plot(daily.days, daily.lai[row], color=GREEN, lw=1.5, label="green LAI")
        axis.plot(daily.days, daily.brown[row], color=ORANGE, lw=1, label="dead, standing")
        axis.plot(daily.days, daily.residue[row], color=GREY, lw=1, label="ground under residue")
        axis.fill_between(daily.days, -0.35, -0.1, where=daily.bare[row], step="mid", color="#8c6d46", label="bare day")
        for event in ("emergence", "termination"):
            axis.axvline(
                parcel[event], color=BLACK, lw=1, ls=":", label="emergence, termination" if event[0] == "e" else None
            )
        crops = f"{parcel['cover_crop']}, {parcel['growth']} growth, ended by {kind}"
        axis.set_title(f"Parcel {parcel['NewID']}: {crops}", fontsize=9, loc="left")
    axes[0].set(xlim=(start, end), ylim=(-0.4, 5))
    axes[0].legend(frameon=False, fontsize=8, ncols=3)
    _finish(figure, axes[-1], path)


def _finish(figure: plt.Figure, axis: plt.Axes, path: Path) -> None:
    axis.xaxis.set_major_locator(mdates.MonthLocator())
    axis.xaxis.set_major_formatter(mdates.DateFormatter("%b"))
    for each in figure.axes:
        each.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def main(words: list[str] | None = None) -> None:
    """Draw all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("demo", type=Path, nargs="?", default=Path("demo"), help="folder with sim and wcc/report")
    parser.add_argument("images", type=Path, nargs="?", default=Path("docs/images/science"), help="folder to write")
    parser.add_argument("--dates", type=int, default=DATES, help="NewID of the cover crop whose dates are shown")
    parser.add_argument("--smooth", type=int, default=SMOOTH, help="NewID of the parcel that is smoothed")
    options = parser.parse_args(words)
    options.images.mkdir(parents=True, exist_ok=True)
    season = Demo(options.demo)
    draw_smooth(season, options.smooth, options.images / "smooth.png")
    draw_dates(season, options.dates, options.images / "dates.png")
    draw_shapes(options.images / "shapes.png")
    draw_truth(options.images / "truth.png")


if __name__ == "__main__":
    main()
