"""Fetching in a process of its own.

GDAL waits for some locks of its S3 file system while it holds Python's: a server in the same process could not answer.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import Any


def fetch_apart(catalog: str, settings: dict[str, Any], environment: dict[str, str]) -> tuple[str, str]:
    """Run the tool with short waits; return the kind of error and its message, both empty where there was none."""
    os.environ.update(environment)
    # The tools' image has no boto3, which rasterio would use if it were there.
    sys.modules["boto3"] = None  # type: ignore[assignment]
    import sen4cap.fetch.run as module
    from sen4cap.errors import Sen4capError
    from sen4cap.remote import Patience

    module.Patience = partial(Patience, first_wait_s=0.02, longest_wait_s=0.1)  # type: ignore[misc]
    try:
        module.fetch(catalog, **settings)
    except Sen4capError as error:
        return type(error).__name__, str(error)
    return "", ""
