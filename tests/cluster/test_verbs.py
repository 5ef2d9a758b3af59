"""Every verb on a real control plane, through the product's own executor and with its own narrow accounts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actions.errors import NotFound, Rejected, StalePlan
from actions.outcome import Outcome, Table
from tests.cluster.kubelet import LAST_WORDS, SAID
from tests.cluster.shop import Shop, Until, workload
from tests.waiting import until

PLACES = {"checkout": "deployments/checkout", "store": "statefulsets/store", "agent": "daemonsets/agent"}
DIGEST = "sha256:" + "ab" * 32


def well(outcome: Outcome) -> Outcome:
    assert outcome.ok, outcome
    return outcome


@pytest.mark.parametrize("service", PLACES)
def test_a_deploy_rolls_out_and_changes_the_image_of_its_own_container_alone(shop: Shop, service: str) -> None:
    hands = shop.hands()
    before = shop.read(PLACES[service])["spec"]
    plan = hands.plan("deploy", service, version="1.1")
    assert f"+        - name: {service}" not in plan.diff
    well(hands.execute(plan))
    assert shop.image(PLACES[service], service) == f"registry.example/{service}:1.1"
    after = shop.read(PLACES[service])["spec"]
    after["template"]["spec"]["containers"][0]["image"] = before["template"]["spec"]["containers"][0]["image"]
    assert after == before


def test_a_digest_is_deployed_like_a_tag(shop: Shop) -> None:
    well(shop.hands().do("deploy", version=DIGEST))
    assert shop.image("deployments/checkout", "checkout") == f"registry.example/checkout@{DIGEST}"


@pytest.mark.parametrize("service", PLACES)
def test_a_rollback_brings_the_older_template_back(shop: Shop, service: str) -> None:
    hands = shop.hands()
    well(hands.do("deploy", service, version="1.1"))
    well(hands.do("rollback", service))
    assert shop.image(PLACES[service], service) == f"registry.example/{service}:1.0"
    well(hands.do("rollback", service, to="1.1"))
    assert shop.image(PLACES[service], service) == f"registry.example/{service}:1.1"


@pytest.mark.parametrize("service", PLACES)
def test_a_rollback_restores_values_that_no_plan_holds(shop: Shop, service: str) -> None:
    """L6: on the real API server, whose revisions are all that keeps them."""
    hands = shop.hands()
    for value in ("canary-before", "canary-since"):
        env = [{"name": "SHARD", "value": value}]
        shop.patch(PLACES[service], {"spec": {"template": {"spec": {"containers": [{"name": service, "env": env}]}}}})
        shop.settle(PLACES[service])
    plan = hands.plan("rollback", service)
    outcome = well(hands.execute(plan))
    assert "canary" not in plan.model_dump_json() + outcome.model_dump_json()
    assert "SHARD changes" in {d.after for d in plan.differences}
    env = shop.read(PLACES[service])["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "SHARD", "value": "canary-before"} in env


@pytest.mark.parametrize("service", ["checkout", "store"])
def test_scaling_to_and_by_a_number(shop: Shop, service: str) -> None:
    hands = shop.hands()
    for arguments, wanted in (({"replicas": 4}, 4), ({"change": "-1"}, 3), ({"change": "x1.5"}, 5)):
        well(hands.do("scale", service, **arguments))
        assert shop.replicas(PLACES[service]) == wanted


@pytest.mark.parametrize("service", PLACES)
def test_a_restart_replaces_every_pod_and_the_same_request_restarts_once(shop: Shop, service: str) -> None:
    """E1: twice is once."""
    hands = shop.hands()
    ref = shop.catalog.ref(service, "prod")
    before = {pod.name for pod in hands.cluster.pods(ref)}
    uids = {pod.template_hash for pod in hands.cluster.pods(ref)}
    plan = hands.plan("restart", service)
    well(hands.execute(plan, "request-1"))
    generation = shop.read(PLACES[service])["metadata"]["generation"]
    well(hands.execute(plan, "request-1"))
    assert shop.read(PLACES[service])["metadata"]["generation"] == generation
    after = hands.cluster.pods(ref)
    assert len(after) == len(before)
    assert uids.isdisjoint({pod.template_hash for pod in after})


def test_status_history_and_logs_tell_what_the_cluster_holds(shop: Shop) -> None:
    hands = shop.hands()
    well(hands.do("deploy", version="1.1"))
    status = well(hands.do("status"))
    assert status.summary.startswith("checkout in prod: healthy. 2 of 2 ready · image 1.1")
    (table,) = (each for each in well(hands.do("history")).evidence if isinstance(each, Table))
    assert [row[1] for row in table.rows] == ["version 1.1", "version 1.0"]
    lines = hands.cluster.logs(shop.catalog.ref("checkout", "prod"), datetime.now(UTC) - timedelta(hours=1), 100)
    assert {line.text for line in lines} == {SAID, LAST_WORDS}
    assert well(hands.do("query_logs")).summary


def test_a_version_that_crashes_fails_at_once_with_its_reason_and_triage_finds_it(shop: Shop) -> None:
    hands = shop.hands()
    outcome = hands.do("deploy", version="1.1-crash")
    assert outcome.ok is False
    assert re.search("crash(es)?: CrashLoopBackOff", outcome.summary)
    assert any("BackOff" in line for quote in outcome.evidence for line in getattr(quote, "lines", ()))
    assert outcome.suggestions[-1].action["verb"] == "rollback"
    found = well(hands.do("triage", symptom="errors"))
    assert "1.1-crash" in found.model_dump_json()
    well(hands.do("rollback", to="1.0"))


@pytest.mark.parametrize(("version", "reason"), [("1.1-oom", "OOMKilled"), ("1.1-missing", "ImagePullBackOff")])
def test_other_ways_to_fail_are_named(shop: Shop, version: str, reason: str) -> None:
    outcome = shop.hands().do("deploy", version=version)
    assert outcome.ok is False
    assert reason in outcome.summary


def test_a_paused_rollout_is_said_before_and_after(shop: Shop) -> None:
    shop.patch("deployments/checkout", {"spec": {"paused": True}})
    hands = shop.hands()
    plan = hands.plan("deploy", version="1.1")
    assert "paused" in {caution.code for caution in plan.warnings}
    outcome = hands.execute(plan)
    assert outcome.ok is False
    assert "paused" in outcome.summary


def test_a_missing_workload_is_named(shop: Shop) -> None:
    shop.call("DELETE", f"/apis/apps/v1/namespaces/{shop.namespace}/deployments/checkout")
    with pytest.raises(NotFound, match="no Deployment checkout in"):
        shop.hands().plan("deploy", version="1.1")


def test_a_workload_that_was_deleted_and_created_again_is_another_one(shop: Shop) -> None:
    """E3: the approval was for the one that is gone."""
    hands = shop.hands()
    plan = hands.plan("deploy", version="1.1")
    shop.call("DELETE", f"/apis/apps/v1/namespaces/{shop.namespace}/deployments/checkout")
    until(lambda: _gone(shop), "the workload gone")
    shop.create(workload("Deployment", "checkout", replicas=2, sidecar=True))
    with pytest.raises(StalePlan, match="deleted and created again"):
        hands.execute(plan)
    assert shop.image("deployments/checkout", "checkout") == "registry.example/checkout:1.0"


def test_somebody_else_s_change_in_between_is_stale_and_an_autoscaler_s_is_not(shop: Shop) -> None:
    """E3, and DESIGN section 2: what the card showed as before is what has to hold, and nothing else."""
    hands = shop.hands()
    plan = hands.plan("deploy", version="1.1")
    shop.patch("deployments/checkout/scale", {"spec": {"replicas": 3}}, "merge")
    hands.executor.check(plan)
    other = {"spec": {"template": {"spec": {"containers": [{"name": "checkout", "image": "registry.example/x:9"}]}}}}
    shop.patch("deployments/checkout", other, fieldManager="kubectl-set")
    with pytest.raises(StalePlan, match=r"set the image to 9 \(kubectl-set"):
        hands.execute(plan)


def test_warnings_rest_on_what_the_cluster_holds(shop: Shop) -> None:
    """Somebody else's change since ours, who will revert it, and a rollout under way."""
    hands = shop.hands()
    well(hands.do("deploy", version="1.1"))
    assert hands.plan("restart").warnings == ()
    until(lambda: datetime.now(UTC) - _changed(shop) > timedelta(seconds=1), "another second")  # the API has no less
    other = {
        "spec": {"template": {"spec": {"containers": [{"name": "checkout", "image": "registry.example/x:9-slow"}]}}}
    }
    shop.patch("deployments/checkout", {"metadata": {"labels": {"argocd.argoproj.io/instance": "shop"}}, **other})
    assert {caution.code for caution in hands.plan("restart").warnings} == {"changed_since", "gitops", "rollout"}


