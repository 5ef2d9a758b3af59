"""E1, E2: a guard whose runner is gone is watched on by another one, and rolls back once or never."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from actions.objects import back_id
from actions.outcome import Grant, Outcome
from actions.plan import Plan
from actions.record import Record
from actions.toolbox import Progress
from approvals import audit
from approvals.moves import Outrun
from approvals.request import Request, State
from approvals.runner import LEASE
from approvals.tables import requests
from approvals.warrant import MOST_HANDS
from bot.running import Running
from tests.approvals.doubles import ANA, GUARDED, SCALE, TRIP, Hands, House, a_house, in_threads
from tests.approvals.test_guarded import _freeze
from tests.waiting import within

WINDOW = 600  # seconds for which the guard of GUARDED watches


class Gone(BaseException):
    """The process is gone."""


def die() -> None:
    raise Gone


def orphan(house: House, when: str = "after_effect", **hands: Any) -> Request:
    """A guarded run whose runner died at that moment, and whose lease is over."""
    died = a_house(house.path, clock=house.clock, folk=house.folk, hands=Hands(house.hands.effects, **hands))
    setattr(died.hands, when, die)
    request = house.approved(GUARDED)
    with pytest.raises(Gone):
        died.gate.run(request.id)
    house.clock.advance(LEASE.total_seconds())
    return house.ledger.get(request.id)


def entries(house: House, kind: str) -> list[dict[str, Any]]:
    return [e.fields["data"] for e in house.ledger.entries() if e.fields["kind"] == kind]


@pytest.fixture(autouse=True)
def sound(house: House) -> Iterator[None]:
    """L5, L2: whatever happened, the log says the same as the tables, and is whole."""
    yield
    assert audit.replay(e.fields for e in house.ledger.entries()) == house.ledger.states()
    assert isinstance(audit.verify(house.ledger.entries()), audit.Verified)


def test_another_runner_watches_on_and_rolls_back_once(house: House) -> None:
    """E1, L1: under a new fence that the log names, with a leave of its own, before the second effect."""
    run = orphan(house)
    assert [r.id for r in house.gate.forsaken()] == [run.id]
    house.hands.trip = TRIP
    ended = house.gate.watch_on(run.id)
    assert ended.state is State.ROLLED_BACK
    assert house.hands.effects == [run.id, back_id(run.id)]
    assert house.kinds()[-5:] == [
        "request.running",
        "request.taken_over",
        "request.watching",
        "request.guard_tripped",
        "request.rolled_back",
    ]
    (taken,) = entries(house, "request.taken_over")
    assert (taken["fence"], taken["from"]) == (run.fence + 1, run.runner)
    assert entries(house, "request.guard_tripped")[0]["fence"] == run.fence + 1
    assert house.gate.forsaken() == []


def test_the_time_runs_from_the_first_watch(house: House) -> None:
    """A6: as the log says it, whoever takes over, and however often."""
    run = orphan(house)
    house.hands.in_watch = die
    for wait in (30, 100, 50):
        with pytest.raises(Gone):
            house.gate.watch_on(run.id)
        house.clock.advance(wait)
    house.hands.in_watch = lambda: None
    assert house.gate.watch_on(run.id).state is State.SUCCEEDED
    assert len(entries(house, "request.watching")) == 1
    assert [round(elapsed) for elapsed in house.hands.watched] == [0, 30, 130, 180]


def test_what_nobody_takes_over_is_settled_by_reading(house: House) -> None:
    """E2: later than without a guard by as long as that watches, in which a runner that starts may take it over."""
    run = orphan(house)
    for wait in (0, 1, WINDOW - 2):
        house.clock.advance(wait)
        house.gate.tick()
        assert house.ledger.get(run.id).state is State.RUNNING
    house.clock.advance(1)
    house.gate.tick()
    assert house.ledger.get(run.id).state is State.SUCCEEDED
    assert house.gate.watch_on(run.id).state is State.SUCCEEDED
    assert entries(house, "request.taken_over") == []


def test_who_starts_long_after_the_last_one_was_gone_watches_on(house: House) -> None:
    """E2: where there is one process, and it takes minutes to come back: whatever it does first."""
    run = orphan(house)
    house.clock.advance(WINDOW - LEASE.total_seconds())
    back = house.beside()
    back.gate.tick()
    house.hands.trip = TRIP
    assert [r.id for r in back.gate.forsaken()] == [run.id]
    assert back.gate.watch_on(run.id).state is State.ROLLED_BACK
    assert house.hands.effects == [run.id, back_id(run.id)]


def test_a_clock_that_is_behind_leaves_no_guard_unwatched(house: House) -> None:
    """A6, E2: a lease is over by the time that counts, whatever this machine's clock was set to."""
    run = orphan(house)
    house.gate.keep_time()
    house.clock.step(-3600)
    house.gate.keep_time()
    assert [r.id for r in house.gate.forsaken()] == [run.id]
    assert house.gate.watch_on(run.id).state is State.SUCCEEDED


