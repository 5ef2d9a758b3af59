"""What the log was at one moment, signed, so that it can be kept where the log's writer cannot reach (L3).

The format is C2SP's (c2sp.org/tlog-checkpoint): origin, size and root hash, one a line, as a signed note.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from actions.errors import BadInput
from approvals.audit import note
from approvals.audit.note import NotSigned, VerifierKey
from approvals.audit.verification import Mark

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """The tree over the first `size` entries of the log that calls itself `origin`."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @property
    def mark(self) -> Mark:
        """What the log is held against."""
        return Mark(self.size, root=self.root)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """From a note's text; further lines are somebody's extensions and say nothing here. Raises BadInput."""
        lines = text.split("\n")
        try:
            origin, size, root = lines[:3]
            found = cls(origin, int(size), base64.b64decode(root, validate=True))
        except (ValueError, binascii.Error):
            raise BadInput("This note is no checkpoint of a log.") from None
        if not origin or not _SIZE.fullmatch(size) or len(found.root) != 32:
            raise BadInput("This note is no checkpoint of a log.")
        return found

    @classmethod
    def opened(cls, signed: str, keys: Iterable[VerifierKey]) -> Checkpoint:
        """From a note that one of these keys signed for the log of its own name.

        Raises NotSigned where that is not so, BadInput where it is no checkpoint.
        """
        text, key = note.opened(signed, keys)
        found = cls.parse(text)
        if found.origin != key.name:
            raise NotSigned(f"This is a checkpoint of {found.origin}, and the key is that of {key.name}.")
        return found


def notes(text: str) -> Iterator[str]:
    """The notes in a file to which they were added one after the other."""
    held: list[str] = []
    signed = False
    for line in text.splitlines():
        if signed and not line.startswith("— "):
            yield "\n".join([*held, ""])
            held, signed = [], False
        if line or held:
            held.append(line)
        signed = signed or line.startswith("— ")
    if held:
        yield "\n".join([*held, ""])


def marks(text: str) -> Iterator[tuple[Mark, str | None]]:
    """What a file of checkpoints says, each with its note, whose signature is still to be checked.

    The plain form `{"size": 12, "head": "…"}` of earlier versions has none. Raises BadInput.
    """
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
            mark = Mark(int(found["size"]), str(found["head"]))
        except (ValueError, KeyError, TypeError):
            raise BadInput("This is no checkpoint.") from None
        yield mark, None
        return
    for one in notes(text):
        yield Checkpoint.parse(note.taken_apart(one)[0]).mark, one