def _changed(shop: Shop) -> datetime:
    entries = shop.read("deployments/checkout")["metadata"]["managedFields"]
    return max(datetime.fromisoformat(e["time"].replace("Z", "+00:00")) for e in entries if e["manager"] == "twokey")


def test_a_quota_s_refusal_reaches_the_person(shop: Shop) -> None:
    """The rollout waits for pods that the cluster refuses; the reason is the cluster's own."""
    quota = {"kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "5"}}}
    shop.create(quota)
    path = f"/api/v1/namespaces/{shop.namespace}/resourcequotas/few"
    until(lambda: shop.call("GET", path).json().get("status", {}).get("used"), "the quota in force")
    plan = shop.hands().plan("scale", replicas=5)
    (said,) = (caution.text for caution in plan.warnings if caution.code == "quota")
    assert "quota few leaves no room (pods: 5 of 5 used), and this needs 3" in said
    shop.patch("deployments/checkout/scale", {"spec": {"replicas": 4}}, "merge")
    until(lambda: _lacks_pods(shop, of=4), "a refused pod")
    outcome = shop.hands(clock=Until(lambda: _lacks_pods(shop, of=5))).do("scale", replicas=5)
    assert outcome.ok is False
    assert "exceeded quota: few" in outcome.summary


def test_a_disruption_budget_that_a_change_does_not_keep_is_said_before(shop: Shop) -> None:
    """The cluster holds neither scaling nor rollouts to it."""
    spec = {"minAvailable": 2, "selector": {"matchLabels": {"app": "checkout"}}}
    shop.create({"kind": "PodDisruptionBudget", "metadata": {"name": "calm"}, "spec": spec})
    path = f"/apis/policy/v1/namespaces/{shop.namespace}/poddisruptionbudgets/calm"
    until(lambda: shop.call("GET", path).json().get("status", {}).get("currentHealthy") == 2, "the budget counted")
    hands = shop.hands()
    (said,) = (caution for caution in hands.plan("scale", replicas=1).warnings if caution.code == "disruption_budget")
    assert said.text.endswith("wants at least 2 available, and 1 would be left: it would be broken for good")
    shop.patch("deployments/checkout", {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}})
    (said,) = (c for c in hands.plan("deploy", version="1.1").warnings if c.code == "disruption_budget")
    assert "takes 2 of 2 down at a time" in said.text


