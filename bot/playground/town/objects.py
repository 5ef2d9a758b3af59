"""Kubernetes objects as plain dicts in the API's own JSON form: copies, timestamps, metadata and the API's defaults."""

from __future__ import annotations

import hashlib
import json
import math
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

Object = dict[str, Any]

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"
_SAFE = "bcdfghjklmnpqrstvwxz2456789"  # k8s.io/apimachinery/pkg/util/rand: no vowels, so no words


class Names:
    """Unique names and ids, the same ones in the same order for the same seed."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)  # noqa: S311 - a simulation has to repeat itself

    def suffix(self, length: int = 5) -> str:
        """Five letters and digits, as generated names end."""
        return "".join(self._random.choices(_SAFE, k=length))

    def uid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))


def clone(value: Any) -> Any:
    """A deep copy of JSON."""
    if isinstance(value, dict):
        return {key: clone(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [clone(inner) for inner in value]
    return value


def stamp(at: float) -> str:
    """A moment (seconds since 1970) as metav1.Time: whole seconds, UTC."""
    return datetime.fromtimestamp(math.floor(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> float:
    """The reverse of `stamp`."""
    return datetime.fromisoformat(text).timestamp()


def template_hash(template: Object) -> str:
    """A pod template's hash as it appears in ReplicaSets' names."""
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()
    return "".join(_SAFE[byte % len(_SAFE)] for byte in digest[:10])


def owner(obj: Object) -> Object | None:
    """The reference to the object's controller."""
    return next((ref for ref in obj["metadata"].get("ownerReferences", []) if ref.get("controller")), None)


def owned_by(obj: Object, controller: Object) -> bool:
    reference = owner(obj)
    return reference is not None and reference["uid"] == controller["metadata"]["uid"]


def reference(controller: Object) -> Object:
    """An ownerReference to this controller."""
    return {
        "apiVersion": controller["apiVersion"],
        "kind": controller["kind"],
        "name": controller["metadata"]["name"],
        "uid": controller["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def main_container(template: Object, workload: str) -> Object:
    """The container that gives the workload its version: the one of its name, else the first."""
    containers: list[Object] = template["spec"]["containers"]
    return next((container for container in containers if container["name"] == workload), containers[0])


def with_defaults(deployment: Object) -> Object:
    """The Deployment with what k8s.io/kubernetes/pkg/apis/apps/v1 fills in; a copy."""
    full: Object = clone(deployment)
    spec = full.setdefault("spec", {})
    if spec.get("replicas") is None:
        spec["replicas"] = 1
    for key, default in (("revisionHistoryLimit", 10), ("progressDeadlineSeconds", 600)):
        if spec.get(key) is None:
            spec[key] = default
    strategy = spec.setdefault("strategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {}).setdefault("creationTimestamp", None)
    _default_pod(template.setdefault("spec", {}))
    return full


def _default_pod(spec: Object) -> None:
    for key, value in (
        ("restartPolicy", "Always"),
        ("terminationGracePeriodSeconds", 30),
        ("dnsPolicy", "ClusterFirst"),
        ("securityContext", {}),
        ("schedulerName", "default-scheduler"),
    ):
        spec.setdefault(key, value)
    for container in spec.get("containers") or []:
        image = str(container.get("image", ""))
        tag = image.rpartition("/")[2].partition(":")[2] if "@" not in image else "digest"
        container.setdefault("imagePullPolicy", "Always" if tag in ("", "latest") else "IfNotPresent")
        container.setdefault("resources", {})
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")


def share(value: int | str, replicas: int, up: bool) -> int:
    """maxSurge (rounded up) and maxUnavailable (rounded down): a number, or a percentage of the replicas."""
    if isinstance(value, int):
        return value
    exact = int(value.rstrip("%")) * replicas / 100
    return math.ceil(exact) if up else math.floor(exact)
