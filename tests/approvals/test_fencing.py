"""E1–E3, A1: who holds a run, who lost it, and what it may rest on."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta

import pytest
from pydantic import JsonValue
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from actions.errors import StalePlan
from actions.outcome import Step
from approvals import audit, rows
from approvals.gate import DecisionRefused
from approvals.moves import Move
from approvals.request import Event, State
from approvals.runner import DEADLINE, LEASE
from approvals.tables import as_text, audit_events, decisions, delegations, requests
from approvals.warrant import Altered
from tests.approvals.doubles import ANA, BEN, CARLA, DORA, GUARDED, PAYMENTS, House
from tests.stores import UNGUARD


def test_a_run_that_was_taken_away_is_told_to_stop_and_changes_nothing_more(
    house: House, beside: Callable[[], House]
) -> None:
    """E2: it slept past its lease. It may not go on, hold on, say how far it is, nor say how it ended."""
    ready, other = house.approved(), beside()
    house.hands.can_read_back = False
    house.hands.steps = (Step(text="1 of 2", done=1, total=2),)

    def sleep() -> None:
        house.clock.advance(LEASE.total_seconds())
        other.gate.tick()
        house.gate.tick()

    house.hands.after_effect = sleep
    after = house.gate.run(ready.id)
    assert house.hands.stopped
    assert (after.state, after.step) == (State.UNKNOWN, None)
    assert house.kinds()[-2:] == ["request.unknown", "outcome.late"]
    house.hands.can_read_back = True
    other.gate.tick()
    assert other.ledger.get(ready.id).state is State.SUCCEEDED, "settled by reading"


def test_the_fence_grows_with_every_hold_and_the_log_names_it(house: House, beside: Callable[[], House]) -> None:
    """E2."""
    ready, other = house.approved(), beside()
    fences: list[int] = [ready.fence]

    def lapse() -> None:
        fences.append(other.ledger.get(ready.id).fence)
        house.clock.advance(LEASE.total_seconds())
        other.gate.tick()
        fences.append(other.ledger.get(ready.id).fence)

    house.hands.before_effect = lapse
    house.gate.run(ready.id)
    assert fences == [0, 1, 2]
    (running,) = (e.fields for e in house.ledger.entries() if e.fields["kind"] == "request.running")
    assert running["data"]["fence"] == 1


def test_a_lease_that_was_renewed_meanwhile_is_not_taken(house: House, beside: Callable[[], House]) -> None:
    """E2: whoever thinks that a run lapsed looks again inside the transaction that takes it."""
    ready, other = house.approved(), beside()

    def renewed() -> None:
        house.clock.advance(LEASE.total_seconds())
        seen = other.ledger.running()
        house.gate.tick()
        other.ledger.running = lambda: seen  # type: ignore[method-assign]  # what it had read before the renewal
        other.gate.tick()

    house.hands.after_effect = renewed
    assert house.gate.run(ready.id).state is State.SUCCEEDED


def test_no_run_outlives_the_deadline(house: House) -> None:
    """E1: it still says that it lives, and has to stop all the same; what it did is read back."""
    ready = house.approved()
    states: list[State] = []

    def endless() -> None:
        for _ in range(round(DEADLINE / LEASE)):
            states.append(house.ledger.get(ready.id).state)
            house.clock.advance(LEASE.total_seconds())
            house.gate.tick()

    house.hands.after_effect = endless
    assert house.gate.run(ready.id).state is State.SUCCEEDED
    assert set(states) == {State.RUNNING}
    assert house.hands.stopped
    assert house.kinds()[-3:] == ["request.unknown", "request.succeeded", "outcome.late"]


def test_a_guarded_run_that_hangs_keeps_its_target_no_longer_than_it_may_take(house: House) -> None:
    """E1, E3: its own process cannot take it over, so nobody waits for as long as its guard would watch on top."""
    ready = house.approved(GUARDED)
    assert ready.plan.guard
    longest = round((2 * DEADLINE + timedelta(seconds=ready.plan.guard.window)) / LEASE)
    states: list[State] = []

    def endless() -> None:
        for _ in range(longest + 3):
            states.append(house.ledger.get(ready.id).state)
            house.clock.advance(LEASE.total_seconds())
            house.gate.tick()

    house.hands.after_effect = endless
    assert house.gate.run(ready.id).state is State.SUCCEEDED
    assert set(states[:longest]) == {State.RUNNING}
    assert house.kinds()[-3:] == ["request.unknown", "request.succeeded", "outcome.late"]


def test_the_store_itself_lets_one_request_run_on_a_target(house: House) -> None:
    """E3: also where no code of ours looks first."""
    first, second = house.approved(), house.approved()
    with house.engine.begin() as store:
        store.execute(update(requests).where(requests.c.id == first.id).values(state="running"))
        with pytest.raises(IntegrityError):
            store.execute(update(requests).where(requests.c.id == second.id).values(state="running"))


def forge_decision(house: House, request_id: str, digest: str) -> None:
    """Ben never clicked."""
    row = {"request_id": request_id, "digest": digest, "approver_team": BEN.team_id, "approver_user": BEN.user_id}
    with house.engine.begin() as store:
        store.execute(insert(decisions).values(**row, approve=True, at=as_text(house.clock.now()), reason=""))
        store.execute(update(requests).values(state="ready", missing=[]))


def forge_decision_of_another_person(house: House, request_id: str, digest: str) -> None:
    """Carla clicked, and her decision is counted twice under another name."""
    house.gate.decide(request_id, digest, CARLA, approve=True)
    forge_decision(house, request_id, digest)


def forge_state(house: House, _request_id: str, _digest: str) -> None:
    """It is ready without any decision, and says that none is needed."""
    with house.engine.begin() as store:
        store.execute(update(requests).values(state="ready", missing=[], requirements=[]))


def forge_entry(house: House, request_id: str, digest: str) -> None:
    """A decision with an entry at the end of the log, by somebody who cannot make the chain."""
    forge_decision(house, request_id, digest)
    *_, last = house.ledger.entries()
    body = {**last.fields, "seq": last.seq + 1, "kind": "request.approved"}
    body["actor"] = {"team": BEN.team_id, "user": BEN.user_id}
    body["data"] = {"digest": digest, "policy": house.gate.policy.version, "reason": "", "state": "ready"}
    raw = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    row = {"seq": last.seq + 1, "request_id": request_id, "prev": last.hash, "hash": last.hash, "body": raw}
    with house.engine.begin() as store:
        store.execute(insert(audit_events).values(row))


def forge_entries_below_the_first(house: House, request_id: str, digest: str) -> None:
    """All that the log has of it once more, with the decision, where no verifier of exports comes by: linked."""
    forge_decision(house, request_id, digest)
    its = [e.fields for e in house.ledger.entries() if e.fields["request"] == request_id]
    data = {"digest": digest, "policy": house.gate.policy.version, "reason": "", "state": "ready"}
    last = (-10, audit.GENESIS)
    with house.engine.begin() as store:
        store.exec_driver_sql(UNGUARD)
        store.execute(update(audit_events).values(request_id=None))
        for fields in its:
            made = audit.entry(last, fields["at"], fields["kind"], request_id, ANA, fields["data"])
            store.execute(insert(audit_events), {**made._asdict(), "request_id": request_id})
            last = (made.seq, made.hash)
        made = audit.entry(last, as_text(house.clock.now()), "request.approved", request_id, BEN, data)
        store.execute(insert(audit_events), {**made._asdict(), "request_id": request_id})


FORGERIES = (forge_decision, forge_decision_of_another_person, forge_state, forge_entry, forge_entries_below_the_first)


@pytest.mark.parametrize("forge", FORGERIES, ids=[forge.__name__ for forge in FORGERIES])
def test_what_the_log_does_not_say_runs_nothing(
    house: House, beside: Callable[[], House], forge: Callable[[House, str, str], None]
) -> None:
    """A1, E1: a runner takes nothing from the tables that has no entry in the chain."""
    request, runner = house.asked(), beside()
    forge(house, request.id, request.plan.digest)
    assert runner.ledger.get(request.id).state is State.READY
    after = runner.gate.run(request.id)
    assert after.state is State.REFUSED
    assert ("audit verify" in after.reason) is (forge is not forge_state), "its policy already asks for an approval"
    assert house.hands.effects == []


@pytest.mark.parametrize("error", [None, StalePlan("somebody scaled it")], ids=["it ran", "it went stale"])
def test_what_is_over_does_not_run_because_the_table_says_that_it_is_ready(
    house: House, beside: Callable[[], House], error: StalePlan | None
) -> None:
    """E1: an approval is used once, whoever writes the table afterwards."""
    house.hands.check_error = error
    ended = house.gate.run(house.approved().id)
    house.hands.check_error = None
    effects = list(house.hands.effects)
    assert (ended.state.final, len(effects)) == (True, error is None)
    with house.engine.begin() as store:
        store.execute(update(requests).values(state="ready", outcome=None, reason="", finished_at=None))
    after = beside().gate.run(ended.id)
    assert (after.state, house.hands.effects) == (State.REFUSED, effects)
    assert "audit verify" in after.reason


@pytest.mark.parametrize("how", ["declared", "something else", "nothing", "declared twice"])
def test_leave_is_for_what_one_start_in_the_log_declared(house: House, how: str) -> None:
    """E1: and for nothing else, whoever wrote that it runs."""
    request = house.approved(GUARDED)
    assert request.plan.way_back
    declares = {"nothing": None, "something else": "0" * 64}.get(how, request.plan.way_back.digest)
    said: dict[str, JsonValue] = {"fence": 1, "declares": declares}
    held = {"fence": 1, "lease_until": house.clock.now() + LEASE}
    house.ledger.move(request.id, lambda _now, _at: Move("request.running", Event.START, None, held, said))
    if how == "declared twice":
        house.ledger.note("request.running", {**said, "state": "running"}, request_id=request.id)
    with nullcontext() if how == "declared" else pytest.raises(Altered):
        house.ledger.move(request.id, lambda _now, _at: Move("request.guard_tripped", Event.TRIP, data={"fence": 1}))
    assert ("request.guard_tripped" in house.kinds()) is (how == "declared")


def test_an_approval_of_another_request_is_none_of_this_one_wherever_it_is_filed(house: House) -> None:
    """A5, E1: Ben approved the same change once before, and its entry and row are put under this request."""
    other, request = house.asked(PAYMENTS), house.asked(PAYMENTS)
    (given,) = house.gate.decide(other.id, other.plan.digest, BEN, approve=True).decisions
    with house.engine.begin() as store:
        store.exec_driver_sql(UNGUARD)
        store.execute(update(audit_events).where(audit_events.c.seq == 3).values(request_id=request.id))
        store.execute(insert(decisions), rows.decision_row(given.model_copy(update={"request_id": request.id})))
        store.execute(update(requests).where(requests.c.id == request.id).values(rev=request.rev + 1))
    with pytest.raises(DecisionRefused, match="audit verify"):
        house.gate.decide(request.id, request.plan.digest, CARLA, approve=True)


def test_who_writes_themselves_out_of_their_own_request_cannot_approve_it(house: House) -> None:
    """A4: the table says that Ana asked, and the log that Ben did."""
    request = house.asked(actor=BEN)
    with house.engine.begin() as store:
        store.execute(update(requests).values(requester_user=ANA.user_id))
    with pytest.raises(DecisionRefused, match="audit verify"):
        house.gate.decide(request.id, request.plan.digest, BEN, approve=True)


def lent(house: House, **row: object) -> None:
    """A row that says that Dora holds Ben's key."""
    since, until = house.clock.now(), house.clock.now() + timedelta(hours=1)
    made = {
        "giver_team": BEN.team_id,
        "giver_user": BEN.user_id,
        "taker_team": DORA.team_id,
        "taker_user": DORA.user_id,
    }
    with house.engine.begin() as store:
        store.execute(insert(delegations).values(**made, since=as_text(since), until=as_text(until), **row))


