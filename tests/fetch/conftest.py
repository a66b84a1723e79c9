"""A small archive and the servers to fetch it from."""

from __future__ import annotations

import datetime
import hashlib
import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import geopandas as gpd
import pytest
import shapely

from sen4cap.errors import BadInput, RemoteFailure
from sen4cap.remote import Patience
from servers.apart import fetch_apart
from servers.archive import CENTRE, SEASON, UTM, collection_record, make_catalogue
from servers.files import FileServer
from servers.flaky import FlakyProxy
from servers.postgres import PACKAGE, Postgres, StacApi, postgres_programs


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static catalogue like Earth Search: three Sentinel-2 items, one of them cloudy, and two of Sentinel-1."""
    return make_catalogue(tmp_path_factory.mktemp("archive"), SEASON)


@pytest.fixture(scope="session")
def parcels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three parcels near the middle of the tile, in the Belgian national CRS; one more is empty."""
    x, y = CENTRE
    squares = [shapely.box(x + dx, y + dy, x + dx + 150, y + dy + 120) for dx, dy in ((-400, 0), (0, 300), (350, -250))]
    frame = gpd.GeoDataFrame({"NewID": [1, 2, 3]}, geometry=squares, crs=UTM).to_crs(31370)
    path = tmp_path_factory.mktemp("parcels") / "parcels.gpkg"
    frame.to_file(path)
    return path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between attempts are short."""
    monkeypatch.setattr("sen4cap.fetch.run.Patience", partial(Patience, first_wait_s=0.02, longest_wait_s=0.1))


DEFAULTS = {
    "collection": "sentinel-2-l2a",
    "start": datetime.date(2021, 8, 1),
    "end": datetime.date(2022, 5, 31),
    "parcels": None,
    "id_field": "NewID",
    "tile": None,
    "bbox": None,
    "max_cloud": None,
    "assets": None,
    "by_reference": False,
    "skip_unreadable": False,
    "max_workers": 8,
    "retries": 6,
    "timeout": 20.0,
}


@pytest.fixture
def settings(tmp_path: Path, parcels: Path) -> Callable[..., dict[str, Any]]:
    """Give the settings of a run: the defaults of the command line but for what a test says."""

    def complete(**said: Any) -> dict[str, Any]:
        area = {} if "bbox" in said else {"parcels": parcels}
        return DEFAULTS | area | {"output": tmp_path / "l2a"} | said

    return complete


@pytest.fixture
def run_fetch(settings: Callable[..., dict[str, Any]]) -> Callable[..., Path]:
    """Run the tool; returns the output folder."""
    from sen4cap.fetch.run import fetch

    def run(catalog: object, **said: Any) -> Path:
        wanted = settings(**said)
        fetch(str(catalog), **wanted)
        return wanted["output"]

    return run


@pytest.fixture(scope="session")
def other_process() -> Iterator[ProcessPoolExecutor]:
    """A process beside the tests'."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture
def run_apart(
    settings: Callable[..., dict[str, Any]], other_process: ProcessPoolExecutor, over_s3: FlakyProxy
) -> Callable[..., Path]:
    """Run the tool in another process, with the S3 server's variables; errors come as the tool raised them."""

    def run(catalog: object, **said: Any) -> Path:
        wanted = settings(**said)
        kind, text = other_process.submit(fetch_apart, str(catalog), wanted, s3_environment(over_s3)).result()
        if kind:
            raise {"BadInput": BadInput, "RemoteFailure": RemoteFailure}[kind](*text.split(": ", 1))
        return wanted["output"]

    return run


@pytest.fixture
def scenes_in(tmp_path: Path) -> Callable[..., Path]:
    """Make a catalogue of scenes in the test's own folder."""
    return lambda *scenes: make_catalogue(tmp_path / "made", list(scenes))


@pytest.fixture
def over_http(archive: Path) -> Iterator[FlakyProxy]:
    """The archive over HTTP, behind a proxy whose faults a test may set."""
    with FileServer(archive) as files, FlakyProxy(files.url) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """An S3 server on loopback; its URL."""
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    finally:
        server.stop()


@pytest.fixture(scope="session")
def bucket(moto: str, archive: Path) -> str:
    """The archive in a bucket of the S3 server; the bucket's name."""
    client = boto3.client(
        "s3", endpoint_url=moto, aws_access_key_id="key", aws_secret_access_key="secret", region_name="us-east-1"
    )
    client.create_bucket(Bucket="eodata")
    for path in sorted(p for p in archive.rglob("*") if p.is_file()):
        client.upload_file(str(path), "eodata", str(path.relative_to(archive)))
    return "eodata"


@pytest.fixture
def over_s3(moto: str, bucket: str) -> Iterator[FlakyProxy]:
    """The bucket behind a proxy whose faults a test may set."""
    with FlakyProxy(moto) as proxy:
        yield proxy


def s3_environment(proxy: FlakyProxy) -> dict[str, str]:
    return {
        "AWS_S3_ENDPOINT": f"127.0.0.1:{proxy.port}",
        "AWS_HTTPS": "NO",
        "AWS_VIRTUAL_HOSTING": "FALSE",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


@pytest.fixture(scope="session")
def api(archive: Path) -> Iterator[StacApi]:
    """stac-fastapi-pgstac with the archive's items, their files referred to as s3://eodata/..."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip(f"no PostgreSQL with PostGIS; install Debian's {PACKAGE}")
    items = []
    for path in sorted(archive.glob("*/*/*.json")):
        record = json.loads(path.read_text())
        folder = path.parent.relative_to(archive)
        for asset in record["assets"].values():
            asset["href"] = f"s3://eodata/{folder}/{asset['href'].removeprefix('./')}"
        items.append(record)
    collections = [collection_record(name) for name in ("sentinel-2-l2a", "sentinel-1-rtc", "landsat-c2-l2")]
    with Postgres(programs) as database, StacApi(database, collections, items) as server:
        yield server


@pytest.fixture
def tree() -> Callable[[Path], dict[str, str]]:
    """Digests of all files of a folder, by relative path."""

    def digest(folder: Path) -> dict[str, str]:
        files = sorted(p for p in folder.rglob("*") if p.is_file())
        return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

    return digest
