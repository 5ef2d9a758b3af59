"""Whether every entry is as it was written, and which is the first that is not (L2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from approvals.audit.chain import GENESIS
from approvals.audit.tree import EMPTY, Frontier

Row = tuple[int, bytes, str, str, *tuple[str | None, ...]]
"""Number, body, hash of the one before, own hash: an Entry, or what a store holds in its place, with whatever more."""

_CHUNK = 2048  # entries between two steps of the tree


@dataclass(frozen=True)
class Mark:
    """What a checkpoint says of the first `size` entries: the last one's hash, the tree's root, or both."""

    size: int
    head: str | None = None
    root: bytes | None = None

    def agrees(self, head: str, tree: Frontier) -> bool:
        """Whether a log of that size with this last hash and tree is the one it was made of."""
        return (self.head or head) == head and (self.root is None or self.root == tree.root)


@dataclass(frozen=True)
class Start:
    """What comes before the first entry that is looked at: nothing, or a part that was sealed and archived."""

    head: str
    tree: Frontier


@dataclass(frozen=True)
class Verified:
    """Every entry is as it was written."""

    count: int  # of the whole log, an archived part included
    head: str
    tree: Frontier


@dataclass(frozen=True)
class Broken:
    """The first entry that is not as it was written, and what is wrong with it.

    Where only a checkpoint shows it, it is one of those after `after`, and `seq` the last that it can be.
    """

    seq: int
    why: str
    after: int


BEGINNING = Start(GENESIS, EMPTY)


def verify(rows: Iterable[Row], marks: Sequence[Mark] = (), start: Start = BEGINNING) -> Verified | Broken:
    """Walk the log. With marks that were kept elsewhere, one that was cut off or written anew is found out as well.

    A mark inside the archived part can only be held against the archive, and is passed over here.
    """
    ahead = sorted((mark for mark in marks if mark.size >= start.tree.size), key=lambda mark: mark.size)
    walk, agreed = Walk(start), start.tree.size
    source = iter(rows)
    for mark in ahead:
        broken = walk.until(source, mark.size) or walk.against(mark, agreed)
        if broken:
            return broken
        agreed = mark.size
    return walk.until(source, None) or Verified(walk.count, walk.head, walk.tree)


class Walk:
    """How far a walk along the log has come."""

    def __init__(self, start: Start, after: int | None = None) -> None:
        """From `start`; where that is no beginning of the log, `after` is the number of the entry before.

        Raises ValueError where the hash to start from is none.
        """
        self.count = start.tree.size if after is None else after
        self.head, self.tree, self._raw = start.head, start.tree, bytes.fromhex(start.head)

    def until(self, rows: Iterator[Row], size: int | None) -> Broken | None:
        """Go on to this size, or to the end."""
        while size is None or self.count < size:
            chunk = list(islice(rows, _CHUNK if size is None else min(_CHUNK, size - self.count)))
            if not chunk:
                break
            broken = self._chained(chunk)
            if broken:
                return broken
            self.tree = self.tree.extended([sha256(b"\x00" + row[1]).digest() for row in chunk])
        return None

    def against(self, mark: Mark, agreed: int) -> Broken | None:
        """Whether what was walked is what a mark names."""
        if self.count < mark.size:
            say = f"the log ends here, and the checkpoint names {mark.size} entries"
            return Broken(self.count + 1, say, self.count)
        if mark.agrees(self.head, self.tree):
            return None
        say = f"up to here it is not the log of the checkpoint over {mark.size} entries: it was written anew"
        if agreed:
            say += f" after entry {agreed}"
        return Broken(mark.size, say, agreed)

    def _chained(self, chunk: Sequence[Row]) -> Broken | None:
        """The chain's part. The only loop of Python over every entry, so it does as little as it can."""
        count, head, raw = self.count, self.head, self._raw
        for row in chunk:
            seq, body, prev, written = row[:4]
            if seq != count + 1:
                return Broken(count + 1, f"entry {count + 1} is missing: the next one is numbered {seq}", count)
            if prev != head:
                return Broken(seq, "it does not follow the entry before it", count)
            raw = sha256(raw + body).digest()
            head = raw.hex()
            if head != written:
                return Broken(seq, "its content does not fit its hash", count)
            count = seq
        self.count, self.head, self._raw = count, head, raw
        return None
