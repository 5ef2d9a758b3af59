"""Proofs of RFC 9162, section 2.1: that an entry is in the log, and that a log only grew.

Both are made from `Nodes`, which gives the hash of any subtree that is still known, and are checked with nothing but
the hashes that a checkpoint signs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actions.errors import BadInput
from approvals.audit.tree import Frontier, leaf, node, widths


class Nodes:
    """The tree over a log: of an archived beginning its frontier, of the rest every leaf."""

    def __init__(self, before: Frontier, bodies: Iterable[bytes]) -> None:
        self._first = before.size
        self._known: dict[tuple[int, int], bytes] = {}
        place = 0
        for width, peak in zip(widths(before.size), before.peaks, strict=True):
            self._known[place, width] = peak
            place += width
        self._leaves = [leaf(body) for body in bodies]

    @property
    def size(self) -> int:
        return self._first + len(self._leaves)

    def over(self, begin: int, end: int) -> bytes:
        """MTH(D[begin:end]). Raises BadInput where that is in the archive."""
        if (begin, end - begin) in self._known:
            return self._known[begin, end - begin]
        if end - begin == 1 and begin >= self._first:
            return self._leaves[begin - self._first]
        if end <= self._first:
            raise BadInput("That part of the log is archived; name its archive with --archive.")
        middle = begin + _split(end - begin)
        found = self._known[begin, end - begin] = node(self.over(begin, middle), self.over(middle, end))
        return found


def inclusion(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """PATH(index, D[size]): what is needed to get from the entry at `index`, counted from 0, to the root.

    Raises BadInput where there is no such entry.
    """
    if not 0 <= index < size <= nodes.size:
        raise BadInput(f"There is no entry {index + 1} in a log of {min(size, nodes.size)} entries.")
    path, begin, end = [], 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(nodes.over(middle, end))
            end = middle
        else:
            path.append(nodes.over(begin, middle))
            begin = middle
    return path[::-1]


def consistency(nodes: Nodes, old: int, new: int) -> list[bytes]:
    """PROOF(old, D[new]): what is needed to see that the log of `new` entries begins with that of `old`.

    Raises BadInput where the log never was that long.
    """
    if not 0 <= old <= new <= nodes.size:
        raise BadInput(f"There is no proof from {old} to {new} entries in a log of {nodes.size}.")
    if old in {0, new}:
        return []
    path, begin, end, whole = [], 0, new, True
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append(nodes.over(middle, end))
            end = middle
        else:
            path.append(nodes.over(begin, middle))
            begin, whole = middle, False
    return [*([] if whole else [nodes.over(begin, end)]), *path[::-1]]


def included(body: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162, 2.1.3.2: whether the path leads from this entry to that root."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf(body)
    for step in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node(step, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node(found, step)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def consistent(old: int, new: int, path: Sequence[bytes], before: bytes, after: bytes) -> bool:
    """RFC 9162, 2.1.4.2: whether the log of root `after` begins with the one of root `before`."""
    if old == new or old == 0:
        return not path and (old == 0 or before == after)
    if not 0 < old < new or not path:
        return False
    steps = list(path) if old & (old - 1) else [before, *path]
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    was = now = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            was, now = node(step, was), node(step, now)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            now = node(now, step)
        place, last = place >> 1, last >> 1
    return last == 0 and was == before and now == after


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)
