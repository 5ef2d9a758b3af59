"""What a catalogue says of each object in a cluster: by which names it is reached, and what they bind it to. Pure.

A policy speaks of names, and the catalogue says what they mean. So two catalogues are told apart object by object
(`relocation`), whatever either of them calls it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from actions.catalog import Catalog, EvalSuite
from actions.clients.protocols import WorkloadRef

Namespace = tuple[str | None, str]
"""Of which cluster, and its name."""


class Place(NamedTuple):
    """One object in a cluster, or the field of one in which a GitOps tool keeps a version."""

    cluster: str | None
    namespace: str
    kind: str
    name: str
    field: str = ""

    @property
    def whole(self) -> Place:
        """The object, whatever field of it."""
        return self._replace(field="")

    def __str__(self) -> str:
        """`Deployment payments in shop`."""
        there = f" of {self.cluster}" if self.cluster else ""
        return f"{self.kind} {self.name} in {self.namespace}{there}" + (f" ({self.field})" if self.field else "")


class Way(NamedTuple):
    """A name under which it can be asked for; the service is None where the policy names no such service."""

    service: str | None
    environment: str


class Terms(NamedTuple):
    """What one name of an object binds it to."""

    way: Way
    most: int  # replicas
    brings: str  # what a deploy puts where
    proofs: tuple[EvalSuite, ...]  # the evals that a deploy should have passed


@dataclass(frozen=True)
class Bound:
    """What holds for one object. Equal where the policy can tell no difference, whatever its names are."""

    terms: frozenset[Terms]
    names: tuple[str, ...] = field(compare=False)  # `payments in prod`

    @property
    def ways(self) -> frozenset[Way]:
        """The names under which it can be asked for, as far as the policy tells them apart."""
        return frozenset(each.way for each in self.terms)


class Whereabouts(NamedTuple):
    """A catalogue by its objects, and which environments have workloads in a namespace."""

    places: dict[Place, Bound]
    objects: dict[Place, frozenset[Way]]  # by all of its fields
    namespaces: dict[Namespace, frozenset[str]]


def of(catalog: Catalog, told_apart: Collection[str]) -> Whereabouts:
    """Every object that this catalogue reaches; `told_apart` are the services that the policy names."""
    found: dict[Place, list[tuple[str, str]]] = {}
    shared: dict[Namespace, set[str]] = {}
    for service in catalog.services:
        for environment in catalog.environments_of(service):
            for place in _places(catalog, service, environment):
                found.setdefault(place, []).append((service, environment))
                shared.setdefault((place.cluster, place.namespace), set()).add(environment)
    for name, entry in catalog.environments.items():
        shared.setdefault((entry.cluster, entry.namespace or name), set()).add(name)
    places = {place: _bound(catalog, names, told_apart) for place, names in found.items()}
    objects: dict[Place, frozenset[Way]] = {}
    for place, bound in places.items():
        objects[place.whole] = objects.get(place.whole, frozenset()) | bound.ways
    return Whereabouts(places, objects, {where: frozenset(environments) for where, environments in shared.items()})


def _places(catalog: Catalog, service: str, environment: str) -> Iterator[Place]:
    yield _place(catalog.ref(service, environment))
    kept = catalog.kept(service, environment)
    if kept:
        yield _place(kept.ref, kept.where)


def _place(ref: WorkloadRef, path: str = "") -> Place:
    return Place(ref.cluster, ref.namespace, ref.kind, ref.name, path)


def _bound(catalog: Catalog, names: list[tuple[str, str]], told_apart: Collection[str]) -> Bound:
    return Bound(
        terms=frozenset(_terms(catalog, service, environment, told_apart) for service, environment in names),
        names=tuple(f"{service} in {environment}" for service, environment in names),
    )


def _terms(catalog: Catalog, service: str, environment: str, told_apart: Collection[str]) -> Terms:
    entry = catalog.services[service]
    return Terms(
        way=Way(service if service in told_apart else None, environment),
        most=entry.max_replicas,
        brings=f"{entry.image or 'the repository that it has'} in {catalog.container(service)}",
        proofs=entry.evals,
    )
