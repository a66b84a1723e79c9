"""The command line: collects the tools; nothing else."""

from __future__ import annotations

import atexit
import errno
import gc
import importlib

import click

from . import __version__
from .errors import Sen4capError

TOOLS = (
    "tiles",
    "fetch",
    "lai",
    "markers",
    "smooth",
    "insitu",
    "classify",
    "season",
    "pixels",
    "soil",
    "harvest",
    "intercrop",
    "report",
    "simulate",
)
"""Every tool, in the order in which a parcel passes through them. Each is a folder beside this file."""
AROUND = ("run",)
"""Commands about whole runs of tools. They are folders beside this file too, but no step of a workflow: no CWL."""
COMMANDS = (*TOOLS, *AROUND)


COLLECT_EVERY = 50_000
"""Objects made between two searches for cycles of them. Python's 700 fit programs that run for long and make many
cycles; a command makes few, and the searches took a tenth of its time, most of it while libraries were imported."""


class Suite(click.Group):
    """A group that imports a command when it is asked for, and turns a user's errors into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the tools in the order of the chain, then the commands about runs."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f".{cmd_name}.cli", __package__), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a tool; a `Sen4capError` becomes one line on standard error and its exit code."""
        try:
            return super().invoke(ctx)
        except Sen4capError as error:
            _say(ctx, str(error))
            ctx.exit(error.exit_code)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            where = error.filename or "output"
            _say(
                ctx, f"{where}: the disk is full; free some space or choose another --output, then run the same command"
            )
            ctx.exit(3)
        except MemoryError:
            _say(ctx, "there is not enough memory; give it more or fewer --threads, then run the same command")
            ctx.exit(1)


def _say(ctx: click.Context, line: str) -> None:
    click.echo(f"sen4cap {ctx.invoked_subcommand}: {line}", err=True)


@click.command(cls=Suite, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="sen4cap")
def main() -> None:
    """Winter cover crops from Sentinel-2, parcel by parcel.

    A season flows from left to right: fetch, lai, markers, smooth, classify, season, soil, harvest, intercrop, report.
    `sen4cap TOOL --help` explains a tool and gives an example; workflows/ chains them with CWL, and `sen4cap run` runs
    such a workflow.

    Exit codes: 0 done, 2 wrong usage, 3 bad input, 4 a remote service failed, 1 anything unforeseen.
    """
    gc.set_threshold(COLLECT_EVERY)
    # What is left at the end goes with the process: looking for cycles in it takes half a second.
    atexit.register(gc.freeze)
