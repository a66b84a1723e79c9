"""A throwaway PostgreSQL with PostGIS and pgstac on loopback, and the STAC API in front of it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType

PACKAGE = "postgresql-15-postgis-3"
START_S = 60.0


def postgres_programs() -> Path | None:
    """Folder of initdb and postgres, the newest version that has PostGIS; None where there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    share = Path("/usr/share/postgresql")
    with_postgis = [f for f in folders if (share / f.parent.name / "extension" / "postgis.control").is_file()]
    return with_postgis[-1] if with_postgis else None


def free_port() -> int:
    """Port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """Context manager: a database cluster in a folder of its own, ended by its process id."""

    def __init__(self, programs: Path) -> None:
        self.programs = programs
        self.port = free_port()
        # PostgreSQL refuses to run as root, and its user cannot enter pytest's folders.
        self.user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self.folder = Path(tempfile.mkdtemp(prefix="sen4cap-postgres-"))

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which clients find it."""
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": "postgres",
            "PGPASSWORD": "postgres",
            "PGDATABASE": "postgres",
        }

    def __enter__(self) -> Postgres:
        try:
            shutil.chown(self.folder, self.user)
            data = self.folder / "data"
            self._run("initdb", "-D", str(data), "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8")
            options = ["-p", str(self.port), "-h", "127.0.0.1", "-k", str(self.folder), "-F"]
            with (self.folder / "log").open("wb") as log:
                self.process = subprocess.Popen(
                    [self.programs / "postgres", "-D", data, *options], stdout=log, stderr=log, **self._as_user()
                )
            self._wait()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _as_user(self) -> dict[str, object]:
        if os.getuid() != 0:
            return {"cwd": self.folder}
        entry = pwd.getpwnam(self.user)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": self.folder}

    def _run(self, program: str, *options: str) -> None:
        done = subprocess.run([self.programs / program, *options], capture_output=True, text=True, **self._as_user())
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")

    def _wait(self) -> None:
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"postgres ended: {(self.folder / 'log').read_text()}")
            ready = subprocess.run(
                [self.programs / "pg_isready", "-h", "127.0.0.1", "-p", str(self.port)], capture_output=True
            )
            if ready.returncode == 0:
                return
            time.sleep(0.1)
        raise RuntimeError("postgres does not answer")


class StacApi:
    """Context manager: pgstac's schema, some collections and items, and stac-fastapi-pgstac under uvicorn."""

    def __init__(self, database: Postgres, collections: list[dict], items: list[dict]) -> None:
        self.database = database
        self.collections = collections
        self.items = items
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> StacApi:
        self._load()
        self.log = tempfile.TemporaryFile()
        # The application listens on the loopback address alone, and is ended by its process id.
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "uvicorn", "--factory", "stac_fastapi.pgstac.app:create_app"),
                *("--host", "127.0.0.1", "--port", str(self.port), "--log-level", "warning"),
            ],
            env=os.environ | self.database.environment,
            stdout=self.log,
            stderr=self.log,
        )
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                self.log.seek(0)
                raise RuntimeError(f"uvicorn ended: {self.log.read().decode()}")
            try:
                with urllib.request.urlopen(self.url, timeout=5):
                    return self
            except OSError:
                time.sleep(0.2)
        self.__exit__(None, None, None)
        raise RuntimeError("the STAC API does not answer")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def _load(self) -> None:
        from pypgstac.db import PgstacDB
        from pypgstac.load import Loader, Methods
        from pypgstac.migrate import Migrate

        place = self.database
        with PgstacDB(dsn=f"postgresql://postgres@127.0.0.1:{place.port}/postgres") as connection:
            Migrate(connection).run_migration()
            loader = Loader(connection)
            loader.load_collections(iter(self.collections), Methods.insert)
            loader.load_items(iter(self.items), Methods.insert)
