"""Fetching over the network: servers that fail now and then, or for good; interruptions; full disks."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from sen4cap.errors import RemoteFailure
from sen4cap.fetch import planetary_computer
from sen4cap.fetch.planetary_computer import Signer, is_planetary_computer
from sen4cap.remote import FinalFailure, PassingFailure, Patience, patiently, read_bytes, redacted, s3_settings
from sen4cap.stac import open_items
from servers.archive import DIALECTS, SEASON, Scene, write_raster
from servers.files import FileServer
from servers.flaky import Faults, FlakyProxy

COMMAND = (sys.executable, "-m", "sen4cap", "fetch")
SPAN = ("--collection", "sentinel-2-l2a", "--start", "2021-08-01", "--end", "2022-05-31")


def rasters(tree):
    return {path: digest for path, digest in tree.items() if path.endswith((".tif", ".xml"))}


@pytest.fixture
def local(archive, run_fetch, tmp_path, tree):
    """What a fetch from the disk gives."""
    return tree(run_fetch(archive, output=tmp_path / "local"))


def test_static_catalogue_over_http_that_fails_now_and_then(over_http, run_fetch, tree, local, quick):
    over_http.faults = Faults(seed=3, unavailable=0.08, cut=0.08, reset=0.08, slow=0.05, slow_s=0.05)
    output = run_fetch(over_http.url)
    assert rasters(tree(output)) == rasters(local)
    assert all(over_http.faults.seen[fault] > 0 for fault in ("unavailable", "cut", "reset", "slow"))
    item = open_items(output)[0]
    (link,) = item.get_links("derived_from")
    assert link.target == f"{over_http.url}/sentinel-2-l2a/{item.id}/{item.id}.json"


def test_only_the_window_is_read(scenes_in, run_fetch, quick):
    folder = scenes_in(Scene("WIDE", "2021-09-01T10:50:00Z", bands=("B04",)))
    path = folder / "sentinel-2-l2a" / "WIDE" / "B04.tif"
    write_raster(path, np.random.default_rng(1).integers(1, 10_000, (2_000, 2_000)).astype(np.uint16), 10, east=0)
    with FileServer(folder) as files, FlakyProxy(files.url) as proxy:
        run_fetch(proxy.url, assets=("B04",))
        spans = [request.rsplit("bytes=", 1)[1].split("-") for request in proxy.faults.paths if "bytes=" in request]
    assert 0 < sum(int(last) + 1 - int(first) for first, last in spans) < path.stat().st_size / 10


@pytest.mark.parametrize("fault", ["unavailable", "cut", "reset"])
def test_service_that_stays_down(fault, over_http, run_fetch, quick, tmp_path):
    run = {"assets": ("B04",), "retries": 2}
    over_http.faults = Faults(always_meets={".tif": fault})
    with pytest.raises(RemoteFailure, match=r"item S2A_31UES_\d+_0_L2A, asset red \(http://.*\(3 attempts\)") as caught:
        run_fetch(over_http.url, **run)
    assert caught.value.exit_code == 4
    assert not (tmp_path / "l2a").exists()


def test_slow_answer_runs_into_the_time_limit(over_http, run_fetch, quick):
    over_http.faults = Faults(always_meets={".tif": "slow"}, slow_s=1.0)
    with pytest.raises(RemoteFailure, match=r"timed out.*2 attempts"):
        run_fetch(over_http.url, assets=("B04",), timeout=0.2, retries=1, max_workers=2)


@pytest.mark.parametrize("status", [404, 403, 401])
def test_final_answers_are_not_repeated(status, over_http, run_fetch, quick):
    broken = f"{SEASON[1].id}/B08.tif"
    over_http.faults = Faults(always={broken: status})
    with pytest.raises(RemoteFailure, match=rf"item {SEASON[1].id}, asset nir \(http.*: HTTP response code: {status}"):
        run_fetch(over_http.url)
    assert over_http.faults.seen[str(status)] == 1
    output = run_fetch(over_http.url, skip_unreadable=True)
    assert [item.id for item in open_items(output)] == [SEASON[0].id, SEASON[2].id]


def test_catalogue_that_is_not_there(over_http, run_fetch, quick):
    with pytest.raises(RemoteFailure, match=r"nowhere.json: HTTP status 404"):
        run_fetch(f"{over_http.url}/nowhere.json")
    with pytest.raises(RemoteFailure, match=r"127.0.0.1:9.*2 attempts"):
        run_fetch("http://127.0.0.1:9/", retries=1)


def test_rerun_goes_on_after_a_failure(over_http, run_fetch, quick, tree, local):
    over_http.faults = Faults(always={f"{SEASON[2].id}/B12.tif": 404})
    with pytest.raises(RemoteFailure):
        run_fetch(over_http.url, max_workers=2)
    over_http.faults = Faults()
    output = run_fetch(over_http.url, max_workers=2)
    assert rasters(tree(output)) == rasters(local)
    asked = {request.split()[1] for request in over_http.faults.paths if ".tif" in request}
    assert f"/sentinel-2-l2a/{SEASON[2].id}/B12.tif" in asked
    assert len(asked) < 33 - 10, "finished assets are not read again"


def test_rerun_does_not_trust_damaged_files_or_another_area(over_http, run_fetch, quick, tree, local, tmp_path):
    over_http.faults = Faults(always={f"{SEASON[2].id}/B12.tif": 404})
    partial = tmp_path / ".l2a.partial"
    for spoil in (lambda p: p.write_bytes(p.read_bytes()[:-5]), lambda p: p.unlink()):
        with pytest.raises(RemoteFailure):
            run_fetch(over_http.url, max_workers=2)
        spoil(partial / SEASON[0].id / "red.tif")
        with (partial / ".finished.jsonl").open("a") as journal:
            journal.write('["half a li')
    with pytest.raises(RemoteFailure):
        run_fetch(over_http.url, bbox=(3.02, 51.42, 3.03, 51.43), max_workers=2)
    over_http.faults = Faults()
    assert rasters(tree(run_fetch(over_http.url))) == rasters(local)


@pytest.mark.slow
def test_killed_in_the_middle(over_http, parcels, tmp_path, tree):
    over_http.faults = Faults(latency_s=0.03)
    command = [*COMMAND, "--catalog", over_http.url, *SPAN, "--parcels", str(parcels), "--max-workers", "2"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run([*command, "--output", whole], check=True, capture_output=True)
    process = subprocess.Popen([*command, "--output", killed], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal = tmp_path / ".killed.partial" / ".finished.jsonl"
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if journal.is_file() and journal.read_text().count("\n\n") >= 8:
            break
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was killed, it had not ended"
    assert not killed.exists()
    subprocess.run([*command, "--output", killed], check=True, capture_output=True)
    assert tree(killed) == tree(whole)
    assert {p.name for p in tmp_path.iterdir()} >= {"whole", "killed"}
    assert not list(tmp_path.glob(".killed*"))


def test_s3_that_fails_now_and_then(over_s3, run_apart, tree, local, bucket):
    over_s3.faults = Faults(seed=5, unavailable=0.1, cut=0.1, reset=0.1, slow=0.05, slow_s=0.05)
    output = run_apart(f"s3://{bucket}/catalog.json")
    assert rasters(tree(output)) == rasters(local)
    assert all(over_s3.faults.seen[fault] > 0 for fault in ("unavailable", "cut", "reset", "slow"))


def test_s3_keys_that_are_not_there(over_s3, run_apart, bucket):
    with pytest.raises(RemoteFailure, match=r"s3://eodata/nowhere/catalog.json"):
        run_apart(f"s3://{bucket}/nowhere/catalog.json")
    over_s3.faults = Faults(always={f"{SEASON[0].id}/B04.tif": 403})
    with pytest.raises(RemoteFailure, match=r"asset red \(s3://eodata/.*B04.tif\): HTTP response code: 403"):
        run_apart(f"s3://{bucket}/catalog.json", assets=("B04",))


def test_sen4cap_items_fall_back_to_their_alternate(over_s3, over_http, archive, run_apart, tmp_path):
    """The reference proper asks for a login; the same file lies in object storage."""
    over_http.faults = Faults(always={".tif": 401})
    item = SEASON[0].id
    record = json.loads((archive / "sentinel-2-l2a" / item / f"{item}.json").read_text())
    keys = DIALECTS["sen4cap"]
    assets = {}
    for band, key in keys.items():
        file = f"sentinel-2-l2a/{item}/{band}.tif"
        assets[key] = {"href": f"{over_http.url}/{file}", "alternate": {"s3": {"href": f"s3://eodata/{file}"}}}
    assets["B04"]["href"] = "sen4cap-service:product/1/B04"
    record |= {"assets": assets, "collection": None}
    (tmp_path / "item.json").write_text(json.dumps(record))
    links = [{"rel": "item", "href": "item.json"}]
    catalog = {"type": "Catalog", "id": "sentinel-2-l2a", "stac_version": "1.0.0", "description": "", "links": links}
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    output = run_apart(tmp_path, assets=("B04", "B08", "SCL"))
    (found,) = open_items(output)
    assert set(found.assets) == {"B04", "B08", "SCL"}
    assert "alternate" not in found.assets["B08"].extra_fields
    over_s3.faults = Faults(always={".tif": 403})
    with pytest.raises(RemoteFailure, match=r"asset SCL \(s3://.*403"):
        run_apart(tmp_path, assets=("B08", "SCL"))


class TokenServer(ThreadingHTTPServer):
    """Answers as Planetary Computer's token endpoint does."""

    daemon_threads = True

    def __init__(self, lasts_s: float) -> None:
        self.asked: list[tuple[str, str | None]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                server.asked.append((self.path, self.headers.get("Ocp-Apim-Subscription-Key")))
                until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + lasts_s))
                body = json.dumps({"msft:expiry": until, "token": "st=now&sig=secret"}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/token"


@pytest.fixture(params=[3600.0, 60.0])
def tokens(request):
    server = TokenServer(request.param)
    server.lasts = request.param > 300
    yield server
    server.shutdown()
    server.server_close()


def test_planetary_computer_references_are_signed(tokens, monkeypatch):
    monkeypatch.setenv("PC_SDK_SUBSCRIPTION_KEY", "mine")
    sign = Signer(tokens.url, 5.0)
    href = "https://sentinel2l2a01.blob.core.windows.net/sentinel2-l2/31/U/ES/B04.tif"
    assert sign(href) == f"{href}?st=now&sig=secret"
    assert sign(f"{href}?x=1") == f"{href}?x=1&st=now&sig=secret"
    assert sign("https://other.example/B04.tif") == "https://other.example/B04.tif"
    assert sign(f"{href}?sig=already") == f"{href}?sig=already"
    # A token is asked for once, and again shortly before it expires.
    assert tokens.asked == [("/token/sentinel2l2a01/sentinel2-l2", "mine")] * (1 if tokens.lasts else 2)


def test_only_their_catalogue_is_signed():
    assert is_planetary_computer("https://planetarycomputer.microsoft.com/api/stac/v1")
    assert not is_planetary_computer("https://earth-search.aws.element84.com/v1")
    assert not is_planetary_computer("https://evil.example/planetarycomputer.microsoft.com")


def test_planetary_computer_from_end_to_end(scenes_in, run_fetch, monkeypatch, quick):
    """A catalogue of unsigned references in front of a storage that answers 403 to those."""
    folder = scenes_in(Scene("S2A_PC", "2021-09-01T10:50:00Z", "planetary-computer", properties={}))
    tokens = TokenServer(3600)
    with FileServer(folder, signature="secret", open_to=".json") as storage:
        with pytest.raises(RemoteFailure, match=r"403"):
            run_fetch(storage.url)
        monkeypatch.setattr(planetary_computer, "HOST", "127.0.0.1")
        monkeypatch.setattr(planetary_computer, "STORAGE", "127.0.0.1")
        monkeypatch.setenv("PC_SDK_SAS_URL", tokens.url)
        output = run_fetch(storage.url)
        referred = run_fetch(storage.url, by_reference=True, output=output.with_name("referred"))
    (item,) = open_items(output)
    assert set(item.assets) == set(DIALECTS["planetary-computer"].values())
    assert "secret" not in json.dumps(item.to_dict())
    assert tokens.asked[0][0] == "/token/127/sentinel-2-l2a"
    assert open_items(referred)[0].assets["B04"].href.endswith("B04.tif?st=now&sig=secret")
    tokens.shutdown()


def test_full_disk(archive, parcels, on_small_disk):
    command = [*COMMAND, "--catalog", str(archive), *SPAN, "--parcels", str(parcels)]
    done = on_small_disk(*command, kib=200)
    assert done.returncode == 3, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert "the disk is full" in last
    assert ".l2a.partial" in last
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("side", "kib"), [(100, 4), (100, 8), (100, 20), (700, 8), (700, 400), (700, 1400)])
def test_disk_that_holds_a_part_of_a_file(side, kib, on_small_disk):
    """GDAL tells some of these failures, others not."""
    script = f"""
import pathlib, numpy, affine
from sen4cap.fetch.clip import Clip, write_cog
from sen4cap.grid import Grid
pixels = numpy.random.default_rng(1).integers(1, 60_000, (1, {side}, {side})).astype("uint16")
grid = Grid("EPSG:32631", affine.Affine(10, 0, 500_000, 0, -10, 5_700_000), ({side}, {side}))
clip = Clip(pixels, grid, 0, (1.0,), (0.0,), (None,), (None,), {{}})
try:
    write_cog(clip, pathlib.Path("x.tif"))
except OSError as error:
    print("refused:", error)
"""
    done = on_small_disk(sys.executable, "-c", script, kib=kib)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "refused: [Errno 28] No space left on device: 'x.tif'\n"