def test_who_lives_is_not_taken_over(house: House) -> None:
    """E2: not by anybody while its lease lasts, nor by its own process while it works on it."""
    found: list[Request] = []

    def meanwhile() -> None:
        (run,) = house.ledger.running()
        found.extend([house.gate.watch_on(run.id), other.gate.watch_on(run.id)])

    other = house.beside()
    house.hands.after_effect = meanwhile
    ended = house.gate.run(house.approved(GUARDED).id)
    assert [r.state for r in found] == [State.RUNNING, State.RUNNING]
    assert (ended.state, ended.fence, entries(house, "request.taken_over")) == (State.SUCCEEDED, 1, [])


def test_a_run_without_a_guard_is_taken_over_by_nobody(house: House) -> None:
    house.hands.after_effect = die
    request = house.approved(SCALE)
    with pytest.raises(Gone):
        house.gate.run(request.id)
    house.clock.advance(LEASE.total_seconds())
    assert house.gate.forsaken() == []
    assert house.gate.watch_on(request.id).state is State.RUNNING
    house.gate.tick()
    assert house.ledger.get(request.id).state is State.SUCCEEDED


@pytest.mark.parametrize("when", ["before_back", "after_back"])
def test_one_whose_guard_tripped_is_settled_by_reading_alone(house: House, when: str) -> None:
    """E1: leave was given, so its rollback may be under way, and nobody sends another one."""
    run = orphan(house, when, trip=TRIP)
    house.hands.trip = TRIP
    assert house.gate.watch_on(run.id).state is State.UNKNOWN
    house.gate.tick()
    landed = when == "after_back"
    assert house.ledger.get(run.id).state is (State.ROLLED_BACK if landed else State.SUCCEEDED)
    assert house.hands.effects.count(back_id(run.id)) == landed
    assert len(entries(house, "request.guard_tripped")) == 1


def test_leave_is_given_once_to_all_who_watch_one_after_the_other(house: House) -> None:
    """E1: also where the one who took over dies in its rollback."""
    run = orphan(house)
    house.hands.trip, house.hands.before_back = TRIP, die
    with pytest.raises(Gone):
        house.gate.watch_on(run.id)
    house.hands.before_back = lambda: None
    house.clock.advance(LEASE.total_seconds())
    assert house.beside().gate.watch_on(run.id).state is State.UNKNOWN
    assert house.hands.effects == [run.id]
    assert len(entries(house, "request.guard_tripped")) == 1


def test_the_first_runner_gets_no_leave_once_it_was_taken_over(house: House) -> None:
    """E2: a paused worker that wakes up rolls nothing back, and overwrites nothing."""
    heard: list[Exception] = []
    first = a_house(house.path, clock=house.clock, folk=house.folk, hands=Waking(house, heard))
    ended = first.gate.run(house.approved(GUARDED).id)
    assert [type(error) for error in heard] == [Outrun] * 4
    assert (ended.state, house.hands.effects) == (State.SUCCEEDED, [ended.id])
    assert house.kinds()[-1] == "outcome.late"
    assert entries(house, "request.guard_tripped") == []


class Waking(Hands):
    """Hands that stand still past their lease, and wake up while another runner watches on, and after its end."""

    def __init__(self, house: House, heard: list[Exception]) -> None:
        super().__init__(house.hands.effects)
        self._house, self._heard = house, heard

    def execute(
        self, plan: Plan, grant: Grant, progress: Progress, stop: Callable[[], bool], record: Record
    ) -> Outcome:
        super().execute(plan, grant, progress, stop, record)
        self._house.clock.advance(LEASE.total_seconds())
        self._house.hands.in_watch = lambda: self._wake(record)
        self._house.gate.watch_on(grant.request_id)
        self._wake(record)
        assert stop()
        return Outcome(ok=False, summary="it woke up")

    def _wake(self, record: Record) -> None:
        for ask in (lambda: record.leave(TRIP), record.began):
            try:
                ask()
            except Outrun as error:
                self._heard.append(error)


