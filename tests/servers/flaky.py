"""A proxy that misbehaves now and then, by a seed: 503, a body cut short, a reset connection, a slow answer."""

from __future__ import annotations

import hashlib
import http.client
import socket
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "proxy-authorization", "trailer"}


@dataclass
class Faults:
    """How often which fault happens, and what did happen.

    Attributes
    ----------
    unavailable, cut, reset, slow : float
        Shares of the requests that get a 503, half a body, a reset connection, or an answer after `slow_s`.
    latency_s : float
        Every answer waits as long.
    most : int
        A request (method, path, range) fails at most so many times; after that it is answered.
    always : dict
        Path ending -> status that such a path always gets.
    always_meets : dict
        Path ending -> fault that such a path always meets.
    """

    seed: int = 0
    unavailable: float = 0.0
    cut: float = 0.0
    reset: float = 0.0
    slow: float = 0.0
    slow_s: float = 0.2
    latency_s: float = 0.0
    most: int = 3
    always: dict[str, int] = field(default_factory=dict)
    always_meets: dict[str, str] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    paths: list[str] = field(default_factory=list)
    _tries: Counter[str] = field(default_factory=Counter)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def next(self, request: str) -> str:
        """Draw what happens to a request: depends on the seed, the request and how often it came, not on timing."""
        with self._guard:
            self._tries[request] += 1
            nth = self._tries[request]
            fault = "none" if nth > self.most else self._draw(f"{self.seed} {request} {nth}")
            self.seen[fault] += 1
            self.paths.append(request)
        return fault

    def _draw(self, text: str) -> str:
        lot = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
        for fault in ("unavailable", "cut", "reset", "slow"):
            lot -= getattr(self, fault)
            if lot < 0:
                return fault
        return "none"


class FlakyProxy:
    """Context manager: a proxy on loopback in front of `upstream`, with faults that may be changed while it runs."""

    def __init__(self, upstream: str, faults: Faults | None = None) -> None:
        self.upstream = urlsplit(upstream)
        self.faults = faults or Faults()
        handler = type("Handler", (_Handler,), {"proxy": self})
        self.server = _Server(("127.0.0.1", 0), handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> FlakyProxy:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet: clients that hang up are what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    proxy: FlakyProxy
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        """No access log."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        faults = self.proxy.faults
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else None
        path = urlsplit(self.path).path
        for ending, status in faults.always.items():
            if path.endswith(ending):
                faults.seen[str(status)] += 1
                self._send(status, [], b"")
                return
        fault = faults.next(f"{self.command} {path} {self.headers.get('Range', '')}")
        fault = next((f for ending, f in faults.always_meets.items() if path.endswith(ending)), fault)
        time.sleep(faults.latency_s + (faults.slow_s if fault == "slow" else 0.0))
        if fault == "reset":
            self._reset()
        elif fault == "unavailable":
            self._send(503, [("Retry-After", "0")], b"<Error><Code>SlowDown</Code><Message>later</Message></Error>")
        else:
            status, headers, content = self._forward(body)
            self._send(status, headers, content, cut=fault == "cut")

    def _forward(self, body: bytes | None) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = self.proxy.upstream
        connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=30)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
            connection.request(self.command, self.path, body=body, headers=headers)
            answer = connection.getresponse()
            content = answer.read()
            return answer.status, [(k, v) for k, v in answer.getheaders() if k.lower() not in HOP_BY_HOP], content
        finally:
            connection.close()

    def _send(self, status: int, headers: list[tuple[str, str]], content: bytes, *, cut: bool = False) -> None:
        self.send_response_only(status)
        if self.command == "HEAD":
            for key, value in headers:
                self.send_header(key, value)
            self.end_headers()
            return
        for key, value in headers:
            if key.lower() != "content-length":
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        if cut:
            self.close_connection = True

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()
