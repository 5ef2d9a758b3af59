"""Where one of the papers is kept that everything is judged by: what was adopted, and what is held back (A9)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import JsonValue, ValidationError
from sqlalchemy import Connection, Select, Table, func, insert, select

from actions import canonical
from actions.errors import TwokeyError
from approvals import logbook
from approvals.actor import Actor
from approvals.ledger import Recording
from approvals.tables import audit_events, catalogs, policies

Kind = Literal["policy", "catalog"]


class Forged(TwokeyError):
    """The store's policy or catalogue is not the one that the audit log says was adopted, so nothing runs.

    Check the store.
    """


class Foreign(TwokeyError):
    """Another release of Twokey wrote the policy or catalogue here: bring every gateway and runner to the same one."""


class _Versioned(Protocol):
    @property
    def version(self) -> str: ...

    @property
    def content(self) -> dict[str, JsonValue]: ...


Paper = TypeVar("Paper", bound=_Versioned)


@dataclass(frozen=True)
class Shelf(Generic[Paper]):
    """The tables of one kind of paper. Rows are only ever added; each adoption has the number of its audit entry.

    A paper's version is the digest of its text as that was written, and stays it: a later release, for which the same
    text may mean more, reads it, and neither writes nor digests it anew.
    """

    kind: Kind
    adopted: Table
    held: Table
    restored: Callable[[Any], Paper]

    @property
    def newest(self) -> Select[tuple[int]]:
        """The number of the one in force: none beyond the log's end, which no entry put there."""
        seq = self.adopted.c.seq
        return select(seq).where(seq <= logbook.END).order_by(seq.desc()).limit(1)

    def version(self, connection: Connection, seq: int) -> str:
        """Of the one that was adopted there. Raises Forged."""
        return _version(connection, self.kind, self.adopted, seq)

    def get(self, connection: Connection, seq: int) -> Paper:
        """The one that was adopted there. Raises Forged, Foreign."""
        version = self.version(connection, seq)
        content = connection.execute(select(self.adopted.c.content).where(self.adopted.c.seq == seq)).scalar()
        if _digest(content) != version:
            raise Forged
        return self._read(content)

    def adopt(self, record: Recording, paper: Paper, before: str | None, by: tuple[Actor, ...], say: Said) -> None:
        """Put it in force, in a transaction under way."""
        data: dict[str, JsonValue] = {"version": paper.version, "before": before, "by": [a.user_id for a in by]}
        entry = record.add(f"{self.kind}.adopted", {**data, **say})
        row = {"seq": entry.seq, "version": paper.version, "content": paper.content}
        record.connection.execute(insert(self.adopted), row)

    def hold_back(self, record: Recording, paper: Paper, before: str, lines: Sequence[str], say: Said) -> None:
        """Keep it as a draft over the one in force, unless it is kept already; in a transaction under way."""
        draft = draft_id(before, paper.version)
        if record.connection.execute(select(self.held.c.id).where(self.held.c.id == draft)).first():
            return
        versions = {"version": paper.version, "before": before}
        record.add(f"{self.kind}.held_back", {**versions, "draft": draft, "changes": list(lines), **say})
        record.connection.execute(insert(self.held), {"id": draft, **versions, "content": paper.content})

    def drafts(self, connection: Connection, before: str) -> list[str]:
        """The ids of what is held back over this one."""
        return list(connection.execute(select(self.held.c.id).where(self.held.c.before == before)).scalars())

    def draft(self, connection: Connection, found: str, before: str) -> Paper | None:
        """A draft over this one by its id; None where there is none, or its text is another one by now.

        Raises Foreign.
        """
        query = select(self.held.c.content).where(self.held.c.id == found, self.held.c.before == before)
        content = connection.execute(query).scalar()
        kept = content is not None and draft_id(before, _digest(content)) == found
        return self._read(content) if kept else None

    def _read(self, content: Any) -> Paper:
        try:
            return self.restored(content)
        except ValidationError:
            raise Foreign from None


Said = dict[str, JsonValue]
"""What else an entry says."""


def stood(connection: Connection, size: int) -> dict[str, JsonValue]:
    """What was in force when the log had this many entries, for a seal to say. Raises Forged."""
    found: dict[str, JsonValue] = {}
    for kind, table in _ADOPTED.items():
        seq = connection.execute(select(func.max(table.c.seq)).where(table.c.seq <= size)).scalar()
        found[kind] = None if seq is None else {"seq": seq, "version": _version(connection, kind, table, seq)}
    return found


def _version(connection: Connection, kind: Kind, table: Table, seq: int) -> str:
    """As the entry says it, or the seal's where that is archived. Raises Forged."""
    said = select(table.c.version, audit_events.c.body).where(table.c.seq == seq)
    version, body = connection.execute(said.outerjoin(audit_events, audit_events.c.seq == table.c.seq)).one()
    if body is None:
        _require_sealed(connection, kind, {"seq": seq, "version": version})
    else:
        entry = json.loads(body)
        if (entry["kind"], entry["data"].get("version")) != (f"{kind}.adopted", version):
            raise Forged
    return str(version)


def _require_sealed(connection: Connection, kind: Kind, row: dict[str, JsonValue]) -> None:
    """The newest seal says that this was in force; where an older release made it and says nothing, it is believed."""
    said = logbook.said_at_seal(connection)
    if said is None or ("in_force" in said and said["in_force"][kind] != row) or said["size"] < row["seq"]:
        raise Forged


_ADOPTED: dict[Kind, Table] = {"policy": policies, "catalog": catalogs}


def _digest(content: JsonValue) -> str:
    """As every paper has it of its content."""
    return canonical.digest(canonical.exact(content))


def draft_id(before: str, after: str) -> str:
    """Of both versions together, so that no file is held back twice."""
    return canonical.digest([before, after])[:12]
