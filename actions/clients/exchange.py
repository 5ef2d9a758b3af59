"""One question, one answer (HTTP/1.1, RFC 9112), over connections that urllib3 makes and keeps.

urllib3 settles what is hard about a connection: certificates, proxies, and whether a kept one is still there. What it
and the standard library do around each request besides (redirects, retries, an e-mail parser for a handful of headers)
takes ten times as long as the exchange itself, and planning one change takes half a dozen of them.
"""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.util.proxy import connection_requires_http_tunnel

from actions.clients.opening import Deadline, of_scheme
from actions.clients.reply import Answer, Reply, left

_ODD = re.compile(r"[\x00-\x1f\x7f]")  # in a line of a request, where one could begin another


class Exchange:
    """The server at one base URL, with the connections of `manager`. Safe between threads."""

    def __init__(self, manager: urllib3.PoolManager, base: str) -> None:
        address, self._manager = urlsplit(base), manager
        self._pool: Any = manager.connection_from_url(base)
        self._pool.ConnectionCls = of_scheme(self._pool)
        self._server, self._prefix = address.netloc.rpartition("@")[2], address.path.rstrip("/")
        self._tunnel = connection_requires_http_tunnel(self._pool.proxy, self._pool.proxy_config, address.scheme)
        if manager.proxy is not None and not self._tunnel:  # a proxy that forwards has to hear where to
            self._prefix = f"{address.scheme}://{self._server}{self._prefix}"

    def ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, seconds: float, again: bool
    ) -> Answer:
        """The whole answer, within so many seconds. A question may be asked once more, where `again` says so, since a
        kept connection may just have been closed.

        Raises TimeoutError; other OSErrors and urllib3's HTTPError where there is no connection or it breaks off;
        ValueError, before anything is sent, for a line that cannot be written.
        """
        until = time.monotonic() + seconds
        sent = self._head(method, path, headers, body) + (body or b"")
        try:
            return self._exchanged(sent, until, bodyless=method == "HEAD")
        except TimeoutError:
            raise
        except (urllib3.exceptions.HTTPError, OSError) as error:
            if again and not isinstance(error, urllib3.exceptions.TimeoutError):
                return self._exchanged(sent, until, bodyless=method == "HEAD")
            raise

    def _head(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
        fields = {"Host": self._server, "Accept-Encoding": "identity", **headers}
        if not self._tunnel:
            fields |= self._pool.proxy_headers or {}
        if body is not None:
            fields["Content-Length"] = str(len(body))
        lines = [f"{method} {self._prefix}{path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        if any(map(_ODD.search, lines)):
            raise ValueError("a request's line holds a control character")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _exchanged(self, sent: bytes, until: float, bodyless: bool) -> Answer:
        """urllib3 means these methods of a pool for whoever extends it."""
        connection = self._pool._get_conn()
        lasts = False
        try:
            if connection.is_closed:
                self._open(connection, left(until))
            connection.sock.settimeout(left(until))
            answer = _answered(connection.sock, sent, until, bodyless)
            lasts = answer.lasts
            return answer
        finally:
            if not lasts:
                connection.close()  # nobody may be given the rest as the answer to something else
            self._pool._put_conn(connection)

    def _open(self, connection: Any, seconds: float) -> None:
        with Deadline(seconds) as connection.deadline:
            if self._tunnel:
                try:
                    self._pool._prepare_proxy(connection)
                except http.client.HTTPException as error:  # which comes from below urllib3
                    raise ConnectionError(f"the proxy's answer is no HTTP ({type(error).__name__})") from error
            else:
                connection.connect()
        self._pool._validate_conn(connection)  # warns of a certificate that nobody checked


def _answered(sock: Any, sent: bytes, until: float, bodyless: bool) -> Answer:
    """A server may refuse before it has heard all (section 9.5 of RFC 9112): what it says then is the answer, and
    nothing but a refusal can be."""
    try:
        sock.sendall(sent)
    except ConnectionError as broken:
        try:
            early = Reply(sock, until).read(bodyless)
        except OSError:
            raise broken from None
        if early.status < 400:
            raise
        return early._replace(lasts=False)
    return Reply(sock, until).read(bodyless)
