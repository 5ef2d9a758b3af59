"""A chat-completions endpoint on the wire that answers as it is told, also wrongly, slowly or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import genai_prices  # noqa: F401 - what takes a second to load is loaded before any short deadline of a test begins
import openai  # noqa: F401 - the same
from aiohttp import web

from bot.playground.host import Host
from intents.gateway import ModelGateway
from intents.models.budget import Book
from intents.models.endpoints import single
from tests.waiting import PATIENCE

Answer = Callable[[dict[str, Any]], Awaitable[web.StreamResponse]]


class Endpoint:
    """Keeps every body that it was sent."""

    def __init__(self, answer: Answer) -> None:
        self.bodies: list[dict[str, Any]] = []
        self._answer = answer

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._models)
        return app

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body: dict[str, Any] = await request.json()
        self.bodies.append(body)
        return await self._answer(body)

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"object": "list", "data": [{"id": "first", "object": "model", "created": 0, "owned_by": "x"}]}
        )


@contextmanager
def serving(
    answer: Answer, deadline: float = PATIENCE, model: str | None = "small", book: Book | None = None, **more: Any
) -> Iterator[tuple[ModelGateway, Endpoint]]:
    """A gateway to an endpoint that answers like this; it remembers nothing unless `more` says so."""
    endpoint = Endpoint(answer)
    with Host(endpoint.app()) as url:
        models = single(f"{url}/v1", "key", model, deadline)
        yield ModelGateway(models.model_copy(update={"remember": 0, **more}), book=book), endpoint


def says(data: Any) -> Answer:
    """Always the same content."""
    return lambda body: _at_once(content(data))


async def _at_once(response: web.StreamResponse) -> web.StreamResponse:
    await asyncio.sleep(0)
    return response


def content(data: Any, finish: str = "stop", **message: Any) -> web.Response:
    """A completion whose message holds this text or object."""
    text = data if isinstance(data, str) or data is None else json.dumps(data)
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    return web.json_response(
        {"id": "1", "object": "chat.completion", "created": 0, "model": "small", "choices": [choice], "usage": usage}
    )


def tool_call(name: str, arguments: str) -> web.Response:
    """A completion that calls a tool."""
    call = {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}
    return content(None, "tool_calls", tool_calls=[call])
