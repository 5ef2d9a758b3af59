"""What model calls cost, in the store: so several gateways, and those that come after a restart, share one budget."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal

from sqlalchemy import Connection, case, delete, func, insert, select, update

from approvals.ledger import Ledger
from approvals.store import StoreDown
from approvals.tables import as_text
from bot.tables import model_calls
from bot.writer import Writer
from intents.models.budget import MINUTE, Asker, Usage, account, check
from intents.models.endpoints import Limit
from intents.models.failures import OverBudget

_NANO = Decimal(10) ** 9
_KEPT = timedelta(days=2)  # no limit looks further back than a day
_log = logging.getLogger(__name__)


class Spending:
    """See `intents.models.budget.Book`. Where the store is down nothing may be spent. Time is the ledger's (A6)."""

    def __init__(self, writer: Writer, ledger: Ledger) -> None:
        self._writer, self._ledger = writer, ledger

    def reserve(self, asker: Asker, usd: Decimal, limits: Sequence[Limit]) -> int:
        """In one transaction, so that of two gateways the second sees what the first reserved."""
        try:
            return self._writer.write(lambda connection: self._reserved(connection, asker, usd, limits))
        except StoreDown:
            raise OverBudget("What the model may cost can't be looked up now, so I don't ask it.") from None

    def settle(self, number: int, usd: Decimal) -> None:
        """Every gateway sees it from then on."""
        change = update(model_calls).where(model_calls.c.id == number).values(nano_usd=_nano(usd))
        try:
            self._writer.write(lambda connection: connection.execute(change))
        except StoreDown:
            _log.warning("a model call is not settled, so the most that it could cost counts")

    def forget(self) -> None:
        """Deletes what no limit looks at any more. Raises StoreDown."""
        old = delete(model_calls).where(model_calls.c.at < as_text(self._ledger.now() - _KEPT))
        self._writer.write(lambda connection: connection.execute(old))

    def _reserved(self, connection: Connection, asker: Asker, usd: Decimal, limits: Sequence[Limit]) -> int:
        now = self._ledger.time(connection)
        midnight = as_text(now.replace(hour=0, minute=0, second=0, microsecond=0))
        minute = as_text(now - timedelta(seconds=MINUTE))
        for limit in limits:
            check(limit, _used(connection, account(limit, asker), midnight, minute), usd)
        row = {"at": as_text(now), **asker._asdict(), "nano_usd": _nano(usd)}
        number: int = connection.execute(insert(model_calls).returning(model_calls.c.id), row).scalar_one()
        return number


def _used(connection: Connection, whose: Asker, midnight: str, minute: str) -> Usage:
    calls, today = model_calls.c, model_calls.c.at >= midnight
    wanted = [calls[name] == value for name, value in whose._asdict().items() if value]
    counted = select(
        func.coalesce(func.sum(case((calls.at > minute, 1), else_=0)), 0),
        func.coalesce(func.sum(case((today, 1), else_=0)), 0),
        func.coalesce(func.sum(case((today, calls.nano_usd), else_=0)), 0),
    ).where(calls.at >= min(midnight, minute), *wanted)
    lately, since_midnight, nano = connection.execute(counted).one()
    return Usage(int(lately), int(since_midnight), Decimal(int(nano)) / _NANO)


def _nano(usd: Decimal) -> int:
    """Billionths of a dollar, rounded up: what is spent is never counted for less."""
    return int((usd * _NANO).to_integral_value(ROUND_CEILING))
