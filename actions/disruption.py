"""What a PodDisruptionBudget says to a change. Pure functions.

The cluster holds evictions to a budget, and neither rollouts nor scaling: so what a change does to one is for people
to know. https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-budgets
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from actions import objects, strategy
from actions.clients.protocols import Budget
from actions.plan import Caution

CODE = "disruption_budget"


def of_scale(live: Mapping[str, Any], wanted: int, budgets: Sequence[Budget]) -> tuple[Caution, ...]:
    """Budgets that would be broken, or used up, with fewer replicas."""
    before, found = objects.replicas(live), []
    for budget in budgets:
        least = _least(budget, wanted)
        if wanted >= before or not _alone(budget, before) or wanted > least:
            continue
        wants = f"disruption budget {budget.name} wants at least {least} available"
        if wanted == least:
            text = f"{wants}, and no more would be left: nodes under them could not be drained"
        else:
            text = f"{wants}, and {wanted} would be left: it would be broken for good"
        found.append(Caution(code=CODE, text=text))
    return (*found, *_unmet(budgets))


def of_rollout(live: Mapping[str, Any], budgets: Sequence[Budget]) -> tuple[Caution, ...]:
    """Budgets that the rollout does not keep."""
    running, down, found = objects.running(live), strategy.at_once(live), []
    for budget in budgets:
        least = _least(budget, running)
        if _alone(budget, running) and running - down < least <= running:
            wants = f"disruption budget {budget.name} wants at least {least} available"
            text = f"{wants}, and this rollout takes {down} of {running} down at a time: no rollout heeds a budget"
            found.append(Caution(code=CODE, text=text))
    return (*found, *_unmet(budgets))


def _unmet(budgets: Sequence[Budget]) -> list[Caution]:
    """Those that do not hold even now."""
    unmet = (each for each in budgets if each.healthy < each.desired)
    said = (f"disruption budget {each.name} is not met now: {each.healthy} of {each.desired} healthy" for each in unmet)
    return [Caution(code=CODE, text=text) for text in said]


def _least(budget: Budget, total: int) -> int:
    """How many it wants available out of so many; percentages are rounded up, as the controller does."""
    if budget.minimum is not None:
        return strategy.share(budget.minimum, total, ceil)
    return total - strategy.share(budget.unavailable or 0, total, ceil)


def _alone(budget: Budget, pods: int) -> bool:
    """Whether it is about these pods alone: of one that covers other workloads, too, the numbers say nothing here."""
    return budget.expected in (0, pods)
