"""The rights that the verbs need, derived from the rules that they declare, as Kubernetes RBAC.

In every namespace of the catalogue each changing verb has an account with exactly its own rules. The gateway may only
read. The runner may read and take the part of those accounts, and of no other: plain `impersonate` would be a way to
any right there is. Nobody gets Secrets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import yaml

from actions.action import Action
from actions.catalog import Catalog
from actions.clients.protocols import Cluster
from actions.registry import Registry
from actions.terms import Risk, Rule

HOME = "twokey"
"""The namespace that Twokey itself runs in."""
GATEWAY, RUNNER, READER = "twokey-gateway", "twokey-runner", "twokey-reader"

_READING = frozenset({"get", "list", "watch"})
_KINDS = {  # a rule about these is left out where a namespace has no such workload
    "deployments": {"Deployment"},
    "replicasets": {"Deployment"},
    "statefulsets": {"StatefulSet"},
    "daemonsets": {"DaemonSet"},
    "controllerrevisions": {"StatefulSet", "DaemonSet"},
}


@dataclass(frozen=True, order=True)
class Place:
    """A namespace of a cluster (a kubeconfig context, or empty), and the kinds of workload in it."""

    cluster: str
    namespace: str
    kinds: frozenset[str]


class Lack(NamedTuple):
    """A right that a verb needs and our credential does not have."""

    verb: str
    cluster: str | None
    namespace: str
    group: str
    resource: str
    right: str

    @property
    def say(self) -> str:
        where = f"{self.namespace} of {self.cluster}" if self.cluster else self.namespace
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} needs to {self.right} {resource} in {where}."


def render(catalog: Catalog, registry: Registry) -> str:
    """YAML for `kubectl apply`: accounts, roles and bindings for everything in the catalogue.

    Objects for a cluster that the catalogue names carry the label `twokey.dev/cluster`, to select them by.
    """
    documents = []
    for cluster, places in groupby(_places(catalog), key=lambda place: place.cluster):
        documents += [_account(name, HOME, cluster) for name in (GATEWAY, RUNNER)]
        for place in places:
            documents += _for_place(place, registry)
    return yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True)


def account(verb: str, namespace: str) -> str:
    """The user that a write of this verb acts as there (P4): its ServiceAccount, as Kubernetes spells it."""
    return f"system:serviceaccount:{namespace}:{_name(verb)}"


def needed(rules: Iterable[Rule], kinds: frozenset[str]) -> dict[tuple[str, str], tuple[str, ...]]:
    """(group, resource) -> rights, for a namespace with these kinds of workload; sorted.

    Raises ValueError where a rule asks for Secrets.
    """
    found: dict[tuple[str, str], set[str]] = {}
    for rule in rules:
        if "secrets" in rule.resource:
            raise ValueError("a verb declares a right on Secrets, which nobody gets")
        only = _KINDS.get(rule.resource.partition("/")[0])
        if only is None or only & kinds:
            found.setdefault((rule.group, rule.resource), set()).update(rule.verbs)
    return {key: tuple(sorted(rights)) for key, rights in sorted(found.items())}


def check(cluster: Cluster, catalog: Catalog, registry: Registry) -> list[Lack]:
    """What the credential in use lacks for each verb and namespace; empty where it can do everything.

    Raises SourceError where a cluster cannot be asked.
    """
    known: dict[tuple[str, str, str, str, str], bool] = {}
    lacks = []
    for place in _places(catalog):
        for verb in registry:
            for (group, resource), rights in needed(verb.rules, place.kinds).items():
                for right in rights:
                    key = (place.cluster, place.namespace, group, resource, right)
                    if key not in known:
                        known[key] = cluster.allowed(place.cluster or None, *key[1:])
                    if not known[key]:
                        lacks.append(Lack(verb.verb, place.cluster or None, *key[1:]))
    return lacks


def _places(catalog: Catalog) -> list[Place]:
    """Every namespace that a service runs in."""
    kinds: dict[tuple[str, str], set[str]] = {}
    for service in catalog.services:
        for environment in catalog.environments_of(service):
            ref = catalog.ref(service, environment)
            kinds.setdefault((ref.cluster or "", ref.namespace), set()).add(ref.kind)
    return sorted(Place(*where, frozenset(found)) for where, found in kinds.items())


def _for_place(place: Place, registry: Registry) -> Iterator[dict[str, Any]]:
    """The verbs' accounts with their rules, what everybody reads, and whose part the runner may take."""
    changing = [verb for verb in registry if verb.risk is not Risk.READ]
    for verb in changing:
        name = _name(verb.verb)
        yield _account(name, place.namespace, place.cluster)
        yield _role(name, place, _policy(needed(verb.rules, place.kinds)))
        yield _binding(name, place, [(name, place.namespace)])
    yield _role(READER, place, _policy(needed(_reading(registry), place.kinds)))
    yield _binding(READER, place, [(GATEWAY, HOME), (RUNNER, HOME)])
    names = [_name(verb.verb) for verb in changing]
    rule = {"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": names, "verbs": ["impersonate"]}
    yield _role(RUNNER, place, [rule])
    yield _binding(RUNNER, place, [(RUNNER, HOME)])


def _reading(verbs: Iterable[type[Action]]) -> Iterator[Rule]:
    for verb in verbs:
        for rule in verb.rules:
            if rights := tuple(right for right in rule.verbs if right in _READING):
                yield rule._replace(verbs=rights)


def _policy(rules: dict[tuple[str, str], tuple[str, ...]]) -> list[dict[str, Any]]:
    return [
        {"apiGroups": [group], "resources": [resource], "verbs": list(rights)}
        for (group, resource), rights in rules.items()
    ]


def _account(name: str, namespace: str, cluster: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _meta(name, namespace, cluster)}


def _role(name: str, place: Place, rules: list[dict[str, Any]]) -> dict[str, Any]:
    meta = _meta(name, place.namespace, place.cluster)
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta, "rules": rules}


def _binding(name: str, place: Place, accounts: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": _meta(name, place.namespace, place.cluster),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": who, "namespace": where} for who, where in accounts],
    }


def _meta(name: str, namespace: str, cluster: str) -> dict[str, Any]:
    labels = {"app.kubernetes.io/part-of": "twokey", **({"twokey.dev/cluster": cluster} if cluster else {})}
    return {"name": name, "namespace": namespace, "labels": labels}


def _name(verb: str) -> str:
    return f"twokey-{verb.replace('_', '-')}"
