"""One writer at a time in a process, in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Late(Exception):
    """The turn did not come in time."""


class Turn:
    """One writer at a time in this process; other processes meet at the store's own lock.

    SQLite has whoever finds the file locked sleep, up to 100 ms at a time; here the next one goes on at once. On
    PostgreSQL those that wait here keep no connection. Whoever came first goes first: a plain lock goes to whoever is
    running when it is let go, and then some wait six times as long as most.
    """

    def __init__(self, patience: float) -> None:
        self._patience, self._guard = patience, threading.Lock()
        self._busy, self._waiting = False, deque[threading.Lock]()

    @property
    def waiting(self) -> int:
        """How many wait for it."""
        return len(self._waiting)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Mine until the block ends. Raises Late where it did not come in `patience` seconds."""
        self._take()
        try:
            yield
        finally:
            with self._guard:
                self._pass_on()

    def _take(self) -> None:
        with self._guard:
            if not self._busy:
                self._busy = True
                return
            called = threading.Lock()
            called.acquire()
            self._waiting.append(called)
        came = False
        try:
            came = called.acquire(timeout=self._patience)
        finally:
            if not came:
                self._leave(called)
        if not came:
            raise Late

    def _leave(self, called: threading.Lock) -> None:
        """Wait no longer; where the turn came at that very moment it goes on to the next."""
        with self._guard:
            if called in self._waiting:
                self._waiting.remove(called)
            else:
                self._pass_on()

    def _pass_on(self) -> None:
        if self._waiting:
            self._waiting.popleft().release()
        else:
            self._busy = False
