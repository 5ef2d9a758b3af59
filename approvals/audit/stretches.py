"""A long log verified in parts that need not wait for each other, and what they say together.

A part starts from the hash that its first entry names; that this is the hash of the entry before it is seen when the
parts are joined. Parts begin at multiples of a power of two that none is longer than, so that the tree of each is a
subtree of the log's. What does not fit is not explained here: `verification.verify` walks the log and names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from approvals.audit.tree import EMPTY, Frontier
from approvals.audit.verification import Mark, Row, Start, Verified, Walk


@dataclass(frozen=True)
class Stretch:
    """Entries one after the other, each as it was written if the one before the first has the hash `prev`."""

    prev: str
    head: str
    tree: Frontier  # of these entries alone
    marked: tuple[tuple[int, str, Frontier], ...]  # for each mark within: its size, and head and tree up to there


def stretch(rows: Iterable[Row], after: int, end: int, marks: Sequence[Mark]) -> Stretch | None:
    """The entries after number `after` up to `end`; None where one is not as it was written, or not there."""
    source = iter(rows)
    first = next(source, None)
    try:
        walk = Walk(Start(str(first[2]), EMPTY), after) if first else None
    except ValueError:  # it names no hash
        walk = None
    if first is None or walk is None:
        return None
    source, marked = chain([first], source), []
    for mark in sorted((mark for mark in marks if after < mark.size <= end), key=lambda mark: mark.size):
        if walk.until(source, mark.size):
            return None
        marked.append((walk.count, walk.head, walk.tree))
    if walk.until(source, end) or walk.count != end:
        return None
    return Stretch(str(first[2]), walk.head, walk.tree, tuple(marked))


def joined(start: Start, stretches: Iterable[Stretch | None], marks: Sequence[Mark]) -> Verified | None:
    """What all of them say together, in their order; None where one is missing, or does not follow the one before."""
    head, tree = start.head, start.tree
    seen = {tree.size: (head, tree)}
    for part in stretches:
        if part is None or part.prev != head:
            return None
        seen |= {size: (at, tree.joined(own)) for size, at, own in part.marked}
        head, tree = part.head, tree.joined(part.tree)
    seen[tree.size] = (head, tree)
    ahead = [mark for mark in marks if mark.size >= start.tree.size]
    agreed = all(mark.size in seen and mark.agrees(*seen[mark.size]) for mark in ahead)
    return Verified(tree.size, head, tree) if agreed else None
