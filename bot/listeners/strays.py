"""A card that nobody noted, because Slack's answer was lost when it was posted, is put in order at the first press."""

from __future__ import annotations

import asyncio
from typing import Any

from actions.errors import BadInput
from bot.blocks.twin import twin
from bot.listeners.desk import Desk, place_of
from bot.stage import SlackStage


async def settle(desk: Desk, body: dict[str, Any], request_id: str) -> None:
    """Where the pressed message is no known copy of this card: it becomes the copy, or gives way to the one there is.

    The press itself counts as any other. A message whose request nobody knows is left alone.
    """
    place = await place_of(body, desk.client)
    if place.ts is None:
        return
    known = await asyncio.to_thread(desk.cards.at, place.channel, place.ts)
    if known is not None:
        return
    try:
        await asyncio.to_thread(desk.ledger.get, request_id)
    except BadInput:
        return
    thread = place.thread or place.ts
    counts = await asyncio.to_thread(desk.cards.take_in, request_id, place.channel, place.ts, thread)
    if counts == place.ts:
        return
    stage = SlackStage(desk.client, place.channel, place.user, ts=place.ts)
    await stage.show(twin(await stage.link(place.channel, counts)))
