"""`twokey rbac check`: how a live cluster differs from what is declared. It asks and tries in vain; nothing changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

from actions.action import Action
from actions.catalog import Catalog
from actions.clients.protocols import Guarded, WorkloadRef
from actions.errors import Denied, NotFound, Rejected
from actions.kinds import Kind
from actions.plan import Patch
from actions.rbac import accounts
from actions.rbac.places import Place, places
from actions.rbac.rights import Right, changing, reading, writing
from actions.registry import Registry

_EVERYBODY = ("selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews")  # system:basic-user
_TOO_MANY = Patch(subresource="scale", type="merge", body={"spec": {"replicas": 10_001}})  # no catalogue allows it
_UNDECLARED = Patch(type="merge", body={"metadata": {"labels": {"twokey.dev/probe": "try"}}})


@dataclass(frozen=True)
class Finding:
    """One difference. `account` is empty for our own credential."""

    kind: Literal["missing", "excess", "unconfined"]
    verb: str
    cluster: str
    namespace: str
    account: str
    right: str  # "patch deployments/scale.apps"

    @property
    def say(self) -> str:
        where = f"{self.namespace} of {self.cluster}" if self.cluster else self.namespace
        who = self.account or "our own credential"
        if self.kind == "missing":
            return f"{self.verb} needs to {self.right} in {where}: {who} may not."
        if self.kind == "excess":
            return f"{who} may {self.right} in {where}, which nothing needs: take it away."
        return f"{who} may {self.right} in {where}: no admission policy confines it."


def missing(cluster: Guarded, catalog: Catalog, registry: Registry, impersonate: bool = True) -> list[Finding]:
    """What the verbs need and do not have. Raises SourceError where a cluster cannot be asked."""
    known: dict[tuple[str, str, str, Right], bool] = {}
    found = []
    for place in places(catalog):
        for verb in registry:
            for user, right in _needs(place, verb, impersonate):
                key = (place.cluster, place.namespace, user, right)
                if key not in known:
                    known[key] = _has(cluster, place, user, right)
                if not known[key]:
                    found.append(Finding("missing", verb.verb, place.cluster, place.namespace, user, right.say))
    return found


def excess(cluster: Guarded, catalog: Catalog, registry: Registry) -> list[Finding]:
    """What our credential and the verbs' accounts may do beyond what is declared, and what confines none of them.

    Empty where a cluster does not say which rights there are. Raises SourceError where it cannot be asked.
    """
    found: list[Finding] = []
    for place in places(catalog):
        try:
            found += _too_much(cluster, place, registry)
        except NotFound:  # a stand-in for a cluster, which has no SelfSubjectRulesReview
            continue
    return found


def _needs(place: Place, verb: type[Action], impersonate: bool) -> Iterator[tuple[str, Right]]:
    """Who needs what for this verb; the empty user is ourselves."""
    for right in reading([verb], place.workloads):
        yield "", right
    for right in writing(verb, place.workloads, place.kept):
        for preview in (False, True):
            yield (accounts.user(verb.verb, place.namespace, preview) if impersonate else ""), right


def _has(cluster: Guarded, place: Place, user: str, right: Right) -> bool:
    name = right.names[0] if right.names else ""
    asked = (right.group, right.resource, right.verb, name)
    try:
        return cluster.allowed(place.cluster or None, place.namespace, *asked, user)
    except Denied:  # we may not take that part
        return False


def _too_much(cluster: Guarded, place: Place, registry: Registry) -> Iterator[Finding]:
    verbs = [verb for verb in changing(registry) if writing(verb, place.workloads, place.kept)]
    names = tuple(accounts.name(verb.verb, preview) for verb in verbs for preview in (False, True))
    ours = [*reading(registry, place.workloads), Right("", "serviceaccounts", "impersonate", names)]
    expected: dict[tuple[str, str], Iterable[Right]] = {("", ""): ours}
    for verb in verbs:
        for preview in (False, True):
            user = accounts.user(verb.verb, place.namespace, preview)
            expected[verb.verb, user] = writing(verb, place.workloads, place.kept)
    for (word, user), declared in expected.items():
        for right in sorted(_held(cluster, place, user) - _single(declared)):
            yield Finding("excess", word, place.cluster, place.namespace, user, right.say)
    for verb in verbs:
        for what in _unconfined(cluster, place, verb):
            user = accounts.user(verb.verb, place.namespace, preview=True)
            yield Finding("unconfined", verb.verb, place.cluster, place.namespace, user, what)


def _held(cluster: Guarded, place: Place, user: str) -> set[Right]:
    """Every right, without what everybody has; none where we may not take that part."""
    try:
        granted = cluster.granted(place.cluster or None, place.namespace, user)
    except Denied:
        return set()
    rights = (
        Right(group, resource, verb, rule.names)
        for rule in granted
        for group, resource, verb in product(rule.groups, rule.resources, rule.verbs)
    )
    return _single(right for right in rights if right.resource not in _EVERYBODY)


def _single(rights: Iterable[Right]) -> set[Right]:
    """One right for each object that is named."""
    return {right._replace(names=(name,) if name else ()) for right in rights for name in right.names or ("",)}


def _unconfined(cluster: Guarded, place: Place, verb: type[Action]) -> Iterator[str]:
    """What the verb's preview account gets through that it should not; one workload of a kind is tried, in vain."""
    for kind in get_args(Kind):
        scales = any(rule.resource.endswith("/scale") for rule in verb.rules)
        if scales and kind == "DaemonSet":
            continue
        for name in sorted(place.workloads.get(kind, ()))[:1]:
            ref = WorkloadRef(place.cluster or None, place.namespace, kind, name)
            tried = _TOO_MANY if scales else _UNDECLARED
            with suppress(Rejected, Denied, NotFound):
                cluster.patch(ref, tried, verb=verb.verb, request_id=None, dry_run=True)
                yield f"change what it likes in {kind} {name}"
