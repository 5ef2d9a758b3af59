"""P1 where a GitOps tool keeps the version: no right too few, and none too many."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from actions.rbac import accounts
from actions.rbac.check import excess, missing
from tests.cluster.control_plane import ControlPlane
from tests.cluster.estate import Estate
from tests.cluster.gitops import Gitops


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


def test_a_workload_whose_version_a_tool_keeps_is_not_deploy_s_to_change(estate: Estate) -> None:
    """P1: there is one way to a version."""
    image = {"containers": [{"name": "checkout", "image": "registry.example/checkout:9"}]}
    body = {"spec": {"template": {"spec": image}}}
    for verb in ("deploy", "rollback"):
        user = accounts.user(verb, estate.namespace)
        assert estate.patch("deployments/checkout", body, user=user, dryRun="All").status_code == 403
