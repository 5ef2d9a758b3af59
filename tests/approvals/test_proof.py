"""A version of a model service reaches production with a passing eval of exactly that version, or not at all (A3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Delete, Update, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from actions import readiness, yamlfile
from actions.catalog import Catalog, EvalSuite
from actions.clients.protocols import Exam
from actions.evals import standard
from actions.outcome import EvalRun, Outcome, TextFile
from actions.toolbox import Toolbox
from actions.verbs.deploy import Deploy
from actions.verbs.rollback import Rollback
from actions.verbs.run_eval import RunEval
from approvals import audit, comparison
from approvals.ballot import DecisionRefused
from approvals.checkpoints import Checkpoints
from approvals.keyring import Keyring
from approvals.policy_model import Policy
from approvals.request import Request, State
from approvals.sealing import seal_before
from approvals.store import writing
from approvals.tables import audit_events, eval_keepsakes, eval_runs
from tests.actions.doubles import ClusterDouble
from tests.approvals.doubles import ANA, BEN, CARLA, DONE, House, a_house
from tests.approvals.test_policy_check import CATALOG, REGISTRY
from tests.stores import ON_POSTGRES, UNGUARD

POLICY = """
groups: {sre: {members: [U0BEN], team: T0TOWN}, owners: {members: [U0CARLA], team: T0TOWN}}
rules:
  - {name: reads, match: {risk: [read]}, ask: anyone, approvals: []}
  - {name: prod, match: {environments: [prod]}, ask: anyone, approvals: [{from: sre}], evals: required}
  - name: staging
    match: {environments: [staging]}
    ask: anyone
    approvals: [{from: sre}]
    evals: required
    override: [{from: owners}]
