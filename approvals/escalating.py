"""Whom today's policy wants for a request, the groups of its escalation included once it came. Pure."""

from __future__ import annotations

from approvals.request import Request, Requirement
from approvals.verdict import NeedsApproval, Verdict


def wanted(request: Request, verdict: Verdict) -> tuple[Requirement, ...]:
    """What today's policy wants; open to the groups of its escalation where that came in its time."""
    if not isinstance(verdict, NeedsApproval):
        return ()
    escalation, at = verdict.escalation, request.escalated_at
    if escalation is None or at is None or at < request.created_at + escalation.after:
        return verdict.requirements
    return opened(verdict.requirements, escalation.groups)


def opened(requirements: tuple[Requirement, ...], groups: tuple[str, ...]) -> tuple[Requirement, ...]:
    """The same places, which members of these groups may fill too."""
    return tuple(requirement.model_copy(update={"also": groups}) for requirement in requirements)
