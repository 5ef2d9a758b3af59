"""A9: a weaker policy is a request like any other, decided by the policy in force and by nothing less."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from actions.catalog import Catalog, Service
from approvals.actor import Actor, DirectoryDown
from approvals.amendment import TARGETS
from approvals.ballot import DecisionRefused
from approvals.charter import Charter
from approvals.gate import Gate
from approvals.policy_model import Policy
from approvals.request import Request, State
from approvals.store import writing
from tests.approvals.doubles import ANA, BEN, BOT, CARLA, DORA, SCALE, House, in_threads
from tests.approvals.test_charter import FIRST, REGISTRY, STRICTER, WEAKER, a_charter, a_gate, a_policy
from tests.approvals.test_policy_check import CATALOG
from tests.approvals.test_relocation import a_catalog, renamed

PLACE: dict[str, Any] = {"channel": "C0OPS"}


@pytest.fixture
def charter(house: House) -> Charter:
    made = a_charter(house)
    assert made.put_forward(CATALOG) is None
    assert made.put_forward(FIRST) is None
    return made


@pytest.fixture
def gate(house: House, charter: Charter) -> Gate:
    return a_gate(house, charter)


def held(charter: Charter, policy: Policy = WEAKER) -> str:
    """The id of a weaker policy that is held back."""
    draft = charter.put_forward(policy)
    assert draft is not None
    return draft.id


def asked(gate: Gate, charter: Charter, policy: Policy = WEAKER, by: Actor = ANA) -> Request:
    """Somebody asks for it."""
    return gate.propose(held(charter, policy), by, PLACE)


def approve(gate: Gate, request: Request, by: Actor) -> Request:
    return gate.decide(request.id, request.plan.digest, by, approve=True)


def deny(gate: Gate, request: Request, by: Actor) -> Request:
    return gate.decide(request.id, request.plan.digest, by, approve=False, reason="no")


def test_the_quorum_of_the_policy_in_force_approves_and_every_process_follows(
    house: House, charter: Charter, gate: Gate
) -> None:
    """A9: both groups that the old policy asked for; the last approval and the new policy are one transaction."""
    both = a_policy(lambda p: [p["rules"][n].update(approvals=[]) for n in (3, 4)])
    request, other = asked(gate, charter, both), a_charter(house)
    assert [r.group for r in request.requirements] == ["sre", "payments-owners"]
    first = approve(gate, request, BEN)
    assert (first.state, [r.group for r in first.missing]) == (State.WAITING, ["payments-owners"])
    assert other.in_force().version == FIRST.version
    assert approve(gate, request, CARLA).state is State.ADOPTED
    assert other.in_force().version == both.version
    said = [entry.fields for entry in house.ledger.entries()][-2:]
    assert [(e["kind"], e["actor"] and e["actor"]["user"]) for e in said] == [
        ("request.approved", CARLA.user_id),
        ("policy.adopted", None),
    ]
    assert said[1]["data"]["by"] == [BEN.user_id, CARLA.user_id]


def test_the_plan_says_every_verdict_that_changes_and_its_digest_binds_both_policies(
    charter: Charter, gate: Gate
) -> None:
    """A1: what people approve is this policy in place of that one."""
    plan = asked(gate, charter).plan
    assert plan.policy_version == plan.target.uid == FIRST.version
    assert plan.action["version"] == WEAKER.version
    assert plan.differences[0].field.startswith("WEAKER deploy, ")
    assert plan.differences[0].after.startswith("nobody else")
    assert all(line in plan.diff for line in charter.drafts()[0].lines)


@pytest.mark.parametrize("who", [ANA, DORA, BOT], ids=["in no such group", "in no group", "no person"])
def test_who_is_not_of_the_quorum_approves_and_denies_nothing(
    house: House, charter: Charter, gate: Gate, who: Actor
) -> None:
    """A9."""
    request = asked(gate, charter, by=CARLA)
    for speak in (approve, deny):
        with pytest.raises(DecisionRefused):
            speak(gate, request, who)
    assert charter.in_force().version == FIRST.version
    assert house.kinds()[-1] == "attempt.refused"


def test_nobody_approves_what_they_asked_for(house: House, charter: Charter, gate: Gate) -> None:
    """A4: not through another workspace either, and no app asks."""
    request = asked(gate, charter, by=BEN)
    elsewhere = BEN.model_copy(update={"team_id": "T0OTHER"})
    house.folk.people.add(elsewhere)
    for actor in (BEN, elsewhere):
        with pytest.raises(DecisionRefused, match="somebody else"):
            approve(gate, request, actor)
    gate.withdraw(request.id, BEN)
    with pytest.raises(DecisionRefused, match="not an app"):
        asked(gate, charter, by=BOT)
    assert charter.in_force().version == FIRST.version


def test_one_person_counts_once(charter: Charter, gate: Gate) -> None:
    """A5."""
    charter.put_forward(a_policy(lambda p: p["rules"][4].update(approvals=[{"from": "sre", "count": 2}])))
    request = asked(gate, charter)
    approve(gate, request, BEN)
    with pytest.raises(DecisionRefused, match="already decided"):
        approve(gate, request, BEN)
    assert charter.in_force().version != WEAKER.version


@pytest.mark.parametrize("end", ["deny", "withdraw", "expire"])
def test_what_ended_it_leaves_it_out_until_somebody_asks_again(
    house: House, charter: Charter, gate: Gate, end: str
) -> None:
    """A5, A6."""
    request = asked(gate, charter)
    if end == "deny":
        assert deny(gate, request, BEN).state is State.DENIED
    elif end == "withdraw":
        assert gate.withdraw(request.id, ANA).state is State.WITHDRAWN
    else:
        house.clock.advance(3600)
        gate.keep_time()
        assert house.ledger.get(request.id).state is State.EXPIRED
    with pytest.raises(DecisionRefused):
        approve(gate, request, CARLA)
    assert charter.in_force().version == FIRST.version
    assert approve(gate, asked(gate, charter), CARLA).state is State.ADOPTED


@pytest.mark.parametrize("seen", ["at the press", "by the timer"])
def test_it_is_stale_when_another_policy_came_into_force_meanwhile(
    house: House, charter: Charter, gate: Gate, seen: str
) -> None:
    """A1, A9: what was agreed to was this policy over that one; the approvals so far are worth nothing over another."""
    request = asked(gate, charter)
    assert charter.put_forward(STRICTER) is None
    if seen == "by the timer":
        gate.keep_time()
    else:
        with pytest.raises(DecisionRefused, match="policy changed"):
            approve(gate, request, BEN)
    assert house.ledger.get(request.id).state is State.STALE
    with pytest.raises(DecisionRefused, match="No such policy or catalogue"):
        gate.propose(str(request.plan.action["draft"]), ANA, PLACE)
    assert charter.in_force().version == STRICTER.version


def test_an_agreement_is_used_up(house: House, charter: Charter, gate: Gate) -> None:
    """A9: the same file needs a new agreement when the old policy came back meanwhile."""
    request = asked(gate, charter)
    assert approve(gate, request, BEN).state is State.ADOPTED
    assert charter.put_forward(FIRST) is None  # stricter again
    with pytest.raises(DecisionRefused, match="in force already"):
        approve(gate, request, CARLA)
    assert charter.in_force().version == FIRST.version
    assert asked(gate, charter).state is State.WAITING


def test_who_left_the_group_counts_no_more(house: House, charter: Charter, gate: Gate) -> None:
    """A3: whoever approved is looked up again when the last one does."""
    charter.put_forward(a_policy(lambda p: p["rules"][4].update(approvals=[{"from": "sre", "count": 2}])))
    house.folk.groups["sre"] |= {DORA}
    request = asked(gate, charter)
    approve(gate, request, BEN)
    house.folk.groups["sre"] = frozenset({CARLA, DORA})
    assert approve(gate, request, CARLA).state is State.WAITING
    assert approve(gate, request, DORA).state is State.ADOPTED


def test_with_the_directory_down_nothing_is_asked_or_approved(house: House, charter: Charter, gate: Gate) -> None:
    """A8."""
    request = asked(gate, charter)
    house.folk.down = True
    with pytest.raises(DecisionRefused, match=DirectoryDown().say[:20]):
        approve(gate, request, BEN)
    with pytest.raises(DecisionRefused):
        gate.propose(held(charter, a_policy(lambda p: p["rules"][3].update(approvals=[]))), ANA, PLACE)
    assert charter.in_force().version == FIRST.version


def test_of_many_who_ask_at_once_one_does(house: House, charter: Charter, gate: Gate) -> None:
    """S2: a button that is pressed twice, or by two people, makes one card."""
    draft = held(charter)
    made = in_threads(*(lambda actor=actor: gate.propose(draft, actor, PLACE) for actor in (ANA, BEN, ANA, CARLA)))
    assert sum(isinstance(one, Request) for one in made) == 1
    assert len(house.ledger.waiting_on(TARGETS["policy"].key)) == 1


@pytest.mark.parametrize("turn", range(5))
def test_presses_at_once_adopt_it_once_or_not_at_all(house: House, charter: Charter, turn: int) -> None:
    """A5, S3: approve and deny in the same moment, from two processes; one of them holds."""
    gates = [a_gate(house, a_charter(house)) for _ in range(4)]
    request = asked(gates[0], charter)
    in_threads(
        lambda: approve(gates[0], request, BEN),
        lambda: deny(gates[1], request, CARLA),
        lambda: approve(gates[2], request, BEN),
        lambda: approve(gates[3], request, CARLA),
    )
    state, adopted = house.ledger.get(request.id).state, house.kinds().count("policy.adopted") - 1
    assert (state, adopted) in {(State.ADOPTED, 1), (State.DENIED, 0)}
    assert (charter.in_force().version == WEAKER.version) is (state is State.ADOPTED)


def test_a_card_of_another_plan_approves_nothing(charter: Charter, gate: Gate) -> None:
    """A1."""
    request = asked(gate, charter)
    with pytest.raises(DecisionRefused, match="another plan"):
        gate.decide(request.id, "0" * 64, BEN, approve=True)
    assert charter.in_force().version == FIRST.version


def test_a_key_that_was_handed_over_and_a_broken_glass_open_nothing(house: House) -> None:
    """A9, A10: the policy itself is nobody's to lend, and no emergency."""
    wide = {"delegation": {"groups": ["sre"], "to": "anyone", "longest": "12h"}, "break_glass": {"who": ["engineers"]}}
    lends = a_policy(lambda p: p.update(wide))
    charter = a_charter(house)
    gate = a_gate(house, charter)
    assert charter.put_forward(lends) is None
    gate.hand_over(BEN, DORA, house.clock.now().replace(hour=20))
    weaker = a_policy(lambda p: (p.update(wide), p["rules"][4].update(approvals=[])))
    request = asked(gate, charter, weaker)
    assert DORA not in gate.approvers(request)
    with pytest.raises(DecisionRefused, match="not among them"):
        approve(gate, request, DORA)
    with pytest.raises(DecisionRefused, match="nobody break the glass"):
        gate.break_glass(request.id, request.plan.digest, ANA, "because it is urgent")
    assert charter.in_force().version == lends.version


