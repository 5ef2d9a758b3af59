"""Confinement (P2): whatever RBAC would let a verb's account do, the cluster lets it change its own fields alone.

The accounts get every right there is here, so that what refuses is the admission policy and nothing else.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from actions.rbac import accounts
from tests.cluster.access import Access
from tests.cluster.control_plane import Json
from tests.cluster.shop import Shop, workload
from tests.waiting import until

VERBS = ("deploy", "rollback", "restart", "scale")
WORKLOADS = {"checkout": "deployments", "store": "statefulsets", "agent": "daemonsets"}
FULL: Json = {  # every kind of field once, so that each has a leaf to change
    "metadata": {"labels": {"team": "a"}, "annotations": {"example.com/owner": "a"}, "finalizers": ["example.com/a"]},
    "spec": {
        "minReadySeconds": 1,
        "template": {
            "metadata": {"annotations": {"example.com/note": "a"}},
            "spec": {
                "serviceAccountName": "plain",
                "automountServiceAccountToken": False,
                "hostNetwork": False,
                "nodeSelector": {"disk": "a"},
                "priorityClassName": "",
                "tolerations": [{"key": "a", "operator": "Exists"}],
                "imagePullSecrets": [{"name": "a"}],
                "securityContext": {"runAsUser": 1000},
                "volumes": [
                    {"name": "tmp", "emptyDir": {"sizeLimit": "1Mi"}},
                    {"name": "settings", "configMap": {"name": "a"}},
                ],
                "initContainers": [{"name": "first", "image": "registry.example/first:1"}],
            },
        },
    },
}
SECRET = {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
POWERS: dict[str, Json] = {  # of the pod template's spec, in the words of the issue
    "service account": {"serviceAccountName": "powerful"},
    "host path": {"volumes": [{"name": "root", "hostPath": {"path": "/"}}]},
    "host network": {"hostNetwork": True},
    "new container": {"containers": [{"name": "extra", "image": "registry.example/checkout:1"}]},
    "another registry": {"containers": [{"name": "checkout", "image": "evil.example/checkout:1.1"}]},
    "a repository that begins alike": {"containers": [{"name": "checkout", "image": "registry.example/checkout-x:1"}]},
    "side-car from elsewhere": {"containers": [{"name": "proxy", "image": "evil.example/proxy:7"}]},
    "env from a Secret": {"containers": [{"name": "checkout", "env": [SECRET]}]},
    "all of a Secret": {"containers": [{"name": "checkout", "envFrom": [{"secretRef": {"name": "s"}}]}]},
    "root": {"containers": [{"name": "checkout", "securityContext": {"runAsUser": 0}}]},
}
ROLLBACK = (
    "command",
    "args",
    "workingDir",
    "env",
    "ports",
    "resources",
    "volumeMounts",
    "lifecycle",
    "imagePullPolicy",
)


@pytest.fixture(scope="module")
def mighty(access: Access) -> Iterator[Shop]:
    """Each verb's account may do everything, as far as RBAC goes; the Deployment has every kind of field.

    One for all these tests: what they send are dry runs.
    """
    with Shop.opened(access) as shop:
        shop.create(
            {
                "kind": "RoleBinding",
                "metadata": {"name": "mighty"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
                "subjects": [
                    {"kind": "ServiceAccount", "name": accounts.name(verb, preview), "namespace": shop.namespace}
                    for verb in VERBS
                    for preview in (False, True)
                ],
            }
        )
        answer = shop.patch("deployments/checkout", FULL)
        assert answer.ok, answer.text
        shop.settle("deployments/checkout")
        user, path = accounts.user("scale", shop.namespace), f"/api/v1/namespaces/{shop.namespace}/secrets"
        until(lambda: shop.call("GET", path, headers={"Impersonate-User": user}).ok, "the rights")
        yield shop


@pytest.mark.parametrize("verb", VERBS)
def test_of_every_leaf_of_a_deployment_only_the_declared_ones_may_change(mighty: Shop, verb: str) -> None:
    """P2."""
    live = unversioned(mighty.read("deployments/checkout"))
    path = f"/apis/apps/v1/namespaces/{mighty.namespace}/deployments/checkout?dryRun=All"
    headers = {"Impersonate-User": accounts.user(verb, mighty.namespace)}
    assert mighty.call("PUT", path, live, headers=headers).ok == (verb != "scale")  # what differs in nothing passes
    passed, refused = set(), 0
    for leaf in leaves({"metadata": live["metadata"], "spec": live["spec"]}):
        changed = with_other_value(live, leaf)
        # What the server itself would not take, or would not store, is of no interest: an administrator shows that.
        trial = mighty.call("PUT", path, changed)
        if not trial.ok or stored(trial.json()) == stored(live):
            continue
        answer = mighty.call("PUT", path, changed, headers=headers)
        if answer.ok:
            passed.add(".".join(str(part) for part in leaf))
        else:
            assert "ValidatingAdmissionPolicy" in answer.text, answer.text
            refused += 1
    assert refused > 25
    assert {name for name in passed if not allowed(verb, name)} == set()
    assert bool(passed) == (verb in ("deploy", "rollback"))  # the others' fields are not there before


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("power", POWERS)
def test_no_verb_s_account_can_give_a_pod_new_powers(mighty: Shop, verb: str, power: str) -> None:
    """P2: ServiceAccount, Secrets, the host, other containers, images from elsewhere."""
    body = {"spec": {"template": {"spec": POWERS[power]}}}
    assert mighty.patch("deployments/checkout", body, dryRun="All").ok  # an administrator may
    answer = mighty.patch("deployments/checkout", body, user=accounts.user(verb, mighty.namespace), dryRun="All")
    assert answer.status_code == 422, answer.text
    assert "ValidatingAdmissionPolicy" in answer.text


@pytest.mark.parametrize("service", ["checkout", "store"])
@pytest.mark.parametrize("verb", VERBS)
def test_scale_is_for_one_verb_alone_and_ends_at_the_catalogue_s_ceiling(mighty: Shop, verb: str, service: str) -> None:
    """P2: `/scale` both ways: no other verb may use it, and this one may use nothing else."""
    path, user = f"{WORKLOADS[service]}/{service}", accounts.user(verb, mighty.namespace)
    tries = {
        wanted: mighty.patch(f"{path}/scale", {"spec": {"replicas": wanted}}, "merge", user, dryRun="All").ok
        for wanted in (0, 1, 5, 6, 10_000)
    }
    assert tries == {0: verb == "scale", 1: verb == "scale", 5: verb == "scale", 6: False, 10_000: False}
    assert not mighty.patch(path, {"spec": {"replicas": 1}}, "merge", user, dryRun="All").ok
    scale = unversioned(mighty.read(f"{path}/scale"))
    for leaf in leaves({"metadata": scale["metadata"], "spec": scale["spec"]}):
        if leaf != ("spec", "replicas"):
            answer = mighty.call(
                "PUT",
                f"/apis/apps/v1/namespaces/{mighty.namespace}/{path}/scale?dryRun=All",
                with_other_value(scale, leaf),
                headers={"Impersonate-User": user},
            )
            assert not answer.ok or answer.json()["spec"] == scale["spec"]


@pytest.mark.parametrize("verb", VERBS)
def test_nothing_is_made_or_deleted_and_no_workload_beside_the_catalogue_s_touched(mighty: Shop, verb: str) -> None:
    """P2."""
    headers = {"Impersonate-User": accounts.user(verb, mighty.namespace)}
    base = f"/apis/apps/v1/namespaces/{mighty.namespace}/deployments"
    other = workload("Deployment", "other", replicas=0)
    assert mighty.call("POST", f"{base}?dryRun=All", other, headers=headers).status_code == 422
    assert mighty.call("DELETE", f"{base}/checkout?dryRun=All", headers=headers).status_code == 422
    mighty.create(other)
    template = {"metadata": {"annotations": {"twokey.dev/request": "r"}}}
    answer = mighty.patch("deployments/other", template, user=headers["Impersonate-User"], dryRun="All")
    assert answer.status_code == 422
    assert "the catalogue has no such workload here" in answer.text or "may patch" in answer.text


def test_an_autoscaler_s_bounds_end_at_the_ceiling_too(mighty: Shop) -> None:
    """P2: there is no way around the ceiling through what owns the replicas."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"}
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 4}
    mighty.create({"kind": "HorizontalPodAutoscaler", "metadata": {"name": "hpa"}, "spec": spec})
    path = f"/apis/autoscaling/v2/namespaces/{mighty.namespace}/horizontalpodautoscalers/hpa?dryRun=All"

    def tried(verb: str, change: Json) -> bool:
        headers = {"Content-Type": "application/merge-patch+json"}
        headers["Impersonate-User"] = accounts.user(verb, mighty.namespace)
        return mighty.call("PATCH", path, {"spec": change}, headers=headers).ok

    assert tried("scale", {"maxReplicas": 5})
    assert not tried("scale", {"maxReplicas": 6})
    assert not tried("scale", {"scaleTargetRef": {**target, "name": "other"}})
    assert not tried("deploy", {"maxReplicas": 5})


