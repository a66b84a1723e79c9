"""Remote data: how GDAL and plain requests reach it, which failures pass, and how patiently they are waited for."""

from __future__ import annotations

import itertools
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from .errors import BadInput, RemoteFailure

Thing = TypeVar("Thing")

REMOTE = ("http://", "https://", "s3://", "/vsicurl/", "/vsis3/")
GDAL_CACHE = 64 * 2**20
"""Bytes (small numbers are megabytes to GDAL, not to rasterio) of decoded tiles that are kept: more than a row of them
across a Sentinel-2 tile, so that windows astride tiles decode none twice; GDAL's own limit is 5 % of the memory."""
PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504, 509, 520, 522, 524, 598, 599})
STATUS = re.compile(r"(?:HTTP response code|response_code=|HTTP status|Status Code:?)\D{0,3}(\d{3})", re.IGNORECASE)
PASSING_WORDS = re.compile(r"RequestTimeout|SlowDown|SLOW_DOWN|Throttl|ServiceUnavailable|InternalError", re.IGNORECASE)
# What GDAL (class names of rasterio's errors) and Arrow call an object store's final word.
FINAL_WORDS = re.compile(
    r"AccessDenied|ObjectNotFound|BucketNotFound|InvalidCredentials|SignatureDoesNotMatch|NoSuchKey|NoSuchBucket"
    r"|NO_SUCH_KEY|NO_SUCH_BUCKET|RESOURCE_NOT_FOUND|ACCESS_DENIED|INVALID_ACCESS_KEY|SIGNATURE_DOES_NOT_MATCH"
    r"|Path does not exist",
    re.IGNORECASE,
)


class PassingFailure(Exception):
    """A failure that may pass: overload, a time limit, a reset connection, a short read."""


class FinalFailure(Exception):
    """A failure that no repetition will mend: not found, forbidden."""


@dataclass(frozen=True)
class Patience:
    """How long a remote service is waited for.

    Attributes
    ----------
    retries : int
        Repetitions after the first attempt.
    timeout_s : float
        Time limit of one request, s.
    first_wait_s, longest_wait_s : float
        The wait before a repetition doubles from the one to the other; a random part of up to `first_wait_s` is added
        so that parallel readers do not come back all at once.
    budget_s : float
        No repetition begins later than this after the first attempt.
    given_up : threading.Event
        Once set, nobody waits any longer: another reader has failed for good.
    """

    retries: int
    timeout_s: float
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0
    budget_s: float = 600.0
    given_up: threading.Event = field(default_factory=threading.Event, compare=False)


def is_remote(path: str) -> bool:
    """Tell whether a reference or a GDAL path leads over the network."""
    return path.startswith(REMOTE)


def patiently(work: Callable[[], Thing], patience: Patience, *, where: str, do: str) -> Thing:
    """Call `work()` until it succeeds; wait longer before every repetition.

    Parameters
    ----------
    work
        Raises `PassingFailure` or `FinalFailure`.
    where
        What is worked on, for the message.
    do
        What the user can do after the last attempt.

    Raises
    ------
    RemoteFailure
        At once for a `FinalFailure`, after the last attempt for a `PassingFailure`.
    """
    import tenacity

    attempt = 0

    def once() -> Thing:
        nonlocal attempt
        attempt += 1
        return work()

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(PassingFailure),
        stop=tenacity.stop_any(
            tenacity.stop_after_attempt(patience.retries + 1),
            tenacity.stop_before_delay(patience.budget_s),
            tenacity.stop_when_event_set(patience.given_up),
        ),
        wait=tenacity.wait_exponential(multiplier=patience.first_wait_s, max=patience.longest_wait_s)
        + tenacity.wait_random(0, patience.first_wait_s),
        sleep=tenacity.sleep_using_event(patience.given_up),
        reraise=True,
    )
    try:
        return retrying(once)
    except FinalFailure as error:
        raise RemoteFailure(where, str(error)) from error
    except PassingFailure as error:
        tries = "attempt" if attempt == 1 else "attempts"
        raise RemoteFailure(where, f"{error} ({attempt} {tries})", do=do) from error


