"""Which fields each verb's account may change, as ValidatingAdmissionPolicies: the cluster refuses the rest (P2).

RBAC ends at the resource: whoever may patch a Deployment may give it another ServiceAccount. A policy compares the
object before and after, and lets nothing differ but the paths that the verb declares (`Rule.touches`). CEL has no
"equal except", but an object is a map to it, so each level is compared key by key; what a newer Kubernetes adds is
thereby confined, too. `dyn` keeps the cluster's type checker, which knows no such loop, from warning.

What the catalogue says (repositories, replicas) stands in the policy itself, one for each verb and namespace.
Parameters in an object of their own would be tidier, but where that object is missing the API server refuses
everybody's writes, before it looks whose they are.
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from actions.action import Action
from actions.kinds import SERVED
from actions.rbac import accounts, versions
from actions.rbac.cel import alike_but, listed
from actions.rbac.places import Place
from actions.rbac.rights import changes_versions, concerns, without
from actions.rbac.versions import REPOSITORY
from actions.terms import EACH, OURS, VERSION, Path, Rule

_SERVER: dict[str, Any] = {  # the API server itself keeps these
    "metadata": {
        "generation": {},
        "managedFields": {},
        "resourceVersion": {},
        "annotations": {"deprecated.daemonset.template.generation": {}},
    },
    "status": {},
}
Manifest = dict[str, Any]
Tree = Mapping[str, Any]
"""What may differ, by key; an empty one is a leaf: anything there may."""

_SECRETS = {"env": ".?valueFrom.?secretKeyRef", "envFrom": ".?secretRef"}  # where a variable may refer to a Secret
_PLURAL = "request.resource.resource + (has(request.subResource) ? '/' + request.subResource : '')"
_WORKLOAD = (  # as `Place` names it; an autoscaler is about the workload that it scales
    "request.resource.resource == 'horizontalpodautoscalers'"
    " ? object.spec.scaleTargetRef.kind.lowerAscii() + 's.' + object.spec.scaleTargetRef.name"
    " : request.resource.resource + '.' + request.name"
)
_CEILING = "variables.ceilings[variables.workload]"
_CONTAINER = "variables.workload + '/' + c.name"
_BOUNDED = ("replicas", "minReplicas", "maxReplicas")


def of_verb(verb: type[Action], place: Place, verbs: Iterable[type[Action]]) -> Iterator[Manifest]:
    """The policy, and its binding, that confines a verb's accounts of one namespace; it concerns nobody else."""
    own, preview = (accounts.user(verb.verb, place.namespace, tried) for tried in (False, True))
    yield from _policy(
        f"{accounts.name(verb.verb)}-{place.namespace}",
        f"request.userInfo.username in {listed((own, preview))}",
        verbs,
        _variables(verb, place),
        list(_validations(verb, place)),
    )


def previews(verbs: Iterable[type[Action]]) -> Iterator[Manifest]:
    """What every account is held to that may only try a change (P3)."""
    user = f"^system:serviceaccount:[^:]+:twokey-.+{accounts.PREVIEW}$"
    only_try = {
        "expression": "has(request.dryRun) && request.dryRun",
        "message": "this account may only try a change, with dryRun=All",
    }
    yield from _policy("twokey-previews", f"request.userInfo.username.matches('{user}')", verbs, [], [only_try])


def _policy(
    name: str,
    account: str,
    verbs: Iterable[type[Action]],
    variables: list[dict[str, str]],
    validations: list[dict[str, str]],
) -> Iterator[Manifest]:
    """For every resource that any verb patches, so that no account gets at another's."""
    groups: dict[str, set[str]] = {}
    for group, resource in ((rule.group, rule.resource) for verb in verbs for rule in verb.rules if _patches(rule)):
        groups.setdefault(group, set()).add(resource)
    every = {"apiVersions": ["*"], "operations": ["*"]}
    rules = [{"apiGroups": [group], **every, "resources": sorted(found)} for group, found in sorted(groups.items())]
    spec: Manifest = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": rules},
        "matchConditions": [{"name": "account", "expression": account}],
        "validations": validations,
    }
    if variables:
        spec["variables"] = variables
    bound = {"policyName": name, "validationActions": ["Deny"]}
    for kind, content in (("ValidatingAdmissionPolicy", spec), ("ValidatingAdmissionPolicyBinding", bound)):
        yield {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": content,
        }


def _variables(verb: type[Action], place: Place) -> list[dict[str, str]]:
    """What it is about, what the catalogue says, and every level of the object that is compared, before and after."""
    found = {
        "resource": _PLURAL,
        "workload": _WORKLOAD,
        "ceilings": json.dumps(place.ceilings, sort_keys=True),
        "repositories": json.dumps(place.repositories, sort_keys=True),
        **versions.variables(place),
    }
    for touches, resources in _touched(verb, place).items():
        for path, _ in _levels(_allowed(touches, resources)):
            for age, whole in (("new", "object"), ("old", "oldObject")):
                parent = f"variables.{_variable(age, path[:-1])}" if path else ""
                inner = f"('{path[-1]}' in {parent} ? {parent}['{path[-1]}'] : dyn({{}}))" if path else ""
                found[_variable(age, path)] = inner or f"dyn({whole})"
    return [{"name": name, "expression": expression} for name, expression in found.items()]


