"""twokey audit key, twokey audit rotate: who signs checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.audit import opened
from bot.cli.audit.opened import Json


def key(
    new: Annotated[Path | None, typer.Option("--new", help="Write a fresh signing key to this file instead.")] = None,
    as_json: Json = False,
) -> None:
    """Print the verifier key: what an auditor needs to check a checkpoint's signature."""
    from approvals import keyring
    from bot import settings

    if new is not None:
        made = keyring.fresh()
        keyring.write(new, made)
    else:
        made = settings.keyring(settings.load()).key()
    print(json.dumps({"key": str(made.verifier)}) if as_json else str(made.verifier))


def rotate(
    to: Annotated[
        Path | None,
        typer.Option(help="Write the new key to this file, for TWOKEY_AUDIT_KEY_FILE; else to where the old one is."),
    ] = None,
    old_key_is_lost: Annotated[
        bool, typer.Option("--old-key-is-lost", help="Nobody can sign the change: auditors have to be told.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Sign checkpoints with a new key from now on. The change is an entry of the log, signed with the old key."""
    with opened.store() as store:
        made = store.checkpoints.rotate(to, old_key_is_lost)
    if as_json:
        print(json.dumps({"key": str(made)}))
        return
    print(f"From now on this key signs: {made}")
    if to is not None:
        print(f"Set TWOKEY_AUDIT_KEY_FILE={to} and restart; until then no checkpoint is signed.")
