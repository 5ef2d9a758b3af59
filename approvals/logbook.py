"""The audit log in the store: adding to it, reading it, and the checkpoints and seals that belong to it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from pydantic import JsonValue
from sqlalchemy import Connection, Engine, func, insert, select

from actions.errors import TwokeyError
from approvals import audit
from approvals.actor import Actor
from approvals.audit import seal
from approvals.audit.tree import Frontier
from approvals.audit.verification import BEGINNING, Mark, Row, Start
from approvals.store import reading, unrolled
from approvals.store.direct import Asked, Direct, Found, together
from approvals.tables import as_text, as_time, audit_checkpoints, audit_events, audit_seals

END = func.coalesce(
    select(func.max(audit_events.c.seq)).scalar_subquery(), select(func.max(audit_seals.c.size)).scalar_subquery(), 0
)
"""The number of the last entry, for another query to hold its rows to: see `last`."""

_HASH = 32  # bytes of one

# Made once: building a statement costs more than running it.
_NEWEST = Direct(select(audit_events.c.seq, audit_events.c.hash).order_by(audit_events.c.seq.desc()).limit(1))
_NEWEST_BODY = select(audit_events.c.body).order_by(audit_events.c.seq.desc()).limit(1)
_ADD = Direct(insert(audit_events))
_LATEST = select(audit_checkpoints).order_by(audit_checkpoints.c.size.desc()).limit(1)
_SEAL = select(audit_seals).order_by(audit_seals.c.size.desc()).limit(1)


@dataclass(frozen=True)
class Kept:
    """A checkpoint in the store. Its note is signed; the rest is as trustworthy as the store is."""

    size: int
    at: datetime
    note: str
    key: str
    tree: Frontier


class Mangled(TwokeyError):
    """The store's own copy of a checkpoint or seal was changed. Hold the log against one that was kept elsewhere."""


def append(
    connection: Connection,
    now: datetime,
    kind: str,
    request_id: str | None,
    actor: Actor | None,
    data: Mapping[str, JsonValue],
) -> audit.Entry:
    """Add an entry, in the caller's writing transaction."""
    made, adding = entry(last(connection), now, kind, request_id, actor, data)
    together(connection, adding)
    return made


def entry(
    after: tuple[int, str],
    now: datetime,
    kind: str,
    request_id: str | None,
    actor: Actor | None,
    data: Mapping[str, JsonValue],
) -> tuple[audit.Entry, Asked]:
    """An entry that follows the `last` one, and the statement that adds it."""
    made = audit.entry(after, as_text(now), kind, request_id, actor, data)
    return made, _ADD(**made._asdict(), request_id=request_id)


NEWEST = _NEWEST()
"""Asked for what `last` says, together with something else."""


def last(connection: Connection, found: Found | None = None) -> tuple[int, str]:
    """Number and hash of the last entry; of the archive where no other is left, and 0 and GENESIS in a new log.

    `found` is what `NEWEST` found in the same transaction.
    """
    newest = together(connection, NEWEST)[0] if found is None else found
    if newest:
        return newest[0][0], newest[0][1]
    before = sealed(connection)
    return before.tree.size, before.head


def time_of_last(connection: Connection) -> datetime | None:
    """When the last entry was written; None in a new log."""
    body = connection.execute(_NEWEST_BODY).scalar()
    return as_time(json.loads(body)["at"]) if body else None


def time_of(connection: Connection, seq: int) -> datetime:
    """When this entry was written; it has to be there."""
    body = connection.execute(select(audit_events.c.body).where(audit_events.c.seq == seq)).scalar_one()
    return as_time(json.loads(body)["at"])


def hash_at(connection: Connection, size: int) -> str:
    """The hash of the entry with this number, which may be the last one that was archived; GENESIS of none."""
    found = connection.execute(select(audit_events.c.hash).where(audit_events.c.seq == size)).scalar()
    before = sealed(connection)
    return str(found) if found is not None else before.head if before.tree.size == size else audit.GENESIS


