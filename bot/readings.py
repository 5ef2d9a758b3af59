"""The journal of readings in the store: how sentences were read, and what people corrected (feedback for evals)."""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import JsonValue
from sqlalchemy import Connection, delete, insert, select, update

from actions.clock import Clock
from approvals.store import StoreDown
from approvals.tables import as_text
from bot.tables import readings
from bot.writer import Writer
from intents import journal
from intents.reading import Context, Reading

MOST = 1_000  # readings that wait for a store that is down; the oldest go first
_log = logging.getLogger(__name__)


class _Read(NamedTuple):
    at: datetime
    delivery: str
    text: str
    context: Context
    channel: str | None
    reading: Reading


class Readings:
    """Safe between threads. What is noted is written by `flush`, so that nobody waits for it; a crash may lose some."""

    def __init__(self, writer: Writer, clock: Clock, days: int, *, words: bool) -> None:
        """`days` that a reading is kept, 0 for no journal; `words` whether the sentence itself is kept."""
        self._writer, self._clock, self._kept, self._words = writer, clock, timedelta(days=days), words
        self._waiting: deque[_Read] = deque(maxlen=MOST)
        self._lock = threading.Lock()

    def note(self, delivery: str, text: str, context: Context, channel: str | None, reading: Reading) -> None:
        """A sentence was read so. `delivery` is what its request's origin names."""
        if self._kept:
            self._waiting.append(_Read(self._clock.now(), delivery, text, context, channel, reading))

    def corrected(self, delivery: str, read: dict[str, JsonValue], meant: dict[str, JsonValue]) -> None:
        """Somebody changed in the form what was read. Raises nothing: feedback holds up nobody."""
        if not self._kept or read == meant:
            return
        _log.info(
            "reading corrected: %s", json.dumps(sorted(k for k in {*read, *meant} if read.get(k) != meant.get(k)))
        )
        self.flush()
        values = {"meant": journal.without_secrets(meant)}
        fresh = {"at": as_text(self._clock.now()), "delivery": delivery, "engine": "form", "kind": "command"}
        fresh["action"] = journal.without_secrets(read)  # type: ignore[assignment]  # JSON, beside texts

        def write(connection: Connection) -> None:
            found = connection.execute(update(readings).where(readings.c.delivery == delivery).values(values))
            if not found.rowcount:  # it came of a button, not of words
                connection.execute(insert(readings), {**fresh, **values})

        try:
            self._writer.write(write)
        except StoreDown:
            _log.warning("a correction is not kept: the store is down")

    def flush(self) -> None:
        """Writes what was noted; where the store is down it waits for the next time."""
        with self._lock:
            waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
            rows = [self._row(read) for read in waiting]
            if not rows:
                return
            try:
                self._writer.write(lambda connection: connection.execute(insert(readings), rows))
            except StoreDown:
                self._waiting.extendleft(reversed(waiting[-(MOST - len(self._waiting)) :]))

    def forget(self) -> None:
        """Deletes what is older than it is kept. Raises StoreDown."""
        old = delete(readings).where(readings.c.at < as_text(self._clock.now() - self._kept))
        self._writer.write(lambda connection: connection.execute(old))

    def _row(self, read: _Read) -> dict[str, Any]:
        entry = journal.entry(read.text, read.context, read.channel, read.reading, words=self._words)
        return {"at": as_text(read.at), "delivery": read.delivery, **entry._asdict()}


def kept(connection: Connection, since: datetime | None, corrected: bool) -> Iterator[dict[str, Any]]:
    """The journal, oldest first; what is not known is left out."""
    wanted = select(readings).order_by(readings.c.id)
    if since is not None:
        wanted = wanted.where(readings.c.at >= as_text(since))
    if corrected:
        wanted = wanted.where(readings.c.meant.is_not(None))
    for row in connection.execute(wanted).mappings():
        yield {name: value for name, value in row.items() if value is not None and name != "id"}
