"""The store: one transaction a change, and rows that can only be added."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select
from sqlalchemy.exc import IntegrityError

from approvals import audit, ballot, rows
from approvals.gate import DecisionRefused
from approvals.ledger import Ledger, NoSuchRequest, Recording
from approvals.moves import Move, Outrun
from approvals.request import Decision, Event, Request, State
from approvals.store import StoreDown, open_store
from approvals.tables import decisions, requests
from tests.approvals.doubles import ANA, BEN, CARLA, DEV, DORA, PAYMENTS, SCALE, House, in_threads
from tests.stores import broken, held, store_url

BROKEN = ("requests", "decisions", "audit_events", "watermark")


@pytest.mark.parametrize("table", BROKEN)
def test_a_change_is_recorded_with_its_entry_and_decision_or_not_at_all(house: House, table: str) -> None:
    """L1: whichever of the writes fails, none of them happened, and the next try works."""
    request = house.asked()
    house.clock.advance(1)
    before = (house.ledger.get(request.id), list(house.ledger.entries()))
    verb = "INSERT" if table in {"decisions", "audit_events"} else "UPDATE"
    with broken(house.path, verb, table), pytest.raises((IntegrityError, DecisionRefused)):
        house.gate.decide(request.id, request.plan.digest, BEN, approve=True)
    kept = [entry for entry in house.ledger.entries() if entry.fields["kind"] != "attempt.refused"]
    assert (house.ledger.get(request.id), kept) == before
    assert house.gate.decide(request.id, request.plan.digest, BEN, approve=True).state is State.READY


@pytest.mark.parametrize("table", ["requests", "audit_events"])
def test_a_request_is_recorded_with_its_entry_or_not_at_all(house: House, table: str) -> None:
    """L1: what the log does not say was asked is nowhere, and can be asked for again."""
    with broken(house.path, "INSERT", table), pytest.raises(IntegrityError):
        house.asked()
    assert (house.ledger.recent(10), house.kinds()) == ([], [])
    assert house.asked().state is State.WAITING
    assert house.kinds() == ["request.submitted"]


def test_what_follows_from_a_request_is_there_with_it_or_neither_is(house: House) -> None:
    """L1, S2: who finds the request again also finds what its thread remembers of it."""
    followed: list[str] = []

    def fail(_record: Recording, request: Request) -> None:
        followed.append(request.id)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        house.gate.submit(SCALE, ANA, {}, fail)
    assert len(followed) == 1
    assert (house.ledger.recent(10), house.kinds()) == ([], [])


def test_what_follows_from_a_move_is_there_with_it_or_neither_is(house: House) -> None:
    """L1, A9: the last approval of a policy brings it into force, or is none."""
    request, moves = house.asked(), len(house.kinds())

    def fail(_record: Recording, after: Request) -> None:
        assert after.state is State.WITHDRAWN
        raise RuntimeError

    with pytest.raises(RuntimeError):
        house.ledger.move(request.id, lambda now, at: ballot.on_withdrawal(now, at, ANA), fail)
    assert (house.ledger.get(request.id), len(house.kinds())) == (request, moves)


def test_a_decision_meets_only_the_request_that_it_was_made_about(house: House) -> None:
    """A5: the conditional UPDATE by itself: a denial that no lock or turn held back came since the request was read."""
    request = house.asked()
    effects: list[Recording] = []
    at_once = Move("request.denied", Event.DENY, changes={"reason": "a hand's"})

    def rule(_request: Request, _now: datetime) -> Move:
        under_way[-1].exec_driver_sql("UPDATE requests SET rev = rev + 1")
        return at_once

    under_way: list[Connection] = []
    event.listen(house.engine, "begin", under_way.append)
    with pytest.raises(Outrun):
        house.ledger.move(request.id, rule, lambda record, _after: effects.append(record))
    assert effects == []
    assert house.ledger.get(request.id) == request
    assert "request.denied" not in house.kinds()
    house.ledger.move(request.id, lambda _request, _now: at_once)
    assert house.kinds()[-1] == "request.denied"
    assert "request.approved" not in house.kinds()


def test_a_second_decision_of_one_person_counts_for_nothing_however_the_first_came_there(house: House) -> None:
    """A5: the store's own word on it, where neither the lock nor the request's row told of the first."""
    request = house.asked()
    mine = Decision(request_id=request.id, digest=request.plan.digest, approver=BEN, approve=True, at=house.clock.now())
    under_way: list[Connection] = []

    def rule(_request: Request, _now: datetime) -> Move:
        under_way[-1].execute(insert(decisions), rows.decision_row(mine.model_copy(update={"approve": False})))
        return Move("request.approved", None, BEN, decision=mine)

    event.listen(house.engine, "begin", under_way.append)
    with pytest.raises(Outrun):
        house.ledger.move(request.id, rule)
    assert house.ledger.get(request.id) == request
    assert house.kinds() == ["request.submitted"]


def test_a_locked_store_says_so_and_does_nothing(house: House) -> None:
    """L1: nothing was recorded, so nothing was run."""
    ready = house.approved()
    engine = open_store(store_url(house.path), patience=0.05)
    impatient = Ledger(engine, house.clock)
    with held(house.path):
        with pytest.raises(StoreDown, match="nothing was recorded, so nothing was run"):
            impatient.note("service.started")
        assert impatient.get(ready.id).state is State.READY, "reading goes on"
    impatient.note("service.started")
    assert house.kinds()[-1] == "service.started"
    engine.dispose()


@pytest.mark.sqlite
def test_a_full_store_says_so_and_runs_nothing(house: House) -> None:
    """L1: the intent cannot be written, so there is no effect; with room again it goes on."""
    house.ledger.note("filler", {"text": "x" * 100_000})
    ready = house.approved()
    house.fill_store()
    before = list(house.ledger.entries())
    with pytest.raises(StoreDown):
        for _ in range(1000):
            house.ledger.note("filler", {"text": "x" * 1000})
    with pytest.raises(StoreDown):
        house.gate.submit(PAYMENTS, ANA, {"words": "x" * 10_000})
    assert house.hands.effects == []
    house.empty_store()
    assert house.ledger.recent(10) == [ready]
    assert list(house.ledger.entries())[: len(before)] == before
    assert isinstance(audit.verify(house.ledger.entries()), audit.Verified)
    assert house.gate.run(ready.id).state is State.SUCCEEDED


def test_a_request_is_read_back_as_it_was_written(house: House) -> None:
    """Emoji, right-to-left text and half a surrogate pair included."""
    origin = {"channel": "C0OPS", "words": "scale ‏checkout‏ 🚀 \ud83d to 5"}
    request = house.gate.submit(DEV, ANA, {**origin})
    assert house.ledger.get(request.id) == request
    with pytest.raises(NoSuchRequest):
        house.ledger.get("nope")


def test_the_lists_hold_what_their_names_say(house: House) -> None:
    first = house.asked()
    house.clock.advance(1)
    second = house.asked(DEV, actor=BEN)
    house.clock.advance(1)
    third = house.asked(PAYMENTS, actor=DORA)

    def ids(found: list[Request]) -> list[str]:
        return [request.id for request in found]

    ledger = house.ledger
    assert ids(ledger.waiting()) == [first.id]
    assert ids(ledger.ready()) == [second.id]
    assert ids(ledger.recent(2)) == [third.id, second.id]
    assert ids(ledger.recent(9, services=["payments"])) == [third.id]
    assert ledger.recent(9, services=[]) == []
    assert ids(ledger.asked_by(BEN, 5)) == [second.id]


def test_the_bell_rings_after_the_change_is_there(house: House) -> None:
    seen: list[tuple[str, State]] = []
    house.ledger.on_change = lambda request_id, *_: seen.append((request_id, house.ledger.get(request_id).state))
    request = house.approved()
    assert seen == [(request.id, State.WAITING), (request.id, State.READY)]


@pytest.mark.parametrize("attempt", range(5))
def test_clicks_at_the_same_moment_are_counted_one_after_the_other(
    house: House, beside: Callable[[], House], attempt: int
) -> None:
    """A5, E1: approve, deny, withdraw, expire and run race over two processes: never both a deny and an effect."""
    request, other = house.asked(), beside()
    digest = request.plan.digest
    house.clock.advance(3590)

    def expire() -> None:
        house.clock.advance(20)
        other.gate.tick()

    results = in_threads(
        lambda: house.gate.decide(request.id, digest, BEN, approve=True),
        lambda: other.gate.decide(request.id, digest, CARLA, approve=False),
        lambda: other.gate.decide(request.id, digest, BEN, approve=True),
        lambda: house.gate.withdraw(request.id, ANA),
        expire,
        lambda: house.gate.run(request.id),
    )
    end = house.gate.run(request.id)
    assert end.state.final
    assert all(
        result is None or not isinstance(result, Exception) or isinstance(result, DecisionRefused) for result in results
    )
    assert house.hands.effects == [request.id] * (end.state is State.SUCCEEDED)
    denied = [decision for decision in end.decisions if not decision.approve]
    assert not (denied and house.hands.effects)
    assert len({decision.approver for decision in end.decisions}) == len(end.decisions)
    assert audit.replay(entry.fields for entry in house.ledger.entries()) == house.ledger.states()


def test_two_writers_keep_one_chain(house: House, beside: Callable[[], House]) -> None:
    """L2: entries of several processes follow one another without a gap."""
    ledgers = [house.ledger, beside().ledger, beside().ledger]

    def write(ledger: Ledger) -> None:
        for n in range(10):
            ledger.note("service.started", {"n": n})

    in_threads(*(lambda ledger=ledger: write(ledger) for ledger in ledgers))
    found = audit.verify(house.ledger.entries())
    assert isinstance(found, audit.Verified)
    assert found.count == 30


def test_however_many_requests_there_are_each_is_read_with_its_own_decisions(house: House) -> None:
    """A store takes only so many values in one statement, and "what changed this quarter?" finds more requests."""
    request = house.approved()
    with house.engine.begin() as connection:
        row = dict(connection.execute(select(requests)).mappings().one())
        decision = dict(connection.execute(select(decisions)).mappings().one())
        connection.execute(insert(requests), [{**row, "id": f"{n:03}", "state": "succeeded"} for n in range(150)])
        made = [{**decision, "id": 1000 - n, "request_id": f"{n:03}", "reason": f"{n:03}"} for n in range(150)]
        connection.execute(insert(decisions), made)
        driver: Any = connection.connection.dbapi_connection
        if connection.dialect.name == "sqlite":
            driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 120)
    found = house.ledger.recent(1000)
    assert len(found) == 151
    assert all([d.reason for d in each.decisions] == [each.id] for each in found if each.id != request.id)
