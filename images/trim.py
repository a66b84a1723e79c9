"""Take out of an environment what nobody runs: trim.py FOLDER. Tests, headers, debugging symbols, unused parts."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path

TO_BUILD_AGAINST = {".a", ".c", ".cpp", ".h", ".hpp", ".pxd", ".pxi", ".pyx"}
UNUSED = (
    "pyarrow/libarrow_flight.so*",
    "pyarrow/libarrow_python_flight.so*",
    "pyarrow/_flight.*.so",
    "pyarrow/libarrow_s3.so*",
    "pyarrow/_s3fs.*.so",
    "pyarrow/src",
)
"""Parts of libraries that nothing else in them needs, and no tool: remote procedure calls, a
second way to object storage (GDAL is the one used), sources."""


def remove(path: Path) -> None:
    """Remove a file or a folder."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def loads(library: Path) -> bool:
    """Whether the loader will map a shared library: each segment lies as far into its page as in the file.

    What auditwheel has patched, strip may leave otherwise.
    """
    head = library.read_bytes()
    if head[:6] != b"\x7fELF\x02\x01":
        return False
    (table,) = struct.unpack_from("<Q", head, 32)
    size, count = struct.unpack_from("<HH", head, 54)
    for place in range(table, table + size * count, size):
        (kind,) = struct.unpack_from("<I", head, place)
        offset, address = struct.unpack_from("<QQ", head, place + 8)
        (align,) = struct.unpack_from("<Q", head, place + 48)
        if kind == 1 and align and (offset - address) % align:
            return False
    return True


def strip(library: Path) -> None:
    """Leave out the symbols of a shared library, where it still loads without."""
    slim = library.with_name(library.name + ".slim")
    done = subprocess.run(["strip", "--strip-unneeded", "-o", slim, library], capture_output=True, check=False)
    if done.returncode == 0 and loads(slim):
        shutil.copymode(library, slim)
        slim.replace(library)
    slim.unlink(missing_ok=True)


def main(folder: Path) -> None:
    """Trim a folder of installed libraries."""
    for name in ("tests", "include"):
        for path in sorted(folder.rglob(name)):
            if path.is_dir():
                shutil.rmtree(path)
    for pattern in UNUSED:
        for path in list(folder.rglob(pattern)):
            remove(path)
    for path in list(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        if path.suffix in TO_BUILD_AGAINST:
            path.unlink()
        elif ".so" in path.suffixes:
            strip(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
