"""`/emulator/*`: what people do, for the page and for tests. JSON in, JSON out; `ok` says whether it happened."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from urllib.parse import urlsplit

from aiohttp import web

from bot.playground import cast
from bot.playground.emulator.core import Core
from bot.playground.emulator.faults import inject
from bot.playground.emulator.guard import LOOPBACK
from bot.playground.emulator.interactions import Interactions
from bot.playground.emulator.marks import react, unreact
from bot.playground.emulator.state import render_state
from bot.playground.emulator.typing_in import as_sent
from bot.playground.emulator.wire import ApiError, Json
from bot.playground.emulator.workspace import Conversation, Message

MAX_TEXT = 40_000
NOT_FOUND = ("channel_not_found", "user_not_found", "message_not_found", "not_found", "no_such_element")
STATUS = {"operation_timeout": 504, **dict.fromkeys(NOT_FOUND, 404)}

Deed = Callable[[Json, str], Awaitable[Json]]


class Control:
    """The routes below `/emulator/`."""

    def __init__(self, core: Core, interactions: Interactions) -> None:
        self._core, self._interactions = core, interactions
        self._deeds: dict[str, Deed] = {
            "messages": self._write,
            "edits": self._edit,
            "deletions": self._delete,
            "actions": self._act,
            "options": self._options,
            "views": self._submit,
            "views/close": self._close,
            "commands": self._command,
            "home": self._home,
            "reactions": self._react,
            "members": self._members,
            "usergroups": self._usergroups,
            "endpoint": self._endpoint,
            "faults": self._faults,
        }

    def routes(self) -> list[web.RouteDef]:
        """What the application serves."""
        return [
            web.get("/emulator/state", self._state),
            web.get("/emulator/events", self._core.feed.stream),
            web.post("/emulator/{deed:.+}", self._do),
        ]

    async def _state(self, request: web.Request) -> web.Response:
        state = render_state(self._core.workspace, self._core.views.all())
        return web.json_response({**state, "connections": self._core.sockets.connections})

    async def _do(self, request: web.Request) -> web.Response:
        deed = self._deeds.get(request.match_info["deed"])
        if deed is None:
            return web.json_response(ApiError("unknown_deed").body(), status=404)
        try:
            body = await _read(request)
            return web.json_response({"ok": True, **await deed(body, f"http://{request.host}")})
        except ApiError as refusal:
            return web.json_response(refusal.body(), status=STATUS.get(refusal.error, 400))

    # -- messages ------------------------------------------------------------------------------

    async def _write(self, body: Json, base: str) -> Json:
        user, conversation = self._where(body)
        text = _text(body, "text")
        if not text.strip():
            raise ApiError("no_text")
        if len(text) > MAX_TEXT:
            raise ApiError("msg_too_long")
        message = Message(conversation.id, self._core.workspace.stamp(), user, as_sent(self._core.workspace, text))
        message.client_msg_id = secrets.token_hex(16)
        message.thread_ts = _text(body, "thread_ts", "") or None
        if message.thread_ts:
            self._core.workspace.message(conversation.id, message.thread_ts)
            message.reply_broadcast = bool(body.get("reply_broadcast"))
        self._core.workspace.post(message)
        return {"ts": message.ts, "channel": conversation.id}

    async def _edit(self, body: Json, base: str) -> Json:
        user, message = self._own(body, "cant_update_message")
        text = as_sent(self._core.workspace, _text(body, "text"))
        self._core.workspace.edit(message, user, lambda old: setattr(old, "text", text))
        return {"ts": message.ts, "channel": message.channel}

    async def _delete(self, body: Json, base: str) -> Json:
        _, message = self._own(body, "cant_delete_message")
        self._core.workspace.delete(message)
        return {}

    async def _react(self, body: Json, base: str) -> Json:
        user, conversation = self._where(body)
        message = self._core.workspace.message(conversation.id, _text(body, "ts"))
        deed = unreact if body.get("remove") else react
        deed(self._core, message, user, _text(body, "name"))
        return {}

    # -- interactions --------------------------------------------------------------------------

    async def _act(self, body: Json, base: str) -> Json:
        action_id, value = _text(body, "action_id"), body.get("value")
        if body.get("view_id"):
            await self._interactions.click_view(self._who(body), _text(body, "view_id"), action_id, value)
            return {}
        user, conversation = self._where(body)
        await self._interactions.click(base, user, conversation.id, _text(body, "message_ts"), action_id, value)
        return {}

    async def _options(self, body: Json, base: str) -> Json:
        place = dict(body)
        if not body.get("view_id"):
            place["channel"] = self._where(body)[1].id
        query = _text(body, "query", "")
        options = await self._interactions.suggest(self._who(body), place, _text(body, "action_id"), query)
        return {"options": options}

    async def _submit(self, body: Json, base: str) -> Json:
        values = body.get("values") or {}
        if not isinstance(values, dict):
            raise ApiError("invalid_values")
        return await self._interactions.submit(self._who(body), _text(body, "view_id"), values)

    async def _close(self, body: Json, base: str) -> Json:
        await self._interactions.close(self._who(body), _text(body, "view_id"))
        return {}

    async def _command(self, body: Json, base: str) -> Json:
        user, conversation = self._where(body)
        command = "/" + _text(body, "command").lstrip("/")
        await self._interactions.command(
            base, user, conversation.id, command, as_sent(self._core.workspace, _text(body, "text", ""))
        )
        return {}

    async def _home(self, body: Json, base: str) -> Json:
        user = self._who(body)
        event: Json = {"type": "app_home_opened", "user": user, "tab": body.get("tab") or "home"}
        event["channel"] = self._core.workspace.direct(user).id
        published = self._core.views.home(user)
        if published is not None:
            event["view"] = published.render()
        self._core.event(event)
        return {"channel": event["channel"]}

    # -- the workspace itself ------------------------------------------------------------------

    async def _members(self, body: Json, base: str) -> Json:
        """Join or leave a channel (created if it is new); the bot is invited by its own name."""
        user = self._who(body, bot_too=True)
        name = _text(body, "channel")
        try:
            conversation = self._core.workspace.conversation(name)
        except ApiError:
            conversation = self._core.workspace.create_channel(name.removeprefix("#"), set())
        if body.get("leave"):
            conversation.members.discard(user)
        else:
            self._core.join(conversation, user)
        return {"channel": conversation.id}

    async def _usergroups(self, body: Json, base: str) -> Json:
        """Replace a group's members, as an administrator would."""
        handle = _text(body, "handle").removeprefix("@")
        members = tuple(self._core.workspace.person(str(name)).id for name in body.get("members") or ())
        for group in list(self._core.workspace.usergroups.values()):
            if group.handle == handle:
                self._core.workspace.usergroups[group.id] = replace(group, members=members)
                self._core.feed.publish({"type": "workspace"})
                event: Json = {"type": "subteam_members_changed", "subteam_id": group.id, "team_id": cast.TEAM_ID}
                event["added_users"] = sorted(set(members) - set(group.members))
                event["removed_users"] = sorted(set(group.members) - set(members))
                self._core.event(event)
                return {"id": group.id}
        raise ApiError("no_such_subteam")

    async def _endpoint(self, body: Json, base: str) -> Json:
        """Deliver by HTTP to `url` (on this machine only), or by Socket Mode again (null)."""
        url = body.get("url")
        if url is not None and (not isinstance(url, str) or urlsplit(url).hostname not in LOOPBACK):
            raise ApiError("invalid_arguments", ["url: an address on this machine, or null"])
        self._core.deliver_to(url)
        return {}

    async def _faults(self, body: Json, base: str) -> Json:
        return await inject(self._core, body)

    # -- finding -------------------------------------------------------------------------------

    def _who(self, body: Json, bot_too: bool = False) -> str:
        name = _text(body, "user")
        if bot_too and name.removeprefix("@") in (cast.BOT_NAME, cast.BOT_USER_ID):
            return cast.BOT_USER_ID
        return self._core.workspace.person(name).id

    def _where(self, body: Json) -> tuple[str, Conversation]:
        user, name = self._who(body), _text(body, "channel")
        if name.removeprefix("@") in (cast.BOT_NAME, cast.BOT_USER_ID):
            return user, self._core.workspace.direct(user)
        conversation = self._core.workspace.conversation(name)
        if user not in conversation.members:
            raise ApiError("not_in_channel")
        return user, conversation

    def _own(self, body: Json, refusal: str) -> tuple[str, Message]:
        user, conversation = self._where(body)
        message = self._core.workspace.message(conversation.id, _text(body, "ts"))
        if message.user != user:
            raise ApiError(refusal)
        return user, message


def _text(body: Json, name: str, default: str | None = None) -> str:
    value = body.get(name, default)
    if value is None:
        value = default
    if not isinstance(value, str):
        raise ApiError("invalid_arguments", [f"missing required field: {name}"])
    return value


async def _read(request: web.Request) -> Json:
    if request.content_type != "application/json":
        raise ApiError("invalid_post_type")  # also keeps foreign pages' forms out
    try:
        body = await request.json()
    except ValueError:
        raise ApiError("invalid_json") from None
    if not isinstance(body, dict):
        raise ApiError("json_not_object")
    return body
