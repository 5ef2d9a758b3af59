"""A key in other hands for a time: bounded, never for the requester, never onwards, judged again (A3, A4, A5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.verbs.restart import Restart
from approvals import delegation, policy
from approvals.actor import Actor, DirectoryDown
from approvals.explanation import explain
from approvals.gate import DecisionRefused
from approvals.handover import active
from approvals.policy_model import Policy
from approvals.request import Decision, Delegation, Request, State
from approvals.verdict import Subject
from approvals.view import View
from tests.approvals.doubles import ANA, BEN, CARLA, DORA, GROUPS, PAYMENTS, PLAYGROUND, House
from tests.approvals.test_policy_check import REGISTRY

HOUR = timedelta(hours=1)
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def dora_is_an_engineer(house: House) -> None:
    """So that a key can be handed to her; she may approve nothing by herself in prod."""
    house.folk.groups["engineers"] |= {DORA}


def hand(house: House, giver: Actor, taker: Actor, lasts: timedelta = HOUR) -> None:
    house.gate.hand_over(giver, taker, house.clock.now() + lasts)


def approve(house: House, request: Request, by: Actor) -> Request:
    return house.gate.decide(request.id, request.plan.digest, by, approve=True)


def test_who_holds_a_key_may_approve_with_it_and_the_log_says_whose_it_was(house: House) -> None:
    hand(house, BEN, DORA)
    request = house.asked()
    assert DORA in house.gate.approvers(request)
    ready = approve(house, request, DORA)
    assert (ready.decisions[0].approver, ready.decisions[0].lent_by) == (DORA, BEN)
    assert house.gate.run(request.id).state is State.SUCCEEDED
    given, approved = (
        next(e.fields for e in house.ledger.entries() if e.fields["kind"] == kind)
        for kind in ("delegation.given", "request.approved")
    )
    assert (given["actor"]["user"], given["data"]["to"]) == ("U0BEN", "U0DORA")
    assert (approved["actor"]["user"], approved["data"]["key_of"]) == ("U0DORA", "U0BEN")


def test_its_time_is_up_on_the_second(house: House) -> None:
    hand(house, BEN, DORA)
    early, late = house.asked(), house.asked()
    house.clock.advance(3599)
    assert approve(house, early, DORA).state is State.READY
    late = house.asked()
    house.clock.advance(1)
    with pytest.raises(DecisionRefused, match="not among them"):
        approve(house, late, DORA)


def test_what_was_lent_is_judged_again_when_it_runs(house: House, beside: Callable[[], House]) -> None:
    """A3: time up, taken back, giver out of the group or the workspace, between the approval and the run."""

    def time_up() -> None:
        house.clock.advance(120)

    def taken_back() -> None:
        beside().gate.take_back(BEN)

    def out_of_the_group() -> None:
        house.folk.groups["sre"] = frozenset({CARLA})

    def deactivated() -> None:
        house.folk.people.discard(BEN)

    for spoil in (time_up, taken_back, out_of_the_group, deactivated):
        hand(house, BEN, DORA, timedelta(seconds=60))
        ready = approve(house, house.asked(), DORA)
        spoil()
        after = house.gate.run(ready.id)
        assert (after.state, house.hands.effects) == (State.REFUSED, []), spoil
        house.folk.groups["sre"], house.folk.people = frozenset({BEN, CARLA}), {ANA, BEN, CARLA, DORA}


def test_a_key_taken_back_while_the_click_is_on_its_way_counts_no_more(house: House) -> None:
    """A3: looked at inside the transaction, after everything was looked up."""
    hand(house, BEN, DORA)
    request = house.asked()
    asked = house.folk.is_person

    def meanwhile(actor: Actor) -> bool:
        house.gate.take_back(BEN)
        return asked(actor)

    house.folk.is_person = meanwhile  # type: ignore[method-assign]
    with pytest.raises(DecisionRefused, match="not among them"):
        approve(house, request, DORA)


def test_nobody_approves_their_own_request_with_another_key_nor_lends_theirs_for_it(house: House) -> None:
    """A4: neither the requester's hand nor the requester's key."""
    hand(house, BEN, ANA)
    mine = house.asked()
    with pytest.raises(DecisionRefused, match="somebody else has to turn"):
        approve(house, mine, ANA)
    hand(house, BEN, DORA)
    bens = house.asked(actor=BEN)
    with pytest.raises(DecisionRefused, match="not among them"):
        approve(house, bens, DORA)


def test_a_lent_key_cannot_be_handed_on(house: House) -> None:
    hand(house, BEN, ANA)
    with pytest.raises(DecisionRefused, match="Only members of sre or payments-owners"):
        hand(house, ANA, DORA)
    hand(house, CARLA, ANA)
    hand(house, BEN, CARLA)  # carla holds ben's key, ana holds carla's: ana does not hold ben's
    request = house.asked(actor=CARLA)
    with pytest.raises(DecisionRefused):
        approve(house, request, ANA)


def test_one_key_is_turned_once_by_its_owner_or_by_who_holds_it(house: House) -> None:
    """A5."""
    two = house.gate.policy.model_dump(by_alias=True)
    two["rules"][4]["approvals"] = [{"from": "sre", "count": 2}]
    house.adopt(Policy.model_validate(two))
    hand(house, BEN, DORA)
    for first, second in ((BEN, DORA), (DORA, BEN)):
        request = house.asked()
        assert approve(house, request, first).state is State.WAITING
        with pytest.raises(DecisionRefused):
            approve(house, request, second)
        assert approve(house, request, CARLA).state is State.READY


def test_one_person_counts_once_whatever_they_hold(house: House) -> None:
    """A5: carla with her own key and ben's is still one person: payments in prod wants two."""
    hand(house, BEN, CARLA)
    request = approve(house, house.asked(PAYMENTS), CARLA)
    assert request.state is State.WAITING
    with pytest.raises(DecisionRefused, match="already decided"):
        approve(house, request, CARLA)


