"""A rollback approved in advance, on a real control plane and with the accounts that it really has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from actions.clients.protocols import Sample
from tests.cluster.shop import Shop

CHECKOUT = "deployments/checkout"
GUARD = "error_rate x2 within 5m"


@dataclass
class Gauge:
    """A Prometheus with one value for everything; `meanwhile` happens before each look."""

    value: float = 0.004
    meanwhile: Callable[[], None] = lambda: None

    def range(self, query: str, start: datetime, end: datetime, step: float) -> list[Sample]:
        moments = [start.timestamp() + n * step for n in range(int((end - start).total_seconds() / step) + 1)]
        return [Sample(at, self.value) for at in moments]

    def instant(self, query: str, at: datetime) -> float | None:
        self.meanwhile()
        return self.value


def test_a_guard_takes_a_deploy_back_under_the_rollbacks_own_account(shop: Shop) -> None:
    """E1, P4: the very template of before; the mark in the cluster says whose second effect it is."""
    before = shop.read(CHECKOUT)["spec"]["template"]
    gauge = Gauge()
    hands = shop.hands(metrics=gauge)
    plan = hands.plan("deploy", version="1.1", guard=GUARD)
    gauge.value = 0.05
    outcome = hands.execute(plan, "request-1")
    assert outcome.rolled_back, outcome
    live = shop.read(CHECKOUT)
    assert live["spec"]["template"] == before
    assert live["metadata"]["annotations"]["twokey.dev/request"] == "request-1-back"
    read_back = hands.executor.reconcile(plan, "request-1")
    assert read_back
    assert read_back.rolled_back, "who only reads comes to the same"


def test_a_guard_leaves_alone_what_somebody_changed_meanwhile(shop: Shop) -> None:
    """E1: the fingerprint of the template that the dry run promised is not there any more."""
    gauge = Gauge()
    hands = shop.hands(metrics=gauge)
    plan = hands.plan("deploy", version="1.1", guard=GUARD)

    def label() -> None:
        if shop.image(CHECKOUT, "checkout").endswith(":1.1"):
            shop.patch(CHECKOUT, {"spec": {"template": {"metadata": {"labels": {"by": "hand"}}}}})

    gauge.value, gauge.meanwhile = 0.05, label
    outcome = hands.execute(plan, "request-1")
    assert outcome.ok is False
    assert not outcome.rolled_back
    assert "someone changed the pod template" in outcome.summary
    assert shop.image(CHECKOUT, "checkout").endswith(":1.1")
