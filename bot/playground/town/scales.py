"""The subresource `scale` of Deployments: replicas and nothing else (k8s.io/api/autoscaling/v1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.playground.town import schema, validation
from bot.playground.town.objects import Object, clone
from bot.playground.town.problems import bad_request, invalid, modified, other_uid
from bot.playground.town.registry import Registry, Write, Written, patched
from bot.playground.town.resources import SCALE, Resource
from bot.playground.town.simulation import Simulation


class Scales:
    """Scale objects in front of Deployments. Whatever else is written to a Scale, labels and annotations too, is lost,
    as it is on a real API server."""

    def __init__(self, town: Simulation, resource: Resource) -> None:
        self._town, self._deployments, self._named = town, Registry(town, resource), resource.named

    def get(self, namespace: str, name: str) -> Object:
        return scale_of(self._deployments.get(namespace, name))

    def patch(self, namespace: str, name: str, content_type: str, body: Any, write: Write) -> Written:
        return self.replace(namespace, name, patched(self.get(namespace, name), content_type, body), write)

    def replace(self, namespace: str, name: str, body: Any, write: Write) -> Written:
        deployment = self._deployments.get(namespace, name)
        try:
            scale, unknown = schema.prune(body if isinstance(body, dict) else {}, "V1Scale")
        except schema.WrongType as error:
            raise bad_request(f'Scale in version "v1" cannot be handled as a Scale: {error}') from None
        scale.setdefault("spec", {})
        if found := validation.flaws("Scale", {**scale, "metadata": {"name": name}}, None):
            raise invalid(SCALE, name, found)
        meta, actual = scale.get("metadata") or {}, deployment["metadata"]
        if meta.get("uid") and meta["uid"] != actual["uid"]:
            named = replace(self._named, plural=f"{self._named.plural}/scale")
            raise other_uid(named, name, meta["uid"], actual["uid"])
        if meta.get("resourceVersion") and meta["resourceVersion"] != actual["resourceVersion"]:
            raise modified(self._named, name)
        scaled = clone(deployment)
        scaled["spec"]["replicas"] = scale["spec"].get("replicas", 0)
        written = self._deployments.replace(namespace, name, scaled, replace(write, subresource="scale"))
        return Written(scale_of(written.object), tuple(f'unknown field "{path}"' for path in unknown))


def scale_of(deployment: Object) -> Object:
    """How a Deployment looks as a Scale."""
    meta = deployment["metadata"]
    labels = deployment["spec"]["selector"].get("matchLabels", {})
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: meta[key] for key in kept if key in meta},
        "spec": {"replicas": deployment["spec"]["replicas"]},
        "status": {
            "replicas": deployment["status"].get("replicas", 0),
            "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        },
    }
