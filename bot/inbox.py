"""What Slack delivered: each delivery is worked on once, also across a restart (S2).

A delivery is written down *before* it is acknowledged, with what is needed to work on it. So an acknowledged one is
never lost: a process that dies halfway leaves it open, and another one takes it up. Several gateways may run at once:
each says again and again that it lives, and what a living one has in hand is left to it.
"""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from actions.clock import Clock
from actions.errors import TwokeyError
from approvals.tables import as_text
from bot.tables import deliveries, gateways
from bot.writer import Writer

RETENTION = timedelta(hours=2)  # Slack redelivers for about six minutes; ten are asked for

LEASE = timedelta(seconds=20)  # after which a gateway that said nothing more is taken for dead

# Made once: building a statement costs more than running it.
_ITS_KEY = deliveries.c.key == bindparam("its_key")
_FOUND = select(deliveries.c.finished, deliveries.c.owner).where(_ITS_KEY)
_ADD = insert(deliveries)
_CHANGE = update(deliveries).where(_ITS_KEY)
_LIVING = select(gateways.c.owner).where(gateways.c.alive_until > bindparam("now"))
_OLD = deliveries.c.finished & (deliveries.c.at < bindparam("past"))


class TakenOver(TwokeyError):
    """I said nothing for too long, so another process of mine goes on with this."""


class Inbox:
    """Safe between threads. Every method may raise StoreDown."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer, self._clock, self._owner = writer, clock, uuid.uuid4().hex
        self._inherited: set[str] = set()
        self._in_hand: set[str] = set()  # what this process works on; the store may have more where its answer was lost
        self._lock = threading.Lock()

    def take(self, key: str, payload: dict[str, Any] | None = None) -> bool:
        """Whether this delivery is ours to work on: nobody has, or who had it died before the end.

        Also where we had it from the store already and were never told, since the answer to that was lost.
        """
        now = as_text(self._clock.now())
        row = {"key": key, "at": now, "owner": self._owner, "finished": False, "payload": payload}

        def work(connection: Connection) -> bool:
            found = connection.execute(_FOUND, {"its_key": key}).first()
            if found is None:
                connection.execute(_ADD, row)
                return True
            if found.finished or found.owner in _living(connection, now) - {self._owner}:
                return False
            connection.execute(_CHANGE, {"its_key": key, "owner": self._owner})
            self._inherited.add(key)
            return True

        return self._writer.write(work) and self._picked_up(key)

    def inherited(self, key: str) -> bool:
        """Whether an earlier process had it before, and may have done some of the work."""
        return key in self._inherited

    def require_ours(self, connection: Connection, key: str) -> None:
        """In the transaction of what comes of a delivery: nobody took it over. Raises TakenOver.

        Whoever does so later finds there what came of it; so of a process that was stopped for a while, and the one
        that took it for dead, one acts.
        """
        found = connection.execute(_FOUND, {"its_key": key}).first()
        if found is not None and found.owner != self._owner:
            raise TakenOver

    def done(self, *keys: str) -> None:
        """They are worked on; what they said is forgotten, that they came is remembered."""
        changes = [{"its_key": key, "finished": True, "payload": None} for key in keys]
        self._writer.write(lambda connection: connection.execute(_CHANGE, changes))
        self._inherited.difference_update(keys)
        with self._lock:
            self._in_hand.difference_update(keys)

    def beat(self) -> None:
        """This process lives, and will for LEASE. Whatever is too old to come again is forgotten.

        To be called several times in a LEASE. The machines' clocks have to agree within a few seconds.
        """
        now = self._clock.now()
        row = {"owner": self._owner, "alive_until": as_text(now + LEASE)}

        def work(connection: Connection) -> None:
            mine_or_dead = (gateways.c.owner == self._owner) | (gateways.c.alive_until < as_text(now - RETENTION))
            connection.execute(delete(gateways).where(mine_or_dead))
            connection.execute(insert(gateways), row)
            connection.execute(delete(deliveries).where(_OLD), {"past": as_text(now - RETENTION)})

        self._writer.write(work)

    def leave(self) -> None:
        """This process ends: what it did not finish is anybody's at once."""
        self._writer.write(
            lambda connection: connection.execute(delete(gateways).where(gateways.c.owner == self._owner))
        )

    def left_over(self) -> list[tuple[str, dict[str, Any]]]:
        """What a process that lives no more took and did not finish, now ours, oldest first.

        And what became ours some time ago in an answer of the store that was lost.
        """
        now, past = (as_text(at) for at in (self._clock.now(), self._clock.now() - LEASE))

        def work(connection: Connection) -> list[tuple[str, dict[str, Any]]]:
            busy = {self._owner, *_living(connection, now)}
            unheard = (deliveries.c.owner == self._owner) & (deliveries.c.at < past)
            theirs = (deliveries.c.finished.is_(False), deliveries.c.owner.not_in(busy) | unheard)
            found = connection.execute(select(deliveries).where(*theirs).order_by(deliveries.c.at)).mappings().all()
            if found:
                connection.execute(update(deliveries).where(*theirs).values(owner=self._owner))
            return [(row["key"], row["payload"] or {}) for row in found]

        rows = [(key, payload) for key, payload in self._writer.write(work) if self._picked_up(key)]
        self._inherited.update(key for key, _ in rows)
        return rows

    def _picked_up(self, key: str) -> bool:
        """Whether it was not in this process's hands yet, and is now."""
        with self._lock:
            fresh = key not in self._in_hand
            self._in_hand.add(key)
        return fresh


def _living(connection: Connection, now: str) -> set[str]:
    return {str(row.owner) for row in connection.execute(_LIVING, {"now": now})}