@contextmanager
def gdal_settings(patience: Patience) -> Iterator[None]:
    """Hold GDAL's settings for reading parts of remote files, in the thread that enters it."""
    import rasterio
    from rasterio.session import DummySession

    with rasterio.Env(
        # GDAL finds S3 credentials itself. Rasterio's own session would need boto3, and 8 ms a file.
        session=DummySession(),
        # Listing a remote folder costs requests and often is forbidden.
        GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR",
        GDAL_HTTP_MULTIRANGE="YES",
        GDAL_HTTP_MERGE_CONSECUTIVE_RANGES="YES",
        GDAL_HTTP_VERSION="2TLS",
        # The header of a COG of a whole tile with its tile index is larger than GDAL's first request of 16 KiB.
        GDAL_INGESTED_BYTES_AT_OPEN="32768",
        GDAL_HTTP_CONNECTTIMEOUT=str(min(patience.timeout_s, 20.0)),
        GDAL_HTTP_TIMEOUT=str(patience.timeout_s),
        # `patiently` repeats: it waits with jitter, knows a budget, and opens anew after a short read.
        GDAL_HTTP_MAX_RETRY="0",
        # A band is read once, front to back: a second cache in front of the first only costs memory.
        VSI_CACHE="FALSE",
        # GDAL remembers what it got, failures and short reads too. For object stores this turns that off; over plain
        # HTTP it would cost a request more per file, so `gdal_path` gives every opening a name of its own.
        CPL_VSIL_CURL_NON_CACHED="/vsis3/",
        GDAL_NUM_THREADS="1",
        GDAL_CACHEMAX=GDAL_CACHE,
        **s3_settings(os.environ),
    ):
        yield


def s3_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """GDAL's settings for the S3 endpoint that AWS_S3_ENDPOINT or AWS_ENDPOINT_URL[_S3] names.

    The other AWS_* variables GDAL reads itself.
    A custom endpoint is addressed by path (as CREODIAS, MinIO and moto are) unless AWS_VIRTUAL_HOSTING says otherwise.
    """
    endpoint = _endpoint(environ)
    if not endpoint:
        return {}
    parts = urlsplit(endpoint)
    return {
        "AWS_S3_ENDPOINT": parts.netloc + parts.path.rstrip("/"),
        "AWS_HTTPS": "NO" if parts.scheme == "http" else "YES",
        "AWS_VIRTUAL_HOSTING": environ.get("AWS_VIRTUAL_HOSTING", "FALSE"),
    }


