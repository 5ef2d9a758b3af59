"""Messages of requests: what Slack holds back comes later, and what it may have taken already is looked for first.

Slack knows no idempotency key. So each message carries, unseen, of which request it is and which part of its story
(docs.slack.dev/messaging/message-metadata), and one whose answer was lost is looked for before it is posted again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from actions.clock import Clock
from bot.work import GONE, TROUBLE, code_of, passing, retry_after, unheard

RETRY = 5.0  # seconds until something that Slack did not take is tried again
LOOK = 1.0  # seconds until a message whose answer was lost is looked for
POST = "chat.postMessage"
EVENT = "twokey_request"
SKEW = timedelta(minutes=2)  # by which Slack's clock, which dates the messages, may be behind ours
PAGES, PAGE = 10, 200  # of messages that are looked through

_log = logging.getLogger(__name__)


class No(Enum):
    """Why a call has no answer."""

    GONE = "the place is not there, or not for us: trying again does not help"
    LATER = "not taken; it will be tried again"
    UNHEARD = "perhaps taken, but nobody heard so; it will be tried again"


@dataclass(frozen=True)
class Part:
    """What a message is: a request's card in a channel, or one line of its story there."""

    request_id: str
    channel: str
    name: str

    @property
    def metadata(self) -> dict[str, Any]:
        """What the message carries unseen."""
        return {"event_type": EVENT, "event_payload": {"request": self.request_id, "part": self.name}}


class Posting:
    """One per gateway process. `us` is our own user id; `again` has a request looked at once more, in some seconds."""

    def __init__(self, client: AsyncWebClient, us: str, clock: Clock, again: Callable[[str, float], None]) -> None:
        self._client, self._us, self._clock, self._again = client, us, clock, again
        self._held: dict[tuple[str, str], float] = {}  # (method, channel) -> until when Slack asked us to wait
        self._unheard: dict[Part, datetime] = {}  # what may be there, and since when

    async def ask(
        self, method: str, channel: str, request_id: str, payload: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        """Slack's answer; empty where the place is gone for good; None where it will be tried again."""
        answer = await self._ask(method, channel, request_id, payload)
        return answer if isinstance(answer, Mapping) else {} if answer is No.GONE else None

    async def post(
        self, part: Part, payload: Mapping[str, Any], thread: str | None, since: datetime | None = None
    ) -> str | None:
        """The message's `ts`; empty where the place is gone for good; None where it will be tried again.

        Where it may be there already, since `since` or since we lost its answer ourselves, it is looked for first.
        Where nobody lets us look, it is posted once more.
        """
        since = since or self._unheard.get(part)
        if self._held_back(POST, part.channel, part.request_id):
            return None
        if since is not None:
            found = await self._find(part, thread, since)
            if found != "":
                return found
        tried = self._clock.now()
        given = {**payload, "thread_ts": thread, "metadata": part.metadata}
        answer = await self._ask(POST, part.channel, part.request_id, given)
        if answer is No.UNHEARD:
            self._unheard.setdefault(part, tried)
        elif answer is not No.LATER:
            self._unheard.pop(part, None)
        if isinstance(answer, No):
            return "" if answer is No.GONE else None
        return str(answer["ts"])

    def may_be_there(self, part: Part) -> bool:
        """Whether Slack may have taken this message although nobody heard so."""
        return part in self._unheard

    async def _find(self, part: Part, thread: str | None, since: datetime) -> str | None:
        """The `ts` of the message; empty where it is not there or we may not look; None where it is not known yet."""
        oldest = f"{(since - SKEW).timestamp():.6f}"
        cursor: str | None = None
        for _ in range(PAGES):
            answer = await self._page(part, thread, oldest, cursor)
            if answer is No.GONE:
                _log.warning("%s: no right to look for a message of %s", part.channel, part.request_id)
                return ""
            if isinstance(answer, No):
                return None
            for message in answer.get("messages") or ():
                if message.get("user") == self._us and message.get("metadata") == part.metadata:
                    self._unheard.pop(part, None)
                    return str(message["ts"])
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                break
        return ""

    async def _page(self, part: Part, thread: str | None, oldest: str, cursor: str | None) -> Mapping[str, Any] | No:
        params: dict[str, Any] = {"channel": part.channel, "oldest": oldest, "limit": PAGE, "cursor": cursor}
        params |= {"include_all_metadata": True, "inclusive": True}
        if thread:
            return await self._call(
                "conversations.replies",
                part.channel,
                part.request_id,
                lambda: self._client.conversations_replies(ts=thread, **params),
            )
        return await self._call(
            "conversations.history", part.channel, part.request_id, lambda: self._client.conversations_history(**params)
        )

    async def _ask(
        self, method: str, channel: str, request_id: str, payload: Mapping[str, Any]
    ) -> Mapping[str, Any] | No:
        given = {"channel": channel, "unfurl_links": False, "unfurl_media": False, **payload}
        sent = {name: value for name, value in given.items() if value is not None}
        return await self._call(method, channel, request_id, lambda: self._client.api_call(method, json=sent))

    async def _call(
        self, method: str, channel: str, request_id: str, call: Callable[[], Awaitable[AsyncSlackResponse]]
    ) -> Mapping[str, Any] | No:
        """Nothing else waits for a call that Slack holds back: clicks and other channels go on (S7)."""
        if self._held_back(method, channel, request_id):
            return No.LATER
        try:
            answer = await call()
            return {"ok": True, **(answer.data if isinstance(answer.data, dict) else {})}
        except TROUBLE as error:
            asked = retry_after(error) if isinstance(error, SlackApiError) else None
            if asked is None:
                _log.warning("%s for %s in %s: %s", method, request_id, channel, code_of(error))
            if _for_good(method, error, asked):
                return No.GONE
            why = No.UNHEARD if asked is None and method == POST and unheard(error) else No.LATER
        self._hold(method, channel, request_id, LOOK if why is No.UNHEARD else asked or RETRY)
        return why

    def _hold(self, method: str, channel: str, request_id: str, wait: float) -> None:
        self._held[(method, channel)] = asyncio.get_running_loop().time() + wait
        self._again(request_id, wait)

    def _held_back(self, method: str, channel: str, request_id: str) -> bool:
        wait = self._held.get((method, channel), 0.0) - asyncio.get_running_loop().time()
        if wait > 0:
            self._again(request_id, wait)
        return wait > 0


def _for_good(method: str, error: Exception, asked: float | None) -> bool:
    """Whether the same call will never do: its place is gone, or reading there is not allowed to us."""
    refused = method.startswith("conversations.") and asked is None and not passing(error)
    return code_of(error) in GONE or refused
