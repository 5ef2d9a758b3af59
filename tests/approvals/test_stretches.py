"""A log verified in parts: the same verdict as walking it from end to end, whatever was done to it (L2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals import audit
from approvals.audit.filing import Filing
from approvals.audit.stretches import joined, stretch
from approvals.audit.tree import EMPTY, leaf
from approvals.audit.verification import BEGINNING, Mark, Row, Verified

WIDTH = 8


def log(size: int) -> list[Row]:
    found: list[Row] = []
    last = (0, audit.GENESIS)
    for number in range(size):
        made = audit.entry(last, "2026-11-02T09:00:00Z", "read.answered", None, None, {"n": number})
        last = (made.seq, made.hash)
        found.append((made.seq, made.body, made.prev, made.hash))
    return found


LOG = log(45)


def in_parts(rows: list[Row], size: int, marks: list[Mark]) -> Verified | None:
    parts = []
    for after in range(0, size, WIDTH):
        end = min(after + WIDTH, size)
        parts.append(stretch([row for row in rows if after < row[0] <= end], after, end, marks))
    return joined(BEGINNING, parts, marks)


@given(st.integers(1, len(LOG)), st.lists(st.integers(0, len(LOG)), max_size=4))
def test_parts_say_what_one_walk_says(size: int, sizes: list[int]) -> None:
    """L2: count, head and tree, with checkpoints anywhere."""
    marks = [Mark(at, LOG[at - 1][3] if at else audit.GENESIS) for at in sizes if at <= size]
    assert in_parts(LOG[:size], size, marks) == audit.verify(LOG[:size], marks)


TAMPERED: dict[str, Callable[[list[Row], int], object]] = {
    "a byte": lambda rows, at: rows.__setitem__(at, (rows[at][0], rows[at][1] + b" ", *rows[at][2:])),
    "the hash before": lambda rows, at: rows.__setitem__(at, (*rows[at][:2], "1" * 64, rows[at][3])),
    "no hash before": lambda rows, at: rows.__setitem__(at, (*rows[at][:2], "none", rows[at][3])),
    "its own hash": lambda rows, at: rows.__setitem__(at, (*rows[at][:3], "1" * 64)),
    "removed": lambda rows, at: rows.pop(at),
    "its number": lambda rows, at: rows.__setitem__(at, (rows[at][0] + 1, *rows[at][1:])),
}


@pytest.mark.parametrize("deed", TAMPERED)
def test_what_was_tampered_with_anywhere_is_not_joined(deed: str) -> None:
    """L2: none of the parts is right, or the parts do not fit; the walk then names the entry."""
    for at in range(len(LOG)):
        rows = LOG[:]
        TAMPERED[deed](rows, at)
        broken = audit.verify(rows, [Mark(len(LOG), LOG[-1][3])])
        assert isinstance(broken, audit.Broken)
        assert in_parts(rows, len(LOG), [Mark(len(LOG), LOG[-1][3])]) is None, (deed, at)


@pytest.mark.parametrize("at", range(1, len(LOG)))
def test_a_part_written_anew_by_whoever_can_hash_does_not_fit_the_next(at: int) -> None:
    """L2: each part is whole in itself."""
    rows = LOG[:at]
    last = (at, LOG[at - 1][3])
    for number in range(at, len(LOG)):
        made = audit.entry(last, "2026-11-02T09:00:00Z", "read.answered", None, None, {"n": -number})
        last = (made.seq, made.hash)
        rows.append((made.seq, made.body, made.prev, made.hash))
    assert in_parts(rows, len(LOG), []) == audit.verify(rows)
    mixed = rows[: -(-at // WIDTH) * WIDTH] + LOG[-(-at // WIDTH) * WIDTH :]
    if mixed != LOG and len(mixed) > -(-at // WIDTH) * WIDTH:
        assert in_parts(mixed, len(LOG), []) is None
    assert in_parts(rows, len(LOG), [Mark(len(LOG), LOG[-1][3])]) is None


def test_a_checkpoint_over_more_than_there_is_joins_nothing() -> None:
    assert in_parts(LOG, len(LOG), [Mark(len(LOG) + 1, "1" * 64)]) is None


@given(st.integers(0, 5), st.integers(0, WIDTH))
def test_the_tree_of_two_parts_is_the_tree_of_both(parts: int, more: int) -> None:
    """RFC 6962: a subtree that begins where one of its size may begin."""
    leaves = [leaf(row[1]) for row in LOG[: parts * WIDTH + more]]
    first, second = EMPTY.extended(leaves[: parts * WIDTH]), EMPTY.extended(leaves[parts * WIDTH :])
    assert first.joined(second) == EMPTY.extended(leaves)


def test_a_subtree_that_cannot_begin_there_is_refused() -> None:
    leaves = [leaf(row[1]) for row in LOG[:11]]
    with pytest.raises(ValueError, match="cannot begin"):
        EMPTY.extended(leaves[:3]).joined(EMPTY.extended(leaves[3:]))


@pytest.mark.parametrize("filed", ['of it"},"kind":"x","request":"r1', "r2", None, b"r1"])
def test_an_entry_is_filed_under_the_request_that_it_names_and_under_no_end_of_its_body(filed: Any) -> None:
    """L2: one that is filed elsewhere is out of its request's sight."""
    made = audit.entry((0, audit.GENESIS), "2026-11-02T09:00:00Z", "x", "r1", None, {"a": 1, "request": "of it"})
    right, wrong = Filing(), Filing()
    assert list(right.seen([[(*made, "r1")]])) == [(*made, "r1")]
    assert list(wrong.seen([[(*made, filed)]])) == [(*made, filed)]
    assert (right.misfiled, wrong.misfiled) == (None, 1)
