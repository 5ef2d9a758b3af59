"""Time as something that is handed in, so that tests can drive it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the core knows of time."""

    def now(self) -> datetime:
        """The present, with a time zone (UTC)."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let this many seconds pass."""
        ...

    def steady(self) -> float:
        """Seconds that no setting of the clock changes, from any beginning; a suspended machine's are counted."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def steady(self) -> float:
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class ManualClock:
    """A clock that moves only when told; `sleep` moves it instead of waiting. Safe between threads."""

    def __init__(self, start: datetime = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)) -> None:
        self._now, self._passed, self._lock = start, 0.0, threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move by this many seconds; a negative number moves back."""
        with self._lock:
            self._now += timedelta(seconds=seconds)
            self._passed += max(seconds, 0.0)

    def step(self, seconds: float) -> None:
        """Somebody sets the clock by so many seconds, while no time passes."""
        with self._lock:
            self._now += timedelta(seconds=seconds)

    def steady(self) -> float:
        with self._lock:
            return self._passed
