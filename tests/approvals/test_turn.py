"""The writers of one process take turns, and nobody is passed over."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from approvals.store.turn import Late, Turn
from tests.waiting import PATIENCE, until


def queue_up(turn: Turn, number: int, work: Callable[[int], None]) -> list[threading.Thread]:
    """So many threads that wait for it, in their order; to be called while somebody has it."""

    def take(which: int) -> None:
        with turn.taken():
            work(which)

    threads = [threading.Thread(target=take, args=(which,)) for which in range(number)]
    for place, thread in enumerate(threads):
        thread.start()
        until(lambda place=place: turn.waiting == place + 1, "one more in the queue")  # type: ignore[misc]  # a default
    return threads


def test_whoever_came_first_writes_first() -> None:
    """So that none waits longer than all who were there before take, however busy the one that writes is."""
    turn, wrote = Turn(PATIENCE), list[int]()
    with turn.taken():
        threads = queue_up(turn, 5, wrote.append)
    with turn.taken():  # at once again, and yet behind all of them
        assert wrote == [0, 1, 2, 3, 4]
    for thread in threads:
        thread.join(PATIENCE)


def test_who_waits_too_long_leaves_and_holds_up_nobody() -> None:
    """L1: what was not written is said, and the next one still comes."""
    turn, wrote = Turn(0.01), list[int]()
    with turn.taken(), pytest.raises(Late), turn.taken():
        wrote.append(1)
    assert turn.waiting == 0
    with turn.taken():
        wrote.append(2)
    assert wrote == [2]


def test_whoever_breaks_off_lets_the_next_one_write() -> None:
    """L1."""
    turn, wrote = Turn(PATIENCE), list[int]()
    with pytest.raises(RuntimeError), turn.taken():
        threads = queue_up(turn, 1, wrote.append)
        raise RuntimeError
    threads[0].join(PATIENCE)
    assert wrote == [0]


def test_one_writes_at_a_time() -> None:
    """Also where many come, give up and come again at once."""
    turn, inside, most, late = Turn(0.002), 0, 0, 0
    counting = threading.Lock()

    def often() -> None:
        nonlocal inside, most, late
        for _ in range(200):
            try:
                with turn.taken():
                    inside += 1
                    most = max(most, inside)
                    threading.Event().wait(0.0005)
                    inside -= 1
            except Late:
                with counting:
                    late += 1

    threads = [threading.Thread(target=often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert (most, inside, turn.waiting) == (1, 0, 0)
    assert late, "nobody gave up, so that was not tried"
    with turn.taken():
        assert most == 1
