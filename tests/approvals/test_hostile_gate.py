"""Ways to stretch an approval, to count one that does not count, to act unrecorded, or to hold everything up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from actions.action import Change, Read
from actions.clock import ManualClock
from actions.errors import Unreachable
from actions.outcome import Grant, Outcome
from actions.plan import Plan
from actions.record import Record
from actions.registry import Registry
from actions.toolbox import Progress
from actions.verbs import VERBS
from actions.verbs.status import Status
from approvals import rulings
from approvals.request import Event, State
from approvals.runner import LEASE
from approvals.view import View
from tests.approvals.doubles import ANA, BEN, CARLA, DEV, GUARDED, PAYMENTS, SCALE, Hands, House, a_house
from tests.approvals.test_guarded import _freeze


class Noting(Hands):
    """Keeps the grants that it was given."""

    def execute(
        self, plan: Plan, grant: Grant, progress: Progress, stop: Callable[[], bool], record: Record
    ) -> Outcome:
        self.grants = [*getattr(self, "grants", []), grant]
        return super().execute(plan, grant, progress, stop, record)


def test_a_clock_that_jumped_back_does_not_stretch_a_grant(tmp_path: Path) -> None:
    """A6: the hands read the clock, and the ledger's time is a day ahead of it."""
    hands = Noting()
    house = a_house(tmp_path / "twokey.db", hands=hands)
    ready = house.approved()
    house.clock.advance(-86_400)
    assert house.gate.run(ready.id).state is State.SUCCEEDED
    assert hands.grants[0].expires_at - house.clock.now() <= LEASE
    house.close()


def test_a_grant_ends_with_the_time_to_run(tmp_path: Path) -> None:
    """A6: also where that is sooner than the lease."""
    hands = Noting()
    house = a_house(tmp_path / "twokey.db", hands=hands)
    ready = house.approved()
    assert ready.run_by
    house.clock.advance((ready.run_by - house.clock.now()).total_seconds() - 5)
    house.gate.run(ready.id)
    assert hands.grants[0].expires_at - house.clock.now() == timedelta(seconds=5)
    house.close()


def test_the_requesters_own_approval_does_not_count_at_the_start_either(house: House) -> None:
    """A4: however it came into the store."""
    ready = house.approved()
    own = ready.model_copy(update={"decisions": (ready.decisions[0].model_copy(update={"approver": ANA}),)})
    everybody = frozenset({ANA, BEN, CARLA})
    groups = {"engineers": everybody, "sre": everybody}
    view = View(house.gate.policy, Registry(VERBS), groups, everybody)
    now = house.clock.now()
    assert rulings.on_start(ready, now, view, "r", now).event is Event.START
    assert rulings.on_start(own, now, view, "r", now).event is Event.REFUSE


class Breaking(Hands):
    """A cluster whose answers nobody foresaw."""

    def plan(self, action: Change, policy_version: str) -> Plan:
        raise KeyError("xoxb-000-secret")

    def answer(self, action: Read, progress: Progress) -> Outcome:
        raise KeyError("xoxb-000-secret")


def test_an_attempt_that_breaks_in_an_unforeseen_way_is_recorded_without_what_it_said(tmp_path: Path) -> None:
    """L1, L6: there is no request and no answer, but there was an attempt."""
    house = a_house(tmp_path / "twokey.db", hands=Breaking())
    with pytest.raises(KeyError):
        house.asked()
    with pytest.raises(KeyError):
        house.gate.ask(Status(service="checkout", environment="prod"), ANA, lambda step: None)
    assert house.kinds() == ["attempt.refused", "read.answered"]
    assert all(b"xoxb" not in entry.body for entry in house.ledger.entries())
    house.close()


class Poisoned(Hands):
    """One workload cannot be read back without breaking."""

    def reconcile(self, plan: Plan, request_id: str) -> Outcome | None:
        if plan.service == "checkout":
            raise KeyError("status")
        return super().reconcile(plan, request_id)


def test_one_request_that_cannot_be_read_back_holds_up_no_other(tmp_path: Path) -> None:
    """E1: what is unknown is settled by reading, each for itself."""
    hands = Poisoned(after_effect=_lost)
    house = a_house(tmp_path / "twokey.db", hands=hands)
    poisoned, other = house.asked(DEV), house.approved(PAYMENTS, by=BEN)
    other = house.gate.decide(other.id, other.plan.digest, CARLA, approve=True)
    for request in (poisoned, other):
        assert house.gate.run(request.id).state is State.UNKNOWN
    house.gate.tick()
    assert house.ledger.get(other.id).state is State.SUCCEEDED
    assert house.ledger.get(poisoned.id).state is State.UNKNOWN
    house.close()


def _lost() -> None:
    raise Unreachable


@pytest.mark.parametrize("guarded", [False, True], ids=["the change", "its guard's rollback"])
def test_nobody_ends_a_freeze_by_a_clock_that_is_fast(house: House, guarded: bool) -> None:
    """A3, A6: a gateway whose clock is twelve hours ahead lets it through; the runner goes by its own as well.

    So does a runner by its own where somebody wrote a later time than it is into the store.
    """
    verb, action = ("rollback", GUARDED) if guarded else ("scale", SCALE)
    fast = house.beside(ManualClock(house.clock.now() + timedelta(hours=12)))
    for each in (house, fast):
        each.adopt(_freeze(verb))
    request = fast.approved(action)
    assert request.state is State.READY
    ended = house.gate.run(request.id)
    assert (ended.state, house.hands.effects) == (State.REFUSED, [])
    assert 'The freeze "now"' in ended.reason
    assert house.asked(action).state is State.REFUSED
    house.clock.advance(timedelta(hours=12).total_seconds())
    assert house.gate.run(house.approved(action).id).state is State.SUCCEEDED
