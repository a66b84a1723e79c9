"""The folder of a run: where its record, logs and unfinished state are, and that one run at a time is in it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from ..errors import BadInput


class RunFolder:
    """Paths of one run below its output folder.

    Parameters
    ----------
    output
        The folder of the results; ``run/`` in it is the run's own.
    """

    def __init__(self, output: Path) -> None:
        self.output = output.absolute()
        self.own = self.output / "run"
        self.record = self.own / "run.json"
        self.log = self.own / "runner.log"
        self.steps = self.own / "steps"
        self.state = self.own / "state"
        self.outputs = self.state / "outputs"
        self.answer = self.state / "outputs.json"
        self.work = self.state / "work"

    @contextlib.contextmanager
    def held(self) -> Iterator[int]:
        """Hold the folder; yields the descriptor of the lock, for the runner to hold it too.

        The runner inherits the lock, so that a second run is refused as long as the first runner lives, even when the
        command that started it was killed.

        Raises
        ------
        BadInput
            Another run is in the folder, or it cannot be made.
        """
        try:
            self.own.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.own / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except (FileExistsError, NotADirectoryError) as error:
            raise BadInput(error.filename, "is a file, not a folder", do="choose another --output") from error
        except PermissionError as error:
            raise BadInput(error.filename, "cannot be written to", do="choose another --output") from error
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                who = os.pread(lock, 200, 0).decode(errors="replace").strip() or "another process"
                raise BadInput(
                    self.output, f"another run is in this folder ({who})", do="wait for it or choose another --output"
                ) from error
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
            yield lock
        finally:
            os.close(lock)

    def clear(self) -> None:
        """Forget an earlier run; its results stay until new ones replace them."""
        for path in (self.state, self.steps):
            if path.exists():
                shutil.rmtree(path)
        for path in (self.record, self.log):
            path.unlink(missing_ok=True)

    def prepare(self) -> None:
        """Make what a runner writes to; what it had not finished writing goes."""
        if self.outputs.exists():
            shutil.rmtree(self.outputs)
        self.answer.unlink(missing_ok=True)
        for path in (self.steps, self.outputs, self.work):
            path.mkdir(parents=True, exist_ok=True)

    def publish(self) -> None:
        """Move the outputs of the runner to where the user looks for them, in place of earlier ones."""
        for path in sorted(self.outputs.iterdir()):
            # A workflow may name an output "run": it then stays below the run's own folder.
            final = (self.own / "outputs" if path.name == self.own.name else self.output) / path.name
            final.parent.mkdir(exist_ok=True)
            old = self.state / f"old-{path.name}"
            if final.exists() or final.is_symlink():
                final.replace(old)
            path.replace(final)

    def published(self, location: str) -> str:
        """Where an output is after `publish`."""
        for before, after in ((self.outputs.as_uri(), self.output.as_uri()), (str(self.outputs), str(self.output))):
            if location.startswith(f"{before}/"):
                rest = location[len(before) :]
                own = rest == f"/{self.own.name}" or rest.startswith(f"/{self.own.name}/")
                return f"{after}{f'/{self.own.name}/outputs' if own else ''}{rest}"
        return location
