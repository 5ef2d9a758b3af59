"""Runs an aiohttp application in a thread of its own, on loopback and a port that the system chooses."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType

from aiohttp import web


class Host:
    """`with Host(app) as url:`; the application answers from then on, until the block ends."""

    def __init__(self, app: web.Application, port: int = 0) -> None:
        self._app, self._port = app, port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="playground", daemon=True)
        self._runner: web.AppRunner | None = None
        self.url = ""  # "http://127.0.0.1:<port>", once started

    def start(self) -> str:
        """The base URL without a trailing slash. Raises OSError where the port is taken."""
        self._thread.start()
        try:
            self.url = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result()
        except BaseException:
            self.stop()
            raise
        return self.url

    def stop(self) -> None:
        """Closes every connection, ends whatever is still at work, and then the thread."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> str:
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return f"http://127.0.0.1:{port}"

    async def _end(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
