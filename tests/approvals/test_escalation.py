"""Reminders and escalation before a request expires: when, to whom, once, and judged again at the run (A3, A6, A7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from approvals import policy
from approvals.actor import Actor
from approvals.gate import DecisionRefused
from approvals.moves import Move
from approvals.policy import Policy
from approvals.policy_model import Rule
from approvals.request import Request, State
from approvals.tables import as_text, requests
from tests.approvals.doubles import ANA, BEN, CARLA, DORA, PLAYGROUND, SCALE, Folk, House, a_house, in_threads
from tests.approvals.test_policy_check import CATALOG, REGISTRY

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def escalating(**changes: object) -> Policy:
    """The playground's policy, whose rule for prod reminds after 20 minutes and asks the leads after 40."""
    read = policy.load(PLAYGROUND)
    more = {"remind_after": "20m", "escalate_after": "40m", "escalate_to": ["leads"], **changes}
    rules = [
        {**rule.model_dump(by_alias=True), **(more if rule.name == "one of sre for prod" else {})}
        for rule in read.rules
    ]
    groups = {**read.model_dump(by_alias=True)["groups"], "leads": {"usergroup": "S0LEADS"}}
    return Policy.model_validate({**read.model_dump(by_alias=True), "groups": groups, "rules": rules})


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    folk = Folk()
    folk.groups["leads"] = frozenset({DORA})
    made = a_house(tmp_path / "twokey.db", rules=escalating(), folk=folk)
    yield made
    made.close()


def test_approvers_are_reminded_once_and_in_time(house: House, beside: Callable[[], House]) -> None:
    """Due work is claimed in the store: whichever of several replicas comes first does it, and no other."""
    request = house.asked()
    house.clock.advance(20 * 60 - 1)
    house.gate.tick()
    assert house.ledger.get(request.id).reminded_at is None
    house.clock.advance(1)
    other = beside()
    in_threads(*(gate.tick for gate in (house.gate, other.gate, house.gate, other.gate)))
    house.clock.advance(60)
    other.gate.tick()
    assert house.kinds() == ["request.submitted", "request.reminded"]
    assert house.ledger.get(request.id).reminded_at == request.created_at.replace(minute=20)


def test_after_the_escalation_and_not_before_the_second_group_may_approve(house: House) -> None:
    request = house.asked()
    assert not _tries(house, request.id, DORA)
    house.clock.advance(40 * 60)
    house.gate.tick()
    after = house.ledger.get(request.id)
    assert after.missing[0].also == ("leads",)
    assert set(house.gate.approvers(after)) == {BEN, CARLA, DORA}
    assert _tries(house, request.id, DORA)
    assert house.gate.run(request.id).state is State.SUCCEEDED


def test_an_escalation_that_the_log_does_not_have_lets_nobody_else_approve(house: House) -> None:
    """A3: whoever can write the table of requests alone asks no other group before its time."""
    request = house.asked()
    opened = [{**each.model_dump(mode="json"), "also": ["leads"]} for each in request.requirements]
    with house.engine.begin() as store:
        early = {"escalated_at": as_text(request.created_at + timedelta(minutes=40))}
        store.execute(update(requests).values(requirements=opened, missing=opened, **early))
    with pytest.raises(DecisionRefused, match="audit verify"):
        house.gate.decide(request.id, request.plan.digest, DORA, approve=True)


def test_an_escalation_is_judged_again_when_it_runs(house: House) -> None:
    """A3: the lead left the leads between approval and execution."""
    request = house.asked()
    house.clock.advance(40 * 60)
    house.gate.tick()
    assert _tries(house, request.id, DORA)
    house.folk.groups["leads"] = frozenset()
    after = house.gate.run(request.id)
    assert (after.state, house.hands.effects) == (State.REFUSED, [])


def test_a_forged_escalation_opens_nothing(house: House) -> None:
    """A3: the runner believes its policy's times, not a mark in the row that came before them."""
    request = house.asked()
    house.clock.advance(60)
    forged = house.ledger.move(request.id, _opened)
    assert forged.escalated_at
    assert _tries(house, request.id, DORA)
    assert house.gate.run(request.id).state is State.REFUSED


def test_the_requester_gains_nothing_by_an_escalation(house: House) -> None:
    """A4."""
    house.folk.groups["leads"] = frozenset({ANA})
    request = house.asked()
    house.clock.advance(40 * 60)
    house.gate.tick()
    assert not _tries(house, request.id, ANA)


def test_one_that_is_decided_or_over_is_neither_reminded_nor_escalated(house: House) -> None:
    approved, denied, late = house.approved(), house.asked(), house.asked()
    house.gate.decide(denied.id, denied.plan.digest, BEN, approve=False)
    house.clock.advance(3600)
    house.gate.tick()
    assert house.ledger.get(late.id).state is State.EXPIRED
    assert approved.state is State.READY
    assert not {"request.reminded", "request.escalated"} & set(house.kinds())


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"escalate_to": ["nobody"]}, 'rules.4.escalate_to.0: there is no group "nobody"'),
        ({"remind_after": "1h"}, "rules.4.remind_after: by then the request has expired: it waits 1h."),
        ({"escalate_after": "2h"}, "rules.4.escalate_after: by then the request has expired"),
        ({"approvals": []}, "rules.4.escalate_after: nobody has to approve"),
    ],
)
def test_an_escalation_that_can_never_come_is_refused(changes: dict[str, object], complaint: str) -> None:
    """A7."""
    problems = policy.check(escalating(**changes), CATALOG, REGISTRY)
    assert any(f"{p.key}: {p.say}".startswith(complaint) for p in problems), problems


def test_half_an_escalation_is_refused() -> None:
    with pytest.raises(ValueError, match="both escalate_after and escalate_to"):
        Rule.model_validate({"name": "x", "match": {}, "ask": "anyone", "approvals": [], "escalate_after": "5m"})


def test_the_explanation_names_the_escalation() -> None:
    told = policy.explain(
        escalating(), policy.Subject.of(SCALE), ANA, {**Folk().groups, "leads": frozenset({DORA})}, NOW
    )
    assert "After 40m without them members of leads may approve, too." in told.lines


def _tries(house: House, request_id: str, actor: Actor) -> bool:
    """Whether this person's approval is taken."""
    try:
        house.gate.decide(request_id, house.ledger.get(request_id).plan.digest, actor, approve=True)
    except DecisionRefused:
        return False
    return True


def _opened(request: Request, now: datetime) -> Move:
    opened = tuple(r.model_copy(update={"also": ("leads",)}) for r in request.requirements)
    return Move("request.escalated", None, changes={"requirements": opened, "missing": opened, "escalated_at": now})
