"""Where numba keeps compiled kernels; decided before numba is imported, so `compiled` asks first.

Beside the package where that can be written. Otherwise in TMPDIR, as in a container with a read-only root and a foreign
uid. A kernel holds the numbers and the kernels of other modules that it was compiled with, but numba asks for changes
in its own file only: so the folder's name goes by the sources of all of them. An image brings kernels that were
compiled for a common kind of processor, in a folder of the kind's name where SEN4CAP_KERNELS says: the folder then
begins with links to them, so that a container need not compile, and what they lack is compiled for the same kind.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

PACKAGE = Path(__file__).parent
WITHOUT_KERNELS = {"cli.py", "run.py"}
"""Modules that no kernel imports."""
KEPT_S = 24 * 3600.0
"""Kernels of other sources are removed after so long: until then they may be those of a process that still runs."""

NEEDS: dict[str, set[str]] = {
    "x86-64-v3": {"abm", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"},
    "generic": set(),
}
"""Kinds of processor as LLVM names them, the best first, and what /proc/cpuinfo must say of one of that kind."""


def choose() -> None:
    """Set numba's variables of the environment; those that are set already are left as they are."""
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    brought = brought_kernels()
    if brought or not os.access(PACKAGE, os.W_OK):
        home = own_folder("sen4cap-kernels")
    else:
        home = PACKAGE / "__pycache__"
    folder = home / f"kernels-{sources_digest(PACKAGE)}"
    if not folder.is_dir():
        remove_old(home)
    if brought:
        link(brought, folder)
        os.environ["NUMBA_CPU_NAME"] = brought.name
        os.environ["NUMBA_CPU_FEATURES"] = ""
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


def sources_digest(package: Path) -> str:
    """Digest of all that kernels may be compiled from: the package's modules but for those that no kernel imports."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(package.rglob("*.py")):
        if path.name not in WITHOUT_KERNELS:
            digest.update(f"{path.relative_to(package)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def remove_old(home: Path) -> None:
    """Remove folders of kernels that were made from other sources and that nothing has been added to for long."""
    for folder in home.glob("kernels-*"):
        try:
            old = folder.stat().st_mtime < time.time() - KEPT_S
        except FileNotFoundError:
            continue
        if old:
            shutil.rmtree(folder, ignore_errors=True)


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
        place.mkdir(parents=True, exist_ok=True)
        for name in names:
            try:
                (place / name).symlink_to(Path(parent) / name)
            except FileExistsError:
                continue
