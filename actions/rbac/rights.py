"""Which rights follow from the rules of the verbs, in a namespace with these workloads. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple, get_args

from actions.action import Action
from actions.kinds import SERVED, KeeperKind, WorkloadKind
from actions.terms import VERSION, Risk, Rule

_READING = frozenset({"get", "list", "watch"})
_NAMED: dict[str, str] = {SERVED[kind].plural: kind for kind in (*get_args(WorkloadKind), *get_args(KeeperKind))}
_RUNNING = frozenset(get_args(WorkloadKind))
_KINDS: dict[str, frozenset[str]] = {  # a rule about these is left out where a namespace has none of these kinds
    **{plural: frozenset({kind}) for plural, kind in _NAMED.items()},
    "replicasets": frozenset({"Deployment", "Rollout"}),
    "controllerrevisions": frozenset({"StatefulSet", "DaemonSet"}),
    "pods": _RUNNING,
    "events": _RUNNING,
    "horizontalpodautoscalers": _RUNNING,
    "resourcequotas": _RUNNING,
    "poddisruptionbudgets": _RUNNING,
}
Workloads = Mapping[str, frozenset[str]]
"""Kind -> the names of those that the catalogue has there; keepers are among them."""


class Right(NamedTuple):
    """One verb on one resource; with `names` on those objects alone."""

    group: str
    resource: str
    verb: str
    names: tuple[str, ...] = ()

    @property
    def say(self) -> str:
        """`patch deployments/scale.apps`"""
        return f"{self.verb} {self.resource}" + (f".{self.group}" if self.group else "")


def changing(verbs: Iterable[type[Action]]) -> list[type[Action]]:
    """The verbs that have an account of their own."""
    return [verb for verb in verbs if verb.risk is not Risk.READ]


def writing(verb: type[Action], workloads: Workloads, kept: Workloads = MappingProxyType({})) -> list[Right]:
    """What the verb's own account may do: its writes, on the workloads of the catalogue alone; sorted.

    Of `kept` workloads a GitOps tool keeps the version, so a verb that changes versions may not change these.
    Raises ValueError where a rule asks for Secrets.
    """
    own = without(workloads, kept) if changes_versions(verb) else workloads
    return [right for right in _needed(verb.rules, own) if right.verb not in _READING]


def changes_versions(verb: type[Action]) -> bool:
    """Whether it decides which version runs."""
    return any((VERSION,) in rule.touches for rule in verb.rules)


def without(workloads: Workloads, kept: Workloads) -> Workloads:
    """Those of which no keeper keeps the version."""
    left = {kind: names - kept.get(kind, frozenset()) for kind, names in workloads.items()}
    return {kind: names for kind, names in left.items() if names}


def concerns(rule: Rule, workloads: Workloads) -> bool:
    """Whether a namespace with these has anything that the rule is about."""
    kinds = _KINDS.get(rule.resource.partition("/")[0])
    return kinds is None or bool(kinds & workloads.keys())


def reading(verbs: Iterable[type[Action]], workloads: Workloads) -> list[Right]:
    """What gateway and runner may read there, for all verbs together; sorted. Raises ValueError as `writing`."""
    rules = [rule for verb in verbs for rule in verb.rules]
    return [right for right in _needed(rules, workloads) if right.verb in _READING]


def _needed(rules: Iterable[Rule], workloads: Workloads) -> list[Right]:
    found: set[Right] = set()
    for rule in rules:
        plural = rule.resource.partition("/")[0]
        if "secrets" in rule.resource:
            raise ValueError("a verb declares a right on Secrets, which nobody gets")
        if not concerns(rule, workloads):
            continue
        for verb in rule.verbs:
            # A list cannot be limited to names; a get or a patch of a workload is of those that the catalogue has.
            named = plural in _NAMED and verb in ("get", "patch")
            names = tuple(sorted(workloads[_NAMED[plural]])) if named else ()
            found.add(Right(rule.group, rule.resource, verb, names))
    return sorted(found)
