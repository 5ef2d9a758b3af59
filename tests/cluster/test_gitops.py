"""Deploys where GitOps rules, on a real API server: through the Application, the HelmRelease or the Kustomization."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest

from actions.errors import BadInput, StalePlan
from actions.outcome import Outcome, Table
from tests.cluster.control_plane import ControlPlane
from tests.cluster.estate import KEEPERS, Estate
from tests.cluster.gitops import Gitops
from tests.cluster.shop import PACE
from tests.cluster.wire import Fate, wire_to
from tests.waiting import until

WHERE = {"service": "checkout", "environment": "prod"}


@pytest.fixture(scope="module")
def gitops(plane: ControlPlane) -> Iterator[Gitops]:
    with Gitops(plane) as tools:
        yield tools


@pytest.fixture(scope="module")
def estate(plane: ControlPlane, gitops: Gitops) -> Iterator[Estate]:
    """One for all these tests: each begins with a version of its own."""
    with Estate.opened(plane) as opened:
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


def test_a_sync_that_is_refused_fails_with_the_tool_s_words_and_the_way_back(estate: Estate) -> None:
    hands, old = estate.hands(), version()
    well(hands.do("deploy", version=old))
    outcome = hands.do("deploy", version="3-refused")
    assert outcome.ok is False
    assert outcome.summary.startswith("failed: Argo CD's sync ended in Failed: one or more objects failed to apply")
    assert "hunter22" not in outcome.model_dump_json()  # L6
    assert outcome.suggestions[-1].action == {**WHERE, "verb": "rollback", "to": old}
    well(hands.do("rollback", to=old))


def test_a_version_that_git_does_not_know_fails(estate: Estate) -> None:
    hands = estate.hands()
    well(hands.do("deploy", "web", version=version()))
    outcome = hands.do("deploy", "web", version="3-unknown")
    assert outcome.ok is False
    assert "Argo CD" in outcome.summary
    well(hands.do("rollback", "web"))


@pytest.mark.parametrize("service", ["checkout", "api", "site"])
def test_pods_that_crash_fail_it_whatever_the_tool_says(estate: Estate, service: str) -> None:
    hands, old = estate.hands(), version()
    well(hands.do("deploy", service, version=old))
    outcome = hands.do("deploy", service, version=f"{version()}-crash")
    assert outcome.ok is False
    assert "CrashLoopBackOff" in outcome.summary
    assert outcome.suggestions[-1].action["to"] == old
    well(hands.do("rollback", service, to=old))


def test_what_flux_cannot_apply_fails_with_its_reason(estate: Estate) -> None:
    hands = estate.hands()
    outcome = hands.do("deploy", "site", version="3-refused")
    assert outcome.summary == "failed: Flux says ReconciliationFailed: Deployment is invalid"
    well(hands.do("deploy", "site", version=version()))


def test_an_override_that_reaches_no_image_is_no_success(estate: Estate, gitops: Gitops) -> None:
    """Argo CD says Synced and Healthy, and the pods run what they ran."""
    hands = estate.hands()
    well(hands.do("deploy", "site", version=version()))
    gitops.blind.add("site")
    try:
        outcome = hands.do("deploy", "site", version=version())
    finally:
        gitops.blind.clear()
    assert outcome.ok is False
    assert "what spec.images says does not reach its image" in outcome.summary


def test_with_self_heal_a_deploy_lasts_and_a_scale_is_warned_of(estate: Estate) -> None:
    hands, new = estate.hands(), version()
    estate.change("checkout", {"spec": {"syncPolicy": {"automated": {"selfHeal": True}}}})
    well(hands.do("deploy", version=new))
    (said,) = (each.text for each in hands.plan("scale", change="+1").warnings if each.code == "gitops")
    assert said.startswith("Argo CD (Application checkout-prod) heals itself: what differs from Git is put back")
    estate.change("checkout", {"spec": {"syncPolicy": None}})


@pytest.mark.parametrize("service", ["api", "site"])
def test_a_suspended_keeper_is_said_before_anybody_is_asked(estate: Estate, service: str) -> None:
    estate.change(service, {"spec": {"suspend": True}})
    with pytest.raises(BadInput, match="suspended, so Flux would do nothing"):
        estate.hands().plan("deploy", service, version=version())
    estate.change(service, {"spec": {"suspend": False}})


def test_who_keeps_the_keeper_is_said(estate: Estate) -> None:
    owner = {"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "name": "shops", "uid": "u"}
    estate.change("checkout", {"metadata": {"ownerReferences": [owner]}})
    estate.change("api", {"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}})
    texts = [
        [each.text for each in estate.hands().plan("deploy", service, version=version()).warnings]
        for service in ("checkout", "api")
    ]
    assert texts[0] == [
        "ApplicationSet shops made Application checkout-prod and may write it anew; change it there as well"
    ]
    assert texts[1][0].startswith("Flux manages HelmRelease api itself from Git and puts it back")
    estate.change("checkout", {"metadata": {"ownerReferences": None}})
    estate.change("api", {"metadata": {"labels": None}})


def test_somebody_else_s_change_in_between_is_stale_and_the_tool_s_own_status_is_not(estate: Estate) -> None:
    """E3: an Application's status is part of the object, and changes all day."""
    hands, plan = estate.hands(), None
    for service, said in (("checkout", "Application checkout-prod"), ("api", "HelmRelease api")):
        plan = hands.plan("deploy", service, version=version())
        if service == "checkout":
            estate.change(service, {"status": {"reconciledAt": "2026-01-01T00:00:00Z"}})
        hands.executor.check(plan)
        estate.change(service, {"metadata": {"labels": {"team": "a"}}})
        hands.executor.check(plan)
        other = (
            {"source": {"repoURL": "https://git.example/fork"}}
            if service == "checkout"
            else {"values": {"ratio": 0.75}}
        )
        estate.change(service, {"spec": other}, fieldManager="kubectl-edit")
        with pytest.raises(StalePlan, match=f"Someone changed {said}"):
            hands.execute(plan)


