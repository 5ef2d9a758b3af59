"""Writes of the edge's tables, committed in groups: what many threads write at one moment costs one commit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine

from approvals.store import reading, writing

T = TypeVar("T")


class Writer:
    """One per process. Whoever comes first commits for all that wait, so that nobody contends for the store's lock."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: list[_Job[Any]] = []
        self._queue, self._turn = threading.Lock(), threading.Lock()

    def read(self, work: Callable[[Connection], T]) -> T:
        """Over a consistent view. Raises StoreDown."""
        with reading(self._engine) as connection:
            return work(connection)

    def write(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns once it is durable; it may run twice. Raises StoreDown, or what `work` raises."""
        job = _Job(work)
        with self._queue:
            self._waiting.append(job)
        with self._turn:
            if not job.done:
                with self._queue:
                    batch, self._waiting = self._waiting, []
                self._commit(batch)
        return job.result()

    def _commit(self, batch: list[_Job[Any]]) -> None:
        try:
            with writing(self._engine) as connection:
                found = [job.work(connection) for job in batch]
            for job, value in zip(batch, found, strict=True):
                job.settle(value, None)
        except Exception as error:
            if len(batch) == 1:
                batch[0].settle(None, error)
                return
            for job in batch:  # one of them spoiled it for all; each for itself
                self._commit([job])


class _Job(Generic[T]):
    def __init__(self, work: Callable[[Connection], T]) -> None:
        self.work, self.done = work, False
        self._value: T | None = None
        self._error: Exception | None = None

    def settle(self, value: T | None, error: Exception | None) -> None:
        self._value, self._error, self.done = value, error, True

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # there is a value where there is no error
