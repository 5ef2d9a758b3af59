"""From the API's JSON to the values of `actions.clients.protocols`: pure functions."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from actions.clients.protocols import Budget, Event, LogLine, Pod, Quota, Revision
from actions.objects import timestamp
from actions.redaction import without_values

REVISION = "deployment.kubernetes.io/revision"
_HASHES = ("pod-template-hash", "controller-revision-hash", "rollouts-pod-template-hash")
_REVISIONS = (REVISION, "rollout.argoproj.io/revision")
_STARTING = frozenset({"ContainerCreating", "PodInitializing"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def selector(workload: Mapping[str, Any]) -> str:
    """`spec.selector` as the API's `labelSelector` parameter."""
    found = workload["spec"].get("selector") or {}
    parts = [f"{key}={value}" for key, value in (found.get("matchLabels") or {}).items()]
    for rule in found.get("matchExpressions") or ():
        key, values = rule["key"], ",".join(rule.get("values") or ())
        match rule["operator"]:
            case "In":
                parts.append(f"{key} in ({values})")
            case "NotIn":
                parts.append(f"{key} notin ({values})")
            case "Exists":
                parts.append(key)
            case _:
                parts.append(f"!{key}")
    return ",".join(parts)


def owner(obj: Mapping[str, Any]) -> str | None:
    """The uid of the object's controller."""
    owners = obj["metadata"].get("ownerReferences") or ()
    return next((str(ref["uid"]) for ref in owners if ref.get("controller")), None)


def pod(obj: Mapping[str, Any]) -> Pod:
    """A Pod."""
    meta, status = obj["metadata"], obj.get("status") or {}
    labels = meta.get("labels") or {}
    return Pod(
        name=str(meta["name"]),
        phase=str(status.get("phase", "Unknown")),
        ready=any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or ()),
        restarts=sum(int(c.get("restartCount", 0)) for c in _containers(status)),
        images=tuple(str(c.get("image", "")) for c in (obj.get("spec") or {}).get("containers", ())),
        reason=_reason(status),
        started_at=timestamp(status.get("startTime")),
        template_hash=next((str(labels[key]) for key in _HASHES if key in labels), None),
        digests=tuple(_digests(obj)),
    )


def quota(obj: Mapping[str, Any]) -> Quota | None:
    """A ResourceQuota; None where it holds for some pods alone, or where nobody has counted yet."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if spec.get("scopes") or spec.get("scopeSelector") or not status.get("used"):
        return None
    return Quota(str(obj["metadata"]["name"]), status.get("hard") or {}, status["used"])


def budget(obj: Mapping[str, Any]) -> Budget:
    """A PodDisruptionBudget."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    healthy, desired, expected = (
        int(status.get(key, 0)) for key in ("currentHealthy", "desiredHealthy", "expectedPods")
    )
    return Budget(
        str(obj["metadata"]["name"]), spec.get("minAvailable"), spec.get("maxUnavailable"), healthy, desired, expected
    )


