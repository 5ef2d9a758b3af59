"""Least privilege on a real API server: no right too few, none too many (P1, P3), and every write has a name (P4)."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from actions import restoring
from actions.clients.protocols import Sample
from actions.errors import SourceError
from actions.rbac import accounts
from actions.rbac.check import excess, missing
from actions.rbac.rights import Right, changing
from actions.registry import Registry
from actions.verbs import VERBS
from tests.cluster import rights
from tests.cluster.access import Access
from tests.cluster.control_plane import ControlPlane, Json
from tests.cluster.rights import ROLES, check_denials, declared, expected_of, without
from tests.cluster.shop import PACE, Hands, Shop
from tests.waiting import until

CHANGING = [verb.verb for verb in changing(Registry(VERBS))]
PLURALS = {"checkout": "deployments", "store": "statefulsets", "agent": "daemonsets"}
SCALED = {"checkout": "deployments/checkout", "store": "statefulsets/store"}
KINDS = {"Deployment": frozenset({"checkout"}), "StatefulSet": frozenset({"store"}), "DaemonSet": frozenset({"agent"})}
SERVICES = {"statefulsets": "store", "controllerrevisions": "store", "daemonsets": "agent"}
ARGUMENTS: dict[str, Json] = {
    "scale": {"change": "+1"},
    "triage": {"symptom": "slow"},
    "query_metrics": {"metric": "request_rate"},
}
LIMITS = ("resourcequotas", "poddisruptionbudgets")  # read while planning, and said on the card where they cannot be
REFUSED = "may not do this"


class Steady:
    """Metrics of which there are always some."""

    def range(self, query: str, start: datetime, end: datetime, step: float) -> list[Sample]:
        return [Sample(start.timestamp(), 1.0), Sample(end.timestamp(), 1.0)]

    def instant(self, query: str, at: datetime) -> float | None:
        return 1.0


@pytest.fixture(scope="module")
def shared(access: Access) -> Iterator[Shop]:
    """One for all these tests: each puts back what it takes away."""
    with Shop.opened(access) as shop:
        yield shop


@pytest.mark.parametrize(
    ("verb", "role", "right"), declared(Registry(VERBS), KINDS), ids=lambda value: getattr(value, "say", value)
)
def test_without_any_single_right_its_verb_is_refused(shared: Shop, verb: str, role: str, right: Right) -> None:
    """P1, minimality: nothing that is declared is idle, and with all of it nothing is refused."""
    hands = shared.hands(pace=replace(PACE, blind=0.5), metrics=Steady())
    assert not _refused(shared, hands, verb, right)
    with without(shared, hands, shared.namespace, role, right):
        assert _refused(shared, hands, verb, right)
    _without_autoscaler(shared)


def _refused(shop: Shop, hands: Hands, verb: str, right: Right) -> bool:
    """Whether the verb, at what it needs this right for, is told that it may not."""
    if right.resource == "events" and verb in CHANGING:
        return not _warned(shop, hands, verb)
    arguments = ARGUMENTS.get(verb, {})
    service = SERVICES.get(right.resource.partition("/")[0], "checkout")
    _without_autoscaler(shop)
    if right.resource == "horizontalpodautoscalers":
        _autoscaled(shop)
        arguments = arguments if verb == "triage" else {"replicas": 4, "autoscaler": "minimum"}
    elif verb == "deploy":
        arguments = {"version": secrets.token_hex(4)}
    elif verb == "rollback":
        _renewed(shop, service)
    elif verb == "scale":
        shop.patch(f"{SCALED[service]}/scale", {"spec": {"replicas": 2}}, "merge")
        arguments = {"change": "-1"} if right.resource == "poddisruptionbudgets" else arguments
    if right.resource in LIMITS:
        return REFUSED in hands.plan(verb, service, **arguments).model_dump_json()
    try:
        outcome = hands.do(verb, service, **arguments)
    except SourceError as error:
        return REFUSED in error.say
    return REFUSED in outcome.model_dump_json()


def _autoscaled(shop: Shop) -> None:
    """By a new autoscaler, whose minimum is 2."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"}
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 5}
    shop.create({"kind": "HorizontalPodAutoscaler", "metadata": {"name": "checkout"}, "spec": spec})


