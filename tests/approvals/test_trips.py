"""A decision's way to PostgreSQL and back: how often it goes, and what is true wherever the connection breaks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from approvals import audit
from approvals.request import Request, State
from approvals.store import AnswerLost, StoreDown, open_store, writing
from tests import postgres
from tests.approvals.doubles import ANA, BEN, SCALE, House, a_house
from tests.approvals.wire import Wire

pytestmark = pytest.mark.skipif(postgres.binaries() is None, reason="no PostgreSQL: apt-get install postgresql")

WARM = 6  # the driver prepares what was asked more often than five times
SUBMIT, DECIDE, RUN = 4, 7, 13
"""Round trips. Of a decision: the request, the keys that were lent, the turn, what is so, what the log says of it,
what becomes of it, and the commit."""


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as made:
        yield made


@pytest.fixture
def house(database: str, wire: Wire) -> House:
    return a_house(Path(), url=wire.url(database))


def decided(house: House, request: Request) -> Request:
    return house.gate.decide(request.id, request.plan.digest, BEN, approve=True)


def test_a_request_goes_to_the_store_and_back_as_seldom_as_it_can(house: House, wire: Wire) -> None:
    """Each trip of a turn is one that everybody else waits for."""
    for _ in range(WARM):
        house.gate.run(house.approved().id)
    counted = []
    wire.begin()
    request = house.gate.submit(SCALE, ANA, {"channel": "C0OPS"})
    counted.append(wire.trips)
    wire.begin()
    decided(house, request)
    counted.append(wire.trips)
    wire.begin()
    house.gate.run(request.id)
    counted.append(wire.trips)
    assert counted == [SUBMIT, DECIDE, RUN]


@pytest.mark.parametrize("heard", [False, True], ids=["unheard", "answer lost"])
def test_wherever_the_connection_breaks_nobody_is_told_what_is_not_so(house: House, wire: Wire, heard: bool) -> None:
    """L1, E2: a decision that says it was not recorded was not, and only a lost commit leaves that open."""
    for _ in range(WARM):
        house.approved()
    said: dict[str, list[int]] = {"recorded": [], "not recorded": [], "look yourself": []}
    for trip in range(1, DECIDE + 1):
        request = house.asked()
        wire.begin(trip, heard)
        try:
            decided(house, request)
            told = "recorded"
        except AnswerLost:
            assert b"COMMIT" in wire.asked[trip - 1]
            told = "look yourself"
        except StoreDown:
            told = "not recorded"
        said[told].append(trip)
        wire.begin()
        there = house.ledger.get(request.id).state is State.READY
        assert there is (told == "recorded" or (told == "look yourself" and heard))
        assert there or decided(house, request).state is State.READY
    assert said["look yourself"] == [DECIDE]
    assert said["recorded"] == [1, 2, 3], "before anything was asked in a transaction it is asked anew"
    kinds = [entry.fields["kind"] for entry in house.ledger.entries()]
    assert kinds.count("request.approved") == WARM + DECIDE
    assert audit.replay(entry.fields for entry in house.ledger.entries()) == house.ledger.states()


def test_what_the_server_takes_back_is_not_called_recorded(database: str) -> None:
    """L1: PostgreSQL answers a COMMIT after an error that somebody passed over with a ROLLBACK, and no error."""
    engine: Engine = open_store(postgres.server().url(database))
    with pytest.raises(StoreDown) as error, writing(engine) as connection:
        connection.exec_driver_sql("UPDATE watermark SET at = at")
        with suppress(DBAPIError):
            connection.exec_driver_sql("SELECT 1 / 0")
    assert not isinstance(error.value, AnswerLost)
    engine.dispose()
