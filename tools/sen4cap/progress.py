"""Progress of long work: a bar on a terminal, a log line now and then elsewhere. Always on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

Thing = TypeVar("Thing")
LOG_EVERY_S = 10.0


def track(things: Iterable[Thing], what: str, *, total: int | None = None) -> Iterator[Thing]:
    """Yield `things` and show how many are done.

    Parameters
    ----------
    things
        What is worked on.
    what
        One or two words for the bar: ``"dates"``.
    total
        How many there are; taken from `things` where it has a length.
    """
    if total is None and isinstance(things, Sized):
        total = len(things)
    yield from _bar(things, what, total) if sys.stderr.isatty() else _log(things, what, total)


def say(line: str) -> None:
    """Write one line for the user to standard error."""
    print(line, file=sys.stderr, flush=True)


def _bar(things: Iterable[Thing], what: str, total: int | None) -> Iterator[Thing]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield from progress.track(things, total=total, description=what)


def _log(things: Iterable[Thing], what: str, total: int | None) -> Iterator[Thing]:
    begun = last = time.monotonic()
    done = 0
    for done, thing in enumerate(things, start=1):
        yield thing
        now = time.monotonic()
        if now - last > LOG_EVERY_S:
            say(f"{what}: {done}{f' of {total}' if total else ''}, {now - begun:.0f} s")
            last = now
    say(f"{what}: {done} done, {time.monotonic() - begun:.1f} s")
