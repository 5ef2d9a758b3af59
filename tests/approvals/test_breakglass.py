"""A10: one named change without approvals, with a reason, within 15 minutes, once; reviewed by somebody else after."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import update

from actions.outcome import Outcome
from approvals import audit, logbook
from approvals.actor import Actor
from approvals.gate import DecisionRefused
from approvals.policy_model import BreakGlass, Freeze, Policy, Weekly
from approvals.request import Request, State
from approvals.tables import requests
from tests.approvals.doubles import ANA, BEN, CARLA, DEV, DORA, GUARDED, SCALE, TRIP, House, in_threads

WHY = "checkout is down, nobody else is awake"


def smash(house: House, request: Request, by: Actor = BEN, why: str = WHY, digest: str | None = None) -> Request:
    return house.gate.break_glass(request.id, digest or request.plan.digest, by, why)


def used(house: House) -> Request:
    """Ben broke the glass for his own request, and it ran."""
    return house.gate.run(smash(house, house.asked(actor=BEN)).id)


def test_it_runs_once_without_a_second_key_and_the_log_says_so(house: House) -> None:
    """A10, E1."""
    done = used(house)
    assert (done.state, house.hands.effects) == (State.SUCCEEDED, [done.id])
    for _ in range(2):
        house.gate.run(done.id)
    assert house.hands.effects == [done.id]
    broken, running = (
        next(e.fields for e in house.ledger.entries() if e.fields["kind"] == kind)
        for kind in ("request.glass_broken", "request.running")
    )
    assert (broken["actor"]["user"], broken["data"]["reason"]) == ("U0BEN", WHY)
    assert running["data"]["glass_broken_by"] == "U0BEN"
    assert audit.replay(e.fields for e in house.ledger.entries()) == house.ledger.states()


def test_until_somebody_else_reviewed_it_nobody_breaks_the_glass_again(house: House) -> None:
    """A10."""
    done = used(house)
    for actor in (BEN, CARLA):
        with pytest.raises(DecisionRefused, match="nobody has reviewed that yet"):
            smash(house, house.asked(actor=actor), by=actor)
    with pytest.raises(DecisionRefused, match="somebody else has to review"):
        house.gate.review(done.id, BEN, "all fine")
    for outsider in (ANA, DORA):
        with pytest.raises(DecisionRefused, match="those who could have approved"):
            house.gate.review(done.id, outsider, "all fine")
    with pytest.raises(DecisionRefused, match="what you found"):
        house.gate.review(done.id, CARLA, "  ")
    reviewed = house.gate.review(done.id, CARLA, "right call")
    assert reviewed.review is not None
    assert (reviewed.review.by, reviewed.state) == (CARLA, State.SUCCEEDED)
    with pytest.raises(DecisionRefused, match="nothing to review"):
        house.gate.review(done.id, CARLA, "again")
    assert smash(house, house.asked(actor=BEN)).state is State.READY


@pytest.mark.parametrize("ended", [State.READY, State.UNKNOWN, State.FAILED, State.ROLLED_BACK])
def test_however_it_ended_it_is_reviewed_before_the_glass_is_broken_again(house: House, ended: State) -> None:
    """A10: also before it runs, and where its guard took it back."""
    house.hands.trip, house.hands.can_read_back = TRIP, False
    house.hands.outcome = Outcome(ok={State.UNKNOWN: None}.get(ended, False), summary="it went wrong")
    request = smash(house, house.asked(GUARDED if ended is State.ROLLED_BACK else SCALE, BEN))
    after = request if ended is State.READY else house.gate.run(request.id)
    assert after.state is ended
    with pytest.raises(DecisionRefused, match="nobody has reviewed that yet"):
        smash(house, house.asked(actor=CARLA), by=CARLA)
    if ended.final:
        house.gate.review(request.id, CARLA, "right call")
        assert smash(house, house.asked(actor=CARLA), by=CARLA).state is State.READY


def test_of_two_at_once_one_breaks_the_glass(house: House, beside: Callable[[], House]) -> None:
    """A10: the rule about the last review is looked at inside the transaction."""
    one, other, away = house.asked(actor=BEN), house.asked(actor=CARLA), beside()
    results = in_threads(lambda: smash(house, one, BEN), lambda: smash(away, other, CARLA))
    assert sorted(type(result).__name__ for result in results) == ["DecisionRefused", "Request"]


def test_one_that_was_never_used_needs_no_review(house: House) -> None:
    first = smash(house, house.asked(actor=BEN))
    house.gate.decide(first.id, first.plan.digest, CARLA, approve=False)
    assert smash(house, house.asked(actor=BEN)).state is State.READY


@pytest.mark.parametrize(
    ("by", "asked_by", "why", "complaint"),
    [
        (ANA, ANA, WHY, "Only members of sre may break the glass"),
        (BEN, ANA, WHY, "Only the person who asked"),
        (BEN, BEN, "because", "Say why"),
    ],
)
def test_only_who_asked_may_and_may_only_with_right_and_reason(
    house: House, by: Actor, asked_by: Actor, why: str, complaint: str
) -> None:
    """A10: named action, reason, and the policy names who."""
    request = house.asked(actor=asked_by)
    with pytest.raises(DecisionRefused, match=complaint):
        smash(house, request, by, why)
    assert house.kinds()[-1] == "attempt.refused"
    assert house.ledger.get(request.id).state is State.WAITING


def test_it_is_for_exactly_one_plan_that_still_waits(house: House) -> None:
    """A1, A10."""
    request = house.asked(actor=BEN)
    with pytest.raises(DecisionRefused, match="another plan"):
        smash(house, request, digest="0" * 64)
    house.gate.withdraw(request.id, BEN)
    with pytest.raises(DecisionRefused, match="withdrawn already"):
        smash(house, request)
    with pytest.raises(DecisionRefused, match="ready already"):
        smash(house, house.asked(DEV, actor=BEN))


def test_it_starts_within_fifteen_minutes_or_not_at_all(house: House) -> None:
    """A6, A10."""
    request = smash(house, house.asked(actor=BEN))
    house.clock.advance(15 * 60)
    after = house.gate.run(request.id)
    assert (after.state, house.hands.effects) == (State.EXPIRED, [])
    with pytest.raises(ValueError, match="within 15m"):
        BreakGlass.model_validate({"who": ["sre"], "start_within": "16m"})


def test_a_limit_that_was_moved_in_the_table_gives_an_emergency_no_more_time(house: House) -> None:
    """A6, A10: what counts is when the glass was broken, as the log has it."""
    request = smash(house, house.asked(actor=BEN))
    with house.engine.begin() as store:
        store.execute(update(requests).values(run_by="2027-01-01T00:00:00.000000Z"))
    house.clock.advance(15 * 60)
    assert house.gate.run(request.id).state in {State.EXPIRED, State.REFUSED}
    assert house.hands.effects == []


def test_it_is_judged_again_when_it_runs(house: House) -> None:
    """A3: whoever broke the glass left the group, or somebody denied it, before it ran."""
    one = smash(house, house.asked(actor=BEN))
    house.folk.groups["sre"] = frozenset({CARLA})
    assert house.gate.run(one.id).state is State.REFUSED
    house.folk.groups["sre"] = frozenset({BEN, CARLA})
    two = smash(house, house.asked(actor=BEN))
    house.gate.decide(two.id, two.plan.digest, CARLA, approve=False)
    assert house.gate.run(two.id).state is State.REFUSED
    assert house.hands.effects == []


def test_a_freeze_holds_it_back_too(house: House) -> None:
    """A3: the clock starts on a Monday at nine."""
    noon = Freeze(name="noon", weekly=Weekly(start="mon 09:30", until="mon 10:30"))
    frozen = house.gate.policy.model_copy(update={"freezes": (noon,)})
    house.adopt(Policy.model_validate(frozen.model_dump(by_alias=True)))
    early, late = house.asked(actor=BEN), house.asked(actor=BEN)
    house.clock.advance(29 * 60)
    ready = smash(house, early)
    house.clock.advance(2 * 60)
    assert house.gate.run(ready.id).state is State.REFUSED
    with pytest.raises(DecisionRefused, match='"noon"'):
        smash(house, late)


def test_without_an_entry_in_the_policy_nobody_can(house: House) -> None:
    """A8."""
    bare = house.gate.policy.model_dump(by_alias=True) | {"break_glass": None}
    house.adopt(Policy.model_validate(bare))
    with pytest.raises(DecisionRefused, match="no `break_glass`"):
        smash(house, house.asked(SCALE, actor=BEN))


def test_an_emergency_that_only_stands_in_the_table_runs_nothing(house: House) -> None:
    """L1, A10: somebody who can write rows, but no entries, makes a waiting request ready."""
    request = smash(house, house.asked(actor=BEN))
    with house.ledger.recording() as record:
        forged = {"by": BEN.model_dump(), "at": "2026-11-02T09:10:00.000000Z", "reason": WHY}
        record.connection.execute(update(requests).where(requests.c.id == request.id).values(emergency=forged))
    after = house.gate.run(request.id)
    assert (after.state, house.hands.effects) == (State.REFUSED, [])


@pytest.mark.parametrize(
    "forged",
    [
        {"review": {"by": CARLA.model_dump(), "at": "2026-11-02T09:10:00.000000Z", "note": "right call"}},
        {"emergency": None},
        {"state": "withdrawn"},
    ],
    ids=["reviewed", "no emergency", "never used"],
)
def test_a_row_alone_neither_reviews_nor_ends_an_emergency(house: House, forged: dict[str, object]) -> None:
    """A10: what the log's entries say of it is what counts when somebody would break the glass again."""
    done = used(house)
    with house.engine.begin() as store:
        store.execute(update(requests).where(requests.c.id == done.id).values(**forged))
    again = house.asked(actor=CARLA)
    with pytest.raises(DecisionRefused, match=f"of the emergency of request {done.id} than the audit log"):
        smash(house, again, by=CARLA)
    assert house.ledger.get(again.id).state is State.WAITING


@pytest.mark.parametrize("named", [BEN, CARLA], ids=["as the log", "somebody else"])
def test_a_review_that_the_log_has_from_the_requester_is_none(house: House, named: Actor) -> None:
    """A10: whomever the row names."""
    done = used(house)
    with house.ledger.recording() as record:
        data = {"note": "all fine", "state": done.state.value}
        logbook.append(record.connection, record.now, "request.reviewed", done.id, BEN, dict(data))
        review = {"by": named.model_dump(), "at": record.now.isoformat(), "note": "all fine"}
        record.connection.execute(update(requests).where(requests.c.id == done.id).values(review=review))
    with pytest.raises(DecisionRefused, match="than the audit log"):
        smash(house, house.asked(actor=CARLA), by=CARLA)
