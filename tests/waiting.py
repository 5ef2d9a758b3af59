"""Waiting for something to come true, with one patience for all tests: a machine may be as busy as it likes.

Nothing waits for a time that it takes, and nothing shorter than this. What ends sooner of itself is no waiting.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 60.0  # seconds until a test gives up

T = TypeVar("T")


def until(probe: Callable[[], T], what: str, told: Callable[[], str] = str, patience: float = PATIENCE) -> T:
    """What the probe gives, as soon as that is something. Fails with `what` never came, and what was `told` instead.

    Only a large program that starts is given more `patience` than all else, in seconds.
    """
    deadline = time.monotonic() + patience
    while not (found := probe()):
        assert time.monotonic() < deadline, f"never saw {what}{told()}"
        threading.Event().wait(0.03)
    return found


async def within(condition: Callable[[], object]) -> None:
    """Returns once the condition holds. Raises TimeoutError where it never does."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other threads and on sockets
            await asyncio.sleep(0.005)
