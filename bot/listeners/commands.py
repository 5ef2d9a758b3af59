"""`/twokey` and words: the same as a mention, where people prefer to type a command."""

from __future__ import annotations

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond

from bot.listeners.delivery import key_of
from bot.listeners.desk import Desk, Place, actor_of


def register(app: AsyncApp, desk: Desk) -> None:
    """One command, whatever name the manifest gives it."""

    async def commanded(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        key = key_of(body, desk.bot_user_id)
        if key is not None:
            desk.work.start(handle(desk, key, body), key)

    app.command("/twokey")(commanded)


async def handle(desk: Desk, key: str, body: dict[str, Any]) -> None:
    """Work on one command, also on one that an earlier process left over."""
    await desk.finish(key, _handle(desk, key, body))


async def _handle(desk: Desk, key: str, body: dict[str, Any]) -> None:
    place = Place(str(body["channel_id"]), str(body["user_id"]))
    if not place.direct and not await asyncio.to_thread(desk.names.is_in, place.channel):
        respond = AsyncRespond(response_url=body.get("response_url"), proxy=desk.client.proxy)
        await respond(f"I am not in this channel. Invite me with `/invite @{desk.bot_name}`, then say it again.")
    else:
        name = await desk.channel_name(place)
        said = place.said(actor_of(body, desk.team_id), key, name, desk.inbox.inherited(key))
        await desk.conversation.hear(said, str(body.get("text") or ""), place.stages(desk.client))
