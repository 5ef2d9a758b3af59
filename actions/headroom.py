"""Whether the quotas of a namespace leave room for the pods that a change needs. Pure functions.

https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from actions import objects, strategy
from actions.clients.protocols import Quota
from actions.plan import Caution

_COUNTED = ("pods", "count/pods")
_FACTORS = {  # https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    **{
        suffix: Decimal(1000) ** power
        for power, suffix in enumerate(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), -3)
    },
    **{suffix: Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
}


class Limit(NamedTuple):
    """The quota that leaves the least: for how many more pods, and how much of what is used."""

    room: int
    quota: str
    resource: str
    used: str
    hard: str

    @property
    def numbers(self) -> str:
        """`pods: 5 of 6 used`"""
        return f"{self.resource}: {self.used} of {self.hard} used"


def of_scale(live: Mapping[str, Any], wanted: int, quotas: Sequence[Quota]) -> tuple[Caution, ...]:
    """What the quotas say to this number of replicas."""
    needed = wanted - int((live.get("status") or {}).get("replicas", 0))
    found = tightest(objects.template(live), quotas)
    if found is None or needed <= found.room:
        return ()
    left = (
        f"leaves room for {found.room} more {'pod' if found.room == 1 else 'pods'}" if found.room else "leaves no room"
    )
    text = f"quota {found.quota} {left} ({found.numbers}), and this needs {needed}: the rest will be refused"
    return (Caution(code="quota", text=text),)


def of_rollout(live: Mapping[str, Any], template: Mapping[str, Any], quotas: Sequence[Quota]) -> tuple[Caution, ...]:
    """What the quotas say to a rollout of this template that starts a pod before it stops one."""
    if objects.running(live) == 0 or not strategy.starts_first(live):
        return ()
    found = tightest(template, quotas)
    if found is None or found.room > 0:
        return ()
    text = f"quota {found.quota} leaves no room for one more pod ({found.numbers})"
    text += ": this rollout starts one before it stops one, so it cannot begin"
    return (Caution(code="quota", text=text),)


def tightest(template: Mapping[str, Any], quotas: Iterable[Quota]) -> Limit | None:
    """The limit that is reached first by pods of this template; None where no quota counts anything that they use."""
    found = []
    for quota in quotas:
        for resource, hard in quota.hard.items():
            used, each = amount(quota.used.get(resource)), _of_a_pod(template, resource)
            most = amount(hard)
            if used is not None and most is not None and each > 0:
                room = max(0, int((most - used) // each))
                found.append(Limit(room, quota.name, resource, quota.used[resource], hard))
    return min(found, key=lambda limit: limit.room, default=None)


def amount(text: object) -> Decimal | None:
    """A quantity (`500m`, `1Gi`, `2e3`) as a number; None where it is none."""
    said = str(text)
    suffix = next((s for s in sorted(_FACTORS, key=len, reverse=True) if s and said.endswith(s)), "")
    try:
        return Decimal(said.removesuffix(suffix)) * _FACTORS[suffix]
    except InvalidOperation:
        return None


def _of_a_pod(template: Mapping[str, Any], resource: str) -> Decimal:
    """How much of what a quota counts one pod takes: all containers together, or the greediest of those before them."""
    if resource in _COUNTED:
        return Decimal(1)
    kind, dot, name = resource.partition(".")
    kind, name = (kind, name) if dot and kind in ("requests", "limits") else ("requests", resource)
    spec = template.get("spec") or {}
    first = spec.get("initContainers") or ()
    beside = [each for each in first if each.get("restartPolicy") == "Always"]
    together = sum((_takes(each, kind, name) for each in (*spec.get("containers", ()), *beside)), Decimal(0))
    return max([together, *(_takes(each, kind, name) for each in first)])


def _takes(container: Mapping[str, Any], kind: str, name: str) -> Decimal:
    """What is not requested is requested as far as it is limited."""
    said = container.get("resources") or {}
    stated = (said.get(kind) or {}).get(name) or (said.get("limits") or {}).get(name)
    return amount(stated) or Decimal(0)
