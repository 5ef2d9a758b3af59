"""A request on its way: its states, and the pure rules by which it moves."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import JsonValue

from actions.errors import TwokeyError
from actions.outcome import Outcome, Step
from actions.plan import Plan
from actions.terms import Value
from approvals.actor import Actor


class State(StrEnum):
    """Where a request is. DESIGN 2 names the transitions."""

    PROPOSED = "proposed"
    WAITING = "waiting"  # for approvals
    READY = "ready"  # approved, not yet started
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"  # its guard tripped, and took it back as was approved with it
    UNKNOWN = "unknown"  # started, and its effect could not be read back yet
    REFUSED = "refused"  # the policy forbids it
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    STALE = "stale"  # the target moved
    ADOPTED = "adopted"  # a policy that came into force with its last approval (A9)

    @property
    def final(self) -> bool:
        """Whether nothing can follow."""
        return self not in {State.PROPOSED, State.WAITING, State.READY, State.RUNNING, State.UNKNOWN}


class Event(StrEnum):
    """What moves a request."""

    WAIT = "wait"  # the policy wants approvals
    ALLOW = "allow"  # the policy wants none
    REFUSE = "refuse"  # the policy forbids it, now or by the time it would run
    APPROVE = "approve"  # the last approval that was needed
    BREAK_GLASS = "break_glass"  # an emergency: it runs without its approvals (A10)
    ADOPT = "adopt"  # the last approval of a policy, which comes into force with it (A9)
    DENY = "deny"
    EXPIRE = "expire"
    WITHDRAW = "withdraw"
    OUTDATE = "outdate"  # the target or the policy moved since the preview
    START = "start"
    SUCCEED = "succeed"
    FAIL = "fail"
    TAKE_OVER = "take_over"  # another runner watches on for one that is gone
    TRIP = "trip"  # its guard's limit was reached: the rollback that the plan declares begins
    ROLL_BACK = "roll_back"  # and is done
    LOSE = "lose"  # started, and what became of it cannot be told


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.PROPOSED, Event.WAIT): State.WAITING,
    (State.PROPOSED, Event.ALLOW): State.READY,
    (State.PROPOSED, Event.REFUSE): State.REFUSED,
    (State.WAITING, Event.APPROVE): State.READY,
    (State.WAITING, Event.BREAK_GLASS): State.READY,
    (State.WAITING, Event.ADOPT): State.ADOPTED,
    (State.WAITING, Event.DENY): State.DENIED,
    (State.WAITING, Event.EXPIRE): State.EXPIRED,
    (State.WAITING, Event.WITHDRAW): State.WITHDRAWN,
    (State.WAITING, Event.OUTDATE): State.STALE,
    (State.READY, Event.START): State.RUNNING,
    (State.READY, Event.EXPIRE): State.EXPIRED,
    (State.READY, Event.REFUSE): State.REFUSED,
    (State.READY, Event.OUTDATE): State.STALE,
    (State.RUNNING, Event.SUCCEED): State.SUCCEEDED,
    (State.RUNNING, Event.FAIL): State.FAILED,
    (State.RUNNING, Event.TAKE_OVER): State.RUNNING,  # as long as its guard has not tripped: the same
    (State.RUNNING, Event.TRIP): State.RUNNING,  # once: `warrant.require_declared`
    (State.RUNNING, Event.ROLL_BACK): State.ROLLED_BACK,
    (State.RUNNING, Event.LOSE): State.UNKNOWN,
    # Only by reading the cluster back, never by a blind retry (E1).
    (State.UNKNOWN, Event.SUCCEED): State.SUCCEEDED,
    (State.UNKNOWN, Event.FAIL): State.FAILED,
    (State.UNKNOWN, Event.ROLL_BACK): State.ROLLED_BACK,
}
"""Every step a request can take (DESIGN 2). What is not here is impossible."""


class IllegalMove(TwokeyError):
    """A request cannot go that way from where it is."""


def advance(state: State, event: Event) -> State:
    """Where this event leads. Raises IllegalMove where it leads nowhere."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalMove(f"A request that is {state} cannot {event}.") from None


class Requirement(Value):
    """So many approvals from the members of one group (None: any person other than the requester)."""

    group: str | None
    count: int
    also: tuple[str, ...] = ()  # groups whose members may fill these places too, since it was escalated


class Delegation(Value):
    """Until then, `taker` may turn the key of `giver`."""

    giver: Actor
    taker: Actor
    since: datetime
    until: datetime

    @property
    def length(self) -> timedelta:
        return self.until - self.since


class Decision(Value):
    """One person's turn of the key, for exactly one digest."""

    request_id: str
    digest: str
    approver: Actor
    approve: bool
    at: datetime
    reason: str = ""
    lent_by: Actor | None = None  # whose key it was, where it was handed over to the approver

    @property
    def key(self) -> Actor:
        """Whose key was turned."""
        return self.lent_by or self.approver


class Emergency(Value):
    """The glass was broken for this request: who, when and why (A10)."""

    by: Actor
    at: datetime
    reason: str


class Review(Value):
    """Somebody else looked afterwards at what was done in an emergency."""

    by: Actor
    at: datetime
    note: str


class Request(Value):
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
    remind_at: datetime | None = None  # while it waits: when its approvers are reminded
    reminded_at: datetime | None = None
    escalate_at: datetime | None = None  # and when other groups are asked too
    escalate_to: tuple[str, ...] = ()
    escalated_at: datetime | None = None
    run_by: datetime | None = None
    finished_at: datetime | None = None
    reason: str = ""  # why it was refused, denied, expired, went stale
    reason_by: Actor | None = None  # who denied or withdrew it
    emergency: Emergency | None = None
    review: Review | None = None
    step: Step | None = None  # how far a running one is; not part of the audit log
    outcome: Outcome | None = None  # its evidence is read apart: Ledger.evidence
    fence: int = 0  # grows with every hold of it: whoever runs it under an older one has lost it
    runner: str | None = None  # who runs it, and until when that counts as alive
    lease_until: datetime | None = None
    rev: int = 0  # grows with every change, steps included
