"""A session of `requests` in which everything has one end: connecting, redirects, another try, and the whole answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from actions.clients import opening, patience
from actions.clients.opening import Deadline


@contextmanager
def session(seconds: float, retries: Any = 0) -> Iterator[requests.Session]:
    """For one question: sessions are not made to be shared between threads, and leave sockets open.

    `retries` are as HTTPAdapter takes them. Raises TimeoutError where the block took longer; `actions.clients.patience`
    may leave less.
    """
    with Deadline(patience.left(seconds)) as deadline, _Session(_Adapter(deadline, retries)) as opened:
        deadline.left()
        yield opened


class _Session(requests.Session):
    """Whatever the address is, and whatever a library mounts in it."""

    def __init__(self, adapter: HTTPAdapter) -> None:
        self._only = adapter
        super().__init__()

    def get_adapter(self, url: Any) -> HTTPAdapter:
        return self._only

    def close(self) -> None:
        super().close()
        self._only.close()


class _Adapter(HTTPAdapter):
    def __init__(self, deadline: Deadline, retries: Any) -> None:
        self._deadline = deadline
        super().__init__(max_retries=retries)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        kind = opening.Secure if pool.scheme == "https" else opening.Plain
        pool.ConnectionCls = partial(_opened, kind, self._deadline)
        return pool


def _opened(kind: type[opening.Plain | opening.Secure], deadline: Deadline, **how: Any) -> Any:
    connection = kind(**how)
    connection.deadline = deadline
    return connection
