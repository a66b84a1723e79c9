"""The runner's process and all that it starts: begun, measured, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from .inside import LEASH

GRACE_S = 20.0
"""Seconds that a runner gets to end its jobs; Toil takes some to cancel those of a cluster."""
ENGINES = ("docker", "podman", "udocker", "singularity", "apptainer")


class Child:
    """A process in a session of its own, so that Ctrl-C on the terminal reaches only this command.

    Parameters
    ----------
    command
        What to start.
    answer, log
        Files for its standard output and its standard error; the log is appended to.
    lock
        Descriptor of the lock of the run's folder, which the process inherits.
    """

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str], answer: Path, log: Path, lock: int
    ) -> None:
        leash, self._leash = os.pipe()
        try:
            with answer.open("wb") as out, log.open("ab") as err:
                self.process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    env={**environment, LEASH: str(leash)},
                    start_new_session=True,
                    pass_fds=(leash, lock),
                )
        finally:
            os.close(leash)
        self._known: dict[int, psutil.Process] = {}
        self._cpu: dict[psutil.Process, float] = {}

    def descendants(self) -> list[psutil.Process]:
        """Every process below the runner; those once seen are remembered, whoever has adopted them since."""
        with contextlib.suppress(psutil.NoSuchProcess):
            for each in psutil.Process(self.process.pid).children(recursive=True):
                self._known.setdefault(each.pid, each)
        self._known = {pid: each for pid, each in self._known.items() if each.is_running()}
        return list(self._known.values())

    def measure(self, tree: Sequence[psutil.Process]) -> tuple[float, float]:
        """CPU seconds, of those that ended too as far as they were seen, and MiB now, of some processes."""
        memory, total = 0, 0.0
        for each in tree:
            with contextlib.suppress(psutil.Error):
                times = each.cpu_times()
                self._cpu[each] = times.user + times.system
                memory += each.memory_info().rss
        for each in tree:
            total += self._cpu.get(each, 0.0)
        return total, memory / 2**20

    def end(self, *, whole_session: bool, hurry: Callable[[], bool]) -> None:
        """End the runner and everything it started; what does not listen is killed.

        Parameters
        ----------
        whole_session
            Also ask its jobs themselves, for a runner that would only wait for them.
        hurry
            Whether to kill at once.
        """
        below = self.descendants()
        end_containers(below)
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        if whole_session:
            signal_all(below, signal.SIGTERM)
        until = time.monotonic() + GRACE_S
        while self.process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
            # cwltool would wait ten seconds for jobs that have ended already.
            if hurry() or (whole_session and not self.descendants()):
                break
        self.kill()

    def kill(self) -> None:
        """Kill the runner, if it still is there, and everything it left behind."""
        below = self.descendants()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        end_containers(below)
        signal_all(below, signal.SIGKILL)
        self.process.wait()
        with contextlib.suppress(OSError):
            os.close(self._leash)


def signal_all(processes: Sequence[psutil.Process], number: int) -> None:
    """Send a signal to processes that may have ended meanwhile."""
    for each in processes:
        with contextlib.suppress(psutil.Error):
            each.send_signal(number)


def end_containers(processes: Sequence[psutil.Process]) -> None:
    """Kill the containers that clients among the processes wait for: they do not die with their clients."""
    for each in processes:
        with contextlib.suppress(psutil.Error, OSError):
            words = each.cmdline()
            if not words or Path(words[0]).name not in ENGINES:
                continue
            for file in (word.partition("=")[2] for word in words if word.startswith("--cidfile=")):
                name = Path(file).read_text().strip()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    subprocess.run([words[0], "kill", name], capture_output=True, timeout=30, check=False)


def end_leftovers(state: Path) -> int:
    """End what an earlier run, killed together with its runner, left working in its state folder.

    Such a process is a job, whose home is there; a worker of Toil, whose job store is there; or the client of a
    container that has it mounted. Returns how many there were.
    """
    place = str(state)
    found: list[psutil.Process] = []
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            words = each.cmdline()
            # Looking at another user's environment is refused, which tells that it is none of ours.
            home = each.environ().get("HOME", "") if each.pid != os.getpid() else ""
            worker = any("_toil_worker" in word for word in words) and any(place in word for word in words)
            client = bool(words) and Path(words[0]).name in ENGINES and any(place in word for word in words)
            if home.startswith(f"{place}/") or worker or client:
                found.append(each)
    end_containers(found)
    signal_all(found, signal.SIGKILL)
    psutil.wait_procs(found, timeout=5)
    return len(found)
