"""Draw the figures of docs/science.md from the results of `make demo`.

Usage: .venv/bin/python scripts/science_figures.py [DEMO] [IMAGES]; needs DEMO/sim and DEMO/wcc/report (default: demo),
writes into IMAGES (default: docs/images/science). The posteriors are those of the kernels themselves: this script walks
through their inner functions and stops if its medians are not theirs.
"""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sen4cap.marker_table import MarkerTable
from sen4cap.season import fall, growth
from sen4cap.season.looks import Calendar, clean, drop_partial, green_of, lai_table
from sen4cap.season.stands import Stands, find_stands
from sen4cap.seasons import Season
from sen4cap.series import open_series
from sen4cap.simulate import draw_landscape
from sen4cap.smooth.kernel import BOUNDS, Smoothing, smooth_daily

GREEN, ORANGE, BLUE, GREY, BLACK = "#1b7f5c", "#e69f00", "#0072b2", "#9a9a9a", "#222222"
PARCELS = {"dates": 55, "smooth": 130}
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


def emergence_posterior(demo: Demo, at: NDArray, green: NDArray, stands: Stands) -> NDArray:
    """Probability of each day, of the first parcel: what `growth.growth_days` takes the median of."""
    ticks = growth.clocks(demo.start, demo.days)
    (table, inverse), lais = growth.templates(), lai_table()
    t, y, w = np.zeros(len(at), np.int64), np.zeros(len(at)), np.zeros(len(at))
    low, top = int(stands.low[0]), int(stands.top[0])
    n, tall, sure, floor = growth._window(at, green[0], low, top, stands.base[0], lais, t, y, w)
    first = max(min(t[0] - 10, low), low - growth.REACH_BACK, 0)
    steps = min(sure + 10 - first + 1, growth.ROOM, ticks.shape[1] - first)
    sums = growth._sums(y, w, n, tall)
    score = np.zeros((len(ticks) * len(table), growth.ROOM))
    height = np.zeros(score.shape)
    cases = [(ticks[case // len(table)], case % len(table)) for case in range(len(score))]
    for case, (clock, s) in enumerate(cases):
        for i in range(0, steps, growth.STRIDE):
            score[case, i], height[case, i] = growth._chi2(t, y, w, n, clock, table[s], clock[first + i], sums)
    best = score[:, : steps : growth.STRIDE].min()
    mass = np.zeros(ticks.shape[1])
    for case, (clock, s) in enumerate(cases):
        weight = growth.GOMPERTZ_PRIOR if s % 2 else 1.0
        growth._weigh(
            t,
            y,
            w,
            n,
            clock,
            table[s],
            inverse[s],
            sums,
            first,
            steps,
            sure,
            best,
            weight,
            score[case],
            height[case],
            mass,
        )
    day, _ = growth.growth_days(at, green, stands.low, stands.top, stands.base, ticks=ticks)
    mass[:floor] = 0
    _same(growth.median_of(mass, len(mass), 0)[0], day[0])
    return mass / mass.sum()


def termination_posterior(demo: Demo, at: NDArray, green: NDArray, stands: Stands) -> NDArray:
    """Probability of each day, of the first parcel: what `fall.fall_days` takes the median of."""
    shapes = fall.falls()
    t = np.zeros(len(at), np.int64)
    y, level, sure, before = (np.zeros(len(at)) for _ in range(4))
    n, bottom, begin = fall._looks(at, green[0], stands.last_top[0], stands.after[0], t, y)
    fall._filter(t, y, n, level, sure, before)
    base = float(stands.base[0])
    left = min(bottom, base + 0.5 * (bottom - base) + 0.1)
    steps = min(t[n - 1] - begin + 1, fall.ROOM)
    shares = fall.SIGMOID / len(fall.WEIBULL), (1 - fall.SIGMOID) / len(fall.EXPONENTIAL)
    late, slow = (-2.0 * np.log((1.0 - fall.AT_ONCE) / fall.AT_ONCE * share) for share in shares)
    prior = [0.0, *[slow] * len(fall.EXPONENTIAL), *[late] * len(fall.WEIBULL)]
    score = np.zeros((len(shapes), steps))
    for i in range(steps):
        k = int(np.searchsorted(t[:n], begin + i, side="right")) - 1
        for s in range(len(shapes)):
            rest = fall._after(t, y, n, k, begin + i, level[k], sure[k], shapes[s], left)
            score[s, i] = before[k] + rest + prior[s]
    mass = np.exp(-0.5 * (score - score.min())).sum(axis=0)
    day, _ = fall.fall_days(at, green, stands.last_top, stands.after, stands.base)
    _same(fall.median_of(mass, steps, begin)[0], day[0])
    whole = np.zeros(demo.days)
    whole[begin : begin + steps] = mass / mass.sum()
    return whole


def _same(mine: float, theirs: float) -> None:
    if not abs(mine - theirs) < 0.01:
        raise SystemExit(
            f"this script's posterior has its median at {mine}, the kernel's at {theirs}: the kernel changed"
        )


def draw_dates(demo: Demo, path: Path) -> None:
    """Looks of one parcel, the posteriors of its dates, and the truth."""
    parcel = PARCELS["dates"]
    at, lai, fcover, pixels = demo.looks(parcel)
    year = int(demo.series.attrs["season"])
    named = (f"{year}-08-01", f"{year + 1}-05-31", f"{year + 1}-01-31", f"{year}-11-01", f"{year + 1}-03-01")
    calendar = Calendar(*(demo.index(text) for text in named))
    raw = green_of(lai, fcover)
    green = clean(at, drop_partial(raw, pixels / pixels.max()), calendar=calendar)
    stands = find_stands(at, green, calendar=calendar)
    events = {
        "emergence": (emergence_posterior(demo, at, green, stands), GREEN),
        "termination": (termination_posterior(demo, at, green, stands), ORANGE),
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


def draw_smooth(demo: Demo, path: Path) -> None:
    """The same looks under three penalties, and with the envelope or without."""
    parcel = PARCELS["smooth"]
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
    table, _ = growth.templates()
    x = np.arange(-growth.BEFORE, growth.BEYOND + 1) / growth.TICKS
    for s, curve in enumerate(table):
        gompertz = s % 2
        label = ("logistic", "Gompertz")[gompertz] if s < 2 else None
        left.plot(x, curve, color=(GREEN, ORANGE)[gompertz], lw=1.2, label=label)
    left.axhline(growth.ORIGIN, color=GREY, lw=0.7)
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


def main(words: list[str]) -> None:
    """Draw all."""
    demo, images = (
        Path(words[k]) if len(words) > k else Path(other) for k, other in enumerate(("demo", "docs/images/science"))
    )
    images.mkdir(parents=True, exist_ok=True)
    season = Demo(demo)
    draw_smooth(season, images / "smooth.png")
    draw_dates(season, images / "dates.png")
    draw_shapes(images / "shapes.png")
    draw_truth(images / "truth.png")


if __name__ == "__main__":
    main(sys.argv[1:])
