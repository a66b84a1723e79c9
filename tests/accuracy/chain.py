"""The suite's own commands, run on a simulated season exactly as users run them."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from sen4cap.cli import main
from sen4cap.seasons import Season

from .observe import LABEL_NOISE, span_of

PAIRS = (("default", "default"), ("wise", "wist"), ("wise-published", "slope"), ("threshold", "default"))
"""Emergence and termination methods that run together; each of both kinds at least once."""
VARIABLES = ("LAI", "FCOVER", "NDVI")
"""Of the series."""
CROPS = ("--crop-before", "crop_before", "--crop-after", "crop_after")


class Failed(RuntimeError):
    """A command of the suite ended with an error."""


def run(*words: object, threads: int) -> None:
    """Run one command of the suite in this process."""
    told = io.StringIO()
    line = [str(word) for word in words]
    if line[0] not in ("intercrop",):
        line += ["--threads", str(threads)]
    with contextlib.redirect_stderr(told):
        try:
            code = main.main(line, standalone_mode=False)
        except click.ClickException as error:
            raise Failed(f"sen4cap {' '.join(line)}: {error.format_message()}") from error
        except SystemExit as stop:
            code = stop.code
    if code not in (0, None):
        raise Failed(f"sen4cap {' '.join(line)}: exit {code}: {told.getvalue().strip()}")


@dataclass(frozen=True)
class Run:
    """A season under a regime: where its inputs are and its results go.

    Attributes
    ----------
    seed : int
        Of the season; other seeds have other weather.
    regime : str
        Cloud regime.
    season : Season
        Its autumn.
    inputs, folder : Path
        The season's folder (`observe.season_folder`) and that of the results.
    threads : int
        Threads of each command.
    """

    seed: int
    regime: str
    season: Season
    inputs: Path
    folder: Path
    threads: int

    @property
    def markers(self) -> Path:
        """Marker table."""
        return self.inputs / "looks.ipc"

    def tool(self, *words: object) -> None:
        """Run one command."""
        run(*words, threads=self.threads)

    @property
    def span(self) -> tuple[object, ...]:
        """First and last day, as options."""
        start, end = span_of(self.season)
        return "--start", start, "--end", end

    @property
    def candidates(self) -> tuple[object, ...]:
        """Options that choose the candidates."""
        return "--parcels", self.inputs / "parcels.gpkg", "--crops", self.inputs / "crops.csv", *CROPS

    def smooth(self, variables: Sequence[str] = VARIABLES) -> None:
        """Make the series."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tool("smooth", "--markers", self.markers, *self.span, "--season", self.season.year, "--variables",
                  ",".join(variables), "--output", self.folder / "series.arrow")  # fmt: skip

    def classify(self, output: str, *more: object) -> None:
        """Classify into a folder of the results."""
        self.tool("classify", "--series", self.folder / "series.arrow", *self.candidates, *more, "--output",
                  self.folder / output)  # fmt: skip

    def date(self, output: str, *more: object) -> None:
        """Run season into a file of the results."""
        self.tool("season", "--series", self.folder / "series.arrow", "--markers", self.markers, *more, "--output",
                  self.folder / output)  # fmt: skip


def run_chain(run: Run) -> None:
    """All results of a season under a regime."""
    folder, inputs = run.folder, run.inputs
    run.smooth()
    run.classify("wcc", "--insitu", inputs / "insitu.csv", "--by-months")
    run.classify("thresholds", "--method", "threshold")
    run_dates(run)
    run.date("season.csv", "--classes", folder / "wcc" / "wcc.csv")
    run.tool("soil", "--markers", run.markers, *run.span, "--weather", inputs / "weather.csv", "--output",
             folder / "soil.csv")  # fmt: skip
    run.tool("harvest", "--series", folder / "series.arrow", "--markers", run.markers, "--output",
             folder / "harvest.csv")  # fmt: skip
    for name, weeks in (("intercrop.csv", folder / "harvest.csv"), ("intercrop-l4c.csv", inputs / "l4c.csv")):
        run.tool("intercrop", "--season", folder / "season.csv", "--harvest", weeks, "--soil", folder / "soil.csv",
                 "--classes", folder / "wcc" / "wcc.csv", "--output", folder / name)  # fmt: skip


def run_dates(run: Run) -> None:
    """Date the season by every method."""
    for emergence, termination in PAIRS:
        name = f"season-{emergence}-{termination}.csv"
        run.date(name, "--emergence-method", emergence, "--termination-method", termination)


def run_hrl(run: Run) -> None:
    """Train on the HRL layer of secondary crops, whose labels are partly wrong."""
    sce, cpmch = run.inputs / "sce.tif", run.inputs / "cpmch.tif"
    insitu = run.folder / "insitu-hrl.csv"
    run.tool("insitu", "--sce", sce, "--main-harvest", cpmch, "--parcels", run.inputs / "parcels.gpkg", "--season",
             run.season.year, "--output", insitu)  # fmt: skip
    run.classify("wcc-hrl", "--insitu", insitu, "--label-noise", LABEL_NOISE)


def run_other_year(run: Run, trained: Run) -> None:
    """Classify with the models of another year: that of its in-situ data and that of its HRL layer."""
    for name in ("wcc", "wcc-hrl"):
        run.classify(f"{name}-other-year", "--model", trained.folder / name / "model.npz")


def run_seasons(run: Run, others: Sequence[Run]) -> None:
    """Train on the in-situ data of other seasons as well."""
    samples = [word for other in others for word in ("--samples", other.folder / "wcc" / "model_samples.npz")]
    run.classify("wcc-seasons", "--insitu", run.inputs / "insitu.csv", *samples)


def run_as_of(run: Run, days: Sequence[str]) -> None:
    """Date the season as it was known on the evening of each day."""
    for day in days:
        run.date(f"as-of-{day}.csv", "--as-of", day)


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0))