def test_an_autoscaler_s_bound_is_moved_instead(shop: Shop) -> None:
    shop.create(_autoscaler())
    hands = shop.hands()
    plan = hands.plan("scale", replicas=3)
    assert "autoscaler" in {caution.code for caution in plan.warnings}
    well(hands.do("scale", replicas=3, autoscaler="minimum"))
    path = f"/apis/autoscaling/v2/namespaces/{shop.namespace}/horizontalpodautoscalers/checkout"
    assert shop.call("GET", path).json()["spec"]["minReplicas"] == 3


def test_what_admission_would_refuse_is_said_before_anybody_is_asked(shop: Shop) -> None:
    """The preview is tried as an account that is confined as the verb's own one is."""
    body = {"spec": {"template": {"spec": {"serviceAccountName": "powerful"}}}}
    shop.patch("deployments/checkout", body)
    shop.settle("deployments/checkout")
    with pytest.raises(Rejected, match=r"rollback may not change this in spec\.template\.spec"):
        shop.hands().plan("rollback")


def _lacks_pods(shop: Shop, of: int) -> bool:
    """Whether the cluster has said that it refuses some of so many pods."""
    found = shop.read("deployments/checkout")
    seen = found["status"].get("observedGeneration") == found["metadata"]["generation"]
    conditions = found["status"].get("conditions") or ()
    refused = any(each["type"] == "ReplicaFailure" and each["status"] == "True" for each in conditions)
    return bool(found["spec"]["replicas"] == of and seen and refused)


def _gone(shop: Shop) -> bool:
    path = f"/apis/apps/v1/namespaces/{shop.namespace}/deployments/checkout"
    return shop.call("GET", path).status_code == 404


def _autoscaler() -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"}
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 4}
    return {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "checkout"}, "spec": spec}
