"""Budgets for models: reserved before, settled after, in one process and in a store that gateways share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from actions.clock import ManualClock
from actions.registry import Registry
from actions.verbs import VERBS
from approvals.ledger import Ledger
from approvals.store import open_store
from bot.spending import Spending
from bot.tables import model_calls
from bot.writer import Writer
from intents.models.budget import Asker, Book, Budget, MemoryBook
from intents.models.endpoints import Limit
from intents.models.failures import OverBudget
from tests.bot.conftest import EdgeStore
from tests.intents.endpoint import content, serving
from tests.intents.test_endpoints import ASK, FIRST, SMALL
from tests.stores import held, store_url

ANA, BEN = Asker("ana", "shop", "ops"), Asker("ben", "shop", "random")
NOTHING = Decimal(0)


def shared(store: EdgeStore) -> Spending:
    """The book of one more gateway on this store."""
    return Spending(Writer(store.engine), Ledger(store.engine, store.clock, Registry(VERBS)))


@pytest.fixture(params=["memory", "store"])
def book(request: pytest.FixtureRequest, store: EdgeStore) -> Book:
    return MemoryBook(lambda: store.clock.now().timestamp()) if request.param == "memory" else shared(store)


@pytest.mark.parametrize(("per", "ben_is_held"), [("person", False), ("team", True), ("channel", False), ("all", True)])
def test_a_limit_holds_for_whom_it_names(per: Any, ben_is_held: bool, book: Book, store: EdgeStore) -> None:
    limits = [Limit(per=per, calls_per_minute=2)]
    for _ in range(2):
        book.reserve(ANA, NOTHING, limits)
    with pytest.raises(OverBudget):
        book.reserve(ANA, NOTHING, limits)
    if ben_is_held:
        with pytest.raises(OverBudget):
            book.reserve(BEN, NOTHING, limits)
    else:
        book.reserve(BEN, NOTHING, limits)
    store.clock.advance(60)
    book.reserve(ANA, NOTHING, limits)


def test_a_day_begins_anew_and_a_clock_that_jumps_back_gives_nothing(book: Book, store: EdgeStore) -> None:
    """A6 for budgets: days are those of UTC."""
    limits = [Limit(per="all", calls_per_day=1)]
    book.reserve(ANA, NOTHING, limits)
    store.clock.step(-86_400)
    with pytest.raises(OverBudget):
        book.reserve(ANA, NOTHING, limits)
    store.clock.step(2 * 86_400)
    book.reserve(ANA, NOTHING, limits)


def test_what_a_call_really_cost_is_what_counts(book: Book) -> None:
    limits = [Limit(per="team", usd_per_day=Decimal(1))]
    number = book.reserve(ANA, Decimal("0.9"), limits)
    with pytest.raises(OverBudget, match=r"Your team has used up the \$1"):
        book.reserve(BEN, Decimal("0.2"), limits)
    book.settle(number, Decimal("0.1"))
    book.reserve(BEN, Decimal("0.9"), limits)
    with pytest.raises(OverBudget):
        book.reserve(BEN, Decimal("0.000000001"), limits)


def test_gateways_on_one_store_share_one_budget(store: EdgeStore) -> None:
    """Also the one that comes after a restart."""
    limits = [Limit(per="person", calls_per_day=2)]
    shared(store).reserve(ANA, NOTHING, limits)
    shared(store).reserve(ANA, NOTHING, limits)
    with pytest.raises(OverBudget):
        shared(store).reserve(ANA, NOTHING, limits)


@pytest.fixture
def engines(store: EdgeStore, tmp_path: Path) -> Iterator[list[EdgeStore]]:
    """The same store as two processes hold it."""
    other = open_store(store_url(tmp_path / "edge.db"))
    yield [store, EdgeStore(other, store.clock)]
    other.dispose()


@pytest.mark.parametrize("underestimated", [1, 2])
async def test_fifty_calls_at_once_of_two_gateways_overspend_by_at_most_one_reservation(
    engines: list[EdgeStore], underestimated: int
) -> None:
    """Each reserves 0.05 of 0.50 and then costs that, or by mistake twice as much."""
    limits = (Limit(per="all", usd_per_day=Decimal("0.5")),)
    budgets = [Budget(limits, shared(process)) for process in engines]
    most, spent = Decimal("0.05"), []

    async def call(number: int) -> None:
        budget = budgets[number % 2]
        with suppress(OverBudget):
            reserved = await budget.reserve(ANA, most)
            spent.append(most * (underestimated if number == 0 else 1))
            await budget.settle(reserved, spent[-1])

    await asyncio.gather(*(call(number) for number in range(50)))
    assert sum(spent) > Decimal("0.4")
    assert sum(spent) <= Decimal("0.5") + most * (underestimated - 1)


def test_a_store_that_is_down_lets_nothing_be_spent(store: EdgeStore, tmp_path: Path) -> None:
    """R5: the grammar reads alone then; a call under way is answered all the same, and its reservation stands."""
    limits = [Limit(per="all", usd_per_day=Decimal(1))]
    number = shared(store).reserve(ANA, Decimal(1), limits)
    hasty = open_store(store_url(tmp_path / "edge.db"), patience=0.05)
    book = shared(EdgeStore(hasty, store.clock))
    with held(tmp_path / "edge.db"):
        with pytest.raises(OverBudget, match="can't be looked up"):
            book.reserve(BEN, NOTHING, limits)
        book.settle(number, NOTHING)
    hasty.dispose()
    with pytest.raises(OverBudget, match="used up"):
        shared(store).reserve(BEN, Decimal("0.01"), limits)


def test_only_what_no_limit_looks_at_is_forgotten(store: EdgeStore) -> None:
    book, limits = shared(store), [Limit(per="all", calls_per_day=1)]
    book.reserve(ANA, NOTHING, limits)
    book.forget()
    with pytest.raises(OverBudget):
        book.reserve(ANA, NOTHING, limits)
    store.clock.advance(3 * 86_400)
    book.forget()
    assert Writer(store.engine).read(lambda c: c.execute(select(model_calls)).all()) == []


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=60))
def test_what_is_spent_passes_a_limit_by_no_more_than_one_call_was_underestimated(
    calls: Sequence[tuple[int, int]],
) -> None:
    """Reserved, and settled at whatever it came to."""
    clock = ManualClock()
    book, limits = MemoryBook(lambda: clock.now().timestamp()), [Limit(per="all", usd_per_day=Decimal(20))]
    spent, worst = 0, 0
    for most, really in calls:
        try:
            number = book.reserve(ANA, Decimal(most), limits)
        except OverBudget:
            continue
        book.settle(number, Decimal(really))
        spent, worst = spent + really, max(worst, really - most)
    assert spent <= 20 + worst


async def test_what_a_gateway_asks_stands_in_its_book(store: EdgeStore) -> None:
    """On the wire: the second gateway asks nothing once the first has used up what there is."""

    async def answer(_: dict[str, Any]) -> Any:
        await asyncio.sleep(0)
        return content(FIRST)

    limits = (Limit(per="person", calls_per_day=1),)
    with serving(answer, limits=limits, book=shared(store)) as (first, _):
        await first.ask(ASK, SMALL, "", ANA)
        await first.close()
    with serving(answer, limits=limits, book=shared(store)) as (second, asked):
        with pytest.raises(OverBudget, match="1 times today"):
            await second.ask(ASK, SMALL, "", ANA)
        await second.close()
    assert asked.bodies == []