def patiently(p: dict[str, Any]) -> None:
    """Changes of prod are reminded of after 20 minutes, and others asked after 40."""
    p["rules"][4].update(escalate_after="40m", escalate_to=["payments-owners"])
    p.update(defaults={"remind_after": "20m"})


def carelessly(p: dict[str, Any]) -> None:
    """The same, without anybody's approval for prod."""
    patiently(p)
    p["rules"][4].update(approvals=[])


def test_those_who_may_approve_are_reminded_and_others_asked_like_for_any_request(
    house: House, charter: Charter, gate: Gate
) -> None:
    """A9: only groups that the policy in force would ask for everything that gets weaker."""
    assert approve(gate, asked(gate, charter, a_policy(patiently)), BEN).state is State.ADOPTED
    house.folk.groups["payments-owners"] = frozenset({DORA})
    request = asked(gate, charter, a_policy(carelessly))
    house.clock.advance(20 * 60)
    gate.keep_time()
    assert house.ledger.get(request.id).reminded_at is not None
    with pytest.raises(DecisionRefused):
        approve(gate, request, DORA)
    house.clock.advance(20 * 60)
    gate.keep_time()
    assert approve(gate, request, DORA).state is State.ADOPTED


def test_a_card_does_not_answer_for_what_the_catalogue_has_got_since(
    house: House, charter: Charter, gate: Gate
) -> None:
    """A1: who approves sees every service that it is about; after a new one comes it is asked for anew."""
    request = asked(gate, charter)
    services = {**CATALOG.services, "vault": Service()}
    larger = Catalog(environments=CATALOG.environments, services=services)
    grown = Charter(house.ledger, larger, REGISTRY)
    assert grown.put_forward(larger) is None
    later = a_gate(house, grown)
    with pytest.raises(DecisionRefused, match="something else by now"):
        approve(later, request, BEN)
    assert grown.in_force().version == FIRST.version
    later.withdraw(request.id, ANA)
    assert approve(later, asked(later, grown), BEN).state is State.ADOPTED


