"""Valid defaults for the tests of actions; a test states only what matters to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from actions import yamlfile
from actions.action import Change
from actions.catalog import Catalog
from actions.clients.protocols import WorkloadRef
from actions.clock import ManualClock
from actions.executor import Executor
from actions.outcome import Grant, Outcome
from actions.plan import Plan
from actions.registry import Registry
from actions.toolbox import Toolbox
from actions.verbs import VERBS
from tests.actions.doubles import ClusterDouble
from tests.actions.guarded import Bench, Gauge

PlanFactory = Callable[..., Plan]
CHECKOUT = WorkloadRef(cluster=None, namespace="prod", kind="Deployment", name="checkout")

CATALOG = """
environments: {prod: {aliases: [production]}, staging: {}, dev: {}}
services:
  checkout: {image: registry.example/checkout, max_replicas: 12}
  cart: {max_replicas: 10}
  store: {workload: {kind: StatefulSet}, environments: [dev]}
  agent: {workload: {kind: DaemonSet}, environments: [dev]}
"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def catalog() -> Catalog:
    return yamlfile.parse(CATALOG, Catalog, "catalog.yaml")


@pytest.fixture
def registry() -> Registry:
    return Registry(VERBS)


@pytest.fixture
def cluster(clock: ManualClock) -> ClusterDouble:
    """checkout 1.4.1 with three replicas in prod."""
    double = ClusterDouble(clock=clock)
    double.add(CHECKOUT)
    return double


@pytest.fixture
def toolbox(catalog: Catalog, cluster: ClusterDouble, clock: ManualClock) -> Toolbox:
    return Toolbox(catalog=catalog, cluster=cluster, clock=clock)


@pytest.fixture
def executor(registry: Registry, toolbox: Toolbox) -> Executor:
    return Executor(registry, toolbox)


@pytest.fixture
def plan_factory(registry: Registry, executor: Executor) -> PlanFactory:
    """`plan_factory(verb="scale", replicas=5)`: a plan for checkout in prod; deploy 1.4.2 where no verb is given."""

    def make(verb: str = "deploy", **arguments: Any) -> Plan:
        given = {"service": "checkout", "environment": "prod", **arguments}
        if verb == "deploy":
            given.setdefault("version", "1.4.2")
        action = registry.parse({"verb": verb, **given})
        assert isinstance(action, Change)
        return executor.plan(action, "policy-1")

    return make


@pytest.fixture
def granted(clock: ManualClock) -> Callable[..., Grant]:
    """`granted(plan)`: the grant that the gate would make of it, good for 10 minutes."""

    def make(plan: Plan, request_id: str = "req-1", **changes: Any) -> Grant:
        fields = {"digest": plan.digest, "expires_at": clock.now() + timedelta(minutes=10), **changes}
        return Grant(request_id=request_id, **fields)

    return make


Granted = Callable[..., Grant]
Run = Callable[..., Outcome]
VERBS_TO_TRY: tuple[dict[str, Any], ...] = (
    {"verb": "deploy", "version": "1.4.2"},
    {"verb": "rollback"},
    {"verb": "scale", "replicas": 5},
    {"verb": "restart"},
)


@pytest.fixture
def run(executor: Executor, granted: Granted) -> Run:
    """`run(plan)`: execute it for `req-1`, to its end."""

    def run(plan: Plan, grant: Grant | None = None) -> Outcome:
        return executor.execute(plan, grant or granted(plan), lambda step: None, lambda: False)

    return run


@pytest.fixture(params=VERBS_TO_TRY, ids=lambda action: str(action["verb"]))
def plan(request: pytest.FixtureRequest, cluster: ClusterDouble, plan_factory: PlanFactory) -> Plan:
    """One plan for each changing verb; checkout ran 1.4.0 before."""
    cluster.deploy(CHECKOUT, "1.4.0")
    cluster.deploy(CHECKOUT, "1.4.1")
    return plan_factory(**request.param)


@pytest.fixture
def bench(toolbox: Toolbox, cluster: ClusterDouble, clock: ManualClock, registry: Registry) -> Bench:
    gauge = Gauge(clock, cluster)
    tools = replace(toolbox, metrics=gauge)
    return Bench(clock, cluster, gauge, tools, Executor(registry, tools), registry)
