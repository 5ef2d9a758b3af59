"""A1–A6, A8 and A12 at the gate: who may turn a key, for what, and until when."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.errors import BadInput, Rejected, UnknownService, Unreachable
from actions.registry import Registry
from actions.verbs import VERBS
from actions.verbs.restart import Restart
from actions.verbs.scale import Scale
from actions.verbs.status import Status
from approvals import policy
from approvals.actor import Actor, DirectoryDown
from approvals.gate import DecisionRefused, Gate, NotAllowed
from approvals.ledger import NoSuchRequest
from approvals.policy import Policy
from approvals.policy_model import Freeze, Weekly
from approvals.request import Request, State
from approvals.tables import requests
from tests.approvals.doubles import ANA, BEN, BOT, CARLA, DEV, DORA, PAYMENTS, PLAYGROUND, SCALE, House, a_plan

ALWAYS = Freeze(name="moving house", weekly=Weekly(start="mon 00:00", until="sun 23:59"))


def approve(house: House, request: Request, by: Actor = BEN, digest: str | None = None) -> Request:
    return house.gate.decide(request.id, digest or request.plan.digest, by, approve=True)


def refused(house: House, request: Request, by: Actor, approve: bool = True) -> str:
    """The private explanation; the attempt has left an entry in the log."""
    before = house.ledger.get(request.id)
    with pytest.raises(DecisionRefused) as error:
        house.gate.decide(request.id, request.plan.digest, by, approve=approve)
    assert house.ledger.get(request.id).decisions == before.decisions
    last = list(house.ledger.entries())[-1].fields
    assert (last["kind"], last["actor"]["user"], last["request"]) == ("attempt.refused", by.user_id, request.id)
    assert last["data"]["why"] == error.value.say
    return error.value.say


# A1


def test_a_key_is_turned_for_exactly_one_digest(house: House) -> None:
    """A1: a click on a card that shows another plan counts for nothing."""
    request = house.asked()
    other = a_plan(policy_version=request.plan.policy_version, replicas=4).digest
    with pytest.raises(DecisionRefused, match="another plan"):
        approve(house, request, digest=other)
    assert house.ledger.get(request.id).state is State.WAITING


PARTS: list[tuple[str, Callable[[dict[str, Any]], None]]] = [
    ("action", lambda p: p["action"].update(verb="restart")),
    ("arguments", lambda p: p["action"].update(replicas=6)),
    ("target", lambda p: p["target"].update(name="cart")),
    ("before", lambda p: p["differences"][0].update(before="4")),
    ("after", lambda p: p["differences"][0].update(after="6")),
    ("image or any other part of the patch", lambda p: p["patch"]["body"]["spec"].update(replicas=50)),
    ("preconditions", lambda p: p["preconditions"].clear()),
    ("warnings", lambda p: p["warnings"].append({"code": "x", "text": "y"})),
    ("policy version", lambda p: p.update(policy_version="other")),
]


@pytest.mark.parametrize("action", [SCALE, DEV], ids=["approved", "needs nobody"])
@pytest.mark.parametrize(("part", "change"), PARTS, ids=[part for part, _ in PARTS])
def test_changing_any_part_after_approval_executes_nothing(
    house: House, part: str, change: Callable[[dict[str, Any]], None], action: Scale
) -> None:
    """A1: also for somebody who writes to the store itself, and where nobody had to approve."""
    ready = house.approved() if action is SCALE else house.asked(DEV)
    plan = json.loads(ready.plan.model_dump_json())
    change(plan)
    with house.engine.begin() as store:
        store.execute(requests.update().values(plan=plan))
    after = house.gate.run(ready.id)
    assert after.state in {State.REFUSED, State.STALE}
    assert house.hands.effects == []


def test_a_policy_that_changed_after_the_approval_executes_nothing(house: House) -> None:
    """A1: the policy's version is part of what was approved."""
    ready = house.approved()
    stricter = house.gate.policy.model_copy(update={"groups": {}})
    house.adopt(Policy.model_validate(stricter.model_dump(by_alias=True)))
    after = house.gate.run(ready.id)
    assert after.state is State.STALE
    assert "policy changed" in after.reason
    assert house.hands.effects == []


