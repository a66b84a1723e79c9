"""Copying assets, many at a time: from where they lie into the store."""

from __future__ import annotations

import ctypes
import math
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import numpy as np
import pystac
from numpy.typing import NDArray

from ..errors import BadInput, RemoteFailure
from ..outputs import scratch_array
from ..remote import (
    FinalFailure,
    PassingFailure,
    Patience,
    gdal_settings,
    is_remote,
    patiently,
    read_bytes,
    redacted,
)
from ..stac import asset_hrefs, vsi_path
from .area import Area
from .assets import WHOLE
from .clip import read_clip, write_cog
from .store import Copied, Store

NO_DATA = "no data in the area"
OUTSIDE = "outside the area"
SCRATCH = 1 << 29
"""Bytes of pixels that all clips under way may have on disk together; one that has more than that goes alone. They are
written and deleted again within seconds, so that few of them ever leave the operating system's cache."""
LARGE = 1 << 22
"""Bytes of a clip's pixels from which on they lie on disk; a small clip is through before a file is made for it."""


@dataclass(eq=False)
class Job:
    """One item to copy.

    Attributes
    ----------
    item : pystac.Item
    name : str
        Of its folder.
    keys : dict
        Asset keys by band name.
    copied : dict
        What became of the assets so far, by key.
    reason : str
        Why the item is left out; empty while it is not.
    """

    item: pystac.Item
    name: str
    keys: dict[str, str]
    copied: dict[str, Copied] = field(default_factory=dict)
    reason: str = ""

    @property
    def scout(self) -> str:
        """Key of the asset that is read first: it tells whether the item has data in the area."""
        rasters = [key for band, key in self.keys.items() if band not in WHOLE]
        return self.keys.get("SCL", rasters[0] if rasters else next(iter(self.keys.values())))


