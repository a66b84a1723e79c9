"""Where numba keeps compiled kernels; decided before numba is imported, so `compiled` asks first.

Beside the package where that can be written. Otherwise in TMPDIR, as in a container with a read-only root and a foreign
uid. An image brings kernels that were compiled for a common kind of processor, in a folder of the kind's name where
SEN4CAP_KERNELS says: TMPDIR then begins with links to them, so that a container need not compile, and what they lack is
compiled for the same kind.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

NEEDS: dict[str, set[str]] = {
    "x86-64-v3": {"abm", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"},
    "generic": set(),
}
"""Kinds of processor as LLVM names them, the best first, and what /proc/cpuinfo must say of one of that kind."""


def choose() -> None:
    """Set numba's variables of the environment; those that are set already are left as they are."""
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    if brought := brought_kernels():
        folder = own_folder("sen4cap-kernels")
        link(brought, folder)
        os.environ["NUMBA_CPU_NAME"] = brought.name
        os.environ["NUMBA_CPU_FEATURES"] = ""
        os.environ["NUMBA_CACHE_DIR"] = str(folder)
    elif not os.access(Path(__file__).parent, os.W_OK):
        os.environ["NUMBA_CACHE_DIR"] = str(own_folder("sen4cap-kernels"))


def brought_kernels() -> Path | None:
    """Folder of the kernels that SEN4CAP_KERNELS holds for the best kind of processor this one belongs to."""
    home = os.environ.get("SEN4CAP_KERNELS")
    folders = [Path(home, kind) for kind in NEEDS] if home else []
    return next((folder for folder in folders if folder.is_dir() and runs_here(folder.name)), None)


def runs_here(kind: str, about: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this processor runs what is compiled for a kind of processor."""
    needs = NEEDS[kind]
    if not needs:
        return True
    try:
        lines = about.read_text().splitlines()
    except OSError:
        return False
    return next((needs <= set(line.split()) for line in lines if line.startswith("flags")), False)


def own_folder(name: str) -> Path:
    """Make or find a folder in TMPDIR that none but this user can write: what lies in it will be run."""
    folder = Path(tempfile.gettempdir()) / f"{name}-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        found = folder.lstat()
        theirs = found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if theirs or not stat.S_ISDIR(found.st_mode):
            return Path(tempfile.mkdtemp(prefix=f"{name}-"))
    return folder


def link(source: Path, target: Path) -> None:
    """Link every file below a folder into the same place below another. What is there already stays."""
    for parent, _, names in os.walk(source):
        place = target / Path(parent).relative_to(source)
        place.mkdir(exist_ok=True)
        for name in names:
            try:
                (place / name).symlink_to(Path(parent) / name)
            except FileExistsError:
                continue
