"""A folder over HTTP with byte ranges, as object stores and static catalogues serve it."""

from __future__ import annotations

import os
import re
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .flaky import _Server

TYPES = {".json": "application/json", ".tif": "image/tiff", ".xml": "application/xml"}


class FileServer:
    """Context manager: serves `folder` on loopback.

    With `signature`, only requests that carry `sig=` it are answered; paths that end with `open_to` need none. Every
    answer waits `latency_s`. The first `ignored` parts of a path name nothing: any will do, as a bucket's name.
    """

    def __init__(
        self, folder: Path, *, signature: str = "", open_to: str = "", latency_s: float = 0.0, ignored: int = 0
    ) -> None:
        settings = {"folder": Path(folder), "signature": signature, "open_to": open_to}
        settings |= {"latency_s": latency_s, "ignored": ignored}
        handler = type("Handler", (_Files,), settings)
        self.server = _Server(("127.0.0.1", 0), handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> FileServer:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Files(BaseHTTPRequestHandler):
    folder: Path
    signature: str
    open_to: str
    latency_s: float
    ignored: int
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        """No access log."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        time.sleep(self.latency_s)
        parts = urlsplit(self.path)
        path = self.folder.joinpath(*unquote(parts.path).strip("/").split("/")[self.ignored :])
        if path.is_dir():
            path /= "catalog.json"
        closed = self.signature and not (self.open_to and path.name.endswith(self.open_to))
        if closed and f"sig={self.signature}" not in parts.query:
            self._send(403, b"")
        elif not path.is_file():
            self._send(404, b"")
        else:
            self._file(path)

    def _file(self, path: Path) -> None:
        size = path.stat().st_size
        kind = TYPES.get(path.suffix, "application/octet-stream")
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first = int(asked[1]) if asked else 0
        past = min(int(asked[2]) + 1 if asked and asked[2] else size, size)
        if asked and first >= size:
            self._send(416, b"")
            return
        content = b""
        if self.command != "HEAD":
            with path.open("rb") as source:
                content = os.pread(source.fileno(), past - first, first)
        span = f"bytes {first}-{past - 1}/{size}" if asked else ""
        self._send(206 if asked else 200, content, length=past - first, kind=kind, span=span)

    def _send(self, status: int, content: bytes, *, length: int = 0, kind: str = "text/plain", span: str = "") -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Accept-Ranges", "bytes")
        if span:
            self.send_header("Content-Range", span)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content)