"""
DEPLOY = Deploy(service="support-bot", environment="prod", version="2.1")
EXAM = Exam("support-bot", "quality", "2.1")
ASIDE = Deploy(service="support-bot", environment="staging", version="2.1")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[House]:
    """A house whose policy wants evals in prod, and lets the owners override in staging."""
    made = a_house(tmp_path / "twokey.db", yamlfile.parse(POLICY, Policy, "policy.yaml"))
    made.folk.groups = {"sre": frozenset({BEN}), "owners": frozenset({CARLA})}
    made.hands.evals = ("quality",)
    yield made
    made.close()


def evaluated(
    house: House, version: str = "2.1", passed: bool = True, service: str = "support-bot", suite: str = "quality"
) -> EvalRun:
    """Somebody runs the suite, and this comes out."""
    run = EvalRun(
        id=f"run-{house.ledger.head().size}",
        service=service,
        suite=suite,
        version=version,
        baseline="2.0",
        standard=house.hands.asks,
        passed=passed,
        summary="As good." if passed else "Worse.",
    )
    house.hands.outcome = Outcome(
        ok=True, summary=run.summary, evidence=(TextFile(name="q.csv", content="x"),), run=run
    )
    house.gate.ask(RunEval(suite="quality", candidate=version), ANA, lambda _: None, {"channel": "C0OPS"})
    house.hands.outcome = DONE
    return run


def approved(house: House, action: Deploy = DEPLOY) -> Request:
    request = house.asked(action)
    assert request.state is State.WAITING, request.reason
    return house.gate.decide(request.id, request.plan.digest, BEN, approve=True)


def test_without_a_run_it_is_refused_and_said_why(lab: House) -> None:
    request = lab.asked(DEPLOY)
    assert request.state is State.REFUSED
    assert request.reason == (
        'support-bot 2.1 has not passed quality: nobody has run it. Rule "prod" wants that before this.'
    )


def test_a_failing_run_is_refused_with_what_it_said(lab: House) -> None:
    evaluated(lab, passed=False)
    assert "its last run says: Worse." in lab.asked(DEPLOY).reason


def test_after_a_passing_run_it_waits_for_approval_and_runs(lab: House) -> None:
    """The record of the run is the audit entry itself, with where it was asked for and its evidence beside it."""
    run = evaluated(lab)
    assert lab.gate.run(approved(lab).id).state is State.SUCCEEDED
    recorded = lab.ledger.proofs.recorded(EXAM)
    assert recorded is not None
    assert (recorded.run, recorded.origin) == (run, {"channel": "C0OPS"})
    assert lab.ledger.proofs.evidence(run.id) == (TextFile(name="q.csv", content="x"),)
    assert [e.fields["data"]["run"]["id"] for e in lab.ledger.entries() if "run" in e.fields["data"]] == [run.id]


@pytest.mark.parametrize(
    ("version", "service", "suite"),
    [("2.10", "support-bot", "quality"), ("2.1", "search-bot", "quality"), ("2.1", "support-bot", "safety")],
)
def test_only_a_run_of_exactly_this_version_service_and_suite_counts(
    lab: House, version: str, service: str, suite: str
) -> None:
    evaluated(lab, version, service=service, suite=suite)
    assert lab.asked(DEPLOY).state is State.REFUSED


def test_a_run_that_fails_after_the_approval_stops_it(lab: House) -> None:
    """A3: judged again at the moment of use, also by another process."""
    evaluated(lab)
    ready = approved(lab)
    evaluated(lab, passed=False)
    other = lab.beside()
    other.adopt(lab.gate.policy)
    ended = other.gate.run(ready.id)
    other.close()
    assert ended.state is State.REFUSED
    assert "its last run says: Worse." in ended.reason
    assert lab.hands.effects == []


CHANGED = "the suite was changed since its last run, so it has to be run again"


@pytest.mark.parametrize(
    ("asks", "why"),
    [
        ("more than that", CHANGED),
        ("", "what it asks cannot be read here, so no run can be held to it. evals/quality.yaml: cannot be read"),
    ],
)
def test_a_run_proves_only_what_the_suite_asks_now(lab: House, asks: str, why: str) -> None:
    """A3: what became harder since, or cannot be read, is passed by no old run, whenever it is judged."""
    evaluated(lab)
    waiting, ready = lab.asked(DEPLOY), approved(lab)
    lab.hands.asks = asks
    assert lab.asked(DEPLOY).reason.startswith(f"support-bot 2.1 has not passed quality: {why}.")
    with pytest.raises(DecisionRefused, match="has not passed quality"):
        lab.gate.decide(waiting.id, waiting.plan.digest, BEN, approve=True)
    ended = lab.gate.run(ready.id)
    assert (ended.state, why in ended.reason, lab.hands.effects) == (State.REFUSED, True, [])
    lab.hands.asks = asks or "what it asks"
    evaluated(lab)
    assert lab.asked(DEPLOY).state is State.WAITING


def test_a_failure_under_todays_suite_is_not_taken_back_by_a_pass_under_another_one(lab: House) -> None:
    for asks, passed in (("today's", False), ("an easier one's", True)):
        lab.hands.asks = asks
        evaluated(lab, passed=passed)
    lab.hands.asks = "today's"
    assert "its last run says: Worse." in lab.asked(DEPLOY).reason


def test_a_run_from_before_its_suite_was_kept_with_it_proves_nothing(lab: House) -> None:
    """Of an older release: its entry does not say what it was asked."""
    lab.hands.asks = ""
    evaluated(lab)
    body = list(lab.ledger.entries())[-1].fields["data"]["run"]
    assert EvalRun.model_validate({key: body[key] for key in body if key != "standard"}).standard == ""
    lab.hands.asks = "today's"
    assert CHANGED in lab.asked(DEPLOY).reason


def test_a_run_that_fails_before_the_last_key_is_turned_lets_nobody_approve(lab: House) -> None:
    evaluated(lab)
    request = lab.asked(DEPLOY)
    evaluated(lab, passed=False)
    with pytest.raises(DecisionRefused, match="has not passed quality"):
        lab.gate.decide(request.id, request.plan.digest, BEN, approve=True)


def test_those_named_may_override_and_nobody_else(lab: House) -> None:
    """Without a passing run the owners have to agree as well; with one they need not."""
    request = lab.asked(ASIDE)
    assert [(r.group, r.count) for r in request.requirements] == [("sre", 1), ("owners", 1)]
    lab.gate.decide(request.id, request.plan.digest, BEN, approve=True)
    assert lab.ledger.get(request.id).state is State.WAITING
    lab.gate.decide(request.id, request.plan.digest, CARLA, approve=True)
    assert lab.gate.run(request.id).state is State.SUCCEEDED
    evaluated(lab)
    assert [r.group for r in lab.asked(ASIDE).requirements] == ["sre"]


def test_an_approval_without_the_override_does_not_do_once_the_run_fails(lab: House) -> None:
    """A3: what sufficed with a passing run does not suffice without one."""
    evaluated(lab)
    ready = approved(lab, ASIDE)
    evaluated(lab, passed=False)
    ended = lab.gate.run(ready.id)
    assert ended.state is State.REFUSED
    assert "one of owners is missing" in ended.reason


def test_going_back_waits_for_no_eval(lab: House) -> None:
    """A rollback is the way out of trouble: only what brings a new version has to be proven."""
    assert lab.asked(Rollback(service="support-bot", environment="prod")).state is State.WAITING


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


def test_a_suite_that_is_run_until_it_passes_is_seen_on_the_card_and_in_the_log(lab: House, tmp_path: Path) -> None:
    """The newest run counts; how many did not pass is a note of the digested plan, so it stands in both."""
    lab.hands.asks = "before"
    evaluated(lab, passed=False)
    (tmp_path / "quality.yaml").write_text("prompts: [q]\ntests: [{assert: [{type: is-json}]}]")
    entry = EvalSuite(suite="quality", file=str(tmp_path / "quality.yaml"))
    catalog = Catalog.model_validate({"environments": {"prod": {}}, "services": {"support-bot": {"evals": [entry]}}})
    lab.hands.asks = standard.now(catalog, "support-bot", "quality")
    for passed in (False, False, True):
        evaluated(lab, passed=passed)
    evaluated(lab, version="2.2", passed=False)
    assert lab.ledger.proofs.tally(EXAM, lab.hands.asks) == (3, 1)
    tools = Toolbox(catalog=catalog, cluster=ClusterDouble(lab.clock), clock=lab.clock, evals=lab.ledger.proofs)
    (note,) = readiness.cautions(tools, "support-bot", "2.1")
    assert note.text == "support-bot 2.1 passed quality in 1 of 3 runs, the newest among them; 2 did not"
    evaluated(lab, version="2.3")
    assert readiness.cautions(tools, "support-bot", "2.3") == ()


@pytest.mark.parametrize(
    ("runs", "state", "why"),
    [
        ([True, True, True], State.WAITING, ""),
        ([False, True, True, True], State.WAITING, ""),
        ([True, True], State.REFUSED, "in 2 of its last 3 runs, and all 3 have to pass"),
        ([True, False, True], State.REFUSED, "in 2 of its last 3 runs, and all 3 have to pass"),
        ([True, True, True, False], State.REFUSED, "its last run says: Worse."),
    ],
)
def test_a_policy_may_want_each_of_the_last_runs_to_have_passed(
    lab: House, runs: list[bool], state: State, why: str
) -> None:
    """A3: a suite that passes now and then is no proof where the policy says so (pass^k)."""
    lab.adopt(yamlfile.parse(POLICY.replace("evals: required", "evals: 3"), Policy, "policy.yaml"))
    for passed in runs:
        evaluated(lab, passed=passed)
    request = lab.asked(DEPLOY)
    assert (request.state, why in request.reason) == (state, True), request.reason
    assert bool(lab.gate.unproven(request.plan)) is bool(why)


@pytest.mark.parametrize(
    ("old", "new", "weaker"), [("3", "2", True), ("3", "required", True), ("1", "required", None), ("2", "3", False)]
)
def test_fewer_runs_are_weaker(old: str, new: str, weaker: bool | None) -> None:
    """A9."""
    texts = (POLICY.replace("evals: required", f"evals: {many}") for many in (old, new))
    before, after = (yamlfile.parse(text, Policy, "policy.yaml") for text in texts)
    found = comparison.compare(before, after, CATALOG, REGISTRY, datetime(2026, 11, 2, tzinfo=UTC))
    assert {shift.weaker for shift in found} == (set() if weaker is None else {weaker})


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
