"""P1 on custom resources: of a Rollout, an Application, a HelmRelease and a Kustomization, each right has its use, and
there is no other."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from typing import Any, Self

import pytest

from actions.catalog import Catalog
from actions.errors import SourceError
from actions.rbac.places import places
from actions.rbac.rights import Right
from actions.registry import Registry
from actions.verbs import VERBS
from tests.cluster.control_plane import ControlPlane, Json
from tests.cluster.estate import Estate
from tests.cluster.gitops import Gitops
from tests.cluster.rights import check_denials, declared, expected_of, without
from tests.cluster.rollouts import Rollouts
from tests.cluster.shop import Hands, workload
from tests.cluster.test_rights import KINDS, REFUSED, Steady
from tests.waiting import until

CUSTOM = {"Application": "checkout-prod", "HelmRelease": "api", "Kustomization": "site-prod", "Rollout": "canary"}
KINDS_OF = {"applications": "Application", "helmreleases": "HelmRelease", "kustomizations": "Kustomization"}
SERVICES = {"applications": "checkout", "helmreleases": "api", "kustomizations": "site", "rollouts": "canary"}
ARGUMENTS: dict[str, Json] = {
    "scale": {"change": "+1"},
    "triage": {"symptom": "slow"},
    "query_metrics": {"metric": "request_rate"},
}
ROLLOUTS = "/apis/argoproj.io/v1alpha1/namespaces/{}/rollouts"
OLD, NEW = "1.0", "1.1"
_AUTOSCALERS = {("autoscaling", "horizontalpodautoscalers", right) for right in ("get", "patch")}  # nobody names these


class Whole(Estate):
    """And `canary`, a Rollout, which pauses on its way from 1.0 to 1.1."""

    @property
    def catalog(self) -> Catalog:
        known = super().catalog.model_dump(by_alias=True, exclude_unset=True)
        canary = {"image": "registry.example/canary", "max_replicas": 5, "managed_by": "rollouts"}
        return Catalog.model_validate({**known, "services": {**known["services"], "canary": canary}})

    def open(self) -> Self:
        body = workload("Deployment", "canary", replicas=2)
        body |= {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"}
        body["spec"]["strategy"] = {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}}
        assert self.call("POST", ROLLOUTS.format(self.namespace), body).ok
        super().open()
        until(lambda: self._phase() == "Healthy", "the first version")
        return self

    def pause(self) -> None:
        """On the way to the new version."""
        containers = [{"name": "canary", "image": f"registry.example/canary:{NEW}"}]
        headers = {"Content-Type": "application/merge-patch+json"}
        body = {"spec": {"template": {"spec": {"containers": containers}}}}
        assert self.call("PATCH", f"{ROLLOUTS.format(self.namespace)}/canary", body, headers=headers).ok
        until(lambda: self._phase() == "Paused", "the pause")

    def _phase(self) -> Any:
        return (self.call("GET", f"{ROLLOUTS.format(self.namespace)}/canary").json().get("status") or {}).get("phase")


@pytest.fixture(scope="module")
def whole(plane: ControlPlane) -> Iterator[Whole]:
    """One for all these tests, which only plan and read: nothing moves any more."""
    with Gitops(plane) as tools, Rollouts(plane), Whole.opened(plane) as opened:
        for service, version in (("checkout", OLD + "1"), ("checkout", NEW), ("api", NEW), ("site", NEW)):
            assert opened.hands().do("deploy", service, version=version).ok  # so that there is a way back
        opened.pause()
        tools.idle.set()
        yield opened


@pytest.fixture(scope="module")
def hands(whole: Whole) -> Hands:
    return whole.hands(metrics=Steady())


def matrix() -> list[tuple[str, str, Right]]:
    """Every right that only a custom resource asks for."""
    verbs, names = list(Registry(VERBS)), {kind: frozenset({name}) for kind, name in CUSTOM.items()}
    known = {(verb, role, *right[:3]) for verb, role, right in declared(verbs, KINDS)}
    return [each for each in declared(verbs, KINDS | names) if (*each[:2], *each[2][:3]) not in known]


@pytest.mark.parametrize(("verb", "role", "right"), matrix(), ids=lambda value: getattr(value, "say", value))
def test_without_any_single_right_its_verb_is_refused(
    whole: Whole, hands: Hands, verb: str, role: str, right: Right
) -> None:
    """P1, minimality."""
    kind = KINDS_OF.get(right.resource)
    where = whole.place(kind) if kind else whole.namespace
    assert not _refused(hands, verb, right)
    with without(whole, hands, where, role, right):
        assert _refused(hands, verb, right)


def _service(right: Right) -> str:
    return SERVICES[right.resource.partition("/")[0]]


def _refused(hands: Hands, verb: str, right: Right) -> bool:
    """Whether the verb, at what it needs this right for, is told that it may not. A plan tries its patch."""
    arguments = ARGUMENTS.get(verb, {})
    if verb == "deploy":
        arguments = {"version": NEW if right.resource == "rollouts/status" else secrets.token_hex(4)}
    elif verb == "rollback" and right.resource == "rollouts":
        arguments = {"to": OLD}
    try:
        if verb in ("deploy", "rollback", "scale", "restart"):
            found = hands.plan(verb, _service(right), **arguments).model_dump_json()
        else:
            found = hands.do(verb, _service(right), **arguments).model_dump_json()
    except SourceError as error:
        return REFUSED in error.say
    return REFUSED in found


def test_the_matrix_holds_every_right_of_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    """P1: these tests and those of `test_rights` leave no rule of any verb out."""
    verbs = list(Registry(VERBS))
    tried = {(verb, *right[:3]) for verb, _, right in (*declared(verbs, KINDS), *matrix())}
    stated = {(v.verb, rule.group, rule.resource, right) for v in verbs for rule in v.rules for right in rule.verbs}
    assert tried == stated
    resources = {each[2] for each in tried}
    with capsys.disabled():
        size = f"{len(tried)} rights of {len(verbs)} verbs on {len(resources)} resources"
        sys.stdout.write(f"\nP1: {size}: each is taken away in turn\n")
    assert {"rollouts/status", "rollouts/scale", "statefulsets/scale", "horizontalpodautoscalers"} <= resources


def test_everything_else_in_discovery_is_denied(whole: Whole, capsys: pytest.CaptureFixture[str]) -> None:
    """P1, P3, in the namespace of the workloads and in that of the keepers: by verb, resource and name."""
    asked = 0
    for place in places(whole.catalog):
        expected = expected_of(list(Registry(VERBS)), place.namespace, place.workloads, place.kept)
        for rights in expected.values():
            unnamed = {asked for asked, names in rights.items() if not names and asked[2] in ("get", "patch")}
            assert unnamed <= {("", "pods/log", "get")} | _AUTOSCALERS
        asked += check_denials(whole, place.namespace, expected)
    with capsys.disabled():
        sys.stdout.write(f"\nP1: {asked} more where GitOps tools and Argo Rollouts are\n")
    assert asked > 10_000
