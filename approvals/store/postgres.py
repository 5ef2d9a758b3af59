"""PostgreSQL: several processes, one writer at a time by an advisory lock, and roles that may do less."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from psycopg import Connection as Raw
from psycopg.pq import TransactionStatus
from sqlalchemy import URL, Connection, Engine, create_engine, event

from approvals.store.dialect import APPEND_ONLY, GROWS, WORDS

WRITER = 0x74776F6B6579
"""The advisory lock that whoever writes holds until the end of the transaction ("twokey" as a number)."""

STATEMENT = 30.0
"""Seconds that one statement may take."""

IDLE = 10.0
"""Seconds that an open transaction may say nothing: a process that was stopped in one must not hold up the others."""

# Several statements that read see one state. A writer sees what the one before it committed, since each of its
# statements looks anew and it had to wait for the lock first.
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_WRITE = f"BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE; SELECT pg_advisory_xact_lock({WRITER})"

_REACH = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
_NETWORK = 20_000  # milliseconds until what was sent and never acknowledged means that the connection is lost


class PostgreSQL:
    """See `Dialect`."""

    schemes = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
    makes_itself = False
    cursor: Mapping[str, Any] = {"binary": True}
    as_bytes = "bytea"

    def engine(self, url: URL, patience: float, make: bool) -> Engine:
        """An engine over a pool."""
        engine = create_engine(self.blank(url), connect_args=dict(self.reach(url)), pool_timeout=patience)

        def prepare(connection: Raw[Any], _record: object) -> None:
            """Limits of this connection. Set here, not in `options`, which may be the user's own."""
            connection.autocommit = True  # and so it stays: `begin` says how a transaction begins
            for name, seconds in (
                ("lock_timeout", patience),
                ("statement_timeout", max(STATEMENT, patience)),
                ("idle_in_transaction_session_timeout", IDLE),
            ):
                connection.execute(f"SET {name} = {round(seconds * 1000)}")

        event.listen(engine, "connect", prepare)
        return engine

    def begin(self, connection: Connection, writes: bool) -> None:
        """In one go with the writer's lock: what a transaction costs is mostly the number of its round trips."""
        connection.exec_driver_sql(_WRITE if writes else _READ)

    def failed(self, connection: Connection) -> bool:
        """As the driver knows from the server's last word."""
        driver: Any = connection.connection.dbapi_connection
        return bool(driver.info.transaction_status == TransactionStatus.INERROR)

    def blank(self, url: URL) -> URL:
        """With our driver."""
        return url.set(drivername="postgresql+psycopg")

    def name_of(self, url: URL) -> str:
        """The whole address without its password."""
        return url.set(password=None).render_as_string()

    def reach(self, url: URL) -> Mapping[str, Any]:
        """Limits of the connection itself."""
        arguments = {**_REACH, "tcp_user_timeout": _NETWORK, "application_name": "twokey"}
        return {name: value for name, value in arguments.items() if name not in url.query}

    def guards(self) -> Iterator[str]:
        """Triggers that fire for everybody, also where `session_replication_role` switches the others off."""
        yield (
            "CREATE OR REPLACE FUNCTION twokey_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE USING MESSAGE = TG_TABLE_NAME || ' is append-only', ERRCODE = 'check_violation'; END $$"
        )
        yield from _FUNCTIONS
        for table in APPEND_ONLY:
            verbs = "UPDATE OR TRUNCATE" if table == "audit_events" else "UPDATE OR DELETE OR TRUNCATE"
            yield from _trigger(table, "append_only", f"BEFORE {verbs}", "STATEMENT", "twokey_append_only")
        yield from _trigger("audit_events", "kept", "BEFORE DELETE", "ROW", "twokey_kept")
        yield from _trigger("audit_events", "once", "BEFORE INSERT", "ROW", "twokey_once")
        yield from _trigger("audit_seals", "covered", "BEFORE INSERT", "ROW", "twokey_covered")
        yield from _trigger("eval_runs", "newest", "BEFORE INSERT", "ROW", "twokey_newest")
        yield from _bounds()


def _bounds() -> Iterator[str]:
    for (table, column), words in WORDS.items():
        name, listed = f"{table}_{column}_words", ", ".join(f"'{word}'" for word in words)
        yield f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"  # an earlier version's knows fewer
        yield f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IN ({listed}))"
    for table, column in GROWS:
        function = f"twokey_{table}_{column}"
        yield _refusing(function, f"NEW.{column} < OLD.{column}", "NEW", "never goes back")
        yield from _trigger(table, f"{column}_grows", "BEFORE UPDATE", "ROW", function)
    yield from _trigger("watermark", "kept", "BEFORE DELETE OR TRUNCATE", "STATEMENT", "twokey_append_only")


def _trigger(table: str, name: str, when: str, each: str, function: str) -> Iterator[str]:
    yield f"DROP TRIGGER IF EXISTS {table}_{name} ON {table}"
    yield f"CREATE TRIGGER {table}_{name} {when} ON {table} FOR EACH {each} EXECUTE FUNCTION {function}()"
    yield f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_{name}"


def _refusing(name: str, condition: str, then: str, why: str = "is append-only") -> str:
    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN "
        f"RAISE USING MESSAGE = TG_TABLE_NAME || ' {why}', ERRCODE = 'check_violation'; END IF; "
        f"RETURN {then}; END $$"
    )


_FUNCTIONS = (
    # Only entries that a seal says are archived may go, and they are not written again.
    _refusing("twokey_kept", "NOT EXISTS (SELECT 1 FROM audit_seals WHERE size >= OLD.seq)", "OLD"),
    _refusing("twokey_once", "EXISTS (SELECT 1 FROM audit_seals WHERE size >= NEW.seq)", "NEW"),
    # Nothing is sealed that no checkpoint covers, or that is sealed already.
    _refusing(
        "twokey_covered",
        "EXISTS (SELECT 1 FROM audit_seals WHERE size >= NEW.size) "
        "OR NOT EXISTS (SELECT 1 FROM audit_checkpoints WHERE size >= NEW.size)",
        "NEW",
    ),
    # The run of an eval is noted with its entry, so that nobody takes its number beforehand.
    _refusing("twokey_newest", "NEW.seq IS DISTINCT FROM (SELECT max(seq) FROM audit_events)", "NEW"),
)
