"""Opening the store, and its two ways in: reading, and one writer at a time. Only here stands SQL of one database."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from actions.errors import ConfigError, TwokeyError
from approvals.tables import Table

SCHEMA = 2
"""Grows with every change of the tables; a store of a later version is not opened."""

_APPEND_ONLY = {"audit_events": "seq = NEW.seq", "decisions": "id = NEW.id"}
_ALSO_REPLACED = "OR (request_id = NEW.request_id AND approver_user = NEW.approver_user)"


class StoreDown(TwokeyError):
    """The store cannot be written right now; nothing was recorded, so nothing was run. Try again in a minute."""


class _Turn:
    """One writer at a time in this process; other processes meet at the file's own lock.

    SQLite has whoever finds the file locked sleep, up to 100 ms at a time; here the next one goes on at once.
    """

    def __init__(self, patience: float) -> None:
        self._patience, self._lock = patience, threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=self._patience):
            raise StoreDown
        try:
            yield
        finally:
            self._lock.release()


_TURNS: WeakKeyDictionary[Engine, _Turn] = WeakKeyDictionary()


def open_store(url: str, patience: float = 5.0, make: bool = True) -> Engine:
    """The store at a URL like `sqlite:///twokey.db`, with its tables; made where there is none, if `make` says so.

    `patience` is how many seconds a writer waits for another. Raises ConfigError where it cannot be opened.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError("TWOKEY_DATABASE_URL is no database URL; write it like sqlite:///twokey.db.") from None
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise ConfigError("TWOKEY_DATABASE_URL has to name an SQLite file, like sqlite:///twokey.db.")
    if not make and not Path(parsed.database).exists():
        raise ConfigError(f"There is no store at {parsed.database}; set TWOKEY_DATABASE_URL to the one that is meant.")
    engine = create_engine(parsed, connect_args={"timeout": patience}, pool_timeout=patience)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    _TURNS[engine] = _Turn(patience)
    try:
        _make_tables(engine)
    except DBAPIError as error:
        engine.dispose()
        raise ConfigError(f"The store {parsed.database} cannot be opened: {error.orig}.") from None
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A consistent view; raises StoreDown where there is none."""
    with _translated(), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction, alone: it is wholly there when the block ends, or not at all.

    Raises StoreDown where the store is locked, full or cannot be written; IntegrityError as the database says it.
    """
    with _translated(), _TURNS[engine].taken(), engine.connect() as connection:
        connection = connection.execution_options(twokey_writes=True)
        with connection.begin():
            yield connection


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except (DBAPIError, PoolTimeout) as error:
        raise StoreDown from error


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the begin event below says how a transaction begins
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "recursive_triggers=ON",  # without it INSERT OR REPLACE deletes past the triggers
        "trusted_schema=OFF",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("twokey_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _make_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        connection = connection.execution_options(twokey_writes=True)
        with connection.begin():
            found = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
            if found > SCHEMA:
                raise ConfigError(
                    f"The store was written by a later version of Twokey (tables {found}); update this one."
                )
            Table.metadata.create_all(connection)
            for statement in _triggers():
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA}")


def _triggers() -> Iterator[str]:
    """Decisions and audit entries are only ever added, also by hand and without recursive_triggers."""
    for table, same in _APPEND_ONLY.items():
        clash = f"{same} {_ALSO_REPLACED}" if table == "decisions" else same
        for verb, when in (
            ("UPDATE", ""),
            ("DELETE", ""),
            ("INSERT", f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {clash})"),  # noqa: S608 - names of our own
        ):
            yield (
                f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb.lower()} BEFORE {verb} ON {table} {when} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def pragma(connection: Connection, name: str) -> Any:
    """What a pragma is set to on this connection, for `twokey doctor` and the tests."""
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
