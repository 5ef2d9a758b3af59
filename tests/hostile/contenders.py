"""One of those who race for a request: `python -m tests.hostile.contenders FOLDER URL PART SEED`.

Reads a request's id a line, waits a moment that the seed chooses, does its part, and prints a line when it is done.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from actions.errors import TwokeyError
from tests.approvals.doubles import ANA, BEN, CARLA, House
from tests.hostile.outside import World

HOUR = 3600.0
LONGEST = 0.002  # seconds that one of them holds back, so that they meet in every order


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


def main(folder: str, url: str, part: str, seed: str) -> None:
    """Until standard input ends."""
    house = World(Path(folder), url).own_time()
    chance = random.Random(f"{seed} {part}")  # noqa: S311 - an order of events, not a secret
    print("ready", flush=True)  # noqa: T201 - the referee waits for it
    for line in sys.stdin:
        act(house, part, *line.split(), chance)
        print("done", flush=True)  # noqa: T201 - the same
    house.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