def test_a_sync_that_another_asked_for_meanwhile_is_not_overwritten(estate: Estate, gitops: Gitops) -> None:
    hands = estate.hands()
    plan = hands.plan("deploy", version=version())
    gitops.idle.set()
    try:
        estate.change("checkout", {"operation": {"initiatedBy": {"username": "dave"}, "sync": {"prune": True}}})
        with pytest.raises(StalePlan, match="Another sync of Application checkout-prod has begun"):
            hands.execute(plan)
        with pytest.raises(BadInput, match="is syncing Application checkout-prod right now"):
            hands.plan("deploy", version=version())
        assert estate.kept("checkout")["operation"]["initiatedBy"]["username"] == "dave"
    finally:
        gitops.idle.clear()
    until(lambda: "operation" not in estate.kept("checkout"), "dave's sync to end")


@pytest.mark.parametrize("service", ["cart", "api"])
def test_secrets_beside_the_version_enter_no_plan(estate: Estate, service: str) -> None:
    """L6: only what changes stands in the patch; what is shown around it is hidden."""
    plan = estate.hands().plan("deploy", service, version=version())
    assert "hunter22" not in plan.model_dump_json()


def test_the_same_version_again_asks_for_another_sync_once_it_failed(estate: Estate) -> None:
    hands, new = estate.hands(), version()
    well(hands.do("deploy", version=new))
    with pytest.raises(BadInput, match=f"already runs {new}, says Argo CD"):
        hands.plan("deploy", version=new)
    image = {"containers": [{"name": "checkout", "image": "registry.example/checkout:by-hand"}]}
    estate.patch("deployments/checkout", {"spec": {"template": {"spec": image}}})
    until(lambda: estate.kept("checkout")["status"]["sync"]["status"] == "OutOfSync", "the difference")
    plan = hands.plan("deploy", version=new)
    assert "out_of_sync" in {caution.code for caution in plan.warnings}
    well(hands.execute(plan))
    assert estate.image("deployments/checkout", "checkout") == f"registry.example/checkout:{new}"


def test_status_and_history_speak_of_the_keeper(estate: Estate) -> None:
    hands, new = estate.hands(), version()
    well(hands.do("deploy", "web", version=new))
    lines = well(hands.do("status", "web")).details
    assert f"Argo CD says Synced, Healthy · version {new} (Application web-prod)" in lines
    (table,) = (each for each in well(hands.do("history", "web")).evidence if isinstance(each, Table))
    number = str(max(each["id"] for each in estate.kept("web")["status"]["history"]))
    assert (table.rows[0][1], table.rows[0][-1]) == (f"version {new}", number)
    assert "Flux says ready" in well(hands.do("status", "api")).model_dump_json()


@pytest.mark.parametrize("service", ["checkout", "api"])
@pytest.mark.parametrize("fate", ["lost", "unanswered"])
def test_a_patch_or_its_answer_is_lost_and_it_happens_exactly_once(estate: Estate, service: str, fate: Fate) -> None:
    """E1."""
    with wire_to(estate.plane) as wire:
        hands, new = estate.hands(server=wire.url, pace=replace(PACE, step=0.05)), version()
        plan = hands.plan("deploy", service, version=new)
        first: Iterator[Fate] = itertools.chain([fate], itertools.repeat(""))
        wire.fate = lambda method, path: next(first) if method == "PATCH" else ""
        well(hands.execute(plan))
        assert wire.patches() == 1
    assert estate.image(f"deployments/{service}", service).endswith(new)
