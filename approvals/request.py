"""A request on its way: its states, and the pure rules by which it moves."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, JsonValue

from actions.outcome import Outcome, Step
from actions.plan import Plan
from approvals.actor import Actor


class State(StrEnum):
    """Where a request is. DESIGN 2 names the transitions."""

    PROPOSED = "proposed"
    WAITING = "waiting"  # for approvals
    READY = "ready"  # approved, not yet started
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"  # started, and its effect could not be read back yet
    REFUSED = "refused"  # the policy forbids it
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    STALE = "stale"  # the target moved

    @property
    def final(self) -> bool:
        """Whether nothing can follow."""
        return self not in {State.PROPOSED, State.WAITING, State.READY, State.RUNNING, State.UNKNOWN}


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Requirement(_Value):
    """So many approvals from the members of one group (None: any person other than the requester)."""

    group: str | None
    count: int


class Decision(_Value):
    """One person's turn of the key, for exactly one digest."""

    request_id: str
    digest: str
    approver: Actor
    approve: bool
    at: datetime
    reason: str = ""


class Request(_Value):
    """One proposed plan on its way, as the ledger holds it."""

    id: str
    plan: Plan
    requester: Actor
    origin: dict[str, JsonValue]  # where it was asked; opaque here (the bot's channel, thread and words)
    state: State
    rule: str  # the policy's rule that judged it
    requirements: tuple[Requirement, ...] = ()
    missing: tuple[Requirement, ...] = ()  # what is still needed
    decisions: tuple[Decision, ...] = ()
    created_at: datetime
    approve_by: datetime | None = None
    run_by: datetime | None = None
    finished_at: datetime | None = None
    reason: str = ""  # why it was refused, denied, expired, went stale
    reason_by: Actor | None = None  # who denied or withdrew it
    step: Step | None = None  # how far a running one is; not part of the audit log
    outcome: Outcome | None = None  # without evidence: that went to the thread
    rev: int = 0  # grows with every change, steps included
