"""The judgement of a rollout: one reading of a workload and its newest pods."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from actions import rollout
from actions.clients.protocols import Pod, Revision
from actions.kinds import WorkloadKind
from actions.rollout import Complete, Failed, Progressing

LATE = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "lastUpdateTime": "t1"}
QUOTA = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: pods=10"}


def workload(kind: WorkloadKind = "Deployment", spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    """One of three replicas that has rolled out, unless said otherwise."""
    full = {
        "observedGeneration": 7,
        "replicas": 3,
        "updatedReplicas": 3,
        "availableReplicas": 3,
        "readyReplicas": 3,
        **status,
    }
    container = {"name": "app", "image": "app:1", "resources": {"limits": {"memory": "256Mi"}}}
    template = {"spec": {"containers": [container]}}
    return {
        "kind": kind,
        "metadata": {"generation": 7},
        "spec": {"replicas": 3, "template": template, **(spec or {})},
        "status": full,
    }


def pod(reason: str | None = None, restarts: int = 0, ready: bool | None = None, template_hash: str = "abc") -> Pod:
    is_ready = reason is None if ready is None else ready
    at = datetime(2026, 11, 2, tzinfo=UTC)
    return Pod("app-abc-1", "Running", is_ready, restarts, ("app:1",), reason, at, template_hash)


def test_all_new_all_available_none_left_is_complete() -> None:
    assert rollout.judge(workload(), [pod()] * 3) == Complete(3)


@pytest.mark.parametrize(
    "status",
    [
        {"observedGeneration": 6},
        {"updatedReplicas": 2},
        {"availableReplicas": 2},
        {"replicas": 4},  # an old one is still leaving
    ],
    ids=lambda status: next(iter(status)),
)
def test_any_one_count_behind_is_progress(status: dict[str, Any]) -> None:
    assert isinstance(rollout.judge(workload(**status), ()), Progressing)


def test_a_status_from_before_the_change_says_nothing() -> None:
    """Even where it says that everything is lost."""
    judged = rollout.judge(workload(observedGeneration=6, conditions=[LATE]), [pod("CrashLoopBackOff", 9)])
    assert isinstance(judged, Progressing)


@pytest.mark.parametrize(
    ("pods", "reason"),
    [
        ([pod("CrashLoopBackOff", 2), pod(), pod()], "1 of 3 pods crashes: CrashLoopBackOff"),
        ([pod("Error", 2), pod()], "1 of 3 pods crashes: it exits with an error"),
        ([pod("Completed", 2), pod("Completed", 2)], "2 of 3 pods crash: they exit though nothing asked for it"),
        ([pod("OOMKilled", 2), pod("OOMKilled", 3), pod()], "2 of 3 pods crash: OOMKilled (limit 256Mi)"),
        ([pod("ImagePullBackOff"), pod()], "1 of 3 pods cannot start: ImagePullBackOff"),
        ([pod("CreateContainerConfigError")], "1 of 3 pods cannot start: CreateContainerConfigError"),
    ],
)
def test_what_waiting_does_not_heal_fails_at_once(pods: list[Pod], reason: str) -> None:
    assert rollout.judge(workload(availableReplicas=1), pods) == Failed(reason)


def test_one_pod_is_not_counted_among_one() -> None:
    alone = workload(availableReplicas=0)
    alone["spec"]["replicas"] = 1
    assert rollout.judge(alone, [pod("Error", 2)]) == Failed("the only pod crashes: it exits with an error")


@pytest.mark.parametrize(
    "harmless",
    [pod("CrashLoopBackOff", 1), pod("ErrImagePull"), pod("Unschedulable"), pod("OOMKilled", 50, ready=True)],
    ids=lambda harmless: str(harmless.reason),
)
def test_what_may_heal_is_waited_for(harmless: Pod) -> None:
    """A first crash, a first pull that failed, a full node; a pod that is well again now."""
    assert isinstance(rollout.judge(workload(availableReplicas=2), [harmless]), Progressing)


def test_a_passed_deadline_fails_with_the_api_servers_own_reason() -> None:
    judged = rollout.judge(workload(availableReplicas=2, conditions=[LATE, QUOTA]), ())
    assert judged == Failed(
        "it made no progress within its deadline: the cluster refuses more pods: exceeded quota: pods=10"
    )


def test_a_deadline_that_an_earlier_change_missed_is_not_held_against_this_one() -> None:
    late = workload(availableReplicas=2, conditions=[LATE])
    assert isinstance(rollout.judge(late, (), before=late), Progressing)
    again = workload(availableReplicas=2, conditions=[{**LATE, "lastUpdateTime": "t2"}])
    assert isinstance(rollout.judge(again, (), before=late), Failed)


def test_a_paused_deployment_rolls_nothing_out_but_still_scales() -> None:
    assert isinstance(rollout.judge(workload(spec={"paused": True}, updatedReplicas=0), ()), Failed)
    scaling = workload(spec={"paused": True, "replicas": 5})
    assert isinstance(rollout.judge(scaling, ()), Progressing)


def test_the_step_counts_what_is_new_and_ready() -> None:
    judged = rollout.judge(workload(updatedReplicas=2, replicas=4), [pod(), pod("Unschedulable")])
    assert isinstance(judged, Progressing)
    assert (judged.step.text, judged.step.done, judged.step.total) == ("1 of 3 ready · 2 old ones left", 1, 3)
    assert judged.why == "1 pod is not ready: Unschedulable"


@pytest.mark.parametrize(
    ("spec", "status", "complete"),
    [
        ({}, {"updateRevision": "b", "currentRevision": "b", "updatedReplicas": 0}, True),
        ({}, {"updateRevision": "b", "currentRevision": "a", "updatedReplicas": 2}, False),
        (
            {"updateStrategy": {"rollingUpdate": {"partition": 2}}},
            {"updateRevision": "b", "currentRevision": "a", "updatedReplicas": 1},
            True,
        ),
        ({}, {"updateRevision": "b", "currentRevision": "b", "availableReplicas": 2}, False),
    ],
)
def test_a_stateful_set_is_judged_by_its_revisions(
    spec: dict[str, Any], status: dict[str, Any], complete: bool
) -> None:
    assert isinstance(rollout.judge(workload("StatefulSet", spec, **status), ()), Complete) is complete


@pytest.mark.parametrize(("updated", "available", "complete"), [(4, 4, True), (3, 4, False), (4, 3, False)])
def test_a_daemon_set_is_judged_by_its_nodes(updated: int, available: int, complete: bool) -> None:
    counts: dict[str, Any] = {
        "desiredNumberScheduled": 4,
        "currentNumberScheduled": 4,
        "updatedNumberScheduled": updated,
        "numberAvailable": available,
    }
    assert isinstance(rollout.judge(workload("DaemonSet", **counts), ()), Complete) is complete


def test_only_the_newest_revision_s_pods_are_judged() -> None:
    at = datetime(2026, 11, 2, tzinfo=UTC)
    revisions = [Revision(2, "app-new", at, {}, {}, 1), Revision(1, "app-old", at, {}, {}, 1)]
    pods = [pod(template_hash="old"), pod("CrashLoopBackOff", template_hash="new")]
    assert rollout.newest(pods, revisions) == (pods[1],)
    assert rollout.newest(pods, []) == tuple(pods)


def test_what_argo_rollouts_says_is_told_without_the_values_that_it_quotes() -> None:
    """L6: it hands on what the API server says of a ReplicaSet that it refuses."""
    said = 'ReplicaSet "app" is invalid: spec.template.spec.containers[0].env[0].value: Invalid value: "hunter2": short'
    judged = rollout.judge(workload("Rollout", phase="Degraded", message=said), ())
    assert isinstance(judged, Failed)
    assert "hunter2" not in judged.reason
    assert "<hidden>" in judged.reason
