"""How long it takes until the suite begins to work."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence

from .plan import Plan
from .rows import Bound, Findings, Row
from .timing import TESTS

WORDS = (("--help",), ("season", "--help"))
TURNS = 15
IMAGE = "ghcr.io/sen4cap/tools"


def measure(plan: Plan) -> Findings:
    """Start the command line, and an interpreter that does nothing, in turns."""
    found = Findings()
    for words in WORDS:
        more, cpu = [], []
        for _ in range(TURNS):
            nothing, ours = _run([sys.executable, "-c", "pass"]), _run([sys.executable, "-m", "sen4cap", *words])
            more.append(ours[0] - nothing[0])
            cpu.append(ours[1] - nothing[1])
        found.rows.append(
            Row(
                f"start-up: sen4cap {' '.join(words)}",
                "python -c pass",
                more,
                "s more",
                Bound(most=0.15),
                cpu,
                note=f"difference, {TURNS} turns",
                any_size=True,
            )
        )
    found.extend(_container())
    return found


def _run(words: Sequence[str]) -> tuple[float, float]:
    """Seconds on the clock and of processor."""
    import os

    begun = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)}: exit code {process.returncode}")
    return time.perf_counter() - begun, used.ru_utime + used.ru_stime


def _container() -> Findings:
    """Start the tools' image where it and podman are there."""
    from sen4cap import __version__

    image = f"{IMAGE}:{__version__}"
    try:
        there = subprocess.run(["podman", "image", "exists", image], check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        there = False
    if not there:
        return Findings(words=[f"A cold container start was not measured: no podman, or no image {image}."])
    # The script knows the settings that podman needs here.
    script = f'. "{TESTS.parent}/scripts/containers.sh" && exec podman run --rm --network=none --pull=never "$@"'
    begin = ["bash", "-c", script, "podman", image]
    rows = []
    for words, what in ((["sen4cap", "--help"], "--help"), (["sen4cap", "season", "--help"], "season --help")):
        try:
            seconds = [_run([*begin, *words])[0] for _ in range(3)]
        except RuntimeError as error:
            return Findings(words=[f"A cold container start was not measured: {error}."])
        rows.append(Row(f"start-up: sen4cap {what} in a fresh container of the tools' image", "", seconds, "s"))
    return Findings(rows=rows)
