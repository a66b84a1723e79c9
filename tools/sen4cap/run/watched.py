"""cwltool with a tool class that tells what happens; it computes nothing differently.

Events go as JSON lines to the file that SEN4CAP_RUN_EVENTS names, output of the steps to the folder SEN4CAP_RUN_STEPS.
Two things differ from plain cwltool:

- each job has a cache folder of its own, chosen by all its inputs. cwltool's own key leaves the content and the place
  of directories out, so that two jobs that differ only in directories of one name would share a result;
- the log of a step is a file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import resource
import shlex
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cwltool.argparser import arg_parser
from cwltool.command_line_tool import CallbackJob, CommandLineTool
from cwltool.context import LoadingContext, RuntimeContext
from cwltool.job import ContainerCommandLineJob, JobBase
from cwltool.main import _signal_handler, _terminate_processes
from cwltool.main import main as run_cwltool
from cwltool.process import Process, shortname
from cwltool.workflow import Workflow, default_make_tool
from ruamel.yaml.comments import CommentedMap

EVENTS, STEPS = "SEN4CAP_RUN_EVENTS", "SEN4CAP_RUN_STEPS"


class Teller:
    """Names the jobs and tells their events; a name once given stays, also in later attempts."""

    def __init__(self, events: Path, *, parallel: bool) -> None:
        self.events = events
        self.parallel = parallel
        self.lock = threading.Lock()
        self.names: dict[str, str] = {}
        self.times: dict[str, int] = defaultdict(int)
        for event in events_in(events.read_text().splitlines() if events.exists() else ()):
            if event["event"] == "named":
                self.names[event["key"]] = event["name"]
                self.times[event["path"]] += 1

    def name(self, path: str, key: str) -> str:
        """Name of the job of a step that has this key."""
        with self.lock:
            if key not in self.names:
                self.times[path] += 1
                number = self.times[path]
                self.names[key] = path if number == 1 else f"{path}.{number}"
                self._write({"event": "named", "key": key, "path": path, "name": self.names[key]})
            return self.names[key]

    def tell(self, event: str, key: str, **more: Any) -> None:
        """Write one event."""
        with self.lock:
            self._write({"event": event, "key": key, "name": self.names[key], "at": time.time(), **more})

    def _write(self, event: dict[str, Any]) -> None:
        with self.events.open("a") as file:
            file.write(json.dumps(event) + "\n")


def events_in(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Events of lines; one that was cut off as its writer was killed is left out."""
    for line in lines:
        with contextlib.suppress(json.JSONDecodeError):
            yield json.loads(line)


class Remarks(logging.Handler):
    """What cwltool itself says of each job: its faults, and the memory it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, list[str]] = defaultdict(list)
        self.memory_mib: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Sort a line to its job."""
        if not isinstance(record.args, tuple) or not record.args or "[job " not in str(record.msg):
            return
        name = str(record.args[0])
        if "memory used" in record.msg:
            self.memory_mib[name] = float(str(record.args[1]))
        elif record.levelno >= logging.WARNING:
            self.said[name].append(record.getMessage())


class WatchedJob(JobBase):
    """Mixed into cwltool's classes of jobs: tells when it starts and ends, logs to a file."""

    teller: Teller
    remarks: Remarks
    key: str
    image: str | None

    def run(self, runtimeContext: RuntimeContext, tmpdir_lock: threading.Lock | None = None) -> None:
        """Run as cwltool does, and tell."""
        name = self.teller.names[self.key]
        log = Path(os.environ[STEPS]) / f"{name.replace('/', '.')}.log"
        contained = isinstance(self, ContainerCommandLineJob)
        context = runtimeContext.copy()
        ended: dict[str, Any] = {"status": "failed", "exit_code": None}
        collect, callback = self.collect_outputs, self.output_callback

        def collect_and_note(outdir: str, code: int) -> Any:
            ended["exit_code"] = code
            return collect(outdir, code)

        def call_and_note(outputs: Any, status: str) -> None:
            ended["status"] = "done" if status == "success" else "failed"
            if callback:
                callback(outputs, status)

        self.collect_outputs, self.output_callback = collect_and_note, call_and_note
        with log.open("ab", buffering=0) as file:
            file.write(f"$ {shlex.join(map(str, self.command_line))}\n".encode())
            context.default_stdout = context.default_stderr = file
            image = self.image if contained else None
            self.teller.tell("started", self.key, log=str(log), outdir=self.outdir, image=image)
            before = children_cpu()
            try:
                super().run(context, tmpdir_lock)  # type: ignore[safe-super]  # the class it is mixed into runs it
            except BaseException as error:
                self.remarks.said[self.name].append(str(error))
                raise
            finally:
                alone = not (contained or self.teller.parallel)
                with log.open("a") as end:
                    end.writelines(f"{line}\n" for line in self.remarks.said.pop(self.name, ()))
                self.teller.tell(
                    "ended",
                    self.key,
                    cpu_s=children_cpu() - before if alone else None,
                    peak_memory_mib=self.remarks.memory_mib.pop(self.name, None),
                    **ended,
                )


