"""Where matplotlib keeps its cache; decided before matplotlib is imported, so the package imports this first."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def _choose_settings_folder() -> None:
    """Keep matplotlib's cache in TMPDIR where the home folder is read-only, as in a container with a foreign uid."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() fails where a uid has no home at all
    if "MPLCONFIGDIR" not in os.environ and not os.access(home, os.W_OK):
        folder = Path(tempfile.gettempdir()) / f"sen4cap-figures-{os.getuid()}"
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["MPLCONFIGDIR"] = str(folder)


_choose_settings_folder()
