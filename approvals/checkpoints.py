"""Signs what the log is from time to time, and puts that where the log's writer cannot reach (L3).

An entry costs nothing here when it is added: what came since the last checkpoint is walked when the next one is due.
The frontier from which the walk goes on is held against the last signed root first, so that what is signed always
continues what was signed before.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue
from sqlalchemy import Connection, Engine

from actions.clock import Clock
from actions.errors import TwokeyError
from approvals import audit, keyring, logbook
from approvals.audit import lineage, note
from approvals.audit.checkpoint import Checkpoint
from approvals.audit.note import SignerKey, VerifierKey
from approvals.audit.verification import BEGINNING, Start
from approvals.keyring import Keyring
from approvals.logbook import Kept, Mangled
from approvals.store import AnswerLost, reading, writing
from approvals.watermark import Watermark

AGAIN = timedelta(minutes=1)
"""After so long a place that could not be reached is tried again."""

_log = logging.getLogger(__name__)


class NotContinued(TwokeyError):
    """The log is not the one that was signed before, so no checkpoint is signed. Run `twokey audit verify`."""


class OtherKey(TwokeyError):
    """The last checkpoint was signed with another key. Restart with that one, or see `twokey audit rotate`."""


class Place(Protocol):
    """Somewhere else."""

    def keep(self, text: str, size: int) -> None:
        """Put a signed checkpoint there. Raises TwokeyError where it cannot be."""
        ...


class WitnessFile:
    """A file to which every checkpoint is added, best on another machine's disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, text: str, size: int) -> None:
        """See Place."""
        try:
            with self._path.open("a", encoding="utf-8") as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            raise TwokeyError(f"The checkpoint over {size} entries cannot be kept: {error}.") from None


