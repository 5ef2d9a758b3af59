"""Notes deliveries as worked on, those of one moment together: each by itself would cost a commit and a thread."""

from __future__ import annotations

import asyncio

from bot.inbox import Inbox

MOMENT = 0.05  # seconds; what a process that dies in them had noted is worked on again, and found to be done (S2)


class Closing:
    """One per gateway process, used by its event loop alone."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._keys: list[str] = []
        self._next: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    async def close(self, key: str) -> None:
        """This delivery is worked on; returns once that is written. Raises StoreDown."""
        self._keys.append(key)
        if self._next is None:
            self._next = asyncio.create_task(self._write())
            self._under_way.add(self._next)
            self._next.add_done_callback(self._under_way.discard)
        await asyncio.shield(self._next)  # which writes for others, too

    async def finish(self) -> None:
        """Whatever was to be noted is written, or was told to whom it concerns; also where nobody waits any more."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _write(self) -> None:
        await asyncio.sleep(MOMENT)
        keys, self._keys, self._next = self._keys, [], None
        await asyncio.to_thread(self._inbox.done, *keys)
