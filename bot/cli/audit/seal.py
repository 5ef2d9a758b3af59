"""twokey audit seal: move the old part of the log into an archive."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.audit import opened
from bot.cli.audit.opened import Json


def seal(
    before: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Archive what is older than this day (UTC).")],
    to: Annotated[Path, typer.Option(help="The folder to write the archive to.")],
    as_json: Json = False,
) -> None:
    """Archive old entries, and remove them from the store once the archive was read back and verified.

    The archive verifies alone, and together with what is left: `twokey audit verify --archive FOLDER`.
    """
    from approvals.sealing import STAYING, seal_before

    with opened.store() as store:
        store.checkpoints.make()  # which covers what is sealed, and finishes a rotation that broke off
        made = seal_before(store.engine, store.ledger, store.keys.key(), before.replace(tzinfo=UTC), to)
    if as_json:
        print(json.dumps({"first": made.first, "last": made.size, "file": str(made.file), "held_up": made.held_up}))
        return
    print(f"Entries {made.first} to {made.size} are in {made.file}, with their checkpoint in {made.checkpoint}.")
    print("The log says so, and goes on after them. Keep both files.")
    if made.held_up:
        print(f"Entry {made.size + 1} belongs to {STAYING}: it and all after it stay for now.")
