"""A rollback approved in advance: what is said, and what the plan promises."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from actions import canonical, guard, tripwire, yamlfile
from actions.action import Change
from actions.catalog import Catalog
from actions.errors import BadInput, ConfigError, Denied, StalePlan
from actions.executor import Executor
from actions.plan import Plan
from actions.registry import Registry
from tests.actions.conftest import CATALOG
from tests.actions.guarded import DOUBLES, Bench


# -- what is said -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "spelled", "limit"),
    [
        ("error_rate x2 within 10m", "error_rate x2 within 10m", "0.008"),
        ("error_rate x2", "error_rate x2 within 10m", "0.008"),
        ("error_rate  2.50% within 60m", "error_rate 2.5% within 60m", "0.025"),
        ("latency_p95 800ms within 15m", "latency_p95 800ms within 15m", "0.8"),
        ("latency_p99 1.5 s within 1m", "latency_p99 1.5s within 1m", "1.5"),
        ("memory 512MiB", "memory 512MiB within 10m", "536870912"),
        ("restarts 3 within 5m", "restarts 3 within 5m", "3"),
    ],
)
def test_a_tripwire_is_spelled_in_one_way(said: str, spelled: str, limit: str) -> None:
    wire = tripwire.parse(said)
    assert str(wire) == spelled
    assert wire.limit(Decimal("0.004")) == Decimal(limit)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "error_rate",
        "error_rate x1 within 10m",
        "error_rate x0.5",
        "error_rate 0%",
        "error_rate 800ms",
        "error_rate 100%",
        "error_rate 500%",
        "latency_p95 2%",
        "latency_p95 800",
        "request_rate x2",
        "error_rate x2 within 0m",
        "error_rate x2 within 61m",
        "error_rate x2 within 2h",
        "error_rate x2 within 10m and more",
        "error_rate x٢",
    ],
)
def test_a_tripwire_outside_of_its_bounds_is_refused(said: str, registry: Registry) -> None:
    with pytest.raises(BadInput, match="guard: "):
        registry.parse(
            {"verb": "deploy", "service": "checkout", "environment": "prod", "version": "1.4.2", "guard": said}
        )


def test_twice_no_errors_at_all_is_not_none() -> None:
    """Otherwise the very first look would trip it."""
    assert tripwire.parse("error_rate x2").limit(Decimal(0)) == Decimal("0.002")


# -- the plan ---------------------------------------------------------------------------------------------------------
def test_the_plan_says_what_trips_it_and_exactly_what_it_would_do(bench: Bench) -> None:
    """A1: metric, query, limit, window and the rollback itself are part of the digested plan."""
    plan = bench.plan()
    assert plan.guard
    assert plan.way_back
    assert (plan.guard.baseline, plan.guard.limit, plan.guard.window) == ("0.004", "0.008", 600)
    assert "http_requests_total" in plan.guard.query
    assert plan.way_back.verb == "rollback"
    assert plan.way_back.target == plan.target
    assert "registry.example/checkout:1.4.1" in str(plan.way_back.patch.body)
    assert guard.in_words(plan.guard) == (
        "If error rate reaches 0.8 % (x2, now 0.4 %) within 10 min of the rollout: back to 1.4.1 without asking again"
    )
    assert plan.digest != Plan.model_validate({**plan.model_dump(mode="json"), "guard": None}).digest
    assert bench.cluster.dry_runs[-1] == plan.guard.patch, "tried, under the rollback's own account"


def test_a_plan_without_a_guard_keeps_the_digest_that_it_always_had(bench: Bench) -> None:
    """A1: what was approved before there were guards may still run."""
    plan = bench.plan(guard=None)
    assert "guard" not in plan.action
    told = plan.model_dump(mode="json", exclude={"guard"})
    assert plan.digest == canonical.digest(told)


@pytest.mark.parametrize(
    ("value", "said", "why"),
    [
        (None, DOUBLES, "no data for the error rate"),
        (0.02, "error_rate 2% within 10m", "is 2.0 % already"),
    ],
)
def test_a_guard_that_makes_no_sense_now_is_refused(bench: Bench, value: float | None, said: str, why: str) -> None:
    bench.gauge.value = value
    with pytest.raises(BadInput, match=why):
        bench.plan(said)


def test_without_metrics_no_guard_is_promised(bench: Bench) -> None:
    blind = Executor(bench.registry, replace(bench.tools, metrics=None))
    action = bench.registry.parse(bench.plan().action)
    assert isinstance(action, Change)
    with pytest.raises(BadInput, match="no guard can watch"):
        blind.plan(action, "policy-1")


def test_a_guard_whose_rollback_the_cluster_refuses_is_no_guard(bench: Bench) -> None:
    """Said before anybody approves it, and not when it trips."""
    real = bench.cluster.patch

    class Strict:
        def __getattr__(self, name: str) -> Any:
            return getattr(bench.cluster, name)

        def patch(self, *args: Any, verb: str, **more: Any) -> dict[str, Any]:
            if verb == "rollback":
                raise Denied("The rollback's account may not do this.")
            return real(*args, verb=verb, **more)

    bench.hands = Executor(bench.registry, replace(bench.tools, cluster=Strict()))
    with pytest.raises(Denied):
        bench.plan()


def test_the_catalogues_guard_is_taken_where_none_is_said_and_gives_way_where_it_cannot_watch(bench: Bench) -> None:
    text = CATALOG.replace(
        "{image: registry.example/checkout,", "{image: registry.example/checkout, guards: {prod: error_rate 3%},"
    )
    catalog = yamlfile.parse(text, Catalog, "catalog.yaml")
    bench.hands = Executor(bench.registry, replace(bench.tools, catalog=catalog))
    usual = bench.plan(guard=None).guard
    assert usual
    assert usual.tripwire == "error_rate 3% within 10m"
    assert bench.plan(guard="none").guard is None
    mine = bench.plan("latency_p95 2s within 5m").guard
    assert mine
    assert mine.metric == "latency_p95"
    bench.gauge.value = 0.04
    plan = bench.plan(guard=None)
    assert plan.guard is None
    assert "its usual guard is left out: " in plan.warnings[-1].text


@pytest.mark.parametrize("line", ["{mars: error_rate x2}", "{prod: error_rate}"])
def test_a_catalogue_with_a_guard_that_cannot_be_is_refused(line: str) -> None:
    with pytest.raises(ConfigError):
        yamlfile.parse(CATALOG.replace("{max_replicas: 10}", f"{{guards: {line}}}"), Catalog, "catalog.yaml")


def test_the_runner_works_the_guard_out_anew(bench: Bench) -> None:
    """A1: another patch, query or limit than what the action makes is found out; a new baseline alone is no change."""
    plan = bench.plan()
    assert plan.guard
    bench.gauge.value = 0.006
    bench.hands.check(plan)
    other = plan.guard.patch.model_copy(update={"body": {"spec": {"replicas": 0}}})
    for forged in (
        {"patch": other},
        {"query": "vector(1)"},
        {"limit": "0.9"},
        {"window": 60},
        {"action": {**plan.guard.action, "to": "1.0.0"}},
        {"preconditions": ()},
        {"tripwire": "error_rate x3 within 10m"},
    ):
        with pytest.raises(StalePlan):
            bench.hands.check(plan.model_copy(update={"guard": plan.guard.model_copy(update=forged)}))
    with pytest.raises(StalePlan):
        bench.hands.check(plan.model_copy(update={"guard": None}))
