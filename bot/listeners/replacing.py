"""One's own request gives way to another: by its form, or by what a note on its card offers instead."""

from __future__ import annotations

import asyncio

from pydantic import JsonValue

from actions.errors import TwokeyError
from approvals.request import Request, State
from bot.blocks import message as kit
from bot.conversation import Said, Stages
from bot.listeners.desk import Desk


async def replace(
    desk: Desk, said: Said, partial: dict[str, JsonValue], stages: Stages, request_id: str
) -> Request | None:
    """Ask for another action in a request's place; the new request, None where nothing came of it.

    The new one first, so that nothing is lost where it cannot be made or is refused; then the old one is withdrawn.
    """
    if not await desk.conversation.take_up(said, partial, stages):
        return None
    made = await asyncio.to_thread(desk.conversation.came_of, said)
    if made is None or made.state is State.REFUSED:
        return None
    try:
        await asyncio.to_thread(desk.gate.withdraw, request_id, said.actor, made.id)
    except TwokeyError as error:
        await stages.here.whisper(kit.say(error.say))
    return made
