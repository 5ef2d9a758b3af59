"""Retention: the old part of the log goes into an archive that proves itself, and only then leaves the store.

The store keeps the archive's last hash and its tree's frontier, so the log goes on as one: proofs that were given stay
valid, and new ones can be made. What is still under way, or still to be reviewed, is never archived.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, func, insert, select

from actions.errors import ConfigError, TwokeyError
from approvals import logbook, proof, shelf, warrant
from approvals.audit import Entry, lines, note, seal
from approvals.audit.checkpoint import Checkpoint
from approvals.audit.note import SignerKey
from approvals.audit.proof import Nodes
from approvals.audit.verification import Start, Verified, verify
from approvals.breakglass import USED
from approvals.ledger import Ledger
from approvals.request import State
from approvals.store import reading, writing
from approvals.tables import as_text, audit_events, audit_seals, requests

STAYING = "a request that is still under way, or to an emergency that nobody reviewed"


class NotSealed(TwokeyError):
    """Nothing was archived, and nothing removed."""


@dataclass(frozen=True)
class Sealed:
    """What was archived: entries `first` to `size`, in `file`, with a signed checkpoint beside it.

    `held_up` where the entry after them is old enough, and belongs to what stays (STAYING).
    """

    first: int
    size: int
    file: Path
    checkpoint: Path
    held_up: bool


def files(folder: Path) -> list[Path]:
    """The archived parts of a log, in their order."""
    return sorted(folder.glob("audit-*-*.jsonl"))


def seal_before(engine: Engine, ledger: Ledger, key: SignerKey, before: datetime, folder: Path) -> Sealed:
    """Archive the entries that are older than `before`. A checkpoint has to cover them already.

    Raises NotSealed where there is nothing to archive or the log is not whole; Altered; Forged; ConfigError where
    `folder` cannot be written; StoreDown.
    """
    with reading(engine) as connection:
        warrant.require_emergencies(connection)
        start, size = logbook.sealed(connection), _end(connection, before)
        if size <= start.tree.size:
            raise NotSealed(f"No entry is that old, or the oldest belong to {STAYING}.")
        held_up = size < logbook.last(connection)[0] and logbook.time_of(connection, size + 1) < before

    def kept() -> Iterator[Entry]:
        """All that will be removed, read as it is walked: a log may be longer than any memory."""
        with reading(engine) as connection:
            yield from logbook.rows(connection, None, size)

    found = verify(kept(), start=start)
    odd = seal.contradiction(ledger.entries, start, *ledger.states_then())
    if not isinstance(found, Verified) or odd:
        raise NotSealed(f"The log is not whole, so nothing is removed: {odd or 'see `twokey audit verify`'}.")
    made = Sealed(start.tree.size + 1, size, *_names(folder, start.tree.size + 1, size), held_up)
    first = [lines.as_first_line(start)] if start.tree.size else []
    _write(made.file, chain(first, map(lines.as_line, kept())))
    _write(made.checkpoint, note.signed(Checkpoint(key.name, size, found.tree.root).text, key).splitlines())
    _require_same(made.file, start, found)
    states, nodes = seal.states_after(kept, start), Nodes(start.tree, (entry.body for entry in kept()))
    with writing(engine) as connection:
        if logbook.sealed(connection) != start or _end(connection, before) < size:
            raise NotSealed("Somebody else archived some of it meanwhile, or works on it now. Nothing is removed.")
        proof.archive(connection, nodes, size)
        _remove(connection, ledger.time(connection), Start(found.head, found.tree), states)
    return made


def _remove(connection: Connection, now: datetime, end: Start, states: Mapping[str, State]) -> None:
    """The seal, its entry and the removal are one transaction."""
    size = end.tree.size
    named = select(audit_events.c.request_id).where(audit_events.c.seq > size).distinct()
    later = set(connection.execute(named).scalars())
    table = connection.execute(select(requests.c.id, requests.c.state)).all()
    going_on = {request: state for request, state in states.items() if request in later}
    closed = {request: State(state) for request, state in table if request not in later}
    row = {"size": size, "at": as_text(now), "head": end.head, "peaks": logbook.packed(end.tree)}
    in_force = shelf.stood(connection, size)
    connection.execute(insert(audit_seals), row)
    logbook.append(connection, now, seal.KIND, None, None, seal.sealed(end, going_on, closed, in_force))
    connection.execute(delete(audit_events).where(audit_events.c.seq <= size))


def _end(connection: Connection, before: datetime) -> int:
    """The last entry that is older and belongs to nothing that is under way or to be reviewed (A10).

    Times never run backwards in the log.
    """
    under_way = requests.c.state.in_([state for state in State if not state.final])
    unreviewed = requests.c.emergency.is_not(None) & requests.c.review.is_(None) & requests.c.state.in_(USED)
    live = select(requests.c.id).where(under_way | unreviewed)
    oldest = select(func.min(audit_events.c.seq)).where(audit_events.c.request_id.in_(live))
    low, high = logbook.sealed(connection).tree.size, logbook.last(connection)[0]
    high = min(high, (connection.execute(oldest).scalar() or high + 1) - 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if logbook.time_of(connection, middle) < before else (low, middle - 1)
    return low


def _names(folder: Path, first: int, size: int) -> tuple[Path, Path]:
    stem = f"audit-{first:012}-{size:012}"
    return folder / f"{stem}.jsonl", folder / f"{stem}.checkpoint"


def _write(file: Path, text: Iterable[str]) -> None:
    """Wholly there and on the disk, or not at all."""
    part = file.with_name(f"{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8") as out:
            out.writelines(f"{line}\n" for line in text)
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    except OSError as error:
        raise ConfigError(f"The archive cannot be written: {error}.") from None


def _require_same(file: Path, start: Start, found: Verified) -> None:
    """What stands on the disk now is the whole of it."""
    with file.open(encoding="utf-8", newline="\n") as text:
        entries = (lines.from_line(line.removesuffix("\n")) for line in islice(text, int(start.tree.size > 0), None))
        same = verify(entries, start=start) == found
    if not same:
        raise NotSealed(f"{file} does not hold what was written to it, so nothing is removed.")
