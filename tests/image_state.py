"""Whether the images are here and hold what this checkout holds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import NoReturn

import pytest

SOURCE_DIGEST = """
import hashlib, importlib.util, pathlib
folder = pathlib.Path(importlib.util.find_spec("sen4cap").origin).parent
print(hashlib.sha256(b"".join(p.read_bytes() for p in sorted(folder.rglob("*.py")))).hexdigest())
"""
"""Program that prints what the suite's own sources are, in an image or here."""


def refrain(reason: str) -> NoReturn:
    """Skip what needs images; with REQUIRE_IMAGES set, as CI does it, fail."""
    if os.environ.get("REQUIRE_IMAGES"):
        pytest.fail(reason)
    pytest.skip(reason)


def require(images: Iterable[str], *, engine: str, environment: Mapping[str, str]) -> None:
    """Refrain where an image is missing or was built of other sources than these."""
    if reason := fault_of(images, engine=engine, environment=environment):
        refrain(reason)


def fault_of(images: Iterable[str], *, engine: str, environment: Mapping[str, str]) -> str:
    """Say why an image cannot be used, because it is missing or of other sources than these; '' where all can."""
    here = subprocess.run([sys.executable, "-c", SOURCE_DIGEST], capture_output=True, text=True, check=True).stdout
    for image in images:
        command = [engine, "image", "inspect", image]
        if subprocess.run(command, env=environment, capture_output=True, check=False).returncode:
            return f"the image {image} is not here; `make images` builds it"
        command = [engine, "run", "--rm", "--network", "none", image, "python", "-c", SOURCE_DIGEST]
        inside = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if inside.returncode:
            return f"the image {image} does not run: {inside.stderr.strip()[-300:]}"
        if inside.stdout != here:
            return (
                f"the image {image} holds another state of the suite than this checkout; `make images` builds it anew"
            )
    return ""