def test_a_policy_that_changed_before_the_approval_makes_the_request_stale(house: House) -> None:
    """A1."""
    request = house.asked()
    house.adopt(house.gate.policy.model_copy(update={"freezes": (ALWAYS,)}))
    fresh = Policy.model_validate(house.gate.policy.model_dump(by_alias=True))
    house.adopt(fresh)
    assert "policy changed" in refused(house, request, BEN)
    assert house.ledger.get(request.id).state is State.STALE


# A3


def test_who_left_the_group_before_the_click_cannot_approve(house: House) -> None:
    """A3: membership is that of the moment; nothing is remembered."""
    request = house.asked()
    house.folk.groups["sre"] = frozenset({CARLA})
    assert "not among them" in refused(house, request, BEN)
    house.folk.groups["sre"] = frozenset({BEN, CARLA})
    assert approve(house, request).state is State.READY


def test_who_left_the_group_after_the_click_has_approved_nothing(house: House) -> None:
    """A3: the quorum is counted again, against today's groups, when it runs."""
    ready = house.approved()
    house.folk.groups["sre"] = frozenset({CARLA})
    after = house.gate.run(ready.id)
    assert (after.state, house.hands.effects) == (State.REFUSED, [])
    assert "one of sre is missing" in after.reason


@pytest.mark.parametrize("gone", [ANA, BEN], ids=["requester", "approver"])
def test_who_left_the_workspace_neither_asks_nor_approves(house: House, gone: Actor) -> None:
    """A3: deactivated after the approval, before the run."""
    ready = house.approved()
    house.folk.people.discard(gone)
    after = house.gate.run(ready.id)
    assert (after.state, house.hands.effects) == (State.REFUSED, [])


def test_a_freeze_that_began_after_the_approval_holds_it_back(house: House) -> None:
    """A3: freezes are judged by the time of the execution. The clock starts on a Monday at nine."""
    window = Freeze(name="noon", weekly=Weekly(start="mon 09:30", until="mon 10:30"))
    frozen = house.gate.policy.model_copy(update={"freezes": (window,)})
    house.adopt(Policy.model_validate(frozen.model_dump(by_alias=True)))
    early, late = house.asked(), house.asked(PAYMENTS)
    house.clock.advance(29 * 60)
    approve(house, early)
    house.clock.advance(2 * 60)
    after = house.gate.run(early.id)
    assert (after.state, house.hands.effects) == (State.REFUSED, [])
    assert '"noon"' in after.reason
    assert '"noon"' in refused(house, late, BEN)
    assert house.gate.decide(late.id, late.plan.digest, BEN, approve=False).state is State.DENIED


# A4


@pytest.mark.parametrize(
    "alias", [ANA, Actor(team_id="T1OTHER", user_id=ANA.user_id)], ids=["herself", "from another workspace"]
)
def test_nobody_approves_their_own_request(house: House, alias: Actor) -> None:
    """A4: also not through another workspace's view of the same person, and also with every right."""
    house.folk.groups["sre"] = frozenset({ANA, BEN, alias})
    house.folk.people.add(alias)
    request = house.asked()
    assert "somebody else has to turn the second key: one of sre" in refused(house, request, alias)
    assert alias not in house.gate.approvers(request)


def test_no_app_turns_a_key_or_asks(house: House) -> None:
    """A4: bots are refused, even in the right group."""
    house.folk.groups["sre"] = frozenset({BEN, BOT})
    house.folk.groups["engineers"] = frozenset({ANA, BOT})
    assert "not an app" in refused(house, house.asked(), BOT)
    assert house.asked(DEV, actor=BOT).state is State.REFUSED


def test_a_stranger_cannot_decide_either_way(house: House) -> None:
    """A4: seeing the card gives no right to its buttons."""
    request = house.asked()
    for way in (True, False):
        assert "you are not among them" in refused(house, request, DORA, approve=way)


def test_one_cannot_deny_but_withdraw_ones_own(house: House) -> None:
    request = house.asked()
    assert "withdraw" in refused(house, request, ANA, approve=False)
    with pytest.raises(DecisionRefused, match="Only the person who asked"):
        house.gate.withdraw(request.id, BEN)
    gone = house.gate.withdraw(request.id, ANA)
    assert (gone.state, gone.reason_by) == (State.WITHDRAWN, ANA)
    assert "withdrawn" in refused(house, request, BEN)


