"""An object store on loopback whose every answer waits: `python -m benchmarks.slow_store FOLDER SECONDS`.

It answers GET and HEAD with byte ranges as S3 does, and asks for no key. The first two parts of a path, bucket and
date, name nothing: all dates share the files of one, but no client can know that. Prints its port.
"""

from __future__ import annotations

import os
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


class _Objects(BaseHTTPRequestHandler):
    folder: Path
    latency_s: float
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        """No access log."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        time.sleep(self.latency_s)
        path = self.folder.joinpath(*unquote(urlsplit(self.path).path).strip("/").split("/")[2:])
        if not path.is_file():
            self._send(404, b"")
            return
        size = path.stat().st_size
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first = int(asked[1]) if asked else 0
        past = min(int(asked[2]) + 1 if asked and asked[2] else size, size)
        if first >= size:
            self._send(416, b"")
            return
        with path.open("rb") as source:
            content = os.pread(source.fileno(), past - first, first) if self.command == "GET" else b""
        self._send(206 if asked else 200, content, length=past - first, span=f"bytes {first}-{past - 1}/{size}")

    def _send(self, status: int, content: bytes, *, length: int = 0, span: str = "") -> None:
        self.send_response_only(status)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", '"1"')
        if span and status == 206:
            self.send_header("Content-Range", span)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    """Serve until the caller ends the process."""
    handler = type("Handler", (_Objects,), {"folder": Path(sys.argv[1]), "latency_s": float(sys.argv[2])})
    server = _Server(("127.0.0.1", 0), handler)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
