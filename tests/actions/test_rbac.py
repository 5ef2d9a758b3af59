"""The rights that follow from the verbs' rules: enough for what each verb does, and nothing beside."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from actions import catalog as catalogs
from actions.action import Action, Change, Read
from actions.catalog import Catalog
from actions.clients.kubernetes import KubernetesCluster
from actions.clock import ManualClock
from actions.errors import SourceError
from actions.executor import Executor
from actions.outcome import Grant, Outcome
from actions.rbac import accounts
from actions.rbac.check import missing
from actions.rbac.manifests import render
from actions.rbac.rights import Right, reading, writing
from actions.registry import Registry
from actions.terms import Rule
from actions.toolbox import Toolbox
from actions.verbs import VERBS
from bot.playground.host import Host
from bot.playground.town.gatekeeper import Access
from bot.playground.town.kubeconfig import write_kubeconfig
from bot.playground.town.server import Town
from bot.playground.town.world import World
from tests.actions.doubles import ClusterDouble

CATALOG = Path(catalogs.__file__).parents[1] / "bot" / "playground" / "catalog.yaml"
WHERE = {"service": "checkout", "environment": "prod"}
ACTIONS: list[dict[str, Any]] = [
    {"verb": "deploy", **WHERE, "version": "1.4.2"},
    {"verb": "rollback", **WHERE},
    {"verb": "scale", **WHERE, "replicas": 5},
    {"verb": "restart", **WHERE},
    {"verb": "status", **WHERE},
    {"verb": "history", **WHERE},
]
ALSO: dict[str, list[dict[str, Any]]] = {
    "scale": [
        {"verb": "scale", **WHERE, "replicas": 4, "autoscaler": "minimum"},
        {"verb": "scale", **WHERE, "replicas": 4},  # down from the 5 before
    ]
}
"""What a verb also does: where a button asks for it, and the other way."""
DEPLOYMENTS = {"Deployment": frozenset({"checkout"})}


@pytest.fixture
def town(clock: ManualClock) -> Town:
    return Town(World(clock))


@pytest.fixture
def hands(town: Town, clock: ManualClock, tmp_path: Path) -> Iterator[Executor]:
    with Host(town.app()) as url:
        cluster = KubernetesCluster(write_kubeconfig(url, tmp_path / "kubeconfig"))
        yield Executor(Registry(VERBS), Toolbox(catalog=catalogs.load(CATALOG), cluster=cluster, clock=clock))


def perform(hands: Executor, data: dict[str, Any], clock: ManualClock) -> Outcome:
    """Everything that the verb can do; how the first of it that failed ended, else how the last ended."""
    outcome = Outcome(ok=None, summary="nothing was done")
    for each in (data, *ALSO.get(data["verb"], [])):
        outcome = _perform(hands, Registry(VERBS).parse(each), clock)
        if not outcome.ok:
            break
    return outcome


def _perform(hands: Executor, action: Action, clock: ManualClock) -> Outcome:
    if isinstance(action, Read):
        return hands.answer(action, lambda step: None)
    assert isinstance(action, Change)
    plan = hands.plan(action, "policy-1")
    if unread := [caution.text for caution in plan.warnings if caution.code == "unread"]:
        return Outcome(ok=False, summary=unread[0])
    grant = Grant(request_id=plan.digest[:8], digest=plan.digest, expires_at=clock.now() + timedelta(minutes=5))
    return hands.execute(plan, grant, lambda step: None, lambda: False)


def needed(verb: type[Action]) -> set[tuple[str, str, str]]:
    rights: list[Right] = [*reading([verb], DEPLOYMENTS), *writing(verb, DEPLOYMENTS)]
    return {(right.group, right.resource, right.verb) for right in rights}


@pytest.mark.parametrize("data", ACTIONS, ids=lambda data: str(data["verb"]))
def test_each_verb_s_rules_are_enough_and_none_is_idle(
    hands: Executor, town: Town, clock: ManualClock, data: dict[str, Any]
) -> None:
    """P1: with its own rules alone the verb does its work, and every one of them was used."""
    declared, used = needed(Registry(VERBS)[data["verb"]]), set()

    def authorize(access: Access) -> bool:
        used.add((access.group, access.resource, access.verb))
        return (access.group, access.resource, access.verb) in declared

    town.authorize(authorize)
    outcome = perform(hands, data, clock)
    assert outcome.ok, outcome
    assert used <= declared
    assert declared - used <= {("", "events", "list")}  # read when a rollout fails


def _single_rights() -> list[tuple[dict[str, Any], tuple[str, str, str]]]:
    return [
        (data, right)
        for data in ACTIONS
        for right in sorted(needed(Registry(VERBS)[data["verb"]]))
        if right[1] != "events"
    ]


@pytest.mark.parametrize(("data", "dropped"), _single_rights(), ids=lambda value: str(value)[:60])
def test_no_right_can_be_dropped(
    hands: Executor, town: Town, clock: ManualClock, data: dict[str, Any], dropped: tuple[str, str, str]
) -> None:
    """P1: without any single one of its rights the verb cannot do its work to the end."""
    left = needed(Registry(VERBS)[data["verb"]]) - {dropped}
    town.authorize(lambda access: (access.group, access.resource, access.verb) in left)
    try:
        outcome = perform(hands, data, clock)
    except SourceError:
        return
    assert not outcome.ok


def test_the_rendered_roles_are_exactly_the_rules(catalog: Catalog, registry: Registry) -> None:
    """P1, P4: an account a changing verb and namespace may write what it declares, on the catalogue's workloads."""
    documents = list(yaml.safe_load_all(render(catalog, registry)))
    assert not {d["kind"] for d in documents} & {"ClusterRole", "ClusterRoleBinding"}
    roles = {(d["metadata"]["namespace"], d["metadata"]["name"]): d["rules"] for d in documents if d["kind"] == "Role"}
    accounts_there = {
        (d["metadata"]["namespace"], d["metadata"]["name"]) for d in documents if d["kind"] == "ServiceAccount"
    }
    for (namespace, name), rules in roles.items():
        for rule in rules:
            assert "secrets" not in rule["resources"]
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
            if name == accounts.READER:
                assert set(rule["verbs"]) <= {"get", "list", "watch"}
            elif rule["verbs"] == ["impersonate"]:
                assert name in (accounts.RUNNER, accounts.GATEWAY)
                assert {(namespace, who) for who in rule["resourceNames"]} <= accounts_there
                assert all(
                    who.endswith(accounts.PREVIEW) == (name == accounts.GATEWAY) for who in rule["resourceNames"]
                )
            else:
                assert rule["verbs"] == ["patch"]
    scale = [(rule["resources"], rule.get("resourceNames")) for rule in roles["prod", "twokey-scale"]]
    # There is no StatefulSet; an autoscaler has a name of its own, and is confined by what it scales.
    assert scale == [(["deployments/scale"], ["cart", "checkout"]), (["horizontalpodautoscalers"], None)]
    dev = {rule["resources"][0] for rule in roles["dev", "twokey-deploy"]}
    assert dev == {"deployments", "statefulsets", "daemonsets"}


