"""Each delivery once, across restarts (S2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from approvals.store import AnswerLost, StoreDown
from bot.inbox import LEASE, RETENTION, Inbox
from bot.listeners.closing import Closing
from bot.writer import Writer
from tests.approvals.doubles import in_threads
from tests.bot.conftest import EdgeStore

T = TypeVar("T")


def test_a_delivery_is_taken_once(store: EdgeStore) -> None:
    """S2: by one of many threads, while it is worked on and after."""
    inbox = Inbox(Writer(store.engine), store.clock)
    taken = in_threads(*[lambda: inbox.take("event Ev1", {})] * 6)
    assert sorted(map(str, taken)) == ["False"] * 5 + ["True"]
    inbox.done("event Ev1")
    assert not inbox.take("event Ev1", {})


def test_it_is_remembered_across_a_restart_for_longer_than_slack_redelivers(store: EdgeStore) -> None:
    """S2: ten minutes at least."""
    first = Inbox(Writer(store.engine), store.clock)
    first.take("event Ev1", {"a": 1})
    first.done("event Ev1")
    store.clock.advance(15 * 60)
    second = Inbox(Writer(store.engine), store.clock)
    assert second.left_over() == []
    assert not second.take("event Ev1", {"a": 1})


def test_what_we_took_without_hearing_of_it_is_worked_on_once(store: EdgeStore) -> None:
    """S2: the connection broke at the commit, which was done all the same; then Slack delivers again, or we look."""
    writer = LosesAnswers(store.engine)
    inbox = Inbox(writer, store.clock)
    dead = Inbox(Writer(store.engine), store.clock)
    dead.take("event Ev8", {"b": 2})
    inbox.beat()
    writer.lost = 1
    with pytest.raises(AnswerLost):
        inbox.take("event Ev1", {"a": 1})
    assert inbox.take("event Ev1", {"a": 1})
    assert not inbox.take("event Ev1", {"a": 1})
    writer.lost = 1
    with pytest.raises(AnswerLost):
        inbox.take("event Ev2", {"a": 2})
    writer.lost = 1
    with pytest.raises(AnswerLost):
        inbox.left_over()
    store.clock.advance(LEASE.total_seconds() + 1)
    inbox.beat()
    assert sorted(inbox.left_over()) == [("event Ev2", {"a": 2}), ("event Ev8", {"b": 2})]
    assert inbox.left_over() == []
    assert not inbox.take("event Ev2", {"a": 2})


class LosesAnswers(Writer):
    """To which the store does what it is asked, and the next answers of it are `lost`."""

    lost = 0

    def write(self, work: Callable[[Connection], T]) -> T:
        found = super().write(work)
        if self.lost:
            self.lost -= 1
            raise AnswerLost
        return found


def test_what_was_not_finished_is_given_to_the_next_process_once(store: EdgeStore) -> None:
    """S2: a crash between taking and working."""
    dead = Inbox(Writer(store.engine), store.clock)
    dead.take("event Ev1", {"a": 1})
    dead.take("trigger 7")
    heir = Inbox(Writer(store.engine), store.clock)
    assert sorted(heir.left_over()) == [("event Ev1", {"a": 1}), ("trigger 7", {})]
    assert heir.left_over() == []


def test_a_redelivery_of_what_a_dead_process_had_is_worked_on(store: EdgeStore) -> None:
    """S2: the redelivery may come before the new process has looked."""
    Inbox(Writer(store.engine), store.clock).take("event Ev1", {})
    heir = Inbox(Writer(store.engine), store.clock)
    assert heir.take("event Ev1", {})
    assert not heir.take("event Ev1", {})


def test_what_was_said_is_forgotten_when_it_is_done(store: EdgeStore) -> None:
    """Words are kept no longer than the work needs them, and the key no longer than Slack redelivers."""
    inbox = Inbox(Writer(store.engine), store.clock)
    inbox.take("event Ev1", {"text": "the-secret-word"})
    inbox.done("event Ev1")
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT payload FROM slack_deliveries").scalar() is None
    store.clock.advance((RETENTION + timedelta(minutes=1)).total_seconds())
    inbox.beat()
    assert inbox.take("event Ev1", {})


def test_what_a_living_gateway_has_in_hand_is_left_to_it_until_it_dies(store: EdgeStore) -> None:
    """S2: two gateways at once; one of them works on it, and the other only once that one is silent."""
    one, other = (Inbox(Writer(store.engine), store.clock) for _ in range(2))
    one.beat()
    one.take("event Ev1", {"a": 1})
    other.beat()
    assert not other.take("event Ev1", {"a": 1})
    assert other.left_over() == []

    store.clock.advance(LEASE.total_seconds() / 2)
    one.beat()
    store.clock.advance(LEASE.total_seconds() / 2)
    assert other.left_over() == []

    store.clock.advance(LEASE.total_seconds() / 2)  # it said nothing more
    assert other.left_over() == [("event Ev1", {"a": 1})]
    assert other.inherited("event Ev1")


def test_a_gateway_that_ends_leaves_its_work_to_the_others_at_once(store: EdgeStore) -> None:
    """S2."""
    one, other = (Inbox(Writer(store.engine), store.clock) for _ in range(2))
    one.beat()
    one.take("event Ev1", {})
    one.leave()
    assert other.take("event Ev1", {})


def test_of_many_gateways_one_takes_over_what_a_dead_one_had(store: EdgeStore) -> None:
    """S2: all of them look at the same moment."""
    Inbox(Writer(store.engine), store.clock).take("event Ev1", {})
    heirs = [Inbox(Writer(store.engine), store.clock) for _ in range(4)]
    for heir in heirs:
        heir.beat()
    taken = in_threads(*[heir.left_over for heir in heirs])
    assert sorted(map(str, taken)) == ["[('event Ev1', {})]", "[]", "[]", "[]"]


class Noting(Inbox):
    """Remembers what was noted together; raises the first of its `troubles` instead, while there are any."""

    def __init__(self, store: EdgeStore, *troubles: Exception) -> None:
        super().__init__(Writer(store.engine), store.clock)
        self.noted: list[tuple[str, ...]] = []
        self._troubles = list(troubles)

    def done(self, *keys: str) -> None:
        if self._troubles:
            raise self._troubles.pop()
        super().done(*keys)
        self.noted.append(keys)


async def test_what_is_finished_in_one_moment_is_noted_at_once_and_durable_for_each(store: EdgeStore) -> None:
    """S2: whoever closes a delivery goes on only once that is written."""
    inbox = Noting(store)
    closing = Closing(inbox)
    for keys in (["event Ev1", "event Ev2"], ["event Ev3"]):
        for key in keys:
            inbox.take(key, {})
        await asyncio.gather(*map(closing.close, keys))
        assert inbox.noted.pop() == tuple(keys)
        assert not inbox.noted
        assert Inbox(Writer(store.engine), store.clock).left_over() == []


async def test_a_store_that_is_down_leaves_them_open_and_holds_up_no_later_one(store: EdgeStore) -> None:
    """S2: what could not be noted is told to each that waits, and taken up by the next process."""
    inbox = Noting(store, StoreDown())
    closing = Closing(inbox)
    for key in ("event Ev1", "event Ev2", "event Ev3"):
        inbox.take(key, {})
    found = await asyncio.gather(*map(closing.close, ("event Ev1", "event Ev2")), return_exceptions=True)
    assert [type(one) for one in found] == [StoreDown, StoreDown]
    await closing.close("event Ev3")
    assert [key for key, _ in Inbox(Writer(store.engine), store.clock).left_over()] == ["event Ev1", "event Ev2"]


async def test_what_was_done_is_noted_before_the_process_leaves_though_nobody_waits_for_it(store: EdgeStore) -> None:
    """S2: otherwise the next process would work on it again; a store that is down does not keep this one."""
    inbox = Noting(store)
    closing = Closing(inbox)
    inbox.take("event Ev1", {})
    waiting = asyncio.create_task(closing.close("event Ev1"))
    await asyncio.sleep(0)  # it has begun
    waiting.cancel()
    await closing.finish()
    assert inbox.noted == [("event Ev1",)]
    broken = Closing(Noting(store, StoreDown()))
    waiting = asyncio.create_task(broken.close("event Ev2"))
    await asyncio.sleep(0)
    await broken.finish()
    with pytest.raises(StoreDown):
        await waiting