class WatchedTool(CommandLineTool):
    """cwltool's tool, whose jobs are watched."""

    teller: Teller
    remarks: Remarks
    path = ""
    """Names of the steps that lead to it."""

    def make_job_runner(self, runtimeContext: RuntimeContext) -> type[JobBase]:
        """Mix the watching into the class that cwltool chooses."""
        base = super().make_job_runner(runtimeContext)
        wanted, _ = self.get_requirement("DockerRequirement")
        image = wanted and (wanted.get("dockerImageId") or wanted.get("dockerPull"))
        more = {"teller": self.teller, "remarks": self.remarks, "image": image}
        return type(base.__name__, (WatchedJob, base), more)

    def job(
        self, job_order: Any, output_callbacks: Any, runtimeContext: RuntimeContext
    ) -> Generator[JobBase | CallbackJob, None, None]:
        """Make the job as cwltool does, with its own cache folder; tell when a cached result is taken."""
        path = self.path or shortname(self.tool["id"])
        key = f"{path} {digest(job_order)}"
        name = self.teller.name(path, key)
        context = runtimeContext.copy()
        if context.cachedir:
            own = Path(context.cachedir) / f"{name.replace('/', '.')}-{key[-16:]}"
            own.mkdir(parents=True, exist_ok=True)
            context.cachedir = str(own)
        for job in super().job(job_order, output_callbacks, context):
            if isinstance(job, WatchedJob):
                job.key = key
            else:
                self.teller.tell("reused", key)
            yield job


def digest(value: Any) -> str:
    """Digest of an input object: values, and of files and directories what they hold or where they are."""
    return hashlib.sha256(json.dumps(plain(value), sort_keys=True, default=str).encode()).hexdigest()[:16]


def plain(value: Any) -> Any:
    """An input object without what differs from attempt to attempt."""
    if isinstance(value, Mapping):
        said = {str(key): plain(each) for key, each in value.items() if key not in ("path", "dirname")}
        # cwltool gives what has no file a random address.
        if str(said.get("location", "")).startswith("_:"):
            del said["location"]
        return said
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def name_steps(process: Process, path: tuple[str, ...] = ()) -> None:
    """Tell every tool of a workflow which steps lead to it."""
    for step in process.steps if isinstance(process, Workflow) else ():
        here = (*path, shortname(step.id))
        if isinstance(step.embedded_tool, WatchedTool):
            step.embedded_tool.path = "/".join(here)
        name_steps(step.embedded_tool, here)


def children_cpu() -> float:
    """CPU time of all children that have ended, seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cwltool(arguments: list[str]) -> int:
    """Call cwltool as its own command does, watched."""
    args = arg_parser().parse_args([*os.environ.get("CWLTOOL_OPTIONS", "").split(), *arguments])
    teller, remarks = Teller(Path(os.environ[EVENTS]), parallel=args.parallel), Remarks()
    logging.getLogger("cwltool").addHandler(remarks)
    watched = type("Watched", (WatchedTool,), {"teller": teller, "remarks": remarks})

    def make(toolpath_object: CommentedMap, loadingContext: LoadingContext) -> Process:
        kind = watched if toolpath_object.get("class") == "CommandLineTool" else default_make_tool
        tool: Process = kind(toolpath_object, loadingContext)
        name_steps(tool)
        return tool

    loading = LoadingContext(vars(args))
    loading.singularity, loading.podman = args.singularity, args.podman
    loading.construct_tool_object = make
    signal.signal(signal.SIGTERM, _signal_handler)
    try:
        return run_cwltool(args=args, loadingContext=loading)
    finally:
        _terminate_processes()