@pytest.mark.sqlite
def test_a_card_does_not_answer_for_another_service_in_the_place_of_one(
    house: House, charter: Charter, gate: Gate
) -> None:
    """A1: also where both are among those that a line only counts."""
    request = asked(gate, charter)
    assert any("cart" in warning.text for warning in request.plan.warnings)
    other = a_catalog(renamed("cart", "trolley"))
    swapped = Charter(house.ledger, other, REGISTRY)
    assert swapped.put_forward(other) is None
    with pytest.raises(DecisionRefused, match="something else by now"):
        approve(a_gate(house, swapped), request, BEN)


@pytest.mark.sqlite
def test_a_draft_whose_text_was_changed_is_not_adopted_and_nothing_else_happens(
    house: House, charter: Charter, gate: Gate
) -> None:
    """A1, L1: the approval, its entry and the policy are there together or not at all."""
    request = asked(gate, charter)
    with writing(house.engine) as connection:
        connection.execute(text("DROP TRIGGER policy_drafts_no_update"))
        connection.execute(text("UPDATE policy_drafts SET content = (SELECT content FROM policies)"))
    assert charter.draft(str(request.plan.action["draft"])) is None, "it is not shown as what it is not"
    with pytest.raises(DecisionRefused):
        approve(gate, request, BEN)
    after = house.ledger.get(request.id)
    assert (after.state, after.decisions) == (State.WAITING, ())
    assert house.kinds().count("request.approved") == 0


