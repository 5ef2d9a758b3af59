"""Work that goes on after Slack has its acknowledgement: tracked, logged where it breaks, awaited at the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from slack_sdk.errors import SlackApiError

_log = logging.getLogger(__name__)
T = TypeVar("T")

TRIES = 6
LONGEST_WAIT = 60.0  # seconds for which a message waits at Slack's wish before it is tried again


class Work:
    """The tasks under way in this process."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, job: Coroutine[Any, Any, None], what: str) -> None:
        """Begin now, without waiting."""
        task = asyncio.get_running_loop().create_task(self._guarded(job, what), name=what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, seconds: float) -> None:
        """Wait for what is under way; what takes longer is cancelled."""
        pending = set(self._tasks)
        if pending:
            _, late = await asyncio.wait(pending, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _guarded(self, job: Coroutine[Any, Any, None], what: str) -> None:
        try:
            await job
        except asyncio.CancelledError:
            raise
        except Exception:
            _log.exception("%s broke off", what)


def retry_after(error: SlackApiError) -> float | None:
    """Seconds that Slack asks to wait; None where it is another error."""
    response = error.response
    if getattr(response, "status_code", None) != 429 and response.get("error") != "ratelimited":
        return None
    headers = {str(k).lower(): v for k, v in (getattr(response, "headers", None) or {}).items()}
    try:
        return max(0.1, float(headers.get("retry-after", 1)))
    except (TypeError, ValueError):
        return 1.0


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Ask Slack, and wait as long as it wishes where it limits the rate (S7). Raises SlackApiError."""
    for _ in range(TRIES):
        try:
            return await call()
        except SlackApiError as error:
            wait = retry_after(error)
            if wait is None or wait > LONGEST_WAIT:
                raise
            await asyncio.sleep(wait)
    return await call()
