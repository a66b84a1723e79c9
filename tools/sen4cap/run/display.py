"""Steps done, running and failed: a bar with a line per running step on a terminal, log lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from ..progress import say
from .steps import StepRun, Steps

if TYPE_CHECKING:
    from rich.progress import TaskID

LOG_EVERY_S = 60.0


def display_of(steps: Steps, title: str) -> Display:
    """Choose by whether standard error is a terminal."""
    return Bar(steps, title) if sys.stderr.isatty() else Display(steps, title)


class Display:
    """Log lines: each start and end, and now and then what is running."""

    def __init__(self, steps: Steps, title: str) -> None:
        self.steps = steps
        self.title = title
        self._last = time.monotonic()

    def __enter__(self) -> Display:
        """Say what was there before."""
        kept = len(self.steps.with_status("done"))
        self.line(f"{self.title}: {counted(self.steps.total)}" + (f", {kept} of them done before" if kept else ""))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left to do for lines."""

    def line(self, text: str) -> None:
        """Write one line."""
        say(text)

    def started(self, run: StepRun) -> None:
        """Tell that a step runs."""
        self.line(f"{run.name}: started")

    def ended(self, run: StepRun) -> None:
        """Tell how a step ended."""
        done = len(self.steps.with_status("done"))
        how = "done" if run.status == "done" else "failed"
        self.line(
            f"{run.name}: {how} after {duration(run.seconds or 0.0)} ({done} of {counted(self.steps.total)} done)"
        )

    def refresh(self) -> None:
        """Tell what takes long."""
        if time.monotonic() - self._last < LOG_EVERY_S:
            return
        self._last = time.monotonic()
        now = time.time()
        running = [f"{run.name} ({duration(now - run.started)})" for run in self.steps.with_status("running")]
        self.line(f"running: {', '.join(running) or 'nothing, waiting for the runner'}")


class Bar(Display):
    """A bar over all steps, below it a line for each that runs."""

    def __init__(self, steps: Steps, title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        super().__init__(steps, title)
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True))
        self._all: TaskID = self._progress.add_task(title, total=steps.total)
        self._rows: dict[str, TaskID] = {}

    def __enter__(self) -> Display:
        """Show the bar."""
        self._progress.start()
        super().__enter__()
        self._count()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar as it is, without rows of steps."""
        for row in self._rows.values():
            self._progress.remove_task(row)
        self._count()
        self._progress.stop()

    def line(self, text: str) -> None:
        """Write one line above the bar."""
        self._progress.console.print(text, highlight=False, markup=False)

    def started(self, run: StepRun) -> None:
        """Add the row of a step."""
        self._rows[run.key] = self._progress.add_task(f"  {run.name}", total=None)
        self._count()

    def ended(self, run: StepRun) -> None:
        """Take its row away."""
        if run.key in self._rows:
            self._progress.remove_task(self._rows.pop(run.key))
        self._count()
        super().ended(run)

    def refresh(self) -> None:
        """The bar redraws itself."""

    def _count(self) -> None:
        numbers = {status: len(self.steps.with_status(status)) for status in ("done", "running", "failed")}
        said = f"{self.title}: {numbers['done']} of {self.steps.total} done, {numbers['running']} running"
        if numbers["failed"]:
            said += f", {numbers['failed']} failed"
        self._progress.update(self._all, description=said, completed=numbers["done"], total=self.steps.total)


def duration(seconds: float) -> str:
    """A duration as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def counted(steps: int) -> str:
    """A number of steps."""
    return "1 step" if steps == 1 else f"{steps} steps"
