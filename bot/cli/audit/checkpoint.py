"""twokey audit checkpoint: sign what the log is now."""

from __future__ import annotations

import json

from bot.cli.audit import opened
from bot.cli.audit.opened import Json


def checkpoint(as_json: Json = False) -> None:
    """Sign how long the log is and its tree's root. Keep it where nobody who runs Twokey can change it.

    It is a signed note as C2SP has it (tlog-checkpoint); `twokey audit verify --checkpoint` holds the log against it.
    """
    with opened.store() as store:
        made = store.checkpoints.make()
        head = store.ledger.logbook.hash_at(made.size)
    found = {"size": made.size, "head": head, "root": made.tree.root.hex(), "key": made.key, "note": made.note}
    print(json.dumps(found) if as_json else made.note, end="\n" if as_json else "")
