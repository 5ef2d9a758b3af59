"""Time that never runs backwards, across processes and restarts."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, case, insert, update

from actions.clock import Clock
from approvals.store.direct import Asked, Direct, Found, together
from approvals.tables import as_text, as_time, watermark

# Made once: building a statement costs more than running it.
_LATER = case((watermark.c.at > bindparam("now"), watermark.c.at), else_=bindparam("now"))
_PASS = Direct(update(watermark).where(watermark.c.id == 1).values(at=_LATER).returning(watermark.c.at))
_FIRST = insert(watermark)


class Watermark:
    """Reads a clock, and remembers in the store the latest time that was ever read.

    When the clock jumps back, time goes on from where it was, at the clock's pace: nothing gets longer (A6).
    """

    def __init__(self, clock: Clock) -> None:
        self._clock, self._ahead, self._lock = clock, timedelta(0), threading.Lock()

    @property
    def ahead(self) -> timedelta:
        """By how much the time that counts is ahead of this machine's clock."""
        with self._lock:
            return self._ahead

    def guess(self) -> datetime:
        """The time as far as this process knows: for a look before a transaction, in which it is read again."""
        return self._clock.now() + self.ahead

    def read(self, connection: Connection) -> datetime:
        """The time, written down in the same transaction; call it inside a writing one."""
        return self.read_with(connection)[0]

    def read_with(self, connection: Connection, *asked: Asked) -> tuple[datetime, list[Found]]:
        """The same, and what was asked together with it found."""
        with self._lock:
            now = self._clock.now() + self._ahead
            passed, *found = together(connection, _PASS(now=as_text(now)), *asked)
            if not passed:
                connection.execute(_FIRST, {"id": 1, "at": as_text(now)})
            elif (reached := as_time(passed[0][0])) > now:
                self._ahead += reached - now
                now = reached
        return now, found