def test_a_request_whose_row_asks_for_less_needs_what_the_policy_asks_for(
    house: House, charter: Charter, gate: Gate
) -> None:
    """A3, A9: the quorum that counts is the one of the policy in force, not the one in a row."""
    request = asked(gate, charter)
    with writing(house.engine) as connection:
        for column in ("requirements", "missing"):
            connection.execute(text(f'UPDATE requests SET {column} = \'[{{"group": null, "count": 1}}]\''))  # noqa: S608
    assert approve(gate, request, DORA).state is State.WAITING
    assert charter.in_force().version == FIRST.version


def test_what_waited_under_the_old_policy_is_stale_under_the_new_one(
    house: House, charter: Charter, gate: Gate
) -> None:
    """A1, A9: approved under one policy, it does not run under the next one."""
    runner = a_gate(house, a_charter(house))
    request = gate.submit(SCALE, ANA, {})
    gate.decide(request.id, request.plan.digest, BEN, approve=True)
    approve(gate, asked(gate, charter), BEN)
    assert runner.run(request.id).state is State.STALE
    assert house.hands.effects == []
    assert gate.submit(SCALE, ANA, {}).state is State.READY


def test_no_runner_carries_it_out_and_a_gate_without_a_charter_changes_no_policy(
    house: House, charter: Charter, gate: Gate
) -> None:
    """A8: there is one way for a policy to come into force."""
    request = asked(gate, charter)
    bare = Gate(charter.in_force, house.folk, house.ledger, house.hands, REGISTRY, house.clock)
    with pytest.raises(DecisionRefused):
        approve(bare, request, BEN)
    with pytest.raises(DecisionRefused):
        bare.propose(held(charter), ANA, PLACE)
    assert bare.run(request.id).state is State.WAITING
    approve(gate, request, BEN)
    assert bare.run(request.id).state is State.ADOPTED
    assert house.hands.effects == []


def test_an_approval_that_the_log_does_not_have_lets_no_policy_in(house: House, charter: Charter, gate: Gate) -> None:
    """A9: whoever can write rows and no entries makes nobody's agreement."""
    both = a_policy(lambda p: [p["rules"][n].update(approvals=[]) for n in (3, 4)])
    request = asked(gate, charter, both)
    forged = (
        "INSERT INTO decisions (request_id, digest, approver_team, approver_user, approve, at, reason) "
        "SELECT id, :digest, :team, :user, :yes, created_at, '' FROM requests"
    )
    said = {"digest": request.plan.digest, "team": BEN.team_id, "user": BEN.user_id, "yes": True}
    with writing(house.engine) as connection:
        connection.execute(text(forged), said)
    with pytest.raises(DecisionRefused, match="something else than the audit log"):
        approve(gate, request, CARLA)
    assert charter.in_force().version == FIRST.version