def test_the_gateway_may_read_and_take_the_part_of_previews(catalog: Catalog, registry: Registry) -> None:
    """P3; that a preview account can write nothing is shown on a real API server."""
    bound = {
        d["roleRef"]["name"]
        for d in yaml.safe_load_all(render(catalog, registry))
        if d["kind"] == "RoleBinding" and any(s["name"] == accounts.GATEWAY for s in d["subjects"])
    }
    assert bound == {accounts.READER, accounts.GATEWAY}


def test_in_http_mode_the_gateway_alone_can_be_called(catalog: Catalog, registry: Registry) -> None:
    """Without it nobody can; where several policies choose a pod, what any of them lets in comes in."""

    def ways(http_port: int | None) -> list[tuple[Any, Any]]:
        policies = [d for d in yaml.safe_load_all(render(catalog, registry, http_port)) if d["kind"] == "NetworkPolicy"]
        assert all("Ingress" in each["spec"]["policyTypes"] for each in policies)
        return [(each["spec"]["podSelector"], each["spec"]["ingress"]) for each in policies]

    closed: tuple[Any, Any] = ({}, [])
    gateways = {"matchLabels": {"app.kubernetes.io/component": "gateway"}}
    assert ways(None) == [closed]
    assert ways(3000) == [closed, (gateways, [{"ports": [{"port": 3000, "protocol": "TCP"}]}])]


def test_a_verb_that_declares_secrets_is_not_rendered_silently(catalog: Catalog) -> None:
    class Leak(Change):
        verb: ClassVar[str] = "leak"
        risk: ClassVar[Any] = "high"
        rules: ClassVar[tuple[Rule, ...]] = (Rule("", "secrets", ("get",)),)
        help: ClassVar[str] = "x"
        examples: ClassVar[tuple[str, ...]] = ()

    with pytest.raises(ValueError, match="Secrets"):
        render(catalog, Registry([Leak]))


def test_the_check_names_verb_place_and_right(catalog: Catalog, registry: Registry, cluster: ClusterDouble) -> None:
    assert missing(cluster, catalog, registry) == []
    cluster.forbidden.add(("prod", "deployments/scale", "patch"))
    own, preview = missing(cluster, catalog, registry)
    who = "system:serviceaccount:prod:twokey-scale"
    assert own.say == f"scale needs to patch deployments/scale.apps in prod: {who} may not."
    assert preview.account == f"{who}-preview"


def test_objects_for_a_named_cluster_carry_its_name(registry: Registry) -> None:
    catalog = Catalog.model_validate(
        {"environments": {"prod": {"cluster": "east"}, "dev": {}}, "services": {"checkout": {}}}
    )
    labelled = {
        (d["metadata"].get("namespace", ""), d["metadata"]["labels"].get("twokey.dev/cluster"))
        for d in yaml.safe_load_all(render(catalog, registry))
    }
    assert labelled == {
        (namespace, cluster)
        for cluster, place in ((None, "dev"), ("east", "prod"))
        for namespace in ("", "twokey", place)
    }
