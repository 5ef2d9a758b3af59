"""What a seal says of the part of the log that was archived, so that what is left can be held against it (L5).

It is an entry of the log, `log.sealed`: chain and checkpoints cover it as they cover every other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from pydantic import JsonValue

from actions import canonical
from actions.errors import BadInput
from approvals.audit.chain import ALGORITHM, Entry
from approvals.audit.replay import disagreement, replay
from approvals.audit.verification import Start
from approvals.request import State

KIND = "log.sealed"
_MARK = b'"kind":"log.sealed"'
_STATE = b'"state":'  # in the canonical body of every entry that says one; the others need not be read


def sealed(
    start: Start, going_on: Mapping[str, State], closed: Mapping[str, State], in_force: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """What the entry says: where the archive ends, how the requests stood that go on after it, and how many ended.

    `in_force` is what everything was judged by there, of each kind its number and version.
    """
    return {
        "size": start.tree.size,
        "head": start.head,
        "root": start.tree.root.hex(),
        "algorithm": ALGORITHM,
        "open": {request: state.value for request, state in sorted(going_on.items())},
        "closed": {"count": len(closed), "digest": _digest(closed)},
        "in_force": dict(in_force),
    }


def states_after(entries: Callable[[], Iterable[Entry]], start: Start) -> dict[str, State]:
    """Every request's state after these entries, which begin after `start` and are walked twice. Raises BadInput."""
    return replay((entry.fields for entry in entries() if _STATE in entry.body), _open(said(entries(), start)))


def contradiction(
    entries: Callable[[], Iterable[Entry]], start: Start, table: Mapping[str, State], size: int | None = None
) -> str | None:
    """Where the requests' table says something else than the log after `start`; None if nowhere (L5).

    `entries` are walked as they are read, since a log may be longer than any memory; twice where some were archived.
    Of a log in use the table is that of one moment: `size` is how many entries there were then.
    """
    seal = said(entries(), start) if start.tree.size else None
    if start.tree.size and seal is None:
        return f"no entry says that the first {start.tree.size} entries were archived"
    try:
        then = (entry for entry in entries() if size is None or entry.seq <= size)
        states = replay((entry.fields for entry in then if _STATE in entry.body), _open(seal))
    except BadInput as error:
        return error.say.rstrip(".")
    rest = _without(table, states)
    if seal is not None and (len(rest), _digest(rest)) != (seal["closed"]["count"], seal["closed"]["digest"]):
        return "the requests that ended before the log was sealed are not in the table as they were"
    return disagreement(states, table if seal is None else _without(table, rest))


def said(entries: Iterable[Entry], start: Start) -> dict[str, Any] | None:
    """What the entry says of the seal after which these entries begin; None where none of them does."""
    for entry in entries:
        if _MARK in entry.body:
            kind, data = entry.fields["kind"], entry.fields["data"]
            end = isinstance(data, dict) and (data.get("size"), data.get("head"))
            if kind == KIND and end == (start.tree.size, start.head):
                return dict(data)
    return None


def is_silent(entries: Iterable[Entry], start: Start) -> bool:
    """Whether an older release sealed what lies before these entries: its seal says nothing of what was in force."""
    found = said(entries, start) if start.tree.size else None
    return found is not None and "in_force" not in found


def _open(seal: Mapping[str, Any] | None) -> dict[str, State]:
    return {request: State(state) for request, state in seal["open"].items()} if seal else {}


def _without(states: Mapping[str, State], names: Collection[str]) -> dict[str, State]:
    return {request: state for request, state in states.items() if request not in names}


def _digest(states: Mapping[str, State]) -> str:
    return canonical.digest({request: state.value for request, state in states.items()})
