"""What Slack delivered: each delivery is worked on once, also across a restart (S2).

A delivery is written down *before* it is acknowledged, with what is needed to work on it. So an acknowledged one is
never lost: a process that dies halfway leaves it open, and the next one takes it up. One gateway process at a time.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from actions.clock import Clock
from approvals.tables import as_text
from bot.tables import deliveries
from bot.writer import Writer

RETENTION = timedelta(hours=2)  # Slack redelivers for about six minutes; ten are asked for

# Made once: building a statement costs more than running it.
_ITS_KEY = deliveries.c.key == bindparam("its_key")
_FOUND = select(deliveries.c.finished, deliveries.c.owner).where(_ITS_KEY)
_ADD = insert(deliveries)
_CHANGE = update(deliveries).where(_ITS_KEY)


class Inbox:
    """Safe between threads. Every method may raise StoreDown."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer, self._clock, self._owner = writer, clock, uuid.uuid4().hex
        self._inherited: set[str] = set()

    def take(self, key: str, payload: dict[str, Any] | None = None) -> bool:
        """Whether this delivery is ours to work on: nobody has, or who had it died before the end."""
        now = as_text(self._clock.now())
        row = {"key": key, "at": now, "owner": self._owner, "finished": False, "payload": payload}

        def work(connection: Connection) -> bool:
            found = connection.execute(_FOUND, {"its_key": key}).first()
            if found is None:
                connection.execute(_ADD, row)
                return True
            if found.finished or found.owner == self._owner:
                return False
            connection.execute(_CHANGE, {"its_key": key, "owner": self._owner})
            self._inherited.add(key)
            return True

        return self._writer.write(work)

    def inherited(self, key: str) -> bool:
        """Whether an earlier process had it before, and may have done some of the work."""
        return key in self._inherited

    def done(self, key: str) -> None:
        """It is worked on; what it said is forgotten, that it came is remembered."""
        change = {"its_key": key, "finished": True, "payload": None}
        self._writer.write(lambda connection: connection.execute(_CHANGE, change))
        self._inherited.discard(key)

    def left_over(self) -> list[tuple[str, dict[str, Any]]]:
        """What an earlier process took and did not finish, now ours, oldest first. Old finished ones are dropped."""
        past = as_text(self._clock.now() - RETENTION)
        open_ones = (deliveries.c.finished.is_(False), deliveries.c.owner != self._owner)

        def work(connection: Connection) -> list[tuple[str, dict[str, Any]]]:
            connection.execute(delete(deliveries).where(deliveries.c.finished, deliveries.c.at < past))
            found = connection.execute(select(deliveries).where(*open_ones).order_by(deliveries.c.at)).mappings().all()
            connection.execute(update(deliveries).where(*open_ones).values(owner=self._owner))
            return [(row["key"], row["payload"] or {}) for row in found]

        rows = self._writer.write(work)
        self._inherited.update(key for key, _ in rows)
        return rows
