"""A rollback approved in advance: who has to agree, and that it is begun once, by the run that may (A3, E1, L1)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import Connection, event, select, update
from sqlalchemy.exc import OperationalError

from actions.action import Change
from actions.errors import GrantRefused, TwokeyError
from actions.objects import back_id
from actions.outcome import Grant, Outcome
from actions.plan import Plan
from actions.record import Record
from actions.registry import Registry
from actions.toolbox import Progress
from actions.verbs import VERBS
from approvals import audit, policy, verdict
from approvals.actor import DirectoryDown
from approvals.gate import Gate
from approvals.moves import Outrun
from approvals.policy_model import Policy
from approvals.request import Request, Requirement, State
from approvals.runner import DEADLINE, LEASE
from approvals.store import AnswerLost
from approvals.tables import requests
from approvals.verdict import Allowed, Escalation, Forbidden, NeedsApproval
from tests.approvals.doubles import ANA, BEN, CARLA, DEV, GUARDED, PLAYGROUND, SCALE, TRIP, Hands, House, a_house
from tests.approvals.test_catalog_in_force import HARMLESS, going_by
from tests.approvals.test_charter import FIRST, a_gate
from tests.approvals.test_policy_check import CATALOG
from tests.waiting import until

WINDOW = 600  # seconds for which the guard of GUARDED watches

HOUR = timedelta(hours=1)


def _policy(**rollback: object) -> Policy:
    """The playground's, with a rule of its own for rollbacks in prod, before all others."""
    told = policy.load(PLAYGROUND).model_dump(mode="json", by_alias=True, exclude_unset=True)
    rule = {
        "name": "rollbacks",
        "match": {"verbs": ["rollback"], "environments": ["prod"]},
        "ask": ["engineers"],
        "approvals": [{"from": "sre", "count": 1}],
        **rollback,
    }
    return Policy.model_validate({**told, "rules": [rule, *told["rules"]]})


def _freeze(*verbs: str) -> Policy:
    told = policy.load(PLAYGROUND).model_dump(mode="json", by_alias=True, exclude_unset=True)
    window = {"name": "now", "match": {"verbs": list(verbs)}, "weekly": {"from": "mon 08:00", "until": "mon 18:00"}}
    return Policy.model_validate({**told, "freezes": [window]})


# -- who has to agree -------------------------------------------------------------------------------------------------
def test_the_stricter_of_both_rules_counts_for_each_group(house: House) -> None:
    """A3: whoever may approve the deploy alone does not approve the rollback with it."""
    house.adopt(_policy(approvals=[{"from": "sre", "count": 1}, {"from": "payments-owners", "count": 1}]))
    request = house.asked(GUARDED)
    assert request.requirements == (
        Requirement(group="sre", count=1),
        Requirement(group="payments-owners", count=1),
    )
    assert request.rule.endswith(" and rollbacks")
    after = house.gate.decide(request.id, request.plan.digest, BEN, approve=True)
    assert after.state is State.WAITING
    after = house.gate.decide(request.id, request.plan.digest, CARLA, approve=True)
    assert after.state is State.READY


def test_where_no_rollback_is_allowed_no_guard_is_either(house: House) -> None:
    house.adopt(_policy(ask=["payments-owners"]))
    request = house.asked(GUARDED)
    assert request.state is State.REFUSED
    assert request.reason.startswith("Its guard could not roll it back: Only members of payments-owners may ask")
    assert house.asked(GUARDED.model_copy(update={"guard": None})).state is State.WAITING


@pytest.mark.parametrize("count", [1, 2])
def test_a_quorum_that_only_the_rollback_has_is_wanted_too(count: int) -> None:
    rules = NeedsApproval("back", (Requirement(group="sre", count=count),), HOUR, HOUR)
    found = verdict.both(Allowed("free", 2 * HOUR), rules)
    assert isinstance(found, NeedsApproval)
    assert found.requirements[0].count == count
    assert found.run_within == HOUR


def test_two_of_one_group_are_two_with_a_guard_as_well() -> None:
    """A3: also where they are two lines of a rule, one of them for an eval that was not passed."""
    rules = NeedsApproval("two", (Requirement(group="sre", count=1), Requirement(group="sre", count=1)), HOUR, HOUR)
    for found in (verdict.both(rules, Allowed("free", HOUR)), verdict.both(rules, rules)):
        assert isinstance(found, NeedsApproval)
        assert found.requirements == (Requirement(group="sre", count=2),)