def test_of_two_who_take_over_at_once_one_does(house: House) -> None:
    """E2."""
    run = orphan(house)
    house.hands.trip = TRIP
    others = [house.beside() for _ in range(3)]
    in_threads(*(lambda o=other: o.gate.watch_on(run.id) for other in others))
    assert house.hands.effects == [run.id, back_id(run.id)]
    assert len(entries(house, "request.taken_over")) == 1
    assert house.ledger.get(run.id).state is State.ROLLED_BACK


def test_a_freeze_that_began_since_holds_its_rollback_back(house: House) -> None:
    """A3: what was approved is judged when it trips, whoever watches."""
    run = orphan(house)
    house.hands.trip = TRIP
    house.adopt(_freeze("rollback"))
    ended = house.gate.watch_on(run.id)
    assert (ended.state, house.hands.effects) == (State.FAILED, [run.id])
    assert ended.outcome is not None
    assert "The freeze" in ended.outcome.summary


def test_a_change_that_never_came_is_read_back(house: House) -> None:
    """E1: who takes over sends no change, and then reading settles it."""
    run = orphan(house, "before_effect")
    assert house.gate.watch_on(run.id).state is State.UNKNOWN
    house.gate.tick()
    assert (house.ledger.get(run.id).state, house.hands.effects) == (State.FAILED, [])


def test_what_somebody_stopped_watching_stays_unwatched(house: House) -> None:
    run = orphan(house)
    house.gate.stop(run.id, ANA)
    house.hands.trip = TRIP
    assert house.gate.watch_on(run.id).state is State.UNKNOWN
    assert house.hands.effects == [run.id]


@pytest.mark.parametrize(
    "forged", [{"fence": 7}, {"plan": {"limit": "0.001"}}, {"requester_user": "U0DORA"}], ids=lambda f: next(iter(f))
)
def test_a_run_that_was_altered_in_the_table_is_watched_by_nobody(house: House, forged: dict[str, Any]) -> None:
    """A1: the log says who holds it, and what it declared."""
    run = orphan(house)
    if "plan" in forged:
        plan = run.plan.model_dump(mode="json")
        plan["guard"] |= forged["plan"]
        forged = {"plan": plan}
    with house.engine.begin() as connection:
        connection.execute(update(requests).where(requests.c.id == run.id).values(**forged))
    house.hands.trip = TRIP
    assert house.gate.watch_on(run.id).state is State.UNKNOWN
    assert house.hands.effects == [run.id]


def test_what_kills_each_runner_is_taken_over_so_often_and_then_read_back(house: House) -> None:
    """E2: a run that no runner survives does not go round for ever."""
    run = orphan(house)
    house.hands.in_watch = die
    for _ in range(MOST_HANDS):
        with pytest.raises(Gone):
            house.gate.watch_on(run.id)
        house.clock.advance(LEASE.total_seconds())
    assert house.gate.watch_on(run.id).state is State.UNKNOWN
    assert len(entries(house, "request.taken_over")) == MOST_HANDS


@pytest.mark.parametrize("broken", [RuntimeError("?"), Outrun()])
def test_a_watch_that_breaks_off_is_read_back(house: House, broken: Exception) -> None:
    run = orphan(house)

    def fail() -> None:
        raise broken

    house.hands.in_watch = fail
    assert house.gate.watch_on(run.id).state is State.UNKNOWN
    house.gate.tick()
    assert house.ledger.get(run.id).state is State.SUCCEEDED


def test_a_watch_that_was_taken_over_is_held_beyond_any_lease(house: House) -> None:
    """E2: by the process that watches on, as long as the guard may watch."""
    run, other = orphan(house), house.beside()

    def much_later() -> None:
        for _ in range(int(timedelta(minutes=10) / LEASE) + 2):
            house.clock.advance(LEASE.total_seconds() - 1)
            house.gate.tick()
            other.gate.tick()
            assert other.gate.forsaken() == []

    house.hands.in_watch = much_later
    house.hands.trip = TRIP
    assert house.gate.watch_on(run.id).state is State.ROLLED_BACK


async def test_a_process_takes_over_by_itself_what_another_one_left(house: House) -> None:
    """E2: nobody has to notice, and nothing else waits for the watch."""
    run = orphan(house)
    house.hands.trip = TRIP
    stop = asyncio.Event()
    at_work = asyncio.create_task(Running(house.ledger, house.gate).run(stop, lambda: 60.0))
    await within(lambda: house.ledger.get(run.id).state.final)
    stop.set()
    await at_work
    assert house.ledger.get(run.id).state is State.ROLLED_BACK
    assert house.hands.effects == [run.id, back_id(run.id)]
