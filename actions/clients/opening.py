"""Connections that are opened in time or not at all, however many addresses a name has and whatever lies between.

A socket's own timeout begins anew with every address, with every read, and with every layer: a proxy's answer to
CONNECT, TLS, TLS within TLS. Here one deadline holds over all of them. Looking a name up is the system's matter alone,
which has limits of its own (`man 5 resolv.conf`).
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family

CONNECT = 3.0  # seconds for all addresses of a name together
Address = tuple[Any, ...]
"""As `socket.getaddrinfo` gives them."""


class Deadline:
    """The moment at which every connection ends that was opened under it, in the middle of whatever it is doing.

    A block under it raises TimeoutError where it lasted as long. For one thread and one block.
    """

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self._passed = threading.Event()
        self._watched: list[socket.socket] = []
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        for sock in self._watched:
            sock.close()
        late = isinstance(error, Exception) and time.monotonic() >= self.until  # whatever it was, it came of that
        if late or (error is None and self._passed.is_set()):
            raise TimeoutError("the time for an answer is up") from error

    def left(self) -> float:
        """Seconds. Raises TimeoutError where there are none."""
        seconds = self.until - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the time for an answer is up")
        return seconds

    def watch(self, sock: socket.socket) -> None:
        """From now on. Raises TimeoutError where it is too late."""
        if self._timer is None:
            self._timer = threading.Timer(self.left(), self._end)
            self._timer.daemon = True
            self._timer.start()
        self._watched.append(sock.dup())  # TLS takes the socket itself away
        if self._passed.is_set():
            raise TimeoutError("the time for an answer is up")

    def _end(self) -> None:
        self._passed.set()
        for sock in self._watched:
            with suppress(OSError):  # the other side has closed it
                sock.shutdown(socket.SHUT_RDWR)


class _InTime:
    """Mixed into a connection of urllib3's: how it comes to its socket. `deadline` is set before it is opened."""

    deadline: Deadline

    def _new_conn(self: Any) -> socket.socket:
        try:
            found = socket.getaddrinfo(self._dns_host.strip("[]"), self.port, allowed_gai_family(), socket.SOCK_STREAM)
            seconds = min(CONNECT, self.deadline.left())
            sock = dialled(found, seconds, self.source_address, self.socket_options or ())
        except (socket.gaierror, UnicodeError) as error:
            known = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
            raise NameResolutionError(self.host, self, known) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"Connection to {self.host} timed out") from error
        except OSError as error:
            raise NewConnectionError(self, f"Failed to establish a new connection: {error}") from error
        try:
            sock.settimeout(self.deadline.left())
            self.deadline.watch(sock)
        except TimeoutError:
            sock.close()
            raise
        sys.audit("http.client.connect", self, self.host, self.port)
        return sock


class Plain(_InTime, HTTPConnection):
    """Without TLS."""


class Secure(_InTime, HTTPSConnection):
    """With TLS, through a proxy perhaps."""


def of_scheme(pool: Any) -> type[Plain | Secure]:
    """What a pool of urllib3's is to open in place of its own connections."""
    return Secure if issubclass(pool.ConnectionCls, HTTPSConnection) else Plain


def dialled(addresses: Sequence[Address], seconds: float, source: Any, options: Sequence[Any]) -> socket.socket:
    """Connected to the first that answers. What is left of the time is shared among those that are left.

    Raises TimeoutError, or the OSError of the last one.
    """
    until, trouble = time.monotonic() + seconds, OSError("that name has no address")
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        share = (until - time.monotonic()) / (len(addresses) - number)
        if share <= 0:
            raise TimeoutError("no address answered in time") from trouble
        try:
            return _connected(socket.socket(family, kind, protocol), address, share, source, options)
        except OSError as error:  # of a family that this machine may not even have
            trouble = error
    raise trouble


def _connected(sock: socket.socket, address: Any, seconds: float, source: Any, options: Sequence[Any]) -> socket.socket:
    """Closes it where that fails."""
    try:
        for option in options:
            sock.setsockopt(*option)
        sock.settimeout(seconds)
        if source:
            sock.bind(source)
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock
