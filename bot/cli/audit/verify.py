"""twokey audit verify: is every entry as it was written?"""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actions.errors import BadInput
from bot.cli.audit import opened
from bot.cli.audit.opened import Archive, Json, Log, Store

if TYPE_CHECKING:
    from approvals.audit import Mark
    from approvals.audit.note import VerifierKey
    from approvals.ledger import Ledger

_SILENT = (
    " An older release of Twokey archived the first {} entries without saying which policy and catalogue were in force "
    "there, so the store is believed about that: run `twokey audit seal` anew, and the log says it."
)


def verify(
    export_file: Annotated[
        Path | None, typer.Argument(help="An export to check instead of the store; - is standard input.")
    ] = None,
    checkpoint_file: Annotated[
        Path | None,
        typer.Option("--checkpoint", help="One or more checkpoints that were kept elsewhere, one after the other."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="The verifier key (`twokey audit key`) that signed them; the store's own if not given."),
    ] = None,
    archive: Archive = None,
    as_json: Json = False,
) -> None:
    """Check that every entry is as it was written; exit 1 naming the first that is not.

    A log whose end was cut off, or that was written anew, only shows against a checkpoint that was kept elsewhere.
    """
    with nullcontext() if export_file else opened.store() as store:
        ledger = store.ledger if store else None
        log = opened.log_of_store(ledger, archive) if ledger else opened.log_of_file(export_file or Path("-"))
        keys = opened.keys_of(key, ledger, log)
        given, unchecked = _marks(checkpoint_file, keys, log) if checkpoint_file else ([], False)
        _require_reach(given, log)
        data, say = _found(store, log, given, archive is not None)
    if given:
        data |= {"signature": not unchecked, "key": None if unchecked else "given" if key else "of the log itself"}
        say += _trust(keys, unchecked, key)
    print(json.dumps(data) if as_json else say)
    if not data["ok"]:
        raise typer.Exit(1)


def _found(store: Store | None, log: Log, given: list[Mark], archived: bool) -> tuple[dict[str, object], str]:
    """What is to be said, as data and as a sentence."""
    from approvals import audit, inspection

    own = [_own(note) for note in store.ledger.logbook.notes()] if store else []
    found, misfiled = inspection.inspect(store.engine, [*own, *given]) if store else (None, None)
    if found is None or archived:
        found = audit.verify(log.entries(), [*own, *given], log.start)
    if isinstance(found, audit.Broken):
        data = {"ok": False, "seq": found.seq, "after": found.after, "why": found.why}
        return data, f"Entry {found.seq}: {found.why}."
    odd = _odd(store.ledger, log, misfiled) if store else None
    if odd:
        return {"ok": False, "seq": None, "why": odd}, f"The log is whole, but {odd}."
    size = max((mark.size for mark in given), default=0)
    against = f", and the first {size} as the checkpoint has them" if size else ""
    data = {"ok": True, "count": found.count, "head": found.head, "root": found.tree.root.hex()}
    entries = "1 entry" if found.count == 1 else f"{found.count} entries"
    say = f"{entries}, each as it was written{against}. Head {found.head}."
    if store:
        data["seal_is_silent"] = _is_silent(store.ledger)
        say += _SILENT.format(store.ledger.logbook.start().tree.size) if data["seal_is_silent"] else ""
    return data | {"archived": log.start.tree.size}, say


def _is_silent(ledger: Ledger) -> bool:
    from approvals.audit import seal

    return seal.is_silent(ledger.entries(), ledger.logbook.start())


def _marks(file: Path, keys: list[VerifierKey], log: Log) -> tuple[list[Mark], bool]:
    """What the checkpoints say, and whether there is a signature that nobody could check."""
    from approvals.audit import checkpoint
    from approvals.audit.note import NotSigned

    text = opened.text_of(file)
    try:
        found = list(checkpoint.marks(text))
    except BadInput:
        found = []
    if not found:
        raise BadInput(f"{file} is no checkpoint; `twokey audit checkpoint` prints one.")
    signed = [text for _, text in found if text is not None]
    try:
        for text in signed if keys else ():
            checkpoint.Checkpoint.opened(text, keys)
    except NotSigned as error:
        where = " A key may have been handed on in what is archived: name it with --archive."
        raise NotSigned(f"{error.say}{where if log.start.tree.size else ''}") from None
    return [mark for mark, _ in found], bool(signed and not keys)


def _trust(keys: list[VerifierKey], unchecked: bool, key: str | None) -> str:
    """What the signature is worth: a key that the store itself names is as good as the store."""
    if unchecked:
        return " The signature was not checked: name the key with --key."
    if key is not None or not keys:
        return ""
    names = ", ".join(str(one) for one in keys)
    return f" Signed by {names}, which the log itself names: pass --key to check against one that you keep."


def _own(text: str) -> Mark:
    """What a checkpoint in the store says. Whoever can change it there changes no other copy."""
    from approvals.audit import note
    from approvals.audit.checkpoint import Checkpoint

    return Checkpoint.parse(note.taken_apart(text)[0]).mark


def _require_reach(marks: list[Mark], log: Log) -> None:
    before = [mark.size for mark in marks if mark.size < log.start.tree.size]
    if before:
        raise BadInput(
            f"The checkpoint is over {before[0]} entries, and the first {log.start.tree.size} are archived: "
            "name the archive with --archive."
        )


def _odd(ledger: Ledger, log: Log, misfiled: int | None) -> str | None:
    """What else in the store contradicts the log (L5)."""
    from approvals.audit import seal

    if misfiled is not None:
        return f"the store files entry {misfiled} under another request than it names"
    return seal.contradiction(log.entries, log.start, *ledger.states_then())
