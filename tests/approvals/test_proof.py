"""A version of a model service reaches production with a passing eval of exactly that version, or not at all (A3)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from actions import readiness, yamlfile
from actions.catalog import Catalog, EvalSuite
from actions.evals import standard
from actions.outcome import EvalRun, TextFile
from actions.toolbox import Toolbox
from actions.verbs.rollback import Rollback
from approvals import comparison
from approvals.ballot import DecisionRefused
from approvals.policy_model import Policy
from approvals.request import State
from tests.actions.doubles import ClusterDouble
from tests.approvals.doubles import BEN, CARLA, House
from tests.approvals.lab import ASIDE, CHANGED, DEPLOY, EXAM, POLICY, approved, evaluated
from tests.approvals.test_policy_check import CATALOG, REGISTRY


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


def test_a_suite_without_a_threshold_lets_nothing_through_whatever_it_was_held_against(lab: House) -> None:
    """A3: whoever runs it names the baseline, however bad that is; also where the threshold is gone by the run."""
    ready = (evaluated(lab), approved(lab))[1]
    lab.hands.bar = False
    why = "support-bot 2.1 has not passed quality: the suite has no threshold, so any baseline would do. Give it one"
    assert why in lab.asked(DEPLOY).reason
    ended = lab.gate.run(ready.id)
    assert (ended.state, why in ended.reason, lab.hands.effects) == (State.REFUSED, True, [])


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


@pytest.mark.parametrize("threshold", [0.9, None])
def test_a_suite_that_is_run_until_it_passes_is_seen_on_the_card_and_in_the_log(
    lab: House, tmp_path: Path, threshold: float | None
) -> None:
    """The newest run counts; how many did not pass is a note of the digested plan, so it stands in both."""
    lab.hands.asks = "before"
    evaluated(lab, passed=False)
    (tmp_path / "quality.yaml").write_text("prompts: [q]\ntests: [{assert: [{type: is-json}]}]")
    entry = EvalSuite(suite="quality", file=str(tmp_path / "quality.yaml"), threshold=threshold)
    catalog = Catalog.model_validate({"environments": {"prod": {}}, "services": {"support-bot": {"evals": [entry]}}})
    lab.hands.asks = standard.now(catalog, "support-bot", "quality")
    for passed in (False, False, True):
        evaluated(lab, passed=passed)
    evaluated(lab, version="2.2", passed=False)
    assert lab.ledger.proofs.tally(EXAM, lab.hands.asks) == (3, 1)
    tools = Toolbox(catalog=catalog, cluster=ClusterDouble(lab.clock), clock=lab.clock, evals=lab.ledger.proofs)
    beside = "passed quality beside 2.0 alone: the suite has no threshold"
    note, *more = readiness.cautions(tools, "support-bot", "2.1")
    assert note.text == "support-bot 2.1 passed quality in 1 of 3 runs, the newest among them; 2 did not"
    assert [other.text for other in more] == ([] if threshold else [f"support-bot 2.1 {beside}"])
    evaluated(lab, version="2.3")
    said = [other.text for other in readiness.cautions(tools, "support-bot", "2.3")]
    assert said == ([] if threshold else [f"support-bot 2.3 {beside}"])


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
