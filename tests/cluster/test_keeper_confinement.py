"""P2 where a GitOps tool keeps the version: whatever RBAC would let a verb's account do, it changes a version alone.

The accounts get every right there is here, so that what refuses is the admission policy and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from actions.rbac import accounts
from tests.cluster.control_plane import ControlPlane, Json
from tests.cluster.estate import IMAGES, KEEPERS, SOURCES, Estate
from tests.cluster.gitops import Gitops
from tests.waiting import until

OTHER = "other=registry.example/other:3"
HOOK: Json = {"syncStrategy": {"hook": {}}}
SECRET = {"name": "db.password", "value": "hunter22"}
TAG = {"name": "image.tag", "value": "1.0"}
OWN = "registry.example/desk:1.0"
LENT = SOURCES["kiosk"][2]
SITE = {"name": "registry.example/site", "newTag": "1.0"}


def source(service: str, at: int, **change: Any) -> Json:
    """Its sources, with another one at that place."""
    there = [*SOURCES[service]]
    there[at] = {**there[at], **change}
    return {"spec": {"sources": there}}


def helm(*parameters: Json, **more: Any) -> Json:
    return {**SOURCES["till"][1]["helm"], "parameters": [*parameters], **more}


REFUSED: list[tuple[str, str, Json]] = [  # service, what it would be, a merge patch
    ("checkout", "another source", {"spec": {"source": {"repoURL": "https://git.example/fork"}}}),
    ("checkout", "another path", {"spec": {"source": {"path": "elsewhere"}}}),
    ("checkout", "a revision where images are the version", {"spec": {"source": {"targetRevision": "x"}}}),
    ("checkout", "another repository", {"spec": {"source": {"kustomize": {"images": [OTHER, "evil.example/x:1"]}}}}),
    (
        "checkout",
        "another service's image",
        {
            "spec": {
                "source": {"kustomize": {"images": ["other=registry.example/other:4", "registry.example/checkout:1.0"]}}
            }
        },
    ),
    (
        "checkout",
        "the service's image in another's place",
        {"spec": {"source": {"kustomize": {"images": ["other=registry.example/checkout:1.0"]}}}},
    ),
    (
        "checkout",
        "parameters of a chart",
        {"spec": {"source": {"helm": {"parameters": [{"name": "a", "value": "b"}]}}}},
    ),
    ("checkout", "another project", {"spec": {"project": "admin"}}),
    ("checkout", "another place", {"spec": {"destination": {"namespace": "kube-system"}}}),
    ("checkout", "automatic sync", {"spec": {"syncPolicy": {"automated": {"prune": True}}}}),
    ("checkout", "a status", {"status": {"health": {"status": "Healthy", "message": "x"}}}),
    ("checkout", "a label", {"metadata": {"labels": {"x": "y"}}}),
    (
        "checkout",
        "another annotation",
        {"metadata": {"annotations": {"argocd.argoproj.io/sync-options": "Prune=true"}}},
    ),
    ("checkout", "a sync of another source", {"operation": {"sync": {**HOOK, "source": {"repoURL": "https://x"}}}}),
    ("checkout", "a sync of another revision", {"operation": {"sync": {**HOOK, "revision": "x"}}}),
    ("checkout", "a sync of manifests", {"operation": {"sync": {**HOOK, "manifests": ["{}"]}}}),
    ("checkout", "a sync that prunes", {"operation": {"sync": {**HOOK, "prune": True}}}),
    ("checkout", "a sync with force", {"operation": {"sync": {"syncStrategy": {"hook": {"force": True}}}}}),
    (
        "web",
        "images where a revision is the version",
        {"spec": {"source": {"kustomize": {"images": ["registry.example/web:1"]}}}},
    ),
    (
        "cart",
        "another parameter",
        {
            "spec": {
                "source": {
                    "helm": {
                        "parameters": [{"name": "db.password", "value": "x"}, {"name": "image.tag", "value": "1.0"}]
                    }
                }
            }
        },
    ),
    (
        "cart",
        "a parameter that counts as another type",
        {"spec": {"source": {"helm": {"parameters": [SECRET, {**TAG, "forceString": True}]}}}},
    ),
    ("web", "a list of sources", {"spec": {"sources": SOURCES["kiosk"]}}),
    (
        "cart",
        "a parameter less",
        {"spec": {"source": {"helm": {"parameters": [{"name": "image.tag", "value": "1.0"}]}}}},
    ),
    ("api", "another value", {"spec": {"values": {"ratio": 0.75}}}),
    ("api", "another chart", {"spec": {"chart": {"spec": {"version": "9"}}}}),
    ("api", "a version that is none", {"spec": {"values": {"image": {"tag": {"x": "y"}}}}}),
    ("api", "no version", {"spec": {"values": {"image": {"tag": None}}}}),
    ("api", "suspension", {"spec": {"suspend": True}}),
    ("site", "another path", {"spec": {"path": "elsewhere"}}),
    ("site", "pruning", {"spec": {"prune": True}}),
    (
        "site",
        "another's image",
        {"spec": {"images": [{"name": "other", "newTag": "4"}, {"name": "registry.example/site", "newTag": "1.0"}]}},
    ),
    (
        "site",
        "a new name",
        {
            "spec": {
                "images": [
                    {"name": "other", "newTag": "3"},
                    {"name": "registry.example/site", "newName": "evil.example/site", "newTag": "1.0"},
                ]
            }
        },
    ),
    ("till", "another's source", source("till", 0, targetRevision="x")),
    ("till", "another chart", source("till", 1, chart="evil")),
    ("till", "another repository", source("till", 1, repoURL="https://evil.example")),
    ("till", "another revision", source("till", 1, targetRevision="8.5.2")),
    ("till", "another parameter", source("till", 1, helm=helm({**SECRET, "value": "x"}, TAG))),
    ("till", "a parameter less", source("till", 1, helm=helm(TAG))),
    ("till", "other values", source("till", 1, helm=helm(SECRET, TAG, valueFiles=["evil.yaml"]))),
    ("till", "a source that makes manifests beside", source("till", 0, path="evil")),
    ("till", "a source more", {"spec": {"sources": [*SOURCES["till"], {"repoURL": "https://x", "ref": "x"}]}}),
    ("till", "a source less", {"spec": {"sources": SOURCES["till"][1:]}}),
    ("till", "no sources", {"spec": {"sources": None}}),
    ("till", "another order", {"spec": {"sources": SOURCES["till"][::-1]}}),
    ("till", "a single source", {"spec": {"source": {"repoURL": "https://git.example/fork"}}}),
    ("till", "a parameter of a single source", {"spec": {"source": {"helm": {"parameters": [TAG]}}}}),
    ("till", "a sync of other sources", {"operation": {"sync": {**HOOK, "sources": SOURCES["till"]}}}),
    ("till", "a sync of other revisions", {"operation": {"sync": {**HOOK, "revisions": ["a", "b"]}}}),
    ("desk", "the images of another source", source("desk", 0, kustomize={"images": ["registry.example/desk:1.1"]})),
    ("desk", "another repository", source("desk", 1, kustomize={"images": [OTHER, "evil.example/desk:1"]})),
    ("desk", "more of kustomize", source("desk", 1, kustomize={"images": [OTHER, OWN], "namePrefix": "x"})),
    ("kiosk", "the revision of a chart", source("kiosk", 0, targetRevision="8.5.2")),
    ("kiosk", "the revision of another source with a name", source("kiosk", 1, targetRevision="2")),
    ("kiosk", "no revision", {"spec": {"sources": [*SOURCES["kiosk"][:2], {**LENT, "targetRevision": None}]}}),
    ("kiosk", "another name for it", source("kiosk", 2, ref="other", targetRevision="1.1")),
    ("kiosk", "its name for another as well", source("kiosk", 1, name="values", targetRevision="1.1")),
    ("site", "an image less", {"spec": {"images": [{"name": "registry.example/site", "newTag": "1.0"}]}}),
]
NUDGE: Json = {
    "initiatedBy": {"username": "twokey"},
    "info": [{"name": "twokey.dev/request", "value": "r"}],
    "sync": HOOK,
}
ALLOWED: list[tuple[str, Json]] = [
    ("checkout", {"spec": {"source": {"kustomize": {"images": [OTHER, "registry.example/checkout:1.1"]}}}}),
    ("checkout", {"operation": NUDGE}),
    ("web", {"spec": {"source": {"targetRevision": "1.1"}}}),
    ("web", {"metadata": {"annotations": {"twokey.dev/request": "r"}}}),
    ("cart", {"spec": {"source": {"helm": {"parameters": [SECRET, {"name": "image.tag", "value": "1.1"}]}}}}),
    ("api", {"spec": {"values": {"image": {"tag": "1.1"}}}}),
    ("api", {"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "r"}}}),
    ("site", {"spec": {"images": [{"name": "other", "newTag": "3"}, {**SITE, "newTag": "1.1"}]}}),
    ("till", source("till", 1, helm=helm(SECRET, {**TAG, "value": "1.1"}))),
    ("till", {"operation": NUDGE}),
    ("desk", source("desk", 1, kustomize={"images": [OTHER, "registry.example/desk:1.1"]})),
    ("kiosk", source("kiosk", 2, targetRevision="1.1")),
]


@pytest.fixture(scope="module")
def mighty(plane: ControlPlane) -> Iterator[Estate]:
    """The verbs' accounts may do everything, as far as RBAC goes. One for all these tests: they send dry runs.

    The tools have looked at everything once, and then stand still.
    """
    with Gitops(plane) as tools, Estate.opened(plane) as estate:
        tools.idle.set()
        for where in (estate.namespace, estate.home):
            empowered(estate, where, ("deploy", "rollback"))
        yield estate


def empowered(estate: Estate, where: str, verbs: Iterable[str]) -> None:
    """These verbs' accounts of previews may do everything there, as far as RBAC goes."""
    for verb in verbs:
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        subject = {"kind": "ServiceAccount", "name": accounts.name(verb, preview=True), "namespace": where}
        meta = {"name": f"mighty-{verb}", "namespace": where}
        estate.create({"kind": "RoleBinding", "metadata": meta, "roleRef": role, "subjects": [subject]})
        until(lambda: _reads_secrets(estate, verb, where), "the rights")  # noqa: B023 - called here


