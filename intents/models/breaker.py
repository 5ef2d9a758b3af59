"""A circuit breaker: an endpoint that keeps failing is left alone for a while, then tried once."""

from __future__ import annotations

from collections.abc import Callable

FAILURES = 3  # in a row
SHORTEST, LONGEST = 5.0, 120.0  # seconds that it is left alone; doubled each time the trial fails


class Breaker:
    """One per endpoint; used on one event loop."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds that only ever grow."""
        self._clock = clock
        self._failures, self._pause, self._until = 0, SHORTEST, float("-inf")
        self._trying = False

    def lets(self) -> bool:
        """Whether the endpoint may be asked now. After a pause one question goes through, and decides."""
        if self._failures < FAILURES and self._clock() >= self._until:
            return True
        if self._clock() < self._until or self._trying:
            return False
        self._trying = True
        return True

    def worked(self) -> None:
        """It answered."""
        self._failures, self._pause, self._until, self._trying = 0, SHORTEST, float("-inf"), False

    def failed(self, wait: float | None = None) -> None:
        """It did not; `wait` is how many seconds it asked to be left alone for."""
        self._failures += 1
        self._trying = False
        if wait is not None:
            self._until = max(self._until, self._clock() + min(wait, LONGEST))
        if self._failures >= FAILURES:
            self._until = max(self._until, self._clock() + self._pause)
            self._pause = min(self._pause * 2, LONGEST)

    def gave_up(self) -> None:
        """The question ended for a reason that says nothing of the endpoint."""
        self._trying = False
