"""Which rights follow from the rules of the verbs, in a namespace with these workloads. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from actions.action import Action
from actions.terms import Risk, Rule

_READING = frozenset({"get", "list", "watch"})
_KINDS = {  # a rule about these is left out where a namespace has no such workload
    "deployments": {"Deployment"},
    "replicasets": {"Deployment"},
    "statefulsets": {"StatefulSet"},
    "daemonsets": {"DaemonSet"},
    "controllerrevisions": {"StatefulSet", "DaemonSet"},
}
_NAMED = {"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet"}
Workloads = Mapping[str, frozenset[str]]
"""Kind -> the names of those that the catalogue has there."""


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


def writing(verb: type[Action], workloads: Workloads) -> list[Right]:
    """What the verb's own account may do: its writes, on the workloads of the catalogue alone; sorted.

    Raises ValueError where a rule asks for Secrets.
    """
    return [right for right in _needed(verb.rules, workloads) if right.verb not in _READING]


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
        if plural in _KINDS and not _KINDS[plural] & workloads.keys():
            continue
        for verb in rule.verbs:
            # A list cannot be limited to names; a get or a patch of a workload is of those that the catalogue has.
            named = plural in _NAMED and verb in ("get", "patch")
            names = tuple(sorted(workloads[_NAMED[plural]])) if named else ()
            found.add(Right(rule.group, rule.resource, verb, names))
    return sorted(found)
