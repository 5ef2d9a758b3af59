"""The fixtures of this room's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from actions.clock import ManualClock
from approvals.store import open_store
from bot.cards import Cards
from bot.writer import Writer
from tests.bot.scene import ACKNOWLEDGED, Scene, scene
from tests.ports import held_port
from tests.stores import forget, store_url


@dataclass
class EdgeStore:
    """A store with the edge's tables, and a clock that is driven."""

    engine: Engine
    clock: ManualClock


@pytest.fixture
def port() -> Iterator[int]:
    """Where the program may listen for Slack's requests."""
    with held_port() as held:
        yield held


@pytest.fixture
def ack_timeout() -> float:
    """Real seconds; a test that is about a missing acknowledgement parametrizes it with fewer."""
    return ACKNOWLEDGED


@pytest.fixture
async def slack(tmp_path: Path, ack_timeout: float) -> AsyncIterator[Scene]:
    """Slack with its people; the program is not running yet."""
    async with scene(tmp_path, ack_timeout=ack_timeout) as found:
        yield found


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EdgeStore]:
    engine = open_store(store_url(tmp_path / "edge.db"))
    yield EdgeStore(engine, ManualClock())
    engine.dispose()
    forget(tmp_path / "edge.db")


@pytest.fixture
def slack_store(store: EdgeStore) -> Cards:
    return Cards(Writer(store.engine), store.clock)
