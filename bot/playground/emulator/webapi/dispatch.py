"""`/api/<method>`: who calls, which method, and Slack's envelope around every answer."""

from __future__ import annotations

from aiohttp import web

from bot.playground import cast
from bot.playground.emulator.core import Core
from bot.playground.emulator.webapi import about, chat, conversations, files, marks, modals, people
from bot.playground.emulator.webapi.call import Call, Method, read_args, token_of
from bot.playground.emulator.wire import ApiError, Json

FAMILIES = (about, chat, conversations, files, marks, modals, people)
METHODS: dict[str, Method] = {name: method for family in FAMILIES for name, method in family.METHODS.items()}
SCOPES = (
    "app_mentions:read,channels:history,channels:join,channels:read,chat:write,commands,emoji:read,files:read,"
    "files:write,groups:read,im:history,im:read,im:write,pins:read,pins:write,reactions:read,reactions:write,team:read,"
    "usergroups:read,users:read,users:read.email,users.profile:read"
)
APP_METHODS = {"apps.connections.open"}  # the ones that want the app-level token


class WebApi:
    """The Web API's one endpoint."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def handle(self, request: web.Request) -> web.Response:
        """Answers every call with 200 and `ok`, except a rate limit (429) and an answer that shall be lost."""
        name = request.match_info["method"]
        wait = self._core.rates.refuses(name)
        if wait is not None:
            body = ApiError("ratelimited").body()
            return web.json_response(body, status=429, headers={"Retry-After": str(wait)})
        try:
            body = await self._answer(name, request)
        except ApiError as refusal:
            body = refusal.body()
        if body["ok"] and self._core.losses.loses(name) and request.transport is not None:
            request.transport.abort()
        scopes = "connections:write" if name in APP_METHODS else SCOPES
        headers = {"x-oauth-scopes": scopes, "x-slack-req-id": self._core.workspace.stamp()}
        return web.json_response(body, headers=headers)

    async def _answer(self, name: str, request: web.Request) -> Json:
        method = METHODS.get(name)
        if method is None:
            raise ApiError("unknown_method", req_method=name)
        args = await read_args(request)
        _authorise(name, token_of(request, args))
        return method(self._core, Call(args, request.host))


def _authorise(name: str, token: str) -> None:
    if name == "api.test":
        return
    if not token:
        raise ApiError("not_authed")
    if token not in (cast.BOT_TOKEN, cast.APP_TOKEN):
        raise ApiError("invalid_auth")
    if token != (cast.APP_TOKEN if name in APP_METHODS else cast.BOT_TOKEN):
        raise ApiError("not_allowed_token_type")
