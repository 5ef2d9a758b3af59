"""The audit log from end to end, as fast as the database's driver gives it.

Nothing here needs SQLAlchemy, since a process that verifies a part of a long log would be busy longer with importing it
than with its part.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from approvals.audit.filing import Filing
from approvals.audit.stretches import Stretch, stretch
from approvals.audit.verification import Mark, Row

_AT_ONCE = 2048  # rows; more of them do not stay in the processor's cache until they are hashed
_NO_END = (1 << 63) - 1


@dataclass(frozen=True)
class Reel:
    """Where the log is, for whoever has nothing but the driver."""

    driver: str  # a module as PEP 249 has them
    place: Sequence[Any]  # what its `connect` is called with
    named: Mapping[str, Any]
    cursor: Mapping[str, Any]  # what a connection's `cursor` is called with
    as_bytes: (
        str  # what a body is cast to: one that somebody else wrote may be text, still an entry and then a broken one
    )

    def unrolled(self, cursor: Any, first: int | None, end: int | None) -> Iterator[list[Row]]:
        """The entries from `first` on, up to and with `end`, in parts, each with the request that it is filed under.

        Without `first` also what is numbered as no entry of the log is, by somebody's hand. The numbers stand in the
        statement: a plan made for any numbers need not go by the table's key.
        """
        while True:
            cursor.execute(
                f"SELECT seq, CAST(body AS {self.as_bytes}), prev, hash, request_id FROM audit_events "  # noqa: S608 - ours
                f"WHERE {'' if first is None else f'seq >= {first:d} AND '}seq <= {_NO_END if end is None else end:d} "
                f"ORDER BY seq LIMIT {_AT_ONCE}"
            )
            part = cursor.fetchall()
            if part:
                yield part
            if len(part) < _AT_ONCE:
                return
            first = part[-1][0] + 1


@dataclass(frozen=True)
class Part:
    """What one process says of its part."""

    stretch: Stretch | None
    misfiled: int | None


def part(parts: Iterator[list[Row]], after: int, end: int, marks: Sequence[Mark]) -> Part:
    """The entries after number `after` up to `end`, as they come in parts."""
    filing = Filing()
    return Part(stretch(filing.seen(parts), after, end, marks), filing.misfiled)


def part_by_helper(reel: Reel, after: int, end: int, marks: Sequence[Mark]) -> Part:
    """The same in a process of its own. What is wrong with the store is for the one that asked to find out and say."""
    driver = importlib.import_module(reel.driver)
    try:
        connection = driver.connect(*reel.place, **reel.named)
        try:
            return part(reel.unrolled(connection.cursor(**reel.cursor), after + 1, end), after, end, marks)
        finally:
            connection.close()
    except driver.Error:
        return Part(None, None)
