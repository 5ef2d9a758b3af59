"""Each delivery once: written down before it is acknowledged, and not worked on a second time (S2)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from slack_bolt.response import BoltResponse

from approvals.store import StoreDown
from bot.inbox import Inbox

HANDS = 4  # threads that only write deliveries down: an acknowledgement never queues behind work


Excuse = Callable[[str, dict[str, Any], StoreDown], None]
"""Gets the key and the body of a delivery that could not be written down."""


def middleware(inbox: Inbox, bot_user_id: str, excuse: Excuse) -> Callable[..., Awaitable[BoltResponse | None]]:
    """For Bolt. Where the store is down Slack gets no acknowledgement, and delivers again; the person hears of it."""
    hands = ThreadPoolExecutor(HANDS, "deliveries")

    async def once(body: dict[str, Any], next_: Callable[[], Awaitable[None]]) -> BoltResponse | None:
        if idle(body, bot_user_id):
            return BoltResponse(status=200, body="")
        key = key_of(body, bot_user_id)
        if key is None:
            await next_()
            return None
        try:
            kept = body if _can_wait(body) else None
            ours = await asyncio.get_running_loop().run_in_executor(hands, inbox.take, key, kept)
        except StoreDown as error:
            excuse(key, body, error)
            return BoltResponse(status=503, body="")
        if not ours:
            return BoltResponse(status=200, body="")
        await next_()
        return None

    return once


def key_of(body: Mapping[str, Any], bot_user_id: str) -> str | None:
    """What names a delivery that leads to work; None where there is nothing to do."""
    event = body.get("event")
    if isinstance(event, dict):
        return f"event {body.get('event_id')}" if concerns(event, bot_user_id) else None
    trigger = body.get("trigger_id")
    return f"trigger {trigger}" if trigger else None


def idle(body: Mapping[str, Any], bot_user_id: str) -> bool:
    """Whether an acknowledgement is all there is to do: of what is said in a channel most is not for us.

    Our own messages come as well. So a gateway asks this before it walks past every listener.
    """
    return "event" in body and key_of(body, bot_user_id) is None


def concerns(event: Mapping[str, Any], bot_user_id: str) -> bool:
    """Whether an event is for us. Edits, other bots, and what is not spoken to us never act (A4)."""
    kind, user = event.get("type"), event.get("user")
    if kind == "app_home_opened":
        return bool(event.get("tab", "home") == "home")
    if kind == "member_joined_channel":
        return bool(user == bot_user_id)
    if not user or user == bot_user_id or event.get("bot_id") or event.get("bot_profile") or event.get("edited"):
        return False
    if event.get("subtype") not in {None, "file_share", "thread_broadcast"}:
        return False
    direct = event.get("channel_type") == "im" or str(event.get("channel", "")).startswith("D")
    return kind == ("message" if direct else "app_mention") and {"channel", "ts"} <= event.keys()


def _can_wait(body: Mapping[str, Any]) -> bool:
    """Words keep their meaning; a click's trigger lives three seconds, so a lost click has to be clicked again."""
    return "event" in body or "command" in body