def forge_lending(house: House) -> None:
    """Nobody handed anything over."""
    lent(house)


def forge_holder(house: House) -> None:
    """Ben handed his key to Carla."""
    house.gate.hand_over(BEN, CARLA, house.clock.now() + timedelta(hours=1))
    lent(house)


def forge_lasting(house: House) -> None:
    """It was taken back, and the table forgets it."""
    house.gate.hand_over(BEN, DORA, house.clock.now() + timedelta(hours=1))
    house.gate.take_back(BEN)
    with house.engine.begin() as store:
        store.execute(update(delegations).values(ended_at=None))


def forge_length(house: House) -> None:
    """It was for ten minutes, which are over."""
    house.gate.hand_over(BEN, DORA, house.clock.now() + timedelta(minutes=10))
    house.clock.advance(601)
    with house.engine.begin() as store:
        store.execute(update(delegations).values(until=as_text(house.clock.now() + timedelta(minutes=10))))


@pytest.mark.parametrize("forge", [forge_lending, forge_holder, forge_lasting, forge_length], ids=lambda f: f.__name__)
def test_a_key_that_nobody_lent_in_the_log_opens_nothing(house: House, forge: Callable[[House], None]) -> None:
    """A3, E1: whoever can write the table of delegations alone makes no approver."""
    house.folk.groups["engineers"] |= {DORA}
    forge(house)
    request = house.asked()
    house.gate.decide(request.id, request.plan.digest, DORA, approve=True)
    after = house.gate.run(request.id)
    assert (after.state, house.hands.effects) == (State.REFUSED, [])
    assert "audit verify" in after.reason


def test_a_limit_that_was_moved_in_the_table_lets_nothing_be_approved_or_run_later(house: House) -> None:
    """A6: what counts is when it was asked and approved, as the log has it."""
    waiting, ready, later = house.asked(), house.approved(), as_text(house.clock.now() + timedelta(days=9))
    house.clock.advance(3601)
    with house.engine.begin() as store:
        store.execute(update(requests).values(approve_by=later, run_by=later))
    with pytest.raises(DecisionRefused, match="waited too long for approval"):
        house.gate.decide(waiting.id, waiting.plan.digest, BEN, approve=True)
    assert house.gate.run(ready.id).state is State.EXPIRED
    fresh = house.asked()
    with house.engine.begin() as store:
        store.execute(update(requests).where(requests.c.id == fresh.id).values(created_at=later, approve_by=later))
    with pytest.raises(DecisionRefused, match="audit verify"):
        house.gate.decide(fresh.id, fresh.plan.digest, BEN, approve=True)
    assert house.hands.effects == []
