"""An entry as a row of CSV (RFC 4180), safe to open in a spreadsheet.

A cell that a spreadsheet would take for a formula (OWASP, "CSV Injection": it begins with = + - @, a tab or a carriage
return) gets an apostrophe before it. What verifies is the export as JSON lines, not this.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

from approvals.audit.chain import Entry

_COLUMNS = ("seq", "at", "kind", "request", "team", "user", "verb", "service", "environment", "state", "data", "hash")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # also as full-width characters


def _row(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return out.getvalue().removesuffix("\r\n")


HEADER = _row(_COLUMNS)


def as_row(entry: Entry) -> str:
    """The entry's row, without the line's end."""
    fields = entry.fields
    data, actor = fields["data"], fields["actor"] or {}
    action = data.get("action") or (data.get("plan") or {}).get("action") or {}
    named = [str(action.get(name) or "") for name in ("verb", "service", "environment")]
    rest = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return _row(
        [
            str(entry.seq),
            fields["at"],
            fields["kind"],
            fields["request"] or "",
            actor.get("team", ""),
            actor.get("user", ""),
            *named,
            str(data.get("state") or ""),
            rest,
            entry.hash,
        ]
    )
