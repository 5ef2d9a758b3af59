"""Two gateways and two runners of which one dies every second: `python -m tests.hostile.soak FOLDER URL COUNT SEED`.

They go on until standard input ends; then all are killed, and a line says how many had been before.
"""

from __future__ import annotations

import contextlib
import os
import random
import select
import signal
import sys
from pathlib import Path

from sqlalchemy import func
from sqlalchemy import select as select_rows

from actions.errors import TwokeyError
from actions.verbs.scale import Scale
from approvals.tables import requests
from tests.approvals.doubles import ANA, BEN, House
from tests.hostile.outside import World

CREW = ("gateway", "gateway", "runner", "runner")
EVERY = 1.0  # seconds between two deaths
BACKLOG, SERVICES = 20, 40


def asked(house: House) -> int:
    """How many requests there are."""
    with house.engine.connect() as connection:
        return int(connection.execute(select_rows(func.count()).select_from(requests)).scalar_one())


def gateway(house: House, chance: random.Random, count: int) -> None:
    """Asks until there are enough, and turns the second key."""
    waiting = house.ledger.waiting()
    under_way = len(waiting) + len(house.ledger.ready())  # more than the runners manage would expire
    if under_way < BACKLOG and asked(house) < count:
        house.gate.submit(Scale(service=f"s{chance.randrange(SERVICES)}", environment="prod", replicas=5), ANA, {})
    if waiting:
        request = chance.choice(waiting)
        house.gate.decide(request.id, request.plan.digest, BEN, approve=True)
    house.gate.keep_time()


def runner(house: House, chance: random.Random) -> None:
    """Runs what is ready, and reads back what others left behind."""
    ready = house.ledger.ready()
    if ready:
        house.gate.run(chance.choice(ready).id)
    house.gate.tick()


def work(world: World, part: str, count: int, seed: str) -> None:
    """One process, for as long as it lives."""
    house, chance = world.house(), random.Random(seed)  # noqa: S311 - an order of events, not a secret
    while True:
        with contextlib.suppress(TwokeyError):  # outrun by another, or the store is busy: the next turn sees
            if part == "gateway":
                gateway(house, chance, count)
            else:
                runner(house, chance)


def main(folder: str, url: str, count: str, seed: str) -> None:
    """Forks the crew, kills one of them every second, and puts a new one in its place."""
    world, chance, deaths = World(Path(folder), url), random.Random(seed), 0  # noqa: S311 - the same

    def born(part: str) -> int:
        own = f"{seed} {chance.random()}"
        child = os.fork()
        if child == 0:
            work(world, part, int(count), own)
        return child

    crew = [(born(part), part) for part in CREW]
    while not select.select([sys.stdin], [], [], EVERY)[0]:
        place = chance.randrange(len(crew))
        pid, part = crew[place]
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        crew[place] = (born(part), part)
        deaths += 1
    for pid, _ in crew:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    print(deaths, flush=True)  # noqa: T201 - the one who asked waits for it


if __name__ == "__main__":
    main(*sys.argv[1:])