def test_the_shorter_times_hold_and_others_are_asked_only_where_both_rules_say_so() -> None:
    sre, owners = Requirement(group="sre", count=2), Requirement(group="owners", count=1)
    later = Escalation(HOUR, ("leads",))
    one = NeedsApproval("one", (sre,), 2 * HOUR, HOUR, None, later)
    other = NeedsApproval("other", (sre.model_copy(update={"count": 1}), owners), HOUR, 2 * HOUR, HOUR)
    for found in (verdict.both(one, other), verdict.both(other, one)):
        assert isinstance(found, NeedsApproval)
        assert set(found.requirements) == {sre, owners}
        assert (found.approve_within, found.run_within, found.remind_after) == (HOUR, HOUR, HOUR)
        assert found.escalation is None
    assert verdict.both(one, one) == one
    assert verdict.both(Allowed("a", HOUR), Allowed("a", HOUR)) == Allowed("a", HOUR)
    no = Forbidden("no", "No.")
    assert verdict.both(no, one) == no
    assert isinstance(verdict.both(one, no), Forbidden)


# -- leave ------------------------------------------------------------------------------------------------------------
def test_a_guard_that_trips_is_recorded_before_it_rolls_back(house: House) -> None:
    """L1, E1: entry, then effect; both effects once; a state of its own, and the log says the same."""
    house.hands.trip = TRIP
    seen: list[str] = []
    house.hands.before_back = lambda: seen.extend(house.kinds())
    request = house.approved(GUARDED)
    ended = house.gate.run(request.id)
    assert ended.state is State.ROLLED_BACK
    assert house.hands.effects == [request.id, back_id(request.id)]
    assert seen[-3:] == ["request.running", "request.watching", "request.guard_tripped"]
    assert house.kinds()[-1] == "request.rolled_back"
    (tripped,) = [e.fields["data"] for e in house.ledger.entries() if e.fields["kind"] == "request.guard_tripped"]
    assert request.plan.way_back
    assert tripped["digest"] == request.plan.way_back.digest
    assert (tripped["measured"], tripped["limit"]) == (TRIP.measured, TRIP.limit)
    assert tripped["patch"]["body"]["metadata"]["annotations"]["twokey.dev/request"] == back_id(request.id)
    assert audit.replay(e.fields for e in house.ledger.entries()) == house.ledger.states()


@dataclass
class Asking(Hands):
    """Hands that ask for leave three times, whatever they hear, and note it; `between` happens before each."""

    between: Callable[[str], object] = lambda request_id: None
    grants: list[Grant] = field(default_factory=list)
    refused: list[TwokeyError] = field(default_factory=list)

    def execute(
        self, plan: Plan, grant: Grant, progress: Progress, stop: Callable[[], bool], record: Record
    ) -> Outcome:
        for _ in range(3):
            self.between(grant.request_id)
            try:
                self.grants.append(record.leave(TRIP))
            except TwokeyError as error:
                self.refused.append(error)
        return Outcome(ok=False, summary="done")


def _asked(house: House, action: Change = GUARDED, between: Callable[[str], None] | None = None) -> Asking:
    """What hands hear in a run of this change, which somebody approved."""
    hands = Asking(between=between or (lambda request_id: None))
    other = a_house(house.path, clock=house.clock, folk=house.folk, hands=hands)
    gate = Gate(house.rules, house.folk, other.ledger, hands, Registry(VERBS), house.clock)
    gate.run(house.approved(action).id)
    return hands


def test_leave_is_given_once(house: House) -> None:
    """E1: at most one effect of each kind for one approval."""
    heard = _asked(house)
    assert len(heard.grants) == 1
    assert {error.say for error in heard.refused} == {"Its rollback was begun already, and is never begun twice."}
    assert house.kinds().count("request.guard_tripped") == 1


@pytest.mark.parametrize(("times", "done"), [(1, True), (2, True), (1, False)])
def test_leave_whose_answer_was_lost_is_given_to_the_run_that_asks_again(house: House, times: int, done: bool) -> None:
    """E1, L1: the connection breaks at the commit, which may be done; it is recorded once, and not left out."""
    hands = Asking()
    other = a_house(house.path, clock=house.clock, folk=house.folk, hands=hands)
    left = [times]

    def lose(connection: Connection) -> None:
        if left[0] and other.ledger.running():
            left[0] -= 1
            if done:
                connection.connection.dbapi_connection.execute("COMMIT")  # type: ignore[union-attr]  # it is open
            raise OperationalError("COMMIT", None, OSError("gone"), connection_invalidated=True)

    def arm(_: str) -> None:
        if not event.contains(other.engine, "commit", lose):
            event.listen(other.engine, "commit", lose)

    hands.between = arm
    other.gate.run(house.approved(GUARDED).id)
    assert (len(hands.grants), left) == (1, [0])
    assert [type(error) for error in hands.refused[:times]] == [AnswerLost] * times
    assert house.kinds().count("request.guard_tripped") == 1


