"""What the tests of reading share: the cases' catalogue, the verbs, and a reader without a model."""

from __future__ import annotations

import pytest

from actions.catalog import Catalog
from actions.registry import Registry
from intents import evals
from intents.reader import Reader


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return evals.catalog()


@pytest.fixture(scope="session")
def registry() -> Registry:
    return evals.registered()


@pytest.fixture(scope="session")
def reader(catalog: Catalog, registry: Registry) -> Reader:
    return Reader(catalog, registry)