def _without_autoscaler(shop: Shop) -> None:
    """It would move the replicas while a test of something else looks at them."""
    path = f"/apis/autoscaling/v2/namespaces/{shop.namespace}/horizontalpodautoscalers/checkout"
    if shop.call("DELETE", path).ok:
        until(lambda: shop.call("GET", path).status_code == 404, "the autoscaler gone")


def _renewed(shop: Shop, service: str, version: str = "") -> None:
    """An administrator deploys, so that there is something to go back from."""
    image = f"registry.example/{service}:{version or secrets.token_hex(4)}"
    path = f"{PLURALS[service]}/{service}"
    shop.patch(path, {"spec": {"template": {"spec": {"containers": [{"name": service, "image": image}]}}}})
    if version.endswith("-crash"):
        until(lambda: _noticed(shop.read(path)), f"a revision of {version}")
    else:
        shop.settle(path)


def _noticed(found: Json) -> bool:
    """Whether the controller has seen the spec as it is: the revision of it is there then."""
    return bool((found.get("status") or {}).get("observedGeneration") == found["metadata"]["generation"])


def _warned(shop: Shop, hands: Hands, verb: str) -> bool:
    """Whether a rollout that fails is explained by the cluster's warnings."""
    _renewed(shop, "checkout", f"{secrets.token_hex(4)}-crash")
    arguments: Json = {"deploy": {"version": f"{secrets.token_hex(4)}-crash"}, "scale": {"change": "+1"}}.get(verb, {})
    if verb == "rollback":
        bad = shop.image("deployments/checkout", "checkout").rpartition(":")[2]
        _renewed(shop, "checkout")
        arguments = {"to": bad}
    elif verb == "scale":  # pods that crashed before would fail it before there is any warning of its own
        shop.patch("deployments/checkout/scale", {"spec": {"replicas": 0}}, "merge")
        shop.settle("deployments/checkout")
    outcome = hands.do(verb, **arguments)
    assert outcome.ok is False
    _renewed(shop, "checkout")
    shop.patch("deployments/checkout/scale", {"spec": {"replicas": 2}}, "merge")
    return bool(outcome.evidence)


