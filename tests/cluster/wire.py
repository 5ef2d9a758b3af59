"""A wire to the API server that breaks, or is slow, where it is told to: every request goes through it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import requests

from tests.cluster.access import Access

Fate = Literal["", "lost", "unanswered", "overloaded", "broken", "late", "dripping", "trickling"]
"""It passes; it never arrives; it arrives and its answer is lost; a 503; a 500; it passes, and its answer comes later,
or its body byte by byte, or even its status line and headers."""
_ANSWERS = {"overloaded": (503, "the server is overloaded"), "broken": (500, "the server is broken")}
_HOP = {
    "connection",
    "host",
    "content-length",
    "transfer-encoding",
    "accept-encoding",
    "content-encoding",
    "keep-alive",
}


@dataclass
class Wire:
    """`fate` is asked of every request, with its method and path. `passed` are those that reached the API server.

    All of them are counted once the wire is over. `taken` are the writes among them that the API server did not refuse.
    `delay` in seconds is how late an answer comes, or one of its bytes.
    """

    url: str
    fate: Callable[[str, str], Fate] = lambda method, path: ""
    passed: list[tuple[str, str]] = field(default_factory=list)
    taken: list[tuple[str, str]] = field(default_factory=list)
    bytes: int = 0  # of bodies, both ways
    delay: float = 0.1
    over: threading.Event = field(default_factory=threading.Event)

    def patches(self) -> int:
        """How many patches the API server took that were no dry runs; a conflict with a controller is none."""
        return sum(method == "PATCH" and "dryRun" not in path for method, path in self.taken)


@contextmanager
def wire_to(plane: Access, port: int = 0) -> Iterator[Wire]:
    """A server in front of the control plane, without TLS. Nobody listens there when it is over."""
    server = _Server(plane, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="wire", daemon=True)
    thread.start()
    try:
        yield server.wire
    finally:
        server.wire.over.set()
        server.shutdown()
        thread.join()
        server.cut_all()
        server.server_close()  # and with it every request that is still under way
        server.upstream.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _forward(self) -> None:
        server = self.server
        assert isinstance(server, _Server)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fate = server.wire.fate(self.command, self.path)
        if fate in _ANSWERS:
            status, message = _ANSWERS[fate]
            self._answer(status, {}, json.dumps({"kind": "Status", "message": message}).encode())
        elif fate == "lost":
            self._cut()
        else:
            headers = {key: value for key, value in self.headers.items() if key.lower() not in _HOP}
            try:
                answer = server.upstream.request(
                    self.command, server.plane.url + self.path, data=body, headers=headers, timeout=30
                )
            except requests.RequestException:
                self._cut()
                return
            server.wire.passed.append((self.command, self.path))
            if self.command != "GET" and answer.ok:
                server.wire.taken.append((self.command, self.path))
            with server.counting:
                server.wire.bytes += len(body) + len(answer.content)
            if fate == "unanswered":
                self._cut()
                return
            if fate == "late":
                server.wire.over.wait(server.wire.delay)
            self._answer(answer.status_code, answer.headers, answer.content, fate)

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes, fate: Fate = "") -> None:
        kept = [f"{key}: {value}" for key, value in headers.items() if key.lower() not in _HOP]
        lines = (f"HTTP/1.1 {status} Told", *kept, f"Content-Length: {len(body)}", "", "")
        self._write("\r\n".join(lines).encode("latin-1"), drips=fate == "trickling")
        self._write(body, drips=fate == "dripping")

    def _write(self, data: bytes, drips: bool) -> None:
        if not drips:
            self.wfile.write(data)
            return
        server = self.server
        assert isinstance(server, _Server)
        for at in range(len(data)):
            if server.wire.over.wait(server.wire.delay):
                return
            self.wfile.write(data[at : at + 1])

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.close()

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _forward  # noqa: N815 - the names that http.server calls

    def log_message(self, *_: object) -> None:
        """A test's output is no access log."""


class _Server(ThreadingHTTPServer):
    def __init__(self, plane: Access, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.plane, self.upstream = plane, plane.stranger()
        self.wire = Wire(f"http://127.0.0.1:{self.server_address[1]}")
        self._open: list[socket.socket] = []
        self.counting = threading.Lock()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._open.append(connection)
        return connection, address

    def cut_all(self) -> None:
        """A server that is gone keeps no connection."""
        for connection in self._open:
            with suppress(OSError):  # closed long ago
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that broke, on purpose or because a test ended."""
