"""A5, E1: approve, deny, withdraw, expire and run at the same moment: never two ends, never an effect after a deny.

TWOKEY_ROUNDS says how often, TWOKEY_SEED in which orders and with which pauses; a failure names its seed. What the
machine adds is which of those that begin at once comes first.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from approvals import audit
from approvals.request import Request, State
from tests import postgres
from tests.approvals.doubles import House
from tests.hostile.contenders import PARTS, Contender, Waves, waves
from tests.hostile.outside import World
from tests.stores import template

ROUNDS = int(os.environ.get("TWOKEY_ROUNDS", "300"))
SEED = os.environ.get("TWOKEY_SEED") or str(random.SystemRandom().randrange(10**6))
ROOT = Path(__file__).parents[2]
VETOED = (State.DENIED, State.REFUSED)  # before and after the approval
ENDS = (State.SUCCEEDED, *VETOED, State.WITHDRAWN, State.EXPIRED)


def referee(house: House, world: World, race: Callable[[int, Request, Waves], int]) -> None:
    """Every round's laws, and at the end those of the log. A race says how many came too late."""
    ends: Counter[State] = Counter()
    at_once: Counter[State] = Counter()
    late = 0
    for number in range(ROUNDS):
        order = waves(SEED, number)
        say = f"TWOKEY_SEED={SEED}, round {number}: {order}"
        request = house.asked()
        late += race(number, request, order)
        approved = house.ledger.get(request.id).state is State.READY
        after = house.gate.run(request.id) if approved else house.ledger.get(request.id)
        assert after.state in ENDS, say
        ends[after.state] += 1
        at_once[after.state] += len(order) == 1 < len(order[0])
        deciders = [decision.approver for decision in after.decisions]
        assert len(set(deciders)) == len(deciders), say
        denied = any(not decision.approve for decision in after.decisions)
        assert denied is (after.state in VETOED), say
        assert (request.id in world.cluster.landed()[-1:]) is (after.state is State.SUCCEEDED), say
    landed = world.cluster.landed()
    assert len(set(landed)) == len(landed) == ends[State.SUCCEEDED], SEED
    entries = [entry.fields for entry in house.ledger.entries()]
    assert isinstance(audit.verify(house.ledger.entries()), audit.Verified)
    assert audit.replay(entries) == house.ledger.states(), SEED
    assert _never_after_a_deny(entries), SEED
    print(  # noqa: T201 - `make soak` shows it
        f"\nraced on {house.engine.dialect.name}: {ROUNDS} rounds: {_told(ends)}; {late} came too late; "
        f"of {at_once.total()} that all began at once: {_told(at_once)}; TWOKEY_SEED={SEED}"
    )
    assert min(ends[end] for end in ENDS) > ROUNDS // 50, "every end comes about, and often"


def _told(ends: Counter[State]) -> str:
    return ", ".join(f"{ends[end]} {end.value}" for end in ENDS)


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
    contenders = {part: Contender(world.own_time(), part, SEED) for part in PARTS}
    with ThreadPoolExecutor(len(PARTS)) as pool:

        def race(number: int, request: Request, order: Waves) -> int:
            late = 0
            for wave in order:
                jobs = [pool.submit(contenders[part].act, number, request.id, request.plan.digest) for part in wave]
                late += sum(not job.result(120) for job in jobs)
            return late

        referee(house, world, race)
    for one in (house, *(contender.house for contender in contenders.values())):
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

        def race(number: int, request: Request, order: Waves) -> int:
            assert processes.stdin
            assert processes.stdout
            told = " ".join(",".join(wave) for wave in order)
            processes.stdin.write(f"{number} {request.id} {request.plan.digest} {told}\n")
            processes.stdin.flush()
            said = processes.stdout.readline().strip()
            assert said.isdigit(), f"TWOKEY_SEED={SEED}, round {number}: {said or 'they died'}"
            return int(said)

        referee(house, world, race)
        processes.stdin.close()
    house.close()
    server.drop(name)
