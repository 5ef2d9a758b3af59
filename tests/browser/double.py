"""A stand-in for the emulator: serves the page, a state that a test may change, and notes what is posted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from threading import Condition, Event
from typing import Any

from aiohttp import web

import bot.playground
from tests.waiting import PATIENCE

PAGE = Path(bot.playground.__file__).parent / "page"

Json = dict[str, Any]


class Double:
    """Answers as the emulator does; `answers[path]` says what a post to that path gets."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._streams: dict[asyncio.Queue[Json | None], asyncio.AbstractEventLoop] = {}
        self.start({}, {})

    def start(self, state: Json, town: Json) -> None:
        """Forget what was; from now on this is the state."""
        self.state, self.town = state, town
        self.posts: list[tuple[str, Json]] = []
        self.answers: dict[str, Callable[[Json], tuple[int, Json]]] = {}
        self.held: dict[str, Event] = {}  # paths whose answer waits until the test sets the event

    def app(self) -> web.Application:
        """The application; it may be served once."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/emulator/state", self._state),
                web.get("/emulator/events", self._events),
                web.post("/emulator/{path:.+}", self._post),
                web.get("/town/state", self._town),
                web.get("/files/{name}", self._file),
                web.get("/", self._page),
                web.get("/{file}", self._page),
            ]
        )
        app.on_shutdown.append(self._shut_down)
        return app

    def tell(self, event: Json) -> None:
        """Send an event to every open page."""
        for queue, loop in list(self._streams.items()):
            loop.call_soon_threadsafe(queue.put_nowait, event)

    def post_message(self, message: Json, kind: str = "message") -> None:
        """Put a message into the state (in place of the one with its ts), and tell it."""
        kept = [m for m in self.state["messages"] if (m["channel"], m["ts"]) != (message["channel"], message["ts"])]
        self.state["messages"] = [*kept, message]
        self.tell({"type": kind, **message})

    def show_view(self, view: Json) -> None:
        """Open or replace a view, and tell it."""
        self.state["views"] = [v for v in self.state["views"] if v["id"] != view["id"]] + [view]
        self.tell({"type": "view_opened", "view": view})

    def cut(self) -> None:
        """End every event stream, as a restart would."""
        for queue, loop in list(self._streams.items()):
            loop.call_soon_threadsafe(queue.put_nowait, None)

    def wait_for(self, path: str, count: int = 1) -> Json:
        """The `count`-th post to `path`, once it came. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.to(path)) >= count, PATIENCE):
                raise TimeoutError(f"no post to {path}; there were {self.posts}")
            return self.to(path)[count - 1]

    def to(self, path: str) -> list[Json]:
        """The bodies posted to `path` so far."""
        return [body for where, body in self.posts if where == path]

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response(self.state)

    async def _town(self, request: web.Request) -> web.Response:
        return web.json_response(self.town)

    async def _post(self, request: web.Request) -> web.Response:
        path, body = request.match_info["path"], await request.json()
        with self._changed:
            self.posts.append((path, body))
            self._changed.notify_all()
        if path in self.held:
            await asyncio.to_thread(self.held[path].wait, PATIENCE)
        answering = self.answers.get(path)
        status, answer = answering(body) if answering else (200, {"ok": True})
        return web.json_response(answer, status=status)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"retry: 20\n\n")
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        self._streams[queue] = asyncio.get_running_loop()
        try:
            while (event := await queue.get()) is not None:
                await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        except ConnectionError:
            pass  # the page was closed
        finally:
            del self._streams[queue]
        return response

    async def _shut_down(self, app: web.Application) -> None:
        for queue in self._streams:
            queue.put_nowait(None)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(Path(__file__).parent / request.match_info["name"])

    async def _page(self, request: web.Request) -> web.StreamResponse:
        path = PAGE / (request.match_info.get("file") or "index.html")
        return web.FileResponse(path, headers={"Cache-Control": "max-age=600"})
