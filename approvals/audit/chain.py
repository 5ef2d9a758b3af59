"""One entry of the log, and the chain that binds it to the one before it.

An entry's body is the canonical JSON (actions.canonical) of its number, time, kind, request, actor and data. Its hash
is SHA-256(previous hash as 32 bytes, then the body), so that no entry can be changed, moved, added or left out without
every later hash changing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from pydantic import JsonValue

from actions import canonical
from approvals.actor import Actor

ALGORITHM = "sha256"
"""Of chain and tree. Exports, proofs and seals name it, so that another one can follow without being mistaken."""

GENESIS = "0" * 64
"""What the first entry names as the one before it."""


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


def entry(
    after: tuple[int, str], at: str, kind: str, request: str | None, actor: Actor | None, data: Mapping[str, JsonValue]
) -> Entry:
    """The entry that follows `after` (number and hash of the last one; 0 and GENESIS where there is none)."""
    seq, prev = after[0] + 1, after[1]
    who: dict[str, JsonValue] | None = {"team": actor.team_id, "user": actor.user_id} if actor else None
    body = canonical.canonical(
        {"seq": seq, "at": at, "kind": kind, "request": request, "actor": who, "data": dict(data)}
    )
    return Entry(seq, body, prev, link(prev, body))


def link(prev: str, body: bytes) -> str:
    """The hash of an entry."""
    return sha256(bytes.fromhex(prev) + body).hexdigest()
