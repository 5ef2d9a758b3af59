"""Brings events and interactions to the bot, and events again where nobody acknowledged them.

Slack's schedule for events (docs.slack.dev, "Events API", "Retries"): nearly at once, after one minute,
after five minutes. Interactions and commands are tried once: who clicked sees that it failed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from actions.clock import Clock
from bot.playground.emulator.alarm import Alarm
from bot.playground.emulator.wire import Json

RETRIES = (timedelta(0), timedelta(minutes=1), timedelta(minutes=5))  # counted from the first failure
REMEMBERED = 100  # events that can be replayed

Kind = Literal["events_api", "interactive", "slash_commands"]


@dataclass(frozen=True)
class Ack:
    """The bot took it; `payload` is what it answered with, if anything."""

    payload: Json | None = None


@dataclass(frozen=True)
class Failure:
    """It was not taken: `timeout`, `connection_failed`, `http_error` …, as Slack names it."""

    reason: str


@dataclass(frozen=True)
class Retry:
    """Which redelivery this is, and why."""

    attempt: int
    reason: str


class Transport(Protocol):
    """One of the two ways to the bot."""

    async def deliver(self, kind: Kind, payload: Json, retry: Retry | None) -> Ack | Failure:
        """Send once and wait for the answer, at most as long as Slack does."""
        ...

    async def reachable(self) -> None:
        """Returns once a delivery has a chance."""
        ...


@dataclass
class DeliveryFaults:
    """Counters of what shall go wrong; each event uses one up."""

    drop_first: int = 0  # events whose first delivery is lost
    duplicate: int = 0  # events that are delivered twice


class Delivery:
    """Owns the background tasks of everything that is under way."""

    def __init__(self, clock: Clock, transport: Transport) -> None:
        self.transport = transport
        self.faults = DeliveryFaults()
        self._clock, self._alarm = clock, Alarm(clock)
        self._tasks: set[asyncio.Task[None]] = set()
        self._recent: deque[Json] = deque(maxlen=REMEMBERED)

    def event(self, payload: Json) -> None:
        """Deliver this event in the background, again and again as Slack does."""
        self._recent.append(payload)
        lost = self.faults.drop_first > 0
        self.faults.drop_first -= lost
        self._spawn(self._deliver_event(payload, lost))
        if self.faults.duplicate > 0:
            self.faults.duplicate -= 1
            self._spawn(self._deliver_event(payload, False))

    def replay(self, number: int) -> int:
        """Send the last events once more, the oldest of them first; how many there were."""
        again = list(self._recent)[-number:] if number > 0 else []
        for payload in again:
            self._spawn(self._deliver_event(payload, False))
        return len(again)

    async def ask(self, kind: Kind, payload: Json) -> Ack | Failure:
        """Deliver an interaction or a command once."""
        return await self.transport.deliver(kind, payload, None)

    def notify(self, kind: Kind, payload: Json) -> None:
        """Deliver an interaction once, in the background: nobody waits to see whether it was acknowledged."""

        async def deliver() -> None:
            await self.transport.deliver(kind, payload, None)

        self._spawn(deliver())

    async def close(self) -> None:
        """Give up everything that is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._alarm.close()

    async def _deliver_event(self, payload: Json, lost: bool) -> None:
        answer = Failure("timeout") if lost else await self.transport.deliver("events_api", payload, None)
        failed_at = self._clock.now()
        for attempt, after in enumerate(RETRIES, start=1):
            if isinstance(answer, Ack):
                return
            if attempt == 1:
                await self._chance_before(failed_at + RETRIES[1])
            else:
                await self._alarm.until(failed_at + after)
            answer = await self.transport.deliver("events_api", payload, Retry(attempt, answer.reason))

    async def _chance_before(self, limit: datetime) -> None:
        """Wait until somebody listens again: a bot that reconnects gets what it missed."""
        waits = [asyncio.ensure_future(self.transport.reachable()), asyncio.ensure_future(self._alarm.until(limit))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
