"""Waiting for something to come true, with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

DEADLINE = 5.0  # seconds


async def within(condition: Callable[[], bool], seconds: float = DEADLINE) -> None:
    """Returns once the condition holds. Raises TimeoutError where it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other threads and on sockets
            await asyncio.sleep(0.005)
