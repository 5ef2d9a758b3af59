"""What people say to the bot, and what happens around it."""

from __future__ import annotations

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncApp

from approvals.actor import Actor
from bot.blocks import words
from bot.listeners.delivery import concerns, key_of
from bot.listeners.desk import Desk, Place, actor_of
from bot.stage import SlackStage


def register(app: AsyncApp, desk: Desk) -> None:
    """Everything of the Events API that concerns us. The middleware has written it down already."""

    async def heard(body: dict[str, Any]) -> None:
        key = key_of(body, desk.bot_user_id)
        if key is not None:
            desk.work.start(handle(desk, key, body), key)

    for kind in ("app_mention", "message", "app_home_opened", "member_joined_channel"):
        app.event(kind)(heard)


async def handle(desk: Desk, key: str, body: dict[str, Any]) -> None:
    """Work on one event, also on one that an earlier process left over."""
    await desk.finish(key, _handle(desk, key, body))


async def _handle(desk: Desk, key: str, body: dict[str, Any]) -> None:
    event = body["event"]
    if not concerns(event, desk.bot_user_id):
        return
    if event["type"] == "app_home_opened":
        await desk.home.publish(_speaker(desk, body))
    elif event["type"] == "member_joined_channel":
        await _introduce(desk, str(event["channel"]))
    else:
        await _hear(desk, key, body)


async def _hear(desk: Desk, key: str, body: dict[str, Any]) -> None:
    event = body["event"]
    thread = event.get("thread_ts")
    thread = None if thread == event["ts"] else thread  # a thread's first message carries its own ts
    place = Place(str(event["channel"]), str(event["user"]), str(event["ts"]), str(thread) if thread else None)
    name = await desk.channel_name(place)
    said = place.said(_speaker(desk, body), key, name, desk.inbox.inherited(key))
    await desk.conversation.hear(said, str(event.get("text") or ""), place.stages(desk.client))


async def _introduce(desk: Desk, channel: str) -> None:
    """Once a channel."""
    if not await asyncio.to_thread(desk.cards.tell, f"channel {channel}", "introduction"):
        return
    actor = Actor(team_id=desk.team_id, user_id=desk.bot_user_id)
    name = await asyncio.to_thread(desk.names.channel, channel)
    examples, _ = await asyncio.to_thread(desk.conversation.examples, actor, name)
    await SlackStage(desk.client, channel, desk.bot_user_id).show(words.intro(desk.bot_name, examples))


def _speaker(desk: Desk, body: dict[str, Any]) -> Actor:
    event = body["event"]
    team = event.get("user_team") or event.get("source_team") or event.get("team") or body.get("team_id")
    return actor_of({"user": {"id": event["user"], "team_id": team}}, desk.team_id)