def _endpoint(environ: Mapping[str, str]) -> str:
    """Endpoint as a URL, empty where none is named."""
    for name in ("AWS_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        said = environ.get(name, "").rstrip("/")
        if said:
            plain = environ.get("AWS_HTTPS", "YES").upper() in ("NO", "FALSE", "OFF", "0")
            return said if "://" in said else f"{'http' if plain else 'https'}://{said}"
    return ""


_openings = itertools.count(1)


def gdal_path(path: str) -> str:
    """Path by which GDAL opens a file anew: nothing that it remembers of an earlier time gets in the way.

    A URL gets a fragment, which never leaves this machine.
    """
    return f"{path}#{next(_openings)}" if path.startswith("/vsicurl/") else path


def gdal_failure(error: BaseException, path: str, *, where: str) -> Exception:
    """What an error of GDAL means, as the exception to raise.

    Parameters
    ----------
    where
        What was being read, for the message about a local file.

    Returns
    -------
    FinalFailure or PassingFailure
        For a remote path. Whatever GDAL does not name as final may pass: it tells a body cut short in many words.
    BadInput
        For a local path.
    """
    told = _told(error)
    text = redacted(told[-1].partition(": ")[2] or told[-1])
    if not is_remote(path):
        missing = not Path(path).exists()
        what = "is missing" if missing else f"is damaged or no raster ({text})"
        return BadInput(f"{where}: {path}", what, do="copy it again")
    return _judged(" | ".join(told), text)


def failure_of_request(status: int | None, text: str) -> Exception:
    """What a failed request means, by its HTTP status; None where no answer came."""
    short = " ".join(redacted(text).split())[:300]
    if status is None:
        return PassingFailure(short)
    return _judged(f"HTTP status {status}", f"HTTP status {status}{f' ({short})' if short else ''}")


def _judged(everything: str, text: str) -> Exception:
    found = STATUS.search(everything)
    status = int(found[1]) if found else 0
    final = (400 <= status < 500 and status not in PASSING_STATUS) or FINAL_WORDS.search(everything)
    # Object stores say "try again" with statuses such as 400, too.
    return FinalFailure(text) if final and not PASSING_WORDS.search(everything) else PassingFailure(text)


def _told(error: BaseException) -> list[str]:
    """Class and message of an error and of all that led to it, the first cause last."""
    told: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(told) < 20:
        told.append(f"{type(cause).__name__}: {cause}")
        cause = cause.__cause__ or cause.__context__
    return told


def redacted(text: str) -> str:
    """Text without the query strings of URLs: they may hold signatures."""
    return re.sub(r"(https?://[^\s'\"?]+)\?[^\s'\"]*", r"\1?...", text)


def read_bytes(href: str, *, timeout_s: float, headers: Mapping[str, str] | None = None) -> bytes:
    """Whole content of a small file: a path, http(s) or s3.

    Parameters
    ----------
    timeout_s
        Time limit of the request, s.
    headers
        To send along over http(s).

    Raises
    ------
    PassingFailure, FinalFailure
        A remote file could not be read.
    BadInput
        A local file could not be read.
    """
    if href.startswith(("http://", "https://")):
        return _read_http(href, timeout_s, headers or {})
    if href.startswith("s3://"):
        return _read_s3(href, timeout_s)
    path = Path(href.removeprefix("file://"))
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(path, f"cannot be read ({error.strerror})") from error


def _read_http(url: str, timeout_s: float, headers: Mapping[str, str]) -> bytes:
    import requests

    try:
        answer = _session().get(url, headers=dict(headers), timeout=(min(timeout_s, 20.0), timeout_s))
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
        raise FinalFailure(redacted(str(error))) from error
    except requests.RequestException as error:
        raise PassingFailure(redacted(str(error))) from error
    if answer.status_code >= 400:
        raise failure_of_request(answer.status_code, answer.reason or "")
    return bytes(answer.content)


_sessions = threading.local()


def _session() -> Any:
    """One session a thread keeps its connections open."""
    import requests

    if not hasattr(_sessions, "session"):
        _sessions.session = requests.Session()
    return _sessions.session


def _read_s3(href: str, timeout_s: float) -> bytes:
    from pyarrow import fs

    parts = urlsplit(_endpoint(os.environ))
    options: dict[str, Any] = {
        "request_timeout": timeout_s,
        "connect_timeout": min(timeout_s, 20.0),
        "retry_strategy": fs.AwsStandardS3RetryStrategy(max_attempts=1),
        "anonymous": os.environ.get("AWS_NO_SIGN_REQUEST", "NO").upper() in ("YES", "TRUE", "1"),
    }
    if parts.netloc:
        options |= {"endpoint_override": parts.netloc, "scheme": parts.scheme}
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region or parts.netloc:
        options["region"] = region or "us-east-1"
    try:
        with fs.S3FileSystem(**options).open_input_stream(href.removeprefix("s3://")) as stream:
            return bytes(stream.read())
    except OSError as error:
        raise _judged(f"{type(error).__name__}: {error}", redacted(str(error))) from error
