"""A running emulator, its people, and Slack's own client for its Web API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import ClientSession, ClientTimeout
from slack_sdk.web.async_client import AsyncWebClient

from actions.clock import ManualClock
from bot.playground import cast
from bot.playground.emulator import Emulator
from bot.playground.host import Host
from tests.emulator.doubles import People, Running
from tests.waiting import PATIENCE

IMPATIENT = 0.4  # seconds that the emulator waits for an acknowledgement which a test does not give; Slack waits three


@pytest.fixture
def ack_timeout() -> float:
    """Real seconds; a test that is about a missing acknowledgement parametrizes it with `IMPATIENT`."""
    return PATIENCE / 2


@pytest.fixture
def running(ack_timeout: float) -> Iterator[Running]:
    clock = ManualClock()
    emulator = Emulator(clock, ack_timeout=ack_timeout, warning_grace=0.2)
    with Host(emulator.app()) as url:
        yield Running(emulator, clock, url)


@pytest.fixture
async def people(running: Running) -> AsyncIterator[People]:
    async with ClientSession(timeout=ClientTimeout(total=PATIENCE)) as session:
        yield People(session, running.url)


@pytest.fixture
def web(running: Running) -> AsyncWebClient:
    return AsyncWebClient(cast.BOT_TOKEN, base_url=running.api)
