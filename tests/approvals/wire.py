"""A wire to the tests' PostgreSQL that counts the round trips on it, and breaks where a test says."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests import postgres

_ASKS = b"QS"  # Query and Sync: after either the client waits until the server is ready again
_LENGTH = slice(1, 5)


@dataclass
class Wire:
    """Loopback to the server's socket. `trips` is how often somebody asked and had to wait for an answer."""

    trips: int = 0
    asked: list[bytes] = field(default_factory=list)  # the messages that began each trip
    cut: int | None = None  # at which trip the connection breaks, once
    heard: bool = False  # whether the server still hears it and its answer alone is lost

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._said = b""

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end(self._listener)
        self._threads[0].join(60)  # it accepts: now nothing more is opened
        self._end(*self._open)
        for thread in self._threads:
            thread.join(60)
        for each in (self._listener, *self._open):
            each.close()  # only when nobody waits on it any more

    def _end(self, *sockets: socket.socket) -> None:
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def url(self, database: str) -> str:
        """The way to one of the server's databases over this wire."""
        host, port = self._listener.getsockname()
        return f"postgresql://owner@{host}:{port}/{database}?sslmode=disable&gssencmode=disable"

    def begin(self, cut: int | None = None, heard: bool = False) -> None:
        """Count from here on."""
        self.trips, self.cut, self.heard, self._said = 0, cut, heard, b""
        self.asked.clear()

    def _start(self, work: object, *given: object) -> None:
        thread = threading.Thread(target=work, args=given, daemon=True)  # type: ignore[arg-type]  # a function of ours
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):  # closed at the end
            while True:
                client = self._listener.accept()[0]
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                server = socket.socket(socket.AF_UNIX)
                self._open += [client, server]
                server.connect(str(postgres.server().folder / ".s.PGSQL.5432"))
                self._start(self._carry, client, server)

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        with client, server, suppress(OSError):
            waiting, first, deaf = b"", True, False
            while True:
                readable = select.select([client, server], [], [])[0]
                if server in readable:
                    answer = server.recv(65536)
                    if not answer or deaf:
                        return
                    client.sendall(answer)
                if client in readable:
                    said = client.recv(65536)
                    if not said:
                        return
                    waiting += said
                    while (size := _size(waiting, first)) and len(waiting) >= size:
                        message, waiting = waiting[:size], waiting[size:]
                        cut = not first and self._count(message)
                        first = False
                        if cut and not self.heard:
                            return
                        deaf = deaf or cut
                        server.sendall(message)

    def _count(self, message: bytes) -> bool:
        """Whether the connection breaks at this message."""
        self._said += message
        if message[:1] not in _ASKS:
            return False
        self.trips += 1
        self.asked.append(self._said)
        self._said = b""
        return self.trips == self.cut


def _size(waiting: bytes, first: bool) -> int:
    """How long the next message is; 0 where that is not known yet. The first of a connection has no kind."""
    if len(waiting) < 5:
        return 0
    return int.from_bytes(waiting[:4] if first else waiting[_LENGTH]) + (0 if first else 1)
