"""A PostgreSQL whose disk is really full: nothing runs twice and nothing is forgotten (L1, E2)."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from actions.errors import TwokeyError
from approvals import audit
from approvals.request import State
from approvals.runner import LEASE
from approvals.store import migrate
from tests import postgres
from tests.approvals.doubles import House, a_house
from tests.conftest import NO_DISK
from tests.postgres import Server
from tests.waiting import until

ROOM = 160  # MiB: a new server takes about 50 of them, and its journal some more

pytestmark = pytest.mark.skipif(postgres.binaries() is None, reason="no PostgreSQL: apt-get install postgresql")


@pytest.fixture
def disk() -> Iterator[Path]:
    """A disk of its own, and a small one, where the server's user may go."""
    folder = Path(tempfile.mkdtemp(prefix="twokey-disk-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOM}m,mode=0755", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"{NO_DISK}: mounting one is for a machine's own root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)
    folder.rmdir()


@contextlib.contextmanager
def full(disk: Path) -> Iterator[None]:
    """Not a byte is left on it, whatever somebody gives back meanwhile; then there is room again."""
    ballast = disk / "ballast"
    file = os.open(ballast, os.O_CREAT | os.O_WRONLY)
    try:
        with contextlib.suppress(OSError):
            while True:
                os.write(file, bytes(1 << 16))
        yield
    finally:
        os.close(file)
        ballast.unlink()


def until_it_answers(server: Server, url: str) -> None:
    """It comes back by itself, or is started again as whoever runs it would."""

    def answers() -> bool:
        if server.process.poll() is not None:
            server.start()
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url) as connection:
            connection.execute("SELECT 1")
            return True
        return False

    until(answers, "the server come back")


def until_it_refuses(house: House) -> None:
    """Somebody asks and approves until the store takes nothing any more."""
    for _ in range(2_000):
        try:
            house.approved()
        except TwokeyError:
            return
    raise AssertionError("the disk never was full")


def starts(house: House, request_id: str) -> bool:
    """Whether the store took what a run has to write."""
    try:
        house.gate.run(request_id)
    except TwokeyError:
        return False
    return True


def test_a_full_disk_runs_nothing_and_forgets_nothing(disk: Path) -> None:
    """L1, E1, E2: without room nothing starts; afterwards what was approved runs once, and the log is whole."""
    server = Server("max_wal_size=32MB", under=disk)
    try:
        url = server.url(server.create())
        migrate(url).dispose()
        house = a_house(disk, url=url, patience=2.0)
        house.approved()
        with full(disk):
            until_it_refuses(house)
            refused = [request.id for request in house.ledger.ready()[:20] if not starts(house, request.id)]
        house.close()
        until_it_answers(server, url)
        after = a_house(disk, clock=house.clock, hands=house.hands, url=url)
        assert refused
        found = after.ledger.states()
        assert [name for name in after.hands.effects if found[name] is State.READY] == []
        for _ in range(2):  # who did something and could not say so is read back
            after.clock.advance(LEASE.total_seconds())
            after.gate.tick()
        for request in after.ledger.ready():
            assert after.gate.run(request.id).state is State.SUCCEEDED
        ended = after.ledger.states()
        assert sorted(after.hands.effects) == sorted(n for n, state in ended.items() if state is State.SUCCEEDED)
        assert set(refused) <= set(after.hands.effects)
        assert audit.replay(entry.fields for entry in after.ledger.entries()) == ended
        assert isinstance(audit.verify(after.ledger.entries()), audit.Verified)
    finally:
        server.stop()
