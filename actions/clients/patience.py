"""One deadline for a piece of work that asks several times: what is left of it bounds every single answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends: ContextVar[float | None] = ContextVar("ends", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """For the length of the block, in this thread, all answers together may take this long; an outer limit holds on."""
    ends, outer = time.monotonic() + seconds, _ends.get()
    token = _ends.set(ends if outer is None else min(ends, outer))
    try:
        yield
    finally:
        _ends.reset(token)


def left(most: float) -> float:
    """How many seconds the next answer may take; 0 where the time is up."""
    ends = _ends.get()
    return most if ends is None else max(0.0, min(most, ends - time.monotonic()))
