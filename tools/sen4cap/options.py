"""Options that several tools share, declared once."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .errors import BadInput
from .seasons import SEASON_END, SEASON_START

MILITARY_GRID = re.compile(r"T?(\d{2}[C-HJ-NP-X][A-HJ-NP-Z]{2})")

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Date(click.ParamType):
    """A calendar day, YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime.date:
        """Parse a day; anything else is wrong usage."""
        if isinstance(value, datetime.date):
            return value
        try:
            return datetime.date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date; write YYYY-MM-DD, for example 2021-08-01.", param, ctx)


class MonthDay(click.ParamType):
    """A day of any year, MM-DD."""

    name = "MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check a month and day; 02-29 is refused because not every year has one."""
        try:
            datetime.date.fromisoformat(f"2021-{value}")
        except ValueError:
            self.fail(f"{value!r} is no day of the year; write MM-DD, for example 05-31.", param, ctx)
        return str(value)


class Words(click.ParamType):
    """A comma-separated list out of a known set, such as ``LAI,FCOVER``."""

    name = "list"

    def __init__(self, known: tuple[str, ...]) -> None:
        self.known = known

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Split and check; the order is kept, repetitions are dropped."""
        if isinstance(value, tuple):
            return value
        words = tuple(dict.fromkeys(w.strip() for w in value.split(",") if w.strip()))
        unknown = [w for w in words if w not in self.known]
        if unknown or not words:
            self.fail(f"{', '.join(unknown) or 'nothing'} is not among {', '.join(self.known)}.", param, ctx)
        return words


class Numbers(click.ParamType):
    """A comma-separated list of whole numbers, such as the scene classes ``4,5``."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Split and parse."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(sorted({int(w) for w in value.split(",")}))
        except ValueError:
            self.fail(f"{value!r} is no list of whole numbers; write for example 4,5.", param, ctx)


class Bounds(click.ParamType):
    """A box in degrees: west,south,east,north."""

    name = "west,south,east,north"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Split, parse, and check the order and the globe."""
        if isinstance(value, tuple):
            return value
        try:
            west, south, east, north = (float(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is no box; write west,south,east,north, for example 2.9,50.7,3.1,50.9.", param, ctx)
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            self.fail(f"{value!r} is no box in degrees with west < east and south < north.", param, ctx)
        return west, south, east, north


class Tile(click.ParamType):
    """A tile of the military grid, as Sentinel-2 names them, such as ``31UFS``."""

    name = "tile"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check the name; a leading T is dropped."""
        found = MILITARY_GRID.fullmatch(str(value))
        if not found:
            self.fail(f"{value!r} is no Sentinel-2 tile; write for example 31UFS.", param, ctx)
        return str(found.group(1))


