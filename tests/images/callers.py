"""Who runs workflows through the images: root by the `docker` command, an ordinary user by podman."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sen4cap import __version__

ROOT = Path(__file__).parents[2]
IMAGES = {name: f"ghcr.io/sen4cap/{name}:{__version__}" for name in ("tools", "train")}
SPAN = ["--start", "2021-08-15", "--end", "2022-05-31"]


def chosen_runtime() -> dict[str, str] | None:
    """Environment as scripts/containers.sh sets it, with RUNTIME; None where there is no container engine."""
    script = f". {ROOT}/scripts/containers.sh && env -0"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    return dict(line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)


def a_file(path: Path) -> dict[str, str]:
    return {"class": "File", "location": path.as_uri()}


def simulated(folder: Path) -> dict[str, Any]:
    """Job of the main workflow on the simulated season."""
    return {
        "catalog": {"class": "Directory", "location": folder.as_uri()},
        "parcels": a_file(folder / "parcels.gpkg"),
        "crops": a_file(folder / "crops.csv"),
        "crop_before": "crop_before",
        "crop_after": "crop_after",
        "practices": a_file(folder / "l4c.csv"),
        "weather": a_file(folder / "weather.csv"),
        "method": "threshold",
        "season": 2021,
        "start": SPAN[1],
        "end": SPAN[3],
        "keep_markers": True,
    }


@dataclass(frozen=True)
class Caller:
    """Who runs a workflow, how the runner is told to use containers, and a folder of the caller's own."""

    uid: int
    room: Path
    environment: dict[str, str]
    containers: tuple[str, ...]
    before: tuple[str, ...] = ()

    def run(self, *words: str, **settings: Any) -> subprocess.CompletedProcess[str]:
        """Run a command as the caller."""
        return subprocess.run([*self.before, *words], env=self.environment, text=True, check=False, **settings)

    def workflow(self, name: str, job: dict[str, Any], place: str, *, runner: str, containers: bool = True) -> Path:
        """Run a workflow of the suite; returns its result folder. Fails the test with the end of the log."""
        folder = self.room / place
        folder.mkdir(parents=True)
        os.chown(folder, self.uid, -1)
        (folder / "job.yml").write_text(yaml.safe_dump(job))
        how = list(self.containers)
        if not containers:
            # The runners hand a tool little of the environment.
            kept = [name for name in self.environment if name.startswith("NUMBA") or name == "PYTHONPATH"]
            how = ["--no-container", *(word for name in kept for word in ("--preserve-environment", name))]
        if runner == "cwltool":
            words = ["cwltool", *(["--disable-pull"] if containers else []), *how]
            words += ["--tmpdir-prefix", f"{folder}/tmp/", "--outdir", str(folder / "out")]
        else:
            words = ["toil-cwl-runner", *(["--no-prepull"] if containers else []), *how]
            words += ["--jobStore", str(folder / "store"), "--workDir", str(folder), "--outdir", str(folder / "out")]
            words += ["--publishWorkflowMetrics", "no", "--disableProgress"]
        words += [str(ROOT / "workflows" / f"{name}.cwl"), str(folder / "job.yml")]
        done = self.run(*words, capture_output=True, cwd=folder)
        assert done.returncode == 0, done.stderr[-6000:]
        return folder / "out" / "report"


def with_suite(environment: dict[str, str]) -> dict[str, str]:
    """Put the suite's commands on PATH; compile for the kind of processor that the images' kernels are for."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    kernels = {"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": ""} if os.uname().machine == "x86_64" else {}
    return {**environment, **kernels, "PATH": path}


def an_account(name: str, engine: dict[str, str], runtime: Path) -> Caller:
    """Set up podman for an account, with a folder for what lives while it runs, and give it the images."""
    account = pwd.getpwnam(name)
    home = Path(account.pw_dir)
    storage = home / "storage.conf"
    storage.write_text(f'[storage]\ndriver = "overlay"\nrunroot = "{runtime}/storage"\ngraphroot = "{home}/storage"\n')
    os.chown(runtime, account.pw_uid, account.pw_gid)
    before = ("runuser", "--user", name, "--")
    environment = {
        **{key: value for key, value in engine.items() if key in ("LANG", "CONTAINERS_CONF")},
        **{"HOME": str(home), "XDG_RUNTIME_DIR": str(runtime), "CONTAINERS_STORAGE_CONF": str(storage)},
        **{"PATH": f"{home}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"},
    }
    if subprocess.run([*before, "test", "-w", "/dev/net/tun"], check=False).returncode:
        environment["CONTAINERS_CONF"] = str(hosts_network(environment.get("CONTAINERS_CONF"), home))
    give_runners(home / "bin", before, environment)
    caller = Caller(account.pw_uid, home, environment, ("--podman",), before)
    ready = caller.run("podman", "run", "--help", capture_output=True, cwd=home)
    maps = caller.run("podman", "unshare", "true", capture_output=True, cwd=home)
    if ready.returncode or maps.returncode:
        pytest.skip(f"podman does not work for an ordinary user here: {(ready.stderr + maps.stderr).strip()[-300:]}")
    archive = runtime / "images.tar"
    subprocess.run(
        ["podman", "save", "--quiet", "--multi-image-archive", "--output", archive, *IMAGES.values()],
        env=engine,
        check=True,
        capture_output=True,
    )
    archive.chmod(0o644)
    loaded = caller.run("podman", "load", "--quiet", "--input", str(archive), capture_output=True, cwd=home)
    archive.unlink()
    assert loaded.returncode == 0, loaded.stderr
    return caller


def hosts_network(settings: str | None, home: Path) -> Path:
    """Settings of podman that leave containers in the host's network: one of their own takes /dev/net/tun."""
    text = Path(settings).read_text() if settings else "[containers]\n"
    path = home / "containers.conf"
    path.write_text(text.replace("[containers]\n", '[containers]\nnetns = "host"\n'))
    return path


def give_runners(folder: Path, before: tuple[str, ...], environment: dict[str, str]) -> None:
    """Write the runners' commands for an account, with an interpreter that it may run and the suite's libraries."""
    environment["PYTHONPATH"] = next(path for path in sys.path if path.endswith("site-packages"))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, shutil.which(version, path="/usr/local/bin:/usr/bin") or ""):
        trial = [*before, python, "-c", "import cwltool, toil.cwl"]
        if python and not subprocess.run(trial, env=environment, cwd="/", capture_output=True, check=False).returncode:
            break
    else:
        pytest.skip(f"an ordinary user may not run {sys.executable} here, and there is no other {version}")
    folder.mkdir()
    for name in ("cwltool", "toil-cwl-runner", "_toil_worker"):
        script = folder / name
        call = f'import importlib.metadata as m; (c,) = m.entry_points(group="console_scripts", name="{name}")'
        script.write_text(f"#!{python}\nimport sys; {call}; sys.exit(c.load()())\n")
        script.chmod(0o755)