def test_everything_else_in_discovery_is_denied(shared: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """P1, P3: every resource and verb that the API server knows, for each of our accounts, by its own review."""
    asked = check_denials(shared, shared.namespace, expected_of(list(Registry(VERBS)), shared.namespace, KINDS))
    with capsys.disabled():
        sys.stdout.write(f"\nP1: {asked} times account x resource x verb: only what is declared is allowed\n")
    assert asked > 5_000


@pytest.mark.parametrize("verb", CHANGING)
def test_the_gateway_can_preview_and_write_nothing(shared: Shop, verb: str) -> None:
    """P3: its credential gets a true preview, and no way of using it changes anything."""
    gateway = shared.hands(accounts.GATEWAY)
    arguments: dict[str, Any] = {"deploy": {"version": "1.9"}, "scale": {"change": "+1"}}.get(verb, {})
    if verb == "rollback":
        shared.hands().do("deploy", version="1.8")
    plan = gateway.plan(verb, **arguments)
    assert plan.diff
    before = shared.read("deployments/checkout")["metadata"]["generation"]
    outcome = gateway.execute(plan)  # as if somebody had taken the process over
    assert outcome.ok is False
    assert "may not do this" in outcome.summary
    ref = shared.catalog.ref("checkout", "prod")
    live = shared.read("deployments/checkout")
    patch = restoring.whole(plan.patch, live, gateway.cluster.revisions(ref)).for_request("r1")
    preview = _Raw(shared, gateway)
    assert preview.patch(ref.name, patch.subresource, patch.body, accounts.user(verb, shared.namespace)) == 403
    assert preview.patch(ref.name, patch.subresource, patch.body, accounts.user(verb, shared.namespace, True)) == 422
    assert preview.patch(ref.name, patch.subresource, patch.body, "") == 403
    assert preview.patch(ref.name, patch.subresource, patch.body, "admin") == 403
    assert shared.read("deployments/checkout")["metadata"]["generation"] == before


class _Raw:
    """Whatever its token lets it do, without the product's own restraint."""

    def __init__(self, shop: Shop, hands: Hands) -> None:
        self._shop, self._hands = shop, hands

    def patch(self, name: str, subresource: str, body: Json, user: str) -> int:
        where = f"/apis/apps/v1/namespaces/{self._shop.namespace}/deployments/{name}"
        path = f"{where}/{subresource}" if subresource else where
        headers = {"Content-Type": "application/merge-patch+json", "Authorization": f"Bearer {self._hands.token}"}
        if user:
            headers["Impersonate-User"] = user
        with self._shop.plane.stranger() as nobody:  # an administrator's certificate would count before the token
            return nobody.patch(f"{self._shop.plane.url}{path}", json=body, headers=headers, timeout=30).status_code


def test_the_cluster_s_own_audit_log_names_verb_and_request(plane: ControlPlane, shop: Shop) -> None:
    """P4: for every write, previews told apart."""
    hands = shop.hands()
    plans: dict[str, Json] = {
        "deploy": {"version": "1.1"},
        "scale": {"replicas": 3},
        "restart": {},
        "rollback": {},
    }
    for verb, arguments in plans.items():
        assert hands.execute(hands.plan(verb, **arguments), f"request-{verb}").ok
    until(
        lambda: len(_written(plane, shop)[1]) == len(plans), "the last line of the audit log"
    )  # it follows the answer
    tries, real = _written(plane, shop)
    runner = f"system:serviceaccount:{accounts.HOME}:{accounts.RUNNER}"
    assert {entry["user"]["username"] for entry in (*tries, *real)} == {runner}
    tried = {entry["impersonatedUser"]["username"] for entry in tries}
    assert tried == {accounts.user(verb, shop.namespace, preview=True) for verb in plans}
    assert [(e["impersonatedUser"]["username"], e["userAgent"].rpartition(" ")[2]) for e in real] == [
        (accounts.user(verb, shop.namespace), f"request/request-{verb}") for verb in plans
    ]


def _written(plane: ControlPlane, shop: Shop) -> tuple[list[Json], list[Json]]:
    """What we tried, and what we wrote in earnest and was not refused, as the API server recorded it."""
    tries, real = [], []
    for entry in plane.audit_log():
        place = entry.get("objectRef", {}).get("namespace")
        if place != shop.namespace or not entry["userAgent"].startswith("twokey/"):
            continue
        if "dryRun=All" in entry["requestURI"]:
            tries.append(entry)
        elif entry["responseStatus"]["code"] < 400:  # a conflict with a controller is tried again
            real.append(entry)
    return tries, real


def test_the_check_finds_too_little_too_much_and_what_is_not_confined(shop: Shop) -> None:
    """P1: with the runner's own credential, and without changing anything."""
    hands = shop.hands()
    assert missing(hands.cluster, shop.catalog, shop.registry) == []
    assert excess(hands.cluster, shop.catalog, shop.registry) == []
    path = ROLES.format(shop.namespace, "twokey-scale")
    rules = shop.call("GET", path).json()["rules"]
    more = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    rights.replace(shop, path, [rule for rule in rules if rule["resources"] != ["deployments/scale"]] + [more])
    user = accounts.user("scale", shop.namespace)
    until(lambda: hands.cluster.allowed(None, shop.namespace, "", "secrets", "get", "", user), "the change of the role")
    lacks = {(each.account, each.right) for each in missing(hands.cluster, shop.catalog, shop.registry)}
    assert lacks == {(user, "patch deployments/scale.apps"), (f"{user}-preview", "patch deployments/scale.apps")}
    too_much = {(each.kind, each.account, each.right) for each in excess(hands.cluster, shop.catalog, shop.registry)}
    assert too_much == {("excess", user, "get secrets"), ("excess", f"{user}-preview", "get secrets")}
    kind = "validatingadmissionpolicybindings"
    shop.call("DELETE", f"/apis/admissionregistration.k8s.io/v1/{kind}/twokey-deploy-{shop.namespace}")
    label, deploy = {"metadata": {"labels": {"x": "y"}}}, accounts.user("deploy", shop.namespace, preview=True)
    until(lambda: shop.patch("deployments/checkout", label, user=deploy, dryRun="All").ok, "the policy gone")
    open_ = [each for each in excess(hands.cluster, shop.catalog, shop.registry) if each.kind == "unconfined"]
    assert {each.account for each in open_} == {deploy}
    assert "no admission policy confines it" in open_[0].say


def test_the_cluster_s_type_checker_has_nothing_to_say_of_the_policies(shop: Shop) -> None:
    path = f"/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/twokey-rollback-{shop.namespace}"
    until(lambda: "typeChecking" in shop.call("GET", path).json().get("status", {}), "the type checker's opinion")
    assert "expressionWarnings" not in shop.call("GET", path).json()["status"]["typeChecking"]
