"""How much a person, a team, a channel and everybody together may ask of models: reserved before, settled after.

A reservation holds the most that the call can cost, so whatever runs at once, no limit is passed by more than what one
call cost beyond its reservation. Counted in this process; days are those of UTC, minutes the last sixty seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple

from intents.models.endpoints import Limit
from intents.models.failures import OverBudget

_MINUTE, _DAY = 60.0, 86_400
_WHOSE = {"person": "You have", "team": "Your team has", "channel": "This channel has", "all": "We have"}


class Asker(NamedTuple):
    """On whose account a question is asked. Empty where it is nobody's, as on a terminal."""

    person: str = ""
    team: str = ""
    channel: str = ""


class Reserved(NamedTuple):
    """What was set aside for one call."""

    accounts: tuple[_Account, ...]
    usd: Decimal | None


class Budget:
    """Used on one event loop: nothing in here waits, so what is checked and what is taken are one step."""

    def __init__(self, limits: Iterable[Limit], clock: Callable[[], float]) -> None:
        """`clock` gives seconds since 1970."""
        self._limits, self._clock = tuple(limits), clock
        self._accounts: dict[tuple[Limit, str], _Account] = {}

    @property
    def needs_prices(self) -> bool:
        """Whether some limit is in money, which an unpriced model cannot be held to."""
        return any(limit.usd_per_day is not None for limit in self._limits)

    def reserve(self, asker: Asker, usd: Decimal | None) -> Reserved:
        """Set aside the most that one call can cost; `usd` None where that is not known. Raises OverBudget."""
        if usd is None and self.needs_prices:
            raise OverBudget(
                "The model has no known price, so a budget in money can't hold. Give its price in models.yaml."
            )
        accounts = tuple(self._account(limit, asker) for limit in self._limits)
        for account in accounts:
            account.check(usd or Decimal(0))
        for account in accounts:
            account.take(usd or Decimal(0))
        return Reserved(accounts, usd)

    def settle(self, reserved: Reserved, usd: Decimal | None) -> None:
        """What it really cost; None where that is not known, and then the whole reservation counts."""
        if usd is not None and reserved.usd is not None:
            for account in reserved.accounts:
                account.usd += usd - reserved.usd

    def _account(self, limit: Limit, asker: Asker) -> _Account:
        whose = {"person": f"{asker.team}/{asker.person}", "team": asker.team, "channel": asker.channel}
        key = (limit, whose.get(limit.per, ""))
        if len(self._accounts) > 10_000:  # people come and go; yesterday's accounts hold nothing
            self._accounts = {known: account for known, account in self._accounts.items() if account.today()}
        return self._accounts.setdefault(key, _Account(limit, self._clock))


class _Account:
    """What one person, team or channel used today."""

    def __init__(self, limit: Limit, clock: Callable[[], float]) -> None:
        self._limit, self._clock = limit, clock
        self._day, self._calls, self.usd = 0, 0, Decimal(0)
        self._lately: deque[float] = deque()

    def today(self) -> bool:
        """Whether anything was used today."""
        return self._day == int(self._clock() // _DAY)

    def check(self, usd: Decimal) -> None:
        self._turn()
        limit = self._limit
        whose = _WHOSE[limit.per]
        if limit.calls_per_minute is not None and len(self._lately) >= limit.calls_per_minute:
            raise OverBudget(f"{whose} asked the model {limit.calls_per_minute} times in a minute.")
        if limit.calls_per_day is not None and self._calls >= limit.calls_per_day:
            raise OverBudget(f"{whose} asked the model {limit.calls_per_day} times today.")
        if limit.usd_per_day is not None and self.usd + usd > limit.usd_per_day:
            raise OverBudget(f"{whose} used up the ${limit.usd_per_day} for the model today.")

    def take(self, usd: Decimal) -> None:
        self._calls += 1
        self._lately.append(self._clock())
        self.usd += usd

    def _turn(self) -> None:
        now = self._clock()
        if int(now // _DAY) > self._day:  # a clock that jumps back gives nothing back
            self._day, self._calls, self.usd = int(now // _DAY), 0, Decimal(0)
        while self._lately and now - self._lately[0] >= _MINUTE:
            self._lately.popleft()
