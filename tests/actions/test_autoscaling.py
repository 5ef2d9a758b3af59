"""Moving an autoscaler's bound, against the town's API server: asked for by a button, and like any other change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from actions import catalog as catalogs
from actions.action import Change
from actions.clients.kubernetes import KubernetesCluster
from actions.clients.protocols import WorkloadRef
from actions.clock import ManualClock
from actions.errors import BadInput, StalePlan
from actions.executor import Executor
from actions.outcome import Grant, Outcome
from actions.plan import Patch, Plan
from actions.registry import Registry
from actions.toolbox import Toolbox
from actions.verbs import VERBS
from bot.playground.host import Host
from bot.playground.town.gatekeeper import Fault
from bot.playground.town.kubeconfig import write_kubeconfig
from bot.playground.town.server import Town
from bot.playground.town.world import World

CATALOG = Path(catalogs.__file__).parents[1] / "bot" / "playground" / "catalog.yaml"
CHECKOUT = WorkloadRef(None, "prod", "Deployment", "checkout")
OWNER = WorkloadRef(None, "prod", "HorizontalPodAutoscaler", "checkout")
MINIMUM = {"verb": "scale", "service": "checkout", "environment": "prod", "replicas": 5, "autoscaler": "minimum"}


class Bench:
    """The executor before a town whose checkout has 3 replicas and an autoscaler from 3 to 8."""

    def __init__(self, url: str, folder: Path, clock: ManualClock, town: Town) -> None:
        self.cluster = KubernetesCluster(write_kubeconfig(url, folder / "kubeconfig"))
        self.clock, self.town = clock, town
        tools = Toolbox(catalog=catalogs.load(CATALOG), cluster=self.cluster, clock=clock)
        self.executor = Executor(Registry(VERBS), tools)

    def plan(self, **changes: Any) -> Plan:
        action = Registry(VERBS).parse({**MINIMUM, **changes})
        assert isinstance(action, Change)
        return self.executor.plan(action, "policy-1")

    def run(self, plan: Plan, request_id: str = "req-1") -> Outcome:
        grant = Grant(request_id=request_id, digest=plan.digest, expires_at=self.clock.now() + timedelta(minutes=5))
        return self.executor.execute(plan, grant, lambda step: None, lambda: False)

    def bounds(self) -> tuple[int, int]:
        spec = self.cluster.workload(OWNER)["spec"]
        return spec["minReplicas"], spec["maxReplicas"]

    def replicas(self) -> int:
        return int(self.cluster.workload(CHECKOUT)["spec"]["replicas"])

    def edit(self, **spec: Any) -> None:
        """Somebody else changes the bounds."""
        self.cluster.patch(OWNER, Patch(type="merge", body={"spec": spec}), verb="kubectl", request_id=None)


@pytest.fixture
def bench(clock: ManualClock, tmp_path: Path) -> Iterator[Bench]:
    town = Town(World(clock))
    with Host(town.app()) as url:
        yield Bench(url, tmp_path, clock, town)


def test_the_plan_shows_the_bound_and_changes_nothing(bench: Bench) -> None:
    """A2: what is, what will be, the server's own dry run of it, and what it rests on."""
    plan = bench.plan()
    assert (plan.target.kind, plan.target.name) == ("HorizontalPodAutoscaler", "checkout")
    (difference,) = plan.differences
    assert (difference.field, difference.before, difference.after) == ("autoscaler's minimum", "3", "5")
    assert "-  minReplicas: 3\n+  minReplicas: 5" in plan.diff
    assert {p.path: p.value for p in plan.preconditions}["spec.minReplicas"] == 3
    assert plan.undo == {**MINIMUM, "replicas": 3, "change": None}
    assert bench.bounds() == (3, 8)


def test_it_is_done_once_the_autoscaler_has_followed(bench: Bench) -> None:
    """E1: one bound moves; the autoscaler brings the replicas after it, and they are waited for."""
    outcome = bench.run(bench.plan())
    assert outcome.ok, outcome
    assert bench.bounds() == (5, 8)
    assert bench.replicas() == 5
    assert bench.run(bench.plan(replicas=3), "req-2").ok
    assert bench.bounds() == (3, 8)


def test_a_maximum_moves_and_nothing_else(bench: Bench) -> None:
    assert bench.run(bench.plan(autoscaler="maximum", replicas=10)).ok
    assert bench.bounds() == (3, 10)
    assert bench.replicas() == 3


def test_a_bound_that_somebody_else_moved_makes_it_stale(bench: Bench) -> None:
    """A3: the approval covers what was shown; the other bound may move, as long as the server takes both."""
    plan = bench.plan()
    bench.edit(maxReplicas=9)
    bench.executor.check(plan)
    bench.edit(minReplicas=4)
    with pytest.raises(StalePlan, match="Someone set the autoscaler's bounds to 4–9"):
        bench.executor.check(plan)
    with pytest.raises(StalePlan):
        bench.run(plan)
    assert bench.bounds() == (4, 9)


def test_a_lost_answer_is_read_back(bench: Bench) -> None:
    """E1: the patch arrived, its answer did not; the mark on the autoscaler tells."""
    plan = bench.plan()
    bench.town.faults.add(Fault(method="PATCH", drop="after"))
    assert bench.run(plan).ok
    assert bench.bounds() == (5, 8)
    found = bench.executor.reconcile(plan, "req-1")
    assert found is not None
    assert found.ok


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"replicas": 3}, "has 3 as its minimum already"),
        ({"replicas": 9}, "has at most 8, so its minimum cannot be 9"),
        ({"autoscaler": "maximum", "replicas": 2}, "has at least 3, so its maximum cannot be 2"),
        ({"autoscaler": "maximum", "replicas": 13}, "may have at most 12 replicas"),
        ({"replicas": 0}, "is at least 1"),
        ({"replicas": None, "change": "+2"}, "is a number of replicas, not a change"),
        ({"service": "cart"}, "No autoscaler owns cart in prod"),
    ],
)
def test_a_bound_that_makes_no_sense_is_refused_in_words(bench: Bench, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        bench.plan(**changes)
    assert said in caught.value.say
