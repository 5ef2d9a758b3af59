"""Statements that go straight to the driver, for the few that every recorded change runs.

Several that need no answer of one another go `together`: on PostgreSQL that is one round trip for all, and of what a
transaction costs there most is the number of its round trips, each with a wait for the interpreter's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, UpdateBase
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

Found = Sequence[tuple[Any, ...]]
"""The rows that a statement gave back; none where it gives back nothing."""

_Turned = Callable[[Any], Any] | None  # what makes a value the driver's, or the driver's ours


class Direct:
    """One statement, compiled once for each kind of store: SQLAlchemy's way to the driver takes as long again."""

    def __init__(self, statement: UpdateBase | Select[Any]) -> None:
        self._statement = statement
        self._forms: dict[str, _Form] = {}

    def __call__(self, **values: Any) -> Asked:
        """The statement with its values, to be asked `together` with others."""
        return Asked(self, values)

    def all(self, connection: Connection, **values: Any) -> Found:
        """Run it in the connection's transaction, if there is one; all of its rows. Raises DBAPIError."""
        return together(connection, Asked(self, values))[0]

    def first(self, connection: Connection, **values: Any) -> tuple[Any, ...] | None:
        """The same; the first of its rows, if it has any."""
        found = self.all(connection, **values)
        return found[0] if found else None

    def form(self, connection: Connection) -> _Form:
        """As this kind of store wants it."""
        name = connection.dialect.name
        return self._forms.get(name) or self._forms.setdefault(name, _Form.of(self._statement, connection))


class Asked(NamedTuple):
    """A statement and what it is asked with."""

    statement: Direct
    values: Mapping[str, Any]


def together(connection: Connection, *asked: Asked) -> list[Found]:
    """Run them in their order in the connection's transaction, and what each found. Raises the first's DBAPIError."""
    driver: Any = connection.connection.dbapi_connection
    forms = [(form := each.statement.form(connection), form.given(each.values)) for each in asked]
    one_trip = driver.pipeline if len(asked) > 1 and hasattr(driver, "pipeline") else nullcontext
    base = connection.dialect.loaded_dbapi.Error
    try:
        with one_trip():
            cursors = [driver.execute(form.text, given) for form, given in forms]
        return [form.found(cursor) for (form, _), cursor in zip(forms, cursors, strict=True)]
    except base as error:
        lost = connection.dialect.is_disconnect(error, driver, None)
        texts = "; ".join(form.text for form, _ in forms)
        raise DBAPIError.instance(
            texts, None, error, base, connection_invalidated=lost, dialect=connection.dialect
        ) from error


@dataclass(frozen=True)
class _Form:
    """A compiled statement, and what its values and columns pass through."""

    text: str
    fixed: Mapping[str, Any]  # values that the statement itself holds
    wanted: frozenset[str]
    order: tuple[str, ...] | None  # as SQLite's driver wants them
    binds: Mapping[str, Callable[[Any], Any]]
    results: tuple[_Turned, ...]  # empty where nothing has to be turned

    @classmethod
    def of(cls, statement: UpdateBase | Select[Any], connection: Connection) -> _Form:
        dialect = connection.dialect
        made = statement.compile(dialect=dialect)
        if not isinstance(made, SQLCompiler):
            raise TypeError("only queries and changes of rows go straight to the driver")

        def own(kind: TypeEngine[Any]) -> TypeEngine[Any]:
            return kind.dialect_impl(dialect)

        named = {name: bind for bind, name in made.bind_names.items()}
        binds = {name: own(bind.type).bind_processor(dialect) for name, bind in named.items()}
        results = tuple(own(column.type).result_processor(dialect, None) for column in statement.exported_columns)
        return cls(
            str(made),
            {name: bind.effective_value for name, bind in named.items() if not bind.required},
            frozenset(name for name, bind in named.items() if bind.required),
            tuple(made.positiontup) if made.positiontup is not None else None,
            {name: turned for name, turned in binds.items() if turned},
            results if any(results) else (),
        )

    def given(self, values: Mapping[str, Any]) -> Any:
        """The values as the driver takes them."""
        if values.keys() != self.wanted:
            raise TypeError(f"wanted are {sorted(self.wanted)}, given were {sorted(values)}")
        whole = {**self.fixed, **values}
        for name, turned in self.binds.items():
            whole[name] = turned(whole[name])
        return whole if self.order is None else tuple(whole[name] for name in self.order)

    def found(self, cursor: Any) -> Found:
        """Its rows with our values."""
        rows: Found = cursor.fetchall() if cursor.description else []
        if not self.results:
            return rows
        return [
            tuple(turn(value) if turn else value for turn, value in zip(self.results, row, strict=True)) for row in rows
        ]
