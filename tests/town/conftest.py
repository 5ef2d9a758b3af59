"""A town on a clock that the test drives."""

from __future__ import annotations

import pytest

from actions.clock import ManualClock
from bot.playground.town.world import World
from tests.town.steering import Steering


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def world(clock: ManualClock) -> World:
    return World(clock)


@pytest.fixture
def steering(world: World, clock: ManualClock) -> Steering:
    return Steering(world, clock)