def test_who_holds_a_key_can_deny_with_it(house: House) -> None:
    hand(house, BEN, DORA)
    request = house.asked()
    assert house.gate.decide(request.id, request.plan.digest, DORA, approve=False).state is State.DENIED


def test_taking_it_back_or_giving_it_to_another_ends_it_at_once(house: House) -> None:
    hand(house, BEN, DORA)
    hand(house, BEN, ANA)
    request = house.asked(actor=CARLA)
    with pytest.raises(DecisionRefused):
        approve(house, request, DORA)
    assert house.gate.take_back(BEN)
    assert not house.gate.take_back(BEN)
    with pytest.raises(DecisionRefused):
        approve(house, request, ANA)
    ended = [e.fields["data"]["from"] for e in house.ledger.entries() if e.fields["kind"] == "delegation.ended"]
    assert ended == [["U0DORA"], ["U0ANA"]]


@pytest.mark.parametrize(
    ("giver", "taker", "lasts", "why"),
    [
        (DORA, ANA, HOUR, "Only members of sre"),
        (BEN, Actor(team_id="T0TOWN", user_id="U0EVE"), HOUR, "members of engineers only"),
        (BEN, BEN, HOUR, "your own key"),
        (BEN, ANA, timedelta(hours=12, seconds=1), "12h at most"),
        (BEN, ANA, timedelta(0), "over already"),
    ],
)
def test_the_policy_bounds_who_hands_it_to_whom_for_how_long(
    house: House, giver: Actor, taker: Actor, lasts: timedelta, why: str
) -> None:
    with pytest.raises(DecisionRefused, match=why):
        hand(house, giver, taker, lasts)
    assert house.kinds() == ["attempt.refused"]


def test_without_an_entry_in_the_policy_or_with_the_directory_down_nothing_is_handed_over(house: House) -> None:
    """A8: also what was handed over before the entry went away counts no more."""
    hand(house, BEN, DORA)
    bare = house.gate.policy.model_dump(by_alias=True) | {"delegation": None}
    house.adopt(Policy.model_validate(bare))
    with pytest.raises(DecisionRefused, match="no `delegation`"):
        hand(house, BEN, ANA)
    with pytest.raises(DecisionRefused, match="not among them"):
        approve(house, house.asked(), DORA)
    house.folk.down = True
    with pytest.raises((DecisionRefused, DirectoryDown)):
        hand(house, BEN, ANA)


PEOPLE = st.sampled_from([ANA, BEN, CARLA, DORA])


@given(st.lists(st.tuples(PEOPLE, st.none() | PEOPLE), max_size=6), PEOPLE)
def test_of_any_decisions_no_key_counts_twice_and_the_requesters_never(
    made: list[tuple[Actor, Actor | None]], requester: Actor
) -> None:
    """A4, A5: whatever somebody wrote into the table of decisions."""
    handed = tuple(Delegation(giver=g, taker=t, since=START, until=START + HOUR) for t, g in made if g is not None)
    view = View(policy.load(PLAYGROUND), REGISTRY, GROUPS, frozenset({ANA, BEN, CARLA, DORA}), handed)
    decisions = [Decision(request_id="r", digest="d", approver=a, approve=True, at=START, lent_by=g) for a, g in made]
    people, groups = delegation.counted(view, decisions, requester)
    keys = {(d.lent_by or d.approver) for d in decisions}
    assert len(people) <= len(keys - {requester})
    assert requester not in people
    for name, members in groups.items():
        for lent in members - GROUPS[name]:
            owners = {d.lent_by for d in decisions if d.approver == lent} - {requester, lent, None}
            assert owners & GROUPS[name]


def test_an_explanation_names_the_keys_that_are_in_other_hands(house: House) -> None:
    """For those who could use them here: not for a request of either of them, and only what opens this."""
    hand(house, BEN, DORA)
    lent = active(house.ledger.glance, house.clock.now())
    rules, now = house.gate.policy, house.clock.now()
    for asker, environment, named in ((ANA, "prod", True), (DORA, "prod", False), (ANA, "dev", False)):
        subject = Subject.of(Restart(service="cart", environment=environment))
        said = explain(rules, subject, asker, house.folk.groups, now, lent=lent)
        assert (
            any("U0DORA may turn the key of U0BEN (sre) until Mon 02 Nov 10:00 UTC" in line for line in said.lines)
            is named
        )