# A5


def test_a_person_decides_once(house: House) -> None:
    """A5: a second click changes nothing, whichever way."""
    request = house.asked(PAYMENTS)
    approve(house, request, by=CARLA)
    for way in (True, False):
        assert "already decided" in refused(house, request, CARLA, approve=way)


def test_two_of_one_group_do_not_make_up_for_the_other_group(house: House) -> None:
    """A5: counting is by person and place, and an approval that helps nobody is not taken."""
    house.folk.groups["sre"] = frozenset({BEN, DORA, CARLA})
    request = house.asked(PAYMENTS)
    approve(house, request, by=BEN)
    assert "what is missing is one of payments-owners" in refused(house, request, DORA)


def test_a_deny_is_final(house: House) -> None:
    """A5."""
    request = house.asked(PAYMENTS)
    denied = house.gate.decide(request.id, request.plan.digest, CARLA, approve=False, reason="not today")
    assert (denied.state, denied.reason, denied.reason_by) == (State.DENIED, "not today", CARLA)
    assert "denied it before you" in refused(house, request, BEN)
    assert house.gate.run(request.id).state is State.DENIED
    assert house.hands.effects == []


def test_a_deny_beats_an_approval_that_came_first_as_long_as_nothing_runs(house: House) -> None:
    """A5: between the last approval and the start it still stops everything."""
    ready = house.approved()
    stopped = house.gate.decide(ready.id, ready.plan.digest, CARLA, approve=False)
    assert (stopped.state, stopped.reason_by) == (State.REFUSED, CARLA)
    assert house.gate.run(ready.id).state is State.REFUSED
    assert house.hands.effects == []


# A6


def test_approving_and_starting_have_limits_of_their_own(house: House) -> None:
    """A6: an hour to approve, a quarter of an hour to start, each on the second."""
    request, other = house.asked(), house.asked(PAYMENTS)
    house.clock.advance(3599)
    ready = approve(house, request)
    house.clock.advance(1)
    assert "too long for approval" in refused(house, other, BEN)
    assert house.ledger.get(other.id).state is State.EXPIRED
    house.clock.advance(898)
    house.gate.tick()
    assert house.ledger.get(ready.id).state is State.READY
    house.clock.advance(1)
    after = house.gate.run(ready.id)
    assert (after.state, house.hands.effects) == (State.EXPIRED, [])


def test_what_nobody_touches_expires_by_itself(house: House) -> None:
    """A6."""
    waiting, ready = house.asked(), house.asked(DEV)
    house.clock.advance(3600)
    house.gate.tick()
    assert house.ledger.get(waiting.id).state is State.EXPIRED
    assert house.ledger.get(ready.id).state is State.EXPIRED
    assert house.ledger.waiting() + house.ledger.ready() == []


def test_a_clock_that_jumps_back_extends_nothing(house: House, beside: Callable[[], House]) -> None:
    """A6: time goes on from where it was, in this process and in one that starts afterwards."""
    request, other = house.asked(), house.asked(PAYMENTS)
    house.clock.advance(3000)
    house.gate.tick()
    house.clock.advance(-100_000)
    house.gate.tick()
    house.clock.advance(599)
    assert approve(house, request).state is State.READY
    restarted = beside()
    restarted.gate.tick()
    house.clock.advance(1)
    assert "too long" in refused(restarted, other, BEN)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(jumps=st.lists(st.integers(-5000, 900), min_size=1, max_size=8))
def test_no_walk_of_the_clock_makes_time_run_backwards(house: House, jumps: list[int]) -> None:
    """A6."""
    seen = house.ledger.now()
    for jump in jumps:
        house.clock.advance(jump)
        now = house.ledger.now()
        assert (now - seen).total_seconds() == max(0, jump)
        seen = now


# A8


def test_with_the_directory_down_nothing_is_asked_approved_or_run(house: House) -> None:
    """A8: and nothing is lost by it: it goes on when the directory answers again."""
    ready, waiting = house.approved(), house.asked()
    house.folk.down = True
    with pytest.raises(DirectoryDown):
        house.asked()
    with pytest.raises(DirectoryDown):
        house.gate.run(ready.id)
    assert "cannot look up" in refused(house, waiting, BEN)
    assert house.hands.effects == []
    house.folk.down = False
    assert house.gate.run(ready.id).state is State.SUCCEEDED


