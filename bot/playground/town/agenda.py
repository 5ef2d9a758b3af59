"""What is due when: the town's only source of time."""

from __future__ import annotations

import heapq
from collections.abc import Callable

Duty = tuple[str, str, str]
"""What to look at: a kind, a namespace and a name."""


class Agenda:
    """Duties in order of time. `at` (seconds since 1970) is the town's present; it never goes back."""

    def __init__(self, start: float) -> None:
        self.at = start
        self._due: list[tuple[float, int, Duty]] = []
        self._entries = 0
        self._pending: dict[Duty, float] = {}

    def later(self, seconds: float, duty: Duty) -> None:
        """Look at this so many seconds from now; asking twice for the same moment is asking once."""
        at = self.at + seconds
        if self._pending.get(duty) == at:
            return
        self._pending[duty] = at
        self._entries += 1
        heapq.heappush(self._due, (at, self._entries, duty))

    def advance(self, until: float, perform: Callable[[Duty], None]) -> None:
        """Perform what is due up to `until`, each at its own time, so that it is the same however often one looks."""
        while self._due and self._due[0][0] <= until:
            at, _, duty = heapq.heappop(self._due)
            self.at = max(self.at, at)
            if self._pending.get(duty) == at:
                del self._pending[duty]
            perform(duty)
        self.at = max(self.at, until)
