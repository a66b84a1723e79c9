"""The unfinished folder: what lies finished in it, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

from ..outputs import whole_file

JOURNAL = ".finished.jsonl"
SHA2_256 = "1220"
"""Multihash prefix: SHA2-256, 32 bytes."""


@dataclass(frozen=True)
class Copied:
    """What became of an asset.

    Attributes
    ----------
    source : str
        Reference it was read from.
    file : str
        Name of its file in the item's folder; empty where nothing was written.
    reason : str
        Why nothing was written: no data in the area, or outside it.
    checksum : str
        Multihash of the file, hexadecimal, as `file:checksum`.
    size : int
        Of the file, bytes.
    crs : str
        Of a raster; empty for other files.
    transform, shape : tuple
        Of a raster.
    """

    source: str
    file: str = ""
    reason: str = ""
    checksum: str = ""
    size: int = 0
    crs: str = ""
    transform: tuple[float, ...] = ()
    shape: tuple[int, ...] = ()


class Store:
    """Files by item and asset, and a journal of the whole ones: a line for each, after its file.

    Parameters
    ----------
    folder
        The unfinished folder.
    request
        What the files depend on. What a run with another request left is thrown away.
    """

    def __init__(self, folder: Path, request: dict[str, Any]) -> None:
        self.folder = folder
        self._journal_path = folder / JOURNAL
        head = json.dumps(request, sort_keys=True)
        said = _lines(self._journal_path)
        if not said or said[0] != head:
            shutil.rmtree(folder)
            folder.mkdir()
            said = []
        self._found = dict(_record(line) for line in said[1:])
        self._journal = self._journal_path.open("ab", buffering=0)
        if not said:
            self._enter(head)

    def find(self, item: str, key: str, sources: list[str]) -> Copied | None:
        """Return what an earlier run finished, if its source is still one of these and its file is whole."""
        copied = self._found.get((item, key))
        if copied is None or copied.source not in sources:
            return None
        try:
            whole = not copied.file or checksum(self._path(item, copied.file)) == copied.checksum
        except OSError:
            return None
        return copied if whole else None

    def keep(self, item: str, key: str, copied: Copied, write: Callable[[Path], object] | None = None) -> Copied:
        """Have an asset's file written, where it has one, then write its line in the journal."""
        if write is not None:
            path = self._path(item, copied.file)
            with whole_file(path) as scratch:
                write(scratch)
            copied = replace(copied, checksum=checksum(path), size=path.stat().st_size)
        self._enter(json.dumps([item, key, *astuple(copied)]))
        return copied

    def drop(self, item: str) -> None:
        """Remove the files of an item that is not part of the result."""
        shutil.rmtree(self.folder / item, ignore_errors=True)

    def close(self, items: set[str]) -> None:
        """Remove the journal, and what earlier runs fetched for items that are no longer asked for."""
        self._journal.close()
        for folder in self.folder.iterdir():
            if folder.is_dir() and folder.name not in items:
                shutil.rmtree(folder)
        self._journal_path.unlink()

    def _path(self, item: str, file: str) -> Path:
        return self.folder / item / file

    def _enter(self, line: str) -> None:
        # One call to the system writes a line whole; what a kill cuts short is followed by a line of its own.
        try:
            self._journal.write(f"\n{line}\n".encode())
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._journal_path)) from error


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(errors="replace").split("\n") if line] if path.is_file() else []


def _record(line: str) -> tuple[tuple[str, str], Copied]:
    """Item, asset key and what became of it; an asset of no item where a kill left half a line."""
    try:
        item, key, source, file, reason, check, size, crs, transform, shape = json.loads(line)
        return (item, key), Copied(source, file, reason, check, size, crs, tuple(transform), tuple(shape))
    except (ValueError, TypeError):
        return ("", ""), Copied(source="")


def checksum(path: Path) -> str:
    """Multihash (SHA2-256) of a file, hexadecimal."""
    with path.open("rb") as stream:
        return SHA2_256 + hashlib.file_digest(stream, "sha256").hexdigest()
