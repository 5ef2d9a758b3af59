"""Runs the program until it is stopped: assembled anew whenever another catalogue has come into force (A9)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from bot.app import Program, Role


async def serve(
    program: Program,
    role: Role,
    stop: asyncio.Event,
    http_port: int | None = None,
    on_ready: Callable[[], object] | None = None,
    on_successor: Callable[[Program], object] = lambda program: None,
) -> None:
    """Work until `stop` is set. `on_ready` hears of the first one that is, `on_successor` of every later program.

    Raises ConfigError as `Program.run` does.
    """
    told = False

    def ready() -> None:
        nonlocal told
        if on_ready is not None and not told:
            told = True
            on_ready()

    await program.run(role, stop, http_port, ready)
    while program.outgrown and not stop.is_set():
        # A guard goes on watching beside the successor, which starts what is new.
        threading.Thread(target=program.gate.see_out, args=[stop.is_set], name="see out", daemon=True).start()
        program = await asyncio.to_thread(program.successor)
        on_successor(program)
        await program.run(role, stop, http_port, ready)
