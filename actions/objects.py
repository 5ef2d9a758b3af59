"""Reading Kubernetes objects in their JSON form: paths, templates, and who wrote a field."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from actions import canonical, image, quantities
from actions.clients.protocols import WorkloadRef
from actions.errors import BadInput
from actions.plan import Target

REQUEST_ANNOTATION = "twokey.dev/request"
"""On the workload: the id of the last request of ours that changed it. By this its effect is recognised (E1)."""
_BACK = "-back"
CAUSE_ANNOTATION = "kubernetes.io/change-cause"
"""What `kubectl rollout history` shows."""
RESTART_ANNOTATION = "twokey.dev/restarted-for"
"""On the pod template: the id of the request that restarted it; kubectl uses a time, which would make twice twice."""
MANAGER = "twokey"
"""The field manager of our patches."""
SCALE_MANAGER = "twokey-"
"""With the request's id behind it, the field manager of a scale: `/scale` carries no annotations (E1)."""

AUTOSCALER: Literal["HorizontalPodAutoscaler"] = "HorizontalPodAutoscaler"
"""The kind of what owns a workload's replicas."""

UID = "metadata.uid#sha256"
"""The precondition that it is the same object still."""
TEMPLATE = "spec.template#fingerprint"
"""The precondition that the pod template is what it was."""

_TIDY = "rollouts-controller"  # Argo Rollouts writes a spec that it has read back, with empty `resources` in it
_HASHED, _KEYED = "#sha256", "#fingerprint"


def back_id(request_id: str) -> str:
    """What a guard's rollback leaves in place of its request's id: the second effect is told from the first by it."""
    return f"{request_id}{_BACK}"


def request_of(marks: Mapping[str, str]) -> str | None:
    """The request that left these annotations, by whichever of its effects."""
    found = marks.get(REQUEST_ANNOTATION)
    return found.removesuffix(_BACK) if found else None


def ref(target: Target) -> WorkloadRef:
    """Where a plan's target is in its cluster. Raises BadInput for the policy, which is in no cluster (A9)."""
    if target.kind == "Policy":
        raise BadInput("The policy is in the store; nothing in a cluster is to be changed.")
    return WorkloadRef(cluster=target.cluster, namespace=target.namespace, kind=target.kind, name=target.name)


def at(live: Mapping[str, Any], path: str) -> str | int | None:
    """The value at a precondition's path; see `actions.plan.Precondition`. None where there is nothing."""
    plain = _plain(path)
    value: Any = live
    for part in plain.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if path.endswith(_HASHED):
        return canonical.digest(value)
    if path.endswith(_KEYED):
        return fingerprint(live, value)
    if plain == "spec.replicas" and value is None:
        return 1  # the API's default
    return value if isinstance(value, str | int) else None


def fingerprint(live: Mapping[str, Any], value: Any) -> str:
    """HMAC-SHA-256 (RFC 2104) over the canonical JSON of a value of this object, keyed by the object's own uid.

    A plain digest of what holds a short secret tells that secret to whoever tries all of them. The uid is random, and
    stands in the cluster alone, where whoever may read it may read the value as well.
    """
    return hmac.new(_uid(live).encode(), canonical.canonical(_without_floats(value)), hashlib.sha256).hexdigest()


def identity(live: Mapping[str, Any]) -> str:
    """By which an object is told from others, without its uid."""
    return canonical.digest(_uid(live))


def is_target(live: Mapping[str, Any], target: Target) -> bool:
    """Whether this is the very object that was previewed."""
    return target.uid == identity(live)


def template(live: Mapping[str, Any]) -> dict[str, Any]:
    """The pod template. Raises BadInput where a Rollout has none of its own."""
    found: dict[str, Any] | None = live["spec"].get("template")
    if found is None:
        whose = live["spec"].get("workloadRef") or {}
        other = f"{whose.get('kind', 'another object')} {whose.get('name', '')}".strip()
        name = f"{live.get('kind', 'It')} {live['metadata']['name']}"
        raise BadInput(
            f"{name} has no pods of its own, it takes those of {other} (workloadRef). Change {other} by hand."
        )
    return found


def replicas(live: Mapping[str, Any]) -> int:
    """How many it should have."""
    return int(at(live, "spec.replicas") or 0)


def bounds(autoscaler: Mapping[str, Any]) -> tuple[int, int]:
    """An autoscaler's minimum, which is 1 unless it says otherwise, and its maximum."""
    spec = autoscaler["spec"]
    return int(spec.get("minReplicas") or 1), int(spec["maxReplicas"])


def running(live: Mapping[str, Any]) -> int:
    """How many pods it has or should have: a DaemonSet has one on every node."""
    if live.get("kind") == "DaemonSet":
        return int((live.get("status") or {}).get("desiredNumberScheduled", 0))
    return replicas(live)


def image_of(pod_template: Mapping[str, Any], container: str) -> str:
    """The image of the named container. Raises BadInput that says which containers there are."""
    containers = pod_template.get("spec", {}).get("containers", [])
    for entry in containers:
        if entry.get("name") == container:
            return str(entry["image"])
    names = ", ".join(str(entry.get("name")) for entry in containers) or "none"
    raise BadInput(f'It has no container "{container}". It has: {names}. Name the right one in the catalogue.')


def version_of(pod_template: Mapping[str, Any], container: str) -> str:
    """The version that the named container runs; of the first container where there is none of this name."""
    containers = pod_template.get("spec", {}).get("containers", [])
    named = [entry for entry in containers if entry.get("name") == container] or containers[:1]
    return image.version(str(named[0].get("image", ""))) if named else "unknown"


def notes(live: Mapping[str, Any]) -> Mapping[str, str]:
    """Of the object's metadata; never None."""
    return live.get("metadata", {}).get("annotations") or {}


def last_writer(live: Mapping[str, Any], path: str, now: datetime) -> str:
    """`kubectl-edit, 14:05 UTC`: who wrote this field last, by `metadata.managedFields`; empty where unknown."""
    last = last_write(live, path)
    if last is None:
        return ""
    when = timestamp(last.get("time"))
    return str(last.get("manager", "somebody")) + (f", {quantities.moment(when, now)}" if when else "")


def last_write(live: Mapping[str, Any], path: str) -> dict[str, Any] | None:
    """The entry of `metadata.managedFields` for the last write of this field; None where that is unknown.

    What a controller writes to fill in defaults is nobody's change.
    """
    keys = [f"f:{part}" for part in _plain(path).split(".")]
    owners = [e for e in managers(live) if _owns(e.get("fieldsV1"), keys) and e.get("manager") != _TIDY]
    return max(owners, key=lambda entry: str(entry.get("time", "")), default=None)


def managers(live: Mapping[str, Any]) -> list[dict[str, Any]]:
    """`metadata.managedFields`."""
    return live.get("metadata", {}).get("managedFields") or []


def timestamp(text: object) -> datetime | None:
    """An RFC 3339 time of the API."""
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00")) if text else None
    except ValueError:
        return None


def _plain(path: str) -> str:
    return path.removesuffix(_HASHED).removesuffix(_KEYED)


def _uid(live: Mapping[str, Any]) -> str:
    return str(live["metadata"]["uid"])


def _without_floats(value: Any) -> Any:
    """Helm values may hold some; as text they compare as well."""
    if isinstance(value, Mapping):
        return {key: _without_floats(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_floats(inner) for inner in value]
    return f"{value!r}" if isinstance(value, float) else value


def _owns(fields: Any, keys: list[str]) -> bool:
    for key in keys:
        if not isinstance(fields, Mapping) or key not in fields:
            return False
        fields = fields[key]
    return True
