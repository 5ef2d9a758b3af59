"""`twokey rbac render`: everything that a cluster has to hold before Twokey may act in it, for `kubectl apply`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import yaml

from actions.catalog import Catalog
from actions.rbac import accounts, confinement
from actions.rbac.accounts import GATEWAY, HOME, READER, RUNNER
from actions.rbac.places import Place, places
from actions.rbac.rights import Right, changing, reading, writing
from actions.registry import Registry

_RBAC = "rbac.authorization.k8s.io"
_EGRESS = (443, 6443, 5432, 9090, 3100)  # Slack and models, API servers, PostgreSQL, Prometheus, Loki
_CALLED = {"app.kubernetes.io/component": "gateway"}  # what Slack's requests go to in HTTP mode
Manifest = dict[str, Any]


def render(catalog: Catalog, registry: Registry, http_port: int | None = None) -> str:
    """YAML for everything in the catalogue.

    With `http_port` the pods that carry the label `app.kubernetes.io/component: gateway` may be called there, as Slack
    does over HTTP; without it nobody calls in.
    Objects for a cluster that the catalogue names carry the label `twokey.dev/cluster`, to select them by.
    """
    documents: list[Manifest] = []
    for cluster, found in groupby(places(catalog), key=lambda place: place.cluster):
        documents += _labelled(cluster, _home(http_port))
        documents += _labelled(cluster, confinement.previews(registry))
        for place in found:
            documents += _labelled(cluster, _for_place(place, registry))
    return yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True, width=1000)


def _home(http_port: int | None) -> Iterator[Manifest]:
    """Where Twokey itself runs: nothing privileged, nobody calls in, and it calls out to what it needs alone."""
    meta = {"name": HOME, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}
    yield from (_account(who, HOME) for who in (GATEWAY, RUNNER))
    dns = {"ports": [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]}
    out = {"ports": [{"port": port, "protocol": "TCP"} for port in _EGRESS]}
    sides = {"policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": [dns, out]}
    yield _network("twokey", {"podSelector": {}, **sides})
    if http_port is not None:  # rules add up, so the runner stays closed
        way_in = {"policyTypes": ["Ingress"], "ingress": [{"ports": [{"port": http_port, "protocol": "TCP"}]}]}
        yield _network("twokey-http", {"podSelector": {"matchLabels": _CALLED}, **way_in})


def _network(name: str, spec: Manifest) -> Manifest:
    meta = {"name": name, "namespace": HOME}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec}


def _for_place(place: Place, registry: Registry) -> Iterator[Manifest]:
    """The verbs' accounts with their rights, what everybody reads, and whose part gateway and runner may take."""
    where = place.namespace
    verbs = [verb for verb in changing(registry) if writing(verb, place.workloads, place.kept)]
    for verb in verbs:
        own, preview = accounts.name(verb.verb), accounts.name(verb.verb, preview=True)
        yield from (_account(who, where) for who in (own, preview))
        yield from _role(
            own, where, _rules(writing(verb, place.workloads, place.kept)), [(own, where), (preview, where)]
        )
        yield from confinement.of_verb(verb, place, registry)
    both = [(GATEWAY, HOME), (RUNNER, HOME)]
    yield from _role(READER, where, _rules(reading(registry, place.workloads)), both)
    previews = [accounts.name(verb.verb, preview=True) for verb in verbs]
    yield from _role(GATEWAY, where, [_impersonate(previews)], both)
    yield from _role(RUNNER, where, [_impersonate([accounts.name(verb.verb) for verb in verbs])], [(RUNNER, HOME)])


def _impersonate(names: list[str]) -> Manifest:
    """By name: plain `impersonate` would be a way to any right there is."""
    return {"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": names, "verbs": ["impersonate"]}


def _rules(rights: Iterable[Right]) -> Iterator[Manifest]:
    """One rule a resource and set of names."""
    by_object: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for right in rights:
        by_object.setdefault((right.group, right.resource, right.names), []).append(right.verb)
    for (group, resource, names), verbs in by_object.items():
        rule: Manifest = {"apiGroups": [group], "resources": [resource], "verbs": verbs}
        yield {**rule, "resourceNames": list(names)} if names else rule


def _account(name: str, namespace: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}


def _role(
    name: str, namespace: str, rules: Iterable[Manifest], holders: Iterable[tuple[str, str]]
) -> Iterator[Manifest]:
    """A Role and its binding, both of this name."""
    meta, version = {"name": name, "namespace": namespace}, f"{_RBAC}/v1"
    subjects = [{"kind": "ServiceAccount", "name": who, "namespace": where} for who, where in holders]
    yield {"apiVersion": version, "kind": "Role", "metadata": meta, "rules": list(rules)}
    yield {
        "apiVersion": version,
        "kind": "RoleBinding",
        "metadata": meta,
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": name},
        "subjects": subjects,
    }


def _labelled(cluster: str, manifests: Iterable[Manifest]) -> Iterator[Manifest]:
    labels = {"app.kubernetes.io/part-of": "twokey", **({"twokey.dev/cluster": cluster} if cluster else {})}
    for manifest in manifests:
        meta = manifest["metadata"]
        yield {**manifest, "metadata": {**meta, "labels": {**meta.get("labels", {}), **labels}}}