def test_nobody_else_is_concerned(mighty: Shop) -> None:
    """An administrator works as before, in these namespaces and in others."""
    assert mighty.patch("deployments/checkout", {"spec": {"minReadySeconds": 2}}, dryRun="All").ok
    path = "/apis/apps/v1/namespaces/default/deployments?dryRun=All"
    body = copy.deepcopy(mighty.read("deployments/checkout"))
    body["metadata"] = {"name": "theirs"}
    assert mighty.call("POST", path, body).ok


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            if path or key != "managedFields":
                yield from leaves(inner, (*path, key))
    elif isinstance(value, list) and value:
        for at, inner in enumerate(value):
            yield from leaves(inner, (*path, at))
    else:
        yield path


def with_other_value(obj: Json, leaf: tuple[Any, ...]) -> Json:
    """The object with another value there, of the same type and as harmless as can be."""
    changed = copy.deepcopy(obj)
    at: Any = changed
    for part in leaf[:-1]:
        at = at[part]
    old = at[leaf[-1]]
    images = {"image": f"{old}-x", "imagePullPolicy": "Always", "terminationMessagePolicy": "FallbackToLogsOnError"}
    others: dict[type, Any] = {
        bool: not old,
        int: old + 1 if isinstance(old, int) else 0,
        str: f"{old}x",
        dict: {"x": "y"},
    }
    at[leaf[-1]] = images.get(leaf[-1], others.get(type(old), old))
    return changed


def unversioned(obj: Json) -> Json:
    """To be put whatever the controllers have written into its status meanwhile: no conflict can hide an answer."""
    meta = {key: value for key, value in obj["metadata"].items() if key != "resourceVersion"}
    return {**obj, "metadata": meta}


def stored(obj: Json) -> Json:
    meta = {k: v for k, v in obj["metadata"].items() if k not in ("managedFields", "resourceVersion", "generation")}
    return {"metadata": meta, "spec": obj["spec"]}


def allowed(verb: str, name: str) -> bool:
    """Whether a change of this leaf is what the verb is for, spelled out here a second time."""
    if verb == "deploy":
        return name == "spec.template.spec.containers.0.image"
    if verb == "rollback":
        in_container = name.startswith(("spec.template.spec.containers.", "spec.template.spec.initContainers."))
        return (
            name.startswith(("spec.template.metadata.annotations.", "spec.template.metadata.labels."))
            or (in_container and name.split(".")[5] in ("image", *ROLLBACK))
            or name.endswith(("configMap.name", "configMap.defaultMode", "spec.terminationGracePeriodSeconds"))
        )
    return False
