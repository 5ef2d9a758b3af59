"""Those who race for a request, each a process of its own: `python -m tests.hostile.contenders FOLDER URL SEED`.

A line names a round, a request, its digest and the waves in which the parts begin; those of one wave begin at once, and
the next one begins when all of them are done. When the last is done a line says how many came too late. So it is the
seed that has them meet in every order, and not how quiet the machine is.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Connection, event

from approvals.ballot import DecisionRefused
from approvals.moves import Outrun
from approvals.request import IllegalMove
from tests.approvals.doubles import ANA, BEN, CARLA, House
from tests.hostile.outside import World

HOUR = 3600.0
LONGEST = 0.002  # seconds that one of them holds back at a time

Waves = Sequence[Sequence[str]]


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


def waves(seed: str, number: int) -> Waves:
    """Who comes in this round, and in which order: somebody approves, each other one comes every other time.

    Every third round all begin at once; in the others each is as likely to begin with the one before as after it.
    """
    chance = random.Random(f"{seed} {number}")  # noqa: S311 - an order of events, not a secret
    coming = [part for part in PARTS if part == "approve" or chance.random() < 1 / 2]
    chance.shuffle(coming)
    if chance.random() < 1 / 3:
        return [coming]
    found: list[list[str]] = []
    for part in coming:
        if found and chance.random() < 1 / 2:
            found[-1].append(part)
        else:
            found.append([part])
    return found


class Contender:
    """One part, which holds back where the seed says so: before it begins, and at both edges of its transactions."""

    def __init__(self, house: House, part: str, seed: str) -> None:
        self.house = house
        self._part, self._seed, self._chance = part, seed, random.Random()  # noqa: S311 - the same
        event.listen(house.engine, "begin", self._hold_back)
        event.listen(house.engine, "commit", self._hold_back)

    def act(self, number: int, request_id: str, digest: str) -> bool:
        """The part in one round, and whether it was in time; being too late is no failure."""
        self._chance.seed(f"{self._seed} {number} {self._part}")
        self._hold_back()
        try:
            PARTS[self._part](self.house, request_id, digest)
        except (DecisionRefused, Outrun, IllegalMove):
            return False
        return True

    def _hold_back(self, _connection: Connection | None = None) -> None:
        if self._chance.random() < 1 / 3:
            time.sleep(self._chance.random() * LONGEST)  # for nothing: others are to come in between


def main(folder: str, url: str, seed: str) -> None:
    """Until standard input ends."""
    pipes = {part: _forked(folder, url, part, seed) for part in PARTS}
    print("ready", flush=True)  # noqa: T201 - the referee waits for it
    for line in sys.stdin:
        number, request_id, digest, *order = line.split()
        answers = b""
        for wave in order:
            parts = [pipes[part] for part in wave.split(",")]
            for orders, _ in parts:
                os.write(orders, f"{number} {request_id} {digest}\n".encode())
            answers += b"".join(os.read(answer, 1) or b"?" for _, answer in parts)
        print("broken" if b"?" in answers else answers.count(b"-"), flush=True)  # noqa: T201 - the same


def _forked(folder: str, url: str, part: str, seed: str) -> tuple[int, int]:
    """A process that plays one part: where it takes orders, and where it says that it is done."""
    orders, order = os.pipe()
    answer, answers = os.pipe()
    if os.fork():
        os.close(orders)
        os.close(answers)
        return order, answer
    os.close(order)
    contender = Contender(World(Path(folder), url).own_time(), part, seed)
    with os.fdopen(orders) as lines:
        for line in lines:
            number, request_id, digest = line.split()
            os.write(answers, b"+" if contender.act(int(number), request_id, digest) else b"-")
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