@dataclass(eq=False)
class Copier:
    """Copies one asset.

    Attributes
    ----------
    area : Area
        What is cut out.
    store : Store
        Where it goes.
    patience : Patience
    sign : callable
        Makes a reference readable (Planetary Computer), asked anew at every attempt.
    """

    area: Area
    store: Store
    patience: Patience
    sign: Callable[[str], str]
    _scratch: Scratch = field(default_factory=lambda: Scratch(SCRATCH))

    def __call__(self, job: Job, key: str) -> Copied:
        """Copy an asset, or find it copied.

        Raises
        ------
        RemoteFailure
            It could not be read, from none of its references.
        BadInput
            A local file is missing or damaged.
        """
        asset = job.item.assets[key]
        hrefs = asset_hrefs(asset)
        found = self.store.find(job.name, key, hrefs)
        if found:
            return found
        whole = key in [job.keys.get(band) for band in WHOLE]
        for href in hrefs:
            where = f"item {job.item.id}, asset {key}"
            try:
                return patiently(
                    partial(self._text if whole else self._raster, job, key, href, where),
                    self.patience,
                    where=f"{where} ({redacted(href)})",
                    do="run the same command again, it goes on from here",
                )
            except RemoteFailure as error:
                if isinstance(error.__cause__, FinalFailure) and href != hrefs[-1]:
                    continue
                raise
        raise AssertionError("an asset has a reference")

    def _raster(self, job: Job, key: str, href: str, where: str) -> Copied:
        """Clip a raster; of a scout without data nothing is written."""
        path = vsi_path(self.sign(href))
        with gdal_settings(self.patience), ExitStack() as held:

            def room(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
                return held.enter_context(self._scratch.array(self.store.folder / job.name, shape, dtype))

            nodata = _nodata(job.item.assets[key])
            clip = read_clip(path, self.area, nodata=nodata, where=f"{where}: {redacted(href)}", room=room)
            if clip is None:
                return self.store.keep(job.name, key, Copied(source=href, reason=OUTSIDE))
            if key == job.scout and clip.empty:
                return self.store.keep(job.name, key, Copied(source=href, reason=NO_DATA))
            copied = Copied(
                source=href,
                file=f"{key}.tif",
                crs=clip.grid.crs,
                transform=tuple(clip.grid.transform)[:6],
                shape=clip.grid.shape,
            )
            return self.store.keep(job.name, key, copied, partial(write_cog, clip))

    def _text(self, job: Job, key: str, href: str, where: str) -> Copied:
        """Read a text asset whole, and see that it is."""
        content = read_bytes(self.sign(href), timeout_s=self.patience.timeout_s)
        try:
            ElementTree.fromstring(content)
        except ElementTree.ParseError as error:
            if is_remote(href):
                raise PassingFailure(f"is no whole XML document ({error})") from error
            raise BadInput(f"{where}: {href}", f"is no whole XML document ({error})") from error
        copied = Copied(source=href, file=f"{key}{PurePosixPath(urlsplit(href).path).suffix or '.xml'}")
        return self.store.keep(job.name, key, copied, lambda path: path.write_bytes(content))


class Scratch:
    """Room for pixels on disk that readers share: who wants more bytes than are left waits."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._left = size
        self._change = threading.Condition()

    @contextmanager
    def array(self, path: Path, shape: tuple[int, ...], dtype: str) -> Iterator[NDArray[Any]]:
        """Yield an array, one of `LARGE` bytes or more on disk beside `path`; its room is given back at the end."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size < LARGE:
            yield np.empty(shape, dtype)
            return
        wanted = min(size, self.size)
        with self._change:
            self._change.wait_for(lambda: wanted <= self._left)
            self._left -= wanted
        try:
            with scratch_array(path, shape, dtype) as pixels:
                yield pixels
        finally:
            with self._change:
                self._left += wanted
                self._change.notify_all()
            _trim_memory()


def _trim_memory() -> None:
    """Give free memory back to the system: glibc has a heap for every few threads and keeps what is free in each.

    Tiles that GDAL decodes on 24 threads would otherwise leave some 150 MiB more with every date.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
    if trim is not None:
        trim(0)


def copy_jobs(
    jobs: Sequence[Job], copy: Callable[[Job, str], Copied], *, workers: int, patience: Patience, skip: bool
) -> Iterator[Job]:
    """Copy all assets of all jobs on threads; yield a job when all of it lies in the store, or when it is left out.

    Parameters
    ----------
    jobs
        In the order in which they are begun; they end in any order.
    workers
        Threads.
    patience
        Its `given_up` is set when a reader fails for good, so that the others stop waiting.
    skip
        Leave out an item that cannot be read instead of failing.
    """
    waiting = deque(jobs)
    under_way: dict[Future[Copied], tuple[Job, str]] = {}
    with ThreadPoolExecutor(workers) as pool:

        def submit(job: Job, keys: Sequence[str]) -> None:
            under_way.update({pool.submit(copy, job, key): (job, key) for key in keys})

        try:
            while waiting or under_way:
                # A few items ahead keep every thread busy; many more would only delay the first finished one.
                while waiting and len(under_way) < 2 * workers:
                    job = waiting.popleft()
                    submit(job, [job.scout])
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    job, key = under_way.pop(future)
                    _settle(job, key, future, skip=skip)
                    if key == job.scout and not job.reason:
                        submit(job, [k for k in job.keys.values() if k != key])
                    if not any(other is job for other, _ in under_way.values()):
                        yield job
        except BaseException:
            patience.given_up.set()
            pool.shutdown(cancel_futures=True)
            raise


def _settle(job: Job, key: str, future: Future[Copied], *, skip: bool) -> None:
    """Enter what became of an asset."""
    try:
        copied = future.result()
    except (BadInput, RemoteFailure) as error:
        passing = isinstance(error, RemoteFailure) and not isinstance(error.__cause__, FinalFailure)
        if not skip or passing:
            raise
        job.reason = job.reason or f"unreadable: {error}"
        return
    job.copied[key] = copied
    if key == job.scout or copied.reason == OUTSIDE:
        job.reason = job.reason or copied.reason


def _nodata(asset: pystac.Asset) -> float | None:
    """Nodata value that the item tells of an asset."""
    fields: Mapping[str, Any] = asset.extra_fields
    bands = fields.get("raster:bands") or fields.get("bands") or [{}]
    said = bands[0].get("nodata", fields.get("nodata"))
    try:
        return float(said) if said is not None else None
    except (TypeError, ValueError):
        return None
