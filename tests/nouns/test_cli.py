"""The command line as a whole: exit codes and one line for faults that the user can mend."""

from __future__ import annotations

import errno
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from sen4cap import __version__
from sen4cap import cli as suite
from sen4cap.errors import BadInput, RemoteFailure


def run_failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> tuple[int, str]:
    @click.command()
    def lai() -> None:
        """Fail."""
        raise error

    monkeypatch.setattr(suite.Suite, "get_command", lambda self, ctx, name: lai)
    outcome = CliRunner().invoke(suite.main, ["lai"])
    return outcome.exit_code, outcome.stderr


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (BadInput("a.csv, line 3", "is odd", do="mend it"), 3, "sen4cap lai: a.csv, line 3: is odd; mend it\n"),
        (BadInput("a", "two\nlines"), 3, "sen4cap lai: a: two lines\n"),
        (RemoteFailure("catalogue", "is down"), 4, "sen4cap lai: catalogue: is down\n"),
        (click.UsageError("wrong"), 2, None),
        (OSError(errno.ENOSPC, "No space left on device", "out.tif"), 3, None),
        (
            MemoryError(),
            1,
            "sen4cap lai: there is not enough memory; give it more or fewer --threads, then run the same command\n",
        ),
        (ZeroDivisionError(), 1, None),
    ],
)
def test_exit_codes(monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, line: str | None) -> None:
    found, said = run_failing(monkeypatch, error)
    assert found == code
    if line is not None:
        assert said == line
    if isinstance(error, OSError):
        assert "out.tif: the disk is full" in said


def test_version_and_module_entry() -> None:
    said = subprocess.run([sys.executable, "-m", "sen4cap", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"sen4cap, version {__version__}\n"


def test_an_unknown_tool_is_wrong_usage() -> None:
    assert CliRunner().invoke(suite.main, ["plough"]).exit_code == 2


def test_help_imports_nothing_heavy() -> None:
    heavy = ["numpy", "pandas", "numba", "rasterio", "pyarrow", "xarray", "pystac", "matplotlib", "sklearn"]
    heavy += ["cwltool", "toil", "psutil", "rich"]
    code = (
        "import sys; from click.testing import CliRunner; from sen4cap.cli import COMMANDS, main\n"
        "for words in ([], *([tool] for tool in COMMANDS)):\n"
        "    assert CliRunner().invoke(main, [*words, '--help']).exit_code == 0, words\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
