"""The page: what it is made of, and rendering it as one self-contained file."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2


@dataclass(frozen=True)
class Picture:
    """A PNG of the result folder, with its text for those who cannot see it and the caption below it."""

    path: Path
    alt: str
    caption: str

    @property
    def name(self) -> str:
        """File name."""
        return self.path.name

    @property
    def data(self) -> str:
        """The file in base64."""
        return base64.b64encode(self.path.read_bytes()).decode("ascii")

    @property
    def width(self) -> int:
        """Pixels across, from the PNG's header."""
        return self._size[0]

    @property
    def height(self) -> int:
        """Pixels down."""
        return self._size[1]

    @property
    def _size(self) -> tuple[int, int]:
        with self.path.open("rb") as handle:
            found: tuple[int, int] = struct.unpack(">II", handle.read(24)[16:])
        return found


@dataclass(frozen=True)
class Table:
    """A table: caption, column names, rows of text, which columns hold numbers, and a last row with totals."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[int] = ()
    total: Sequence[str] = ()


@dataclass(frozen=True)
class Card:
    """One figure of the season at a glance."""

    name: str
    value: str
    note: str
    class_: str = ""


@dataclass(frozen=True)
class File:
    """A file of the result folder, as the page lists it."""

    name: str
    title: str
    size: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Block:
    """A piece of a section; `kind` says which of the fields it uses, as the template reads it."""

    kind: str
    text: str = ""
    picture: Picture | None = None
    class_: str = ""
    pictures: Sequence[Picture] = ()
    table: Table | None = None
    files: Sequence[File] = ()
    words: Sequence[tuple[str, str]] = ()
    things: Sequence[str] = ()


@dataclass(frozen=True)
class Section:
    """A section of the page."""

    anchor: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """The whole page."""

    title: str
    subtitle: str
    cards: Sequence[Card]
    sections: Sequence[Section]
    footer: str
    colours: Mapping[str, str] = field(default_factory=dict)


def render(page: Page) -> str:
    """Render a page as HTML: styles and pictures inside, nothing fetched, no script."""
    loader: Any = jinja2.PackageLoader("sen4cap.report", ".")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=False, keep_trailing_newline=True
    )
    return environment.get_template("page.html.j2").render(page=page)


def file_size(size: int) -> str:
    """Write a file's size for people."""
    for unit, least in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= least:
            return f"{size / least:.1f} {unit}"
    return f"{size} B"
