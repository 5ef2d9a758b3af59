"""Opening the store, and its two ways in: reading, and one writer at a time.

SQL of one database stands in `sqlite` and `postgres` alone; which one it is follows from the URL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from actions.errors import ConfigError, TwokeyError
from approvals.audit.verification import Row
from approvals.reel import Reel
from approvals.store import migrations, postgres, roles, sqlite
from approvals.store.dialect import Dialect
from approvals.store.direct import Direct, Found
from approvals.store.turn import Late, Turn

_DIALECTS: tuple[Dialect, ...] = (sqlite.SQLite(), postgres.PostgreSQL())
_HOW = "write it like sqlite:///twokey.db or postgresql://twokey@db.internal/twokey"


class StoreDown(TwokeyError):
    """The store cannot be written right now; nothing was recorded, so nothing was run. Try again in a minute."""


class NotItsPart(StoreDown):
    """The database lets this user do nothing of that, so nothing was recorded: see `twokey migrate --roles`."""


class AnswerLost(StoreDown):
    """The store took a change and its answer was lost; look at what is recorded now before you try again."""


_TURNS: WeakKeyDictionary[Engine, Turn] = WeakKeyDictionary()


def open_store(url: str, patience: float = 5.0, make: bool = True) -> Engine:
    """The store at a URL like `sqlite:///twokey.db` or `postgresql://…`, with this version's tables.

    An SQLite file is made and brought up to date here, if `make` says so; PostgreSQL's tables are changed by
    `twokey migrate` alone. `patience` is how many seconds a writer waits for another.
    Raises ConfigError where the store cannot be opened or its tables are of another version.
    """
    engine, dialect = _connected(url, patience, make)
    try:
        with _explained(engine, dialect):
            found = _revision(engine)
            if found != migrations.HEAD and dialect.makes_itself:
                _upgrade(engine, dialect)
            else:
                migrations.require(found)
    except ConfigError:
        engine.dispose()
        raise
    return engine


def migrate(url: str) -> Engine:
    """The store at a URL, its tables brought up to this version. Raises ConfigError."""
    engine, dialect = _connected(url, patience=30.0, make=True)
    try:
        with _explained(engine, dialect):
            _upgrade(engine, dialect)
    except ConfigError:
        engine.dispose()
        raise
    return engine


def migration_sql(url: str) -> str:
    """What `migrate` would have a fresh database of this kind run, for somebody who runs SQL by hand."""
    parsed, dialect = _understood(url)
    return migrations.as_sql(dialect.blank(parsed), dialect)


def roles_sql() -> str:
    """PostgreSQL's roles for gateway, runner and auditor, and what each may do, for `psql`."""
    return roles.as_sql()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A consistent view; raises StoreDown where there is none."""
    with _translated(), _begun(engine, writes=False) as connection:
        yield connection


def glance(engine: Engine, statement: Direct, **values: Any) -> Found:
    """What one statement that reads finds: a consistent view by itself, without a transaction. Raises StoreDown."""
    with _translated():
        with engine.connect() as connection:
            try:
                return statement.all(connection, **values)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                connection.invalidate(error)
        with _begun(engine, writes=False) as connection:  # it was lost while it lay in the pool, others maybe too
            return statement.all(connection, **values)


def unrolled(connection: Connection, first: int | None, end: int | None) -> Iterator[list[Row]]:
    """The entries of the audit log, in parts, as `reel.unrolled` has them. Raises StoreDown."""
    found, driver = reel(connection.engine), connection.dialect.loaded_dbapi
    try:
        with closing(connection.connection.cursor(**found.cursor)) as cursor:
            yield from found.unrolled(cursor, first, end)
    except driver.Error as error:
        raise StoreDown from error


def reel(engine: Engine) -> Reel:
    """What a process that has nothing but the database's driver needs to know to read the log."""
    dialect = _dialect(engine.url)
    positional, named = engine.dialect.create_connect_args(engine.url)
    named = {name: value for name, value in named.items() if isinstance(value, str | int)}  # no types of SQLAlchemy's
    named.update(dialect.reach(engine.url))
    return Reel(engine.dialect.loaded_dbapi.__name__, tuple(positional), named, dialect.cursor, dialect.as_bytes)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction, alone: it is wholly there when the block ends, or not at all.

    Raises StoreDown where the store is locked, full or cannot be written; AnswerLost where the connection broke while
    it was committed, so that it may be there; IntegrityError as the database says it.
    """
    with _translated(), _TURNS[engine].taken(), _begun(engine, writes=True) as connection:
        yield connection
        _commit(connection)


def _begun(engine: Engine, writes: bool, again: bool = True) -> Connection:
    """A connection in a transaction that has begun; closing it before it was committed takes everything back.

    One that was lost while it lay in the pool is only seen now. Then it is made anew, as are all that are as old.
    """
    connection = engine.connect()
    try:
        connection.begin()
        _dialect(engine.url).begin(connection, writes)
    except BaseException as error:
        connection.close()
        if again and isinstance(error, DBAPIError) and error.connection_invalidated:
            return _begun(engine, writes, again=False)
        raise
    return connection


def _commit(connection: Connection) -> None:
    if _dialect(connection.engine.url).failed(connection):  # whoever went on after an error has to hear of it
        raise StoreDown
    try:
        connection.commit()
    except DBAPIError as error:
        raise (AnswerLost if error.connection_invalidated else StoreDown) from error


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except (DBAPIError, PoolTimeout, Late) as error:
        raise (NotItsPart if _is_denied(error) else StoreDown) from error


@contextmanager
def _explained(engine: Engine, dialect: Dialect) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise ConfigError(f"The store {dialect.name_of(engine.url)} cannot be opened: {_first(error)}.") from None
    except StoreDown as error:
        cause = error.__cause__
        why = _first(cause) if isinstance(cause, DBAPIError) else "somebody else holds it"
        raise ConfigError(f"The store {dialect.name_of(engine.url)} cannot be opened: {why}.") from None


def _first(error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines()
    hint = "; grant this user one of the roles of `twokey migrate --roles`" if _is_denied(error) else ""
    return (lines[0].rstrip(".") if lines else "it says nothing") + hint


def _is_denied(error: Exception) -> bool:
    """Whether waiting helps nobody: insufficient_privilege (PostgreSQL, appendix A)."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) == "42501"


def _understood(url: str) -> tuple[URL, Dialect]:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError(f"TWOKEY_DATABASE_URL is no database URL; {_HOW}.") from None
    return parsed, _dialect(parsed)


def _dialect(url: URL) -> Dialect:
    for dialect in _DIALECTS:
        if url.drivername in dialect.schemes:
            return dialect
    raise ConfigError(f"TWOKEY_DATABASE_URL names {url.drivername}, which Twokey cannot use; {_HOW}.")


def _connected(url: str, patience: float, make: bool) -> tuple[Engine, Dialect]:
    parsed, dialect = _understood(url)
    engine = dialect.engine(parsed, patience, make)
    _TURNS[engine] = Turn(patience)
    return engine, dialect


def _revision(engine: Engine) -> str | None:
    with reading(engine) as connection:
        return migrations.revision(connection)


def _upgrade(engine: Engine, dialect: Dialect) -> None:
    with writing(engine) as connection:
        migrations.require_known(migrations.revision(connection))
        migrations.upgrade(connection, dialect)
