"""E1, E2, L1: a crew that dies all the time gives every request an outcome, and none a second effect.

TWOKEY_SOAK says how many requests (`make soak`: 2,000), TWOKEY_SEED who dies and when.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from approvals import audit
from approvals.request import State
from tests import postgres
from tests.hostile.outside import World
from tests.hostile.soak import asked
from tests.stores import template

COUNT = int(os.environ.get("TWOKEY_SOAK", "150"))
SEED = os.environ.get("TWOKEY_SEED") or str(random.SystemRandom().randrange(10**6))
PATIENCE = 120.0 + COUNT * 2  # seconds


@pytest.mark.skipif(postgres.binaries() is None, reason="no PostgreSQL: apt-get install postgresql")
def test_two_gateways_and_two_runners_of_which_one_dies_every_second(tmp_path: Path) -> None:
    server = postgres.server()
    name = server.create(template())
    world = World(tmp_path, server.url(name))
    house = world.house()
    command = [sys.executable, "-m", "tests.hostile.soak", str(tmp_path), world.url, str(COUNT), SEED]
    until = time.monotonic() + PATIENCE
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as crew:
        while asked(house) < COUNT or not all(state.final for state in house.ledger.states().values()):
            assert time.monotonic() < until, f"TWOKEY_SEED={SEED}: {house.ledger.states()}"
            time.sleep(0.5)  # nobody tells when the last one is over
            world.advance(5)  # time passes ten times as fast, so that a lease lapses in three seconds
        deaths = int(crew.communicate("stop\n")[0])
    states, landed = house.ledger.states(), world.cluster.landed()
    print(f"\nsoaked: {COUNT} requests, {deaths} deaths, {len(landed)} effects")  # noqa: T201 - `make soak` shows it
    assert deaths > 0
    assert set(states.values()) <= {State.SUCCEEDED, State.FAILED}, SEED
    assert sorted(landed) == sorted(name for name, state in states.items() if state is State.SUCCEEDED), SEED
    assert isinstance(audit.verify(house.ledger.entries()), audit.Verified)
    assert audit.replay(entry.fields for entry in house.ledger.entries()) == states, SEED
    house.close()
    server.drop(name)
