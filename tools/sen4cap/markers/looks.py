"""What an interrupted run has finished: the statistics of single images, kept beside the output until it is whole."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..bands import band_assets
from ..outputs import whole_file
from ..stac import asset_path
from .images import Settings, Source


class Looks:
    """A folder of finished statistics, a file for each image, found again by all that they depend on."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._settings = asdict(settings)

    def remember(self, source: Source, pixels: str, measure: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        """Statistics of an image on the pixels of that fingerprint: those of an earlier run, or measured now."""
        path = self._folder / f"{self._key(source, pixels)}.npy"
        if path.is_file():
            kept: NDArray[np.float32] = np.load(path)
            return kept
        stats = measure()
        with whole_file(path) as scratch:
            np.save(scratch, stats)
        return stats

    def remove(self) -> None:
        """Remove the folder: the table is whole."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _key(self, source: Source, pixels: str) -> str:
        files = {}
        for name, asset in band_assets(source.item).items():
            path = Path(asset_path(asset))
            stamp = path.stat() if path.is_file() else None
            files[name] = [str(path), *([stamp.st_size, stamp.st_mtime_ns] if stamp else [])]
        record = [
            __version__,
            source.item.to_dict(include_self_link=False, transform_hrefs=False)["properties"],
            source.item.id,
            [marker.name for marker in source.markers],
            files,
            pixels,
            self._settings,
        ]
        return hashlib.blake2b(json.dumps(record, default=str).encode(), digest_size=16).hexdigest()
