"""A Slurm cluster on this machine, and what can be done to it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "slurm" / "cluster.sh"
SCRIPTS = Path(sys.executable).parent
COMMANDS = ("slurmctld", "slurmd", "sbatch", "munged")


def why_no_slurm() -> str:
    """Why no cluster can be started here; empty where one can."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])
    missing = [name for name in COMMANDS if shutil.which(name, path=path) is None]
    if missing:
        return f"no Slurm here ({', '.join(missing)} missing); install it: bash scripts/system-packages.sh slurm"
    return "a Slurm cluster can only be started by root" if os.geteuid() else ""


@dataclass(frozen=True)
class Job:
    """A job that ended, as Slurm accounts for it."""

    name: str
    state: str
    node: str
    cpus: int
    memory: str


class Cluster:
    """Three nodes, each with two cores.

    Attributes
    ----------
    environment : dict
        To run commands on it.
    """

    def __init__(self, room: Path) -> None:
        self.room = room
        path = os.pathsep.join([str(SCRIPTS), os.environ["PATH"], "/usr/sbin", "/sbin"])
        self.environment = {**os.environ, "PATH": path, "SLURM_CONF": str(room / "slurm.conf")}
        done = self._call("bash", str(SCRIPT), "start", str(room), "3")
        assert done.returncode == 0, done.stderr

    def stop(self) -> None:
        self._call("bash", str(SCRIPT), "stop", str(self.room))

    def ended(self) -> list[Job]:
        """Jobs that ended, in that order."""
        path = self.room / "jobs.txt"
        found = []
        for line in path.read_text().splitlines() if path.exists() else ():
            said = dict(re.findall(r"(\w+)=(\S*)", line.split(" Tres=")[0]))
            asked = re.search(r"Tres=cpu=(\d+),mem=(\w+)", line)
            assert asked is not None, line
            found.append(Job(without_number(said["Name"]), said["JobState"], said["NodeList"], int(asked[1]), asked[2]))
        return found

    def running(self) -> list[tuple[int, str, str]]:
        """Number, name and node of every job that runs."""
        rows = self._call("squeue", "-h", "-t", "R", "-o", "%A %N %j").stdout.splitlines()
        found = [row.split(maxsplit=2) for row in rows]
        return [(int(number), without_number(name), node) for number, node, name in found]

    def kill_node(self, node: str) -> None:
        """Kill a node as a power cut would: its daemon, the jobs on it, and their containers."""
        doomed = [int((self.room / f"slurmd-{node}.pid").read_text())]
        steps = [f"slurmstepd: [{number}." for number, _, where in self.running() if where == node]
        children: dict[int, list[int]] = defaultdict(list)
        for process in Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            try:
                said = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children[parent].append(int(process.name))
            if any(said.startswith(step) for step in steps):
                doomed.append(int(process.name))
        for pid in doomed:
            doomed.extend(children[pid])
        for pid in dict.fromkeys(doomed):
            with_grace(lambda pid=pid: os.kill(pid, signal.SIGKILL))

    def toil(self, room: Path, *options: str) -> list[str]:
        """Command that runs a workflow with its files in `room`; put further options, workflow and job behind it."""
        return [
            *(str(SCRIPTS / "toil-cwl-runner"), "--batchSystem", "slurm", *options),
            *("--jobStore", str(room / "store"), "--workDir", str(room), "--coordinationDir", str(room)),
            *("--batchLogsDir", str(room), "--statePollingWait", "1", "--maxLocalJobs", "1"),
            *("--publishWorkflowMetrics", "no", "--disableProgress", "--outdir", str(room / "out")),
        ]

    def _call(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)


def without_number(name: str) -> str:
    """Name of a job of Toil without its number: workflow, step and tool."""
    return re.sub(r"^toil_job_\d+_", "", name)


def with_grace(act: Callable[[], None]) -> None:
    """Do something to a process that may have ended by itself."""
    try:
        act()
    except ProcessLookupError:
        return


def wait_for(what: Callable[[], bool], leader: subprocess.Popen, *, log: Path, seconds: float = 400) -> None:
    """Wait until something is true while the leader runs; fail with the end of its log otherwise."""
    last = time.monotonic() + seconds
    while not what():
        assert leader.poll() is None, f"the leader ended too early:\n{log.read_text()[-4000:]}"
        assert time.monotonic() < last, f"waited in vain:\n{log.read_text()[-4000:]}"
        time.sleep(0.3)
