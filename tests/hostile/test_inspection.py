"""A long log in a real store, verified by several processes: what one alone says, they say together (L2)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, text

from approvals import audit
from approvals.audit import Entry, Mark
from approvals.inspection import inspect
from approvals.store import open_store, writing
from approvals.tables import audit_events
from tests import postgres
from tests.approvals.logs import a_log, put
from tests.stores import template

WIDTH = 256  # what is long for a test
SIZE = 10 * WIDTH + 100
MARKS = [Mark(size) for size in (1, WIDTH, WIDTH + 7, SIZE)]


@dataclass(frozen=True)
class Kept:
    """A log, and a store that holds it."""

    engine: Engine
    log: list[Entry]

    def tampered(self, seq: int, change: str) -> None:
        """By whoever owns the store."""
        guard = "DROP TRIGGER audit_events_{} " + ("ON audit_events" if self.engine.name == "postgresql" else "")
        name = "append_only" if self.engine.name == "postgresql" else "no_update"
        with writing(self.engine) as connection:
            connection.execute(text(guard.format(name)))
            connection.execute(text(f"UPDATE audit_events SET {change} WHERE seq = {seq}"))  # noqa: S608 - our own

    def added(self, seq: int) -> None:
        """By whoever may add entries: one that fits its hash."""
        made = audit.entry((seq - 1, audit.GENESIS), "2026-11-02T09:00:00.000000Z", "x", None, None, {})
        with writing(self.engine) as connection:
            connection.execute(insert(audit_events), {**made._asdict(), "request_id": None})


@pytest.fixture(params=["sqlite", "postgres"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    if request.param == "postgres" and postgres.binaries() is None:
        pytest.skip("no PostgreSQL: apt-get install postgresql")
    server = postgres.server() if request.param == "postgres" else None
    name = server.create(template()) if server else ""
    engine = open_store(server.url(name) if server else f"sqlite:///{tmp_path / 'twokey.db'}")
    log = a_log(SIZE)
    put(engine, log)
    yield Kept(engine, log)
    engine.dispose()
    if server:
        server.drop(name)


def test_several_processes_find_what_one_finds(kept: Kept) -> None:
    """L2: count, head and tree."""
    marks = [Mark(mark.size, kept.log[mark.size - 1].hash) for mark in MARKS]
    whole = inspect(kept.engine, marks, processes=2, width=WIDTH)
    assert whole == inspect(kept.engine, marks, processes=1) == (audit.verify(kept.log, marks), None)


@pytest.mark.parametrize("seq", [WIDTH + 100, SIZE - 1])
def test_an_entry_that_is_filed_elsewhere_is_named_whoever_reads_its_part(kept: Kept, seq: int) -> None:
    """L2: the last part is read by a helper."""
    kept.tampered(seq, "request_id = 'other'")
    filed = inspect(kept.engine, [], processes=2, width=WIDTH)
    assert filed == inspect(kept.engine, [], processes=1)
    assert filed[1] == seq


@pytest.mark.parametrize("seq", [WIDTH, WIDTH + 1, WIDTH + 2, SIZE - 1])
def test_a_changed_entry_is_named_wherever_the_parts_meet(kept: Kept, seq: int) -> None:
    """L2: also in the last part, which a helper reads."""
    kept.tampered(seq, f"prev = '{'1' * 64}'")
    found, _ = inspect(kept.engine, [], processes=2, width=WIDTH)
    assert found == audit.Broken(seq, "it does not follow the entry before it", seq - 1)


@pytest.mark.parametrize("seq", [0, -5])
@pytest.mark.parametrize("processes", [1, 2])
def test_an_entry_that_is_numbered_below_the_first_is_seen(kept: Kept, seq: int, processes: int) -> None:
    """L2: it is linked to nothing, so that whoever reads from the first on would never meet it."""
    kept.added(seq)
    found, _ = inspect(kept.engine, [], processes=processes, width=WIDTH)
    assert found == audit.Broken(1, f"entry 1 is missing: the next one is numbered {seq}", 0)


def test_a_number_that_somebody_made_up_keeps_nobody_from_verifying(kept: Kept) -> None:
    """L2: as many parts as it stands for would take days, and all of the memory."""
    kept.added((1 << 31) - 1)
    found, _ = inspect(kept.engine, [], processes=2, width=WIDTH)
    assert isinstance(found, audit.Broken)
    assert found.seq == SIZE + 1


def test_a_log_is_verified_where_the_system_does_not_say_which_cores_a_process_may_use(tmp_path: Path) -> None:
    """L2: as on macOS, where an auditor may sit."""
    script = (
        "import os, sys; del os.sched_getaffinity\n"
        "from approvals.inspection import inspect\n"
        "from approvals.store import open_store\n"
        "print(type(inspect(open_store(sys.argv[1]))[0]).__name__)"
    )
    run = [sys.executable, "-c", script, f"sqlite:///{tmp_path / 'twokey.db'}"]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "Verified\n"
