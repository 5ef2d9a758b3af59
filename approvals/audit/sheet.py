"""An entry as a row of CSV (RFC 4180), safe to open in a spreadsheet.

A cell that a spreadsheet would take for a formula (OWASP, "CSV Injection": it begins with = + - @, a tab or a carriage
return) gets an apostrophe before it. What verifies is the export as JSON lines, not this.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence

from approvals.audit.chain import Entry

_About = tuple[str, str, str]  # verb, service and environment; empty where there is none

_COLUMNS = ("seq", "at", "kind", "request", "team", "user", "verb", "service", "environment", "state", "data", "hash")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # also as full-width characters


def _row(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return out.getvalue().removesuffix("\r\n")


HEADER = _row(_COLUMNS)


def rows(entries: Iterable[Entry]) -> Iterator[str]:
    """The header and a row an entry; what a request is about stands in all of its rows, so that a filter keeps them."""
    yield HEADER
    about: dict[str, _About] = {}
    for entry in entries:
        request = entry.fields["request"] or ""
        found = _about(entry)
        if any(found):
            about.setdefault(request, found)
        yield as_row(entry, found if any(found) else about.get(request, found))


def as_row(entry: Entry, about: _About | None = None) -> str:
    """The entry's row, without the line's end; `about` is what its request is about, if not what it says itself."""
    fields = entry.fields
    data, actor = fields["data"], fields["actor"] or {}
    rest = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return _row(
        [
            str(entry.seq),
            fields["at"],
            fields["kind"],
            fields["request"] or "",
            actor.get("team", ""),
            actor.get("user", ""),
            *(about or _about(entry)),
            str(data.get("state") or ""),
            rest,
            entry.hash,
        ]
    )


def _about(entry: Entry) -> _About:
    data = entry.fields["data"]
    action = data.get("action") or (data.get("plan") or {}).get("action") or {}
    verb, service, environment = (str(action.get(name) or "") for name in ("verb", "service", "environment"))
    return verb, service, environment
