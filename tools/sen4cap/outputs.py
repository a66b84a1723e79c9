"""Outputs that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import BadInput, Sen4capError

FULL_BELOW_BYTES = 1 << 20
"""A write that failed with less than this left failed because of it."""


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; move it into place when the block ends well.

    The scratch name is the same every time (``.NAME.partial``), so a rerun replaces what an interrupted run left. It
    keeps the suffix last (``.NAME.partial.gpkg``) because drivers go by it.

    Raises
    ------
    BadInput
        The folder does not exist and cannot be made, or another run is writing the same output.
    """
    path = Path(path)
    scratch = path.with_name(f".{path.stem}.partial{path.suffix}")
    with _lock(path):
        _remove(scratch)
        try:
            with disk_full_told(scratch):
                yield scratch
            scratch.replace(path)
        except BaseException:
            _remove(scratch)
            raise


@contextlib.contextmanager
def whole_folder(path: Path, *, keep: bool = False) -> Iterator[Path]:
    """Yield a folder beside `path` to fill; move it into place when the block ends well.

    Parameters
    ----------
    path
        The folder as it will be named. An earlier result of that name is replaced as the last act.
    keep
        Leave the unfinished folder (``.NAME.partial``) where it is when the block fails, and start from what an
        interrupted run left in it: the tool then skips what it finds finished there.

    Raises
    ------
    BadInput
        Another run is writing the same output, or `path` is a file.
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise BadInput(path, "is a file, and this output is a folder", do="choose another --output")
    scratch = path.with_name(f".{path.name}.partial")
    with _lock(path):
        if not keep:
            _remove(scratch)
        scratch.mkdir(parents=True, exist_ok=True)
        try:
            with disk_full_told(scratch):
                yield scratch
        except BaseException:
            if not keep:
                _remove(scratch)
            raise
        old = path.with_name(f".{path.name}.old")
        _remove(old)
        if path.exists():
            path.replace(old)
        scratch.replace(path)
        _remove(old)


@contextlib.contextmanager
def disk_full_told(path: Path, *, below: int = FULL_BELOW_BYTES) -> Iterator[None]:
    """Turn whatever error a full disk caused into OSError(ENOSPC) that names `path`.

    GDAL, SQLite and others say only that a write failed; what they wrote until then still fills the disk, so the free
    space tells. `whole_file` and `whole_folder` do this for what happens inside them. Errors that a user is told
    anyway (`Sen4capError`) pass.

    Parameters
    ----------
    path
        The file or folder being written.
    below
        Bytes of free space below which a failed write counts as the disk's fault: what the write may have taken and
        given back, where that is more than a little.
    """
    try:
        yield
    except Sen4capError:
        raise
    except Exception as error:
        told = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        named = isinstance(error, OSError) and error.filename
        folder = path if path.is_dir() else path.parent
        full = told or (folder.is_dir() and shutil.disk_usage(folder).free < below)
        if not full or (told and named):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error


@contextlib.contextmanager
def scratch_array(path: Path, shape: tuple[int, ...], dtype: Any) -> Iterator[Any]:
    """Yield an array of zeros that lies on disk beside `path`, so that memory stays bounded.

    Its file has no name: not even kill -9 leaves it behind. The room is taken at once, because a disk that fills up
    under a memory map ends the process by a signal.

    Raises
    ------
    OSError
        The disk is full.
    """
    import numpy as np

    size = math.prod(shape) * np.dtype(dtype).itemsize
    if not size:
        yield np.zeros(shape, dtype)
        return
    with tempfile.TemporaryFile(dir=path.parent) as room:
        take_room(room.fileno(), size, path)
        yield np.memmap(room, dtype, "r+", shape=shape)


def take_room(file: int, size: int, path: Path) -> None:
    """Take the disk's room for an open file of so many bytes, which `path` is a name for.

    Raises
    ------
    OSError
        The disk is full.
    """
    if size > os.fstat(file).st_size and shutil.disk_usage(path.parent).free < size - os.fstat(file).st_size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    try:
        if size:
            os.posix_fallocate(file, 0, size)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a lock for one output: two runs in one folder must not mix. The kernel drops it when a run is killed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise BadInput(path.parent, "is a file, not a folder", do="choose another --output") from error
    lock = path.with_name(f".{path.name}.lock")
    with open(lock, "w") as handle:  # noqa: PTH123
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadInput(
                path, "another run is writing this output", do="wait for it or choose another --output"
            ) from error
        try:
            yield
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(lock)  # noqa: PTH108


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
