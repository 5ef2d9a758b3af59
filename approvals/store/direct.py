"""Statements that go straight to the driver, for the few that every recorded change runs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, UpdateBase
from sqlalchemy.engine import Compiled
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler


class Direct:
    """One statement, compiled once for each kind of store: SQLAlchemy's way to the driver takes as long again."""

    def __init__(self, statement: UpdateBase | Select[Any]) -> None:
        self._statement = statement
        self._compiled: dict[str, Compiled] = {}

    def first(self, connection: Connection, **values: Any) -> tuple[Any, ...] | None:
        """Run it in the connection's transaction; the first of its rows, if it has any. Raises DBAPIError."""
        made = self._compiled.get(connection.dialect.name) or self._compile(connection)
        given: Any = made.construct_params(values)
        if isinstance(made, SQLCompiler) and made.positiontup is not None:  # as SQLite's driver wants them
            given = tuple(given[name] for name in made.positiontup)
        driver: Any = connection.connection.dbapi_connection
        try:
            cursor = driver.execute(str(made), given)
            rows = cursor.fetchall() if cursor.description else []
        except connection.dialect.loaded_dbapi.Error as error:
            base = connection.dialect.loaded_dbapi.Error
            raise DBAPIError.instance(str(made), given, error, base, dialect=connection.dialect) from error
        return rows[0] if rows else None

    def _compile(self, connection: Connection) -> Compiled:
        made = self._compiled[connection.dialect.name] = self._statement.compile(dialect=connection.dialect)
        return made
