"""Sen4CAP's winter-cover-crop suite: parcel science from Sentinel-2 and Sentinel-1."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["__version__", "open_series"]

if TYPE_CHECKING:
    from .series import open_series


def __getattr__(name: str) -> object:
    # Imported on first use: `import sen4cap` must stay cheap for `sen4cap --help`.
    if name == "open_series":
        from .series import open_series

        return open_series
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
