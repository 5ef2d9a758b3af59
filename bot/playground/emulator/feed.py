"""Server-sent events for the page: everything that happens, to everybody who listens."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web

from bot.playground.emulator.wire import Json

BACKLOG = 1000  # changes kept for a slow listener; one that falls further behind is cut off and starts anew
KEEP_ALIVE = 15.0  # seconds


class Feed:
    """Publishes to any number of listeners."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[Json | None]] = set()

    def publish(self, change: Json) -> None:
        """Tell every listener."""
        for queue in list(self._listeners):
            if queue.qsize() >= BACKLOG:
                self._listeners.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(change)

    def close(self) -> None:
        """End every stream."""
        for queue in self._listeners:
            queue.put_nowait(None)
        self._listeners.clear()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """One listener's stream, until they leave or the emulator stops."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n")
            await self._pass_on(queue, response)
        except ConnectionError:
            pass  # the listener left
        finally:
            self._listeners.discard(queue)
        return response

    async def _pass_on(self, queue: asyncio.Queue[Json | None], response: web.StreamResponse) -> None:
        while True:
            try:
                change = await asyncio.wait_for(queue.get(), KEEP_ALIVE)
            except TimeoutError:
                await response.write(b": still here\n\n")
                continue
            if change is None:
                return
            await response.write(b"data: " + json.dumps(change).encode() + b"\n\n")