def selects(found: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector covers these labels: none covers nothing, an empty one everything."""
    if found is None:
        return False
    named = all(labels.get(key) == value for key, value in (found.get("matchLabels") or {}).items())
    return named and all(_holds(rule, labels) for rule in found.get("matchExpressions") or ())


def replica_set(obj: Mapping[str, Any]) -> Revision | None:
    """A ReplicaSet as a revision; None where its Deployment has not numbered it yet."""
    meta, spec = obj["metadata"], obj["spec"]
    notes = meta.get("annotations") or {}
    number = next((str(notes[key]) for key in _REVISIONS if key in notes), "")
    if not number.isdecimal():
        return None
    template = copy.deepcopy(spec["template"])
    for key in _HASHES:
        (template.get("metadata", {}).get("labels") or {}).pop(key, None)
    return Revision(
        number=int(number),
        name=str(meta["name"]),
        created_at=timestamp(meta.get("creationTimestamp")) or _EPOCH,
        template=template,
        annotations=notes,
        replicas=int((obj.get("status") or {}).get("replicas", 0)),
    )


def as_written(full: Any, present: Any, written: Any) -> Any:
    """`full` without what the API server filled in, told by `present`, which it made of `written`."""
    if all(isinstance(each, Mapping) for each in (full, present, written)):
        return {
            key: as_written(value, present.get(key), written.get(key))
            for key, value in full.items()
            if key in written or key not in present or value != present[key]
        }
    if all(isinstance(each, list) for each in (full, present, written)):
        named = [{each.get("name"): each for each in of if isinstance(each, Mapping)} for of in (present, written)]
        return [
            as_written(each, *(of.get(each.get("name")) for of in named)) if isinstance(each, Mapping) else each
            for each in full
        ]
    return full


def controller_revision(obj: Mapping[str, Any]) -> Revision:
    """A ControllerRevision of a StatefulSet or DaemonSet. Its `data` is a patch that sets the whole template."""
    meta = obj["metadata"]
    template = copy.deepcopy(((obj.get("data") or {}).get("spec") or {}).get("template") or {})
    template.pop("$patch", None)
    return Revision(
        number=int(obj.get("revision", 0)),
        name=str(meta["name"]),
        created_at=timestamp(meta.get("creationTimestamp")) or _EPOCH,
        template=template,
        annotations=meta.get("annotations") or {},
        replicas=0,
    )


def event(obj: Mapping[str, Any]) -> Event:
    """A core/v1 Event; newer reporters leave the old fields empty and fill `eventTime` and `series`."""
    series, about = obj.get("series") or {}, obj.get("involvedObject") or {}
    times = (series.get("lastObservedTime"), obj.get("lastTimestamp"), obj.get("eventTime"))
    seen = next((at for at in map(timestamp, (*times, obj["metadata"].get("creationTimestamp"))) if at), _EPOCH)
    return Event(
        at=seen,
        kind=str(obj.get("type", "Normal")),
        reason=str(obj.get("reason", "")),
        about=f"{about.get('kind', '')}/{about.get('name', '')}",
        message=without_values(str(obj.get("message", ""))),
        count=int(series.get("count") or obj.get("count") or 1),
    )


def lines(text: str, name: str) -> Iterator[LogLine]:
    """The lines of a pod's log that was asked for with timestamps; a line without one is left out."""
    for line in text.splitlines():
        stamp, _, said = line.partition(" ")
        at = timestamp(stamp)
        if at:
            yield LogLine(at=at, pod=name, text=said)


def _holds(rule: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(rule["key"]), rule.get("values") or ()
    match rule["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case _:
            return value is None


def _digests(pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Of what was pulled from a registry: what a node built or loaded itself has no digest there."""
    said = {c.get("name"): str(c.get("image", "")) for c in (pod.get("spec") or {}).get("containers", ())}
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        digest = str(status.get("imageID", "")).partition("@")[2]
        if digest.startswith("sha256:") and status.get("name") in said:
            yield said[status["name"]], digest


def _containers(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _reason(status: Mapping[str, Any]) -> str | None:
    """What is wrong with the container that is worst off: what it is in now, else why it could not be scheduled,
    else why it restarted the last time."""
    now = [reason for c in _containers(status) if (reason := _present_trouble(c))]
    if now:
        return now[0]
    if status.get("reason"):
        return str(status["reason"])  # Evicted, NodeLost
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return str(condition.get("reason", "Unschedulable"))
    return next((reason for c in _containers(status) if (reason := _last_end(c))), None)


def _present_trouble(container: Mapping[str, Any]) -> str | None:
    state = container.get("state") or {}
    waiting = (state.get("waiting") or {}).get("reason")
    if waiting == "CrashLoopBackOff" and _last_end(container) == "OOMKilled":
        return "OOMKilled"  # says more
    if waiting and waiting not in _STARTING:
        return str(waiting)
    ended = state.get("terminated") or {}
    return str(ended["reason"]) if ended.get("reason") not in (None, "Completed") else None


def _last_end(container: Mapping[str, Any]) -> str | None:
    ended = (container.get("lastState") or {}).get("terminated") or {}
    return str(ended["reason"]) if ended.get("reason") else None