class Checkpoints:
    """Safe between threads and processes: of two that sign at once, one is kept and posted."""

    def __init__(
        self,
        engine: Engine,
        keys: Keyring,
        clock: Clock,
        places: Sequence[Place] = (),
        every: int = 1000,
        at_least: timedelta = timedelta(hours=1),
    ) -> None:
        self.engine, self._keyring, self._clock, self._places = engine, keys, clock, places
        self._every, self._at_least = every, at_least
        self._owed: list[Place] = []  # where the last one is not yet
        self._starting = True  # nobody knows where the last one of another process came to
        self._again = clock.now()
        self.trouble: str | None = None  # why the last one is not signed or not kept elsewhere; None: all is well

    def tick(self) -> None:
        """Sign and post one if it is due: after a start, after so many entries, or after so long if there is any.

        Never raises for what somebody has to mend: `trouble` says it.
        """
        try:
            if self._due():
                self.make()
            elif self._owed and self._clock.now() >= self._again:
                self._post_again()
        except TwokeyError as error:
            self._troubled(error)
        except Exception:  # somebody wrote what is none into the store: silence would say that all is well
            if self.trouble != Mangled().say:
                _log.exception("checkpoint")
            self._troubled(Mangled())

    def make(self) -> Kept:
        """Sign what the log is now, keep it and post it; the last one again where nothing came since.

        Raises NoKey, ConfigError, OtherKey or NotContinued where nothing is signed, StoreDown.
        """
        with reading(self.engine) as connection:
            before = logbook.latest(connection)
            made = _signed(connection, before, self._clock.now(), self._key(before))
        with writing(self.engine) as connection:
            fresh = logbook.keep(connection, made)
        self._starting = False
        if fresh:
            self.post(made)
        elif not self._owed:
            self.trouble = None
        return made

    def rotate(self, to: Path | None = None, lost: bool = False) -> VerifierKey:
        """Let a new key sign from now on, kept in the file `to` or else in the place of the old one.

        The change is an entry signed with the old key, unless that is `lost`, and a checkpoint that both sign.
        Raises as `make` does, and ConfigError where the new key cannot be written. Where it raises, the file `to` is
        left behind only if the change may be in the log.
        """
        before = self.latest() if lost else self.make()
        old = None if lost else self._key(before)
        new = keyring.fresh(Checkpoint.parse(note.taken_apart(before.note)[0]).origin if before else None)
        if to is None:
            self._keyring.prepare(new)
        else:
            keyring.write(to, new)
        gone = before.key if before else ""
        said = lineage.handed_on(old, new.verifier) if old else lineage.lost(gone, new.verifier)
        try:
            made = self._handed_on(said, new, *([old] if old else []))
        except AnswerLost:
            raise  # the new key may be the one that signs from now on
        except TwokeyError:
            if to is not None:
                to.unlink(missing_ok=True)
            raise
        if to is None:
            self._keyring.adopt()
        self.post(made)
        return new.verifier

    def _handed_on(self, said: dict[str, JsonValue], new: SignerKey, *old: SignerKey) -> Kept:
        """The entry of a rotation and the checkpoint over it, or neither."""
        with writing(self.engine) as connection:
            now = Watermark(self._clock).read(connection)
            before = logbook.latest(connection)
            logbook.append(connection, now, lineage.KIND, None, None, said)
            made = _signed(connection, before, now, new, *old)
            logbook.keep(connection, made)
        return made

    def latest(self) -> Kept | None:
        """The last one that was signed."""
        with reading(self.engine) as connection:
            return logbook.latest(connection)

    def _key(self, before: Kept | None) -> SignerKey:
        """The key that signed the last one; another one only where that one handed on to it."""
        key = self._keyring.key()
        if before is None or before.key == str(key.verifier):
            return key
        if self._keyring.finish(before.key):
            return self._keyring.key()
        raise OtherKey

    def post(self, kept: Kept) -> None:
        """Put it into every place; one that cannot be reached holds up no other, and is tried again by `tick`."""
        self._post(kept, self._places)

    def _post_again(self) -> None:
        newest = self.latest()
        if newest is not None:
            self._post(newest, self._owed)

    def _post(self, kept: Kept, places: Sequence[Place]) -> None:
        owed: list[Place] = []
        for place in places:
            try:
                place.keep(kept.note, kept.size)
            except TwokeyError as error:
                owed.append(place)
                self._troubled(error)
        self._owed, self._again = owed, self._clock.now() + AGAIN
        if not owed:
            self.trouble = None

    def _due(self) -> bool:
        """Raises as `make` where the last one is none, or its log was cut off: a forged one must put off no other."""
        with reading(self.engine) as connection:
            size, newest = logbook.last(connection)[0], logbook.latest(connection)
            if newest is not None:
                self._key(newest)
                _start(connection, newest)
        if newest is None or size == newest.size:
            return newest is None and size > 0
        old = abs(self._clock.now() - newest.at) >= self._at_least  # or by a clock that was set back since
        return self._starting or size - newest.size >= self._every or old

    def _troubled(self, error: TwokeyError) -> None:
        if self.trouble != error.say:
            _log.warning("checkpoint: %s", error.say)
        self.trouble = error.say


def _signed(connection: Connection, before: Kept | None, now: datetime, key: SignerKey, *also: SignerKey) -> Kept:
    """A checkpoint over everything there is, which continues the last one; that one itself where nothing came since."""
    start = _start(connection, before)
    found = audit.verify(logbook.bare(connection, start.tree.size + 1), start=start)
    if isinstance(found, audit.Broken):
        raise NotContinued(f"Entry {found.seq}: {found.why}. No checkpoint is signed; run `twokey audit verify`.")
    if before is not None and before.size == found.count:
        return before
    text = Checkpoint(key.name, found.count, found.tree.root).text
    return Kept(found.count, now, note.signed(text, key, *also), str(key.verifier), found.tree)


def _start(connection: Connection, before: Kept | None) -> Start:
    """Where the last checkpoint left off, held against its signature."""
    if before is None:
        return BEGINNING
    named = Checkpoint.opened(before.note, [VerifierKey.parse(before.key)])
    if (named.size, named.root) != (before.size, before.tree.root):
        raise NotContinued
    size = logbook.last(connection)[0]
    if size < before.size:
        say = f"The log ends with entry {size}, and a checkpoint was signed over {before.size}"
        raise NotContinued(f"{say}. No checkpoint is signed; run `twokey audit verify`.")
    return Start(logbook.hash_at(connection, before.size), before.tree)