def test_leave_is_short_and_for_the_declared_rollback_alone(house: House) -> None:
    """A1, E2: for the digest of the rollback that the plan declares, and for as long as a lease."""
    (grant,) = _asked(house).grants
    (request,) = house.ledger.recent(1)
    assert request.plan.way_back
    assert grant.request_id == back_id(request.id)
    assert grant.digest == request.plan.way_back.digest != request.plan.digest
    assert grant.expires_at == house.clock.now() + LEASE


def test_a_plan_without_a_guard_gets_no_leave(house: House) -> None:
    assert _asked(house, SCALE).grants == []


@pytest.mark.parametrize(("verb", "given"), [("rollback", 0), ("deploy", 1)])
def test_a_freeze_that_began_meanwhile_holds_a_rollback_back_if_it_is_about_rollbacks(
    house: House, verb: str, given: int
) -> None:
    """A3: the policy is judged when it trips, for the rollback; nothing that is automatic passes a freeze."""
    heard = _asked(house, between=lambda _: house.adopt(_freeze(verb)))
    assert len(heard.grants) == given
    assert house.kinds().count("request.guard_tripped") == given
    assert given or all("The freeze" in error.say for error in heard.refused)


def test_a_catalogue_that_weakens_nothing_takes_no_guard_away(house: House) -> None:
    """A9: what the rollback does is bound by its plan, so the policy in force judges it, by whatever catalogue."""
    gate, hands, request = _by_the_catalog(house)
    hands.between = lambda _: going_by(house, HARMLESS).put_forward(HARMLESS)
    gate.run(request.id)
    assert going_by(house, CATALOG).outgrown()
    assert len(hands.grants) == 1


def test_a_guard_watches_on_while_its_process_goes_over_to_another_catalogue(house: House) -> None:
    """E2: its run is held beyond any lease, beside the process that works by the new one; it ends for both."""
    gate, hands, request = _by_the_catalog(house)
    successor = a_gate(house, going_by(house, HARMLESS))
    threads: list[threading.Thread] = []

    def go_over(_: str) -> None:
        if threads:
            return
        going_by(house, HARMLESS).put_forward(HARMLESS)
        threads.append(threading.Thread(target=gate.see_out, args=[lambda: False]))
        house.clock.advance(LEASE.total_seconds() - 1)
        before = _lease(house, request.id)
        threads[0].start()
        until(lambda: _lease(house, request.id) > before, "it is held")
        house.clock.advance(LEASE.total_seconds() - 1)
        successor.tick()

    hands.between = go_over
    gate.run(request.id)
    assert len(hands.grants) == 1
    threads[0].join(30)
    assert not threads[0].is_alive()
    assert house.ledger.get(request.id).state is State.FAILED


def _by_the_catalog(house: House) -> tuple[Gate, Asking, Request]:
    """A process that goes by the catalogue in force, and a guarded change that is approved there."""
    hands, mine = Asking(), going_by(house, CATALOG)
    for paper in (CATALOG, FIRST):
        mine.put_forward(paper)
    gate = Gate(mine.in_force, house.folk, house.ledger, hands, Registry(VERBS), house.clock, mine)
    request = gate.submit(GUARDED, ANA, {})
    for actor in (BEN, CARLA):
        if request.state is State.WAITING:
            request = gate.decide(request.id, request.plan.digest, actor, approve=True)
    return gate, hands, request


def _lease(house: House, request_id: str) -> str:
    with house.engine.begin() as connection:
        return str(connection.execute(select(requests.c.lease_until).where(requests.c.id == request_id)).scalar_one())


def test_who_may_no_longer_approve_takes_the_approval_of_the_rollback_along(house: House) -> None:
    """A3: groups are looked up when it trips."""

    def leave_sre(_: str) -> None:
        house.folk.groups["sre"] = frozenset({CARLA})

    heard = _asked(house, between=leave_sre)
    assert heard.grants == []
    assert {type(error) for error in heard.refused} == {GrantRefused}
    assert "one of sre is missing" in heard.refused[0].say


