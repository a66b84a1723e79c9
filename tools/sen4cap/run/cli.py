"""sen4cap run."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from ..errors import BadInput

RUNNERS = ("cwltool", "toil")


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("workflow", metavar="WORKFLOW")
@click.argument("job", metavar="JOB", type=click.Path(path_type=Path))
@click.argument("runner_options", metavar="[RUNNER OPTIONS]...", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--runner",
    type=click.Choice(RUNNERS),
    default="cwltool",
    show_default=True,
    help="What runs the workflow: cwltool on this machine, Toil there or on a cluster.",
)
@click.option(
    "--output",
    "--outdir",
    type=click.Path(path_type=Path, file_okay=False),
    default="results",
    show_default=True,
    help="Folder for the results; run/ in it holds the record, the logs and what an interrupted run goes on from.",
)
@click.option(
    "--from-scratch",
    is_flag=True,
    help="Redo every step, also those that an interrupted run has finished.",
)
def run(
    workflow: str, job: Path, runner_options: tuple[str, ...], runner: str, output: Path, from_scratch: bool
) -> None:
    """Run a CWL workflow with a job file, show its steps, record it, and go on after an interruption.

    The same command again goes on where an interrupted or failed run stopped. Options that are not listed here go to
    the runner; write them behind the job file: --no-container, --parallel, --batchSystem slurm. The paths of the
    outputs are printed on standard output. A step that fails passes its exit code on.

    \b
    Example: sen4cap run --output results workflows/wcc.cwl job.yml --no-container
    """
    if workflow.startswith("-"):
        raise click.UsageError(f"{workflow} is an option of the runner; write it behind the job file.")
    if runner_options and not runner_options[0].startswith("-"):
        raise click.UsageError(f"{runner_options[0]} is one file too many; give one workflow and one job file.")
    if "--restart" in runner_options:
        raise click.UsageError("--restart is not needed: the same command again goes on by itself.")
    # Toil brings cwltool, which reads the workflow whoever runs it.
    for package in (runner, "cwltool"):
        if find_spec(package) is None:
            raise BadInput(package, "is not installed here", do='run pip install "sen4cap[run]"')
    from .run import run as start

    start(workflow, job, runner=runner, options=runner_options, output=output, from_scratch=from_scratch)
