"""Waiting inside an event loop for a moment of a `Clock`, which may be driven by hand."""

from __future__ import annotations

import asyncio
import heapq
from datetime import datetime
from itertools import count

from actions.clock import Clock

POLL = 0.02  # seconds between looks at the clock while somebody waits; a Clock cannot call back


class Alarm:
    """One task looks at the clock for everybody who waits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = count()
        self._watch: asyncio.Task[None] | None = None

    async def until(self, due: datetime) -> None:
        """Returns once the clock shows `due` or later."""
        if self._clock.now() >= due:
            return
        rung: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (due, next(self._order), rung))
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._look())
        await rung

    def close(self) -> None:
        """Stop looking; whoever still waits is to be cancelled by its owner."""
        if self._watch is not None:
            self._watch.cancel()

    async def _look(self) -> None:
        while self._waiting:
            now = self._clock.now()
            while self._waiting and self._waiting[0][0] <= now:
                rung = heapq.heappop(self._waiting)[2]
                if not rung.done():
                    rung.set_result(None)
            await asyncio.sleep(POLL)
