"""The life of this process in the log: start, stop, silences, killed processes and clocks that were set (L3).

The rule that an auditor can hold the log to: between two entries there are never more than `SILENCE`, unless an entry
`service.gap` follows and says so.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from pydantic import JsonValue
from sqlalchemy import Connection, Engine, delete, insert, select, update

from actions.clock import Clock
from approvals import logbook
from approvals.store import writing
from approvals.tables import as_text, processes
from approvals.watermark import Watermark

HEARTBEAT = timedelta(minutes=5)
"""After so long without any entry one is written, to say that there was none."""

SILENCE = 2 * HEARTBEAT
"""No entry for longer than this means that nobody kept the log."""

LOST = timedelta(seconds=30)
"""A process that has not been seen for so long was killed."""

STEP = timedelta(seconds=5)
"""A clock that differs from the time that passed by more than this was set."""


class Pulse:
    """Of one process. `watermark` is its ledger's, `clock` the machine's. Every method may raise StoreDown."""

    def __init__(self, engine: Engine, watermark: Watermark, clock: Clock) -> None:
        self._engine, self._watermark, self._clock = engine, watermark, clock
        self.name = secrets.token_hex(4)
        self._role = ""
        self._seen = (clock.now(), clock.steady())

    def start(self, role: str, data: dict[str, JsonValue]) -> None:
        """Say that this process begins to work, after saying what was missed since the log's last entry."""
        self._role = role
        with writing(self._engine) as connection:
            now = self._watermark.read(connection)
            behind = self._watermark.ahead
            if behind > STEP:
                self._stepped(connection, now, -behind)
            self._silence(connection, now)
            self._killed(connection, now)
            connection.execute(insert(processes), {"name": self.name, "role": role, "seen_at": as_text(now)})
            self._note(connection, now, "service.started", data)
        self._seen = (self._clock.now(), self._clock.steady())

    def beat(self) -> None:
        """Say that this process lives, and write down what happened to the clock or to others. Every few seconds."""
        wall, steady = self._clock.now(), self._clock.steady()
        jump = wall - self._seen[0] - timedelta(seconds=steady - self._seen[1])
        with writing(self._engine) as connection:
            now = self._watermark.read(connection)
            if abs(jump) > STEP:
                self._stepped(connection, now, jump)
            self._silence(connection, now)
            connection.execute(update(processes).where(processes.c.name == self.name).values(seen_at=as_text(now)))
            self._killed(connection, now)
        self._seen = (wall, steady)

    def stop(self, data: dict[str, JsonValue]) -> None:
        """Say that this process ends."""
        with writing(self._engine) as connection:
            connection.execute(delete(processes).where(processes.c.name == self.name))
            self._note(connection, self._watermark.read(connection), "service.stopped", data)

    def _silence(self, connection: Connection, now: datetime) -> None:
        last = logbook.time_of_last(connection)
        if last is None:
            return
        passed = now - last
        if passed > SILENCE:
            self._note(connection, now, "service.gap", {"since": as_text(last), "seconds": int(passed.total_seconds())})
        elif passed >= HEARTBEAT:
            self._note(connection, now, "service.heartbeat", {})

    def _killed(self, connection: Connection, now: datetime) -> None:
        """Others that said nothing for too long: whoever removes the row writes the entry, so it is written once."""
        gone = processes.c.seen_at < as_text(now - LOST)
        found = connection.execute(select(processes).where(gone, processes.c.name != self.name)).mappings().all()
        for row in found:
            connection.execute(delete(processes).where(processes.c.name == row["name"]))
            data: dict[str, JsonValue] = {"lost": row["name"], "its_role": row["role"], "seen": row["seen_at"]}
            self._note(connection, now, "service.lost", data)

    def _stepped(self, connection: Connection, now: datetime, by: timedelta) -> None:
        self._note(connection, now, "clock.stepped", {"seconds": round(by.total_seconds())})

    def _note(self, connection: Connection, now: datetime, kind: str, data: dict[str, JsonValue]) -> None:
        whole: dict[str, JsonValue] = {"process": self.name, "role": self._role, **data}
        logbook.append(connection, now, kind, None, None, whole)
