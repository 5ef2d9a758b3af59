"""The Merkle tree over the entries' bodies: RFC 6962 section 2.1 (the same as RFC 9162 section 2.1).

A tree of any size is a row of perfect subtrees, the largest first; their roots are the tree's frontier, at most one for
each bit of the size. To grow the tree, and to know its root, the frontier is all that has to be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256


def leaf(body: bytes) -> bytes:
    """The hash of an entry in the tree."""
    return sha256(b"\x00" + body).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True)
class Frontier:
    """The perfect subtrees of the first `size` entries, the largest first."""

    size: int
    peaks: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.peaks) != self.size.bit_count():
            raise ValueError(f"a frontier of {self.size} entries has {self.size.bit_count()} subtrees")

    @property
    def root(self) -> bytes:
        """The tree's root hash; of no entry at all the hash of nothing."""
        if not self.peaks:
            return sha256(b"").digest()
        found = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            found = node(peak, found)
        return found

    def extended(self, leaves: Sequence[bytes]) -> Frontier:
        """The frontier with these leaf hashes after it. Costs about one hash a leaf."""
        row, old, size = list(leaves), list(self.peaks), self.size
        peaks: list[bytes] = []
        while row or size:
            if size & 1:
                row.insert(0, old.pop())
            if len(row) & 1:
                peaks.append(row.pop())
            # `node`, without the call: this runs once for every entry of a log that is verified.
            row = [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=True)]
            size >>= 1
        return Frontier(self.size + len(leaves), tuple(reversed(peaks)))

    def joined(self, other: Frontier) -> Frontier:
        """The frontier with the entries of `other` after these. Raises ValueError where its subtrees are none here."""
        peaks, size = list(self.peaks), self.size
        for width, peak in zip(widths(other.size), other.peaks, strict=True):
            if size % width:
                raise ValueError(f"a subtree of {width} entries cannot begin after {size}")
            size, root = size + width, peak
            while (size - width) & width:  # two of the same width are one of the next
                root, width = node(peaks.pop(), root), 2 * width
            peaks.append(root)
        return Frontier(size, tuple(peaks))


EMPTY = Frontier(0, ())


def widths(size: int) -> list[int]:
    """How many entries each perfect subtree of a tree of this size holds, the largest first."""
    return [1 << bit for bit in range(size.bit_length() - 1, -1, -1) if size >> bit & 1]
