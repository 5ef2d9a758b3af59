"""Those who race for a request, each a process of its own: `python -m tests.hostile.contenders FOLDER URL SEED`.

A line names a request and its digest; each process waits a moment that the seed chooses, and does its part. When all
are done a line says so.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from actions.errors import TwokeyError
from tests.approvals.doubles import ANA, BEN, CARLA, House
from tests.hostile.outside import World

HOUR = 3600.0
LONGEST = 0.01  # seconds that one of them holds back, so that they meet in every order


def approve(house: House, request_id: str, digest: str) -> None:
    """Ben turns the second key."""
    house.gate.decide(request_id, digest, BEN, approve=True)


def deny(house: House, request_id: str, digest: str) -> None:
    """Carla says no."""
    house.gate.decide(request_id, digest, CARLA, approve=False)


def withdraw(house: House, request_id: str, _digest: str) -> None:
    """Ana takes it back."""
    house.gate.withdraw(request_id, ANA)


def expire(house: House, _request_id: str, _digest: str) -> None:
    """An hour passes for one of the processes."""
    house.clock.advance(HOUR)
    house.gate.keep_time()


def run(house: House, request_id: str, _digest: str) -> None:
    """A runner that cannot wait."""
    house.gate.run(request_id)


PARTS: dict[str, Callable[[House, str, str], None]] = {
    part.__name__: part for part in (approve, deny, withdraw, expire, run)
}


def act(house: House, part: str, request_id: str, digest: str, chance: random.Random) -> None:
    """One part in one round; being too late is no failure."""
    until = time.perf_counter() + chance.random() * LONGEST
    while time.perf_counter() < until:
        pass
    try:
        PARTS[part](house, request_id, digest)
    except TwokeyError as error:
        if type(error).__name__ not in {"DecisionRefused", "Outrun", "IllegalMove"}:
            raise


def main(folder: str, url: str, seed: str) -> None:
    """Until standard input ends."""
    pipes = [_forked(folder, url, part, seed) for part in PARTS]
    print("ready", flush=True)  # noqa: T201 - the referee waits for it
    for line in sys.stdin:
        for order, _ in pipes:
            os.write(order, line.encode())
        all_done = all(os.read(answer, 1) == b"." for _, answer in pipes)
        print("done" if all_done else "broken", flush=True)  # noqa: T201 - the same


def _forked(folder: str, url: str, part: str, seed: str) -> tuple[int, int]:
    """A process that plays one part: where it takes orders, and where it says that it is done."""
    orders, order = os.pipe()
    answer, answers = os.pipe()
    if os.fork():
        os.close(orders)
        os.close(answers)
        return order, answer
    os.close(order)
    house = World(Path(folder), url).own_time()
    chance = random.Random(f"{seed} {part}")  # noqa: S311 - an order of events, not a secret
    with os.fdopen(orders) as lines:
        for line in lines:
            request_id, digest = line.split()
            act(house, part, request_id, digest, chance)
            os.write(answers, b".")
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
