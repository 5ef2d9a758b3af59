"""An entry as a line of an export: JSON in ASCII, the same bytes whoever writes it."""

from __future__ import annotations

import json
from typing import Any

from actions import canonical
from actions.errors import BadInput
from approvals.audit.chain import ALGORITHM, Entry
from approvals.audit.tree import Frontier
from approvals.audit.verification import Start

_FIELDS = ("seq", "at", "kind", "request", "actor", "data")


def as_line(row: Entry) -> str:
    """The body's fields with prev and hash, keys sorted."""
    return _dumped({**row.fields, "prev": row.prev, "hash": row.hash})


def from_line(line: str) -> Entry:
    """And back. Raises BadInput where the line is no entry, or is one that somebody wrote in another way."""
    try:
        found = json.loads(line)
        body = canonical.canonical({name: found[name] for name in _FIELDS})
        unknown = set(found) - {*_FIELDS, "prev", "hash"}
        bytes.fromhex(found["prev"])
        entry = Entry(int(found["seq"]), body, str(found["prev"]), str(found["hash"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadInput("This line is no entry of an audit log.") from None
    if unknown:
        raise BadInput(f"This entry has a field that no entry has: {', '.join(sorted(unknown))}.")
    if as_line(entry) != line:
        raise BadInput("This line is no entry as Twokey writes one: a byte of it was changed.")
    return entry


def as_first_line(start: Start) -> str:
    """What stands above the entries of a log whose beginning was archived: how long that was, and its frontier."""
    peaks = [peak.hex() for peak in start.tree.peaks]
    return _dumped({"after": {"size": start.tree.size, "head": start.head, "peaks": peaks, "algorithm": ALGORITHM}})


def from_first_line(line: str) -> Start | None:
    """And back; None where the line is something else. Raises BadInput where it is a broken one."""
    if not line.startswith('{"after":'):
        return None
    try:
        after = json.loads(line)["after"]
        start = Start(after["head"], Frontier(after["size"], tuple(bytes.fromhex(peak) for peak in after["peaks"])))
        bytes.fromhex(start.head)
    except (ValueError, KeyError, TypeError):
        raise BadInput("This line does not say after which entries the log begins.") from None
    if as_first_line(start) != line:
        raise BadInput("This line is not as Twokey writes one: a byte of it was changed.")
    return start


def _dumped(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