def test_where_nobody_can_tell_it_may_be_asked_again(house: House) -> None:
    """A8: no leave while the directory is down, and no final no either."""

    def flap(_: str) -> None:
        house.folk.down = not house.folk.down

    heard = _asked(house, between=flap)
    assert isinstance(heard.refused[0], DirectoryDown)
    assert len(heard.grants) == 1


def test_a_run_that_was_taken_away_gets_no_leave(house: House) -> None:
    """E2: a paused worker that wakes up after its lease rolls nothing back."""

    def take(request_id: str) -> None:
        house.clock.advance(LEASE.total_seconds() + WINDOW)
        house.gate.tick()
        assert house.ledger.get(request_id).state is State.UNKNOWN

    house.hands.can_read_back = False
    heard = _asked(house, between=take)
    assert heard.grants == []
    assert {type(error) for error in heard.refused} == {Outrun}


@pytest.mark.parametrize("forged", [{"limit": "0.001"}, {"patch": {"body": {"spec": {"replicas": 0}}}}])
def test_a_guard_that_was_altered_in_the_table_gets_no_leave(house: House, forged: dict[str, object]) -> None:
    """A1: a row that says something else than what was approved and declared is no leave."""

    def alter(request_id: str) -> None:
        plan = house.ledger.get(request_id).plan.model_dump(mode="json")
        plan["guard"] |= forged
        with house.engine.begin() as connection:
            connection.execute(update(requests).where(requests.c.id == request_id).values(plan=plan))

    heard = _asked(house, between=alter)
    assert heard.grants == []
    assert "request.guard_tripped" not in house.kinds()


def test_the_entry_of_the_start_declares_the_rollback(house: House) -> None:
    """L1: whoever reads the log knows from its start what a run may do by itself."""
    for action in (GUARDED, DEV):
        house.gate.run(house.approved(action).id if action is GUARDED else house.asked(action).id)
    started = [e.fields["data"] for e in house.ledger.entries() if e.fields["kind"] == "request.running"]
    (guarded,) = [r for r in house.ledger.recent(2) if r.plan.guard]
    assert guarded.plan.way_back
    assert [data.get("declares") for data in started] == [guarded.plan.way_back.digest, None]


# -- time, and what is lost -------------------------------------------------------------------------------------------
def test_a_guarded_run_may_take_as_long_as_its_guard_watches(house: House) -> None:
    """E2: its lease is kept for longer than any run without a guard could last."""
    other = house.beside()

    def much_later() -> None:
        for _ in range(int((DEADLINE + timedelta(minutes=9)) / LEASE)):
            house.clock.advance(LEASE.total_seconds() - 1)
            other_house.gate.tick()
            other.gate.tick()

    hands = Hands(after_effect=much_later, trip=TRIP)
    other_house = a_house(house.path, clock=house.clock, folk=house.folk, hands=hands)
    ended = other_house.gate.run(house.approved(GUARDED).id)
    assert ended.state is State.ROLLED_BACK
    assert "request.unknown" not in house.kinds()


@pytest.mark.parametrize("landed", [True, False])
def test_a_run_that_died_in_its_rollback_is_read_back_and_not_sent_again(house: House, landed: bool) -> None:
    """E1, E2: unknown until the cluster tells; never a second rollback."""

    class Gone(BaseException):
        """The process is gone."""

    def die() -> None:
        raise Gone

    house.hands.trip = TRIP
    setattr(house.hands, "after_back" if landed else "before_back", die)
    request = house.approved(GUARDED)
    with pytest.raises(Gone):
        house.gate.run(request.id)
    house.clock.advance(LEASE.total_seconds() + WINDOW)
    for _ in range(3):
        house.beside().gate.tick()
    ended = house.ledger.get(request.id)
    assert ended.state is (State.ROLLED_BACK if landed else State.SUCCEEDED)
    assert house.hands.effects.count(back_id(request.id)) == landed
    assert house.kinds().count("request.guard_tripped") == 1


def test_only_who_is_concerned_ends_the_watch(house: House) -> None:
    """Cancelling goes through the ledger, as without a guard."""

    def stop() -> None:
        house.gate.stop(house.ledger.running()[0].id, ANA)

    class Obeying(Hands):
        def execute(
            self, plan: Plan, grant: Grant, progress: Progress, stop: Callable[[], bool], record: Record
        ) -> Outcome:
            self.trip = None
            super().execute(plan, grant, progress, stop, record)
            return Outcome(ok=None if stop() else True, summary="nobody watches")

    other = a_house(house.path, clock=house.clock, folk=house.folk, hands=Obeying(after_effect=stop))
    assert other.gate.run(house.approved(GUARDED).id).state is State.UNKNOWN
