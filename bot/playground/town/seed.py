"""The town before it is first looked at: the same simulation, run through the changes that world.yaml tells."""

from __future__ import annotations

import pickle
from functools import lru_cache

from bot.playground.town import services
from bot.playground.town.objects import Object, clone, stamp, with_defaults
from bot.playground.town.services import REGISTRY, Autoscaling, Plan, Start
from bot.playground.town.simulation import Simulation

MEMORY = 30 * 3600.0
"""Seconds that the town's memory reaches back before its start."""

CAUSE = "kubernetes.io/change-cause"


def town(start: float) -> Simulation:
    """A town that has lived for MEMORY seconds until `start` (seconds since 1970)."""
    lived: Simulation = pickle.loads(_lived(start))  # noqa: S301 - pickled by this very process
    return lived


@lru_cache(maxsize=4)
def _lived(start: float) -> bytes:
    """The life before is the same for the same start, so that tests pay for it once."""
    return pickle.dumps(_simulate(services.plan(), start))


def _simulate(plan: Plan, start: float) -> Simulation:
    town = Simulation(plan, start - MEMORY)
    for name in ("default", "kube-system", *plan.namespaces):
        town.store.put("namespaces", _namespace(town, name))
    for namespace, workloads in plan.namespaces.items():
        for name, first in workloads.items():
            town.store.put("deployments", _deployment(town, namespace, name, first))
    for autoscaling in plan.autoscalers:
        town.store.put("horizontalpodautoscalers", _autoscaler(town, autoscaling))
    for change in plan.history:
        town.advance(start - change.ago * 60)
        deployment = clone(town.store.get("deployments", change.namespace, change.workload))
        if change.version:
            deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image(change.workload, change.version)
        if change.replicas is not None:
            deployment["spec"]["replicas"] = change.replicas
        deployment["metadata"].setdefault("annotations", {})[CAUSE] = change.cause
        town.store.put("deployments", deployment)
    town.advance(start)
    return town


def image(service: str, version: str) -> str:
    """Where the town's registry has this version."""
    return f"{REGISTRY}{service}:{version}"


def _metadata(town: Simulation, namespace: str | None, name: str) -> Object:
    meta: Object = {"name": name, "uid": town.names.uid(), "creationTimestamp": stamp(town.agenda.at)}
    if namespace is not None:
        meta["namespace"] = namespace
    return meta


def _namespace(town: Simulation, name: str) -> Object:
    meta = {**_metadata(town, None, name), "labels": {"kubernetes.io/metadata.name": name}}
    return {
        "kind": "Namespace",
        "apiVersion": "v1",
        "metadata": meta,
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def _deployment(town: Simulation, namespace: str, name: str, first: Start) -> Object:
    service, labels = town.plan.services[name], {"app": name}
    container = {
        "name": name,
        "image": image(name, first.version),
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "env": [{"name": key, "value": value} for key, value in service.environment.items()],
        "resources": {
            "requests": {"cpu": f"{service.traits['cpu_cores'] * 1000:.0f}m", "memory": service.memory_limit},
            "limits": {"memory": service.memory_limit},
        },
        "readinessProbe": {
            "httpGet": {"path": "/ready", "port": "http", "scheme": "HTTP"},
            "timeoutSeconds": 1,
            "periodSeconds": 1,
            "successThreshold": 1,
            "failureThreshold": 3,
        },
    }
    spec: Object = {
        "replicas": first.replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": dict(labels)}, "spec": {"containers": [container]}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
    }
    if service.min_ready_seconds:
        spec["minReadySeconds"] = service.min_ready_seconds
    meta = {**_metadata(town, namespace, name), "labels": {**labels, "app.kubernetes.io/managed-by": "town"}}
    meta["annotations"] = {CAUSE: f"deploy {first.version} (ana)"}
    return with_defaults({"kind": "Deployment", "apiVersion": "apps/v1", "metadata": meta, "spec": spec, "status": {}})


def _autoscaler(town: Simulation, autoscaling: Autoscaling) -> Object:
    target = {"type": "Utilization", "averageUtilization": autoscaling.cpu_percent}
    return {
        "kind": "HorizontalPodAutoscaler",
        "apiVersion": "autoscaling/v2",
        "metadata": _metadata(town, autoscaling.namespace, autoscaling.workload),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": autoscaling.workload},
            "minReplicas": autoscaling.minimum,
            "maxReplicas": autoscaling.maximum,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
        "status": {"currentReplicas": 0, "desiredReplicas": 0, "currentMetrics": None},
    }
