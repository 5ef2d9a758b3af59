"""Work that goes on after Slack has its acknowledgement: tracked, logged where it breaks, awaited at the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from aiohttp import ClientConnectorError, ClientError
from slack_sdk.errors import SlackApiError, SlackClientError

_log = logging.getLogger(__name__)
T = TypeVar("T")

TRIES = 6
LONGEST_PAUSE = 8.0  # seconds between tries where Slack does not answer as Slack
LONGEST_WAIT = 60.0  # seconds for which a message waits at Slack's wish before it is tried again


TROUBLE = (SlackClientError, ClientError, TimeoutError, OSError)
"""What a call to Slack may raise."""

GONE = frozenset({"message_not_found", "channel_not_found", "is_archived", "not_in_channel", "cant_update_message"})
"""The place is not there any more, or not for us; trying again does not help."""


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
        except SlackClientError as error:
            _log.warning("%s broke off: Slack answers %s", what, code_of(error))
        except Exception:
            _log.exception("%s broke off", what)


def code_of(error: Exception) -> str:
    """Slack's word for what is wrong; for an answer that is not Slack's (a proxy's page), what kind of thing it is."""
    if not isinstance(error, SlackApiError):
        return type(error).__name__
    data = getattr(error.response, "data", error.response)
    code = data.get("error") if isinstance(data, Mapping) else None
    return str(code or f"HTTP {getattr(error.response, 'status_code', '?')}")


def passing(error: Exception) -> bool:
    """Whether the same call may do in a moment: Slack cannot be reached, or has trouble of its own."""
    if isinstance(error, SlackApiError):
        status = getattr(error.response, "status_code", 200)
        return status >= 500 or code_of(error) in {"internal_error", "fatal_error", "service_unavailable"}
    return isinstance(error, TROUBLE)


def unheard(error: Exception) -> bool:
    """Whether Slack may have done what it was asked although its answer never came: not where it refused in words."""
    if isinstance(error, SlackApiError):
        return passing(error) or code_of(error).startswith("HTTP")
    return not isinstance(error, ClientConnectorError)  # which never sent anything


def retry_after(error: SlackApiError) -> float | None:
    """Seconds that Slack asks to wait; None where it is another error."""
    response = error.response
    if getattr(response, "status_code", None) != 429 and code_of(error) != "ratelimited":
        return None
    headers = {str(k).lower(): v for k, v in (getattr(response, "headers", None) or {}).items()}
    try:
        return max(0.1, float(headers.get("retry-after", 1)))
    except (TypeError, ValueError):
        return 1.0


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Ask Slack: wait as long as it wishes where it limits the rate (S7), try again where it has trouble.

    Raises what the last try raised, which is one of TROUBLE.
    """
    for attempt in range(TRIES):
        try:
            return await call()
        except TROUBLE as error:
            wait = retry_after(error) if isinstance(error, SlackApiError) else None
            if wait is None and passing(error):
                wait = min(2.0**attempt, LONGEST_PAUSE)
            if wait is None or wait > LONGEST_WAIT:
                raise
            await asyncio.sleep(wait)
    return await call()
