"""One call of a Web API method: its arguments, whatever body they came in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.web_request import FileField

from bot.playground.emulator.composing import decoded
from bot.playground.emulator.core import Core
from bot.playground.emulator.wire import ApiError, Json


@dataclass(frozen=True)
class Call:
    """Arguments with Slack's leniency: numbers and booleans may come as strings."""

    args: Json
    host: str  # host and port under which the caller reaches the emulator

    def text(self, name: str, default: str = "") -> str:
        """A string argument."""
        value = self.args.get(name)
        return default if value is None else str(value)

    def required(self, name: str, error: str = "") -> str:
        """A string argument. Raises the ApiError named `error`, or invalid_arguments, where it is missing."""
        value = self.text(name)
        if not value:
            raise ApiError(error) if error else missing(name)
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean argument."""
        value = self.args.get(name, default)
        return value.lower() in {"true", "1"} if isinstance(value, str) else bool(value)

    def number(self, name: str, default: int) -> int:
        """A whole number. Raises invalid_arguments."""
        try:
            return int(self.args.get(name) or default)
        except (TypeError, ValueError):
            raise ApiError("invalid_arguments", [f"must be an integer [json-pointer:/{name}]"]) from None

    def listed(self, name: str) -> list[str]:
        """Strings as a list or separated by commas."""
        value = self.args.get(name) or []
        parts = value.split(",") if isinstance(value, str) else value
        return [str(part).strip() for part in parts if str(part).strip()]

    def decoded(self, name: str) -> object:
        """JSON, perhaps inside a string. Raises invalid_arguments."""
        return decoded(self.args, name, "invalid_arguments")


Method = Callable[[Core, Call], Json]


def missing(name: str) -> ApiError:
    """A required argument is not there."""
    return ApiError("invalid_arguments", [f"missing required field: {name}"])


async def read_args(request: web.Request) -> Json:
    """The arguments from query and body (JSON, form or multipart). Raises invalid_json, json_not_object …"""
    args: Json = dict(request.query)
    if request.method == "GET" or not request.can_read_body:
        return args
    if request.content_type == "application/json":
        return args | _json(await request.text())
    if request.content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        form = await request.post()
        return args | {name: value for name, value in form.items() if not isinstance(value, FileField)}
    if request.content_type in {"application/octet-stream", "text/plain"} and not await request.read():
        return args
    raise ApiError("invalid_post_type")


def token_of(request: web.Request, args: Json) -> str:
    """From the header, else from the arguments (and then it is no argument any more)."""
    from_args = str(args.pop("token", "") or "")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else from_args


def _json(text: str) -> Json:
    if not text.strip():
        return {}
    try:
        body = json.loads(text)
    except ValueError:
        raise ApiError("invalid_json") from None
    if not isinstance(body, dict):
        raise ApiError("json_not_object")
    return body