def test_endpoint_settings():
    assert s3_settings({}) == {}
    creodias = {"AWS_S3_ENDPOINT": "eodata.cloudferro.com", "AWS_HTTPS": "YES", "AWS_VIRTUAL_HOSTING": "FALSE"}
    assert s3_settings({"AWS_S3_ENDPOINT": "eodata.cloudferro.com"}) == creodias
    assert s3_settings({"AWS_ENDPOINT_URL": "https://eodata.cloudferro.com/"}) == creodias
    plain = {"AWS_S3_ENDPOINT": "localhost:9000", "AWS_HTTPS": "NO", "AWS_VIRTUAL_HOSTING": "TRUE"}
    assert s3_settings({"AWS_ENDPOINT_URL_S3": "http://localhost:9000", "AWS_VIRTUAL_HOSTING": "TRUE"}) == plain
    assert s3_settings({"AWS_S3_ENDPOINT": "localhost:9000", "AWS_HTTPS": "NO"})["AWS_HTTPS"] == "NO"


def test_patience_waits_longer_and_longer_and_knows_a_budget(monkeypatch):
    waits: list[float] = []

    class Event(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            return False

    def fail() -> None:
        raise PassingFailure("down")

    patience = Patience(retries=5, timeout_s=1, first_wait_s=1, longest_wait_s=6, given_up=Event())
    with pytest.raises(RemoteFailure, match=r"here: down \(6 attempts\); rest"):
        patiently(fail, patience, where="here", do="rest")
    for wait, base in zip(waits, (1, 2, 4, 6, 6), strict=True):
        assert base <= wait <= base + 1
    waits.clear()
    with pytest.raises(RemoteFailure, match=r"1 attempt\)"):
        patiently(fail, Patience(retries=5, timeout_s=1, budget_s=0.2, given_up=Event()), where="here", do="rest")
    assert waits == []


def test_nobody_waits_once_another_reader_has_given_up():
    patience = Patience(retries=50, timeout_s=1, first_wait_s=100)
    calls = []

    def fail() -> None:
        calls.append(1)
        threading.Timer(0.05, patience.given_up.set).start()
        raise PassingFailure("down")

    begun = time.monotonic()
    with pytest.raises(RemoteFailure):
        patiently(fail, patience, where="here", do="rest")
    assert time.monotonic() - begun < 20
    assert len(calls) <= 2


def test_short_bodies_of_small_files_are_noticed(archive):
    with FileServer(archive) as files, FlakyProxy(files.url, Faults(cut=1, most=1)) as proxy:
        with pytest.raises(PassingFailure):
            read_bytes(f"{proxy.url}/catalog.json", timeout_s=5)
        assert read_bytes(f"{proxy.url}/catalog.json", timeout_s=5) == (archive / "catalog.json").read_bytes()
        with pytest.raises(FinalFailure, match="404"):
            read_bytes(f"{proxy.url}/nothing", timeout_s=5)


def test_signatures_do_not_show_in_messages():
    assert redacted("'https://x.example/a.tif?st=1&sig=abc' is bad") == "'https://x.example/a.tif?...' is bad"
