"""The store that a test runs on: an SQLite file, or with TWOKEY_TEST_STORE=postgres a database of a real server.

A test names its store by a path, on PostgreSQL too; the same path is the same store.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg
from sqlalchemy import MetaData

from approvals.store import migrate, open_store
from approvals.store.postgres import WRITER
from approvals.tables import Table
from bot.tables import EdgeTable
from tests import postgres

ON_POSTGRES = os.environ.get("TWOKEY_TEST_STORE") == "postgres"

_databases: dict[Path, str] = {}


class Raw(Protocol):
    """A connection without anything of ours in between."""

    def execute(self, statement: str, /) -> Any: ...
    def close(self) -> None: ...


def store_url(path: Path) -> str:
    """The address of the store that goes by this path; made with its tables where there is none yet."""
    if ON_POSTGRES:
        if path not in _databases:
            _databases[path] = postgres.server().create(template())
        return postgres.server().url(_databases[path])
    if not path.exists():
        shutil.copy(_file(), path)
    return f"sqlite:///{path}"


def by_hand(path: Path) -> Raw:
    """A connection of somebody who holds the store itself; each statement is committed."""
    if ON_POSTGRES:
        return psycopg.connect(store_url(path), autocommit=True)
    return sqlite3.connect(path, isolation_level=None)


def forget(path: Path) -> None:
    """The store is no longer needed."""
    if path in _databases:
        postgres.server().drop(_databases.pop(path))


def every_table() -> MetaData:
    """What the program has, in every room."""
    found = MetaData()
    for room in (Table, EdgeTable):
        for table in room.metadata.tables.values():
            table.to_metadata(found)
    return found


@functools.cache
def template() -> str:
    """A PostgreSQL database with the tables, of which tests get copies."""
    name = postgres.server().create()
    migrate(postgres.server().url(name)).dispose()
    return name


@functools.cache
def _file() -> Path:
    """An SQLite file with the tables, of which tests get copies."""
    folder = tempfile.mkdtemp(prefix="twokey-store-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "template.db"
    open_store(f"sqlite:///{path}").dispose()
    return path


@contextmanager
def broken(path: Path, verb: str, table: str) -> Iterator[None]:
    """Whoever writes this table in this way is told that the disk is on fire."""
    raw = by_hand(path)
    if ON_POSTGRES:
        raw.execute(
            "CREATE FUNCTION burn() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE 'disk on fire' USING ERRCODE = 'check_violation'; END $$"
        )
        raw.execute(f"CREATE TRIGGER broken BEFORE {verb} ON {table} EXECUTE FUNCTION burn()")
    else:
        raw.execute(f"CREATE TRIGGER broken BEFORE {verb} ON {table} BEGIN SELECT RAISE(ROLLBACK, 'disk on fire'); END")
    yield
    raw.execute(f"DROP TRIGGER broken ON {table}" if ON_POSTGRES else "DROP TRIGGER broken")
    raw.close()


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Somebody else is writing, and takes their time."""
    raw = by_hand(path)
    for statement in ("BEGIN", f"SELECT pg_advisory_xact_lock({WRITER})") if ON_POSTGRES else ("BEGIN IMMEDIATE",):
        raw.execute(statement)
    yield
    raw.execute("ROLLBACK")
    raw.close()


INTEGRITY: tuple[type[Exception], ...] = (sqlite3.IntegrityError, psycopg.IntegrityError)
"""What either database raises where a statement would break what it keeps."""

UNGUARD = (
    "ALTER TABLE audit_events DISABLE TRIGGER audit_events_append_only"
    if ON_POSTGRES
    else "DROP TRIGGER audit_events_no_update"
)
"""What the owner of the store can always do: take the guard off the audit log."""
