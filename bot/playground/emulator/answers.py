"""`/response/<secret>`: answers to an interaction on its response URL, five of them within 30 minutes."""

from __future__ import annotations

import json

from aiohttp import web

from bot.playground import cast
from bot.playground.emulator.composing import compose
from bot.playground.emulator.core import Core
from bot.playground.emulator.interactions import Interactions
from bot.playground.emulator.tickets import Reply
from bot.playground.emulator.wire import ApiError, Json
from bot.playground.emulator.workspace import Message


class Answers:
    """The endpoint of every response URL."""

    def __init__(self, core: Core, interactions: Interactions) -> None:
        self._core, self._interactions = core, interactions

    async def handle(self, request: web.Request) -> web.Response:
        """200 `ok`, or 404 where the URL ran out, or 400 with Slack's error."""
        try:
            ticket = self._core.tickets.use_reply(request.match_info["ticket"])
        except ApiError as refusal:
            return web.json_response(refusal.body(), status=404)
        try:
            self._apply(ticket, await _read(request))
        except ApiError as refusal:
            return web.json_response(refusal.body(), status=400)
        return web.Response(text="ok")

    def _apply(self, ticket: Reply, body: Json) -> None:
        original = self._core.workspace.find(ticket.channel, ticket.message_ts or "")
        if body.get("delete_original"):
            if original is None:
                raise ApiError("message_not_found")
            self._core.workspace.delete(original)
        elif body.get("replace_original") and original is not None:
            self._replace(original, body)
        else:
            thread = str(body["thread_ts"]) if body.get("thread_ts") else None
            in_thread = ticket.thread_ts if ticket.thread_ts != ticket.message_ts else None
            self._interactions.answer(ticket.user, ticket.channel, thread or in_thread, body)

    def _replace(self, original: Message, body: Json) -> None:
        content = compose(body)

        def revise(message: Message) -> None:
            message.text, message.blocks, message.attachments = content.text, content.blocks, content.attachments

        self._core.workspace.edit(original, cast.BOT_USER_ID, revise)


async def _read(request: web.Request) -> Json:
    text = await request.text()
    if request.content_type == "application/x-www-form-urlencoded":
        text = str((await request.post()).get("payload", ""))
    try:
        body = json.loads(text)
    except ValueError:
        raise ApiError("invalid_payload") from None
    if not isinstance(body, dict):
        raise ApiError("invalid_payload")
    return body
