"""Taking back what is still running: a request of its own, which does not wait for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from actions.verbs.scale import Scale
from approvals.request import State
from approvals.store import StoreDown
from tests.approvals.doubles import SCALE, House


def test_an_approved_undo_does_not_wait_for_what_it_takes_back(house: House, beside: Callable[[], House]) -> None:
    """E3: the run is watched no longer, and gives way; a request that is no undo of it still waits."""
    house.hands.undo = {**SCALE.as_json(), "replicas": 3}
    first, other, seen = house.approved(), beside(), []
    undo, stranger = house.approved(Scale(service="checkout", environment="prod", replicas=3)), house.approved()

    def during() -> None:
        house.hands.after_effect = lambda: None
        seen.append(other.gate.run(stranger.id).state)
        assert "request.unwatched" not in house.kinds()
        seen.extend(other.gate.run(undo.id).state for _ in range(2))

    house.hands.after_effect = during
    house.gate.run(first.id)
    assert seen == [State.READY] * 3
    assert house.hands.stopped
    assert house.kinds().count("request.unwatched") == 1
    assert other.gate.run(undo.id).state is State.SUCCEEDED


def test_what_waits_for_its_target_asks_nobody_again_before_that_is_free(
    house: House, beside: Callable[[], House]
) -> None:
    """A8, E3: a runner tries it every second, and Slack answers 20 questions a minute: then nobody could approve."""
    first, second, other = house.approved(), house.approved(), beside()
    asked: list[int] = []

    def during() -> None:
        house.hands.after_effect = lambda: None
        checked: list[None] = []
        house.hands.during_check = lambda: checked.append(None)
        for _ in range(60):
            assert other.gate.run(second.id).state is State.READY
            asked.append(len(house.folk.asked))
        assert len(checked) == 1
        house.hands.during_check = lambda: None

    house.hands.after_effect = during
    house.gate.run(first.id)
    assert len(set(asked)) == 1
    assert other.gate.run(second.id).state is State.SUCCEEDED


def test_an_undo_asks_again_where_the_store_did_not_take_that_nobody_watches(
    house: House, beside: Callable[[], House]
) -> None:
    """E3: else a connection that is lost for a moment has it wait for as long as a guard watches."""
    house.hands.undo = {**SCALE.as_json(), "replicas": 3}
    first, other = house.approved(), beside()
    undo = house.approved(Scale(service="checkout", environment="prod", replicas=3))

    def lost(_: Connection) -> None:
        raise OperationalError("COMMIT", None, OSError("gone"))

    def during() -> None:
        house.hands.after_effect = lambda: None
        event.listen(other.engine, "commit", lost)
        with pytest.raises(StoreDown):
            other.gate.run(undo.id)
        event.remove(other.engine, "commit", lost)
        assert "request.unwatched" not in house.kinds()
        assert other.gate.run(undo.id).state is State.READY

    house.hands.after_effect = during
    house.gate.run(first.id)
    assert house.hands.stopped
    assert other.gate.run(undo.id).state is State.SUCCEEDED
