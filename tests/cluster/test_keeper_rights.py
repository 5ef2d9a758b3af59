"""P1 where a GitOps tool keeps the version: no right too few, and none too many."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from actions.errors import Denied
from actions.rbac import accounts
from actions.rbac.check import excess, missing
from tests.cluster.control_plane import ControlPlane
from tests.cluster.estate import KEEPERS, Estate
from tests.cluster.gitops import Gitops
from tests.waiting import until


@pytest.fixture(scope="module")
def estate(plane: ControlPlane) -> Iterator[Estate]:
    """One for all these tests, whose tools have looked at everything once and then stand still."""
    with Gitops(plane) as tools, Estate.opened(plane) as opened:
        tools.idle.set()
        yield opened


def test_nothing_is_missing_and_nothing_too_much(estate: Estate) -> None:
    """P1: by the product's own check, which asks the API server."""
    hands = estate.hands()
    assert missing(hands.cluster, estate.catalog, estate.registry) == []
    assert excess(hands.cluster, estate.catalog, estate.registry) == []


@pytest.mark.parametrize("service", ["checkout", "api", "site"])
@pytest.mark.parametrize("right", ["get", "patch"])
def test_without_any_single_right_a_deploy_is_refused(estate: Estate, service: str, right: str) -> None:
    """P1, minimality."""
    where = estate.place(KEEPERS[service][0])
    role = accounts.READER if right == "get" else accounts.name("deploy")
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{where}/roles/{role}"
    whole = estate.call("GET", path).json()
    plural = estate.path(service).split("/")[-2]
    rules = [rule for rule in whole["rules"] if rule["resources"] != [plural]]
    assert len(rules) == len(whole["rules"]) - 1
    hands = estate.hands()

    def refused() -> bool:
        try:
            hands.plan("deploy", service, version=secrets.token_hex(4))
        except Denied:
            return True
        return False

    assert not refused()
    assert estate.call("PUT", path, {"metadata": {"name": role}, "rules": rules}).ok
    try:
        until(refused, "the right gone")
    finally:
        estate.call("PUT", path, {"metadata": {"name": role}, "rules": whole["rules"]})
        until(lambda: not refused(), "the right back")


def test_a_workload_whose_version_a_tool_keeps_is_not_deploy_s_to_change(estate: Estate) -> None:
    """P1: there is one way to a version."""
    image = {"containers": [{"name": "checkout", "image": "registry.example/checkout:9"}]}
    body = {"spec": {"template": {"spec": image}}}
    for verb in ("deploy", "rollback"):
        user = accounts.user(verb, estate.namespace)
        assert estate.patch("deployments/checkout", body, user=user, dryRun="All").status_code == 403
