"""Opening a store, its migrations, and what either database itself refuses."""

from __future__ import annotations

import importlib.util
import sqlite3
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import IntegrityError

from actions.clock import ManualClock
from actions.errors import ConfigError
from approvals import audit, migrations
from approvals.ledger import Ledger
from approvals.request import State
from approvals.store import open_store, reading
from approvals.store.dialect import WORDS
from approvals.store.migrations import HEAD
from approvals.store.sqlite import pragma
from tests.approvals.doubles import House
from tests.stores import by_hand, every_table

VERSIONS = Path(migrations.__file__).parent / "versions"
FIRST_RELEASE = Path(__file__).parent / "first_release.sql"  # a store's dump, as the release before migrations made it


def named(path: Path) -> tuple[str, str | None]:
    """The revision that a migration is, and the one that it follows."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.revision, module.down_revision


@pytest.mark.sqlite
def test_the_store_is_durable_and_strict(house: House) -> None:
    """L1: what is acknowledged is on the disk."""
    with reading(house.engine) as connection:
        found = {
            name: pragma(connection, name)
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "busy_timeout")
        }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "busy_timeout": 5000,
    }


STATEMENTS = (
    "UPDATE {table} SET rowid = rowid",
    "DELETE FROM {table}",
    "INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1",
    "UPDATE OR REPLACE {table} SET rowid = rowid + 1",
)


@pytest.mark.sqlite
@pytest.mark.parametrize("recursive", [True, False], ids=["recursive triggers", "none"])
@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("table", ["decisions", "audit_events"])
def test_decisions_and_audit_entries_are_only_ever_added(
    house: House, table: str, statement: str, recursive: bool
) -> None:
    """L2, A5: no statement changes, removes or replaces one, not even by hand without recursive triggers."""
    house.approved()
    by_hand = sqlite3.connect(house.path)
    by_hand.execute(f"PRAGMA recursive_triggers = {int(recursive)}")
    before = by_hand.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - a name of our own
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        by_hand.execute(statement.format(table=table))
    by_hand.rollback()
    assert before == by_hand.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - the same
    by_hand.close()


BACKWARDS = (
    "UPDATE requests SET state = 'approved'",
    "UPDATE requests SET fence = fence - 1",
    "INSERT INTO processes (name, role, seen_at) VALUES ('p', 'root', '2026-11-02')",
    "UPDATE watermark SET at = '2026-01-01T00:00:00.000000Z'",
    "DELETE FROM watermark",
)


@pytest.mark.parametrize("statement", BACKWARDS)
def test_no_row_holds_a_word_that_is_none_and_neither_time_nor_a_fence_goes_back(house: House, statement: str) -> None:
    """A6, E2: by hand neither, on either store."""
    ready = house.approved()
    hand = by_hand(house.path)
    with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError)):
        hand.execute(statement)
    hand.close()
    assert house.gate.run(ready.id).state is State.SUCCEEDED


@pytest.mark.sqlite
def test_the_watermark_is_not_replaced_either(house: House) -> None:
    """A6: INSERT OR REPLACE is no way around the trigger on UPDATE."""
    house.approved()
    hand = by_hand(house.path)
    with pytest.raises(sqlite3.IntegrityError, match="never goes back"):
        hand.execute("INSERT OR REPLACE INTO watermark (id, at) VALUES (1, '2026-01-01T00:00:00.000000Z')")
    hand.close()


def test_a_new_state_or_role_comes_with_a_migration() -> None:
    """Stores that are there learn a new word when their guards are made again, so whoever adds one here adds that."""
    states = "proposed waiting ready running succeeded failed rolled_back unknown"
    states += " refused denied expired withdrawn stale adopted"
    assert {("requests", "state"): tuple(states.split()), ("processes", "role"): ("all", "gateway", "runner")} == WORDS


@pytest.mark.sqlite
def test_the_store_takes_one_decision_a_person_whoever_asks_it(house: House) -> None:
    """A5: also where no code of ours looks first."""
    house.approved()
    by_hand = sqlite3.connect(house.path)
    with pytest.raises(sqlite3.IntegrityError):
        by_hand.execute(
            "INSERT OR REPLACE INTO decisions (request_id, digest, approver_team, approver_user, approve, at, reason) "
            "SELECT request_id, digest, 'T1OTHER', approver_user, 0, at, reason FROM decisions"
        )
    by_hand.close()


@pytest.mark.parametrize(
    ("url", "say"),
    [
        ("mysql://db/twokey", "which Twokey cannot use"),
        ("sqlite://", "has to name a file"),
        ("postgresql:///twokey?host=/nowhere", "cannot be opened"),
        ("nonsense", "is no database URL"),
        ("sqlite:////nowhere/at/all/twokey.db", "cannot be opened"),
    ],
)
def test_a_store_that_cannot_be_opened_is_a_wrong_setting(url: str, say: str) -> None:
    with pytest.raises(ConfigError, match=say):
        open_store(url)


def test_a_file_that_is_no_store_and_one_of_a_later_version_are_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("shopping list " * 100)
    with pytest.raises(ConfigError, match="cannot be opened"):
        open_store(f"sqlite:///{text}")
    later = tmp_path / "later.db"
    with sqlite3.connect(later) as store:
        store.execute("CREATE TABLE alembic_version (version_num TEXT)")
        store.execute("INSERT INTO alembic_version VALUES ('9999')")
    store.close()
    with pytest.raises(ConfigError, match="later version"):
        open_store(f"sqlite:///{later}")
    with pytest.raises(ConfigError, match="There is no store"):
        open_store(f"sqlite:///{tmp_path / 'none.db'}", make=False)
    assert not (tmp_path / "none.db").exists()


def test_migrations_make_the_tables_that_the_program_has(house: House) -> None:
    """On either store; the house's own test says it for SQLite before anything lands."""
    with house.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), every_table()) == []


def test_migrations_form_one_line_and_say_their_number_once() -> None:
    """`v0003_….py` is revision 0003 and follows 0002; the newest is the one that a store has to have."""
    files = sorted(path.name for path in VERSIONS.glob("v*.py"))
    numbers = [name[1:5] for name in files]
    assert numbers == [f"{n:04}" for n in range(1, len(files) + 1)]
    found = [named(VERSIONS / name) for name in files]
    assert found == list(zip(numbers, [None, *numbers], strict=False))
    assert numbers[-1] == HEAD


@pytest.mark.sqlite
def test_a_store_of_before_migrations_is_taken_over_with_all_that_is_in_it(tmp_path: Path) -> None:
    """The first release made its tables without saying which they are. Its entries stay, and stay guarded."""
    path = tmp_path / "twokey.db"
    with sqlite3.connect(path) as old:
        old.executescript(FIRST_RELEASE.read_text(encoding="utf-8"))
    old.close()
    engine = open_store(f"sqlite:///{path}")
    ledger = Ledger(engine, ManualClock())
    assert isinstance(audit.verify(ledger.entries()), audit.Verified)
    assert audit.replay(entry.fields for entry in ledger.entries()) == ledger.states()
    assert [request.state for request in ledger.recent(9)] == [State.WAITING, State.SUCCEEDED]
    ledger.note("service.started")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), every_table()) == []
        with pytest.raises(IntegrityError, match="append-only"):
            connection.exec_driver_sql("DELETE FROM audit_events")
    engine.dispose()
