"""twokey audit: prove from the log what happened."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from approvals.audit import Checkpoint, Entry
    from approvals.ledger import Ledger

app = typer.Typer(help="The append-only log of who asked, who agreed and what happened.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def verify(
    export_file: Annotated[
        Path | None, typer.Argument(help="An export to check instead of the store; - is standard input.")
    ] = None,
    checkpoint_file: Annotated[
        Path | None,
        typer.Option("--checkpoint", help="What `twokey audit checkpoint` printed earlier, kept elsewhere."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that every entry is as it was written; exit 1 naming the first that is not.

    A log whose end was cut off, or that was written anew, only shows against a checkpoint that was kept elsewhere.
    """
    from approvals import audit
    from approvals.audit import Broken

    checkpoint = _checkpoint(checkpoint_file) if checkpoint_file else None
    with _ledger() if export_file is None else nullcontext() as ledger:
        found = audit.verify(ledger.entries() if ledger else _lines(export_file), checkpoint)
        odd = _replayed(ledger) if ledger and not isinstance(found, Broken) else None
    if isinstance(found, Broken):
        _report(as_json, {"ok": False, "seq": found.seq, "why": found.why}, f"Entry {found.seq}: {found.why}.")
        raise typer.Exit(1)
    if odd:
        _report(as_json, {"ok": False, "seq": None, "why": odd}, f"The log is whole, but {odd}.")
        raise typer.Exit(1)
    against = f", and {checkpoint.size} of them as the checkpoint has them" if checkpoint else ""
    say = f"{found.count} entries, each as it was written{against}. Head {found.head}."
    _report(as_json, {"ok": True, "count": found.count, "head": found.head}, say)


@app.command()
def export() -> None:
    """Write the whole log to standard output, one JSON object a line."""
    from approvals import audit

    with _ledger() as ledger:
        for entry in ledger.entries():
            print(audit.as_line(entry))


@app.command()
def checkpoint() -> None:
    """Print how long the log is and its last hash as JSON. Keep it where nobody who runs Twokey can change it."""
    with _ledger() as ledger:
        head = ledger.head()
    print(json.dumps({"size": head.size, "head": head.head}))


@contextmanager
def _ledger() -> Iterator[Ledger]:
    from actions.clock import SystemClock
    from approvals.ledger import Ledger
    from approvals.store import open_store
    from bot import settings

    engine = open_store(settings.load().database_url, make=False)
    try:
        yield Ledger(engine, SystemClock())
    finally:
        engine.dispose()


def _replayed(ledger: Ledger) -> str | None:
    from actions.errors import BadInput
    from approvals import audit

    try:
        log = audit.replay(entry.fields for entry in ledger.entries())
    except BadInput as error:
        return error.say.rstrip(".")
    return audit.disagreement(log, ledger.states())


def _lines(file: Path | None) -> Iterator[Entry]:
    from actions.errors import BadInput
    from approvals import audit

    name = str(file)
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{name} cannot be read: {error}.") from None
    for number, line in enumerate(text.splitlines(), 1):
        try:
            yield audit.from_line(line)
        except BadInput as error:
            raise BadInput(f"{name}:{number}: {error.say}") from None


def _checkpoint(file: Path) -> Checkpoint:
    from actions.errors import BadInput
    from approvals.audit import Checkpoint

    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return Checkpoint(int(found["size"]), str(found["head"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise BadInput(f'{file} is no checkpoint; it should read {{"size": 12, "head": "…"}}.') from None


def _report(as_json: bool, data: dict[str, object], say: str) -> None:
    print(json.dumps(data) if as_json else say)
