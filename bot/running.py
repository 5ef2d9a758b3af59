"""The runner: takes what is ready from the ledger and has the gate run it, several targets side by side."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable

from actions.errors import TwokeyError
from approvals.gate import Gate
from approvals.ledger import Ledger
from approvals.request import Request, State
from bot.threads import in_daemon

POLL = 1.0  # seconds between looks at the ledger
AGAIN = 1.0  # seconds until one that could not start is tried again
AT_ONCE = 64  # a run mostly waits, a guarded one for an hour
OF_ONE = 16  # of them for one person who asked: nobody's runs keep all others from starting

_NOTHING_TO_START = {State.WAITING, State.RUNNING}  # one that ended may make room for another on its target

_log = logging.getLogger(__name__)


class Running:
    """One per process that holds the powers. It decides nothing: the gate judges again before each run (A3)."""

    def __init__(self, ledger: Ledger, gate: Gate) -> None:
        self._ledger, self._gate = ledger, gate
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._askers: Counter[str] = Counter()  # whose they are
        self._not_before: dict[str, float] = {}
        self._bell = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def ring(self, state: State) -> None:
        """A request came into this state. May be called from any thread."""
        loop = self._loop
        if state not in _NOTHING_TO_START and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._bell.set)

    async def run(self, stop: asyncio.Event, grace: Callable[[], float]) -> None:
        """Work until `stop`; runs that take longer than `grace` seconds after it go on alone, if the process does."""
        self._loop = asyncio.get_running_loop()
        ended = asyncio.create_task(self._ring_at(stop))
        try:
            while not stop.is_set():
                self._bell.clear()
                await self._start_ready()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._bell.wait(), POLL)
        finally:
            ended.cancel()
            self._loop = None
            if self._tasks:
                await asyncio.wait(self._tasks.values(), timeout=grace())
                for task in list(self._tasks.values()):
                    task.cancel()

    async def _ring_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._bell.set()

    async def _start_ready(self) -> None:
        try:
            ready = await asyncio.to_thread(self._ledger.ready)
            forsaken = await asyncio.to_thread(self._gate.forsaken)
        except TwokeyError as error:
            _log.warning("nothing is started: %s", error.say)
            return
        now = asyncio.get_running_loop().time()
        for request in (*forsaken, *ready):
            due = self._not_before.get(request.id, 0.0) <= now
            if due and request.id not in self._tasks and self._room_for(request):
                self._askers[request.requester.user_id] += 1
                self._tasks[request.id] = asyncio.create_task(self._run(request), name=f"run {request.id}")

    def _room_for(self, request: Request) -> bool:
        """Whether it can begin now. A guard that nobody watches is not kept waiting by its own asker's other runs."""
        fair = request.state is State.RUNNING or self._askers[request.requester.user_id] < OF_ONE
        return fair and len(self._tasks) < AT_ONCE

    async def _run(self, due: Request) -> None:
        request_id = due.id
        try:
            request: Request = await in_daemon(self._work(due), f"run {request_id}")
            if request.state in {State.READY, State.RUNNING}:
                self._later(request_id)
            else:
                self._not_before.pop(request_id, None)
        except TwokeyError as error:
            _log.warning("request %s could not be started: %s", request_id, error.say)
            self._later(request_id)
        except Exception:
            _log.exception("request %s", request_id)
            self._later(request_id)
        finally:
            self._tasks.pop(request_id, None)
            self._askers[due.requester.user_id] -= 1

    def _work(self, due: Request) -> Callable[[], Request]:
        work = self._gate.watch_on if due.state is State.RUNNING else self._gate.run
        return lambda: work(due.id)

    def _later(self, request_id: str) -> None:
        """It stays as it is: its target is busy, or something that must be asked first does not answer."""
        self._not_before[request_id] = asyncio.get_running_loop().time() + AGAIN
