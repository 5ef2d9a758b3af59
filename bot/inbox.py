"""What Slack delivered: each delivery is worked on once, also across a restart (S2).

A delivery is written down *before* it is acknowledged, with what is needed to work on it. So an acknowledged one is
never lost: a process that dies halfway leaves it open, and the next one takes it up. One gateway process at a time.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, delete, insert, select, update

from actions.clock import Clock
from approvals.store import writing
from approvals.tables import as_text
from bot.tables import deliveries

RETENTION = timedelta(hours=2)  # Slack redelivers for about six minutes; ten are asked for


class Inbox:
    """Safe between threads. Every method may raise StoreDown."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock, self._owner = engine, clock, uuid.uuid4().hex

    def take(self, key: str, payload: dict[str, Any] | None = None) -> bool:
        """Whether this delivery is ours to work on: nobody has, or who had it died before the end."""
        now = as_text(self._clock.now())
        row = {"key": key, "at": now, "owner": self._owner, "finished": False, "payload": payload}
        with writing(self._engine) as connection:
            found = connection.execute(select(deliveries).where(deliveries.c.key == key)).mappings().first()
            if found is None:
                connection.execute(insert(deliveries).values(**row))
                return True
            if found["finished"] or found["owner"] == self._owner:
                return False
            connection.execute(update(deliveries).where(deliveries.c.key == key).values(owner=self._owner))
            return True

    def done(self, key: str) -> None:
        """It is worked on; what it said is forgotten, that it came is remembered."""
        with writing(self._engine) as connection:
            values = {"finished": True, "payload": None}
            connection.execute(update(deliveries).where(deliveries.c.key == key).values(**values))

    def left_over(self) -> list[tuple[str, dict[str, Any]]]:
        """What an earlier process took and did not finish, now ours, oldest first. Old finished ones are dropped."""
        with writing(self._engine) as connection:
            past = as_text(self._clock.now() - RETENTION)
            connection.execute(delete(deliveries).where(deliveries.c.finished, deliveries.c.at < past))
            open_ones = (deliveries.c.finished.is_(False), deliveries.c.owner != self._owner)
            found = connection.execute(select(deliveries).where(*open_ones).order_by(deliveries.c.at)).mappings().all()
            connection.execute(update(deliveries).where(*open_ones).values(owner=self._owner))
        return [(row["key"], row["payload"] or {}) for row in found]
