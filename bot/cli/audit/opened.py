"""What the commands work on: the store's log, an export, an archive, and the checkpoints to hold them against."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from shutil import copyfileobj
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Annotated

import typer

from actions.errors import BadInput

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from approvals.audit import Entry, Start
    from approvals.audit.checkpoint import Checkpoint
    from approvals.audit.note import VerifierKey
    from approvals.checkpoints import Checkpoints
    from approvals.keyring import Keyring
    from approvals.ledger import Ledger

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Archive = Annotated[
    Path | None, typer.Option("--archive", help="The folder that `twokey audit seal` wrote the log's beginning to.")
]


@dataclass(frozen=True)
class Log:
    """A log to be read, as often as is needed: after what it begins, and its entries."""

    start: Start
    entries: Callable[[], Iterator[Entry]]


@dataclass(frozen=True)
class Store:
    """The store of the settings, and what signs its checkpoints for the places that a command line can reach."""

    engine: Engine
    ledger: Ledger
    keys: Keyring
    checkpoints: Checkpoints


@contextmanager
def store() -> Iterator[Store]:
    """Open it for the time of a command. Raises ConfigError where there is none."""
    from actions.clock import SystemClock
    from approvals.checkpoints import Checkpoints, WitnessFile
    from approvals.ledger import Ledger
    from approvals.store import open_store
    from bot import settings

    found, clock = settings.load(), SystemClock()
    keys, places = settings.keyring(found), [WitnessFile(found.audit_witness)] if found.audit_witness else []
    engine = open_store(found.database_url, make=False)
    try:
        yield Store(engine, Ledger(engine, clock), keys, Checkpoints(engine, keys, clock, places))
    finally:
        engine.dispose()


def log_of_store(of: Ledger, archive: Path | None) -> Log:
    """The store's, with its archived beginning where that is at hand."""
    from approvals.sealing import files

    if archive is None:
        return Log(of.logbook.start(), of.entries)
    parts = [log_of_file(file) for file in files(archive)]
    if not parts:
        raise BadInput(f"There is no archive in {archive}.")

    def entries() -> Iterator[Entry]:
        for part in parts:
            yield from part.entries()
        yield from of.entries()

    return Log(parts[0].start, entries)


def log_of_file(file: Path) -> Log:
    """An export, which is read as it is walked; - is standard input. Raises BadInput naming the line that is none."""
    from approvals.audit import lines, verification

    name, kept = str(file), _kept() if str(file) == "-" else file

    def text() -> Iterator[str]:
        with _told(file), kept.open(encoding="utf-8", newline="\n") as found:
            yield from (line.removesuffix("\n") for line in found)

    def read(number: int, line: str) -> Entry:
        try:
            return lines.from_line(line)
        except BadInput as error:
            raise BadInput(f"{name}:{number}: {error.say}") from None

    start = next((lines.from_first_line(line) for line in islice(text(), 1)), None)
    skip = int(start is not None)

    def entries() -> Iterator[Entry]:
        return (read(number, line) for number, line in enumerate(islice(text(), skip, None), skip + 1))

    return Log(start or verification.BEGINNING, entries)


def _kept() -> Path:
    """Standard input as a file, since it is walked more often than once; gone when the process ends."""
    made = NamedTemporaryFile(prefix="twokey-", suffix=".jsonl")  # noqa: SIM115 - read until the process ends
    copyfileobj(sys.stdin.buffer, made)
    made.flush()
    atexit.register(made.close)
    return Path(made.name)


def checkpoint_in(file: Path) -> Checkpoint:
    """The one in a file. Raises BadInput."""
    from approvals.audit import note
    from approvals.audit.checkpoint import Checkpoint

    text = text_of(file)
    try:
        return Checkpoint.parse(note.taken_apart(text)[0])
    except BadInput:
        raise BadInput(f"{file} is no checkpoint; `twokey audit checkpoint` prints one.") from None


def text_of(file: Path) -> str:
    """What stands in a file; - is standard input. Raises BadInput where it cannot be read."""
    with _told(file):
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """Why a file cannot be read, for people."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise BadInput(f"{file} is not UTF-8 text.") from None


def keys_of(given: str | None, of: Ledger | None, log: Log) -> list[VerifierKey]:
    """Who may have signed: the given key, or else the store's own ones; and those that they handed on to."""
    from approvals.audit import lineage
    from approvals.audit.note import VerifierKey

    if given is not None:
        trusted = [VerifierKey.parse(given)]
    else:
        trusted = [VerifierKey.parse(one) for one in (of.logbook.keys() if of else ())]
    return lineage.followed(trusted, log.entries()) if trusted else []