def sealed(connection: Connection) -> Start:
    """What was archived: the log in the store goes on after that."""
    found = connection.execute(_SEAL).mappings().first()
    return Start(found["head"], unpacked(found["size"], found["peaks"])) if found else BEGINNING


def said_at_seal(connection: Connection) -> dict[str, Any] | None:
    """What the entry of the newest seal says; None where there is no such entry. Walks what belongs to no request."""
    start = sealed(connection)
    entries = select(*(audit_events.c[name] for name in audit.Entry._fields)).order_by(audit_events.c.seq)
    own = entries.where(audit_events.c.seq > start.tree.size, audit_events.c.request_id.is_(None))
    return seal.said((audit.Entry._make(row) for row in connection.execute(own)), start)


def rows(connection: Connection, first: int | None = 1, end: int | None = None) -> Iterator[audit.Entry]:
    """The entries from `first` on, up to and with `end`, read as they are walked.

    Without `first` also what is numbered as no entry of the log is, by somebody's hand.
    """
    return (audit.Entry._make(row[:4]) for row in bare(connection, first, end))


def bare(connection: Connection, first: int | None = 1, end: int | None = None) -> Iterator[Row]:
    """The same as the store's own rows, with the request that each is filed under."""
    return chain.from_iterable(unrolled(connection, first, end))


def latest(connection: Connection) -> Kept | None:
    """The newest checkpoint."""
    found = connection.execute(_LATEST).mappings().first()
    if found is None:
        return None
    tree = unpacked(found["size"], found["peaks"])
    return Kept(found["size"], as_time(found["at"]), found["note"], found["key"], tree)


def keep(connection: Connection, kept: Kept) -> bool:
    """Add a checkpoint, unless somebody else has one that is as long; whether it was added."""
    newest = connection.execute(select(func.max(audit_checkpoints.c.size))).scalar()
    if newest is not None and newest >= kept.size:
        return False
    row = {"size": kept.size, "at": as_text(kept.at), "note": kept.note, "key": kept.key, "peaks": packed(kept.tree)}
    connection.execute(insert(audit_checkpoints), row)
    return True


def packed(tree: Frontier) -> bytes:
    """A frontier's hashes, as a column holds them."""
    return b"".join(tree.peaks)


def unpacked(size: int, peaks: bytes) -> Frontier:
    """And back. Raises Mangled."""
    try:
        return Frontier(size, tuple(peaks[at : at + _HASH] for at in range(0, len(peaks), _HASH)))
    except ValueError:
        raise Mangled from None


class Logbook:
    """The log for whoever reads it. Every method may raise StoreDown."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def entries(self, first: int = 1) -> Iterator[audit.Entry]:
        """The log in its order, read as it is walked."""
        with reading(self._engine) as connection:
            yield from rows(connection, first)

    def head(self) -> Mark:
        """How long the log is, and its last hash."""
        with reading(self._engine) as connection:
            return Mark(*last(connection))

    def hash_at(self, size: int) -> str:
        """The hash of the entry with this number."""
        with reading(self._engine) as connection:
            return hash_at(connection, size)

    def start(self) -> Start:
        """After what the entries in the store begin."""
        with reading(self._engine) as connection:
            return sealed(connection)

    def latest(self) -> Kept | None:
        """The newest checkpoint."""
        with reading(self._engine) as connection:
            return latest(connection)

    def notes(self) -> list[str]:
        """Every checkpoint that was ever signed, oldest first."""
        with reading(self._engine) as connection:
            query = select(audit_checkpoints.c.note).order_by(audit_checkpoints.c.size)
            return list(connection.execute(query).scalars())

    def keys(self) -> list[str]:
        """The verifier keys of those checkpoints."""
        with reading(self._engine) as connection:
            return list(connection.execute(select(audit_checkpoints.c.key).distinct()).scalars())
