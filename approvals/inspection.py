"""Verifying the log in the store: a long one on all cores, in parts for which processes of their own lend a hand."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from approvals import audit, logbook
from approvals.audit.filing import Filing
from approvals.audit.stretches import joined
from approvals.audit.verification import Mark, Start, Walk
from approvals.reel import Part, part, part_by_helper
from approvals.store import reading, unrolled
from approvals.store import reel as reel_of

WIDTH = 1 << 15
"""Entries in one part; a power of two."""

_MANY = 8  # parts; with fewer one process is done before others have started
_MOST = 1 << 16  # parts; where there seem to be more, somebody made up the number of the last entry


def inspect(
    engine: Engine, marks: Sequence[Mark] = (), processes: int | None = None, width: int = WIDTH
) -> tuple[audit.Verified | audit.Broken, int | None]:
    """What `audit.verify` says of the entries in the store, and the first that is filed under another request.

    A long log is read by `processes` at once, this one included, in parts of `width` entries: as many as there are
    cores, if not given. What they find is the same with any number.
    Raises StoreDown.
    """
    processes = processes or _cores()
    with reading(engine) as connection:
        start, size = logbook.sealed(connection), logbook.last(connection)[0]
        if processes > 1 and _MANY * width <= size - start.tree.size <= _MOST * width:
            found = _together(connection, (start, size), marks, processes, width)
            if found:
                return found
        filing = Filing()  # one after the other, which also names what is wrong
        found_alone = audit.verify(filing.seen(unrolled(connection, None, None)), marks, start)
        return found_alone, None if isinstance(found_alone, audit.Broken) else filing.misfiled


def _together(
    connection: Connection, span: tuple[Start, int], marks: Sequence[Mark], processes: int, width: int
) -> tuple[audit.Verified, int | None] | None:
    """The same with helpers; None where something is not as it was written, or one of them fell over."""
    start, size = span
    walk, filing = Walk(start), Filing()  # up to where a part may begin
    first = -(-start.tree.size // width) * width
    ahead = filing.seen(unrolled(connection, None, first))
    if walk.until(ahead, first) or walk.count != first or next(ahead, None):
        return None
    if any(start.tree.size <= mark.size < first for mark in marks):
        return None  # it lies before the first part: rare enough to be walked to
    jobs = [(after, min(after + width, size)) for after in range(first, size, width)]
    wanted = [mark for mark in marks if mark.size >= first]
    try:
        with _helpers(processes - 1) as helpers:
            parts = list(_whole(_parts(connection, jobs, wanted, helpers)))
    except BrokenProcessPool:
        return None
    verified = joined(Start(walk.head, walk.tree), (part.stretch for part in parts), wanted)
    misfiled = [one for one in (filing.misfiled, *(part.misfiled for part in parts)) if one is not None]
    return (verified, next(iter(misfiled), None)) if verified else None


def _cores() -> int:
    """Those that we may use, where the system says which: an auditor's machine need not be Linux."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _helpers(count: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that take what they are given, until the block ends."""
    pool = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))  # a fork shares connections
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _parts(
    connection: Connection, jobs: Sequence[tuple[int, int]], marks: Sequence[Mark], helpers: ProcessPoolExecutor
) -> Iterator[Part]:
    """Every part in its order. Helpers, which take a while to start, begin at the far end, and we here at once."""
    where = reel_of(connection.engine)
    given = [helpers.submit(part_by_helper, where, *job, marks) for job in reversed(jobs)]
    for (after, end), asked in zip(jobs, reversed(given), strict=True):
        yield part(unrolled(connection, after + 1, end), after, end, marks) if asked.cancel() else asked.result()


def _whole(parts: Iterator[Part]) -> Iterator[Part]:
    """As many as are as they were written, and the first that is not."""
    for one in parts:
        yield one
        if one.stretch is None:
            return
