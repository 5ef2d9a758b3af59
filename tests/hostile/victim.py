"""A program whose children are killed: `python -m tests.hostile.victim FOLDER URL`.

For each line `gateway`, `runner ID`, `watcher ID` on standard input it forks a child that stops itself at once, and
prints its process id. The child goes on when somebody continues it, does its part once, and ends with 0; with 3 where
it was told that the store is down. One import for all of them makes hundreds of crashes affordable.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from approvals.gate import DecisionRefused
from approvals.store import StoreDown
from tests.approvals.doubles import BEN
from tests.hostile.outside import World


def main(folder: str, url: str) -> None:
    """Until standard input ends."""
    world = World(Path(folder), url)
    for line in sys.stdin:
        part, *words = line.split()
        child = os.fork()
        if child == 0:
            os._exit(_part(world, part, words))
        os.waitpid(child, os.WUNTRACED)
        print(child, flush=True)  # noqa: T201 - the one who asked waits for it
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the same


def _part(world: World, part: str, words: list[str]) -> int:
    house = world.house()  # opened before the crashes begin; what is of interest comes after
    os.kill(os.getpid(), signal.SIGSTOP)
    try:
        if part == "gateway":
            request = house.asked()
            house.gate.decide(request.id, request.plan.digest, BEN, approve=True)
        elif part == "watcher":
            house.gate.watch_on(words[0])
        else:
            house.gate.run(words[0])
    except (StoreDown, DecisionRefused):
        return 3
    return 0


if __name__ == "__main__":
    main(*sys.argv[1:])
