"""Deploys where GitOps rules, on a real API server: through the Application, the HelmRelease or the Kustomization."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from actions.outcome import Outcome
from tests.cluster.control_plane import ControlPlane
from tests.cluster.estate import KEEPERS, Estate, estate_in
from tests.cluster.gitops import Gitops


@pytest.fixture(scope="module")
def gitops(plane: ControlPlane) -> Iterator[Gitops]:
    with Gitops(plane) as tools:
        yield tools


@pytest.fixture(scope="module")
def estate(plane: ControlPlane, gitops: Gitops) -> Iterator[Estate]:
    """One for all these tests: each begins with a version of its own."""
    with estate_in(plane) as opened:
        yield opened


def well(outcome: Outcome) -> Outcome:
    assert outcome.ok, outcome
    return outcome


def version() -> str:
    return f"2.{secrets.token_hex(4)}"


@pytest.mark.parametrize("service", KEEPERS)
def test_a_deploy_and_its_rollback_go_through_the_keeper_and_reach_the_pods(estate: Estate, service: str) -> None:
    hands, old, new = estate.hands(), version(), version()
    well(hands.do("deploy", service, version=old))
    before = estate.kept(service)["spec"]
    plan = hands.plan("deploy", service, version=new)
    assert plan.target.kind == KEEPERS[service][0]
    assert [(each.before, each.after) for each in plan.differences] == [(old, new)]
    assert new in plan.diff
    well(hands.execute(plan, "request-1"))
    assert estate.image(f"deployments/{service}", service) == f"registry.example/{service}:{new}"
    assert estate.kept(service)["metadata"]["annotations"]["twokey.dev/request"] == "request-1"
    well(hands.do("rollback", service))
    assert estate.image(f"deployments/{service}", service) == f"registry.example/{service}:{old}"
    assert estate.kept(service)["spec"] == before
