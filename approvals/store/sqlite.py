"""SQLite: one file, durable (WAL, synchronous=FULL), written by one process at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError

from actions.errors import ConfigError
from approvals.store.dialect import APPEND_ONLY, GROWS, WORDS

_REFUSED = {
    "audit_events": "EXISTS (SELECT 1 FROM audit_events WHERE seq = NEW.seq) "
    "OR EXISTS (SELECT 1 FROM audit_seals WHERE size >= NEW.seq)",  # what is archived is not written again
    "audit_checkpoints": "EXISTS (SELECT 1 FROM audit_checkpoints WHERE size = NEW.size)",
    "audit_seals": "EXISTS (SELECT 1 FROM audit_seals WHERE size >= NEW.size) "
    "OR NOT EXISTS (SELECT 1 FROM audit_checkpoints WHERE size >= NEW.size)",  # nothing that no checkpoint covers
    "decisions": "EXISTS (SELECT 1 FROM decisions WHERE id = NEW.id "
    "OR (request_id = NEW.request_id AND approver_user = NEW.approver_user))",
    "policies": "EXISTS (SELECT 1 FROM policies WHERE seq = NEW.seq)",
    "policy_drafts": "EXISTS (SELECT 1 FROM policy_drafts WHERE id = NEW.id)",
    "catalogs": "EXISTS (SELECT 1 FROM catalogs WHERE seq = NEW.seq)",
    "eval_runs": "EXISTS (SELECT 1 FROM eval_runs WHERE seq = NEW.seq) "
    "OR NEW.seq IS NOT (SELECT max(seq) FROM audit_events)",  # only with its entry: no number is taken beforehand
    "eval_keepsakes": "EXISTS (SELECT 1 FROM eval_keepsakes WHERE seq = NEW.seq)",
    "catalog_drafts": "EXISTS (SELECT 1 FROM catalog_drafts WHERE id = NEW.id)",
}
"""What must not be inserted: above all what INSERT OR REPLACE would put in another row's place."""

_KEPT = {"audit_events": "WHEN NOT EXISTS (SELECT 1 FROM audit_seals WHERE size >= OLD.seq)"}
"""What must not be deleted, where that is not everything: entries that no seal says are archived."""

_LEAST = (3, 35, 0)  # UPDATE … RETURNING

_FORMAT = 4
"""`user_version`: 1 were the tables before there were migrations; a release that knows only those opens no later."""


class SQLite:
    """See `Dialect`."""

    schemes = frozenset({"sqlite", "sqlite+pysqlite"})
    makes_itself = True
    cursor: Mapping[str, Any] = {}
    as_bytes = "BLOB"

    def engine(self, url: URL, patience: float, make: bool) -> Engine:
        """An engine over the file."""
        if not url.database or url.database == ":memory:":
            raise ConfigError("TWOKEY_DATABASE_URL has to name a file, like sqlite:///twokey.db.")
        if sqlite3.sqlite_version_info < _LEAST:
            raise ConfigError(f"This Python comes with SQLite {sqlite3.sqlite_version}; 3.35 or newer is needed.")
        if not make and not Path(url.database).exists():
            raise ConfigError(f"There is no store at {url.database}; set TWOKEY_DATABASE_URL to the one that is meant.")
        engine = create_engine(url, connect_args={"timeout": patience}, pool_timeout=patience)
        event.listen(engine, "connect", _prepare)
        return engine

    def begin(self, connection: Connection, writes: bool) -> None:
        """Straight to the driver, which begins nothing by itself."""
        statement = "BEGIN IMMEDIATE" if writes else "BEGIN"
        driver: Any = connection.connection.dbapi_connection
        try:
            driver.execute(statement)
        except sqlite3.Error as error:
            raise OperationalError(statement, None, error) from error

    def failed(self, connection: Connection) -> bool:
        """Never: what failed was taken back by itself, and COMMIT says what it does."""
        return False

    def blank(self, url: URL) -> URL:
        """As it is."""
        return url

    def name_of(self, url: URL) -> str:
        """The file."""
        return str(url.database)

    def reach(self, url: URL) -> Mapping[str, Any]:
        """Nothing: it is a file."""
        return {}

    def guards(self) -> Iterator[str]:
        """Triggers, which hold also by hand and without recursive_triggers."""
        for table in APPEND_ONLY:
            for verb, when in (
                ("UPDATE", ""),
                ("DELETE", _KEPT.get(table, "")),
                ("INSERT", f"WHEN {_REFUSED[table]}"),
            ):
                yield f"DROP TRIGGER IF EXISTS {table}_no_{verb.lower()}"  # an earlier version's says less
                yield (
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {when} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
        yield from _bounds()
        yield f"PRAGMA user_version={_FORMAT}"


def _bounds() -> Iterator[str]:
    """What SQLite cannot add to a table that is there (CHECK), as triggers."""
    for (table, column), words in WORDS.items():
        listed = ", ".join(f"'{word}'" for word in words)
        for verb, deed in (("insert", "INSERT"), ("update", f"UPDATE OF {column}")):
            name = f"{table}_{column}_{verb}"
            yield from _refusing(name, f"{deed} ON {table}", f"NEW.{column} NOT IN ({listed})", f"no such {column}")
    for table, column in GROWS:
        back = f"NEW.{column} < OLD.{column}"
        yield from _refusing(f"{table}_{column}_grows", f"UPDATE OF {column} ON {table}", back, "it never goes back")
    again = "EXISTS (SELECT 1 FROM watermark WHERE id = NEW.id)"
    yield from _refusing("watermark_once", "INSERT ON watermark", again, "it never goes back")
    yield from _refusing("watermark_kept", "DELETE ON watermark", "1", "it never goes back")


def _refusing(name: str, deed: str, condition: str, why: str) -> Iterator[str]:
    yield f"DROP TRIGGER IF EXISTS {name}"  # an earlier version's says less
    yield f"CREATE TRIGGER {name} BEFORE {deed} WHEN {condition} BEGIN SELECT RAISE(ABORT, '{name}: {why}'); END"


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # `begin` says how a transaction begins
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "recursive_triggers=ON",  # without it INSERT OR REPLACE deletes past the triggers
        "trusted_schema=OFF",
    ):
        connection.execute(f"PRAGMA {pragma}")


def pragma(connection: Connection, name: str) -> Any:
    """What a pragma is set to on this connection, for the tests."""
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
