"""From the API's JSON to our values, with the odd shapes that real clusters have."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from actions.clients import kube_errors, kube_objects
from actions.errors import Conflict, Denied, NotFound, Rejected, SourceError, Unreachable

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def pod(status: dict[str, Any], **meta: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "web-abc-1", **meta},
        "spec": {"containers": [{"image": "web:1"}]},
        "status": {"phase": "Running", **status},
    }


def container(restarts: int = 0, last: str | None = None, **state: Any) -> dict[str, Any]:
    ended = {"terminated": {"reason": last}} if last else {}
    return {"name": "web", "restartCount": restarts, "state": state, "lastState": ended}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({"containerStatuses": [container(running={})]}, None),
        ({"containerStatuses": [container(waiting={"reason": "ContainerCreating"})]}, None),
        ({"containerStatuses": [container(waiting={"reason": "ImagePullBackOff"})]}, "ImagePullBackOff"),
        ({"containerStatuses": [container(3, "Error", waiting={"reason": "CrashLoopBackOff"})]}, "CrashLoopBackOff"),
        ({"containerStatuses": [container(3, "OOMKilled", waiting={"reason": "CrashLoopBackOff"})]}, "OOMKilled"),
        ({"containerStatuses": [container(1, terminated={"reason": "Error"})]}, "Error"),
        ({"containerStatuses": [container(terminated={"reason": "Completed"})]}, None),
        ({"containerStatuses": [container(2, "OOMKilled", running={})]}, "OOMKilled"),
        ({"initContainerStatuses": [container(waiting={"reason": "ErrImagePull"})]}, "ErrImagePull"),
        ({"reason": "Evicted"}, "Evicted"),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]},
            "Unschedulable",
        ),
        ({}, None),
    ],
)
def test_a_pod_tells_what_is_wrong_with_it(status: dict[str, Any], reason: str | None) -> None:
    assert kube_objects.pod(pod(status)).reason == reason


def test_a_pod_is_ready_by_its_condition_and_counts_every_restart() -> None:
    status = {
        "startTime": "2026-11-02T09:00:00Z",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [container(2), container(1)],
    }
    found = kube_objects.pod(pod(status, labels={"controller-revision-hash": "web-5"}))
    assert (found.ready, found.restarts, found.started_at, found.template_hash) == (True, 3, AT, "web-5")
    assert found.images == ("web:1",)


def test_a_selector_is_spelled_as_the_api_wants_it() -> None:
    expressions = [
        {"key": "tier", "operator": "In", "values": ["a", "b"]},
        {"key": "zone", "operator": "NotIn", "values": ["c"]},
        {"key": "live", "operator": "Exists"},
        {"key": "old", "operator": "DoesNotExist"},
    ]
    selector = {"matchLabels": {"app": "web"}, "matchExpressions": expressions}
    spelled = kube_objects.selector({"spec": {"selector": selector}})
    assert spelled == "app=web,tier in (a,b),zone notin (c),live,!old"


def test_a_replica_set_becomes_a_revision_without_its_hash() -> None:
    labels = {"app": "web", "pod-template-hash": "abc"}
    obj = {
        "metadata": {
            "name": "web-abc",
            "creationTimestamp": "2026-11-02T09:00:00Z",
            "annotations": {"deployment.kubernetes.io/revision": "12"},
        },
        "spec": {"template": {"metadata": {"labels": labels}}},
        "status": {"replicas": 3},
    }
    found = kube_objects.replica_set(obj)
    assert found
    assert (found.number, found.created_at, found.replicas) == (12, AT, 3)
    assert found.template == {"metadata": {"labels": {"app": "web"}}}
    assert "pod-template-hash" in labels
    obj["metadata"]["annotations"] = {}  # type: ignore[index]
    assert kube_objects.replica_set(obj) is None


def test_a_controller_revision_holds_its_template_as_a_patch() -> None:
    template = {"$patch": "replace", "spec": {"containers": [{"name": "web", "image": "web:2"}]}}
    obj = {"metadata": {"name": "web-5"}, "revision": 5, "data": {"spec": {"template": template}}}
    found = kube_objects.controller_revision(obj)
    assert (found.number, found.image("web"), "$patch" in found.template) == (5, "web:2", False)


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"lastTimestamp": "2026-11-02T09:00:00Z", "count": 4}, 4),
        ({"eventTime": "2026-11-02T09:00:00.000000Z", "lastTimestamp": None}, 1),
        ({"series": {"lastObservedTime": "2026-11-02T09:00:00Z", "count": 7}, "eventTime": "2026-11-01T09:00:00Z"}, 7),
    ],
)
def test_old_and_new_reporters_of_events_are_understood(fields: dict[str, Any], count: int) -> None:
    about = {"kind": "Pod", "name": "web-abc-1"}
    found = kube_objects.event(
        {"metadata": {}, "type": "Warning", "reason": "BackOff", "involvedObject": about, **fields}
    )
    assert (found.at, found.count, found.about) == (AT, count, "Pod/web-abc-1")


def test_log_lines_without_a_time_are_left_out() -> None:
    text = "2026-11-02T09:00:00.123456789Z hello\nno time here\n2026-11-02T09:00:00Z \n"
    found = list(kube_objects.lines(text, "web-abc-1"))
    assert [line.text for line in found] == ["hello", ""]
    assert found[1].at == AT


@pytest.mark.parametrize(
    ("status", "message", "error", "said"),
    [
        (404, "not found", NotFound, "The cluster has no Deployment web in prod."),
        (409, "modified", Conflict, "changed by somebody else"),
        (401, "Unauthorized", Denied, "does not accept our credential: Unauthorized. Renew it."),
        (403, 'User "x" cannot patch', Denied, 'User "x" cannot patch. `twokey rbac check`'),
        (403, "exceeded quota: pods", Rejected, "refused it for Deployment web in prod: exceeded quota: pods."),
        (403, 'admission webhook "p" denied the request: no', Rejected, "denied the request: no."),
        (422, "spec.replicas: Invalid value", Rejected, "spec.replicas: Invalid value."),
        (429, "too many", Unreachable, "answered 429"),
        (500, "etcd", Unreachable, "answered 500"),
        (302, "", Unreachable, "HTTP 302"),
    ],
)
def test_each_status_is_an_error_in_words(status: int, message: str, error: type[SourceError], said: str) -> None:
    body = f'{{"kind": "Status", "message": {message!r}}}'.replace("'", '"') if '"' not in message else message
    found = kube_errors.translate(status, body if message else "", "Deployment web in prod")
    assert type(found) is error
    assert said in found.say
    assert bool(found.then) == (error in {NotFound, Conflict, Unreachable}), "the others say it themselves"


def test_a_long_answer_that_is_no_status_is_cut() -> None:
    assert len(kube_errors.said("<html>\n" + "x" * 10_000)) <= 401


@pytest.mark.parametrize("value", ['"canary"', '"can\\"ary"', "canary"])
def test_a_refusal_that_quotes_a_variable_s_value_is_told_without_it(value: str) -> None:
    """L6: an outcome with these words is kept and shown."""
    said = f"spec.template.spec.containers[0].env[3].value: Invalid value: {value}: too odd"
    found = kube_errors.translate(422, json.dumps({"message": said}), "Deployment web in prod")
    assert "ary" not in found.say
    assert "env[3].value: Invalid value: <hidden>: too odd" in found.say


@pytest.mark.parametrize(
    "said",
    [
        'c.env[3]: Invalid value: core.EnvVar{Name:"A", Value:"can: ary, ary"}: too odd',
        'c.env[3]: Duplicate value: {"name":"A","value":"can: ary"}',
        'c.env[3]: Duplicate value: map[string]interface {}{"name":"A", "value":"canary"}',
        'spec.values.dsn: Invalid value: "canary"',
        'cannot decode {"env":[{"name":"A","value":"can\\"ary"}]}',
    ],
)
def test_a_refusal_that_quotes_a_whole_variable_or_a_keeper_s_value_is_told_without_it(said: str) -> None:
    """L6: in whichever of its words Go quotes an object."""
    found = kube_errors.translate(422, json.dumps({"message": said}), "Deployment web in prod")
    assert "ary" not in found.say.removeprefix("The cluster refused it for Deployment web in prod")
    assert "<hidden>" in found.say


def test_an_event_that_quotes_a_variable_s_value_is_told_without_it() -> None:
    """L6: a pod that cannot be made is refused in the same words, and its event is shown."""
    said = 'Error creating: Pod "web-1" is invalid: spec.containers[0].env[0].value: Invalid value: "canary": too odd'
    found = kube_objects.event({"metadata": {}, "type": "Warning", "reason": "FailedCreate", "message": said})
    assert found.message == said.replace('"canary"', "<hidden>")
