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
    "pyarrow/libarrow_python.so",
    "pyarrow/libarrow_python.so.*.*",
    "pyarrow/src",
    "PIL/_avif.*.so",
    "pillow.libs/libavif-*",
)
"""Parts of libraries that nothing else in them needs, and no tool: remote procedure calls, a
second way to object storage (GDAL is the one used), pictures as AVIF, sources; and the
names by which a library is there again, but never loaded."""


def remove(path: Path) -> None:
    """Remove a file or a folder."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def share_gdal(folder: Path) -> None:
    """Let pyogrio use the GDAL of rasterio, where both bring the same version: a second one is 75 MB with its PROJ.

    pyogrio looks for what it loads in ``pyogrio.libs``, by a name that says the build; both become links. It keeps the
    data of GDAL, among which it looks for one that rasterio leaves out, and shares those of PROJ.
    """
    found = {owner: sorted(folder.glob(f"{owner}.libs/libgdal-*.so.*")) for owner in ("rasterio", "pyogrio")}
    if not any(found.values()):
        return
    if any(len(libraries) != 1 for libraries in found.values()):
        raise SystemExit(f"trim: one libgdal each was expected of rasterio and pyogrio, not {found}")
    kept, second = found["rasterio"][0], found["pyogrio"][0]
    versions = [library.name.partition(".so.")[2] for library in (kept, second)]
    if versions[0] != versions[1]:
        print(f"trim: rasterio has GDAL {versions[0]}, pyogrio {versions[1]}: both stay, 75 MB more", file=sys.stderr)
        return
    remove(second.parent)
    second.parent.symlink_to(kept.parent.name)
    (kept.parent / second.name).symlink_to(kept.name)
    remove(folder / "pyogrio" / "proj_data")
    (folder / "pyogrio" / "proj_data").symlink_to("../rasterio/proj_data")


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
    share_gdal(folder)
    for path in list(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        if path.suffix in TO_BUILD_AGAINST:
            path.unlink()
        elif ".so" in path.suffixes:
            strip(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
