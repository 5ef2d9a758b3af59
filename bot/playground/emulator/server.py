"""The emulator as one aiohttp application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from actions.clock import Clock, SystemClock
from bot.playground.emulator.answers import Answers
from bot.playground.emulator.control import Control
from bot.playground.emulator.core import Core
from bot.playground.emulator.guard import add_headers, guard
from bot.playground.emulator.interactions import Interactions
from bot.playground.emulator.socketmode import WARNING_GRACE
from bot.playground.emulator.storage import Storage
from bot.playground.emulator.webapi.dispatch import WebApi
from bot.playground.emulator.wire import Json

PAGE = Path(__file__).parent.parent / "page"
ACK_TIMEOUT = 3.0  # seconds; docs.slack.dev: every interaction, command and event within three seconds
MAX_BODY = 64 * 1024 * 1024
CONTENT_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".woff2": "font/woff2",
}


class Emulator:
    """A Slack of one workspace, in memory. `Host(Emulator().app())` serves it.

    `ack_timeout` and `warning_grace` are real seconds, whatever `clock` is; triggers, response URLs and
    redeliveries follow `clock`.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        ack_timeout: float = ACK_TIMEOUT,
        warning_grace: float = WARNING_GRACE,
        page: Path = PAGE,
    ) -> None:
        self._page = page
        self.core = Core(clock or SystemClock(), ack_timeout, warning_grace)
        self.town: Callable[[], Json] | None = None  # answers `GET /town/state`

    def http_endpoint(self, url: str | None) -> None:
        """Deliver by signed HTTP requests to `url` from now on; with None by Socket Mode again."""
        self.core.deliver_to(url)

    def app(self) -> web.Application:
        """The application; it may be served once."""
        interactions = Interactions(self.core)
        app = web.Application(middlewares=[guard], client_max_size=MAX_BODY)
        app.on_response_prepare.append(add_headers)
        app.on_shutdown.append(self._shut_down)
        api = WebApi(self.core)
        app.add_routes([web.get("/api/{method}", api.handle), web.post("/api/{method}", api.handle)])
        app.add_routes([web.get("/link/", self.core.sockets.handle)])
        app.add_routes([web.post("/response/{ticket}", Answers(self.core, interactions).handle)])
        app.add_routes(Storage(self.core).routes())
        app.add_routes(Control(self.core, interactions).routes())
        app.add_routes([web.get("/town/state", self._town_state)])
        app.add_routes([web.get("/", self._serve_page), web.get("/{file}", self._serve_page)])
        return app

    async def _town_state(self, request: web.Request) -> web.Response:
        return web.json_response(await asyncio.to_thread(self.town) if self.town is not None else {})

    async def _serve_page(self, request: web.Request) -> web.StreamResponse:
        path = self._page / (request.match_info.get("file") or "index.html")
        content_type = CONTENT_TYPES.get(path.suffix)
        if content_type is None or path.parent != self._page or not path.is_file():
            return web.Response(status=404, text="There is nothing here.")
        headers = {"Content-Type": f"{content_type}; charset=utf-8", "Cache-Control": "no-cache"}
        return web.FileResponse(path, headers=headers)

    async def _shut_down(self, app: web.Application) -> None:
        await self.core.close()
