from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import postgres
from tests.approvals.doubles import OPENED, House, a_house
from tests.approvals.lab import a_lab
from tests.stores import forget, template

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("approvals", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("approvals")


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """A connection that nobody closes is a warning on PostgreSQL, in whichever test comes later."""
    yield
    while OPENED:
        OPENED.pop().dispose()


@pytest.fixture
def database() -> Iterator[str]:
    """A database of its own on the tests' PostgreSQL, with this version's tables."""
    name = postgres.server().create(template())
    yield name
    postgres.server().drop(name)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A gate over a fresh store, with the playground's policy and people."""
    made = a_house(tmp_path / "twokey.db")
    yield made
    made.close()
    forget(made.path)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[House]:
    """The same with a policy that wants evals in prod."""
    made = a_lab(tmp_path / "twokey.db")
    yield made
    made.close()
    forget(made.path)


@pytest.fixture
def beside(house: House) -> Iterator[Callable[[], House]]:
    """Makes other processes' gates on the same store."""
    others: list[House] = []

    def make() -> House:
        others.append(house.beside())
        return others[-1]

    yield make
    for other in others:
        other.close()