@pytest.mark.parametrize("stranger", [BOT, Actor(team_id="T0OTHER", user_id="U0ANA")])
def test_a_guest_of_a_shared_channel_reads_only_where_the_policy_lets_guests_in(house: House, stranger: Actor) -> None:
    """A8: "anyone" is every member of the workspace; whoever else is in a channel is not meant by it."""
    status = Status(service="cart", environment="prod")
    with pytest.raises(NotAllowed, match="full member"):
        house.gate.ask(status, stranger, lambda step: None)
    assert house.hands.answered == 0

    first, *others = house.gate.policy.rules
    house.adopt(house.gate.policy.model_copy(update={"rules": (first.model_copy(update={"guests": True}), *others)}))
    house.gate.ask(status, stranger, lambda step: None)
    assert house.hands.answered == 1


def test_letting_guests_read_lets_them_change_nothing(house: House) -> None:
    """A4: also where the rule that lets them in is for changes as well."""
    data = {"rules": [{"name": "all", "match": {}, "ask": "anyone", "guests": True, "approvals": []}]}
    house.adopt(Policy.model_validate(data))
    refused_one = house.asked(DEV, actor=BOT)
    assert (refused_one.state, house.hands.effects) == (State.REFUSED, [])
    assert "full member" in refused_one.reason


def test_an_empty_policy_lets_nothing_through(house: House) -> None:
    """A8."""
    house.adopt(Policy())
    assert house.asked(DEV).state is State.REFUSED
    with pytest.raises(NotAllowed):
        house.gate.ask(Status(service="cart", environment="prod"), ANA, lambda step: None)
    assert (house.hands.effects, house.hands.answered) == ([], 0)


def test_a_verb_that_is_not_registered_is_forbidden(house: House) -> None:
    """A8: what was removed from the registry cannot be run, though the policy would let it."""
    fewer = Registry([verb for verb in VERBS if verb.verb != "restart"])
    gate = Gate(house.rules, house.folk, house.ledger, house.hands, fewer, house.clock)
    refused_one = gate.submit(Restart(service="cart", environment="dev"), ANA, {})
    assert refused_one.state is State.REFUSED
    assert 'no action "restart"' in refused_one.reason


def test_an_attempt_that_leads_to_no_request_is_recorded(house: House) -> None:
    """L1: unknown service, no rights, cluster down: who wanted what, and why not."""
    for error in (UnknownService("chekout"), Unreachable(), Rejected()):
        house.hands.plan_error = error
        with pytest.raises(type(error)):
            house.asked()
        last = list(house.ledger.entries())[-1].fields
        assert (last["kind"], last["data"]["why"]) == ("attempt.refused", error.say)
        assert last["data"]["action"] == SCALE.as_json()
    house.hands.plan_error = None
    assert house.asked(actor=DORA).state is State.REFUSED
    assert house.kinds()[-2:] == ["request.submitted", "attempt.refused"]


def test_a_request_that_does_not_exist_is_refused_and_recorded(house: House) -> None:
    for act in (
        lambda: house.gate.decide("nope", "0" * 64, BEN, approve=True),
        lambda: house.gate.withdraw("nope", ANA),
        lambda: house.gate.stop("nope", ANA),
    ):
        with pytest.raises(NoSuchRequest):
            act()
    assert house.kinds() == ["attempt.refused"] * 3


# A12


def test_no_verb_and_no_schema_lets_a_model_approve_deny_or_choose_approvers() -> None:
    """A12: what a model can fill in has no word for it; deciding is only a method that clicks reach."""
    for verb in VERBS:
        words = json.dumps([verb.verb, *verb.model_json_schema()["properties"]]).lower()
        for word in ("approv", "deny", "decide", "decision", "withdraw", "grant", "quorum", "digest", "actor"):
            assert word not in words
    for word in ("approve", "deny", "decide", "withdraw", "run", "stop"):
        with pytest.raises(BadInput):
            Registry(VERBS).parse({"verb": word})
    read = policy.load(PLAYGROUND)
    assert all(rule.approvals == () for rule in read.rules if rule.match.risk == ("read",))
