"""A log may be longer than any memory: whoever verifies it holds an entry at a time (L2, L5)."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from approvals import audit
from approvals.audit import Entry, seal
from approvals.audit.verification import BEGINNING
from approvals.request import State
from bot.cli.audit import opened
from tests.approvals.logs import following, independent

ENTRIES, BYTES = 120, 50_000


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
    tracemalloc.start()
    try:
        walk(file)
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert held < ENTRIES * BYTES / 2
