"""A log may be longer than any memory: whoever verifies it holds an entry at a time (L2, L5)."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from approvals import audit
from approvals.audit import Entry, seal
from approvals.audit.verification import BEGINNING
from approvals.checkpoints import Checkpoints
from approvals.keyring import Keyring
from approvals.request import State
from approvals.sealing import seal_before
from bot.cli.audit import opened
from tests.approvals.doubles import House
from tests.approvals.logs import following, independent, put

ENTRIES, BYTES = 120, 50_000
SEALED, SAID = 7_000, 2_000  # a store gives 2048 at once


def read(file: Path) -> None:
    assert sum(1 for _ in opened.log_of_file(file).entries()) == ENTRIES


def replayed(file: Path) -> None:
    assert seal.contradiction(opened.log_of_file(file).entries, BEGINNING, dict[str, State]()) is None


def by_the_other(file: Path) -> None:
    with file.open(encoding="utf-8", newline="\n") as log:
        assert independent().check_log(log, [], []) == ENTRIES


@pytest.mark.parametrize("walk", [read, replayed, by_the_other])
def test_memory_does_not_grow_with_the_log(walk: Callable[[Path], None], tmp_path: Path) -> None:
    log: list[Entry] = []
    for _ in range(ENTRIES):
        log.append(following(log, {"state": None, "say": "x" * BYTES}))
    file = tmp_path / "log.jsonl"
    file.write_text("".join(f"{audit.as_line(entry)}\n" for entry in log))
    log.clear()
    assert most_held(lambda: walk(file)) < ENTRIES * BYTES / 2


def test_sealing_holds_no_more_of_the_log_than_verifying_it(house: House, tmp_path: Path) -> None:
    """L2: what is archived is read as it is walked, too."""
    log: list[Entry] = []
    for _ in range(SEALED):
        log.append(following(log, {"say": "x" * SAID}))
    put(house.engine, log)
    log.clear()
    house.clock.advance(60)
    keys = Keyring(file=tmp_path / "key")
    Checkpoints(house.engine, keys, house.clock).make()
    before, folder = house.clock.now(), tmp_path / "archive"
    held = most_held(lambda: seal_before(house.engine, house.ledger, keys.key(), before, folder))
    assert house.ledger.logbook.start().tree.size == SEALED
    assert held < SEALED * SAID


def most_held(work: Callable[[], object]) -> int:
    """The most bytes that were in memory at once while that was done."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