def _validations(verb: type[Action], place: Place) -> Iterator[dict[str, str]]:
    known = listed(_names(verb, place))
    mine = [resource for resources in _touched(verb, place).values() for resource in resources]
    yield {
        "expression": f"request.operation == 'UPDATE' && variables.resource in {listed(mine)}",
        "message": f"{verb.verb} may patch {', '.join(mine)}, and do nothing else",
    }
    yield {
        "expression": f"request.namespace == '{place.namespace}' && variables.workload in {known}",
        "message": "the catalogue has no such workload here; apply `twokey rbac render` after a change of it",
    }
    for touches, resources in _touched(verb, place).items():
        for path, tree in _levels(_allowed(touches, resources)):
            same = _same(f"variables.{_variable('new', path)}", f"variables.{_variable('old', path)}", tree, "k")
            message = f"{verb.verb} may not change this in {'.'.join(path) or 'the object'}"
            yield _about(resources, same, message)
        for expression, message in _limits(touches):
            yield _about(resources, expression, message)
        for resource in resources:
            for path in versions.touched(place, resource):
                yield _about([resource], *versions.limits(place, path, _whole))


def _about(resources: list[str], expression: str, message: str) -> dict[str, str]:
    return {"expression": f"!(variables.resource in {listed(resources)}) || ({expression})", "message": message}


def _limits(touches: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """What holds for a field that may change: how many replicas, where images come from, and no new way to a Secret."""
    for path in touches:
        if path[-1] in _BOUNDED:
            new, old = (f"variables.{_variable(age, path[:-1])}[?'{path[-1]}']" for age in ("new", "old"))
            bounded = f"{new} == {old} || {new}.orValue(0) <= {_CEILING}"
            yield bounded, "the catalogue allows fewer replicas (max_replicas)"
        if path[-1] == "image":
            yield _images(path), "the image is of another repository than the catalogue says, or than the one before"
        if path[-1] in _SECRETS:
            yield _no_new_secret(path), "it refers to a Secret that it did not refer to"


def _containers(path: Path) -> tuple[str, str]:
    """The list of containers after and before, for a path that ends `containers, EACH, field`."""
    new, old = (f"variables.{_variable(age, path[:-3])}[?'{path[-3]}'].orValue([])" for age in ("new", "old"))
    return new, old


def _images(path: Path) -> str:
    new, old = _containers(path)
    wanted, said = REPOSITORY.format("c.image"), f"variables.repositories[?{_CONTAINER}].orValue('')"
    before = f"{old}.filter(p, p.name == c.name).map(p, {REPOSITORY.format('p.image')})"
    return f"{new}.all(c, {said} != '' ? {wanted} == {said} : {wanted} in {before})"


def _no_new_secret(path: Path) -> str:
    """References are compared whatever they are called: a renamed variable is no new way to a Secret."""
    new, old = _containers(path)
    field, secret = path[-1], _SECRETS[path[-1]]
    same = f"p[?'{field}'].orValue([]).exists(q, q{secret}.hasValue() && q{secret} == e{secret})"
    before = f"{old}.exists(p, p.name == c.name && {same})"
    return f"{new}.all(c, c[?'{field}'].orValue([]).all(e, !e{secret}.hasValue() || {before}))"


def _same(new: str, old: str, tree: Tree, k: str) -> str:
    """That two maps are equal, except where the tree lets them differ; `k` is the loop's variable.

    Levels below which are maps have a comparison of their own; lists of named things are compared here.
    """
    parts = [alike_but(new, old, tree, k)]
    for key, inner in tree.items():
        if inner.keys() & {EACH, OURS}:
            ours, others = inner.get(OURS, inner.get(EACH)), inner.get(EACH, {"name": {}})
            now, then = f"{new}[?'{key}'].orValue([])", f"{old}[?'{key}'].orValue([])"
            parts.append(f"{now}.map(c, c.name) == {then}.map(c, c.name)")
            same = _same("c", "p", others, "f")
            if ours != others:
                same = f"(({_CONTAINER}) in variables.repositories ? {_same('c', 'p', ours, 'f')} : c == p)"
            parts.append(f"{now}.all(c, {then}.exists(p, p.name == c.name && {same}))")
    return " && ".join(parts)


def _levels(tree: Tree, path: Path = ()) -> Iterator[tuple[Path, Tree]]:
    """Every map that is compared key by key, from the outside to the inside."""
    yield path, tree
    for key, inner in tree.items():
        if inner and not inner.keys() & {EACH, OURS}:
            yield from _levels(inner, (*path, key))


def _allowed(touches: Iterable[Path], resources: Iterable[str]) -> Tree:
    """What may change, and what the server changes by itself."""
    tree = copy.deepcopy(_SERVER)
    if "applications" in resources:  # their status is what any patch may set: no subresource of its own keeps it apart
        del tree["status"]
    for path in touches:
        level = tree
        for key in path:
            level = level.setdefault(key, {})
    return tree


def _touched(verb: type[Action], place: Place) -> dict[tuple[Path, ...], list[str]]:
    """The fields that the verb may change here -> on which resources."""
    found: dict[tuple[Path, ...], list[str]] = {}
    for rule in verb.rules:
        if _patches(rule) and concerns(rule, place.workloads):
            kept = versions.touched(place, rule.resource) if (VERSION,) in rule.touches else []
            touches = (*(path for path in rule.touches if path != (VERSION,)), *kept)
            found.setdefault(touches, []).append(rule.resource)
    return found


def _names(verb: type[Action], place: Place) -> list[str]:
    """What the verb may be about, as `_WORKLOAD` spells it."""
    mine = without(place.workloads, place.kept) if changes_versions(verb) else place.workloads
    return sorted(f"{SERVED[kind].plural}.{name}" for kind, names in mine.items() for name in names)  # type: ignore[index]


def _patches(rule: Rule) -> bool:
    return "patch" in rule.verbs


def _whole(age: str, path: Path) -> str:
    """How the policy calls what stands there in the object."""
    return f"variables.{_variable(age, path)}"


def _variable(age: str, path: Path) -> str:
    return "_".join(re.sub(r"\W", "_", part) for part in (age, *path))
