"""What a namespace's limits say to a change before anybody is asked: its quotas, and the budgets of its pods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from actions import disruption, headroom, objects, strategy
from actions.clients.protocols import Budget, WorkloadRef
from actions.errors import Denied, NotFound, Rejected
from actions.plan import Caution
from actions.terms import Rule
from actions.toolbox import Toolbox

RULES = (
    Rule("", "resourcequotas", ("list",)),
    Rule("policy", "poddisruptionbudgets", ("list",)),
)
"""What reading them needs."""


def of_scale(tools: Toolbox, ref: WorkloadRef, live: Mapping[str, Any], wanted: int) -> tuple[Caution, ...]:
    """What they say to this number of replicas. Raises Unreachable."""
    if wanted > objects.replicas(live):
        return _read("quota", lambda: headroom.of_scale(live, wanted, tools.cluster.quotas(ref)))
    return _read("disruption budget", lambda: disruption.of_scale(live, wanted, _budgets(tools, ref, live)))


def of_rollout(
    tools: Toolbox, ref: WorkloadRef, live: Mapping[str, Any], template: Mapping[str, Any]
) -> tuple[Caution, ...]:
    """What they say to new pods of this template in place of the present ones. Raises Unreachable."""
    found: tuple[Caution, ...] = ()
    if strategy.starts_first(live):
        found = _read("quota", lambda: headroom.of_rollout(live, template, tools.cluster.quotas(ref)))
    return found + _read("disruption budget", lambda: disruption.of_rollout(live, _budgets(tools, ref, live)))


def _budgets(tools: Toolbox, ref: WorkloadRef, live: Mapping[str, Any]) -> list[Budget]:
    labels = (objects.template(live).get("metadata") or {}).get("labels") or {}
    return tools.cluster.budgets(ref, labels)


def _read(what: str, look: Callable[[], tuple[Caution, ...]]) -> tuple[Caution, ...]:
    """What may not be read is said: it is a caution less, and no reason to refuse the change."""
    try:
        return look()
    except (Denied, NotFound, Rejected) as error:
        text = f"I cannot tell whether a {what} stands in the way: {error.say.rstrip('.')}"
        return (Caution(code="unread", text=text),)
