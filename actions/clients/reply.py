"""An answer as it comes back over a socket (RFC 9112), with a limit in time for the whole of it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import NamedTuple, Protocol

_PIECE = 65_536  # bytes read at a time
_HEAD = 65_536  # bytes that the headers of an answer may have
_BODYLESS = {204, 304}
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
_LENGTH = re.compile(r"[0-9]{1,15}")


class Socket(Protocol):
    """What is read from; TLS inside of TLS is no `socket.socket`."""

    def settimeout(self, seconds: float, /) -> None: ...

    def recv(self, size: int, /) -> bytes: ...


class Answer(NamedTuple):
    """`headers` by their names in small letters; `lasts` where its connection may be used for another."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    lasts: bool


class Reply:
    """Read once. Raises TimeoutError where it is not whole `until` then, ConnectionError where it breaks off or is
    none, OSError as the socket has it.

    Each piece resets a socket's own timeout, so that alone would wait for ever: each gets only the time that is left.
    """

    def __init__(self, socket: Socket, until: float) -> None:
        self._socket, self._until, self._rest = socket, until, b""

    def read(self, bodyless: bool) -> Answer:
        """All of it; `bodyless` where the question was for headers alone."""
        status, headers, lasts = self._begun()
        while 100 <= status <= 199:  # what only says that one will come (section 15.2 of RFC 9110)
            status, headers, lasts = self._begun()
        body, ends = b"", True
        if not bodyless and status not in _BODYLESS:
            body, ends = self._body(headers)
        return Answer(status, headers, body, lasts and ends and not self._rest)

    def _begun(self) -> tuple[int, dict[str, str], bool]:
        head = self._until_after(b"\r\n\r\n").decode("latin-1")
        first, *lines = head.split("\r\n")
        version, _, status = first.partition(" ")
        if not version.startswith("HTTP/1.") or not status[:3].isdecimal():
            raise ConnectionError("the answer is no HTTP")
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if colon:
                known, value = headers.get(name.lower()), value.strip()
                headers[name.lower()] = value if known is None else f"{known}, {value}"
        said = headers.get("connection", "").lower()
        return int(status[:3]), headers, "close" not in said and (version != "HTTP/1.0" or "keep-alive" in said)

    def _body(self, headers: Mapping[str, str]) -> tuple[bytes, bool]:
        """The body, and whether it says itself where it ends (section 6.3)."""
        if "transfer-encoding" in headers:
            if headers["transfer-encoding"].lower() != "chunked":
                raise ConnectionError("the answer is encoded in a way that nobody asked for")
            return self._chunks(), "content-length" not in headers
        length = headers.get("content-length")
        if length is None:
            return self._to_the_end(), False
        if not _LENGTH.fullmatch(length):
            raise ConnectionError("the answer does not say how long it is")
        return self._exactly(int(length)), True

    def _chunks(self) -> bytes:
        pieces = []
        while True:
            size = self._until_after(b"\r\n").partition(b";")[0].strip()
            if not _SIZE.fullmatch(size):
                raise ConnectionError("the answer does not say how long it is")
            length = int(size, 16)
            if length == 0:
                break
            pieces.append(self._exactly(length))
            if self._exactly(2) != b"\r\n":
                raise ConnectionError("the answer is longer than it says")
        while self._until_after(b"\r\n"):  # trailers, which nobody reads
            pass
        return b"".join(pieces)

    def _to_the_end(self) -> bytes:
        pieces, self._rest = [self._rest], b""
        while piece := self._piece():
            pieces.append(piece)
        return b"".join(pieces)

    def _exactly(self, length: int) -> bytes:
        pieces, found = [self._rest], len(self._rest)
        while found < length:
            pieces.append(self._more())
            found += len(pieces[-1])
        whole = b"".join(pieces)
        self._rest = whole[length:]
        return whole[:length]

    def _until_after(self, end: bytes) -> bytes:
        while end not in self._rest:
            if len(self._rest) > _HEAD:
                raise ConnectionError("the answer's head does not end")
            self._rest += self._more()
        found, _, self._rest = self._rest.partition(end)
        return found

    def _more(self) -> bytes:
        piece = self._piece()
        if not piece:
            raise ConnectionResetError("the connection was closed before the answer was whole")
        return piece

    def _piece(self) -> bytes:
        self._socket.settimeout(left(self._until))
        found: bytes = self._socket.recv(_PIECE)
        return found


def left(until: float) -> float:
    """The seconds that there are. Raises TimeoutError where there are none."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the time for an answer is up")
    return seconds
