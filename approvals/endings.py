"""How a request ends before it runs: its time is up, or the policy is another one by now. Pure."""

from __future__ import annotations

from datetime import datetime

from approvals.moves import Move
from approvals.policy_model import Policy
from approvals.request import Event, Request, State
from approvals.verdict import Allowed, NeedsApproval

CHANGED_POLICY = "The policy changed since this plan was made. Ask again to have it judged by the one that holds now."
CHANGED_CHARTER = "Another policy or catalogue came into force meanwhile. Say `policy` to see what is held back now."


def due(request: Request, now: datetime) -> Move | None:
    """Expiry: one limit for approving, another for starting (A6)."""
    limit = {State.WAITING: request.approve_by, State.READY: request.run_by}.get(request.state)
    return None if limit is None or now < limit else expired(request, now)


def too_late(request: Request, now: datetime, verdict: Allowed | NeedsApproval) -> Move | None:
    """The same by today's verdict and the moments that the log has, whatever limits the table holds (A6)."""
    if request.state is State.WAITING and isinstance(verdict, NeedsApproval):
        limit = request.created_at + verdict.approve_within
    else:
        limit = max([d.at for d in request.decisions if d.approve], default=request.created_at) + verdict.run_within
    return None if now < limit else expired(request, now)


def expired(request: Request, now: datetime) -> Move:
    """It waited too long."""
    waited = "for approval" if request.state is State.WAITING else "to be started after its approval"
    reason = f"It waited too long {waited}. Ask again to get a fresh preview."
    return end("request.expired", Event.EXPIRE, now, reason)


def other_policy(request: Request, now: datetime, policy: Policy) -> Move | None:
    """What was planned under another policy goes stale (A1)."""
    if request.plan.policy_version == policy.version:
        return None
    return end("request.stale", Event.OUTDATE, now, CHANGED_POLICY)


def other_charter(now: datetime) -> Move:
    """What would change a policy or catalogue that is not in force any more goes stale, too (A9)."""
    return end("request.stale", Event.OUTDATE, now, CHANGED_CHARTER)


def end(kind: str, event: Event, now: datetime, reason: str) -> Move:
    """The move that ends it for this reason."""
    return Move(kind, event, changes={"reason": reason, "finished_at": now}, data={"reason": reason})
