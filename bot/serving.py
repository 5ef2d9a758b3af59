"""Runs the program until it is stopped: assembled anew whenever another catalogue has come into force (A9)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from actions.errors import TwokeyError
from approvals.request import Request, State
from bot import slack
from bot.app import Program, Role
from bot.rounds import Timer
from bot.running import Running
from bot.slack import Identity

if TYPE_CHECKING:  # Bolt takes a while to import, and a runner has no use for it
    from bot.projector import Projector

FOLLOW = 2  # seconds between looks for another catalogue in force
GRACE = 5.0  # seconds that a run under way is given at the end; what takes longer is read back by the next process

_log = logging.getLogger(__name__)


async def serve(
    program: Program,
    role: Role,
    stop: asyncio.Event,
    http_port: int | None = None,
    on_ready: Callable[[], object] | None = None,
    on_successor: Callable[[Program], object] = lambda program: None,
) -> None:
    """Work until `stop` is set. `on_ready` hears of the first one that is, `on_successor` of every later program.

    Raises ConfigError where Slack, the policy or a port is not as it must be.
    """
    told = False

    def ready() -> None:
        nonlocal told
        if on_ready is not None and not told:
            told = True
            on_ready()

    while await _Stint(program, role, stop, http_port, ready).run() and not stop.is_set():
        # A guard goes on watching beside the successor, which starts what is new.
        threading.Thread(target=_see_out, args=[program, stop.is_set], name="see out", daemon=True).start()
        program = await asyncio.to_thread(program.successor)
        on_successor(program)


def _see_out(program: Program, over: Callable[[], bool]) -> None:
    """Its last run takes the connections to the store along, which it needed until then."""
    try:
        program.gate.see_out(over)
    finally:
        program.engine.dispose()


@dataclass
class _Stint:
    """One program at work, until `stop` is set or another catalogue comes into force: `over`, either way."""

    program: Program
    role: Role
    stop: asyncio.Event
    http_port: int | None
    on_ready: Callable[[], object]
    over: asyncio.Event = field(default_factory=asyncio.Event)
    outgrown: bool = False

    async def run(self) -> bool:
        """Whether it ended because another catalogue is in force, by which the program's successor goes."""
        program = self.program
        try:
            await self._run()
        finally:
            await program.reader.close()
            await asyncio.to_thread(program.readings.flush)
            program.ledger.on_change = lambda request_id, state, new: None
            program.engine.dispose()
        return self.outgrown

    async def _run(self) -> None:
        program = self.program
        identity = await slack.identify(slack.async_client(program.settings))
        if program.first:
            await asyncio.to_thread(program.files.check, program.directory, program.registry)
        # Before any entry, to find a gap (L3).
        await asyncio.to_thread(lambda: program.pulse.start(self.role, program.state()))
        if program.first and self.role != "runner":  # a runner has no say in what it judges by
            await asyncio.to_thread(program.files.put_forward, program.charter)
        follow = asyncio.create_task(self._follow())
        try:
            if not await asyncio.to_thread(self._overtaken):
                await self._work(identity)
        finally:
            follow.cancel()
            await asyncio.to_thread(program.pulse.stop, program.state())

    async def _follow(self) -> None:
        """Ends the work at `stop`, and when another catalogue is in force than ours (A9)."""
        while not self.stop.is_set():
            with contextlib.suppress(TwokeyError):  # a store that does not answer says nothing of it either
                if await asyncio.to_thread(self._overtaken):
                    break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), FOLLOW)
        self.over.set()

    def _overtaken(self) -> bool:
        self.outgrown = self.outgrown or self.program.charter.outgrown()
        return self.outgrown

    async def _work(self, identity: Identity) -> None:
        program, over = self.program, self.over
        projector: Projector | None = None
        parts: list[Coroutine[Any, Any, None]] = []
        connected = asyncio.Event()
        if self.role != "runner":
            gateway = program.gateway(identity)
            projector = gateway.projector
            parts.append(gateway.run(over, self.http_port, connected))
            parts.append(gateway.announcing.run(over))
            parts.append(self._get_ready())
        else:
            connected.set()
        running = Running(program.ledger, program.gate)
        if self.role != "gateway":
            parts.append(running.run(over, self._grace))

        def ring(request_id: str, state: State, new: Request | None) -> None:
            running.ring(state)
            if projector is not None:
                projector.ring(request_id, new)

        program.ledger.on_change = ring
        timer = Timer(program.rounds(self.role))
        timer.start()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(part) for part in parts]
                tasks[0].add_done_callback(lambda _: connected.set())
                group.create_task(self._announce(connected))
        except* TwokeyError as errors:
            raise _first(errors) from None
        finally:
            over.set()
            await timer.stop()

    def _grace(self) -> float:
        """Seconds for which runs under way hold up the end. Beside a successor they go on, so it need not wait."""
        return 0.0 if self.outgrown else GRACE

    async def _announce(self, connected: asyncio.Event) -> None:
        await connected.wait()
        if not self.over.is_set():
            self.on_ready()

    async def _get_ready(self) -> None:
        """Finds what the models' endpoints enforce, beside everything else."""
        probing = asyncio.create_task(self.program.reader.get_ready())
        end = asyncio.create_task(self.over.wait())
        await asyncio.wait({probing, end}, return_when=asyncio.FIRST_COMPLETED)
        end.cancel()
        if not probing.done():
            probing.cancel()
            return
        for found in probing.result():
            _log.info("model endpoint %s: %s", found.name, found.say)


def _first(errors: BaseExceptionGroup[TwokeyError]) -> BaseException:
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
