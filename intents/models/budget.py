"""How much a person, a team, a channel and everybody together may ask of models: reserved before, settled after.

A reservation holds the most that the call can cost, so whatever runs at once, no limit is passed by more than what one
call cost beyond its reservation. Reservations stand in a book: of one process, or in a store that several share. Days
are those of UTC, minutes the last sixty seconds.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from intents.models.endpoints import Limit
from intents.models.failures import OverBudget

MINUTE, DAY = 60, 86_400  # seconds
_WHOSE = {"person": "You have", "team": "Your team has", "channel": "This channel has", "all": "We have"}


class Asker(NamedTuple):
    """On whose account a question is asked. Empty where it is nobody's, as on a terminal."""

    person: str = ""
    team: str = ""
    channel: str = ""


class Usage(NamedTuple):
    """What one account has used, reservations under way included."""

    lately: int  # calls in the last minute
    today: int  # calls
    usd: Decimal  # today


class Reserved(NamedTuple):
    """What was set aside for one call."""

    number: int | None  # in the book; None where no limit needs one
    usd: Decimal | None  # None where its price is not known


class Book(Protocol):
    """Where reservations stand. Safe between threads; each method is one step, whatever runs at once."""

    def reserve(self, asker: Asker, usd: Decimal, limits: Sequence[Limit]) -> int:
        """Write down a call that costs `usd` at most; its number. Raises OverBudget where a limit does not allow it."""
        ...

    def settle(self, number: int, usd: Decimal) -> None:
        """What it came to in the end. Where that cannot be written the reservation stands; raises nothing."""
        ...


class Budget:
    """The limits of models.yaml, held against a book."""

    def __init__(self, limits: Iterable[Limit], book: Book) -> None:
        self._limits, self._book = tuple(limits), book

    @property
    def needs_prices(self) -> bool:
        """Whether some limit is in money, which an unpriced model cannot be held to."""
        return any(limit.usd_per_day is not None for limit in self._limits)

    async def reserve(self, asker: Asker, usd: Decimal | None) -> Reserved:
        """Set aside the most that one call can cost; `usd` None where that is not known. Raises OverBudget."""
        if usd is None and self.needs_prices:
            raise OverBudget(
                "The model has no known price, so a budget in money can't hold. Give its price in models.yaml."
            )
        if not self._limits:
            return Reserved(None, usd)
        number = await asyncio.to_thread(self._book.reserve, asker, usd or Decimal(0), self._limits)
        return Reserved(number, usd)

    async def settle(self, reserved: Reserved, usd: Decimal | None) -> None:
        """What it really cost; None where that is not known, and then the whole reservation counts."""
        if reserved.number is not None and usd is not None and reserved.usd is not None:
            await asyncio.to_thread(self._book.settle, reserved.number, usd)


def check(limit: Limit, used: Usage, usd: Decimal) -> None:
    """Raises OverBudget where one more call that may cost `usd` is more than this limit allows."""
    whose = _WHOSE[limit.per]
    if limit.calls_per_minute is not None and used.lately >= limit.calls_per_minute:
        raise OverBudget(f"{whose} asked the model {limit.calls_per_minute} times in a minute.")
    if limit.calls_per_day is not None and used.today >= limit.calls_per_day:
        raise OverBudget(f"{whose} asked the model {limit.calls_per_day} times today.")
    if limit.usd_per_day is not None and used.usd + usd > limit.usd_per_day:
        raise OverBudget(f"{whose} used up the ${limit.usd_per_day} for the model today.")


def account(limit: Limit, asker: Asker) -> Asker:
    """Whose calls count against a limit; what is empty here may be anything there."""
    return {
        "person": Asker(person=asker.person, team=asker.team),
        "team": Asker(team=asker.team),
        "channel": Asker(channel=asker.channel),
        "all": Asker(),
    }[limit.per]


class _Entry(NamedTuple):
    at: float
    asker: Asker
    usd: Decimal


class MemoryBook:
    """A book of this process alone, for a terminal."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds since 1970; where it jumps back, time stands still here."""
        self._clock, self._lock = clock, threading.Lock()
        self._entries: dict[int, _Entry] = {}
        self._now, self._last = 0.0, 0

    def reserve(self, asker: Asker, usd: Decimal, limits: Sequence[Limit]) -> int:
        """See `Book`."""
        with self._lock:
            self._now = max(self._now, self._clock())
            oldest = min(self._now - MINUTE, self._midnight())
            self._entries = {number: entry for number, entry in self._entries.items() if entry.at >= oldest}
            for limit in limits:
                check(limit, self._used(account(limit, asker)), usd)
            self._last += 1
            self._entries[self._last] = _Entry(self._now, asker, usd)
            return self._last

    def settle(self, number: int, usd: Decimal) -> None:
        """See `Book`."""
        with self._lock:
            if number in self._entries:
                self._entries[number] = self._entries[number]._replace(usd=usd)

    def _midnight(self) -> float:
        return self._now // DAY * DAY

    def _used(self, whose: Asker) -> Usage:
        mine = [
            entry
            for entry in self._entries.values()
            if all(wanted in ("", found) for wanted, found in zip(whose, entry.asker, strict=True))
        ]
        today = [entry for entry in mine if entry.at >= self._midnight()]
        lately = sum(entry.at > self._now - MINUTE for entry in mine)
        return Usage(lately, len(today), sum((entry.usd for entry in today), Decimal(0)))
