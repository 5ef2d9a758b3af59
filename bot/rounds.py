"""What a process does by itself every so often, beside what it is asked for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from actions.errors import TwokeyError
from bot.threads import in_daemon

LAST = 5.0  # seconds that a round under way is given at the end

_log = logging.getLogger(__name__)


class Round(NamedTuple):
    """One such thing, and what it is about, for the log. `work` may block, and raise TwokeyError: then it waits."""

    about: str
    every: timedelta
    work: Callable[[], object]

    def make(self) -> None:
        """Do it once. Raises no TwokeyError."""
        try:
            self.work()
        except TwokeyError as error:
            _log.warning("%s put off: %s", self.about, error.say)


class Timer:
    """Makes each round when it is due, by the machine's clock and in threads: none twice at once, none twice late."""

    def __init__(self, rounds: Sequence[Round]) -> None:
        self._rounds = rounds
        self._scheduler: Any = None  # APScheduler publishes no types

    def start(self) -> None:
        """Make the first of each after its time. Once only."""
        from apscheduler.schedulers.background import BackgroundScheduler  # which `twokey interpret` has no use for

        quiet = logging.getLogger("twokey.timer")
        quiet.setLevel(logging.ERROR)  # a round that is still at work is no news
        self._scheduler = BackgroundScheduler(timezone="UTC", daemon=True, logger=quiet)
        for due in self._rounds:
            seconds = due.every.total_seconds()
            once: dict[str, Any] = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
            self._scheduler.add_job(due.make, "interval", seconds=seconds, **once)
        self._scheduler.start()

    async def stop(self) -> None:
        """No more of them. One under way may still need threads, which the process's end takes away: it is awaited."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(in_daemon(self._scheduler.shutdown, "timer"), LAST)
