"""Copy what a season needs out of a STAC catalogue: the items over some parcels, clipped, checked, resumable."""

from __future__ import annotations

__all__ = ["fetch"]


def __getattr__(name: str) -> object:
    # Imported on first use: the command line imports this package to list its tools.
    if name == "fetch":
        from .run import fetch

        return fetch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