class Catalog(click.ParamType):
    """A STAC API or static catalogue by URL, or a local folder or catalog.json."""

    name = "catalog"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Keep the text: what it points to is found out when it is opened."""
        return str(value)


def existing_file(name: str, *, help: str, required: bool = False, multiple: bool = False) -> Decorator:
    """Declare an option for a file that is read."""
    return click.option(
        name,
        required=required,
        multiple=multiple,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=help,
    )


def existing_folder(name: str, *, help: str, required: bool = False, multiple: bool = False) -> Decorator:
    """Declare an option for a folder that is read."""
    return click.option(
        name,
        required=required,
        multiple=multiple,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help=help,
    )


def _table_in(path: Path | None, name: str) -> Path | None:
    """Find a result table by its file or by the folder that holds it."""
    if path is None or not path.is_dir():
        return path
    table = path / name
    if not table.is_file():
        raise BadInput(path, f"holds no {name}", do="give the folder that `sen4cap classify` or `report` wrote")
    return table


def output_option(default: str, *, help: str) -> Decorator:
    """Declare `--output`, written whole or not at all."""
    return click.option("--output", type=click.Path(path_type=Path), default=default, show_default=True, help=help)


series_option = existing_file("--series", required=True, help="Daily parcel series, from `sen4cap smooth`.")
markers_option = existing_file(
    "--markers", required=True, multiple=True, help="Marker table (MDB1), Arrow or CSV; repeat for several."
)
parcels_option = existing_file(
    "--parcels", required=True, help="Parcels: GeoPackage, Shapefile, GeoParquet or GeoJSON, any CRS."
)
id_field_option = click.option(
    "--id-field", default="NewID", show_default=True, help="Field of the parcels that holds the integer identifier."
)
classes_option = click.option(
    "--classes",
    type=click.Path(exists=True, path_type=Path),
    callback=lambda _context, _option, path: _table_in(path, "wcc.csv"),
    help="Classes of the parcels: wcc.csv from `sen4cap classify`, or the folder that holds it.",
)
threads_option = click.option(
    "--threads",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Threads to use; 0: every core this process may use.",
)
catalog_option = click.option(
    "--catalog",
    type=Catalog(),
    required=True,
    help="STAC API or static catalogue: URL (http, https, s3), or a local folder or catalog.json.",
)
collection_option = click.option(
    "--collection", required=True, help="Identifier of the collection, such as sentinel-2-l2a."
)
max_cloud_option = click.option(
    "--max-cloud",
    type=click.FloatRange(min=0, max=100),
    help="Greatest cloud cover of an item, percent; items that do not tell theirs are kept.",
)
max_workers_option = click.option(
    "--max-workers", type=click.IntRange(min=1), default=24, show_default=True, help="Files read at the same time."
)
retries_option = click.option(
    "--retries",
    type=click.IntRange(min=0),
    default=6,
    show_default=True,
    help="Repetitions of a request that failed for a reason that may pass.",
)
timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Time limit of one request, seconds.",
)

NETWORKS = (
    "sen4cap-allbands",
    "sen4cap-rededge",
    "snap-3.0-20m",
    "snap-3.0-10m",
    "snap-3.0-s2a-20m",
    "snap-3.0-s2b-20m",
    "snap-3.0-s2a-10m",
    "snap-3.0-s2b-10m",
    "snap-2.1-20m",
)
"""Networks that `lai.networks.network_for` knows."""

network_option = click.option(
    "--network",
    type=click.Choice(NETWORKS),
    default="sen4cap-allbands",
    show_default=True,
    help="Network of LAI, FAPAR and FCOVER, one for all; snap-3.0-20m and snap-3.0-10m go by each scene's platform.",
)


class SceneClasses(Numbers):
    """Scene classes of Sen2Cor (SCL), such as ``4,5``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Split, parse and check."""
        classes = super().convert(value, param, ctx)
        unknown = [code for code in classes if code not in range(1, 12)]
        if unknown:
            self.fail(f"{', '.join(map(str, unknown))} is no scene class; they are 1 to 11.", param, ctx)
        return classes


clear_classes_option = click.option(
    "--clear-classes",
    type=SceneClasses(),
    default="4,5",
    show_default=True,
    help="Scene classes (SCL) that count as clear land; 2,4,5,7 gains looks in low winter sun.",
)


def start_option(*, help: str = "First day.", required: bool = True) -> Decorator:
    """Declare `--start`."""
    return click.option("--start", type=Date(), required=required, help=help)


def end_option(*, help: str = "Last day, included.", required: bool = True) -> Decorator:
    """Declare `--end`; `check_span` compares it with `--start`."""
    return click.option("--end", type=Date(), required=required, help=help)


def season_start_option(*, help: str = "First day of the season, MM-DD; nothing emerges before it.") -> Decorator:
    """Declare `--season-start`."""
    return click.option("--season-start", type=MonthDay(), default=SEASON_START, show_default=True, help=help)


def season_end_option(
    *, help: str = "Last day of the season, MM-DD; what stands longer has no termination."
) -> Decorator:
    """Declare `--season-end`."""
    return click.option("--season-end", type=MonthDay(), default=SEASON_END, show_default=True, help=help)


latest_emergence_option = click.option(
    "--latest-emergence",
    type=MonthDay(),
    default="01-31",
    show_default=True,
    help="Growth that begins after this day, MM-DD, is taken for the next main crop.",
)


def check_span(start: datetime.date | None, end: datetime.date | None) -> None:
    """Refuse a span that ends before it begins (exit code 2)."""
    if start and end and start > end:
        raise click.UsageError(f"--start {start} is after --end {end}.")
