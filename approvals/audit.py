"""The audit log as values: entries in a hash chain, and their verification. Pure; the ledger writes them.

An entry's body is the canonical JSON of its number, time, kind, request, actor and data. Its hash is
SHA-256(previous hash as 32 bytes, then the body), so that no entry can be changed, moved, added or left out without
every later hash changing. Cutting off the end shows against a checkpoint that is kept elsewhere (L2).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from pydantic import JsonValue

from actions import canonical
from actions.errors import BadInput
from approvals.actor import Actor
from approvals.request import TRANSITIONS, State

GENESIS = "0" * 64
"""What the first entry names as the one before it."""

_FIELDS = ("seq", "at", "kind", "request", "actor", "data")
_LEGAL = {(source, target) for (source, _), target in TRANSITIONS.items()} | {(state, state) for state in State}


class Entry(NamedTuple):
    """One entry as it is stored."""

    seq: int
    body: bytes
    prev: str
    hash: str

    @property
    def fields(self) -> dict[str, Any]:
        """What the body says: seq, at, kind, request, actor, data."""
        return dict(json.loads(self.body))


@dataclass(frozen=True)
class Checkpoint:
    """How long the log was and its last hash, to be kept where the log's writer cannot reach."""

    size: int
    head: str


@dataclass(frozen=True)
class Verified:
    """Every entry is as it was written."""

    count: int
    head: str


@dataclass(frozen=True)
class Broken:
    """The first entry that is not as it was written, and what is wrong with it."""

    seq: int
    why: str


def entry(
    after: tuple[int, str], at: str, kind: str, request: str | None, actor: Actor | None, data: Mapping[str, JsonValue]
) -> Entry:
    """The entry that follows `after` (number and hash of the last one; 0 and GENESIS where there is none)."""
    seq, prev = after[0] + 1, after[1]
    who: dict[str, JsonValue] | None = {"team": actor.team_id, "user": actor.user_id} if actor else None
    body = canonical.canonical(
        {"seq": seq, "at": at, "kind": kind, "request": request, "actor": who, "data": dict(data)}
    )
    return Entry(seq, body, prev, chain(prev, body))


def chain(prev: str, body: bytes) -> str:
    """The hash of an entry."""
    return sha256(bytes.fromhex(prev) + body).hexdigest()


def verify(rows: Iterable[tuple[int, bytes, str, str]], checkpoint: Checkpoint | None = None) -> Verified | Broken:
    """Walk the whole log. With a checkpoint a log that was cut off or written anew is found out as well."""
    count, head = 0, GENESIS
    for seq, body, prev, written in rows:
        count += 1
        if seq != count:
            return Broken(count, f"entry {count} is missing: the next one is numbered {seq}")
        if prev != head:
            return Broken(count, "it does not follow the entry before it")
        head = sha256(bytes.fromhex(prev) + body).hexdigest()
        if head != written:
            return Broken(count, "its content does not fit its hash")
        if checkpoint and count == checkpoint.size and head != checkpoint.head:
            return Broken(count, "it is not the entry that the checkpoint names: the log was written anew")
    if checkpoint and count < checkpoint.size:
        return Broken(count + 1, f"the log ends here, and the checkpoint names {checkpoint.size} entries")
    return Verified(count, head)


def as_line(row: Entry) -> str:
    """One line of an export: the body's fields with prev and hash as JSON in ASCII, keys sorted. Always the same."""
    return json.dumps({**row.fields, "prev": row.prev, "hash": row.hash}, sort_keys=True, separators=(",", ":"))


def from_line(line: str) -> Entry:
    """And back. Raises BadInput where the line is no entry."""
    try:
        found = json.loads(line)
        body = canonical.canonical({name: found[name] for name in _FIELDS})
        unknown = set(found) - {*_FIELDS, "prev", "hash"}
        bytes.fromhex(found["prev"])
    except (ValueError, KeyError, TypeError):
        raise BadInput("This line is no entry of an audit log.") from None
    if unknown:
        raise BadInput(f"This entry has a field that no entry has: {', '.join(sorted(unknown))}.")
    return Entry(found["seq"], body, found["prev"], found["hash"])


def replay(events: Iterable[Mapping[str, Any]]) -> dict[str, State]:
    """Every request's state, from the log alone (L5). Raises BadInput at a step that no request can take."""
    states: dict[str, State] = {}
    for event in events:
        request = event["request"]
        if request is None or "state" not in event["data"]:
            continue
        before, after = states.get(request, State.PROPOSED), State(event["data"]["state"])
        if (before, after) not in _LEGAL:
            raise BadInput(f"Entry {event['seq']}: request {request} cannot go from {before} to {after}.")
        states[request] = after
    return states


def disagreement(log: Mapping[str, State], table: Mapping[str, State]) -> str | None:
    """Where the requests' table says something else than the log; None if nowhere (L5)."""
    for request in sorted({*log, *table}):
        if log.get(request) != table.get(request):
            there, here = log.get(request, "not there"), table.get(request, "not there")
            return f"request {request} is {here} in the table and {there} in the log"
    return None
