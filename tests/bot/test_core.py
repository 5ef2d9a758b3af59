"""A process keeps to one core at a time, and the kernel says to which."""

from __future__ import annotations

import contextlib
import os
import resource
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.core import Core

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2, reason="needs Linux and two cores"
)


@pytest.fixture
def allowed() -> Iterator[set[int]]:
    """The cores that the tests may use, and may use again afterwards."""
    found = os.sched_getaffinity(0)
    yield found
    _move(found)


@pytest.fixture
def beside() -> Iterator[int]:
    """A thread that was there before."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    assert thread.native_id is not None
    yield thread.native_id
    end.set()
    thread.join()


def test_every_thread_is_held_to_one_core_and_let_go_again(allowed: set[int], beside: int) -> None:
    core = Core()
    core.hold()
    held = os.sched_getaffinity(0)
    assert len(held) == 1 and held < allowed
    assert os.sched_getaffinity(beside) == held == _of_a_new_thread()

    core.let_go()
    assert os.sched_getaffinity(0) == os.sched_getaffinity(beside) == _of_a_new_thread() == allowed


@pytest.mark.parametrize("which", [min, max])
def test_it_is_the_core_where_the_kernel_has_the_process(
    allowed: set[int], beside: int, which: Callable[[set[int]], int]
) -> None:
    core = Core()
    _move({which(allowed)})  # the kernel has no choice
    core.hold()
    assert os.sched_getaffinity(beside) == {which(allowed)}


def test_whoever_else_decides_where_it_may_run_is_obeyed(allowed: set[int], beside: int) -> None:
    core = Core()
    core.hold()
    elsewhere = {next(iter(allowed - os.sched_getaffinity(0)))}
    _move(elsewhere)
    core.let_go()
    assert os.sched_getaffinity(beside) == elsewhere
    assert not core.has_others


def test_too_many_open_files_leave_it_on_its_core_for_no_longer_than_they_last(allowed: set[int], beside: int) -> None:
    """Whoever lets it go again must not fall over, or a busy core would be its own for good."""
    core = Core()
    core.hold()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, most[1]))
    try:
        core.let_go()
        core.hold()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, most)
    core.let_go()
    assert os.sched_getaffinity(beside) == allowed


def _of_a_new_thread() -> set[int]:
    found: list[set[int]] = []
    thread = threading.Thread(target=lambda: found.append(os.sched_getaffinity(0)))
    thread.start()
    thread.join()
    return found[0]


def _move(cores: set[int]) -> None:
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.sched_setaffinity(int(thread.name), cores)
