"""Every namespace that a service runs in or its version is kept in, and what the catalogue allows for what is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from actions.catalog import Catalog
from actions.clients.protocols import WorkloadRef
from actions.kinds import SERVED

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """A namespace of a cluster. `cluster` is a kubeconfig context, or empty."""

    cluster: str
    namespace: str
    workloads: dict[str, frozenset[str]] = field(default_factory=dict)
    """Kind -> names; keepers are among them."""
    kept: dict[str, frozenset[str]] = field(default_factory=dict)
    """The workloads of which a keeper keeps the version."""
    ceilings: dict[str, int] = field(default_factory=dict)
    """`deployments.checkout` -> at most how many replicas."""
    repositories: dict[str, str] = field(default_factory=dict)
    """`deployments.checkout/app` -> where that container's image comes from; empty where any tag of the one that it
    has will do."""
    versions: dict[str, frozenset[str]] = field(default_factory=dict)
    """`applications.checkout-prod` -> where in it versions are kept."""
    sources: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    """`applications.checkout-prod` -> the same, each with what its source is called, where there are several."""
    images: dict[str, frozenset[str]] = field(default_factory=dict)
    """`applications.checkout-prod` -> the repositories of the images whose versions it keeps."""


def places(catalog: Catalog) -> list[Place]:
    """In the order of cluster and namespace."""
    found: dict[tuple[str, str], Place] = {}
    for service, environment in _everywhere(catalog):
        entry, ref = catalog.services[service], catalog.ref(service, environment)
        kept, place = catalog.kept(service, environment), _at(found, ref)
        _add(place.workloads, ref.kind, ref.name)
        # Several services may share a workload, each with a container of its own.
        key = _key(ref)
        place.ceilings[key] = max(entry.max_replicas, place.ceilings.get(key, 0))
        place.repositories[f"{key}/{catalog.container(service)}"] = entry.image or ""
        if kept:
            _add(place.kept, ref.kind, ref.name)
            home = _at(found, kept.ref)
            _add(home.workloads, kept.ref.kind, kept.ref.name)
            _add(home.versions, _key(kept.ref), kept.path)
            _add(home.sources, _key(kept.ref), (kept.path, kept.source))
            _add(home.images, _key(kept.ref), kept.repository)
    return [found[where] for where in sorted(found)]


def _everywhere(catalog: Catalog) -> Iterator[tuple[str, str]]:
    for service in catalog.services:
        for environment in catalog.environments_of(service):
            yield service, environment


def _at(found: dict[tuple[str, str], Place], ref: WorkloadRef) -> Place:
    where = (ref.cluster or "", ref.namespace)
    return found.setdefault(where, Place(*where))


def _add(names: dict[str, frozenset[T]], key: str, name: T) -> None:
    names[key] = names.get(key, frozenset()) | {name}


def _key(ref: WorkloadRef) -> str:
    return f"{SERVED[ref.kind].plural}.{ref.name}"
