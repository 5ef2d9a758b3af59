"""One message that updates itself while a long read is under way."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from actions.outcome import Step
from bot.blocks.answers import progress
from bot.stage import Stage

PATIENCE = 1.0  # seconds before an ordinary read says that it is still looking
PACE = 1.0  # seconds between two updates


class Watching:
    """Told of steps from any thread; shows the newest, at most one a second, and nothing once the block has ended."""

    def __init__(self, stage: Stage, title: str, at_once: bool) -> None:
        self._stage, self._title, self._at_once = stage, title, at_once
        self._steps: list[Step] = []
        self._fresh = False
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None

    def __call__(self, step: Step) -> None:
        """A step; called by the thread that does the work."""
        self._loop.call_soon_threadsafe(self._heard, step)

    def _heard(self, step: Step) -> None:
        self._steps, self._fresh = [step], True

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._show())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Waits for what is being posted, so that the answer takes its place and never stands beside it."""
        self._ended.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _show(self) -> None:
        if not self._at_once and await self._over(PATIENCE):
            return
        await self._stage.show(progress(self._title, self._steps))
        while not await self._over(PACE):
            if self._fresh:
                self._fresh = False
                await self._stage.show(progress(self._title, self._steps))

    async def _over(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)
        return self._ended.is_set()
