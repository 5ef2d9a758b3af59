"""twokey serve: the program itself."""

from __future__ import annotations

import asyncio
import logging
import signal
from enum import StrEnum
from typing import Annotated

import typer


class Role(StrEnum):
    """Which half of the program this process is."""

    ALL = "all"
    GATEWAY = "gateway"
    RUNNER = "runner"


def serve(
    role: Annotated[
        Role, typer.Option(help="gateway: Slack and approvals; runner: carries out; all: both.")
    ] = Role.ALL,
    http_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Take Slack's events over HTTP on this port, not Socket Mode.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more, to standard error.")] = False,
) -> None:
    """Run Twokey until it is stopped (SIGTERM or Ctrl-C)."""
    from bot import serving, settings, warmup
    from bot.app import build

    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    program = build(settings.load())

    def ready() -> None:
        print("twokey: ready", flush=True)
        warmup.start()

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await serving.serve(program, role.value, stop, http_port, ready)

    asyncio.run(run())
