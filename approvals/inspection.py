"""Verifying the log in the store: a long one on all cores, in parts that processes of their own read."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Engine

from approvals import audit, logbook
from approvals.audit.stretches import Stretch, joined, stretch
from approvals.audit.verification import Mark, Start, Walk
from approvals.store import StoreDown, open_store, reading

WIDTH = 1 << 16
"""Entries in one part; a power of two."""

_MANY = 8  # parts; with fewer one process is done before others have started


@dataclass(frozen=True)
class _Part:
    """What one process says of its part."""

    stretch: Stretch | None
    misfiled: int | None


def inspect(
    engine: Engine, marks: Sequence[Mark] = (), processes: int | None = None, width: int = WIDTH
) -> tuple[audit.Verified | audit.Broken, int | None]:
    """What `audit.verify` says of the entries in the store, and the first that is filed under another request.

    A long log is read by `processes` at once, in parts of `width` entries: as many as there are cores, if not given.
    What they find is the same with any number.
    Raises StoreDown.
    """
    with reading(engine) as connection:
        start, size = logbook.sealed(connection), logbook.last(connection)[0]
    processes = processes or len(os.sched_getaffinity(0))
    if processes > 1 and size - start.tree.size >= _MANY * width:
        found = _together(engine, (start, size), marks, processes, width)
        if found:
            return found
    with reading(engine) as connection:  # one after the other, which also names what is wrong
        start = logbook.sealed(connection)  # by now more may be archived
        filing = logbook.Filing()
        found_alone = audit.verify(filing.bare(connection, start.tree.size + 1), marks, start)
        return found_alone, None if isinstance(found_alone, audit.Broken) else filing.misfiled


def _together(
    engine: Engine, span: tuple[Start, int], marks: Sequence[Mark], processes: int, width: int
) -> tuple[audit.Verified, int | None] | None:
    """The same by several processes; None where something is not as it was written, or a process fell over."""
    start, size = span
    with reading(engine) as connection:
        walk, filing = Walk(start), logbook.Filing()  # up to where a part may begin
        first = -(-start.tree.size // width) * width
        if walk.until(filing.bare(connection, start.tree.size + 1, first), first) or walk.count != first:
            return None
    ahead = [mark for mark in marks if mark.size > first]
    if any(start.tree.size <= mark.size < first for mark in marks):
        return None  # it lies before the first part: rare enough to be walked to
    url = engine.url.render_as_string(hide_password=False)
    context = multiprocessing.get_context("spawn")  # a fork would share the store's connections
    try:
        with ProcessPoolExecutor(processes, mp_context=context) as pool:
            parts = list(pool.map(partial(_part, url, (size, width), ahead), range(first, size, width)))
    except (StoreDown, BrokenProcessPool):
        return None
    verified = joined(Start(walk.head, walk.tree), (part.stretch for part in parts), [*ahead, *_at(first, marks)])
    filed_wrong = [one for one in (filing.misfiled, *(part.misfiled for part in parts)) if one is not None]
    return (verified, next(iter(filed_wrong), None)) if verified else None


def _at(size: int, marks: Sequence[Mark]) -> list[Mark]:
    return [mark for mark in marks if mark.size == size]


def _part(url: str, span: tuple[int, int], marks: Sequence[Mark], after: int) -> _Part:
    size, width = span
    end = min(after + width, size)
    engine = open_store(url, make=False)
    try:
        filing = logbook.Filing()
        with reading(engine) as connection:
            found = stretch(filing.bare(connection, after + 1, end), after, end, marks)
        return _Part(found, filing.misfiled)
    finally:
        engine.dispose()
