"""Every namespace that a service runs in, and what the catalogue allows for the workloads there."""

from __future__ import annotations

from collections.abc import Mapping
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
    ceilings: Mapping[str, int] = field(default_factory=dict)
    """`deployments.checkout` -> at most how many replicas."""
    repositories: Mapping[str, str] = field(default_factory=dict)
    """`deployments.checkout/app` -> where that container's image comes from; empty where any tag of the one that it
    has will do."""


def places(catalog: Catalog) -> list[Place]:
    """In the order of cluster and namespace."""
    workloads: dict[tuple[str, str], dict[str, set[str]]] = {}
    ceilings: dict[tuple[str, str], dict[str, int]] = {}
    repositories: dict[tuple[str, str], dict[str, str]] = {}
    for service, entry in catalog.services.items():
        for environment in catalog.environments_of(service):
            ref = catalog.ref(service, environment)
            where, key = (ref.cluster or "", ref.namespace), f"{_PLURAL[ref.kind]}.{ref.name}"
            workloads.setdefault(where, {}).setdefault(ref.kind, set()).add(ref.name)
            # Several services may share a workload, each with a container of its own.
            bounds = ceilings.setdefault(where, {})
            bounds[key] = max(entry.max_replicas, bounds.get(key, 0))
            repositories.setdefault(where, {})[f"{key}/{catalog.container(service)}"] = entry.image or ""
    return [
        Place(*where, {kind: frozenset(names) for kind, names in found.items()}, ceilings[where], repositories[where])
        for where, found in sorted(workloads.items())
    ]