def _reads_secrets(estate: Estate, verb: str, where: str) -> bool:
    headers = {"Impersonate-User": accounts.user(verb, where, preview=True)}
    return estate.call("GET", f"/api/v1/namespaces/{where}/secrets", headers=headers).ok


@pytest.mark.parametrize("verb", ["deploy", "rollback"])
@pytest.mark.parametrize(
    ("service", "what", "body"), REFUSED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_keeper_s_account_may_change_nothing_beside_the_version(
    mighty: Estate, verb: str, service: str, what: str, body: Json
) -> None:
    """P2."""
    assert mighty.change(service, body, dryRun="All").ok  # an administrator may
    answer = mighty.change(service, body, _user(mighty, verb, service), dryRun="All")
    assert answer.status_code == 422, answer.text[:2000]
    assert "ValidatingAdmissionPolicy" in answer.text


@pytest.mark.parametrize("verb", ["deploy", "rollback"])
@pytest.mark.parametrize(("service", "body"), ALLOWED, ids=lambda value: value if isinstance(value, str) else "")
def test_the_version_itself_may_change(mighty: Estate, verb: str, service: str, body: Json) -> None:
    answer = mighty.change(service, body, _user(mighty, verb, service), dryRun="All")
    assert answer.ok, answer.text[:2000]


def test_every_keeper_is_tried(mighty: Estate) -> None:
    assert {service for service, _, _ in REFUSED} == {service for service, _ in ALLOWED} == set(KEEPERS)
    assert KEEPERS["checkout"][1] == IMAGES


def _user(estate: Estate, verb: str, service: str) -> Any:
    return accounts.user(verb, estate.place(KEEPERS[service][0]), preview=True)
