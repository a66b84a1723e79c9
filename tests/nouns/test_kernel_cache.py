"""Compiled kernels: brought by an image and used from there, in a folder that nobody else can write."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sen4cap import kernel_cache
from sen4cap.kernel_cache import own_folder, runs_here, sources_digest

KERNEL = """
import sys
from sen4cap.compiled import compiled

@compiled
def doubled(value):
    return value + value

print(doubled(type(eval(sys.argv[1]))(eval(sys.argv[1]))))
"""


def call(script: Path, value: str, **variables: str) -> str:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("NUMBA", "SEN4CAP"))}
    done = subprocess.run(
        [sys.executable, str(script), value], env={**kept, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "doubling.py"
    path.write_text(KERNEL)
    return path


def test_brought_kernels_are_used_and_others_are_compiled_beside_them(script: Path, tmp_path: Path) -> None:
    brought = tmp_path / "kernels" / "generic"
    built = {"NUMBA_CACHE_DIR": str(brought), "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    assert call(script, "3", **built) == "6"
    before = {path: path.read_bytes() for path in brought.rglob("*") if path.is_file()}
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    here = {"SEN4CAP_KERNELS": str(brought.parent), "TMPDIR": str(temporary)}
    own = temporary / f"sen4cap-kernels-{os.getuid()}"

    assert call(script, "3", **here) == "6"
    found = [path for path in own.rglob("*") if not path.is_dir()]
    assert len(found) == len(before) >= 2
    assert all(path.is_symlink() for path in found)

    assert call(script, "1.5", **here) == "3.0"
    assert [path for path in own.rglob("*.nbc") if not path.is_symlink()]
    assert {path: path.read_bytes() for path in brought.rglob("*") if path.is_file()} == before
    assert call(script, "3", **here) == "6"


def test_links_to_kernels_that_are_gone_do_no_harm(script: Path, tmp_path: Path) -> None:
    brought = tmp_path / "kernels" / "generic"
    call(script, "3", NUMBA_CACHE_DIR=str(brought), NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")
    call(script, "3", SEN4CAP_KERNELS=str(brought.parent), TMPDIR=str(tmp_path))
    brought.parent.rename(tmp_path / "elsewhere")
    own = tmp_path / f"sen4cap-kernels-{os.getuid()}"
    assert any(path.is_symlink() and not path.exists() for path in own.rglob("*"))
    assert call(script, "3", NUMBA_CACHE_DIR=str(own), NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="") == "6"


def test_a_kernel_follows_the_numbers_of_other_modules(tmp_path: Path) -> None:
    package = tmp_path / "sen4cap"
    package.mkdir()
    for name in ("compiled.py", "kernel_cache.py"):
        (package / name).write_bytes((kernel_cache.PACKAGE / name).read_bytes())
    (package / "__init__.py").touch()
    (package / "kernel.py").write_text(
        "from .compiled import compiled\nfrom .numbers import FACTOR\n\n"
        "@compiled\ndef multiplied(value):\n    return FACTOR * value\n"
    )
    script = tmp_path / "multiplying.py"
    script.write_text("import sys\nfrom sen4cap.kernel import multiplied\nprint(multiplied(int(sys.argv[1])))\n")
    for factor in (2, 3):
        (package / "numbers.py").write_text(f"FACTOR = {factor}\n")
        # Python's own bytecode goes by whole seconds and the size, which are the same here.
        assert call(script, "5", PYTHONPATH=str(tmp_path), PYTHONDONTWRITEBYTECODE="1") == str(5 * factor)


def test_the_digest_goes_by_what_kernels_may_be_compiled_from(tmp_path: Path) -> None:
    for name in ("season/kernel.py", "season/run.py", "looks.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("A = 1\n")
    first = sources_digest(tmp_path)
    (tmp_path / "season/run.py").write_text("A = 2\n")
    assert sources_digest(tmp_path) == first
    (tmp_path / "looks.py").write_text("A = 2\n")
    assert sources_digest(tmp_path) != first


def test_kernels_of_older_sources_are_removed(tmp_path: Path) -> None:
    for name, age in (("kernels-old", 2 * kernel_cache.KEPT_S), ("kernels-new", 0), ("other", 2 * kernel_cache.KEPT_S)):
        folder = tmp_path / name
        folder.mkdir()
        os.utime(folder, (time.time() - age,) * 2)
    kernel_cache.remove_old(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"kernels-new", "other"}


def test_a_folder_that_others_can_write_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first = own_folder("kernels")
    assert first == tmp_path / f"kernels-{os.getuid()}"
    assert first.stat().st_mode & 0o777 == 0o700
    assert own_folder("kernels") == first
    first.chmod(0o777)
    assert own_folder("kernels") not in (first, tmp_path)


def test_a_link_in_the_folders_place_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    planted = tmp_path / f"kernels-{os.getuid()}"
    planted.symlink_to(elsewhere)
    assert own_folder("kernels") not in (planted, elsewhere)


@pytest.mark.parametrize(
    ("flags", "runs"),
    [
        ("fpu sse2 movbe avx f16c abm bmi1 avx2 bmi2 fma avx512f", True),
        ("fpu sse2 movbe avx f16c abm bmi1 bmi2 fma", False),
        ("", False),
    ],
)
def test_a_processor_runs_what_it_has_the_instructions_for(flags: str, runs: bool, tmp_path: Path) -> None:
    about = tmp_path / "cpuinfo"
    about.write_text(f"processor : 0\nflags\t\t: {flags}\n\nprocessor : 1\nflags\t\t: {flags}\n")
    assert runs_here("x86-64-v3", about) is runs
    assert runs_here("generic", about)


def test_a_processor_that_says_nothing_compiles_for_itself(tmp_path: Path) -> None:
    assert not runs_here("x86-64-v3", tmp_path / "absent")
