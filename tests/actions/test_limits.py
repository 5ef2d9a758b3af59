"""What quotas, disruption budgets and moving tags have to do with a change is said before anybody is asked."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from actions import catalog as catalogs
from actions import headroom
from actions.action import Change
from actions.clients import kube_objects
from actions.clients.kubernetes import KubernetesCluster
from actions.clients.protocols import Budget, Quota, WorkloadRef
from actions.clock import ManualClock
from actions.errors import Denied, Unreachable
from actions.executor import Executor
from actions.plan import Caution, Plan
from actions.registry import Registry
from actions.toolbox import Toolbox
from actions.verbs import VERBS
from bot.playground.host import Host
from bot.playground.town.kubeconfig import write_kubeconfig
from bot.playground.town.server import Town
from bot.playground.town.world import World
from tests.actions.conftest import CHECKOUT, PlanFactory
from tests.actions.doubles import ClusterDouble

STAGING = WorkloadRef(cluster=None, namespace="staging", kind="Deployment", name="checkout")
DEV = WorkloadRef(cluster=None, namespace="dev", kind="Deployment", name="checkout")
LATEST = "registry.example/checkout:latest"
ONE, OTHER = (f"sha256:{digit * 64}" for digit in "1a")


def said(plan: Plan, code: str) -> list[str]:
    return [caution.text for caution in plan.warnings if caution.code == code]


def a_quota(used: str = "5", hard: str = "6", resource: str = "pods") -> Quota:
    return Quota("few", {resource: hard}, {resource: used})


def a_budget(minimum: int | str | None = None, unavailable: int | str | None = None, **counted: int) -> Budget:
    return Budget("calm", minimum, unavailable, **{"healthy": 3, "desired": 0, "expected": 3, **counted})


# Quotas


def test_a_scale_beyond_a_quota_says_what_is_left(plan_factory: PlanFactory, cluster: ClusterDouble) -> None:
    cluster.limits = [Quota("wide", {"pods": "90"}, {"pods": "5"}), a_quota()]
    assert said(plan_factory("scale", replicas=6), "quota") == [
        "quota few leaves room for 1 more pod (pods: 5 of 6 used), and this needs 3: the rest will be refused"
    ]
    assert said(plan_factory("scale", replicas=4), "quota") == []
    assert said(plan_factory("scale", replicas=2), "quota") == []
    cluster.limits = [a_quota(used="6")]
    (text,) = said(plan_factory("scale", replicas=4), "quota")
    assert text.startswith("quota few leaves no room (pods: 6 of 6 used), and this needs 1:")


@pytest.mark.parametrize("verb", ["deploy", "restart", "rollback"])
def test_a_rollout_that_a_quota_would_not_let_begin_is_warned_of(
    plan_factory: PlanFactory, cluster: ClusterDouble, verb: str
) -> None:
    """A new pod comes first where none may be stopped before it; otherwise the rollout makes its own room."""
    cluster.deploy(CHECKOUT, "1.4.0")
    cluster.limits = [a_quota(used="6")]
    assert said(plan_factory(verb), "quota") == [
        "quota few leaves no room for one more pod (pods: 6 of 6 used): this rollout starts one before it stops one, "
        "so it cannot begin"
    ]
    cluster.edit(CHECKOUT, lambda live: live["spec"].update(strategy={"rollingUpdate": {"maxUnavailable": 1}}))
    assert said(plan_factory(verb), "quota") == []


def test_a_quota_of_cpu_is_counted_by_what_a_pod_requests(plan_factory: PlanFactory, cluster: ClusterDouble) -> None:
    def ask(live: dict[str, Any]) -> None:
        spec = live["spec"]["template"]["spec"]
        spec["containers"][0]["resources"] = {"requests": {"cpu": "250m"}, "limits": {"memory": "1Gi"}}
        spec["initContainers"] = [{"name": "first", "resources": {"requests": {"cpu": "0.1"}}}]

    cluster.edit(CHECKOUT, ask)
    for resource, used, hard, room in (
        ("requests.cpu", "1", "1500m", 2),
        ("cpu", "1250m", "1500m", 1),
        ("limits.memory", "3Gi", "7Gi", 4),
        ("requests.memory", "1Gi", "2100Mi", 1),
        ("limits.cpu", "0", "1", None),  # it has none, so nothing of it is counted
        ("requests.storage", "0", "1Gi", None),
    ):
        cluster.limits = [a_quota(used, hard, resource)]
        found = headroom.tightest(cluster.objects[CHECKOUT]["spec"]["template"], cluster.limits)
        assert (found and found.room) == room, resource


@pytest.mark.parametrize(
    ("text", "number"), [("500m", "0.5"), ("2", "2"), ("1Ki", "1024"), ("3k", "3000"), ("2e3", "2000"), ("x", None)]
)
def test_quantities_are_read_as_the_api_writes_them(text: str, number: str | None) -> None:
    assert headroom.amount(text) == (Decimal(number) if number else None)


def test_a_quota_for_some_pods_alone_or_that_nobody_counted_is_left_out() -> None:
    whole = {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}, "status": {"used": {"pods": "1"}}}
    assert kube_objects.quota(whole)
    assert kube_objects.quota({**whole, "spec": {"scopes": ["BestEffort"]}}) is None
    assert kube_objects.quota({**whole, "status": {}}) is None


# Disruption budgets


@pytest.mark.parametrize(
    ("budget", "replicas", "text"),
    [
        (
            a_budget(minimum=2),
            2,
            "wants at least 2 available, and no more would be left: nodes under them could not be",
        ),
        (a_budget(minimum=3), 1, "wants at least 3 available, and 1 would be left: it would be broken for good"),
        (a_budget(unavailable=0), 2, "wants at least 2 available, and no more would be left"),
        (a_budget(minimum="50%"), 2, ""),
        (a_budget(minimum=2), 4, ""),  # more never breaks one
        (a_budget(minimum=3, expected=9), 1, ""),  # it covers others, too
        (a_budget(minimum=1, healthy=1, desired=2), 2, "is not met now: 1 of 2 healthy"),
    ],
)
def test_a_scale_that_a_budget_speaks_against(
    plan_factory: PlanFactory, cluster: ClusterDouble, budget: Budget, replicas: int, text: str
) -> None:
    cluster.disruptions = [budget]
    found = said(plan_factory("scale", replicas=replicas), "disruption_budget")
    assert [text in each for each in found] == ([True] if text else [])


@pytest.mark.parametrize(
    ("strategy", "budget", "takes"),
    [
        ({"type": "Recreate"}, a_budget(minimum=1), 3),
        ({"rollingUpdate": {"maxUnavailable": "67%"}}, a_budget(unavailable=1), 2),
        ({"rollingUpdate": {"maxUnavailable": 1}}, a_budget(unavailable=1), 0),
        ({}, a_budget(minimum="100%"), 0),  # 25 % of three, rounded down, is none
    ],
)
def test_a_rollout_that_takes_more_down_than_a_budget_wants(
    plan_factory: PlanFactory, cluster: ClusterDouble, strategy: dict[str, Any], budget: Budget, takes: int
) -> None:
    """No rollout heeds a budget, so people have to know."""
    cluster.edit(CHECKOUT, lambda live: live["spec"].update(strategy=strategy))
    cluster.disruptions = [budget]
    found = said(plan_factory("deploy"), "disruption_budget")
    assert [f"this rollout takes {takes} of 3 down at a time" in each for each in found] == ([True] if takes else [])


def test_a_selector_covers_what_the_api_says() -> None:
    labels = {"app": "checkout", "tier": "web"}
    for selector, covers in (
        (None, False),
        ({}, True),
        ({"matchLabels": {"app": "checkout"}}, True),
        ({"matchLabels": {"app": "cart"}}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["web", "db"]}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "zone", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]}, True),
    ):
        assert kube_objects.selects(selector, labels) is covers, selector


# What cannot be read


def test_what_may_not_be_read_is_said_and_refuses_nothing(plan_factory: PlanFactory, cluster: ClusterDouble) -> None:
    cluster.closed = Denied("Our credential may not do this to the quotas of prod.")
    assert said(plan_factory("scale", replicas=5), "unread") == [
        "I cannot tell whether a quota stands in the way: Our credential may not do this to the quotas of prod"
    ]
    assert len(said(plan_factory("deploy"), "unread")) == 2
    cluster.closed = Unreachable()
    with pytest.raises(Unreachable):
        plan_factory("scale", replicas=5)


# Moving tags


def test_the_digest_that_runs_elsewhere_is_offered_in_place_of_a_moving_tag(
    plan_factory: PlanFactory, cluster: ClusterDouble
) -> None:
    """Told by pods, and not by the registry: it is what people have seen at work."""
    cluster.add(STAGING, "latest")
    cluster.pulled[LATEST] = ONE
    (caution,) = _moving(plan_factory("deploy", version="latest"))
    assert caution.text.endswith("; in staging it is sha256:111111111111…")
    assert caution.instead
    assert caution.instead.label == "Deploy sha256:111111111111…, as in staging, instead"
    plan = plan_factory(**caution.instead.action)
    assert f"image: registry.example/checkout@{ONE}" in plan.diff
    assert not _moving(plan)


def test_a_tag_that_has_moved_already_is_told_and_no_digest_offered(
    plan_factory: PlanFactory, cluster: ClusterDouble
) -> None:
    cluster.add(STAGING, "latest")
    cluster.add(DEV, "latest")
    cluster.pulled[LATEST] = ONE
    cluster.pulled_by[DEV] = OTHER
    (caution,) = _moving(plan_factory("deploy", version="latest"))
    assert caution.text.endswith("; it has moved already: different images of it run in dev and staging")
    assert caution.instead is None


def test_without_a_pod_that_shows_it_a_digest_is_only_recommended(
    plan_factory: PlanFactory, cluster: ClusterDouble
) -> None:
    cluster.add(STAGING, "stable")  # another tag
    cluster.pulled[LATEST] = ONE
    (caution,) = _moving(plan_factory("deploy", version="latest"))
    assert (caution.text.endswith("; a digest would pin it"), caution.instead) == (True, None)
    assert not _moving(plan_factory("deploy", version="1.4.2"))


@pytest.mark.parametrize(
    ("image_id", "known"),
    [
        (f"registry.example/checkout@{ONE}", True),
        (f"docker-pullable://registry.example/checkout@{ONE}", True),
        (ONE, False),  # an image's own id, built or loaded on the node: no registry knows it
        ("", False),
    ],
)
def test_a_digest_is_of_what_was_pulled_from_a_registry(image_id: str, known: bool) -> None:
    pod = {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "checkout", "image": LATEST}]},
        "status": {"containerStatuses": [{"name": "checkout", "image": LATEST, "imageID": image_id}]},
    }
    assert kube_objects.pod(pod).digests == (((LATEST, ONE),) if known else ())


def _moving(plan: Plan) -> list[Caution]:
    return [caution for caution in plan.warnings if caution.code == "mutable_tag"]


# On the town's API server


@pytest.fixture
def town(clock: ManualClock, tmp_path: Path) -> Iterator[tuple[KubernetesCluster, Executor, Any]]:
    with Host(Town(World(clock)).app()) as url:
        kubeconfig = write_kubeconfig(url, tmp_path / "kubeconfig")
        cluster = KubernetesCluster(kubeconfig)
        catalog = catalogs.load(Path(catalogs.__file__).parents[1] / "bot" / "playground" / "catalog.yaml")
        api: Any = config.new_client_from_config(str(kubeconfig))  # type: ignore[no-untyped-call] # it has no types
        with api:
            yield cluster, Executor(Registry(VERBS), Toolbox(catalog=catalog, cluster=cluster, clock=clock)), api
            api.rest_client.pool_manager.clear()


def test_they_are_read_from_the_town_s_api_server(town: tuple[KubernetesCluster, Executor, Any]) -> None:
    """checkout has 3 replicas in prod; a quota leaves room for one pod more, and a budget for one pod less."""
    cluster, executor, api = town
    core: Any = client.CoreV1Api(api)
    policy: Any = client.PolicyV1Api(api)
    core.create_namespaced_resource_quota("prod", {"metadata": {"name": "few"}, "spec": {"hard": {"pods": "9"}}})
    counted = {"hard": {"pods": "9"}, "used": {"pods": "8"}}
    core.patch_namespaced_resource_quota_status("few", "prod", {"status": counted})
    spec = {"minAvailable": 2, "selector": {"matchLabels": {"app": "checkout"}}}
    policy.create_namespaced_pod_disruption_budget("prod", {"metadata": {"name": "calm"}, "spec": spec})
    up, down = (_plan(executor, replicas) for replicas in (5, 2))
    assert said(up, "quota")
    assert said(down, "disruption_budget")
    assert cluster.budgets(CHECKOUT, {"app": "cart"}) == []


def _plan(executor: Executor, replicas: int) -> Plan:
    action = Registry(VERBS).parse(
        {"verb": "scale", "service": "checkout", "environment": "prod", "replicas": replicas}
    )
    assert isinstance(action, Change)
    return executor.plan(action, "policy-1")
