"""What the store holds of an eval proves only what the log says, in it or archived (A3, L2)."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Delete, Update, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from actions import yamlfile
from approvals import audit
from approvals.checkpoints import Checkpoints
from approvals.keyring import Keyring
from approvals.policy_model import Policy
from approvals.request import State
from approvals.sealing import seal_before
from approvals.store import writing
from approvals.tables import audit_events, eval_keepsakes, eval_runs
from tests.approvals.doubles import ANA, House
from tests.approvals.lab import CHANGED, DEPLOY, EXAM, POLICY, approved, evaluated
from tests.stores import ON_POSTGRES, UNGUARD


def test_a_run_that_somebody_wrote_into_the_store_proves_nothing(lab: House) -> None:
    """The index only finds the entry; an entry about something else is no proof."""
    evaluated(lab, passed=False)
    evaluated(lab, version="2.2")
    with writing(lab.engine) as connection:
        connection.exec_driver_sql(UNGUARD.replace("audit_events", "eval_runs"))
        connection.execute(update(eval_runs).values(version="2.1"))
    assert lab.asked(DEPLOY).state is State.REFUSED


@pytest.mark.parametrize(
    "hide", [delete(eval_runs), update(eval_runs).values(version="2.0")], ids=["gone", "elsewhere"]
)
def test_no_row_hides_a_run_that_did_not_pass(lab: House, hide: Delete | Update) -> None:
    """A3: also by hand. The newest run counts, so an older one that passed must not become it."""
    evaluated(lab)
    failed = evaluated(lab, passed=False)
    with pytest.raises(IntegrityError), writing(lab.engine) as connection:
        connection.execute(hide.where(eval_runs.c.seq == lab.ledger.head().size))
    assert lab.ledger.proofs.last(EXAM, None, 1) == (failed,)


def test_an_entry_that_was_changed_proves_nothing(lab: House) -> None:
    """L2: it is read again against its own hash at the moment of use."""
    evaluated(lab, passed=False)
    forged = list(lab.ledger.entries())[-1].body.replace(b'"passed":false', b'"passed":true')
    with writing(lab.engine) as connection:
        connection.exec_driver_sql(UNGUARD)
        connection.execute(update(audit_events).values(body=forged))
    assert lab.ledger.proofs.last(EXAM, None, 1) == ()


def test_an_entry_that_is_numbered_below_the_first_proves_nothing(lab: House) -> None:
    """L2: one that is linked to nothing stands in no export."""
    run = evaluated(lab, passed=False).model_copy(update={"version": "2.2", "passed": True})
    data = {"run": run.model_dump(mode="json")}
    made = audit.entry((-3, audit.GENESIS), "2026-11-02T09:00:00.000000Z", "read.answered", None, ANA, data)
    row = {"seq": made.seq, "service": run.service, "suite": run.suite, "version": run.version}
    with writing(lab.engine) as connection:
        connection.exec_driver_sql(UNPINNED)
        connection.execute(insert(audit_events), {**made._asdict(), "request_id": None})
        connection.execute(insert(eval_runs), row)
    assert lab.ledger.proofs.last(EXAM._replace(version="2.2"), None, 1) == ()


@pytest.mark.parametrize("ahead", [-1, 1, 2, 40])
def test_no_number_of_the_log_is_taken_beforehand(lab: House, ahead: int) -> None:
    """A3: a row that finds a run is noted with the run's own entry, or refused, so that no run breaks off."""
    evaluated(lab)
    lab.ledger.note("service.started")
    with pytest.raises(IntegrityError), writing(lab.engine) as connection:
        connection.execute(insert(eval_runs), _planted(lab.ledger.head().size + ahead))
    failed = evaluated(lab, passed=False)
    assert lab.ledger.proofs.last(EXAM, None, 1) == (failed,)


@pytest.mark.parametrize("ahead", [0, 1, 7])
def test_a_row_that_was_planted_by_hand_neither_proves_nor_holds_up_anything(lab: House, ahead: int) -> None:
    """A3: what it points at is about something else, or is not there; the runs that the log has go on counting."""
    passed = evaluated(lab)
    lab.ledger.note("service.started")
    with writing(lab.engine) as connection:
        connection.exec_driver_sql(UNPINNED)
        connection.execute(insert(eval_runs), _planted(lab.ledger.head().size + ahead))
    assert lab.ledger.proofs.last(EXAM, None, 1) == (passed,)
    assert lab.ledger.proofs.tally(EXAM, lab.hands.asks) == (1, 1)
    assert lab.gate.run(approved(lab).id).state is State.SUCCEEDED


def _planted(seq: int) -> dict[str, object]:
    return {"seq": seq, **EXAM._asdict()}


UNPINNED = (
    "ALTER TABLE eval_runs DISABLE TRIGGER eval_runs_newest" if ON_POSTGRES else "DROP TRIGGER eval_runs_no_insert"
)
"""As a store is whose guards are older, or whose owner took this one off."""


def archived(house: House, folder: Path) -> None:
    """Everything so far leaves the store."""
    house.clock.advance(86_400)
    keys = Keyring(file=folder / "key")
    Checkpoints(house.engine, keys, house.clock).make()
    seal_before(house.engine, house.ledger, keys.key(), house.clock.now(), folder / "archive")


def test_a_run_whose_entry_is_archived_still_proves_what_it_proved(lab: House, tmp_path: Path) -> None:
    """A3, L2: by its way to the root of the seal; over two seals, beside runs that are in the log."""
    lab.adopt(yamlfile.parse(POLICY.replace("evals: required", "evals: 3"), Policy, "policy.yaml"))
    for passed in (False, True, True):
        evaluated(lab, passed=passed)
        archived(lab, tmp_path)
    assert lab.asked(DEPLOY).state is State.REFUSED
    evaluated(lab)
    assert lab.ledger.proofs.tally(EXAM, lab.hands.asks) == (4, 3)
    assert lab.gate.run(approved(lab).id).state is State.SUCCEEDED
    evaluated(lab, passed=False)
    archived(lab, tmp_path)
    assert "its last run says: Worse." in lab.asked(DEPLOY).reason
    lab.hands.asks = "more than that"
    assert CHANGED in lab.asked(DEPLOY).reason


@pytest.mark.parametrize("column", ["body", "path", "size"])
def test_a_keepsake_that_was_changed_proves_nothing(lab: House, tmp_path: Path, column: str) -> None:
    """L2: what the seal's root does not lead to is no proof."""
    for passed in (True, False):
        evaluated(lab, passed=passed)
    lab.clock.advance(86_400)
    archived(lab, tmp_path)
    evaluated(lab, version="9")
    archived(lab, tmp_path)
    with writing(lab.engine) as connection:
        connection.exec_driver_sql(UNGUARD.replace("audit_events", "eval_keepsakes"))
        kept = connection.execute(select(eval_keepsakes).order_by(eval_keepsakes.c.seq)).mappings().all()
        newest, value = kept[1], {"body": kept[0]["body"], "path": kept[0]["path"][::-1], "size": kept[2]["size"]}
        assert newest[column] != value[column]
        connection.execute(
            update(eval_keepsakes).where(eval_keepsakes.c.seq == newest["seq"]).values({column: value[column]})
        )
    assert lab.ledger.proofs.last(EXAM, None, 1) == ()
    assert lab.asked(DEPLOY).state is State.REFUSED
