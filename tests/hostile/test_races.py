"""A5, E1: approve, deny, withdraw, expire and run at the same moment: never two ends, never an effect after a deny.

TWOKEY_ROUNDS says how often, TWOKEY_SEED in which orders; a failure names its seed.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from approvals import audit
from approvals.request import Request, State
from tests import postgres
from tests.approvals.doubles import House
from tests.hostile import contenders
from tests.hostile.contenders import PARTS
from tests.hostile.outside import World
from tests.stores import template

ROUNDS = int(os.environ.get("TWOKEY_ROUNDS", "300"))
SEED = os.environ.get("TWOKEY_SEED") or str(random.SystemRandom().randrange(10**6))
ROOT = Path(__file__).parents[2]


def referee(house: House, world: World, race: Callable[[Request], None]) -> None:
    """Every round's laws, and at the end those of the log."""
    ends: set[State] = set()
    for number in range(ROUNDS):
        say = f"TWOKEY_SEED={SEED}, round {number}"
        request = house.asked()
        race(request)
        end = house.gate.run(request.id) if house.ledger.get(request.id).state is State.READY else None
        after = end or house.ledger.get(request.id)
        if not after.state.final:  # nobody came in time; it is not left to stand in the next round's way
            contenders.deny(house, request.id, request.plan.digest)
            after = house.ledger.get(request.id)
        ends.add(after.state)
        deciders = [decision.approver for decision in after.decisions]
        assert len(set(deciders)) == len(deciders), say
        denied = any(not decision.approve for decision in after.decisions)
        assert after.state is not State.SUCCEEDED or not denied, say
        assert (request.id in world.cluster.landed()[-1:]) is (after.state is State.SUCCEEDED), say
    landed = world.cluster.landed()
    assert len(set(landed)) == len(landed), SEED
    entries = [entry.fields for entry in house.ledger.entries()]
    assert isinstance(audit.verify(house.ledger.entries()), audit.Verified)
    assert audit.replay(entries) == house.ledger.states(), SEED
    assert _never_after_a_deny(entries), SEED
    print(f"\nraced: {ROUNDS} rounds, {len(landed)} effects, TWOKEY_SEED={SEED}")  # noqa: T201 - `make soak` shows it
    assert len(ends) > 1, "the race has more than one winner"


def _never_after_a_deny(entries: list[dict[str, Any]]) -> bool:
    denied: set[str] = set()
    for entry in entries:
        if entry["kind"] == "request.denied":
            denied.add(entry["request"])
        elif entry["kind"] == "request.running" and entry["request"] in denied:
            return False
    return True


def test_threads_on_sqlite_race_to_one_end(tmp_path: Path) -> None:
    world = World(tmp_path, f"sqlite:///{tmp_path / 'twokey.db'}")
    house = world.own_time()
    houses = {part: world.own_time() for part in PARTS}
    chances = {part: random.Random(f"{SEED} {part}") for part in PARTS}  # noqa: S311 - an order of events
    with ThreadPoolExecutor(len(PARTS)) as pool:

        def race(request: Request) -> None:
            jobs = [
                pool.submit(contenders.act, houses[part], part, request.id, request.plan.digest, chances[part])
                for part in PARTS
            ]
            for job in jobs:
                job.result(120)

        referee(house, world, race)
    for one in (house, *houses.values()):
        one.close()


@pytest.mark.skipif(postgres.binaries() is None, reason="no PostgreSQL: apt-get install postgresql")
def test_processes_on_postgresql_race_to_one_end(tmp_path: Path) -> None:
    server = postgres.server()
    name = server.create(template())
    world = World(tmp_path, server.url(name))
    house = world.own_time()
    command = [sys.executable, "-m", "tests.hostile.contenders", str(tmp_path), world.url, SEED]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as processes:
        assert processes.stdin
        assert processes.stdout
        assert processes.stdout.readline() == "ready\n"

        def race(request: Request) -> None:
            assert processes.stdin
            assert processes.stdout
            processes.stdin.write(f"{request.id} {request.plan.digest}\n")
            processes.stdin.flush()
            assert processes.stdout.readline() == "done\n", SEED

        referee(house, world, race)
        processes.stdin.close()
    house.close()
    server.drop(name)
