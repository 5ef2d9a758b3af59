"""What PostgreSQL itself refuses, and what becomes of lost connections. On a real server that the tests start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, event

from actions.clock import ManualClock
from actions.errors import ConfigError
from approvals.checkpoints import Checkpoints
from approvals.keyring import Keyring
from approvals.ledger import Ledger
from approvals.request import State
from approvals.store import AnswerLost, NotItsPart, StoreDown, open_store, roles, writing
from tests import postgres
from tests.approvals.doubles import ANA, BEN, CARLA, House, a_house

pytestmark = pytest.mark.skipif(postgres.binaries() is None, reason="no PostgreSQL: apt-get install postgresql")

LOGINS = {"gateway": roles.GATEWAY, "runner": roles.RUNNER, "auditor": roles.AUDITOR}


@dataclass
class Apart:
    """One database, and three processes that log in as different users."""

    database: str
    house: Callable[[str], House]

    def run(self, user: str, statement: str) -> None:
        """A statement of somebody who holds this user's password."""
        with psycopg.connect(postgres.server().url(self.database, user), autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture
def apart(database: str) -> Iterator[Apart]:
    server = postgres.server()
    for statement in roles.statements():
        server.run(statement, database)
    for login, role in LOGINS.items():
        server.run(f"DO $$ BEGIN CREATE ROLE {login} LOGIN IN ROLE {role}; EXCEPTION WHEN duplicate_object THEN END $$")
    made: list[House] = []

    def house(user: str) -> House:
        shared = {"clock": made[0].clock, "hands": made[0].hands} if made else {}
        made.append(a_house(Path(), url=server.url(database, user), **shared))  # type: ignore[arg-type]  # as named
        return made[-1]

    yield Apart(database, house)
    for one in made:
        one.close()


def test_gateway_and_runner_share_nothing_but_the_store_and_neither_does_the_others_part(apart: Apart) -> None:
    """P3, E1: the gateway cannot start what it let through, and the runner lets nothing through."""
    gateway, runner = apart.house("gateway"), apart.house("runner")
    request = gateway.asked()
    with pytest.raises(StoreDown, match="see `twokey migrate --roles`"):
        runner.gate.decide(request.id, request.plan.digest, BEN, approve=True)
    gateway.gate.decide(request.id, request.plan.digest, BEN, approve=True)
    with pytest.raises(StoreDown):
        gateway.gate.run(request.id)
    assert gateway.hands.effects == []
    assert runner.gate.run(request.id).state is State.SUCCEEDED
    runner.gate.tick()
    gateway.gate.keep_time()
    assert gateway.ledger.get(request.id).state is State.SUCCEEDED


def test_each_user_may_do_all_of_its_own_part(apart: Apart) -> None:
    """P3, A10: in an emergency, too, and when it is reviewed."""
    gateway, runner = apart.house("gateway"), apart.house("runner")
    request = gateway.asked(actor=BEN)
    gateway.gate.break_glass(request.id, request.plan.digest, BEN, "checkout is down")
    assert runner.gate.run(request.id).state is State.SUCCEEDED
    assert gateway.gate.review(request.id, CARLA, "right call").review
    gateway.gate.hand_over(CARLA, ANA, gateway.clock.now() + timedelta(hours=1))
    lent = gateway.asked(actor=BEN)
    gateway.gate.decide(lent.id, lent.plan.digest, ANA, approve=True)
    assert runner.gate.run(lent.id).state is State.SUCCEEDED
    assert gateway.gate.take_back(CARLA)
    gateway.gate.withdraw(gateway.asked().id, ANA)


REFUSED = [
    *((user, f"{verb} audit_events" + rest) for user in LOGINS for verb, rest in (
        ("DELETE FROM", ""), ("UPDATE", " SET hash = prev"), ("TRUNCATE", ""))),
    *((user, f"{verb} decisions" + rest) for user in LOGINS for verb, rest in (
        ("DELETE FROM", ""), ("UPDATE", " SET approve = true"), ("TRUNCATE", ""))),
    *((user, "UPDATE requests SET plan = '{}'") for user in LOGINS),
    *((user, "UPDATE requests SET requester_user = 'U0ANA'") for user in LOGINS),
    *((user, "DELETE FROM requests") for user in LOGINS),
    *((user, "DROP TRIGGER twokey_parts ON requests") for user in LOGINS),
    *((user, "ALTER TABLE audit_events DISABLE TRIGGER ALL") for user in LOGINS),
    *((user, "SET session_replication_role = replica") for user in LOGINS),
    ("gateway", "UPDATE requests SET state = 'running'"),
    ("gateway", "UPDATE requests SET state = 'succeeded'"),
    ("gateway", "UPDATE requests SET outcome = '{}'"),
    ("gateway", "UPDATE requests SET fence = fence + 1"),
    ("gateway", "INSERT INTO evidence VALUES ('x', 0, '{}')"),
    ("runner", "UPDATE requests SET state = 'ready'"),
    ("runner", "INSERT INTO decisions (request_id, digest, approver_team, approver_user, approve, at, reason) "
               "SELECT id, 'd', 't', 'u', true, created_at, '' FROM requests"),
    ("runner", "INSERT INTO requests SELECT * FROM requests"),
    ("runner", "SELECT * FROM slack_deliveries"),
    ("auditor", "INSERT INTO audit_events SELECT * FROM audit_events"),
    ("auditor", "UPDATE requests SET state = 'denied'"),
    ("auditor", "SELECT * FROM slack_deliveries"),
]  # fmt: skip


def test_each_user_is_refused_what_is_not_its_part(apart: Apart) -> None:
    """A5, L2, P3: by the server, whatever code asks."""
    apart.house("gateway").asked()
    for user, statement in REFUSED:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            apart.run(user, statement)
    apart.run("auditor", "SELECT * FROM audit_events, decisions, requests")


@pytest.mark.parametrize("lost", [False, True])
def test_a_key_is_rotated_wholly_or_not_at_all(apart: Apart, tmp_path: Path, lost: bool) -> None:
    """L3: who may not write the log leaves no key behind, and may try again as who may."""
    gateway, auditor = apart.house("gateway"), apart.house("auditor")
    gateway.asked()
    keys, new = Keyring(file=tmp_path / "key"), tmp_path / "new"
    Checkpoints(gateway.engine, keys, gateway.clock).make()
    with pytest.raises(NotItsPart):
        Checkpoints(auditor.engine, keys, auditor.clock).rotate(new, lost)
    assert not new.exists()
    made = Checkpoints(gateway.engine, keys, gateway.clock).rotate(new, lost)
    assert Keyring(file=new).key().verifier == made


@pytest.mark.parametrize("mode", ["origin", "replica"])
@pytest.mark.parametrize("table", ["audit_events", "decisions"])
def test_not_even_the_owner_changes_history_by_switching_triggers_off_for_a_session(
    database: str, table: str, mode: str
) -> None:
    """L2, A5: whoever wants to has to alter the table, which a checkpoint kept elsewhere outlives."""
    house = a_house(Path(), url=postgres.server().url(database))
    house.approved()
    house.close()
    with psycopg.connect(postgres.server().url(database), autocommit=True) as owner:
        owner.execute(f"SET session_replication_role = {mode}".encode())
        for deed in ("UPDATE {} SET request_id = NULL", "DELETE FROM {}", "TRUNCATE {} CASCADE"):
            with pytest.raises(psycopg.errors.CheckViolation, match="append-only"):
                owner.execute(deed.format(table).encode())


def test_a_database_without_tables_is_not_touched_by_serving_from_it() -> None:
    """One clear sentence; `twokey migrate` is the one that changes tables."""
    server = postgres.server()
    empty = server.create()
    with pytest.raises(ConfigError, match="Run `twokey migrate` as their owner"):
        open_store(server.url(empty))
    server.drop(empty)


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    found = open_store(postgres.server().url(database))
    yield found
    found.dispose()


def throw_out(database: str) -> None:
    """The server ends every connection to it."""
    everybody = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
    postgres.server().run(f"{everybody}'{database}'")


def test_connections_that_were_lost_meanwhile_are_made_anew(database: str, engine: Engine) -> None:
    """E2."""
    ledger = Ledger(engine, ManualClock())
    ledger.note("service.started")
    throw_out(database)
    ledger.note("service.stopped")
    assert ledger.head().size == 2


def test_a_connection_lost_at_the_commit_says_that_it_may_be_recorded(database: str, engine: Engine) -> None:
    """L1: nobody is told that nothing happened where that is not known."""
    event.listen(engine, "commit", lambda connection: throw_out(database), once=True)
    with pytest.raises(AnswerLost, match="look at what is recorded"):
        Ledger(engine, ManualClock()).note("service.started")


def test_a_writer_that_waits_too_long_says_so(database: str, engine: Engine) -> None:
    """L1: the advisory lock is somebody else's."""
    impatient = open_store(postgres.server().url(database), patience=0.05)
    with writing(engine), pytest.raises(StoreDown, match="nothing was recorded"):
        Ledger(impatient, ManualClock()).note("service.started")
    impatient.dispose()


@pytest.mark.parametrize("deed", ["UPDATE ON requests", "INSERT ON audit_events"])
@pytest.mark.parametrize("fault", ["disk_full", "io_error"])
def test_a_server_whose_disk_takes_no_entry_runs_nothing_until_it_does(database: str, fault: str, deed: str) -> None:
    """L1: the server says ENOSPC or EIO of any write by their SQLSTATE; of the first that go together, or the last."""
    server = postgres.server()
    house = a_house(Path(), url=server.url(database, "owner"))
    request = house.approved()
    before = list(house.ledger.entries())
    server.run(
        "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE USING MESSAGE = 'could not extend file', ERRCODE = '{fault}'; END $$",
        database,
    )
    server.run(f"CREATE TRIGGER a_broken BEFORE {deed} EXECUTE FUNCTION broken()", database)
    with pytest.raises(StoreDown):
        house.gate.run(request.id)
    assert house.hands.effects == []
    assert list(house.ledger.entries()) == before
    server.run(f"DROP TRIGGER a_broken {deed[6:]}", database)
    assert house.gate.run(request.id).state is State.SUCCEEDED
    assert house.hands.effects == [request.id]
