"""Turning a key: who may, for what, and what a decision does. Pure rulings, evaluated inside the transaction (A3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from actions.errors import TwokeyError
from approvals import endings, quorum
from approvals.actor import Actor, same
from approvals.moves import Move
from approvals.policy_model import Policy
from approvals.quorum import Groups
from approvals.request import Decision, Event, Request, State
from approvals.verdict import Forbidden
from approvals.view import View, judge


class DecisionRefused(TwokeyError):
    """That decision does not count."""


@dataclass(frozen=True)
class Ballot:
    """What somebody clicked: for which digest, and which way."""

    digest: str
    actor: Actor
    approve: bool
    reason: str = ""


def on_ballot(request: Request, now: datetime, view: View, ballot: Ballot) -> Move:
    """Count a decision (A1–A6). Raises DecisionRefused with the explanation for the one who clicked."""
    _check_ballot(request, view, ballot)
    late = endings.due(request, now)
    if late:
        return late
    if any(same(decision.approver, ballot.actor) for decision in request.decisions):
        raise DecisionRefused("You have already decided on this one, and a decision stays.")
    if not quorum.eligible(request.requirements, ballot.actor, view.groups):
        raise DecisionRefused(f"This one needs {quorum.say(request.requirements)}, and you are not among them.")
    return _approve(request, now, view, ballot) if ballot.approve else _deny(request, now, ballot)


def on_withdrawal(request: Request, now: datetime, actor: Actor) -> Move:
    """The requester takes it back while it waits. Raises DecisionRefused."""
    if not same(request.requester, actor):
        raise DecisionRefused("Only the person who asked can withdraw this. You can deny it if you may approve it.")
    if request.state is not State.WAITING:
        raise DecisionRefused(_too_late(request))
    return endings.due(request, now) or Move(
        "request.withdrawn", Event.WITHDRAW, actor, {"reason_by": actor, "finished_at": now, "reason": "withdrawn"}
    )


def could_approve(request: Request, candidate: Actor, groups: Groups) -> bool:
    """Whether this person's approval would bring the request closer to running."""
    if same(candidate, request.requester) or any(same(candidate, d.approver) for d in request.decisions):
        return False
    given = [decision.approver for decision in request.decisions if decision.approve]
    before = quorum.missing(request.requirements, given, groups)
    return quorum.missing(request.requirements, [*given, candidate], groups) != before


def _check_ballot(request: Request, view: View, ballot: Ballot) -> None:
    if ballot.digest != request.plan.digest:
        raise DecisionRefused("That card shows another plan than the one that waits here. Look at the newest card.")
    if ballot.actor not in view.people:
        raise DecisionRefused("Only a full member of this workspace can turn a key, not an app and not a guest.")
    if same(ballot.actor, request.requester):
        if not ballot.approve:
            raise DecisionRefused("You asked for this one yourself: withdraw it instead.")
        who = quorum.say(request.missing)
        raise DecisionRefused(f"You asked for this one, so somebody else has to turn the second key: {who}.")
    stoppable = {State.WAITING} if ballot.approve else {State.WAITING, State.READY}
    if request.state not in stoppable:
        raise DecisionRefused(_too_late(request))


def _approve(request: Request, now: datetime, view: View, ballot: Ballot) -> Move:
    outdated = endings.other_policy(request, now, view.policy)
    if outdated:
        return outdated
    verdict = judge(view, request.plan.action, request.requester, now)
    if isinstance(verdict, Forbidden):
        raise DecisionRefused(verdict.say)
    if not could_approve(request, ballot.actor, view.groups):
        raise DecisionRefused(f"Your group has approved enough; what is missing is {quorum.say(request.missing)}.")
    given = [decision.approver for decision in request.decisions if decision.approve]
    left = quorum.missing(request.requirements, [*given, ballot.actor], view.groups)
    changes: dict[str, object] = {"missing": left}
    if not left:
        changes["run_by"] = now + verdict.run_within
    return Move(
        "request.approved",
        None if left else Event.APPROVE,
        ballot.actor,
        changes,
        _ballot_data(ballot, view.policy),
        _decision(request, now, ballot),
    )


def _deny(request: Request, now: datetime, ballot: Ballot) -> Move:
    """A deny ends it, also when the last approval came first and it has not started yet (A5)."""
    event = Event.DENY if request.state is State.WAITING else Event.REFUSE
    reason = ballot.reason or "denied"
    changes = {"reason": reason, "reason_by": ballot.actor, "finished_at": now}
    data: dict[str, JsonValue] = {"digest": ballot.digest, "reason": ballot.reason}
    return Move("request.denied", event, ballot.actor, changes, data, _decision(request, now, ballot))


def _ballot_data(ballot: Ballot, policy: Policy) -> dict[str, JsonValue]:
    return {"digest": ballot.digest, "policy": policy.version, "reason": ballot.reason}


def _decision(request: Request, now: datetime, ballot: Ballot) -> Decision:
    return Decision(
        request_id=request.id,
        digest=ballot.digest,
        approver=ballot.actor,
        approve=ballot.approve,
        at=now,
        reason=ballot.reason,
    )


def _too_late(request: Request) -> str:
    done = {
        State.READY: "It is approved already and about to start.",
        State.RUNNING: "It is running already. You can stop watching it, or undo it afterwards.",
        State.DENIED: "Somebody denied it before you.",
        State.EXPIRED: "It has expired. Ask again to get a fresh preview.",
        State.WITHDRAWN: "It was withdrawn by the person who asked.",
        State.STALE: "The target or the policy moved since this preview. Ask again to get a fresh one.",
        State.REFUSED: "It was refused, so there is nothing left to decide.",
    }
    return done.get(request.state, f"It is over already: {request.state.value}.")
