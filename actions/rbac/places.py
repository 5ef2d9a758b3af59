"""Every namespace that a service runs in, and what the catalogue allows for the workloads there."""

from __future__ import annotations

from dataclasses import dataclass, field

from actions.catalog import Catalog
from actions.rbac.rights import Workloads

_PLURAL = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}


@dataclass(frozen=True)
class Place:
    """A namespace of a cluster. `cluster` is a kubeconfig context, or empty."""

    cluster: str
    namespace: str
    workloads: Workloads
    limits: dict[str, str] = field(default_factory=dict)
    """`deployments.checkout.replicas` -> at most how many; `deployments.checkout.image.app` -> the repository of that
    container, empty where any tag of the one that it has will do."""


def places(catalog: Catalog) -> list[Place]:
    """In the order of cluster and namespace."""
    workloads: dict[tuple[str, str], dict[str, set[str]]] = {}
    limits: dict[tuple[str, str], dict[str, str]] = {}
    for service, entry in catalog.services.items():
        for environment in catalog.environments_of(service):
            ref = catalog.ref(service, environment)
            where = (ref.cluster or "", ref.namespace)
            workloads.setdefault(where, {}).setdefault(ref.kind, set()).add(ref.name)
            held, key = limits.setdefault(where, {}), f"{_PLURAL[ref.kind]}.{ref.name}"
            # Several services may share a workload, each with a container of its own.
            held[f"{key}.replicas"] = str(max(entry.max_replicas, int(held.get(f"{key}.replicas", 0))))
            held[f"{key}.image.{catalog.container(service)}"] = entry.image or ""
    return [
        Place(*where, {kind: frozenset(names) for kind, names in found.items()}, limits[where])
        for where, found in sorted(workloads.items())
    ]
